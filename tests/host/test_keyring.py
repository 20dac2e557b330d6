"""Issuer keys: kept in a file of their own, readable by us alone, never shown."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from host import keyring
from host.keyring import KeyringError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / keyring.FILE_NAME
    keyring.save(keyring.generate(), file)
    return file


def test_what_was_saved_is_loaded_and_only_we_can_read_it(path: Path) -> None:
    ring = keyring.load(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert keyring.load(path) == ring
    assert len(ring.secret) == 32


def test_no_key_and_no_secret_is_in_a_repr(path: Path) -> None:
    ring = keyring.load(path)
    shown = repr(ring)
    assert ring.newest.key.reveal().hex() not in shown
    assert ring.secret.hex() not in shown
    assert repr(ring.secret) not in shown


def test_rotation_puts_a_new_key_first_and_keeps_the_old(path: Path) -> None:
    old = keyring.load(path)
    new = old.rotated()
    keyring.save(new, path)
    loaded = keyring.load(path)
    assert loaded.newest != old.newest
    assert loaded.issuer(old.newest.issuer_id) == old.newest
    assert loaded.issuer("nobody") is None


def test_a_file_that_others_can_read_is_refused(path: Path) -> None:
    path.chmod(0o640)
    with pytest.raises(KeyringError, match="chmod 600"):
        keyring.load(path)


@pytest.mark.parametrize("key", ["00" * 16, "00" * 15 + "01", "deadbeef" * 4])
def test_threat_9_published_issuer_keys_are_refused(path: Path, key: str) -> None:
    document = json.loads(path.read_text())
    path.write_text(json.dumps(document | {"issuers": [key]}))
    with pytest.raises(KeyringError, match="published issuer key"):
        keyring.load(path)


def test_threat_9_demo_keys_are_refused_outside_the_demo(path: Path) -> None:
    path.unlink()
    keyring.save(keyring.generate(demo=True), path)
    assert keyring.load(path, allow_demo=True).demo
    with pytest.raises(KeyringError, match="demo keys"):
        keyring.load(path)


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"issuers": []},
        {"issuers": ["zz"]},
        {"issuers": None},
        {"host_secret": "00"},
        {"host_secret": None},
    ],
)
def test_a_damaged_file_is_named_without_its_content(path: Path, change: dict[str, object]) -> None:
    document = json.loads(path.read_text())
    key = document["issuers"][0]
    path.write_text(json.dumps(document | change))
    with pytest.raises(KeyringError, match=str(path)) as caught:
        keyring.load(path)
    assert key not in str(caught.value)


def test_a_missing_file_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(KeyringError, match="taptill init"):
        keyring.load(tmp_path / keyring.FILE_NAME)


def test_a_systemd_credential_comes_before_the_home_folder(tmp_path: Path) -> None:
    credential = tmp_path / "credentials"
    credential.mkdir()
    environment = {"CREDENTIALS_DIRECTORY": str(credential)}
    assert keyring.locate(tmp_path, environment) == tmp_path / keyring.FILE_NAME
    keyring.save(keyring.generate(), credential / keyring.CREDENTIAL)
    assert keyring.locate(tmp_path, environment) == credential / keyring.CREDENTIAL
    os.chmod(credential / keyring.CREDENTIAL, 0o440)  # as systemd hands it out
    assert keyring.load(credential / keyring.CREDENTIAL)
