"""A job's end in the ledger: key version and counter change in one transaction (THREATS 11)."""

from __future__ import annotations

from host.ledger import cards, cards_anew, pull_payments, stores
from host.ledger.errors import LedgerError
from host.ledger.records import Card, CardState, KeyScheme, PullPaymentState
from host.ntag424 import keys
from host.ntag424.sun import PiccData
from host.ntag424.values import Uid
from host.store.tx import Place, Tx
from provisioning import journal
from provisioning.decide import Books, Decision
from provisioning.keysets import Derived, KeyRoom
from provisioning.orders import NewCard
from provisioning.plan import Plan, Use
from provisioning.trouble import Stop, TroubleCode


def read(db: Place, uid: Uid) -> Books:
    """What is on record about a card."""

    def look(tx: Tx) -> Books:
        row = cards.by_uid(tx, uid)
        busy = row is not None and cards_anew.on_the_way(tx, row.card_id)
        return Books(row, journal.open_job(tx, uid), journal.newest_version(tx, uid), busy)

    return db.read(look)


def check(db: Place, store_id: str, card: NewCard) -> None:
    """Refuse an order that the ledger would refuse at its end. Raises `Stop` WRONG_ORDER."""
    account = pull_payments.get(db, card.pull_payment_id)
    if account is None or account.store_id != store_id:
        raise Stop(TroubleCode.WRONG_ORDER, f"store {store_id} has no such pull payment")
    if account.state is not PullPaymentState.RUNNING:
        raise Stop(TroubleCode.WRONG_ORDER, f"the pull payment {account.name} has ended")
    try:
        stores.check_name(card.alias, "alias")
    except LedgerError as error:
        raise Stop(TroubleCode.WRONG_ORDER, str(error)) from error


def close(
    tx: Tx, decision: Decision, room: KeyRoom, tap: PiccData | None, person: str | None
) -> Card | None:
    """Tell the ledger what the card is now; returns its row, None where it has none."""
    plan = decision.plan
    row = cards.by_uid(tx, plan.uid)
    live = row if row and row.state is not CardState.WIPED else None
    if plan.use is Use.WIPE:
        return cards.wipe(tx, live.card_id, person) if live else row
    derived = plan.new.derived
    if derived is None or tap is None:
        raise ValueError("only our own keys enter the books, and only after a tap")
    if decision.card is not None:
        return _register(tx, plan, decision.card, derived, room, tap, row, person)
    if live is None or _unchanged(live, derived):
        return live
    return cards.rekey(
        tx,
        live.card_id,
        issuer_id=derived.issuer_id,
        key_version=derived.version,
        key_scheme=_scheme(derived),
        last_counter=tap.counter,
        state=live.state,
        person=person,
    )


def _register(
    tx: Tx,
    plan: Plan,
    card: NewCard,
    derived: Derived,
    room: KeyRoom,
    tap: PiccData,
    earlier: Card | None,
    person: str | None,
) -> Card:
    """A new life of the chip: earlier payouts stay with the earlier row."""
    if earlier is not None:
        cards_anew.retire(tx, earlier, person)
    issuer = next(one for one in room.issuers if one.issuer_id == derived.issuer_id)
    account = tx.one(
        "SELECT store_id FROM pull_payments WHERE pull_payment_id = :id",
        {"id": card.pull_payment_id},
    )
    made = cards.register(
        tx,
        card_id=cards_anew.free_id(tx, keys.card_id(issuer.key, plan.uid).hex()),
        uid=plan.uid,
        store_id=account["store_id"] if account else "",
        pull_payment_id=card.pull_payment_id,
        alias=card.alias,
        issuer_id=derived.issuer_id,
        key_version=derived.version,
        key_scheme=_scheme(derived),
        last_counter=tap.counter,
        limits=card.limits,
        starts_at=card.starts_at,
        ends_at=card.ends_at,
        person=person,
    )
    if card.pin_hash is not None:
        cards_anew.set_pin_hash(tx, made.card_id, card.pin_hash, card.pin_limit_msat or 0)
    return cards.get(tx, made.card_id) or made


def _scheme(derived: Derived) -> KeyScheme:
    return KeyScheme.PULL_PAYMENT if derived.pull_payment_id else KeyScheme.BOLTCARD


def _unchanged(row: Card, derived: Derived) -> bool:
    return (row.issuer_id, row.key_version) == (derived.issuer_id, derived.version)
