"""A small computer in software whose USB is both the reader's and the host's.

Debian's kernel under qemu, without network; its root is this machine's own file system, shown
read-only, so nothing is built or downloaded for it. `dummy_hcd` is a USB controller whose other
end is a USB device: what `gadget` sets up there is enumerated by the same kernel.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from tests.device.initramfs import Modules, archive

QEMU = "qemu-system-x86_64"
_ROOT = Path(__file__).parents[2]
_BEFORE_THE_ROOT = ["virtio_pci", "9pnet_virtio", "9p"]
_USB = ["dummy_hcd", "libcomposite", "usb_f_acm", "cdc_acm"]

# /run and /dev/shm are the only places that can be written; whatever is made there is forgotten.
_INIT = """\
#!/bin/busybox sh
fail() {{ /bin/busybox echo "init: $* failed"; /bin/busybox poweroff -f; }}
try() {{ /bin/busybox "$@" || fail "$@"; }}
try mkdir -p /dev /root
try mount -t devtmpfs devtmpfs /dev
exec >/dev/console 2>&1
for module in /modules/*; do try insmod $module; done
try mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=262144 root /root
try mount -t proc proc /root/proc
try mount -t sysfs sysfs /root/sys
try mount -t configfs configfs /root/sys/kernel/config
try mount -t devtmpfs devtmpfs /root/dev
try mkdir -p /root/dev/pts /root/dev/shm
try mount -t devpts devpts /root/dev/pts
try mount -t tmpfs tmpfs /root/dev/shm
try mount -t tmpfs tmpfs /root/run
try mkdir -p /root/run/lock /root/run/tmp
try ip link set lo up
exec /bin/busybox env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin TMPDIR=/run/tmp HOME=/run/tmp \\
    /bin/busybox chroot /root /bin/sh -c {command}
"""


class Machine:
    """The guest; it runs until `close`. `lines` is what it tells, `console` its kernel's words."""

    def __init__(self, parts: Path, console: Path) -> None:
        """`parts` holds a kernel and busybox as their Debian packages unpack."""
        self._initrd = parts / "initrd"
        self._initrd.write_bytes(_initrd(parts))
        self.console = console
        (kernel,) = parts.glob("boot/vmlinuz-*")
        self._qemu = subprocess.Popen(
            [*_computer(), *_boot(kernel, self._initrd, console)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
        )

    def lines(self, seconds: float) -> Iterator[str]:
        """What the guest tells, until it is off or was on for so long."""
        limit = threading.Timer(seconds, self._qemu.kill)
        limit.start()
        try:
            yield from cast(IO[str], self._qemu.stdout)
        finally:
            limit.cancel()

    def close(self) -> None:
        """Switch it off; a second call does nothing."""
        self._qemu.kill()
        self._qemu.wait()
        cast(IO[str], self._qemu.stdout).close()


def why_not(parts: Path) -> str | None:
    """What keeps a guest from running here, or None."""
    if shutil.which(QEMU) is None:
        return f"{QEMU} is missing: install Debian's package qemu-system-x86"
    if not list(parts.glob("boot/vmlinuz-*")) or not (parts / "bin/busybox").exists():
        return f"no kernel below {parts}: run .ci/usb"
    return None


def _initrd(parts: Path) -> bytes:
    modules = Modules(parts / "lib/modules").in_order([*_BEFORE_THE_ROOT, *_USB])
    python, root = shlex.quote(sys.executable), shlex.quote(str(_ROOT))
    command = f"cd {root} && exec {python} -m tests.device.guest"
    return archive(
        {
            "init": _INIT.format(command=shlex.quote(command)).encode(),
            "bin/busybox": (parts / "bin/busybox").read_bytes(),
            **{f"modules/{n:02}-{name}": data for n, (name, data) in enumerate(modules)},
        }
    )


def _computer() -> list[str]:
    """Software emulation, with a clock that counts instructions, 4 ns each.

    So no timeout inside depends on how busy this machine is.
    """
    return [
        *(QEMU, "-machine", "q35", "-accel", "tcg,thread=single", "-m", "1024", "-smp", "1"),
        *("-icount", "shift=2"),
        *("-display", "none", "-nodefaults", "-nic", "none", "-no-reboot"),
        *("-fsdev", "local,id=root,path=/,security_model=none,readonly=on,multidevs=remap"),
        *("-device", "virtio-9p-pci,fsdev=root,mount_tag=root"),
    ]


def _boot(kernel: Path, initrd: Path, console: Path) -> list[str]:
    """The first serial port is the kernel's, the second one ours."""
    return [
        *("-kernel", str(kernel), "-initrd", str(initrd)),
        *("-append", "console=ttyS0 loglevel=6 panic=-1"),
        *("-serial", f"file:{console}", "-serial", "stdio"),
    ]
