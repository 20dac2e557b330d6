"""One private pcscd for the whole test process (libpcsclite looks up its socket only once)."""

from __future__ import annotations

import atexit
import functools
from collections.abc import Iterator

import pytest

from hardware.twin.private_pcscd import DRIVER, PCSCD, PrivatePcscd


@functools.cache
def process_pcscd() -> PrivatePcscd:
    """The service of this test process: started at the first call, ended with the process."""
    service = PrivatePcscd()
    atexit.register(service.close)
    return service.use().start()


@pytest.fixture
def pcscd() -> Iterator[PrivatePcscd]:
    """A running private pcscd. Skips where Debian's packages are absent, and says which.

    A test may stop and start it; the next test finds it running again.
    """
    for part, package in ((PCSCD, "pcscd"), (DRIVER, "vsmartcard-vpcd")):
        if not part.exists():
            pytest.skip(f"{part} is missing: install Debian's package {package}")
    service = process_pcscd()
    yield service
    if not service.running:
        service.start()
