"""The published vectors (`vectors.json` names the source of each), and strategies for values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from host.ntag424.session import Session
from host.ntag424.values import Key, Uid

Vector = dict[str, Any]

ALL: dict[str, Any] = json.loads(Path(__file__).with_name("vectors.json").read_text())

keys = st.binary(min_size=16, max_size=16).map(Key)
uids = st.binary(min_size=7, max_size=7).map(Uid)
counters = st.integers(0, 0xFFFFFF)


def counter(text: str) -> int:
    """An SDMReadCtr as the wire has it, least significant byte first."""
    return int.from_bytes(bytes.fromhex(text), "little")


def session_of(given: Vector) -> Session:
    """The session in which a recorded command was sent."""
    enc = Key.parse(given["ses_enc"]) if "ses_enc" in given else Key.zero()
    return Session(0, bytes.fromhex(given["ti"]), enc, Key.parse(given["ses_mac"]), given["ctr"])
