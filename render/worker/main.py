"""The loop that renders one shot after another inside Blender, as its owner asks; knows nothing of scenes.

    INTERPRETER -I render/worker/main.py [--core N]
    blender --background --factory-startup --python render/worker/main.py -- [--core N]

It reads requests, one JSON object a line, from stdin: {"shot": PATH, "out": PATH}. It answers in lines that
start with MARK, on what was its stdout; from then on Blender's own prints go to stderr.

    {"ready": {"blender": VERSION}}  once
    {"beat": CPU seconds}            each second
    {"done": CPU seconds}            the file stands at "out"
    {"failed": reason}               it could not be rendered

Requests wait their turn, so the owner sends the next one early. The process ends when stdin does, when its
owner dies, or with SIGTERM or SIGINT after the image it is at.
"""

from __future__ import annotations

import ctypes
import importlib.util
import json
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

MARK = "@curate "
_BEAT = 1.0
_REASON = 1000  # characters
_PR_SET_PDEATHSIG = 1

Render = Callable[[str, str], None]


def main(load: Callable[[], tuple[str, Render]]) -> None:
    """Serve until the end of stdin.

    Parameters
    ----------
    load: imports what is slow; returns Blender's version and what renders (shot path, path of the result).
    """
    _end_with_owner()
    _pin(sys.argv)
    answer = _take_stdout()
    requests: queue.SimpleQueue[str] = queue.SimpleQueue()
    ending = threading.Event()

    def end(*_: object) -> None:
        ending.set()
        requests.put("")  # wakes the loop

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    threading.Thread(target=_read, args=(requests,), daemon=True).start()
    threading.Thread(target=_beat, args=(answer,), daemon=True).start()
    version, render = load()
    answer({"ready": {"blender": version}})
    while line := requests.get():
        if ending.is_set():
            break
        request = json.loads(line)
        started = time.process_time()
        try:
            render(request["shot"], request["out"])
        except Exception as error:
            traceback.print_exc()
            answer({"failed": f"{type(error).__name__}: {error}"[:_REASON]})
        else:
            answer({"done": round(time.process_time() - started, 4)})


def _end_with_owner() -> None:
    """The end of stdin tells, too, but not while stdin is held open by somebody else's copy of it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _pin(arguments: list[str]) -> None:
    """Stay on one core: OpenImageDenoise starts a thread for each it may use, whatever Blender is told."""
    if "--core" in arguments and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(arguments[arguments.index("--core") + 1])})


def _take_stdout() -> Callable[[dict[str, Any]], None]:
    """Keep stdout for answers, and send whatever else is printed there to stderr."""
    sys.stdout.flush()
    private = os.dup(1)
    os.dup2(2, 1)

    def answer(message: dict[str, Any]) -> None:
        # One write a line: shorter than a pipe's buffer, it is not mixed with the heart beat's.
        os.write(private, f"{MARK}{json.dumps(message)}\n".encode())

    return answer


def _read(requests: queue.SimpleQueue[str]) -> None:
    for line in sys.stdin:
        requests.put(line)
    os._exit(0)  # nobody waits for what is being rendered


def _beat(answer: Callable[[dict[str, Any]], None]) -> None:
    while True:
        time.sleep(_BEAT)
        answer({"beat": round(time.process_time(), 3)})


def _load() -> tuple[str, Render]:
    """bpy and our scene. Only `render` is added to what this interpreter can import: the rest is its own."""
    package = Path(__file__).resolve().parents[1]
    spec = importlib.util.spec_from_file_location(
        "render", package / "__init__.py", submodule_search_locations=[str(package)]
    )
    assert spec is not None
    assert spec.loader is not None
    sys.modules["render"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["render"])
    import bpy

    from render.worker import scene

    return bpy.app.version_string, scene.render


if __name__ == "__main__":
    main(_load)
