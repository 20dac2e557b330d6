"""One owner per device, across threads and processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from host.readers.base import ReaderGone, ReaderTaken
from host.readers.lock import OwnerLock

HOLDER = """
import sys
from pathlib import Path
from host.readers.lock import OwnerLock
lock = OwnerLock.take(sys.argv[1], Path(sys.argv[2]))
print("held", flush=True)
sys.stdin.read()
"""


def test_a_second_owner_is_refused_and_told_who_holds_the_device(tmp_path: Path) -> None:
    lock = OwnerLock.take("pcsc Twin 00 00", tmp_path)
    with pytest.raises(ReaderTaken, match=rf"Twin 00 00 is in use by process {os.getpid()}$"):
        OwnerLock.take("pcsc Twin 00 00", tmp_path)
    lock.release()


def test_a_device_is_the_same_by_every_name_it_has(tmp_path: Path) -> None:
    device, link = tmp_path / "ttyUSB0", tmp_path / "by-id"
    device.touch()
    link.symlink_to(device)
    lock = OwnerLock.take(str(link), tmp_path)
    with pytest.raises(ReaderTaken):
        OwnerLock.take(str(device), tmp_path)
    lock.release()


def test_different_devices_have_different_locks(tmp_path: Path) -> None:
    OwnerLock.take("pcsc Twin 00 00", tmp_path).release()
    first = OwnerLock.take("pcsc Twin 00 00", tmp_path)
    second = OwnerLock.take("pcsc Twin 00 01", tmp_path)
    first.release()
    second.release()


def test_a_released_device_is_free_and_leaves_nothing_behind(tmp_path: Path) -> None:
    lock = OwnerLock.take("usb", tmp_path)
    lock.release()
    lock.release()
    assert list(tmp_path.iterdir()) == []
    OwnerLock.take("usb", tmp_path).release()


def test_a_killed_owner_does_not_keep_its_device(tmp_path: Path) -> None:
    arguments = [sys.executable, "-c", HOLDER, "usb", str(tmp_path)]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(ReaderTaken, match=f"process {holder.pid}$"):
            OwnerLock.take("usb", tmp_path)
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        OwnerLock.take("usb", tmp_path).release()


def test_a_machine_without_room_for_locks_is_named(tmp_path: Path) -> None:
    with pytest.raises(ReaderGone, match="cannot keep the lock"):
        OwnerLock.take("usb", tmp_path / "absent")
