"""What the ledger refuses to those who manage it. A tap's refusals are `codes.Refused` instead.

LedgerError(ValueError)     the request makes no sense as it stands; the message says why
├── NotAllowed              this person may not do that, or not in this store
├── NotFound                there is no such store, account, card, payout or person
└── Taken                   a name, a UID or an id is already in use
"""

from __future__ import annotations


class LedgerError(ValueError):
    """The request cannot be done as it stands; the message names the field."""


class NotFound(LedgerError):
    """Nothing has this id; look at the list again."""


class NotAllowed(LedgerError):
    """This person may not do that; somebody with the permission does it."""


class Taken(LedgerError):
    """Something else has this id, UID or name; choose another."""
