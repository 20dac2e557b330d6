"""What the audit trail calls a deed, in words; its own name stays beside them, for filters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from host.language import gettext, pgettext

KINDS: Final = {
    "sale": "Sales",
    "card": "Cards",
    "payout": "Payouts",
    "pull_payment": "Pull payments",
    "desk": "Card desk",
    "person": "People",
    "device": "Devices",
    "shift": "Shifts",
    "drawer": "Cash drawer",
    "store": "Stores",
    "terminal": "Terminals",
    "history": "History",
    "keys": "Issuer keys",
    "ledger": "Ledger",
    "look": "Looks",
}
"""First words of deeds, as a choice."""

_WORDS: Final = {
    "card.active": "Unblocked a card",
    "card.address": "Changed a card's address",
    "card.dates": "Changed a card's dates",
    "card.frozen": "Blocked a card",
    "card.limits": "Changed a card's limits",
    "card.new": "Set a card back to new",
    "card.pin": "Changed a card's PIN",
    "card.pin.unlock": "Unlocked a card's PIN",
    "card.register": "Took a card into the books",
    "card.rekey": "Gave a card new keys",
    "card.rename": "Renamed a card",
    "card.retire": "Retired a card",
    "card.top_up": "Filled a card over Lightning",
    "card.wiped": "Wiped a card",
    "desk.diagnose": "Diagnosed cards",
    "desk.issue": "Issued cards",
    "desk.rekey": "Gave cards new keys",
    "desk.repair": "Repaired cards",
    "desk.stopped": "Stopped the card desk",
    "desk.sure": "Said yes to wiping a card",
    "desk.verify": "Verified cards",
    "desk.wipe": "Wiped cards",
    "device.link": "Made a link for a device",
    "device.revoke": "Trusted a device no longer",
    "device.terminal": "Gave a device another terminal",
    "device.trust": "Trusted a device",
    "drawer.open": "Opened the cash drawer",
    "history.import": "Imported history",
    "keys.rotate": "Made a new issuer key",
    "ledger.restore": "Put a backup in the place of the ledger",
    "person.active": "Unblocked somebody",
    "person.blocked": "Blocked somebody",
    "person.create": "Added somebody",
    "person.link": "Made a sign-in link",
    "person.locked": "Locked out after wrong tries",
    "person.password": "Changed a password",
    "person.pin": "Changed a PIN",
    "person.role": "Changed somebody's role",
    "person.sign_in": "Signed in",
    "pull_payment.adjust": "Corrected a pull payment",
    "pull_payment.btcpay": "Mirrored a pull payment in BTCPay",
    "pull_payment.btcpay_ended": "Ended a mirror in BTCPay",
    "pull_payment.create": "Opened a pull payment",
    "pull_payment.end": "Ended a pull payment",
    "pull_payment.fees": "Changed a pull payment's fees",
    "pull_payment.fund": "Funded a pull payment",
    "pull_payment.refund": "Gave money back",
    "pull_payment.terms": "Changed a pull payment's terms",
    "pull_payment.top-up": "Topped up a pull payment",
    "payout.conflict": "Found paid what had been given up",
    "payout.release": "Released a payout by hand",
    "payout.settle": "Settled a payout by hand",
    "sale.give_up": "Gave up a sale that was being checked",
    "sale.refund": "Refunded a sale",
    "sale.reprint": "Printed a receipt again",
    "shift.closed": "Closed a shift",
    "shift.opened": "Opened a shift",
    "store.change": "Changed a store",
    "store.create": "Opened a store",
    "store.currency": "Changed the currency",
    "store.settings": "Changed settings",
    "terminal.rename": "Renamed a terminal",
}

_ROOMS: Final = {
    "api": "data, by a program",
    "cards": "cards",
    "desk": "the card desk",
    "devices": "devices",
    "history": "imported history",
    "overview": "the overview",
    "payouts": "payouts",
    "pull_payments": "pull payments",
    "reports": "reports",
    "sales": "sales",
    "settings": "settings",
    "shifts": "shifts",
    "team": "people",
    "terminals": "terminals",
    "trail": "the audit trail",
    "zreports": "Z reports",
}

_FACTS: Final = (
    *("alias", "amount_msat", "amount", "approved_by", "by", "card_id", "cards", "change", "count"),
    *("currency", "cutoff_hour", "device_id", "entry_id", "file", "from", "issuer_id", "key"),
    *("key_version", "kind", "limit_msat", "link", "name", "note", "number", "payout_id"),
    *("pull_payment_id", "reason", "role", "rows", "sale_id", "sha256", "state", "store_id"),
    *("terminal_id", "timezone", "tries", "uid", "value", "version"),
)
"""What the facts of a row are called; another one keeps its name."""


def told(facts: Mapping[str, object]) -> str:
    """The facts of a row in words: `name: Ann, limit: 5`."""
    known = ((name, value) for name, value in facts.items() if value is not None)
    return ", ".join(f"{pgettext('fact', name)}: {_value(name, value)}" for name, value in known)


def _value(name: str, value: object) -> str:
    return gettext(str(value)) if name in {"kind", "state"} else str(value)


def words(action: str) -> str:
    """A deed as people read it: `person.sign_in` is `Signed in`."""
    if action.startswith("look."):
        room, _, view = action.removeprefix("look.").partition(".")
        taken = view in {"csv", "jsonl"} or view.endswith("_csv")
        said = gettext("Exported %(what)s") if taken else gettext("Looked at %(what)s")
        return said % {"what": pgettext("room", _ROOMS.get(room, room.replace("_", " ")))}
    known = _WORDS.get(action)
    return gettext(known) if known else action.replace(".", ": ").replace("_", " ").capitalize()
