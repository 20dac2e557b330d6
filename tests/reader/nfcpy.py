"""Unmodified nfcpy on any serial path."""

from __future__ import annotations

import time
from typing import Any

import nfc
import nfc.clf
import nfc.clf.pn532

from host.readers.nfc_open import PatientTTY


def open_nfcpy(path: str) -> Any:
    """nfcpy on any serial path, waiting for the firmware to be up and for a busy machine."""
    deadline = time.monotonic() + 30
    while True:
        transport = PatientTTY(path)
        try:
            device = nfc.clf.pn532.init(transport)
        except OSError:
            transport.close()
            if time.monotonic() > deadline:
                raise
            continue
        clf = nfc.ContactlessFrontend()
        device._path, device._vendor_name, device._device_name = path, "Taptill", "reader"
        clf.device = device
        return clf


def read_tag(clf: Any) -> Any:
    """The tag that lies there, activated."""
    target = clf.sense(nfc.clf.RemoteTarget("106A"), iterations=3, interval=0.01)
    return nfc.tag.activate(clf, target)
