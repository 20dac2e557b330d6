"""Cards that a till refused: each is noted with its sale, and is never changed."""

from __future__ import annotations

import pytest

from host.ledger import attempts, sales, z_reports
from host.ledger.attempts import Laid
from host.ledger.codes import Code
from host.ledger.records import Sale, SaleState
from host.money import sats
from host.store.driver import sqlite3
from host.store.errors import StoreError
from tests.support.books import STORE, Shop


def refuse(here: Shop, sale: Sale, code: Code, laid: Laid, words: str = "") -> None:
    declined = SaleState.DECLINED
    sales.move(here.db, sale.sale_id, declined, code=code, data={"words": words}, laid=laid)


def test_each_refused_card_is_told_with_its_sale_and_of_the_card(here: Shop) -> None:
    ann, ben = here.card(alias="Ann"), here.card(alias="Ben")
    sale = here.sale(sats(10), "t")
    refuse(here, sale, Code.LIMIT_DAY, Laid(ann.card_id))
    here.clock.advance(1_000)
    refuse(here, sale, Code.FOREIGN_REFUSED, Laid(host="cards.example"), "no money")
    refuse(here, sale, Code.TWO_CARDS, attempts.NOBODY)
    other = here.sale(sats(20), "t")
    refuse(here, other, Code.CARD_BLOCKED, Laid(ann.card_id))
    found = attempts.of_sale(here.db, sale.sale_id)
    told = [(one.code, one.alias, one.host, one.words) for one in found]
    assert told == [
        (Code.LIMIT_DAY, "Ann", "", ""),
        (Code.FOREIGN_REFUSED, None, "cards.example", "no money"),
        (Code.TWO_CARDS, None, "", ""),
    ]
    assert found[1].at - found[0].at == 1_000
    of_ann = attempts.of_card(here.db, ann.card_id, STORE)
    assert [(one.sale_id, one.amount_msat) for one in of_ann] == [
        (other.sale_id, sats(20)),
        (sale.sale_id, sats(10)),
    ]
    assert len(attempts.of_card(here.db, ann.card_id, STORE, limit=1)) == 1
    assert attempts.of_card(here.db, ben.card_id, STORE) == []
    assert attempts.of_card(here.db, ann.card_id, "elsewhere") == []


def test_a_sale_that_was_over_notes_nothing(here: Shop) -> None:
    sale = here.sale(sats(10))
    sales.cancel(here.db, sale.sale_id)
    refuse(here, sale, Code.CARD_BLOCKED, attempts.NOBODY)
    assert attempts.of_sale(here.db, sale.sale_id) == []


def test_attempts_are_never_changed_and_never_deleted(here: Shop) -> None:
    refuse(here, here.sale(sats(10)), Code.CARD_BLOCKED, attempts.NOBODY)
    for sql in ("UPDATE attempts SET code = 'x'", "DELETE FROM attempts"):
        with pytest.raises((StoreError, sqlite3.Error), match="never"):
            here.db.transaction(lambda tx, sql=sql: tx.run(sql))  # type: ignore[misc]


def test_to_be_asked_for_the_pin_is_no_refusal(here: Shop) -> None:
    sale = here.sale(sats(10), "t")
    for code in (Code.PIN_REQUIRED, Code.PIN_WRONG, Code.PIN_REQUIRED, Code.PIN_LOCKED):
        refuse(here, sale, code, attempts.NOBODY)
    assert z_reports.interim(here.db, STORE)["declined"] == 2
    told = [one.code for one in attempts.of_sale(here.db, sale.sale_id)]
    assert told == [Code.PIN_WRONG, Code.PIN_LOCKED]
