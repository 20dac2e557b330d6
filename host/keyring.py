"""The issuer keys and the host's secret: a file outside the database, never printed.

The file is JSON, mode 0600, in the home folder; under systemd it may be a credential of the same
form named `issuer-keys` instead. New cards use the newest issuer key; older ones are still
accepted, so rotation never strands a card (THREATS 8).

KeyringError                 the keys cannot be used: the message says what to do
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from host.ntag424.values import Key

FILE_NAME = "issuer-keys.json"
CREDENTIAL = "issuer-keys"
_FORMAT = 1

# Published in documentation and tools; a card made with one of these can be forged by anyone.
_WELL_KNOWN = frozenset(
    {
        bytes(16),
        bytes(15) + b"\x01",
        bytes(15) + b"\x02",
        bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c"),
        bytes.fromhex("deadbeefdeadbeefdeadbeefdeadbeef"),
        bytes.fromhex("00112233445566778899aabbccddeeff"),
        bytes.fromhex("ffeeddccbbaa99887766554433221100"),
    }
)


class KeyringError(Exception):
    """The key file is missing, readable by others, damaged or not fit for real money."""


@dataclass(frozen=True, slots=True)
class Issuer:
    """One issuer key and the name under which cards remember it."""

    issuer_id: str
    key: Key

    @classmethod
    def of(cls, key: Key) -> Issuer:
        """Name a key by a fingerprint, so that the same key has the same name everywhere."""
        digest = hashlib.sha256(b"taptill issuer " + key.reveal()).hexdigest()
        return cls(digest[:12], key)


@dataclass(frozen=True, slots=True)
class Keyring:
    """Issuer keys, newest first, and the secret under which the host signs what it hands out."""

    issuers: tuple[Issuer, ...]
    secret: bytes = field(repr=False)
    demo: bool = False

    @property
    def newest(self) -> Issuer:
        """The issuer key for new cards."""
        return self.issuers[0]

    def issuer(self, issuer_id: str) -> Issuer | None:
        """The issuer key of that name, if it is still kept."""
        return next((one for one in self.issuers if one.issuer_id == issuer_id), None)

    def rotated(self) -> Keyring:
        """A keyring with one more issuer key, which new cards will use."""
        fresh = Issuer.of(Key(secrets.token_bytes(16)))
        return Keyring((fresh, *self.issuers), self.secret, self.demo)


def generate(*, demo: bool = False) -> Keyring:
    """A new keyring with one random issuer key; `demo` marks it as unfit for real money."""
    return Keyring((Issuer.of(Key(secrets.token_bytes(16))),), secrets.token_bytes(32), demo)


def save(keyring: Keyring, path: Path) -> None:
    """Write the keyring so that either the old or the new file is there, readable by us alone."""
    text = json.dumps(
        {
            "format": _FORMAT,
            "demo": keyring.demo,
            "host_secret": keyring.secret.hex(),
            "issuers": [issuer.key.reveal().hex() for issuer in keyring.issuers],
        },
        indent=1,
    )
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        _keep_name(path.parent)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def _keep_name(folder: Path) -> None:
    """Have the new name survive a power cut as the file does: cards are made with these keys."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def locate(home: Path, environment: Mapping[str, str]) -> Path:
    """Where the keys are: a systemd credential if one was handed to us, else the home folder."""
    credentials = environment.get("CREDENTIALS_DIRECTORY")
    if credentials and (Path(credentials) / CREDENTIAL).is_file():
        return Path(credentials) / CREDENTIAL
    return home / FILE_NAME


def load(path: Path, *, allow_demo: bool = False) -> Keyring:
    """Read a keyring; `KeyringError` says in words what is wrong with it and what to do."""
    try:
        mode = path.stat().st_mode
        document = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise KeyringError(
            f"no issuer keys at {path}: run `taptill init`, or restore them"
        ) from None
    except (OSError, ValueError) as error:
        raise KeyringError(f"{path} cannot be read: {error}") from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO) and path.name == FILE_NAME:
        raise KeyringError(f"{path} can be read by others: run `chmod 600 {path}`")
    keyring = _parse(document, path)
    if keyring.demo and not allow_demo:
        raise KeyringError(f"{path} holds demo keys, which are refused outside the demo")
    if any(issuer.key.reveal() in _WELL_KNOWN for issuer in keyring.issuers):
        raise KeyringError(f"{path} holds a published issuer key: anyone could forge its cards")
    return keyring


def _parse(document: object, path: Path) -> Keyring:
    if not isinstance(document, dict) or document.get("format") != _FORMAT:
        raise KeyringError(f"{path}: format: must be {_FORMAT}")
    try:
        issuers = tuple(Issuer.of(Key.parse(text, "issuers")) for text in document["issuers"])
        secret = bytes.fromhex(document["host_secret"])
    except (KeyError, TypeError, ValueError) as error:
        # The message of Key.parse names the field and never its value.
        raise KeyringError(f"{path} is damaged: {error}") from None
    if not issuers or len(secret) != 32:
        raise KeyringError(f"{path} is damaged: issuers or host_secret")
    return Keyring(issuers, secret, bool(document.get("demo")))
