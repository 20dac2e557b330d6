"""Which five keys a card may hold: sets with a name that can be written down, unlike the keys.

`factory`                              zeros, as delivered
`issuer:<issuer>:<version>`            boltcard's scheme; with `:<pull payment>` BTCPay's variant
`import:<fingerprint>`                 of another tool, from the file the technician holds

The journal keeps names only; the keys come from the issuer's file, or the imported one, each time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from host.keyring import Issuer, Keyring
from host.ntag424 import keys
from host.ntag424.keys import CardKeys
from host.ntag424.values import Key, Uid
from provisioning.trouble import TroubleCode


class KeysMissing(Exception):
    """The keys of this name are not at hand: the issuer's or the imported file must be given."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name
        imported = name.startswith("import:")
        self.code = TroubleCode.IMPORT_NEEDED if imported else TroubleCode.ISSUER_MISSING


@dataclass(frozen=True, slots=True)
class KeySet:
    """Five keys, their name, and the version byte with which they were written (None: unknown)."""

    name: str
    keys: CardKeys = field(repr=False)
    marker: int | None
    only_for: Uid | None = None
    """The card that an imported file names."""

    @property
    def imported(self) -> bool:
        return self.name.startswith("import:")

    @property
    def derived(self) -> Derived | None:
        """Where an issuer's set comes from; None for all others."""
        return Derived.parse(self.name)


@dataclass(frozen=True, slots=True)
class Derived:
    """What an issuer's keys are derived from, besides the card's UID."""

    issuer_id: str
    version: int
    pull_payment_id: str | None = None

    @classmethod
    def parse(cls, name: str) -> Derived | None:
        kind, *rest = name.split(":", 3)
        if kind != "issuer":
            return None
        return cls(rest[0], int(rest[1]), rest[2] if len(rest) > 2 else None)

    @property
    def name(self) -> str:
        tail = f":{self.pull_payment_id}" if self.pull_payment_id else ""
        return f"issuer:{self.issuer_id}:{self.version}{tail}"


FACTORY = KeySet("factory", CardKeys.factory(), 0)


def marker(version: int) -> int | None:
    """The version byte on a card whose keys are of this version; 1 to 255, never that of zeros.

    Version 0 is not issued here; other tools do, and then the byte tells nothing.
    """
    return (version - 1) % 255 + 1 if version else None


def imported(card_keys: CardKeys, only_for: Uid | None = None) -> KeySet:
    """A set of another tool, named by a fingerprint that gives no key away."""
    digest = hashlib.sha256(b"taptill import " + b"".join(k.reveal() for k in card_keys))
    return KeySet(f"import:{digest.hexdigest()[:12]}", card_keys, None, only_for)


class KeyRoom:
    """Every key set that can be had here, by name; it forgets nothing and writes nothing."""

    def __init__(self, keyring: Keyring, imports: Iterable[KeySet] = ()) -> None:
        self._keyring = keyring
        self.imports = tuple(imports)

    @property
    def issuers(self) -> tuple[Issuer, ...]:
        """Newest first."""
        return self._keyring.issuers

    def of(self, name: str, uid: Uid) -> KeySet:
        """The set of that name for that card. Raises `KeysMissing`."""
        if name == FACTORY.name:
            return FACTORY
        if derived := Derived.parse(name):
            return self.derive(derived, uid)
        for one in self.imports:
            if one.name == name:
                return one
        raise KeysMissing(name)

    def derive(self, derived: Derived, uid: Uid) -> KeySet:
        """An issuer's set. Raises `KeysMissing`."""
        issuer = self._keyring.issuer(derived.issuer_id)
        if issuer is None:
            raise KeysMissing(derived.name)
        five = keys.derive(issuer.key, uid, derived.version, derived.pull_payment_id)
        return KeySet(derived.name, five, marker(derived.version))

    def has(self, issuer_id: str) -> bool:
        """Whether this issuer's key is kept here."""
        return self._keyring.issuer(issuer_id) is not None

    def openers(self) -> list[Key]:
        """Every K1 that may open a card's `p` before its UID is known."""
        ours = [keys.k1(issuer.key) for issuer in self.issuers]
        return [*ours, *(one.keys.k1 for one in self.imports), FACTORY.keys.k1]
