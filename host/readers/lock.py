"""One owner per device: a lock file that names its holder.

Neither nfcpy nor a serial port nor PC/SC keeps a second program away, and two owners of one
reader steal each other's answers. The kernel frees a `flock` when its holder dies, however it
dies, so there is no stale lock to clean up.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import tempfile
import threading
from pathlib import Path
from typing import Self

from host.readers.base import ReaderGone, ReaderTaken


def default_run_dir() -> Path:
    """Where every program of this machine, whoever runs it, finds the same locks."""
    shared = Path("/run/lock")
    return shared if os.access(shared, os.W_OK | os.X_OK) else Path(tempfile.gettempdir())


class OwnerLock:
    """The right to use one device, held until `release` or until the process ends."""

    def __init__(self, path: Path, fd: int) -> None:
        self._path = path
        self._fd = fd
        self._once = threading.Lock()

    @classmethod
    def take(cls, device: str, run_dir: Path | None = None) -> Self:
        """Own `device`: a path (by whichever link it was named) or a driver's own name.

        Raises `ReaderTaken` naming the holder, `ReaderGone` where no lock can be kept.
        """
        name = os.path.realpath(device) if device.startswith("/") else device
        path = (run_dir or default_run_dir()) / f"taptill-{_file_name(name)}.lock"
        while True:
            try:
                fd = _open(path)
            except OSError as error:
                raise ReaderGone(f"{device}: cannot keep the lock {path}: {error}") from error
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = os.pread(fd, 20, 0).decode("ascii", "replace").strip()
                os.close(fd)
                raise ReaderTaken(f"{device} is in use by process {holder or '?'}") from None
            if _is_still(path, fd):
                break
            os.close(fd)  # its holder removed the file between our open and our lock
        _write_pid(fd)
        return cls(path, fd)

    def release(self) -> None:
        """Give the device back; a second call does nothing. Any thread."""
        with self._once:
            fd, self._fd = self._fd, -1
        if fd >= 0:
            # Removed while still locked: whoever opened the old file sees that it is gone. A file
            # that another user made in a sticky folder stays behind, unlocked.
            with contextlib.suppress(PermissionError):
                self._path.unlink(missing_ok=True)
            os.close(fd)


def _file_name(device: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", device).strip("-")


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except PermissionError:  # left by another user; a lock needs no more than reading
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)


def _is_still(path: Path, fd: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(fd))
    except FileNotFoundError:
        return False


def _write_pid(fd: int) -> None:
    with contextlib.suppress(OSError):  # opened for reading only: it holds, but cannot name us
        os.ftruncate(fd, 0)
        os.pwrite(fd, b"%d\n" % os.getpid(), 0)
