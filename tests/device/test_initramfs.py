"""The guest's first files: modules after what they need, and an archive as the kernel reads it."""

from __future__ import annotations

import lzma
from pathlib import Path

import pytest

from tests.device.initramfs import ModuleMissing, Modules, archive


def module(depends: str) -> bytes:
    return b"\x7fELF\0license=GPL\0depends=" + depends.encode() + b"\0name=x\0"


def test_modules_come_after_what_they_depend_on_and_each_once(tmp_path: Path) -> None:
    (tmp_path / "usb").mkdir()
    (tmp_path / "usb/cdc-acm.ko").write_bytes(module("usbcore"))
    (tmp_path / "usb/dummy_hcd.ko").write_bytes(module("usbcore,udc-core"))
    (tmp_path / "usb/udc-core.ko.xz").write_bytes(lzma.compress(module("")))
    (tmp_path / "usbcore.ko").write_bytes(module(""))
    found = Modules(tmp_path).in_order(["cdc_acm", "dummy-hcd"])
    assert [name for name, _ in found] == ["usbcore", "cdc_acm", "udc_core", "dummy_hcd"]
    assert all(data.startswith(b"\x7fELF") for _, data in found)


def test_a_kernel_without_a_module_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModuleMissing, match="dummy_hcd"):
        Modules(tmp_path).in_order(["dummy_hcd"])


def test_an_archive_holds_folders_before_files_and_ends_with_the_trailer() -> None:
    data = archive({"init": b"#!", "bin/busybox": b"12345"})
    entries = []
    while data:
        assert data.startswith(b"070701")
        mode, size, length = (int(data[at : at + 8], 16) for at in (14, 54, 94))
        name = data[110 : 110 + length - 1].decode()
        start = (110 + length + 3) & ~3
        entries.append((name, mode, data[start : start + size]))
        data = data[(start + size + 3) & ~3 :]
    assert entries == [
        ("bin", 0o040755, b""),
        ("init", 0o100755, b"#!"),
        ("bin/busybox", 0o100755, b"12345"),
        ("TRAILER!!!", 0, b""),
    ]
