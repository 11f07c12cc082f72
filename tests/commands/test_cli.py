"""The command line: help for everything, exit codes, and a quick start."""

import json
import shlex
import shutil
import subprocess
import sys
from concurrent.futures import BrokenExecutor
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

import curate
from curate import cli
from curate.commands import demo
from curate.commands.console import say


def test_every_command_is_listed_with_help_and_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    overview = capsys.readouterr().out
    for name in cli.COMMANDS:
        assert f"    {name}" in overview
        with pytest.raises(SystemExit) as stop:
            cli.main([name, "--help"])
        assert stop.value.code == 0
        told = capsys.readouterr().out
        assert f"  curate {name} " in told
        assert "%%" not in told


HELP = """
import sys
from contextlib import redirect_stdout, suppress
from io import StringIO

before = set(sys.modules)
from curate import cli

actions = [("review", action) for action in ("build", "apply", "agreement", "open-labelme")]
for line in [(), *((name,) for name in cli.COMMANDS), *actions]:
    with suppress(SystemExit), redirect_stdout(StringIO()):
        cli.main([*line, "--help"])
    files = (getattr(sys.modules[name], "__file__", None) or "" for name in set(sys.modules) - before)
    installed = {file.partition("site-packages/")[2].partition("/")[0] for file in files}
    print(" ".join(line), *sorted(installed - {"", "curate", "converters", "qa", "render"}), sep=",")
"""


def test_help_loads_no_package_that_is_installed_beside_ours() -> None:
    """All in one process: what one command's help loads, all that come after it have, too."""
    ran = subprocess.run([sys.executable, "-c", HELP], capture_output=True, text=True, check=True)
    lines = ran.stdout.splitlines()
    assert len(lines) == 1 + len(cli.COMMANDS) + 4
    assert [line for line in lines if "," in line] == []


@pytest.mark.parametrize("command", ["train-baseline", "train --network figure12"])
@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("missing", "no such folder"),
        ("empty", "not a dataset (it has no dataset.json)"),
        ("dataset", "a dataset, but no training set"),
    ],
)
def test_training_on_what_is_no_training_set_is_refused_before_torch_is_loaded(
    command: str, kind: str, told: str, drawn_dataset, tmp_path
) -> None:
    (tmp_path / "empty").mkdir()
    given = drawn_dataset if kind == "dataset" else tmp_path / kind
    line = [*command.split(), str(given), "--out", str(tmp_path / "run")]
    script = f"import sys; from curate import cli; print(cli.main({line!r}), 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "2 False\n"
    assert len(done.stderr.splitlines()) == 1
    assert told in done.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("evaluate RUN SET", "SET: no such folder"),
        ("evaluate RUN DATASET", "RUN: not the folder of a run"),
        ("predict RUN PHOTO --out OUT", "RUN: not the folder of a run"),
        ("predict RUN EMPTY --out OUT", "RUN: not the folder of a run"),
        ("predict EMPTY --out OUT", "no photo"),
        ("autotag SET --tagger RUN --out OUT", "SET: no such folder"),
    ],
)
def test_what_a_run_is_to_look_at_is_checked_before_torch_is_loaded(
    line: str, told: str, drawn_dataset, tmp_path
) -> None:
    (tmp_path / "EMPTY").mkdir()
    words = [str(tmp_path / word) if word.isupper() else word for word in line.split()]
    words = [str(drawn_dataset) if word.endswith("DATASET") else word for word in words]
    script = f"import sys; from curate import cli; print(cli.main({words!r}), 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "2 False\n"
    assert told in done.stderr


@pytest.mark.parametrize("arguments", [[], ["frobnicate"], ["convert", "vhs", "x", "--out", "y"]])
def test_usage_errors_exit_with_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main(arguments)
    assert stop.value.code == 2


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("evalute run set", "curate: no command 'evalute'; did you mean evaluate?"),
        ("frobnicate", "curate: no command 'frobnicate'; allowed: convert, autotag, "),
        ("--verion", "curate: no option '--verion'; did you mean --version?"),
        ("qa d --otu q", "curate qa: no option '--otu'; did you mean --out?"),
        ("crop d --outt=c", "curate crop: no option '--outt'; did you mean --out?"),
        ("build d --out s --siz 96", "curate build: no option '--siz'; did you mean --size?"),
        ("qa d --out q --part 1/2", "curate qa: no option '--part'; for help: curate qa --help"),
        ("crop d --out c --xyzzy 3", "curate crop: no option '--xyzzy'; for help: curate crop --help"),
        ("crop d e --out c", "curate crop: unexpected argument 'e'"),
        (
            "background d --backgrounds white --backgrounds noise --out b",
            "--backgrounds: given twice, the second time as 'noise'; allowed: once",
        ),
        ("select d --where a=1 --out b --where b=2", "--where: given twice, the second time as 'b=2'"),
        ("crop d --out c --workers some", "'some'; allowed: a whole number, 1 or more"),
        ("convert coc x --out y", "curate convert: no format 'coc'; did you mean coco?"),
        ("export d --to COCO --out y", "curate export: no --to 'COCO'; did you mean coco?"),
        ("export d --to labelm --out y", "curate export: no --to 'labelm'; did you mean labelme?"),
        ("review bild d", "curate review: no action 'bild'; did you mean build?"),
        ("review build d --qas q --out r", "curate review build: no option '--qas'; did you mean --qa?"),
        ("convert coco", "curate convert: the following arguments are required: SRC, --out"),
    ],
)
def test_a_wrong_command_line_is_one_line_with_what_was_meant(
    line: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main(line.split())
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 1
    assert told in error


def test_a_folder_where_the_format_should_be_is_told_by_their_order(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "my photos").mkdir()
    with pytest.raises(SystemExit):
        cli.main(["convert", str(tmp_path / "my photos"), "images", "--out", str(tmp_path / "d")])
    told = capsys.readouterr().err
    assert "which is a file or folder here; the format comes before it: curate convert FORMAT SRC;" in told


def test_qa_of_nothing_names_what_is_missing_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["qa", "--out", "q"]) == 2
    assert capsys.readouterr().err.startswith("curate qa: D: not given; curate qa D --out QA")


