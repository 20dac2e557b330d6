"""Writing an invoice, signed by the payee's node key (BOLT 11)."""

from __future__ import annotations

from coincurve import PrivateKey

from host.bolt11 import bech32
from host.bolt11.decode import MAX_LENGTH
from host.bolt11.invoice import Network, Tag
from host.money import MAX_MSAT, MSAT_PER_BTC

VAR_ONION = 1 << 8
PAYMENT_SECRET = 1 << 14


def encode(
    *,
    network: Network,
    amount_msat: int | None,
    payment_hash: bytes,
    payment_secret: bytes,
    description: str | bytes,
    created_at: int,
    secret: bytes,
    expiry_s: int | None = None,
    min_final_cltv: int | None = None,
    features: int = VAR_ONION | PAYMENT_SECRET,
) -> str:
    """The signed text of an invoice.

    `description` is the text itself, or the 32 bytes of its SHA-256; `created_at` is in UTC
    epoch milliseconds (an invoice keeps whole seconds); `secret` is the payee's private key.
    Fields come in the order of the specification's own examples.
    Raises `ValueError` for a field that does not fit.
    """
    hrp = f"ln{network.prefix}{_amount_text(amount_msat)}"
    fields = [*_proof_fields(payment_hash, payment_secret), *_description_field(description)]
    if expiry_s is not None:
        fields.append((Tag.EXPIRY, bech32.int_digits(expiry_s)))
    if min_final_cltv is not None:
        fields.append((Tag.MIN_FINAL_CLTV, bech32.int_digits(min_final_cltv)))
    if features:
        fields.append((Tag.FEATURES, bech32.int_digits(features)))
    digits = bech32.int_digits(created_at // 1_000, 7) + "".join(
        _tagged(tag, data) for tag, data in fields
    )
    message = hrp.encode() + bech32.digits_to_filled_bytes(digits)
    signature = PrivateKey(secret).sign_recoverable(message)
    text = bech32.encode(hrp, digits + bech32.bytes_digits(signature))
    if len(text) > MAX_LENGTH:
        raise ValueError("invoice: too long")
    return text


def _proof_fields(payment_hash: bytes, payment_secret: bytes) -> list[tuple[Tag, str]]:
    if len(payment_hash) != 32 or len(payment_secret) != 32:
        raise ValueError("invoice: payment hash and payment secret must be 32 bytes")
    return [
        (Tag.PAYMENT_SECRET, bech32.bytes_digits(payment_secret)),
        (Tag.PAYMENT_HASH, bech32.bytes_digits(payment_hash)),
    ]


def _description_field(description: str | bytes) -> list[tuple[Tag, str]]:
    if isinstance(description, str):
        return [(Tag.DESCRIPTION, bech32.bytes_digits(description.encode()))]
    if len(description) != 32:
        raise ValueError("invoice: description hash must be 32 bytes")
    return [(Tag.DESCRIPTION_HASH, bech32.bytes_digits(description))]


def _tagged(tag: Tag, data: str) -> str:
    return bech32.int_digits(tag, 1) + bech32.int_digits(len(data), 2) + data


def _amount_text(amount_msat: int | None) -> str:
    """The shortest writing of an amount, with the largest multiplier that divides it."""
    if amount_msat is None:
        return ""
    if not 0 < amount_msat <= MAX_MSAT:
        raise ValueError("invoice: amount must be above 0 and at most 21 million BTC")
    for unit, per_unit in (("", MSAT_PER_BTC), ("m", 10**8), ("u", 10**5), ("n", 10**2)):
        if amount_msat % per_unit == 0:
            return f"{amount_msat // per_unit}{unit}"
    return f"{amount_msat * 10}p"
