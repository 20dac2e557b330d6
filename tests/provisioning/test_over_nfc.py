"""The same over nfcpy and a PN532 on a pseudo-terminal: one command for each use."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from hardware.twin.process import TwinProcess
from host.clock import SystemClock
from host.config import DATABASE_NAME
from host.ledger import pull_payments
from host.ntag424.values import Uid
from host.store.engine import Engine

UID = Uid.parse("04a1a2a3a4a580")


def _taptill(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "host.cli", "--home", str(home), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_a_card_is_issued_rekeyed_and_wiped_on_a_serial_reader(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert _taptill(home, "init").returncode == 0
    with Engine.open(home / DATABASE_NAME, SystemClock()) as db:
        account = pull_payments.create(db, "main", "Guests").pull_payment_id
    with TwinProcess("nfc", tmp_path / "drawer") as twin:
        twin.create("ann", UID)
        for words in (("issue", "--account", account, "--fast"), ("rekey",), ("wipe",)):
            process = _start(home, f"nfc:{twin.device}", *words)
            twin.lay("ann")
            told = process.stdout.readline() if process.stdout else ""
            twin.lift()
            said, trouble = process.communicate(timeout=60)
            assert process.returncode == 0, (told, said, trouble)
            assert json.loads(told)["uid"] == UID.hex()
        state = twin.state("ann")
    assert [slot.version for slot in state.keys] == [0] * 5
    assert not any(state.files[1].content)


def _start(home: Path, reader: str, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "host.cli", "--home", str(home), "cards", *words]
    return subprocess.Popen(
        [*command, "--reader", reader, "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
