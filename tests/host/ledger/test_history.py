"""Taking in the history of another system: once, as a whole or not at all, and moving no money."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from host.clock import ManualClock
from host.ledger import audit, books, history, people, views_both, views_history, views_totals
from host.ledger.history_file import BadFile, Kind, PastPayout, read
from host.ledger.people import Role
from host.ledger.records import PayoutStatus
from host.ledger.views_payouts import PayoutList
from host.ledger.views_totals import Origin, Range
from host.money import sats
from host.store.engine import Engine
from tests.support.shop import Shop

NOW = 1_772_460_451_000  # 2026-03-02T14:07:31Z
HEAD = (
    "payout_id,pull_payment_id,store_id,amount,currency,status,created_at,completed_at,boltcard_id"
)
ROWS = (
    "p1,pp,btc,0.00021000,BTC,Completed,2026-01-05 10:00:00,2026-01-05 10:00:02,c1",
    "p2,pp,btc,0.00000500,BTC,Pending,2026-01-05 11:00:00,,c1",
    "p3,pp,btc,1E-5,BTC,Failed,2026-01-06T09:00:00+01:00,\\N,",
)
CSV = "\n".join((HEAD, *ROWS)) + "\n"
WHICH = PayoutList("main", "2026-01-01", "2026-03-31")


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop.open(tmp_path, ManualClock(NOW))
    yield shop
    shop.close()


def snapshot(db: Engine) -> list[list[tuple[object, ...]]]:
    """Everything that an import could change."""
    tables = (
        *("history_imports", "history_payouts", "history_cards", "history_days"),
        *("entries", "pull_payments", "payouts", "daily_totals", "audit", "events"),
    )
    queries = [f"SELECT * FROM {table}" for table in tables]  # noqa: S608
    return db.read(lambda tx: [[tuple(row) for row in tx.all(query)] for query in queries])


def file(text: str) -> io.BytesIO:
    return io.BytesIO(text.encode())


def taken(text: str) -> list[PastPayout]:
    found = [past for _, past in read(file(text), NOW)]
    assert all(isinstance(one, PastPayout) for one in found)
    return found  # type: ignore[return-value]


def wrong(shop: Shop, text: str) -> list[str]:
    """What a file is refused for, after looking that nothing of it was taken."""
    before = snapshot(shop.db)
    with pytest.raises(BadFile) as caught:
        history.take(shop.db, "main", file(text), "x.csv")
    assert snapshot(shop.db) == before
    return [str(one) for one in caught.value.problems]


def test_a_file_is_taken_once_and_moves_no_money(shop: Shop) -> None:
    told: list[tuple[int, int]] = []
    plan = history.take(
        shop.db, "main", file(CSV), "old.csv", progress=lambda *done: told.append(done)
    )
    assert (plan.kind, plan.rows, plan.new, plan.changed) == (Kind.PAYOUTS, 3, 3, 0)
    assert told == [(3, 3)]
    found = views_both.page(shop.db, WHICH)
    assert [one.payout_id for one in found] == ["p3", "p2", "p1"]
    first = found[-1]
    assert (first.amount_msat, first.created_at) == (sats(21_000), 1_767_607_200_000)
    report = books.check(shop.db)
    assert report.ok, report.problems
    assert "3 imported payouts, which moved nothing here" in report.lines
    after = snapshot(shop.db)
    again = history.take(shop.db, "main", file(CSV), "renamed.csv")
    assert (again.rows, again.to_take) == (3, 0)
    assert snapshot(shop.db) == after
    assert len(history.imports(shop.db, "main")) == 1


def test_the_import_is_audited_with_who_and_what(shop: Shop) -> None:
    mona = people.create(shop.db, "Mona", Role.MANAGER)
    history.take(shop.db, "main", file(CSV), "old.csv", person=mona.person_id)
    row = audit.recent(shop.db, limit=1)[0]
    assert (row.action, row.person_id, row.data["rows"]) == ("history.import", mona.person_id, 3)


@pytest.mark.parametrize(
    "text",
    [
        CSV,
        CSV.replace(",", ";"),
        CSV.replace(",", "\t"),
        "\ufeff" + CSV.replace("\n", "\r\n"),
        CSV.replace("payout_id", "payoutId").replace("created_at", "createdAt"),
        CSV.replace("payout_id", "PayoutId").replace("boltcard_id", "BoltcardId"),
        CSV.replace("2026-01-05 10:00:00", "1767607200"),
        CSV.replace("2026-01-05 10:00:00", "1767607200000"),
        CSV.replace("2026-01-05 10:00:00,", "2026-01-05 10:00:00.000000+00,"),
        CSV.replace("0.00021000,BTC", "21000,SATS"),
        CSV.replace("Completed", "COMPLETED").replace("Pending", "AwaitingPayment"),
    ],
)
def test_the_same_table_in_other_clothes_is_the_same(text: str) -> None:
    assert taken(text) == taken(CSV)


def objects() -> list[dict[str, object]]:
    names = [*HEAD.split(","), "metadata"]
    rows = [dict(zip(names, row.replace("\\N", "").split(","), strict=False)) for row in ROWS]
    return [row | {"metadata": {"a": [1]}} for row in rows]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(objects()),
        json.dumps(objects(), indent=2),
        json.dumps({"count": 3, "payouts": objects()}),
        "\n".join(json.dumps(one) for one in objects()),
    ],
)
def test_json_comes_as_a_list_an_object_or_lines(text: str) -> None:
    found = taken(text)
    assert [one.payout_id for one in found] == ["p1", "p2", "p3"]
    assert found[0].metadata == '{"a":["1"]}'
    assert [one.amount for one in found] == [one.amount for one in taken(CSV)]


def test_a_json_number_never_becomes_a_float() -> None:
    row = objects()[0] | {"amount": 0.1, "createdAt": 1767607200}
    del row["created_at"]
    assert taken(json.dumps([row]))[0].amount == sats(10_000_000)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("0.00021000", "many"), "line 2, amount: write an amount like 0.00021000"),
        (("0.00021000", "NaN"), "line 2, amount: write an amount like 0.00021000"),
        (("0.00021000", "-1"), "line 2, amount: must be between"),
        (("0.00021000", "0"), "line 2, amount: must be above 0"),
        (("0.00021000", "0.000000001"), "line 2, amount: finer than one satoshi"),
        (("0.00021000", "21000001"), "line 2, amount: must be between"),
        (("0.00021000", "1e999999999"), "line 2, amount: "),
        (("BTC,Completed", "EUR,Completed"), "line 2, currency: must be BTC or SATS"),
        (("Completed", "Done"), "line 2, status: must be one of Pending"),
        (("2026-01-05 10:00:00", "yesterday"), "line 2, created_at: write a time like"),
        (("2026-01-05 10:00:00", "2036-01-05"), "line 2, created_at: must be after 1970"),
        (("2026-01-05 10:00:00", "9" * 40), "line 2, created_at: "),
        (("2026-01-05 10:00:00", ""), "line 2, created_at: is missing"),
        (("p1", "a b"), "line 2, payout_id: at most 255 characters"),
        (("p1", "x" * 256), "line 2, payout_id: at most 255 characters"),
        (("p2", "p1"), "line 3, payout_id: p1 is in line 2 already, with other facts"),
        ((",c1\np2", ",c1,more\np2"), "line 2, row: has not as many values"),
        (("payout_id", "payout"), "line 2, payout_id: there is no such column"),
        (("p2,pp,btc", "p2,pp,other"), "line 1, store_id: several stores (btc, other)"),
        (("\\N", '"'), "line 1, file: is not CSV"),
    ],
)
def test_a_bad_line_is_named_with_its_field_and_nothing_is_taken(
    shop: Shop, change: tuple[str, str], told: str
) -> None:
    problems = wrong(shop, CSV.replace(*change, 1))
    assert problems[0].startswith(told), problems


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "line 1, file: has no rows"),
        (HEAD, "line 1, file: has no rows"),
        ("[]", "line 1, file: has no rows"),
        ('[{"a": 1}, 2]', "line 1, payout_id: there is no such column"),
        ("[1, 2]", "line 1, row: must be an object"),
        ('{"payout_id": "x"\n', "line 2, file: is not JSON"),
        ("[" * 100_000, "line 1, file: is not JSON"),
        ("\0\0\0", "line 1, file: "),
    ],
)
def test_what_is_no_table_is_refused_with_words(shop: Shop, text: str, told: str) -> None:
    assert wrong(shop, text)[0].startswith(told)


def test_bytes_that_are_no_text_are_refused(shop: Shop) -> None:
    with pytest.raises(BadFile, match="is not UTF-8"):
        history.take(shop.db, "main", io.BytesIO(HEAD.encode() + b"\n\xff\xfe\n"), "x")


def test_several_problems_are_told_at_once_and_no_more_than_ten(shop: Shop) -> None:
    bad = CSV.replace("BTC", "EUR")
    assert len(wrong(shop, bad)) == 3
    many = HEAD + "\n" + "\n".join([ROWS[0].replace("BTC", "EUR")] * 50)
    assert len(wrong(shop, many)) == 10


def test_one_store_of_several_is_taken_when_it_is_named(shop: Shop) -> None:
    text = CSV.replace("p2,pp,btc", "p2,pp,other")
    plan = history.take(shop.db, "main", file(text), "x.csv", only="btc")
    assert plan.new == 2
    with pytest.raises(BadFile, match="no rows of store nobody"):
        history.plan(shop.db, "main", file(text), only="nobody")


def test_what_had_not_ended_may_come_again_with_its_end(shop: Shop) -> None:
    history.take(shop.db, "main", file(CSV), "monday.csv")
    later = CSV.replace(
        "0.00000500,BTC,Pending,2026-01-05 11:00:00,,c1",
        "0.00000500,BTC,Completed,2026-01-05 11:00:00,2026-01-08 11:00:00,c2",
    )
    plan = history.take(shop.db, "main", file(later), "friday.csv")
    assert (plan.new, plan.changed) == (0, 1)
    found = views_history.get(shop.db, "main", "p2")
    assert found
    assert (found.status, found.boltcard_id) == (PayoutStatus.COMPLETED, "c2")
    assert books.check(shop.db).ok
    days = views_totals.by_day(shop.db, Range("main", "2026-01-01", "2026-01-31"))
    assert sum(one.payouts for one in days) == 3
    assert wrong(shop, CSV)[0].startswith("line 3, status: payout p2 is in the history")
    other = CSV.replace("0.00021000", "0.00022000")
    assert "line 2, amount: payout p1 is in the history with another" in wrong(shop, other)


def test_a_payout_of_our_own_is_no_history(shop: Shop) -> None:
    ours = shop.pay(shop.card("Ann"), 5).payout.payout_id
    told = wrong(shop, CSV.replace("p3", ours))
    assert told == ["line 4, payout_id: is a payout of this ledger itself, not of its history"]


def test_an_import_that_was_interrupted_goes_on_where_it_stopped(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "BATCH", 1)

    def stop(done: int, _: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        history.take(shop.db, "main", file(CSV), "x.csv", progress=stop)
    assert books.check(shop.db).ok
    plan = history.take(shop.db, "main", file(CSV), "x.csv")
    assert (plan.rows, plan.new) == (3, 1)
    states = [(one.taken, one.planned) for one in history.imports(shop.db, "main")]
    assert sorted(states) == [(1, 1), (2, 3)]
    assert len(views_both.page(shop.db, WHICH)) == 3


USAGE = (
    "boltcard_id,alias,total_payouts,total_amount,first_used,last_used,store_id\n"
    "c1,Ann's old card,12,0.00250000,2025-01-01,2026-01-05,btc\n"
    "c9,,0,0,,,btc\n"
)


def test_the_usage_table_gives_cards_their_names_and_sums(shop: Shop) -> None:
    history.take(shop.db, "main", file(CSV), "payouts.csv")
    plan = history.take(shop.db, "main", file(USAGE), "usage.csv")
    assert (plan.kind, plan.new, plan.changed) == (Kind.USAGE, 1, 1)
    cards = {one.boltcard_id: one for one in views_history.cards(shop.db, "main")}
    assert (cards["c1"].alias, cards["c1"].total_amount_msat) == ("Ann's old card", sats(250_000))
    top = views_totals.top_cards(shop.db, Range("main", "2026-01-01", "2026-01-31"))
    assert [(one.alias, one.amount_msat) for one in top] == [("Ann's old card", sats(21_000))]
    assert history.take(shop.db, "main", file(USAGE), "usage.csv").to_take == 0
    assert books.check(shop.db).ok


def test_both_origins_are_one_list_in_any_page_size(shop: Shop) -> None:
    ann = shop.card("Ann")
    for amount in (1, 2, 3):
        shop.pay(ann, amount)
    same_day = CSV.replace("2026-01-05 11:00:00", "2026-03-02 08:00:00")
    history.take(shop.db, "main", file(same_day.replace(",c1", f",{ann.card_id}")), "x.csv")
    for which in (WHICH, PayoutList("main", "2026-01-01", "2026-03-31", None, (ann.card_id,))):
        every = [one.payout_id for one in views_both.page(shop.db, which)]
        assert len(every) == 6 - (which.cards is not None)
        assert every[-1] == "p1"
        assert every[3] == "p2"
        assert views_both.count(shop.db, which) == len(every)
        for size in (1, 2, 4):
            seen: list[str] = []
            before = None
            while page := views_both.page(shop.db, which, before=before, limit=size):
                seen += [one.payout_id for one in page]
                before = page[-1].payout_id
            assert seen == every
    for origin, count in ((Origin.HERE, 3), (Origin.IMPORTED, 3)):
        which = PayoutList("main", "2026-01-01", "2026-03-31", origin=origin)
        assert len(views_both.page(shop.db, which)) == views_both.count(shop.db, which) == count
    assert views_both.page(shop.db, WHICH, before="nothing") == []


def test_books_see_a_history_that_was_tampered_with(shop: Shop) -> None:
    history.take(shop.db, "main", file(CSV), "x.csv")
    shop.db.transaction(lambda tx: tx.run("UPDATE history_payouts SET amount = 1000 WHERE id = 1"))
    report = books.check(shop.db)
    assert not report.ok
    assert "imported days main 2026-01-05 c1 Completed" in report.problems[0]
