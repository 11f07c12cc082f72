"""A Dask cluster as the engine: one scheduler and two workers here, for all tests of this file."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from curate import cli
from curate.basics import cluster
from curate.basics.cluster import Cluster, ClusterError
from curate.basics.errors import InputError
from curate.crop import crop
from curate.data.dataset import Dataset
from curate.options.crop import CropOptions
from tests.folders import content

distributed = pytest.importorskip("distributed", reason="the extra `cluster` is not installed")


@pytest.fixture(scope="module", autouse=True)
def _environment() -> Iterator[None]:
    """Dask's own clusters set OMP_NUM_THREADS here, and with it what the processes of later tests give."""
    with mock.patch.dict(os.environ):
        yield


@pytest.fixture(scope="module")
def there() -> Iterator[Any]:
    """The cluster that Dask's own commands would start."""
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": ":0"}
    with distributed.LocalCluster(**options) as made:
        yield made


@pytest.fixture
def engine(there: Any) -> Iterator[Cluster]:
    told: list[str] = []
    there.wait_for_workers(2)  # a test before may have killed one
    engine = Cluster(there.scheduler_address, tell=told.append)
    yield engine
    engine.close()
    assert told[:1] == [] or "2 workers; dashboard: http" in told[0]


def double(number: int) -> int:
    return 2 * number


def refuses(number: int) -> int:
    raise InputError(f"{number}.png", "no image")


def dies_once(number: int, mark: Path) -> int:
    """Kills its worker at 5, the first time."""
    if number == 5 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return 2 * number


@pytest.mark.parametrize("total", [100, None], ids=["in groups", "one by one"])
def test_results_come_in_order_with_a_bounded_number_in_flight(engine: Cluster, total: int | None) -> None:
    drawn = []

    def items() -> Iterator[int]:
        for number in range(100):
            drawn.append(number)
            yield number

    results = engine.map(double, items(), total=total)
    assert next(results) == 0
    assert len(drawn) < 70
    assert list(results) == [2 * number for number in range(1, 100)]


def test_an_error_of_ours_comes_back_as_it_is(engine: Cluster) -> None:
    with pytest.raises(InputError, match=r"0\.png: no image"):
        list(engine.map(refuses, range(3), total=3))


def test_a_worker_that_dies_is_replaced_and_its_work_done_again(engine: Cluster, tmp_path: Path) -> None:
    results = engine.map(partial(dies_once, mark=tmp_path / "died"), range(20), total=20)
    assert list(results) == [2 * number for number in range(20)]
    assert (tmp_path / "died").exists()


def test_a_stage_leaves_the_same_bytes(
    engine: Cluster, drawn_dataset: Path, tmp_path: Path, store: Any
) -> None:
    """Of a dataset with a picture that cannot be read."""
    samples = list(Dataset(drawn_dataset))
    pictures = {sample.image: (drawn_dataset / sample.image).read_bytes() for sample in samples}
    given = store(tmp_path / "given", samples, {})
    for name, data in pictures.items():
        (given / name).parent.mkdir(exist_ok=True)
        (given / name).write_bytes(data if name != samples[3].image else b"no picture")
    options = CropOptions(size=32)
    crop(given, tmp_path / "here", options, quiet=True)
    made = crop(given, tmp_path / "there", options, engine=engine, quiet=True)
    assert made.quarantined == 1
    assert content(tmp_path / "there") == content(tmp_path / "here")


def test_a_worker_of_another_version_is_refused_by_name(
    engine: Cluster, there: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "VERSION", "9.9")
    workers = "|".join(there.scheduler_info["workers"])
    with pytest.raises(
        ClusterError, match=rf"worker ({workers}) has .*; this machine has hand-curate 9\.9, Python"
    ):
        next(engine.map(double, [1]))


def test_a_folder_that_a_worker_does_not_see_is_refused(
    engine: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("here")
    engine.require_shared([tmp_path, tmp_path / "file"])
    monkeypatch.setattr(cluster, "_seen", lambda _path: "what is only here")
    with pytest.raises(ClusterError, match=r"file: the worker tcp://.* does not see the same content there"):
        engine.require_shared([tmp_path / "file"])


def test_a_lost_scheduler_is_told_and_the_same_command_goes_on(drawn_dataset: Path, tmp_path: Path) -> None:
    options = CropOptions(size=32)
    crop(drawn_dataset, tmp_path / "here", options, quiet=True)
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=":0") as short_lived:
        engine = Cluster(short_lived.scheduler_address)
        results = engine.map(double, range(1000), total=None)
        assert next(results) == 0
    with pytest.raises(ClusterError, match=r"the scheduler was lost; the same command resumes from here"):
        list(results)
    engine.close()
    crop(drawn_dataset, tmp_path / "there", options, quiet=True)
    assert content(tmp_path / "there") == content(tmp_path / "here")


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("local:0", "'local:0'; allowed: the address of a Dask scheduler"),
        ("local:x", "'local:x'; allowed: the address of a Dask scheduler"),
        ("nonsense://there", "nonsense://there: no cluster to work on"),
    ],
)
def test_what_is_no_cluster_is_refused_in_a_line(
    address: str, told: str, drawn_dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["crop", str(drawn_dataset), "--out", str(tmp_path / "o"), "--cluster", address]
    assert cli.main(line) == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / "o").exists()


def test_workers_that_cannot_be_started_here_are_told_in_a_line(
    drawn_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr("distributed.nanny.WorkerProcess.start", full)
    line = ["crop", str(drawn_dataset), "--out", str(tmp_path / "o"), "--cluster", "local:1"]
    assert cli.main(line) == 2
    told = capsys.readouterr().err
    assert told.startswith(
        "curate crop: local:1: no cluster to work on (OSError: [Errno 24] Too many open files)"
    )
    assert told.count("\n") == 1


def test_workers_beside_a_cluster_are_refused(
    drawn_dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = [
        "crop",
        str(drawn_dataset),
        "--out",
        str(tmp_path / "o"),
        "--cluster",
        "local:1",
        "--workers",
        "3",
    ]
    assert cli.main(line) == 2
    assert "--workers: 3, beside --cluster" in capsys.readouterr().err
    assert not (tmp_path / "o").exists()


def test_a_cluster_started_here_has_the_workers_asked_for_and_leaves_the_environment_as_it_was() -> None:
    before = dict(os.environ)
    told: list[str] = []
    engine = Cluster("local:1", tell=told.append)
    assert engine.workers == 1
    assert told[0].startswith("cluster: 1 worker;")
    assert list(engine.map(double, range(3), total=3)) == [0, 2, 4]
    engine.close()
    assert dict(os.environ) == before
