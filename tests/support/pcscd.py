"""One private pcscd for the whole test process.

libpcsclite looks up its socket only once a process, at the first call of whichever test comes
first. So `tests/conftest.py` names our service before any test runs: none ever asks the machine's
own, and the order of the tests is free.
"""

from __future__ import annotations

import atexit
import functools
import time

import pytest

from hardware.twin.private_pcscd import DRIVER, PCSCD, PrivatePcscd


@functools.cache
def own_pcscd() -> PrivatePcscd:
    """The service that this process and its children ask; it runs when a test wants it."""
    service = PrivatePcscd()
    atexit.register(service.close)
    return service.use()


def process_pcscd() -> PrivatePcscd:
    """The same, running; it ends with the process."""
    service = own_pcscd()
    return service if service.running else service.start()


def wait_for_card(service: PrivatePcscd, *, present: bool, timeout_ms: int = 30_000) -> bool:
    """Wait until the first reader of this process's service holds a card, or none."""
    from smartcard import scard

    name, wanted = f"{service.name} 00 00", scard.SCARD_STATE_PRESENT if present else 0
    deadline = time.monotonic() + timeout_ms / 1000
    code, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_SYSTEM)
    state = scard.SCARD_STATE_UNAWARE
    try:
        while code == scard.SCARD_S_SUCCESS:
            left = int(1000 * (deadline - time.monotonic()))
            if left <= 0:
                break
            code, states = scard.SCardGetStatusChange(context, left, [(name, state)])
            state = states[0][1] & ~scard.SCARD_STATE_CHANGED if states else state
            if state & scard.SCARD_STATE_PRESENT == wanted:
                return True
    finally:
        scard.SCardReleaseContext(context)
    return False


@pytest.fixture
def pcscd() -> PrivatePcscd:
    """A running private pcscd. Skips where Debian's packages are absent, and says which.

    A test may stop and start it; the next test finds it running again.
    """
    for part, package in ((PCSCD, "pcscd"), (DRIVER, "vsmartcard-vpcd")):
        if not part.exists():
            pytest.skip(f"{part} is missing: install Debian's package {package}")
    pytest.importorskip("smartcard", reason="pyscard is not installed: it needs a compiler")
    return process_pcscd()
