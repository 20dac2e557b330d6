"""Taking up a new set of modules: whole and checked, or not at all; back when it does not start.

A release lies in `/new` with a MANIFEST of `sha256 name` lines. At boot it is checked and becomes
`/reader`; the old one stays as `/old`. The new one has one start to prove itself: `settled` is
called by the guard's first feed, and a start without it takes `/old` back.
"""

import hashlib
import os

NEW, NOW, OLD, TRIAL = "new", "reader", "old", "trial"
MANIFEST = "MANIFEST"


def _exists(path: str) -> bool:
    try:
        os.stat(path)
    except OSError:
        return False
    return True


def _remove(folder: str) -> None:
    if _exists(folder):
        for name in os.listdir(folder):
            os.remove(folder + "/" + name)
        os.rmdir(folder)


def _digest(path: str) -> str:
    digest = hashlib.sha256()
    buf = bytearray(512)
    with open(path, "rb") as file:
        n = file.readinto(buf)
        while n:
            digest.update(memoryview(buf)[:n])
            n = file.readinto(buf)
    return digest.digest().hex()


def whole(folder: str) -> bool:
    """Does the folder hold exactly what its manifest names?"""
    try:
        with open(folder + "/" + MANIFEST) as file:
            lines = [line.split() for line in file if line.strip()]
    except OSError:
        return False
    names = [line[1] for line in lines if len(line) == 2]
    if not names or len(names) != len(lines) or set(names) | {MANIFEST} != set(os.listdir(folder)):
        return False
    return all(_digest(folder + "/" + name) == digest for digest, name in lines)


def at_boot(root: str) -> str:
    """Run before anything else of the firmware; says what was done, or "".

    Power may fail between any two steps: the next start goes on from there.
    """
    at = root.rstrip("/") + "/"
    if _exists(at + TRIAL):
        # The last start was the new set's trial, and nobody said that it settled.
        if _exists(at + OLD):
            _remove(at + NOW)
            os.rename(at + OLD, at + NOW)
        os.remove(at + TRIAL)
        return "went back"
    if not _exists(at + NOW) and _exists(at + OLD):
        os.rename(at + OLD, at + NOW)
    if not whole(at + NEW):
        return ""
    _remove(at + OLD)
    if _exists(at + NOW):
        os.rename(at + NOW, at + OLD)
        with open(at + TRIAL, "w") as file:
            file.write("1")
    os.rename(at + NEW, at + NOW)
    return "updated"


def settled(root: str) -> None:
    """The new set works."""
    path = root.rstrip("/") + "/" + TRIAL
    if _exists(path):
        os.remove(path)
