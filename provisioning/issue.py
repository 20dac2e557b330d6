"""The few calls that the commands, the card desk and the demo make."""

from __future__ import annotations

from dataclasses import dataclass

from host.keyring import Keyring
from host.ledger.records import Limits
from host.ntag424.card import Link
from host.store.engine import Engine
from provisioning.engine import Workshop
from provisioning.orders import Goal, NewCard, Order, Tell, silent
from provisioning.seen import Depth
from provisioning.trouble import Trouble


@dataclass(frozen=True, slots=True)
class Issued:
    """A card that pays from now on."""

    card_id: str
    uid: str
    alias: str
    key_version: int
    counter: int
    already: bool
    apdus: int


def issue_card(
    db: Engine,
    keyring: Keyring,
    base_url: str,
    link: Link,
    *,
    store_id: str,
    pull_payment_id: str,
    alias: str,
    limits: Limits = Limits(),  # noqa: B008 - immutable
    depth: Depth = Depth.FULL,
    person: str | None = None,
    tell: Tell = silent,
) -> Issued | Trouble:
    """Program the card in the field and take it into the books; `base_url` is `lnurlw://host/ln`.

    `link` is anything with `transceive`. On a card that is issued already it only checks.
    """
    card = NewCard(pull_payment_id=pull_payment_id, alias=alias, limits=limits)
    order = Order(
        goal=Goal.ISSUE,
        store_id=store_id,
        url_base=base_url,
        card=card,
        depth=depth,
        person=person,
    )
    outcome = Workshop(db, keyring).work(link, order, tell)
    if isinstance(outcome, Trouble):
        return outcome
    return Issued(
        outcome.card_id or "",
        outcome.uid,
        outcome.alias or alias,
        outcome.key_version or 0,
        outcome.counter or 0,
        outcome.already,
        outcome.apdus,
    )
