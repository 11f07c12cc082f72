"""What is installed: four packages of ours, and nobody else's of the same name."""

import inspect
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

import curate
from curate.commands.table import COMMANDS

ROOT = Path(__file__).parents[2]


def test_no_other_distribution_owns_our_package_names() -> None:
    owners = metadata.packages_distributions()
    for name in ("curate", "converters", "render", "qa"):
        assert set(owners.get(name, ["hand-curate"])) == {"hand-curate"}


def test_the_version_is_that_of_the_distribution() -> None:
    assert curate.__version__ == metadata.version("hand-curate")


def test_the_container_takes_along_what_the_wheel_is_made_of() -> None:
    text = (ROOT / "Containerfile").read_text()
    copied = {word for line in text.splitlines() if line.startswith("COPY ") for word in line.split()[1:-1]}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    named = {project["project"]["readme"], *project["project"]["license-files"]}
    assert copied == {"pyproject.toml", "constraints.txt", *named, *wheel}
    extras = set(re.findall(r"/source\[(\w+)\]", text))
    assert extras
    assert extras <= project["project"]["optional-dependencies"].keys()


VERBS = {"autotag", "background", "build", "convert", "crop", "evaluate", "export", "predict", "train"}
VERBS |= {"angles", "diff", "select", "show"}
NOUNS = {"Dataset", "Sample"}
WITHOUT_OPTIONS = {"angles", "diff", "export", "show"}
OPTIONS = {f"{verb.capitalize()}Options" for verb in VERBS - WITHOUT_OPTIONS}


def test_public_names() -> None:
    assert set(curate.__all__) == VERBS | NOUNS | OPTIONS | {"__version__"}
    assert sorted(curate.__all__) == dir(curate)
    for name in NOUNS | OPTIONS:
        assert getattr(curate, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'crops'"):
        curate.crops  # noqa: B018


def test_every_command_is_a_function_in_a_module_of_its_name() -> None:
    rooms = {"render", "qa", "review"}  # packages of their own
    assert set(COMMANDS) - rooms - {"completion", "demo", "train-baseline", "trust"} == VERBS
    for verb in VERBS:
        function = getattr(getattr(curate, verb), verb)
        assert inspect.isfunction(function)
        assert function.__doc__
        options = [p for p in inspect.signature(function).parameters.values() if p.name == "options"]
        assert [p.annotation for p in options] == [
            name for name in OPTIONS if name == f"{verb.capitalize()}Options"
        ]


@pytest.mark.parametrize(
    "first", ["", "import curate.crop", "from curate.crop import crop", "from curate import crop"]
)
def test_a_verb_is_the_same_module_whatever_was_imported_first(first: str) -> None:
    script = f"{first}\nimport curate, curate.crop as m\nprint(curate.crop is m, curate.crop.crop.__name__)"
    assert run(script) == "True crop\n"


def test_importing_the_package_imports_nothing_else() -> None:
    heavy = "{'numpy', 'pyarrow', 'cv2', 'pandas', 'torch', 'rich'}"
    assert run(f"import sys, curate; dir(curate); print({heavy} & set(sys.modules))") == "set()\n"


def run(script: str) -> str:
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
