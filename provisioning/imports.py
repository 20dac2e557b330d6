"""Cards of other tools: the key files that the Boltcard server, LNbits and BTCPay hand out.

Two documents, either spelling of their names (PROTOCOL 11): *create* (`protocol_name`,
`lnurlw_base`, `k0` … `k4`) and *wipe* (`action: wipe`, `k0` … `k4`, `uid`). Missing K3 and K4 are
K1 and K2, as those tools have it; a missing K0, K1 or K2 is an error and never zeros.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from host.ntag424.keys import CardKeys
from host.ntag424.values import Key, Uid
from provisioning.keysets import KeySet, imported

_NEEDED = ("k0", "k1", "k2")
_FALLBACK = {"k3": "k1", "k4": "k2"}
_MOST_CHARACTERS = 10_000


class ImportRefused(ValueError):
    """The text is no key file; the message names the field and never a value."""


@dataclass(frozen=True, slots=True)
class Imported:
    """One card's keys from another tool. `uid` and `url_base` where the file tells them."""

    key_set: KeySet
    uid: Uid | None
    url_base: str | None
    purpose: str
    """`create` or `wipe`: what the file was made for. Both open the card."""


def read_import(text: str) -> Imported:
    """Read a create or wipe document; raises `ImportRefused`."""
    document = _document(text)
    fields = {str(name).lower(): value for name, value in document.items()}
    missing = [name for name in _NEEDED if not fields.get(name)]
    if missing:
        raise ImportRefused(f"{missing[0]}: is missing")
    five = [fields.get(name) or fields.get(_FALLBACK.get(name, "")) for name in CardKeys._fields]
    try:
        keys = CardKeys(*(Key.parse(str(one), f"k{n}") for n, one in enumerate(five)))
        uid = fields.get("uid")
        named = Uid.parse(str(uid)) if uid else None
    except ValueError as error:
        raise ImportRefused(str(error)) from None
    base = fields.get("lnurlw_base") or fields.get("lnurlw")
    purpose = "wipe" if str(fields.get("action", "")).lower() == "wipe" else "create"
    return Imported(imported(keys, named), named, _base(base), purpose)


def _document(text: str) -> Mapping[Any, Any]:
    plain = text.strip()
    if len(plain) > _MOST_CHARACTERS:
        raise ImportRefused("file: too long for a card's keys")
    if plain.startswith(("http://", "https://", "boltcard://", "lnurl")):
        raise ImportRefused("file: this is a link, not the keys; open it and save its answer")
    try:
        document = json.loads(plain)
    except ValueError:
        raise ImportRefused("file: is not JSON") from None
    if not isinstance(document, dict):
        raise ImportRefused("file: must be one JSON object")
    return document


def _base(text: object) -> str | None:
    """`LNURLW://Host/path` of either spelling; the path's case stays."""
    if not isinstance(text, str) or "://" not in text:
        return None
    _scheme, _, rest = text.partition("://")
    host, slash, path = rest.partition("/")
    return f"lnurlw://{host.lower()}{slash}{path.partition('?')[0]}"
