"""What managers change: cards, pull payments, people, themselves; each change is audited."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from dashboard.access import COOKIE
from dashboard.app import create_app
from dashboard.context import DashboardContext
from host.clock import DAY, MINUTE, ManualClock
from host.ledger import audit, cards, people, pull_payments, stores, views_audit
from host.ledger.codes import Code, Refused
from host.ledger.permissions import Person, Role
from host.ledger.records import Card, CardState, Limits, PullPaymentState
from host.ledger.views_audit import Trail
from host.money import sats
from host.store.errors import StoreFull
from tests.support.forms import csrf_of
from tests.support.shop import Shop


@pytest.fixture
def ann(shop: Shop) -> Card:
    return shop.card("Ann")


def send(client: FlaskClient, path: str, **form: str) -> str:
    """A form as the browser sends it; the page that it leads to."""
    form["csrf_token"] = csrf_of(client)
    answer = client.post(path, data=form, headers={"Accept": "text/html"}, follow_redirects=True)
    assert answer.status_code == 200, answer.text
    return answer.text


def deeds(shop: Shop) -> list[tuple[str, str | None, str | None]]:
    """(deed, subject, person's name) of the newest rows that are no looks."""
    names = {one.person_id: one.name for one in people.every(shop.db)}
    return [
        (row.action, row.subject, names.get(row.person_id or ""))
        for row in audit.recent(shop.db, limit=20)
        if not row.action.startswith(("look.", "person.sign_in"))
    ]


def test_a_blocked_card_pays_nothing_until_it_is_unblocked(
    manager: FlaskClient, shop: Shop, ann: Card
) -> None:
    page = send(manager, f"/cards/{ann.card_id}/freeze")
    assert "The card is blocked" in page
    assert "Unblock the card" in page
    shop.arm(5)
    refused = shop.tap(ann)
    assert isinstance(refused, Refused)
    assert refused.code is Code.CARD_BLOCKED
    assert deeds(shop)[0] == ("card.frozen", ann.card_id, "manager")
    assert "can be blocked" in send(manager, f"/cards/{ann.card_id}/freeze")
    assert "The card pays again" in send(manager, f"/cards/{ann.card_id}/unfreeze")
    assert "only a blocked card" in send(manager, f"/cards/{ann.card_id}/unfreeze")


def test_a_technician_blocks_cards_but_changes_no_limits(
    sign_in: Callable[[Role], FlaskClient], shop: Shop, ann: Card
) -> None:
    technician = sign_in(Role.TECHNICIAN)
    page = send(technician, f"/cards/{ann.card_id}/freeze")
    assert "Change the limits" not in page
    assert "Taps and payouts" not in page
    form = {"csrf_token": csrf_of(technician), "limit_tap": "1"}
    assert technician.post(f"/cards/{ann.card_id}/limits", data=form).status_code == 403
    kept = cards.get(shop.db, ann.card_id)
    assert kept
    assert (kept.state, kept.limits) == (CardState.FROZEN, Limits())


def test_limits_are_typed_in_sats_blank_is_none_and_zero_is_zero(
    manager: FlaskClient, shop: Shop, ann: Card
) -> None:
    path = f"/cards/{ann.card_id}/limits"
    page = send(manager, path, limit_tap="2100", limit_day="0", limit_month="", limit_count="3")
    kept = cards.get(shop.db, ann.card_id)
    assert kept
    assert kept.limits == Limits(sats(2_100), 0, None, 3)
    assert "0 of <strong>3</strong>" in page
    assert deeds(shop)[0] == ("card.limits", ann.card_id, "manager")
    for field, typed in (("limit_tap", "-5"), ("limit_day", "1e9"), ("limit_count", "2.5")):
        page = send(manager, path, **{field: typed})
        assert f"{field}: " in page
    assert cards.get(shop.db, ann.card_id) == kept


def test_used_limits_are_shown_beside_them(manager: FlaskClient, shop: Shop, ann: Card) -> None:
    cards.set_limits(shop.db, ann.card_id, Limits(None, sats(5_000), sats(9_000), 20))
    shop.pay(ann, 2_000)
    page = manager.get(f"/cards/{ann.card_id}").text
    assert "2\u00a0000 of <strong>5\u00a0000</strong> sats" in page
    assert "1 of <strong>20</strong>" in page
    assert '<progress max="5000000" value="2000000"' in page


def test_alias_dates_and_pin_are_changed_and_no_pin_is_ever_shown(
    manager: FlaskClient, shop: Shop, ann: Card
) -> None:
    base = f"/cards/{ann.card_id}"
    assert "<h1>Anna &amp; Ben</h1>" in send(manager, f"{base}/alias", alias="Anna & Ben")
    assert "alias: 1 to 120 characters" in send(manager, f"{base}/alias", alias=" ")
    page = send(manager, f"{base}/dates", starts_at="2026-03-02T10:00", ends_at="2026-04-01T00:00")
    assert "2026-03-02 10:00:00 – 2026-04-01 00:00:00" in page
    page = send(manager, f"{base}/dates", starts_at="2026-03-02T10:00", ends_at="2026-03-01T00:00")
    assert "ends_at: must be after the start" in page
    page = send(manager, f"{base}/pin", pin="739201", pin_limit="500")
    assert "from 500 sats on" in page
    assert "739201" not in page
    assert "pin: must be 4 to 12 digits" in send(manager, f"{base}/pin", pin="7392o1")
    assert "739201" not in manager.get("/audit").text
    assert "The card needs no PIN any more" in send(manager, f"{base}/pin/remove")
    kept = cards.get(shop.db, ann.card_id)
    assert kept
    assert kept.pin_limit_msat is None


def test_a_card_of_nobody_is_not_there(manager: FlaskClient) -> None:
    form = {"csrf_token": csrf_of(manager)}
    assert manager.post("/cards/none/freeze", data=form).status_code == 404


def test_a_pull_payment_is_opened_funded_extended_and_ended(
    manager: FlaskClient, shop: Shop
) -> None:
    page = send(manager, "/pull-payments", name="Volunteers", limit="50000")
    found = re.search(r'href="(/pull-payments/(\w+))">Volunteers', page)
    assert found
    base, account_id = found[1], found[2]
    page = send(manager, f"{base}/fund", amount="21000", reason="cash")
    assert "21\u00a0000 sats" in page
    send(manager, f"{base}/fund", amount="1", reason="more cash")
    kinds = [one.kind for one in pull_payments.entries_by_hand(shop.db, account_id)]
    assert sorted(kinds) == ["fund", "top-up"]
    page = send(manager, f"{base}/terms", limit="", ends_at="2026-12-31T23:59")
    account = pull_payments.get(shop.db, account_id)
    assert account
    assert account.limit_msat is None
    assert "2026-12-31 23:59:00" in page
    assert "name: type the name" in send(manager, f"{base}/end", name="volunteers")
    assert "has ended" in send(manager, f"{base}/end", name="Volunteers")
    account = pull_payments.get(shop.db, account_id)
    assert account
    assert account.state is PullPaymentState.ENDED
    assert [deed for deed, _, _ in deeds(shop)][:5] == [
        "pull_payment.end",
        "pull_payment.terms",
        "pull_payment.top-up",
        "pull_payment.fund",
        "pull_payment.create",
    ]
    assert {name for _, _, name in deeds(shop)[:5]} == {"manager"}
    assert "it was ended" in send(manager, f"{base}/terms", limit="1")


def test_an_amount_that_makes_no_sense_moves_nothing(manager: FlaskClient, shop: Shop) -> None:
    base = f"/pull-payments/{shop.account.pull_payment_id}"
    for amount in ("", "0", "-1", "1.5.5", "many", "1e5", "99999999999999999"):
        assert "amount: " in send(manager, f"{base}/fund", amount=amount, reason="x")
    assert "reason: " in send(manager, f"{base}/fund", amount="5", reason="")
    account = pull_payments.get(shop.db, shop.account.pull_payment_id)
    assert account
    assert account.balance_msat == sats(1_000_000)


def test_somebody_new_comes_in_by_a_link_that_is_shown_once(
    manager: FlaskClient, app: Flask, shop: Shop
) -> None:
    send(manager, "/people", name="Zoe", role="cashier", store="main")
    zoe = people.by_name(shop.db, "Zoe")
    assert zoe
    assert (zoe.role, zoe.store_id) == (Role.CASHIER, "main")
    page = send(manager, f"/people/{zoe.person_id}/link")
    found = re.search(r"(/sign-in/link/[\w-]+)", page)
    assert found
    assert found[1] not in manager.get("/people").text
    hers = app.test_client()
    hers.get(found[1])
    assert hers.get("/till").status_code == 200
    assert "every session has ended" in send(manager, f"/people/{zoe.person_id}/block")
    assert hers.get("/till").status_code == 401
    send(manager, f"/people/{zoe.person_id}/unblock")
    send(manager, f"/people/{zoe.person_id}/role", role="manager", store="")
    changed = people.by_name(shop.db, "Zoe")
    assert changed
    assert (changed.role, changed.store_id) == (Role.MANAGER, None)


def test_links_for_others_name_the_address_that_people_use(
    context: DashboardContext, shop: Shop
) -> None:
    client = create_app(replace(context, url="https://till.example.com/")).test_client()
    client.set_cookie(COOKIE, shop.session())
    page = send(client, f"/people/{me(shop).person_id}/link")
    assert "<code>https://till.example.com/sign-in/link/" in page
    page = send(client, "/terminals/link", name="Tablet", terminal="till-1")
    assert "<code>https://till.example.com/device/link/" in page


def test_a_refused_form_gives_back_all_that_was_typed(manager: FlaskClient, shop: Shop) -> None:
    lines = "\n".join("é" * 100 for _ in range(9))  # more lines than a receipt may have
    typed = {"header": lines, "footer": "x" * 900, "language": "en", "paper_mm": "58"}
    page = send(manager, "/settings/receipts", inside="1", **typed)
    assert "header: " in page
    assert lines in page
    assert "x" * 900 in page
    assert lines not in manager.get("/settings").text, "once"


def me(shop: Shop) -> Person:
    found = people.by_name(shop.db, "manager")
    assert found
    return found


def test_the_last_manager_cannot_be_locked_out(manager: FlaskClient, shop: Shop) -> None:
    path = f"/people/{me(shop).person_id}"
    assert "cannot block yourself" in send(manager, f"{path}/block")
    page = send(manager, f"{path}/role", role="cashier", store="main")
    assert "the last manager of every store must stay one" in page
    assert me(shop).role is Role.MANAGER
    assert "role: must be one of" in send(manager, "/people", name="x", role="king", store="")
    assert "there is no such store" in send(manager, "/people", name="x", role="cashier", store="z")


def test_a_manager_of_one_store_makes_nobody_for_another(app: Flask, shop: Shop) -> None:
    stores.create(shop.db, "Other shop", store_id="other")
    eve = people.create(shop.db, "eve", Role.MANAGER, store_id="other")
    client = app.test_client()
    client.get(f"/sign-in/link/{people.one_time_link(shop.db, eve.person_id)}")
    for store in ("", "main"):
        page = send(client, "/people", name="mallory", role="manager", store=store)
        assert "store: must be your own store" in page
    assert people.by_name(shop.db, "mallory") is None
    send(client, "/people", name="bob", role="cashier", store="other")
    page = client.get("/people").text
    assert "bob" in page
    assert "Corner shop" not in page


def test_the_first_password_is_set_without_a_default_and_ends_other_sessions(
    manager: FlaskClient, app: Flask, shop: Shop
) -> None:
    elsewhere = app.test_client()
    elsewhere.set_cookie(COOKIE, shop.session())
    assert "Set a password" in manager.get("/me").text
    page = send(manager, "/me/password", password="correct horse", again="battery staple")
    assert "is not the same password" in page
    assert "must be 8 to 200" in send(manager, "/me/password", password="short", again="short")
    page = send(manager, "/me/password", password="correct horse", again="correct horse")
    assert "Your password is set" in page
    assert "Change your password" in page
    assert elsewhere.get("/me").status_code == 401
    page = send(manager, "/me/password", current="x", password="battery 1", again="battery 1")
    assert "this is not your password" in page
    assert people.sign_in(shop.db, "manager", "correct horse")


def test_the_trail_is_narrowed_by_person_deed_subject_and_day(
    manager: FlaskClient, shop: Shop, ann: Card, clock: ManualClock
) -> None:
    send(manager, f"/cards/{ann.card_id}/freeze")
    page = manager.get(f"/audit?action=card.&person={me(shop).person_id}").text
    assert page.count("<code>card.") == 1
    assert "card.frozen" in page
    hers = manager.get(f"/audit?subject={ann.card_id}").text
    assert "card.register" in hers
    assert '<span class="sub name">Ann</span>' in hers, "its id says nothing to people"
    assert "Nothing here" in manager.get("/audit?endDate=2026-03-01").text
    assert "card.frozen" in manager.get("/audit?startDate=2026-03-02&endDate=2026-03-02").text
    for query in ("startDate=x", "before=x", "action=" + "x" * 121):
        assert manager.get(f"/audit?{query}").status_code == 400, query
    assert "no row was changed" in manager.get("/audit?check=1").text
    lines = manager.get("/audit/export.csv?action=card.").text.splitlines()
    assert "manager" in lines[1]
    assert "card.frozen" in lines[1]
    assert "card.register" in lines[-1]


def test_a_trail_that_was_tampered_with_says_so(manager: FlaskClient, shop: Shop) -> None:
    def tamper(tx: object) -> None:
        tx.run("DROP TRIGGER audit_stays")  # type: ignore[attr-defined]
        tx.run("UPDATE audit SET subject = 'x' WHERE audit_id = 2")  # type: ignore[attr-defined]

    shop.db.transaction(tamper)
    assert "audit: row 2 was changed" in manager.get("/audit?check=1").text


def test_a_page_of_the_trail_looks_at_a_bounded_stretch(
    shop: Shop, ann: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views_audit, "STRETCH", 4)
    for _ in range(6):
        cards.freeze(shop.db, ann.card_id)
    found = views_audit.page(shop.db, Trail(action="store.create"))
    assert (found.rows, found.next is not None) == ([], True)
    every = [row.action for rows in views_audit.each(shop.db, Trail()) for row in rows]
    assert every[-1] == "store.create"
    assert len(every) == audit.head(shop.db)[0]


def test_looks_are_noted_once_in_ten_minutes(
    manager: FlaskClient, shop: Shop, ann: Card, clock: ManualClock
) -> None:
    def looks() -> int:
        rows = audit.recent(shop.db, limit=100)
        return sum(row.action == "look.cards.one" and row.subject == ann.card_id for row in rows)

    for _ in range(3):
        manager.get(f"/cards/{ann.card_id}")
    assert looks() == 1
    clock.advance(10 * MINUTE)
    manager.get(f"/cards/{ann.card_id}")
    assert looks() == 2
    manager.get("/cards/none")
    assert looks() == 2


def test_a_full_disk_keeps_nobody_from_looking(
    manager: FlaskClient, ann: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise StoreFull("disk full")

    monkeypatch.setattr(audit, "append", full)
    assert manager.get(f"/cards/{ann.card_id}").status_code == 200


def test_the_card_page_tells_its_last_days(
    manager: FlaskClient, shop: Shop, ann: Card, clock: ManualClock
) -> None:
    shop.pay(ann, 1_000)
    clock.advance(2 * DAY)
    shop.pay(ann, 500)
    manager.set_cookie(COOKIE, shop.session())
    page = manager.get(f"/cards/{ann.card_id}").text
    assert "1\u00a0500 sats in the last 30 days" in page
    assert page.count('class="paid"') == 2
    assert page.count('class="none"') == 28


def test_readers_say_how_they_are(manager: FlaskClient, shop: Shop) -> None:
    shop.arm(2_100)
    page = manager.get("/terminals").text
    assert "twin ready" in page
    assert "Newest sale: 2\u00a0100 sats, waiting" in page
    shop.dots(reader=False)
    assert "no reader is plugged in" in manager.get("/terminals").text


def test_what_people_type_is_text_wherever_it_stands(
    manager: FlaskClient, shop: Shop, ann: Card
) -> None:
    nasty = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
    other = "Zoe\r\nSet-Cookie: a=b" + nasty
    account = f"/pull-payments/{shop.account.pull_payment_id}"
    stores.create(shop.db, nasty, store_id="nasty")
    send(manager, f"/cards/{ann.card_id}/alias", alias=nasty)
    send(manager, f"{account}/fund", amount="5", reason=nasty)
    send(manager, "/pull-payments", name=nasty)
    send(manager, "/people", name=other, role=nasty, store="")
    send(manager, "/people", name=other, role="cashier", store="nasty")
    paths = ("/people", "/audit", "/pull-payments", account, "/cards", f"/cards/{ann.card_id}")
    reflected = f"?q={nasty}&subject={nasty}&person={nasty}&action={nasty}"
    for path in (*paths, f"/cards{reflected}", f"/audit{reflected}"):
        answer = manager.get(path)
        assert "<script>alert" not in answer.text, path
        assert "<img src=x" not in answer.text, path
        assert "a=b" not in str(answer.headers), path


def test_cards_are_found_by_alias_id_and_state(manager: FlaskClient, shop: Shop, ann: Card) -> None:
    ben = shop.card("Ben_%")
    cards.set_state(shop.db, ben.card_id, CardState.FROZEN)
    for query in ("q=_%25", "state=frozen", f"q={ben.card_id}", "q=04A1B2C3D402"):
        page = manager.get(f"/cards?{query}").text
        assert "Ben_%" in page, query
        assert ">Ann<" not in page, query
    assert "No card fits" in manager.get("/cards?q=nobody").text
    assert manager.get("/cards?state=melted").status_code == 400
