"""A real LNbits for the tests: installed on demand, started on loopback, stopped by its owner.

`python -m tests.support.lnbits` installs it (about a minute, 270 MB) into `.build/lnbits-venv`,
an environment of its own because its pins are not ours. Its money is LNbits' own FakeWallet.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.ports import free_port

ROOT = Path(__file__).parents[2]
VENV = ROOT / ".build" / "lnbits-venv"
PACKAGES = ("lnbits==1.6.2", "bitstring<5")
_STAMP = VENV / "taptill.stamp"
_START_S = 90.0


def install() -> Path:
    """The interpreter that has LNbits; installs it first when it is not there.

    One process installs it, the others wait.
    """
    python = VENV / "bin" / "python"
    wanted = " ".join(PACKAGES)
    VENV.parent.mkdir(exist_ok=True)
    with VENV.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (_STAMP.is_file() and _STAMP.read_text() == wanted and python.exists()):
            subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
            pip = [str(python), "-m", "pip", "install", "--quiet"]
            subprocess.run([*pip, "--disable-pip-version-check", *PACKAGES], check=True)
            _STAMP.write_text(wanted)
    return python


@dataclass(frozen=True)
class LnbitsAccount:
    """A wallet in LNbits with its two keys."""

    wallet_id: str
    admin_key: str
    invoice_key: str


class Lnbits:
    """A running LNbits. Use as a context manager."""

    def __init__(self, folder: Path, port: int | None = None) -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._token = ""

    def __enter__(self) -> Lnbits:
        self._link_assets()
        self.start()
        self._first_install()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start the program and wait until it answers."""
        with (self._folder / "lnbits.log").open("ab") as log:
            self._process = subprocess.Popen(
                # Its own command starts the server in a second process and leaves it behind
                # when it is told to stop; this is that server, in one process.
                [
                    *(str(install()), "-m", "uvicorn", "lnbits.__main__:app"),
                    *("--host", "127.0.0.1", "--port", str(self.port)),
                ],
                cwd=self._folder,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + _START_S
        pause = threading.Event()
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                    return
            except OSError:
                pause.wait(0.05)
        self.stop()
        raise RuntimeError(f"LNbits did not start:\n{(self._folder / 'lnbits.log').read_text()}")

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def account(self, name: str, balance_sat: int = 0) -> LnbitsAccount:
        """A new account with one wallet and so much play money."""
        made = self.call("POST", "/api/v1/account", {"name": name})
        account = LnbitsAccount(made["id"], made["adminkey"], made["inkey"])
        if balance_sat:
            body = {"id": account.wallet_id, "amount": balance_sat}
            self.call("PUT", "/users/api/v1/balance", body, bearer=self._token)
        return account

    def call(
        self, method: str, path: str, body: object = None, *, key: str = "", bearer: str = ""
    ) -> Any:
        """One request of the test's own; raises on anything but success."""
        headers = {"Content-Type": "application/json"}
        headers |= {"X-Api-Key": key} if key else {}
        headers |= {"Authorization": f"Bearer {bearer}"} if bearer else {}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, headers=headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.load(response)

    # -- inside ---------------------------------------------------------------------------

    def _first_install(self) -> None:
        body = {"username": "tests", "password": secrets.token_hex(8)}
        body["password_repeat"] = body["password"]
        self._token = self.call("PUT", "/api/v1/auth/first_install", body)["access_token"]

    def _link_assets(self) -> None:
        """LNbits looks for its templates below the folder it runs in."""
        site = next((install().parents[1] / "lib").glob("python3.*/site-packages/lnbits"))
        for folder in ("data/logs", "ext/extensions", "ext/wasm_extensions"):
            (self._folder / folder).mkdir(parents=True, exist_ok=True)
        (self._folder / "lnbits").mkdir(parents=True, exist_ok=True)
        for name in ("static", "templates"):
            link = self._folder / "lnbits" / name
            if not link.exists():
                link.symlink_to(site / name)

    def _environment(self) -> dict[str, str]:
        own = {
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "LNBITS_DATA_FOLDER": str(self._folder / "data"),
            "LNBITS_EXTENSIONS_PATH": str(self._folder / "ext"),
            "LNBITS_BACKEND_WALLET_CLASS": "FakeWallet",
            "FAKE_WALLET_SECRET": "TestSecret1",
            "SUPER_USER": secrets.token_hex(16),
            "AUTH_SECRET_KEY": secrets.token_hex(16),
            "AUTH_HTTPS_ONLY": "false",
            "AUTH_ALLOWED_METHODS": '["username-password","user-id-only"]',
            "LNBITS_CALLBACK_ALLOW_PRIVATE_IPS": "true",
            "LNBITS_LNURL_ALLOW_PRIVATE_IPS": "true",
            "LNBITS_CALLBACK_URL_RULES": '["http://127\\\\.0\\\\.0\\\\.1:[0-9]+"]',
            "LNBITS_PRICE_AGGREGATOR_ENABLED": "false",
            "LNBITS_EXCHANGE_RATE_PROVIDERS": "[]",
            "LNBITS_EXTENSIONS_MANIFESTS": "[]",
            "LNBITS_WASM_EXTENSIONS_MANIFESTS": "[]",
            "LNBITS_EXTENSIONS_DEACTIVATE_ALL": "true",
            "LNBITS_RATE_LIMIT_NO": "100000",
            "ENABLE_LOG_TO_FILE": "false",
            "LNBITS_AUDIT_ENABLED": "false",
            "LNBITS_BASEURL": f"{self.url}/",
        }
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        return kept | own


if __name__ == "__main__":
    print(install())
