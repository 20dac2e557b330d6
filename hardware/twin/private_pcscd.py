"""A PC/SC service of one's own, with one virtual reader, beside whatever the machine runs.

pcscd has its socket's place compiled in, `/run/pcscd`, so two of them cannot share a `/run`.
Here Debian's unmodified pcscd starts in a mount namespace whose `/run` is a folder of ours, and
clients find it through `PCSCLITE_CSOCK_NAME`, which libpcsclite reads **once a process**: set it
(`use`) before the first PC/SC call, and restart this object rather than making a second one.

SECURITY: vpcd, the virtual reader's driver, listens on every address of the machine, and whoever
connects is "a card". For tests and for the demo only, never on a till.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self

PCSCD = Path("/usr/sbin/pcscd")
DRIVER = Path("/usr/lib/pcsc/drivers/serial/libifdvpcd.so")
_CLIENT_SOCKET = "PCSCLITE_CSOCK_NAME"
_START_SECONDS = 60.0
CCID_DRIVER = Path("/usr/lib/pcsc/drivers/serial/libccidtwin.so")
_CCID_OPTIONS = Path("/etc/libccid_Info.plist")
_OPTIONS_VALUE = re.compile(r"(<key>ifdDriverOptions</key>\s*<string>)[^<]*")

# $1 becomes /run. USB devices are hidden: real readers belong to the machine's own pcscd.
_IN_NAMESPACE = (
    'mount --bind "$1" /run'
    ' && if [ -d /dev/bus/usb ]; then mount --bind "$1" /dev/bus/usb; fi'
    ' && shift && exec "$@"'
)

_READER_CONF = """\
FRIENDLYNAME "{name}"
DEVICENAME   /dev/null:{port}
LIBPATH      {driver}
CHANNELID    {port}
"""
_CCID_CONF = """\
FRIENDLYNAME "{name}"
DEVICENAME   {device}:GemPCTwin
LIBPATH      {driver}
"""


class PcscdUnavailable(Exception):
    """pcscd cannot run here; the text says which part is missing, in words a person can act on."""


def why_not() -> str | None:
    """What keeps a private pcscd from running on this machine, or None when nothing does."""
    for part, package in ((PCSCD, "pcscd"), (DRIVER, "vsmartcard-vpcd")):
        if not part.exists():
            return f"{part} is missing: install Debian's package {package}"
    probe = subprocess.run([*_unshare(), "true"], capture_output=True, text=True, check=False)
    return f"no mount namespace: {probe.stderr.strip()}" if probe.returncode else None


class PrivatePcscd:
    """pcscd with the readers `NAME 00 00` and `NAME 00 01`, fed on `port` and `port + 1`.

    Start it from a thread that lives as long as it should: it ends with that thread.
    """

    def __init__(self, name: str = "Twin", port: int | None = None) -> None:
        self.name = name
        self.port = port or _two_free_ports()
        self._home = Path(tempfile.gettempdir()) / f"pcscd-{secrets.token_hex(6)}"
        self.socket = self._home / "run" / "pcscd" / "pcscd.comm"
        self._process: subprocess.Popen[bytes] | None = None
        self.ccid: tuple[str, str] | None = None
        """Name and serial path of a reader for libccid, from the next start on."""
        self.escapes = True
        """Whether that reader's driver lets escape commands through, as `taptill doctor` asks."""

    @property
    def environ(self) -> dict[str, str]:
        """This process's environment plus where the private service listens; for children."""
        return {**os.environ, _CLIENT_SOCKET: str(self.socket)}

    def use(self) -> Self:
        """Point this process's PC/SC client at the private service."""
        os.environ[_CLIENT_SOCKET] = str(self.socket)
        return self

    def start(self) -> Self:
        """Start the service and return when its reader is there. Raises `PcscdUnavailable`."""
        if reason := why_not():
            raise PcscdUnavailable(reason)
        conf, run = self._home / "conf", self._home / "run"
        for folder in (self._home, conf, run):
            folder.mkdir(mode=0o700, exist_ok=True)
        self.socket.unlink(missing_ok=True)
        (conf / "vpcd").write_text(
            _READER_CONF.format(name=self.name, port=self.port, driver=DRIVER), "ascii"
        )
        self._configure_ccid(conf)
        command = [*_unshare(), "sh", "-c", _IN_NAMESPACE, "sh", str(run)]
        command += ["setpriv", "--pdeathsig", "TERM", str(PCSCD), "--foreground"]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*command, "--config", str(conf)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PCSCLITE_HP_DROPDIR": str(self._home / "drivers")},
            )
        self._wait_ready(self._process)
        return self

    def _configure_ccid(self, conf: Path) -> None:
        """The CCID reader, and a copy of libccid's options with escapes allowed or not."""
        (conf / "ccid").unlink(missing_ok=True)
        if self.ccid is None:
            return
        name, device = self.ccid
        (conf / "ccid").write_text(
            _CCID_CONF.format(name=name, device=device, driver=CCID_DRIVER), "ascii"
        )
        contents = self._home / "drivers" / "ifd-ccid.bundle" / "Contents"
        contents.mkdir(parents=True, exist_ok=True)
        value = r"\g<1>0x0001" if self.escapes else r"\g<1>0x0000"
        options = _OPTIONS_VALUE.sub(value, _CCID_OPTIONS.read_text("utf-8"))
        (contents / "Info.plist").write_text(options, "utf-8")

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """Stop the service as an administrator would; clients see it go. `start` may follow."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def close(self) -> None:
        """Stop the service and remove its folder."""
        self.stop()
        shutil.rmtree(self._home, ignore_errors=True)

    def log(self) -> str:
        """What pcscd has printed since its last start."""
        return self._log.read_text("utf-8", "replace") if self._log.exists() else ""

    @property
    def _log(self) -> Path:
        return self._home / "log"

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self.socket)) == 0

    def _wait_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not (self._answers() and _listening() >= {self.port, self.port + 1}):
            if process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise PcscdUnavailable(f"pcscd did not start: {self.log().strip()}")
            time.sleep(0.005)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()


def _unshare() -> list[str]:
    rootless = [] if os.geteuid() == 0 else ["--map-root-user"]
    return ["unshare", *rootless, "--mount", "--propagation", "private"]


def _listening() -> set[int]:
    """The TCP ports on which somebody listens. Looked up: to vpcd, a connection is a card."""
    lines = Path("/proc/net/tcp").read_text("ascii").splitlines()[1:]
    entries = [line.split() for line in lines]
    return {
        int(local.rpartition(":")[2], 16) for _, local, _, state, *_ in entries if state == "0A"
    }


def _two_free_ports() -> int:
    """A pair below the range from which the kernel gives ports to whoever connects somewhere."""
    while True:
        port = 20_000 + 2 * secrets.randbelow(6_000)
        if not {port, port + 1} & _listening():
            return port
