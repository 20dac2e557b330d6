"""BOLT 11 invoices: decoded with checksum and signature verified, and encoded.

Bolt11Error(ValueError)     not an invoice we may act on; `kind` is the refusal's stable code
├── InvoiceMalformed        `invoice_invalid`: checksum, signature, field or length is wrong
├── InvoiceNetwork          `invoice_network`: for another network than ours
├── InvoiceAmountless       `invoice_amountless`: leaves the amount to the payer
└── InvoiceSubsat           `invoice_subsat`: not a whole number of satoshi
"""

from host.bolt11.decode import decode, payable
from host.bolt11.encode import encode
from host.bolt11.invoice import (
    Bolt11Error,
    Bolt11Invoice,
    InvoiceAmountless,
    InvoiceMalformed,
    InvoiceNetwork,
    InvoiceSubsat,
    Network,
    RouteHop,
    Tag,
)

__all__ = [
    "Bolt11Error",
    "Bolt11Invoice",
    "InvoiceAmountless",
    "InvoiceMalformed",
    "InvoiceNetwork",
    "InvoiceSubsat",
    "Network",
    "RouteHop",
    "Tag",
    "decode",
    "encode",
    "payable",
]
