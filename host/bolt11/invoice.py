"""What an invoice says, and why one is refused (see the package's docstring)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import ClassVar


class Bolt11Error(ValueError):
    """Not an invoice we may act on; `kind` is the stable code of the refusal."""

    kind: ClassVar[str] = "invoice_invalid"


class InvoiceMalformed(Bolt11Error):
    """It cannot be read, or its checksum or signature is wrong: ask for a new one."""


class InvoiceNetwork(Bolt11Error):
    """It is for another network: paying it would be a mistake."""

    kind = "invoice_network"


class InvoiceAmountless(Bolt11Error):
    """It leaves the amount to the payer, so nothing can be compared with the sale."""

    kind = "invoice_amountless"


class InvoiceSubsat(Bolt11Error):
    """Its amount is not a whole number of satoshi: refused instead of rounded (THREATS 16)."""

    kind = "invoice_subsat"


class Network(StrEnum):
    """The chains an invoice can name."""

    MAINNET = "mainnet"
    TESTNET = "testnet"
    SIGNET = "signet"
    REGTEST = "regtest"

    @property
    def prefix(self) -> str:
        """The currency prefix after `ln` (BOLT 11, "Human-Readable Part")."""
        return _PREFIXES[self]

    @classmethod
    def of_prefix(cls, prefix: str) -> Network:
        """The network of a currency prefix; `InvoiceNetwork` when there is none."""
        for network, known in _PREFIXES.items():
            if known == prefix:
                return network
        raise InvoiceNetwork("invoice: unknown network")


_PREFIXES = {
    Network.MAINNET: "bc",
    Network.TESTNET: "tb",
    Network.SIGNET: "tbs",
    Network.REGTEST: "bcrt",
}


class Tag(IntEnum):
    """Types of tagged fields (BOLT 11, "Tagged Fields"); the letter is its bech32 character."""

    PAYMENT_HASH = 1  # p
    ROUTE = 3  # r
    FEATURES = 5  # 9
    EXPIRY = 6  # x
    FALLBACK = 9  # f
    DESCRIPTION = 13  # d
    PAYMENT_SECRET = 16  # s
    PAYEE = 19  # n
    DESCRIPTION_HASH = 23  # h
    MIN_FINAL_CLTV = 24  # c
    METADATA = 27  # m


@dataclass(frozen=True, slots=True)
class RouteHop:
    """One hop of a private route (an `r` field's entry)."""

    pubkey: bytes
    short_channel_id: int
    fee_base_msat: int
    fee_ppm: int
    cltv_delta: int


@dataclass(frozen=True, slots=True)
class Bolt11Invoice:
    """A decoded invoice whose checksum and signature hold."""

    bolt11: str
    """The text, in lower case."""
    network: Network
    amount_msat: int | None
    payment_hash: bytes
    payee: bytes
    """The payee's node id: 33 bytes, proven by the signature."""
    created_at: int
    """UTC epoch milliseconds."""
    expires_at: int
    """UTC epoch milliseconds."""
    description: str | None
    """Written by a stranger: escape it wherever it is shown."""
    description_hash: bytes | None
    payment_secret: bytes = field(repr=False)
    min_final_cltv: int = 18
    features: int = 0
    """The feature bits as one number; bit 0 is the lowest."""
    routes: tuple[tuple[RouteHop, ...], ...] = ()
    metadata: bytes | None = None
