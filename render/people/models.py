"""The hands that can be rendered: names and files -> HandModel records, kept once extracted.

    procedural                drawn from an anatomy, another for each subject; not kept here
    webxr-left, webxr-right   the generic hands of the WebXR input profiles (MIT), fetched with npm
    FILE.yaml                 any .blend, .glb, .gltf or .obj through a mapping; see `render.people.rig`
    FILE.blend, FILE.glb ...  the same, its mapping lying beside it as FILE.yaml
    FILE.npz                  a HandModel

Kept under $HAND_CURATE_CACHE, else $XDG_CACHE_HOME/hand-curate, else ~/.cache/hand-curate. A kept model
is named by a hash of the file, the mapping and the code that extracts it: if one of them changes, the model
is extracted anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tarfile
import tokenize
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import TimeoutExpired

from curate.basics import files, process
from curate.basics.errors import InputError
from curate.hands import kinematics
from render.blender import Blender
from render.hand.model import HandModel
from render.people import rig as rigs

PROCEDURAL = "procedural"
PACKAGE = "@webxr-input-profiles/assets@1.0.20"
_IN_PACKAGE = "package/dist/profiles/generic-hand"
_SCRIPT = Path(__file__).resolve().parents[1] / "worker" / "extract.py"
_FETCH_SECONDS, _EXTRACT_SECONDS = 600, 300


@dataclass(frozen=True, slots=True)
class _Download:
    side: str
    sha256: str

    @property
    def path(self) -> Path:
        return cache() / f"webxr-{self.side}.glb"


_WEBXR = {
    "webxr-left": _Download("left", "bc67783144944ea1cda54d9247885825ea5fb9d4651469fe7d00be517a5c2b87"),
    "webxr-right": _Download("right", "291790c14f7f88a7f9bd35330c47392ed8e8d395ae6728f4bb7089f1bc1f2b96"),
}
# What numpy and zipfile raise on archives and arrays that are damaged.
_BROKEN = (
    *(ValueError, LookupError, TypeError, SyntaxError, EOFError, RuntimeError, ArithmeticError, MemoryError),
    *(zipfile.BadZipFile, zlib.error, tokenize.TokenError),
)
NAMES = (PROCEDURAL, *_WEBXR)


def cache() -> Path:
    """The folder in which models are kept."""
    own = os.environ.get("HAND_CURATE_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(own) if own else Path(base) / "hand-curate"


def prepare(models: Iterable[str], blender: Blender) -> None:
    """Fetch and extract the models that are not kept yet. Raises InputError as `kept`."""
    for model in models:
        if model != PROCEDURAL and not (path := kept(model)).exists():
            extract(find(model), path, blender)


def check(models: Iterable[str]) -> None:
    """Check the user's own models without fetching or extracting any. Raises InputError as `kept`."""
    for model in models:
        if model not in NAMES:
            kept(model)


def kept(model: str) -> Path:
    """The file in which a model, given by its name or path, is kept once `prepare` has made it.

    Raises
    ------
    InputError: no such model, a mapping or a file that cannot be used, no npm to fetch with.
    """
    path = Path(model)
    if path.suffix == ".npz":
        read(path)
        return path.absolute()
    return cache() / f"{path.stem}-{_key(find(model))}.npz"


def read(path: Path) -> HandModel:
    """The model in a file. Raises InputError where it holds none."""
    try:
        return HandModel.read(path)
    except (OSError, *_BROKEN) as error:
        found = f"no hand model ({type(error).__name__}: {' '.join(str(error).split())[:200]})"
        raise InputError(path, found, allowed="an .npz that HandModel.write made") from None


def fingerprint(model: str) -> str:
    """A short hash of what a model's pictures depend on: its file, its mapping, the code that extracts it.

    Raises InputError as `kept`.
    """
    path = Path(model)
    return files.sha256(kept(model))[:16] if path.suffix == ".npz" else _key(find(model))


def find(model: str) -> rigs.Rig:
    """Which file and mapping a model's name or path stands for. Raises InputError as `kept`."""
    if model in _WEBXR:
        download = _WEBXR[model]
        if not download.path.exists():
            fetch()
        return rigs.read(rigs.TEMPLATE, file=download.path, side=download.side)
    path = Path(model)
    if path.suffix.lower() in (".yaml", ".yml"):
        return rigs.read(path)
    if path.suffix.lower() not in rigs.FORMATS:
        allowed = f"{', '.join(NAMES)}, or a .yaml mapping, {', '.join(rigs.FORMATS)} or .npz file"
        raise InputError("--model", repr(model), allowed=allowed)
    if not path.is_file():
        raise InputError("--model", f"{model!r}, no such file")
    mapping = path.with_suffix(".yaml")
    if not mapping.is_file():
        remedy = f"write which bone is which joint there; copy {rigs.TEMPLATE} to begin with"
        raise InputError(path, f"no mapping {mapping.name} beside it", remedy=remedy)
    return rigs.read(mapping, file=path)


