"""Licences for machines: the Hugging Face Hub's short names, and the addresses of licence texts."""

from __future__ import annotations

import re

OTHER = "other"
_CC = re.compile(r"CC[ -](BY(?:-(?:NC-SA|NC-ND|NC|SA|ND))?)[ -](1\.0|2\.0|2\.5|3\.0|4\.0)", re.IGNORECASE)
_NAMED = {
    "mit": re.compile(r"MIT( licen[cs]e)?", re.IGNORECASE),
    "apache-2.0": re.compile(r"Apache([ -]licen[cs]e)?,?[ -](version )?2\.0", re.IGNORECASE),
    "cc0-1.0": re.compile(r"CC0([ -]1\.0)?", re.IGNORECASE),
}


def short_name(licence: str) -> str:
    """The Hub's name of a licence (huggingface.co/docs/hub/repositories-licenses), or "other"."""
    for name, pattern in _NAMED.items():
        if pattern.fullmatch(licence.strip()):
            return name
    found = _CC.fullmatch(licence.strip())
    if not found:
        return OTHER
    return f"cc-{found[1].lower()}-{found[2]}"


def page(licence: str) -> str:
    """The address of a licence's text; for an unknown licence, its own words."""
    name = short_name(licence)
    match name.split("-"):
        case ["cc", *terms, version]:
            return f"https://creativecommons.org/licenses/{'-'.join(terms)}/{version}/"
        case ["cc0", _]:
            return "https://creativecommons.org/publicdomain/zero/1.0/"
        case ["mit"]:
            return "https://opensource.org/license/mit"
        case ["apache", _]:
            return "https://www.apache.org/licenses/LICENSE-2.0"
    return licence