def test_an_input_error_is_one_line_and_exits_with_2(tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["crop", str(tmp_path / "nothing"), "--out", str(tmp_path / "o")]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert "no such folder" in lines[0]


def test_an_option_of_another_format_is_refused(tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    line = ["convert", "rhd", str(tmp_path), "--out", str(tmp_path / "o"), "--mapping", "m.yaml"]
    assert cli.main(line) == 2
    assert "--mapping: given with rhd; allowed: with labelme" in capsys.readouterr().err


def test_a_bug_is_told_apart_from_bad_input(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    def explode(_: object) -> int:
        raise RuntimeError("boom")

    monkeypatch.setattr(demo, "run", explode)
    assert cli.main(["demo"]) == 101
    assert "this is a bug" in capsys.readouterr().err


def test_an_interrupted_command_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    def interrupt(_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(demo, "run", interrupt)
    assert cli.main(["demo"]) == 130
    assert "resumes from here" in capsys.readouterr().err


def test_an_empty_source_yields_exit_code_2_and_a_remedy(
    tmp_path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    for name in ("labelme", "rhd", "yolo-pose", "coco", "coco-wholebody", "11khands"):
        code = cli.main(["convert", name, str(tmp_path / "empty"), "--out", str(tmp_path / f"out-{name}")])
        assert code == 2, name
        assert len(capsys.readouterr().err.splitlines()) == 1


def test_what_was_not_downloaded_is_told_and_no_failure_unless_strict(
    drawn_dataset, tmp_path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "11k"
    assert cli.main(["export", str(drawn_dataset), "--to", "11khands", "--out", str(source), "--quiet"]) == 0
    line = ["convert", "11khands", str(source), "--out", str(tmp_path / "all"), "--strict"]
    assert cli.main(line) == 0
    assert "not there" not in capsys.readouterr().err  # nothing is absent: not told as 0, and no omission
    next(source.rglob("*.jpg")).unlink()
    line = ["convert", "11khands", str(source), "--out", str(tmp_path / "d")]
    assert cli.main(line) == 0
    told = capsys.readouterr().err
    assert "not there: 1 row without its photo" in told
    assert "no hand is labelled yet" in told
    assert cli.main([*line, "--strict"]) == 1
    (source / "Hands" / "stranger.jpg").write_bytes(next(source.rglob("*.jpg")).read_bytes())
    assert cli.main([*line[:-1], str(tmp_path / "e")]) == 1
    assert "left out: 1 photo without a row" in capsys.readouterr().err


def test_build_tells_how_many_went_to_each_split(
    drawn_dataset, tmp_path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["build", str(drawn_dataset), "--out", str(tmp_path / "t"), "--test", "0.34"]) == 0
    told = capsys.readouterr().err
    assert "splits: 8 test, 16 train" in told
    assert "train-baseline" in told
    split = tmp_path / "split.csv"
    split.write_text("subject_id,split\n0000000,test\n")
    line = ["build", str(drawn_dataset), "--out", str(tmp_path / "u"), "--split", str(split)]
    assert cli.main(line) == 1
    told = capsys.readouterr().err
    assert "splits: 4 test" in told
    assert "nothing to train on" in told


def test_json_is_one_object_on_stdout(drawn_labelme, tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "d"
    assert cli.main(["convert", "labelme", str(drawn_labelme), "--out", str(out), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["samples"] == 4
    assert result["dropped"] == {}


def test_an_export_that_leaves_samples_out_exits_with_1(
    drawn_dataset, tmp_path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "d"
    shutil.copytree(drawn_dataset, data)
    export = ["export", str(data), "--to", "labelme", "--out"]
    assert cli.main([*export, str(tmp_path / "all")]) == 0
    assert "not stored in labelme: subject_id" in capsys.readouterr().err
    next(iter(sorted((data / "images").iterdir()))).unlink()
    for _ in range(2):  # done, and done before
        assert cli.main([*export, str(tmp_path / "some")]) == 1
        assert "left out: sample without an image (1)" in capsys.readouterr().err


def test_an_evaluation_on_what_was_trained_on_says_so_and_exits_with_1(
    drawn_dataset, tmp_path, capsys: pytest.CaptureFixture[str]
) -> None:
    size = ["--size", "32", "--test", "0.34"]
    for seed in ("0", "1"):
        out = str(tmp_path / f"set{seed}")
        assert cli.main(["build", str(drawn_dataset), "--seed", seed, *size, "--quiet", "--out", out]) == 0
    run = str(tmp_path / "run")
    assert cli.main(["train-baseline", str(tmp_path / "set0"), "--out", run, "--epochs", "1", "--quiet"]) == 0
    assert cli.main(["evaluate", run, str(tmp_path / "set0")]) == 0
    assert "flatter" not in capsys.readouterr().err
    assert cli.main(["evaluate", run, str(tmp_path / "set0"), "--split", "train"]) == 0
    assert cli.main(["evaluate", run, str(tmp_path / "set1"), "--out", str(tmp_path / "e")]) == 1
    assert "these figures flatter the run: it was trained on" in capsys.readouterr().err


def test_no_control_character_reaches_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    say("left out: \x1b]0;title\x07\x1b[31mred\r\n  next line\u202e")
    told = capsys.readouterr().err
    assert told == "left out:  ]0;title  [31mred \n  next line \n"


@pytest.mark.parametrize("error", [MemoryError(), BrokenExecutor("a worker ended")])
def test_too_little_memory_is_one_line(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("curate.crop.crop", fail)
    assert cli.main(["crop", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.startswith("curate crop: out of memory; ")


def test_help_of_a_command_is_asked_for_in_two_ways(capsys: pytest.CaptureFixture[str]) -> None:
    shown = []
    for words in (["help", "crop"], ["crop", "--help"], ["help"], ["--help"]):
        with pytest.raises(SystemExit) as stop:
            cli.main(words)
        assert stop.value.code == 0
        shown.append(capsys.readouterr().out)
    assert shown[0] == shown[1] != shown[2] == shown[3]


def test_help_of_review_asks_for_no_training_set(capsys: pytest.CaptureFixture[str]) -> None:
    """Which it would refuse."""
    with pytest.raises(SystemExit):
        cli.main(["review", "build", "--help"])
    assert "a dataset or a training set" not in capsys.readouterr().out


def test_versions_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--version"])
    told = dict(line.split(" ", 1) for line in capsys.readouterr().out.splitlines())
    assert told["hand-curate"] == curate.__version__
    assert told["numpy"] == np.__version__


@pytest.mark.parametrize(("typed", "completed"), [
    ("curate cro", {"crop"}),
    ("curate crop --marg", {"--margin"}),
    ("curate completion ", {"bash", "zsh", "fish"}),
    ("curate crop ta", {"tagged"}),
])  # fmt: skip
def test_bash_completes(typed: str, completed: set[str], tmp_path: Path) -> None:
    (tmp_path / "tagged").mkdir()
    line = [sys.executable, "-m", "curate.cli", "completion", "bash"]
    script = subprocess.run(line, capture_output=True, text=True, check=True).stdout
    words = typed.split(" ")
    ask = (
        'complete() { while [ "$1" != -F ]; do shift; done; ask=$2; builtin complete -F "$2" curate; }\n'
        f"{script}\nCOMP_WORDS=({' '.join(map(shlex.quote, words))}); COMP_CWORD={len(words) - 1}\n"
        f"$ask curate {shlex.quote(words[-1])} {words[-2]}; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    )
    done = subprocess.run(["bash", "-c", ask], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert set(done.stdout.split()) == completed


def test_a_log_keeps_what_was_told(drawn_dataset, tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    assert cli.main(["show", str(drawn_dataset), "--quiet", "--log", str(log)]) == 0
    assert cli.main(["show", str(tmp_path / "no\x1b[31mne"), "--log", str(log)]) == 2
    lines = log.read_text(encoding="utf-8").splitlines()
    times, told = zip(*(line.split(" ", 1) for line in lines), strict=True)
    assert [datetime.fromisoformat(time).tzinfo is not None for time in times] == [True] * len(lines)
    assert told[0] == f"curate show {drawn_dataset} --quiet --log {log}"
    assert told[1] == f"hand-curate {curate.__version__}"
    assert any(line.startswith("  samples: ") for line in told)
    assert [line for line in told if line.startswith("exit")] == ["exit code 0", "exit code 2"]
    assert "no such folder" in told[-2]
    assert "\x1b" not in log.read_text(encoding="utf-8")


def test_a_log_that_cannot_be_written_is_told(
    drawn_dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["show", str(drawn_dataset), "--log", str(tmp_path)]) == 2
    assert f"{tmp_path}: Is a directory" in capsys.readouterr().err