def extract(rig: rigs.Rig, out: Path, blender: Blender) -> None:
    """Have Blender make a HandModel, the file `out`. Raises InputError: Blender cannot, and why."""
    with _holding(out.parent) as folder:
        if out.exists():  # made by another while we waited
            return
        job, made = folder / "job.json", folder / "model.npz"
        job.write_text(json.dumps(rig.as_json()), encoding="utf-8")
        command = blender.script(_SCRIPT, os.fspath(job), os.fspath(made))
        try:
            done = process.run(command, seconds=_EXTRACT_SECONDS, temporary=folder)
        except OSError as error:
            raise InputError(blender.path, f"does not start ({error.strerror})") from None
        except TimeoutExpired:
            raise InputError(rig.file, f"Blender did not read it within {_EXTRACT_SECONDS} s") from None
        refusal = made.with_name("model.npz.json")
        if refusal.exists():
            told = json.loads(refusal.read_text(encoding="utf-8"))
            raise InputError(rig.file, told.pop("found"), **told)
        if not made.exists():
            last = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1]
            raise InputError(rig.file, f"Blender could not read it ({last})")
        made.replace(out)


def fetch() -> list[Path]:
    """Get the WebXR hands with npm, checked by their hashes; returns their files.

    Raises
    ------
    InputError: no npm, it fails, or the files are not those that are known.
    """
    with _holding(cache()) as folder:
        missing = [one for one in _WEBXR.values() if not one.path.exists()]
        if missing:
            with tarfile.open(_pack(folder)) as package:
                for one in missing:
                    _take(package, one)
    return [one.path for one in _WEBXR.values()]


@contextmanager
def _holding(folder: Path) -> Iterator[Path]:
    """Lock a folder of models, waiting for other processes; gives an empty folder for work in progress.

    Whatever a killed process left there is removed first.
    """
    import fcntl

    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        files.sweep(folder)
        work = folder / ".work.tmp"
        work.mkdir()
        try:
            yield work
        finally:
            files.remove(work)


def _pack(folder: Path) -> Path:
    """The npm package as npm delivers it (94 MB, of which two files of 94 kB are kept)."""
    wanted = f"{_IN_PACKAGE.removeprefix('package/')}/left.glb and right.glb of {PACKAGE}"
    by_hand = f"install npm, or put {wanted} there as webxr-left.glb and webxr-right.glb"
    npm = shutil.which("npm")
    if npm is None:
        raise InputError(cache(), "holds no WebXR hands, and npm is not there to fetch them", remedy=by_hand)
    command = [npm, "pack", PACKAGE, "--silent", "--pack-destination", os.fspath(folder)]
    try:
        done = process.run(command, seconds=_FETCH_SECONDS, folder=folder)
    except TimeoutExpired:
        raise InputError(cache(), "npm did not fetch the WebXR hands in time", remedy=by_hand) from None
    found = sorted(folder.glob("*.tgz"))
    if done.returncode or not found:
        last = (done.stderr.strip() or "no message").splitlines()[-1]
        raise InputError(cache(), f"npm did not fetch the WebXR hands ({last})", remedy=by_hand)
    return found[0]


def _take(package: tarfile.TarFile, one: _Download) -> None:
    member = f"{_IN_PACKAGE}/{one.side}.glb"
    try:
        stream = package.extractfile(member)
    except KeyError:
        stream = None
    data = b"" if stream is None else stream.read()
    if hashlib.sha256(data).hexdigest() != one.sha256:
        raise InputError(PACKAGE, f"{member} is not what it was", allowed=f"SHA-256 {one.sha256}")
    files.write(one.path, data)


def _key(rig: rigs.Rig) -> str:
    """A hash of everything that an extracted model depends on."""
    parts = {**rig.as_json(), "file": files.sha256(Path(rig.file))}
    if rig.texture:
        parts["texture_content"] = files.sha256(Path(rig.texture))
    parts["code"] = [files.sha256(path) for path in (_SCRIPT, Path(kinematics.__file__))]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
