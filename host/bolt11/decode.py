"""Reading an invoice: checksum, fields, and the payee's signature (BOLT 11)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from functools import lru_cache

from coincurve import PublicKey

from host.bolt11 import bech32
from host.bolt11.invoice import (
    Bolt11Invoice,
    InvoiceAmountless,
    InvoiceMalformed,
    InvoiceNetwork,
    InvoiceSubsat,
    Network,
    RouteHop,
    Tag,
)
from host.money import MAX_MSAT, MSAT_PER_BTC, MSAT_PER_SAT

MAX_LENGTH = 7_089
"""What the largest QR code holds; the length limit that LND uses as well."""

_REMEMBERED = 128

_HRP = re.compile(r"ln(?P<currency>[a-z]+?)(?:(?P<amount>[1-9][0-9]{0,19})(?P<unit>[munp]?))?")
_DIVISORS = {"": 1, "m": 10**3, "u": 10**6, "n": 10**9, "p": 10**12}
_TIMESTAMP_DIGITS = 7
_SIGNATURE_DIGITS = 104
_FIXED: dict[int, int] = {
    Tag.PAYMENT_HASH: 52,
    Tag.PAYMENT_SECRET: 52,
    Tag.DESCRIPTION_HASH: 52,
    Tag.PAYEE: 53,
}
_MAX_INT_DIGITS = 7  # expiry and cltv beyond 35 bits (a thousand years) mean nothing
_DEFAULT_EXPIRY_S = 3_600
_DEFAULT_CLTV = 18
_HOP_BYTES = 51
# Even bits of BOLT 9 that invoices may require: var_onion_optin, payment_secret, basic_mpp,
# option_route_blinding, option_attribution_data, payment_metadata, trampoline. Whether a payment
# needs one of them is the wallet's business; an unknown one must fail (BOLT 11).
_KNOWN_FEATURES = sum(1 << bit for bit in (8, 14, 16, 24, 36, 48, 56))
_EVEN_BITS = int("01" * 4096, 2)


def payable(text: str, network: Network) -> Bolt11Invoice:
    """Decode an invoice that we may pay: on our network, with an amount in whole satoshi.

    Raises the `Bolt11Error` whose kind says why not. Expiry is the ledger's question, because
    it must be asked under the write lock.
    """
    invoice = decode(text)
    if invoice.network is not network:
        raise InvoiceNetwork(f"invoice: for {invoice.network}, not {network}")
    if invoice.amount_msat is None:
        raise InvoiceAmountless("invoice: has no amount")
    if invoice.amount_msat % MSAT_PER_SAT:
        raise InvoiceSubsat("invoice: not a whole number of satoshi")
    return invoice


@lru_cache(maxsize=_REMEMBERED)
def decode(text: str) -> Bolt11Invoice:
    """Decode an invoice; any text gives an invoice or a `Bolt11Error`, nothing else.

    The newest are remembered: an invoice is read at the claim and again by the wallet that pays.
    """
    try:
        hrp, digits = bech32.decode(text, MAX_LENGTH)
        network, amount_msat = _read_hrp(hrp)
        if len(digits) < _TIMESTAMP_DIGITS + _SIGNATURE_DIGITS:
            raise ValueError("too short")
        signed, signature = digits[:-_SIGNATURE_DIGITS], digits[-_SIGNATURE_DIGITS:]
        fields = _Fields(signed[_TIMESTAMP_DIGITS:])
        message = hrp.encode() + bech32.digits_to_filled_bytes(signed)
        payee = _payee(message, bech32.digits_to_bytes(signature), fields.binary(Tag.PAYEE))
        created_at = int(signed[:_TIMESTAMP_DIGITS], 32) * 1_000
        return _invoice(fields, text.lower(), network, amount_msat, payee, created_at=created_at)
    except InvoiceNetwork:
        raise
    except ValueError as error:  # UnicodeDecodeError is one too
        raise InvoiceMalformed(f"invoice: {error}") from error


def _read_hrp(hrp: str) -> tuple[Network, int | None]:
    match = _HRP.fullmatch(hrp)
    if match is None:
        raise ValueError("not a Lightning invoice, or its amount cannot be read")
    network = Network.of_prefix(match["currency"])
    if match["amount"] is None:
        return network, None
    amount_msat, rest = divmod(int(match["amount"]) * MSAT_PER_BTC, _DIVISORS[match["unit"]])
    if rest or amount_msat > MAX_MSAT:
        raise ValueError("amount is finer than one millisatoshi or above 21 million BTC")
    return network, amount_msat


class _Fields:
    """The tagged fields of an invoice; of several with one type the first counts."""

    def __init__(self, digits: str) -> None:
        self._first: dict[int, str] = {}
        self.routes: list[tuple[RouteHop, ...]] = []
        for tag, data in self._split(digits):
            if len(data) != _FIXED.get(tag, len(data)):
                continue  # "MUST skip over … fields that do NOT have data_lengths of …"
            if tag == Tag.ROUTE:
                self.routes.append(_route(bech32.digits_to_bytes(data)))
            elif tag == Tag.FALLBACK:
                _check_fallback(data)
            self._first.setdefault(tag, data)

    @staticmethod
    def _split(digits: str) -> Iterator[tuple[int, str]]:
        at = 0
        while at < len(digits):
            start = at + 3
            length = int(digits[at + 1 : start] or "0", 32)
            if start + length > len(digits):
                raise ValueError("a field is cut off")
            yield int(digits[at], 32), digits[start : start + length]
            at = start + length

    def binary(self, tag: Tag) -> bytes | None:
        data = self._first.get(tag)
        return None if data is None else bech32.digits_to_bytes(data)

    def required(self, tag: Tag) -> bytes:
        data = self.binary(tag)
        if data is None:
            raise ValueError(f"has no {tag.name.lower()}")
        return data

    def number(self, tag: Tag, default: int) -> int:
        data = self._first.get(tag)
        if data is None:
            return default
        if len(data) > _MAX_INT_DIGITS:
            raise ValueError(f"{tag.name.lower()} is too large")
        return int(data or "0", 32)

    def features(self) -> int:
        bits = int(self._first.get(Tag.FEATURES) or "0", 32)
        if bits & _EVEN_BITS & ~_KNOWN_FEATURES:
            raise ValueError("needs a feature that is not known here")
        return bits


def _invoice(
    fields: _Fields,
    text: str,
    network: Network,
    amount_msat: int | None,
    payee: bytes,
    *,
    created_at: int,
) -> Bolt11Invoice:
    description = fields.binary(Tag.DESCRIPTION)
    description_hash = fields.binary(Tag.DESCRIPTION_HASH)
    if (description is None) == (description_hash is None):
        raise ValueError("must have a description or its hash, and not both")
    return Bolt11Invoice(
        bolt11=text,
        network=network,
        amount_msat=amount_msat,
        payment_hash=fields.required(Tag.PAYMENT_HASH),
        payee=payee,
        created_at=created_at,
        expires_at=created_at + fields.number(Tag.EXPIRY, _DEFAULT_EXPIRY_S) * 1_000,
        description=None if description is None else description.decode(),
        description_hash=description_hash,
        payment_secret=fields.required(Tag.PAYMENT_SECRET),
        min_final_cltv=fields.number(Tag.MIN_FINAL_CLTV, _DEFAULT_CLTV),
        features=fields.features(),
        routes=tuple(fields.routes),
        metadata=fields.binary(Tag.METADATA),
    )


def _payee(message: bytes, signature: bytes, named: bytes | None) -> bytes:
    """The node that signed; with an `n` field, only that node will do.

    A signature is valid for a key exactly when one of the four recovery ids yields that key, so
    a named payee is checked by recovery too, whatever recovery id the writer put down.
    """
    digest = hashlib.sha256(message).digest()
    given = signature[64]
    ids = (given,) if named is None else (given, *(i for i in range(4) if i != given))
    for recovery_id in ids:
        try:
            signer = PublicKey.from_signature_and_message(
                signature[:64] + bytes((recovery_id,)), digest, hasher=None
            ).format()
        except ValueError:
            continue
        if named in (None, signer):
            return signer
    raise ValueError("wrong signature")


def _route(raw: bytes) -> tuple[RouteHop, ...]:
    if not raw or len(raw) % _HOP_BYTES:
        raise ValueError("a route hint is cut off")
    return tuple(_hop(raw[at : at + _HOP_BYTES]) for at in range(0, len(raw), _HOP_BYTES))


def _hop(raw: bytes) -> RouteHop:
    return RouteHop(
        pubkey=raw[:33],
        short_channel_id=int.from_bytes(raw[33:41]),
        fee_base_msat=int.from_bytes(raw[41:45]),
        fee_ppm=int.from_bytes(raw[45:49]),
        cltv_delta=int.from_bytes(raw[49:]),
    )


def _check_fallback(data: str) -> None:
    """Refuse a malformed on-chain address: we never pay there, but such an invoice is broken."""
    version = int(data[:1] or "31", 32)
    if version > 18:
        return  # unknown versions are skipped
    length = len(bech32.digits_to_bytes(data[1:]))
    sizes = {0: (20, 32), 17: (20,), 18: (20,)}.get(version, range(2, 41))
    if length not in sizes:
        raise ValueError("a fallback address has a wrong length")
