"""The options that take numbers, on the command line."""

from __future__ import annotations

import pytest

from curate import cli


@pytest.mark.parametrize("text", ["1_0", "٣"])
@pytest.mark.parametrize(
    "line",
    [
        "render --dry-run --angles tilt={}",
        "render --dry-run --size {}",
        "render --dry-run --random 5 --workers {}",
        "render --dry-run --random 5 --part 1/{}",
        "render --dry-run --random 50 --indices {}",
        "render --random 5 --out none --cluster local:{}",
        "build none --out none-too --sigma {}",
        "build none --out none-too --weight drawn={}",
        "show none --seed {}",
    ],
)
def test_no_option_takes_it(
    line: str, text: str, capsys: pytest.CaptureFixture[str], tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    try:
        code = cli.main(line.format(text).split())
    except SystemExit as stop:  # argparse
        code = stop.code
    told = capsys.readouterr().err
    assert code == 2
    assert text in told
    assert "allowed: " in told
