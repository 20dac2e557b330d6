"""Invoices of nodes that are nowhere."""

from __future__ import annotations

import hashlib
import secrets

from coincurve import PrivateKey

from host.bolt11 import Network, encode


def invoice_text(
    amount_msat: int | None,
    *,
    now: int,
    network: Network = Network.MAINNET,
    preimage: bytes | None = None,
    description: str | bytes = "x",
    expiry_s: int = 600,
    secret: bytes | None = None,
) -> str:
    """A signed invoice, in order but of a node of its own unless one is given."""
    preimage = preimage or secrets.token_bytes(32)
    return encode(
        network=network,
        amount_msat=amount_msat,
        payment_hash=hashlib.sha256(preimage).digest(),
        payment_secret=secrets.token_bytes(32),
        description=description,
        created_at=now,
        secret=secret or PrivateKey().secret,
        expiry_s=expiry_s,
    )
