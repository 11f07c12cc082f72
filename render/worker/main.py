"""The loop that renders one shot after another inside Blender. It knows nothing of scenes.

    INTERPRETER -I render/worker/main.py [--core N]
    blender --background --factory-startup --python render/worker/main.py -- [--core N]

Requests come on stdin, a JSON object a line: {"shot": PATH, "out": PATH}. Answers go to stdout in lines that
start with MARK; whatever else Blender or an add-on prints there goes to stderr instead.

    {"ready": {"blender": VERSION}}  once, at the start
    {"beat": CPU seconds}            each second
    {"done": CPU seconds}            the file is there
    {"failed": reason}               the shot could not be rendered

Requests wait in a queue, so the owner may send one ahead. The process ends with stdin, and after SIGTERM or
SIGINT once the current shot is rendered. `curate.basics.process` makes sure that it ends with its owner.
"""

from __future__ import annotations

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

Render = Callable[[str, str], None]


def main(load: Callable[[], tuple[str, Render]]) -> None:
    """Answer requests until stdin ends.

    Parameters
    ----------
    load: imports what is slow; returns Blender's version, and a function that renders a shot's file into
        another file, given their paths.
    """
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


def _pin(arguments: list[str]) -> None:
    """Keep to one core. OpenImageDenoise takes all cores that it may use, whatever Blender's settings say."""
    if "--core" in arguments and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(arguments[arguments.index("--core") + 1])})


def _take_stdout() -> Callable[[dict[str, Any]], None]:
    """A function that writes answers to stdout. All else that is printed there now goes to stderr."""
    sys.stdout.flush()
    private = os.dup(1)
    os.dup2(2, 1)

    def answer(message: dict[str, Any]) -> None:
        # One write, shorter than a pipe's buffer, so that the thread that beats cannot write into its middle.
        os.write(private, f"{MARK}{json.dumps(message)}\n".encode())

    return answer


def _read(requests: queue.SimpleQueue[str]) -> None:
    for line in sys.stdin:
        requests.put(line)
    os._exit(0)  # at once: nobody waits for what is being rendered


def _beat(answer: Callable[[dict[str, Any]], None]) -> None:
    while True:
        time.sleep(_BEAT)
        answer({"beat": round(time.process_time(), 3)})


def _load() -> tuple[str, Render]:
    """Blender's version, and our scene's `render`. This interpreter gets to know two of our packages, and no
    other that lies beside them."""
    root = Path(__file__).resolve().parents[2]
    for name in ("curate", "render"):
        package = root / name
        spec = importlib.util.spec_from_file_location(
            name, package / "__init__.py", submodule_search_locations=[str(package)]
        )
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    import bpy

    from render.worker import scene

    return bpy.app.version_string, scene.render


if __name__ == "__main__":
    main(_load)
