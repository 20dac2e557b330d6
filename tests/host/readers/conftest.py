"""Readers to test against."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.host.readers.rigs import DirectRig, NfcRig, PcscRig, Rig
from tests.support.pcscd import pcscd

__all__ = ["pcscd"]


@pytest.fixture(
    params=["direct", pytest.param("pcsc", marks=pytest.mark.pcsc), "nfc"],
)
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    """Every kind of reader, one after the other."""
    rig: Rig
    match request.param:
        case "pcsc":
            rig = PcscRig(tmp_path, request.getfixturevalue("pcscd"))
        case "nfc":
            rig = NfcRig(tmp_path)
        case _:
            rig = DirectRig()
    yield rig
    rig.close()


@pytest.fixture
def pcsc_rig(pcscd: object, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[PcscRig]:
    """A PC/SC reader."""
    rig = PcscRig(tmp_path, request.getfixturevalue("pcscd"))
    yield rig
    rig.close()
