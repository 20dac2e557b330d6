"""The systemd unit of `taptill run`, written for where this Taptill and its home folder are.

Like the rules for readers it is shipped, and installed by whoever looks after the machine: never
by us. Keys come as systemd credentials, so that no key lies where the service can write.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from host.keyring import CREDENTIAL

NAME: Final = "taptill.service"
TARGET: Final = f"/etc/systemd/system/{NAME}"
HOME: Final = Path("/var/lib/taptill")
CREDENTIALS: Final = Path("/etc/taptill")
_STATE = Path("/var/lib")
_PEOPLES = (Path("/home"), Path("/root"), Path("/run/user"))
"""What `ProtectHome=` hides."""

# Why each line is there:
# - /run/lock holds the readers' owner locks, which every program of this machine looks for.
# - Device groups count only once their kernel module is there: systemd.resource-control(5).
# - dialout are the serial readers, lp the receipt printers; PC/SC readers belong to pcscd.
# - No MemoryDenyWriteExecute: libusb's callbacks, through ctypes, need such memory.
# - AF_NETLINK is how libusb hears of readers being plugged in.
_TEXT = """\
[Unit]
Description=Taptill, a Boltcard point of sale
Wants=network-online.target pcscd.socket modprobe@cdc_acm.service modprobe@usbserial.service
After=network-online.target pcscd.socket modprobe@cdc_acm.service modprobe@usbserial.service

[Service]
Type=exec
ExecStart={program} --home {home} run
User={user}
Group={user}
SupplementaryGroups=dialout lp
{state}
{credentials}
Restart=on-failure
RestartSec=2
TimeoutStopSec=30
UMask=0077

NoNewPrivileges=yes
CapabilityBoundingSet=
ProtectSystem=strict
ReadWritePaths=/run/lock
ProtectHome={protect_home}
PrivateTmp=yes
ProtectProc=invisible
ProtectClock=yes
ProtectHostname=yes
ProtectControlGroups=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
LockPersonality=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged
SystemCallErrorNumber=EPERM

DevicePolicy=closed
DeviceAllow=char-ttyACM rw
DeviceAllow=char-ttyUSB rw
DeviceAllow=char-ttyS rw
DeviceAllow=char-ttyAMA rw
DeviceAllow=char-usb_device rw
DeviceAllow=char-usb rw

[Install]
WantedBy=multi-user.target
"""


@dataclass(frozen=True, slots=True)
class Unit:
    """For whom and where: `program` is the command with its arguments, `keys` more credentials.

    `reads` are places it needs beside them: a venv's Python and packages may be anywhere.
    """

    program: tuple[str, ...]
    home: Path = HOME
    user: str = "taptill"
    credentials: Path = CREDENTIALS
    keys: tuple[str, ...] = ()
    reads: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        """Raises `ValueError` for a user's name that is none."""
        if not self.user.isascii() or not self.user.replace("-", "").replace("_", "").isalnum():
            raise ValueError(f"“{self.user}” is no user's name")

    @property
    def text(self) -> str:
        """The unit file."""
        places = (self.home, Path(self.program[0]), *self.reads)
        hidden = any(place.is_relative_to(one) for place in places for one in _PEOPLES)
        loaded = [f"{name}:{self.credentials / name}" for name in (CREDENTIAL, *self.keys)]
        return _TEXT.format(
            program=" ".join(_quoted(word) for word in self.program),
            home=_quoted(str(self.home)),
            user=self.user,
            state=self._state(),
            credentials="\n".join(f"LoadCredential={_quoted(one)}" for one in loaded),
            protect_home="read-only" if hidden else "yes",
        )

    def _state(self) -> str:
        """The one folder that it may write: systemd makes it, where it is systemd's to make."""
        if self.home.parent == _STATE:
            return f"StateDirectory={_quoted(self.home.name)}\nStateDirectoryMode=0700"
        return f"ReadWritePaths={_quoted(str(self.home))}"

    @property
    def steps(self) -> list[str]:
        """The lines that install it, for an administrator; each may be run again."""
        key, taptill = self.credentials / CREDENTIAL, f"{' '.join(self.program)} --home {self.home}"
        return [
            f"sudo useradd --system --home-dir {self.home} --groups dialout,lp {self.user}",
            f"sudo install -d -o {self.user} -g {self.user} -m 700 {self.home}",
            f"sudo -u {self.user} {taptill} init",
            f"sudo install -d -m 700 {self.credentials}",
            f"sudo install -m 600 {self.home}/issuer-keys.json {key}"
            f" && sudo rm {self.home}/issuer-keys.json",
            *(f"sudo install -m 600 THE-KEY {self.credentials / name}" for name in self.keys),
            f"{taptill} service install --print | sudo tee {TARGET} >/dev/null",
            "sudo systemctl daemon-reload && sudo systemctl enable --now taptill",
        ]


def _quoted(word: str) -> str:
    """As one word of a unit file: systemd.syntax(7); `%` and `$` stand for themselves."""
    word = word.replace("%", "%%").replace("$", "$$")
    if not any(letter.isspace() or letter in "\"'\\;" for letter in word):
        return word
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'
