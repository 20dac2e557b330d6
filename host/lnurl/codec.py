"""LNURL text: bech32 (LUD-01) and the schemes that name what they do (LUD-17). No I/O.

`decode` gives the URL to ask. It never follows anything: whether that URL may be asked at all
(private addresses, redirects, THREATS 20) is the client's business.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import parse_qs, urlsplit

from host.bolt11 import bech32

MAX_LENGTH = 4_096
_HRP = "lnurl"
_LIGHTNING = "lightning:"


class LnurlError(ValueError):
    """The text is no LNURL that may be asked: it cannot be read, or is not https."""


class Scheme(StrEnum):
    """The schemes of LUD-17: which service the holder of the text expects."""

    CHANNEL = "lnurlc"
    WITHDRAW = "lnurlw"
    PAY = "lnurlp"
    AUTH = "keyauth"


@dataclass(frozen=True, slots=True)
class Lnurl:
    """An LNURL and, where its text names one, the service behind it."""

    url: str
    scheme: Scheme | None = None


def encode(url: str) -> str:
    """The bech32 text of a URL, in upper case as QR codes want it."""
    return bech32.encode(_HRP, bech32.bytes_digits(url.encode())).upper()


def decode(text: str, plain_hosts: Container[str] = ()) -> Lnurl:
    """Read an LNURL in any of its forms; raises `LnurlError`.

    `plain_hosts` are `host` or `host:port` that are asked over http as onion services are: for a
    service on the same machine, never for one that is not.
    """
    text = text.strip()
    if len(text) > MAX_LENGTH:
        raise LnurlError("lnurl: too long")
    if text[: len(_LIGHTNING)].lower() == _LIGHTNING:
        text = text[len(_LIGHTNING) :].removeprefix("//")
    if text[: len(_HRP) + 1].lower() == f"{_HRP}1":
        return _checked(_from_bech32(text), plain_hosts)
    return _from_url(text, plain_hosts)


def _from_bech32(text: str) -> str:
    try:
        hrp, digits = bech32.decode(text, MAX_LENGTH)
        if hrp != _HRP:
            raise ValueError("not an LNURL")
        return bech32.digits_to_bytes(digits).decode("ascii")
    except ValueError as error:  # UnicodeDecodeError is one too
        raise LnurlError(f"lnurl: {error}") from error


def _from_url(text: str, plain_hosts: Container[str]) -> Lnurl:
    prefix, separator, rest = text.partition("://")
    if not separator:
        raise LnurlError("lnurl: neither bech32 nor a URL")
    name = prefix.lower()
    if name in tuple(Scheme):
        host = _host(f"https://{rest}")
        plain = _is_plain(host, plain_hosts)
        url = _checked(f"{'http' if plain else 'https'}://{rest}", plain_hosts).url
        return Lnurl(url, Scheme(name))
    found = _checked(f"{name}://{rest}", plain_hosts)
    # The fallback scheme of LUD-01: a page for people that carries the LNURL for wallets.
    inner = parse_qs(urlsplit(found.url).query).get("lightning", [])
    if len(inner) == 1 and inner[0].lower().startswith(f"{_HRP}1"):
        return _checked(_from_bech32(inner[0]), plain_hosts)
    return found


def _host(url: str) -> str:
    """The host (with its port, if any) of a URL, in lower case."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port  # a port that is no number raises
    except ValueError as error:
        raise LnurlError("lnurl: the URL is malformed") from error
    if not host or "@" in parts.netloc:
        raise LnurlError("lnurl: the URL must name a host and no user")
    return parts.netloc.lower()


def _is_plain(host: str, plain_hosts: Container[str]) -> bool:
    name = urlsplit(f"//{host}").hostname or ""
    return name.endswith(".onion") or host in plain_hosts or name in plain_hosts


def _checked(url: str, plain_hosts: Container[str]) -> Lnurl:
    """The URL, if it is https, or http to an onion service or a plain host."""
    if not url.isascii() or not url.isprintable() or " " in url:
        raise LnurlError("lnurl: the URL must be printable ASCII")
    host = _host(url)
    parts = urlsplit(url)
    if parts.scheme == "http" and not _is_plain(host, plain_hosts):
        raise LnurlError("lnurl: must be https (http only for onion services)")
    if parts.scheme not in ("http", "https"):
        raise LnurlError("lnurl: unknown scheme")
    return Lnurl(url.partition("#")[0])
