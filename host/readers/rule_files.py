"""Files that let a machine's readers work: rules for udev, polkit and the kernel's modules.

They are shipped, and installed by whoever looks after the machine: never by us.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

SERVICE_USER: Final = "taptill"
"""For whom the polkit rule is written, unless told otherwise."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One file: where it belongs, what it is for, and how it begins to count."""

    name: str
    folders: tuple[str, ...]
    """Where it may be; the first is where an administrator puts it."""
    purpose: str
    reload: str

    def is_installed(self, root: Path = Path("/")) -> bool:
        """Whether it is there. Raises `PermissionError` where we may not look."""
        for folder in self.folders:
            try:
                (root / folder / self.name).stat()
            except (FileNotFoundError, NotADirectoryError):
                continue
            return True
        return False

    @property
    def target(self) -> str:
        """Where to put it."""
        return f"/{self.folders[0]}/{self.name}"

    @property
    def line(self) -> str:
        """The line that installs it and makes it count."""
        read = f"taptill reader rules --print {self.name}"
        return f"{read} | sudo tee {self.target} >/dev/null && {self.reload}"


UDEV: Final = Rule(
    "70-taptill-readers.rules",
    ("etc/udev/rules.d", "run/udev/rules.d", "usr/lib/udev/rules.d", "lib/udev/rules.d"),
    "serial readers: ModemManager keeps off, the group dialout may use them",
    "sudo udevadm control --reload && sudo udevadm trigger",
)
POLKIT: Final = Rule(
    "50-taptill-pcsc.rules",
    ("etc/polkit-1/rules.d", "usr/share/polkit-1/rules.d"),
    "PC/SC readers for the user of Taptill's service, where pcscd asks polkit",
    "sudo systemctl restart polkit",
)
MODULES: Final = Rule(
    "taptill-pn533.conf",
    ("etc/modprobe.d", "usr/lib/modprobe.d", "lib/modprobe.d"),
    "ACR122U and SCL3711: the kernel's pn533 drivers keep off",
    "(sudo modprobe -r pn533_usb pn533 || true)",
)
RULES: Final = (UDEV, POLKIT, MODULES)


def rule(name: str) -> Rule | None:
    """The rule of that file name."""
    return next((one for one in RULES if one.name == name), None)


def text(of: Rule, user: str = SERVICE_USER) -> str:
    """The file's text; `user` is whom the polkit rule is for. Raises `ValueError`."""
    if not user.isascii() or not user.replace("-", "").replace("_", "").isalnum():
        raise ValueError(f"“{user}” is no user's name")
    shipped = (files("host.readers") / "rules" / of.name).read_text("utf-8")
    return shipped.replace(f'"{SERVICE_USER}"', f'"{user}"')
