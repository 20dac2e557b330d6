"""The JSON API: what it says, the truth of its description, and cheap repetition."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from dashboard import pace
from host.clock import SECOND, ManualClock
from host.ledger import stores
from host.ledger.permissions import Role
from host.lnurl.budget import Rate
from tests.support.busy import business, failed, lightning
from tests.support.schema import problems, resolve
from tests.support.shop import Shop

Description = dict[str, Any]


@pytest.fixture
def description(manager: FlaskClient) -> Description:
    return dict(manager.get("/api/openapi.json").get_json())


@pytest.fixture
def busy(shop: Shop, clock: ManualClock) -> str:
    """A shop with payouts in every status; the id of one."""
    made = business(shop, clock, days=5)
    failed(shop, made.cards[0], 5, "no route")
    lightning(shop, made.cards[1], 7)
    return made.made[0].payout_id


@pytest.fixture
def client(manager: FlaskClient, busy: str, shop: Shop) -> FlaskClient:
    from dashboard.access import COOKIE

    manager.set_cookie(COOKIE, shop.session())  # five days have passed
    return manager


def wrong(answer: TestResponse, operation: Description, whole: Description) -> list[str]:
    """What an answer does that its description does not say."""
    said = operation["responses"].get(str(answer.status_code))
    if said is None:
        return [f"{answer.status_code} is not described"]
    if "content" not in said:
        return ["a body is not described"] if answer.data else []
    if answer.content_type != "application/json":
        return [f"{answer.content_type} is not described"]
    return problems(answer.get_json(), said["content"]["application/json"]["schema"], whole)


def test_every_route_of_the_api_is_described_and_nothing_else(
    app: Flask, description: Description
) -> None:
    there = {
        re.sub(r"<(\w+?)_(\w)(\w+)>", lambda m: f"{{{m[1]}{m[2].upper()}{m[3]}}}", rule.rule)
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("api.")
    }
    assert there == set(description["paths"])


def test_payouts_come_in_pages_with_the_guides_names(client: FlaskClient, busy: str) -> None:
    seen: list[dict[str, Any]] = []
    before: str | None = ""
    while before is not None:
        body = client.get(f"/api/payouts?limit=3&before={before}").get_json()
        seen += body["payouts"]
        before = body["next"]
    assert len(seen) == body["count"]
    assert body["countIsExact"]
    assert len({one["payoutId"] for one in seen}) == len(seen)
    first = seen[-1]
    assert first["payoutId"] == busy
    assert re.fullmatch(r"\d+\.\d{8}", first["amount"])
    assert int(first["amount"].replace(".", "")) == first["amountSat"]
    assert (first["currency"], first["boltcardAlias"]) == ("BTC", "Ann")


def test_stats_are_the_sums_of_the_payouts(client: FlaskClient) -> None:
    stats = client.get("/api/stats").get_json()
    every = client.get("/api/payouts?limit=200").get_json()["payouts"]
    paid = [one for one in every if one["status"] == "Completed"]
    assert stats["completedCount"] == len(paid)
    assert stats["completedAmountSat"] == sum(one["amountSat"] for one in paid)
    assert (stats["pendingCount"], stats["failedCount"]) == (1, 1)
    assert stats["totalPayouts"] == len(paid) + 1
    assert stats["activeBoltcards"] == len({one["boltcardId"] for one in paid})
    assert sum(bar["totalPayouts"] for bar in stats["trends"]) == stats["totalPayouts"]
    assert stats["before"]["totalPayouts"] == 0


def test_nothing_secret_is_in_any_answer(client: FlaskClient, shop: Shop, busy: str) -> None:
    for path in ("/api/payouts", f"/api/payouts/{busy}", "/api/cards", "/api/stats"):
        text = client.get(path).text.lower()
        for word in ("preimage", "pin", "hash", "issuer", "key_version", "keyversion"):
            assert f'"{word}' not in text, (path, word)


def test_asking_again_is_answered_with_nothing_until_something_changed(
    client: FlaskClient, shop: Shop
) -> None:
    for path in ("/api/stats", "/api/payouts", "/api/cards"):
        etag = client.get(path).headers["ETag"]
        again = client.get(path, headers={"If-None-Match": etag})
        assert (again.status_code, again.data) == (304, b""), path
    shop.pay(shop.card("New"), 5)
    for path in ("/api/stats", "/api/payouts", "/api/cards"):
        assert client.get(path, headers={"If-None-Match": etag}).status_code == 200, path


def test_too_many_requests_are_told_to_wait(
    shop: Shop, context: Any, monkeypatch: pytest.MonkeyPatch, clock: ManualClock
) -> None:
    from dashboard.access import COOKIE
    from dashboard.app import create_app

    monkeypatch.setattr(pace, "PROGRAMS", Rate(burst=2, per_second=1))
    client = create_app(context).test_client()
    client.set_cookie(COOKIE, shop.session())
    codes = [client.get("/api/stats").status_code for _ in range(3)]
    assert codes == [200, 200, 429]
    last = client.get("/api/stats")
    assert last.headers["Retry-After"]
    assert last.get_json()["code"] == "rate_limited"
    clock.advance(SECOND)
    assert client.get("/api/stats").status_code == 200


def test_a_page_that_begins_nowhere_is_not_the_end_of_the_list(
    client: FlaskClient, busy: str, shop: Shop
) -> None:
    stores.create(shop.db, "Other", store_id="other")
    for query, field in (("payouts?before=x", "before"), ("cards?after=x", "after")):
        answer = client.get(f"/api/{query}")
        assert (answer.status_code, answer.get_json()["detail"]) == (404, {"field": field})
    last = client.get(f"/api/payouts?before={busy}")
    assert (last.status_code, last.get_json()["payouts"]) == (200, [])
    assert client.get(f"/api/payouts?before={busy}&storeId=other").status_code == 404


def test_a_wrong_method_is_told_the_right_ones(client: FlaskClient) -> None:
    for path in ("/api/payouts", "/api/stats", "/api/cards", "/overview"):
        for method in ("POST", "PUT", "DELETE", "PATCH", "TRACE"):
            answer = client.open(path, method=method)
            assert answer.status_code == 405, (method, path)
            assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}
        head, got = client.head(path), client.get(path)
        assert (head.status_code, head.data) == (200, b"")
        assert head.headers["Content-Type"] == got.headers["Content-Type"]


NASTY = (
    "0000011111",
    "000001" + "9" * 5_000,
    "",
    " ",
    "0",
    "-1",
    "1",
    "999999999999999999999",
    "201",
    "x",
    "é",
    "\x00",
    "\r\nSet-Cookie: a=b",
    "'\"; DROP TABLE payouts; --",
    "<script>alert(1)</script>",
    "%",
    "_",
    "2026-03-02",
    "2026-13-40",
    "0001-01-01",
    "9999-12-31",
    "Completed",
    "active",
    "main",
    "nowhere",
    "a" * 500,
    "\ud83d",
)


def asked(description: Description, path: str, busy: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Requests: every parameter with every nasty value, then many at once, by a fixed chance."""
    chance = random.Random(path)
    parameters = description["paths"][path]["get"]["parameters"]
    names = [one["name"] for one in parameters if one["in"] == "query"]
    places = [path.replace("{payoutId}", place) for place in (busy, "nothing", "%00", "..%2f")]
    for place in dict.fromkeys(places):
        yield place, {}
        for name in names:
            for value in NASTY:
                yield place, {name: value.encode("utf-8", "replace").decode()}
    for _ in range(40):
        yield places[0], {name: chance.choice(NASTY).replace("\ud83d", "?") for name in names}


