"""The few files that a Linux guest needs before it can mount its real root: one cpio archive.

The format is the kernel's "newc" (Documentation/driver-api/early-userspace/buffer-format.rst).
"""

from __future__ import annotations

import lzma
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

_DEPENDS = re.compile(rb"(?<=\0)depends=([^\0]*)\0")
_FOLDER, _PROGRAM = 0o040755, 0o100755


class ModuleMissing(Exception):
    """The kernel was built without a module that is wanted; the text names it."""


class Modules:
    """The loadable modules of one kernel, by name (`-` and `_` are the same, as for modprobe)."""

    def __init__(self, folder: Path) -> None:
        found = [*folder.rglob("*.ko"), *folder.rglob("*.ko.xz")]
        self._paths = {_name(path.name.partition(".ko")[0]): path for path in found}

    def in_order(self, wanted: list[str]) -> list[tuple[str, bytes]]:
        """Those modules and what they depend on, each after its needs. Raises `ModuleMissing`."""
        loaded: dict[str, bytes] = {}
        for name in wanted:
            self._add(_name(name), loaded)
        return list(loaded.items())

    def _add(self, name: str, loaded: dict[str, bytes]) -> None:
        if name in loaded:
            return
        path = self._paths.get(name)
        if path is None:
            raise ModuleMissing(name)
        data = path.read_bytes()
        if path.suffix == ".xz":
            data = lzma.decompress(data)
        depends = _DEPENDS.search(data)
        for other in depends[1].decode().split(",") if depends and depends[1] else ():
            self._add(_name(other), loaded)
        loaded[name] = data


def _name(name: str) -> str:
    return name.replace("-", "_")


def archive(files: Mapping[str, bytes]) -> bytes:
    """A cpio of these programs, by path; the folders they are in are made."""
    folders = sorted({str(parent) for path in files for parent in _parents(path)})
    entries = [(name, _FOLDER, b"") for name in folders]
    entries += [(name, _PROGRAM, data) for name, data in files.items()]
    return b"".join(_entry(n, *one) for n, one in enumerate([*entries, ("TRAILER!!!", 0, b"")]))


def _parents(path: str) -> Iterator[Path]:
    yield from (parent for parent in Path(path).parents if parent != Path())


def _entry(inode: int, name: str, mode: int, data: bytes) -> bytes:
    path = name.encode() + b"\0"
    numbers = (inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(path), 0)
    header = b"070701" + b"".join(b"%08X" % number for number in numbers)
    return _padded(header + path) + _padded(data)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
