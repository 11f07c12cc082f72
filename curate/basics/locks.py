"""Locks on a folder: for one command by itself, or for several that each do a share of the same work.

    FOLDER/lock   held by whoever writes: alone, or together with those that do the other shares
    FOLDER/turn   taken in turn by those that do shares, while one of them begins or ends

Both are flock(2): the system gives them back for a process that died, and Linux carries them over NFS from
one machine to the others.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

LOCK, TURN = "lock", "turn"


class Hold:
    """The lock of a folder, held until the end of `held`.

    Attributes
    ----------
    alone: nobody else holds it, or can take it.
    """

    def __init__(self, lock: IO[str], folder: Path, turn: IO[str] | None) -> None:
        self._lock, self._folder, self._turn, self.alone = lock, folder, turn, False

    def take(self) -> bool:
        """Take it alone, or else, for a share, together with others. Returns whether one was possible."""
        import fcntl

        self.alone = _flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return self.alone or (self._turn is not None and _flock(self._lock, fcntl.LOCK_SH | fcntl.LOCK_NB))

    def let_others_in(self) -> bool:
        """For a share: let others do theirs at the same time. Returns whether the lock was kept."""
        if self._turn is None:
            return True
        import fcntl

        kept = not self.alone or _flock(self._lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        self.alone = False
        self._turn.close()
        return kept

    def wait_to_be_alone(self) -> bool:
        """Hold it alone again, if all others have ended; else give it up and return False.

        This waits for its turn: of several that end at once, the last one gets the lock.
        """
        if self._turn is not None and not (self.alone or self._lock.closed):
            self._turn = _take_turn(self._folder)
            self.alone = self.take() and self.alone
            if not self.alone:
                self.release()
        return self.alone

    def release(self) -> None:
        """Release the lock, then the turn."""
        self._lock.close()
        if self._turn is not None:
            self._turn.close()


@contextmanager
def held(folder: Path, *, shares: bool = False) -> Iterator[Hold]:
    """Hold the lock of `folder`, which is made if need be.

    Parameters
    ----------
    shares: hold it for a share of the work: those who do other shares may hold it, too, once `let_others_in`
        was called. Until then they wait.

    Raises
    ------
    OSError: the folder cannot be made or locked. BlockingIOError: somebody else writes there.
    """
    turn = _take_turn(folder) if shares else None
    hold = Hold(_opened(folder / LOCK), folder, turn)
    try:
        # Whoever held it may have finished, and removed it, since it was opened.
        if not (hold.take() and _stands(hold._lock, folder / LOCK)):
            raise BlockingIOError
        yield hold
    finally:
        hold.release()


@contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Wait until nobody else is within such a block for this folder; leaves no file there.

    Does not wait where folders cannot be locked, as over NFS.
    """
    import fcntl

    place = -1
    try:
        with suppress(OSError):
            place = os.open(folder, os.O_RDONLY)
            fcntl.flock(place, fcntl.LOCK_EX)
        yield
    finally:
        if place >= 0:
            os.close(place)


def hold_folder(folder: Path) -> int | None:
    """Lock a folder itself until the returned file descriptor is closed, or the process ends in any way.

    None: somebody else holds it, or folders cannot be locked there.
    """
    import fcntl

    try:
        place = os.open(folder, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(place)
        return None
    return place


def _take_turn(folder: Path) -> IO[str]:
    import fcntl

    while True:
        turn = _opened(folder / TURN)
        try:
            fcntl.flock(turn, fcntl.LOCK_EX)
            if _stands(turn, folder / TURN):
                return turn
        except BaseException:
            turn.close()
            raise
        turn.close()


def _opened(path: Path) -> IO[str]:
    """A file to lock: open for reading and writing, as NFS requires."""
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return open(path, "a+")
        except FileNotFoundError:  # somebody who has finished is removing the folder
            continue


def _stands(file: IO[str], path: Path) -> bool:
    """Whether an open file is still the one of that name."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _flock(file: IO[str], how: int) -> bool:
    import fcntl

    try:
        fcntl.flock(file, how)
    except BlockingIOError:
        return False
    return True