@pytest.mark.parametrize("role", list(Role))
def test_every_answer_is_one_that_the_description_promises(
    sign_in: Callable[[Role], FlaskClient],
    description: Description,
    busy: str,
    role: Role,
    shop: Shop,
    monkeypatch: pytest.MonkeyPatch,
    context: Any,
) -> None:
    from dashboard.access import COOKIE
    from dashboard.app import create_app

    monkeypatch.setattr(pace, "PROGRAMS", Rate(burst=100_000, per_second=1))
    client = create_app(context).test_client()
    client.set_cookie(COOKIE, shop.session(role))
    seen = set()
    for path, item in description["paths"].items():
        for place, query in asked(description, path, busy):
            answer = client.get(place, query_string=query)
            assert wrong(answer, item["get"], description) == [], (place, query)
            seen.add(answer.status_code)
    assert seen >= ({403} if role is Role.CASHIER else {200, 400, 404})


def test_a_stranger_is_told_to_sign_in(app: Flask, description: Description) -> None:
    for path, item in description["paths"].items():
        answer = app.test_client().get(path.replace("{payoutId}", "x"))
        assert answer.status_code == 401
        assert wrong(answer, item["get"], description) == []


def test_every_schema_that_is_named_is_there(description: Description) -> None:
    for reference in set(re.findall(r"#/[\w/]+", str(description))):
        assert resolve(reference, description)


def test_another_store_is_asked_for_by_its_id(client: FlaskClient, shop: Shop) -> None:
    stores.create(shop.db, "Other", store_id="other")
    assert client.get("/api/payouts?storeId=other").get_json()["payouts"] == []
    assert client.get("/api/payouts?storeId=nowhere").status_code == 404
