"""A PIN that was offered, judged under the write lock: tries are counted across taps and pages."""

from __future__ import annotations

from host.ledger import pins
from host.ledger.codes import Code, Refused
from host.store.tx import Row, Tx


def judge(tx: Tx, card_id: str, card: Row, offered: pins.Try | None) -> Refused | None:
    """None when it is right. A wrong one is counted, the last one locks; the tap stays usable.

    `card` has `pin_hash` (there is one), `pin_tries` and `store_id`, read in this transaction.
    """
    if card["pin_tries"] >= pins.MAX_TRIES:
        return Refused(Code.PIN_LOCKED)
    if offered is None or offered.stored != card["pin_hash"]:  # none, or another was set meanwhile
        return Refused(Code.PIN_REQUIRED)
    right = pins.fits(offered, card["pin_hash"])
    tries = 0 if right else card["pin_tries"] + 1
    if tries != card["pin_tries"]:
        row = {"tries": tries, "card_id": card_id}
        tx.run("UPDATE cards SET pin_tries = :tries WHERE card_id = :card_id", row)
    if right:
        return None
    left = pins.MAX_TRIES - tries
    facts: dict[str, str | int] = {"tries_left": left}
    tx.event("card.pin_wrong", store_id=card["store_id"], subject=card_id, data=facts)
    return Refused(Code.PIN_WRONG, facts) if left else Refused(Code.PIN_LOCKED)
