"""Charging other issuers' cards: withdraw requests, and handing invoices over."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.bolt11 import Network
from host.clock import ManualClock
from host.ledger.codes import Code
from host.lnurl import codec
from host.lnurl.client import (
    MAX_WORDS,
    Accepted,
    ForeignBroken,
    ForeignRefused,
    ForeignUnreachable,
    LnurlClient,
    NoWord,
    RefusedByIssuer,
    WithdrawRequest,
    clean,
)
from host.lnurl.guard import Guard, GuardSettings
from tests.host.lnurl.issuers import NOW, TAP, Issuer, client_of, running_issuer
from tests.support.invoices import invoice_text
from tests.support.scripted_http import ScriptedServer, redirect, reply


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with running_issuer() as issuer:
        yield issuer


@pytest.fixture
def client(issuer: Issuer) -> LnurlClient:
    return client_of(issuer)


# -- asking ------------------------------------------------------------------------------------


def test_a_tap_of_another_issuers_card_becomes_a_request(
    issuer: Issuer, client: LnurlClient
) -> None:
    request = client.ask(issuer.card)
    assert (request.min_msat, request.max_msat) == (1_000, 50_000_000)
    assert request.description == "Coffee card"
    assert request.host == issuer.server.host
    assert (request.static, request.pin_limit_msat, request.pay_link) == (False, None, None)
    assert issuer.server.requests[0].target == f"/ln?{TAP}"
    assert request.allows(1_000)
    assert request.allows(50_000_000)
    assert not request.allows(999)
    assert not request.allows(50_000_001)


def test_k1_and_callback_are_not_in_the_requests_repr(issuer: Issuer, client: LnurlClient) -> None:
    issuer.offers(k1="secret-k1")
    shown = repr(client.ask(issuer.card))
    assert "secret-k1" not in shown
    assert "/cb" not in shown


@pytest.mark.parametrize("query", ["", "?x=1", "?p=1", "?c=1", "?pp=1&cc=2"])
def test_an_address_without_p_and_c_is_a_static_voucher(
    issuer: Issuer, client: LnurlClient, query: str
) -> None:
    assert client.ask(f"lnurlw://{issuer.server.host}/ln{query}").static


def test_a_bech32_voucher_is_read_and_flagged(issuer: Issuer, client: LnurlClient) -> None:
    text = codec.encode(f"{issuer.server.url}/ln")
    for form in (text, text.lower(), f"lightning:{text}"):
        assert client.ask(form).static


def test_the_letters_of_p_and_c_may_be_upper_case(issuer: Issuer, client: LnurlClient) -> None:
    assert not client.ask(f"lnurlw://{issuer.server.host}/ln?P=1&C=2").static


@pytest.mark.parametrize(
    ("limit", "needs"), [(None, False), (0, True), (21_000, True), (21_001, False)]
)
def test_the_pin_limit_is_honoured_zero_included(
    issuer: Issuer, client: LnurlClient, limit: int | None, needs: bool
) -> None:
    issuer.offers(pinLimit=limit)
    assert client.ask(issuer.card).needs_pin(21_000) is needs


def test_a_pay_link_is_kept_as_it_is(issuer: Issuer, client: LnurlClient) -> None:
    issuer.offers(payLink="lnurlp://cards.example/x")
    assert client.ask(issuer.card).pay_link == "lnurlp://cards.example/x"


@pytest.mark.parametrize(
    "changes",
    [
        {"tag": None},
        {"tag": "payRequest"},
        {"tag": "login"},
        {"callback": None},
        {"callback": 7},
        {"callback": "ftp://x/"},
        {"callback": "http://cards.example/cb"},
        {"callback": "https://user@cards.example/"},
        {"k1": None},
        {"k1": ""},
        {"k1": 5},
        {"k1": "x" * 3_000},
        {"minWithdrawable": None},
        {"minWithdrawable": -1},
        {"minWithdrawable": 1.5},
        {"minWithdrawable": 1_000.0},
        {"minWithdrawable": "1000"},
        {"minWithdrawable": True},
        {"maxWithdrawable": 999},
        {"maxWithdrawable": 10**19},
        {"pinLimit": -1},
        {"pinLimit": "0"},
        {"pinLimit": False},
        {"payLink": 5},
        {"payLink": "x" * 5_000},
    ],
)
def test_threats_16_a_request_that_breaks_the_specification_is_not_used(
    issuer: Issuer, client: LnurlClient, changes: dict[str, object]
) -> None:
    issuer.offers(**changes)
    with pytest.raises(ForeignBroken):
        client.ask(issuer.card)


@pytest.mark.parametrize(
    "text", ["", "hello", "http://cards.example/", "lnurlp://cards.example/", "lnurl1qqqq", "\x00"]
)
def test_what_is_no_withdraw_address_is_not_asked(client: LnurlClient, text: str) -> None:
    with pytest.raises(ForeignBroken) as caught:
        client.ask(text)
    assert caught.value.code is Code.CARD_UNREADABLE
    assert not caught.value.sent


@pytest.mark.parametrize(
    "url",
    ["lnurlw://169.254.169.254/latest", "lnurlw://[::1]/", "lnurlw://10.0.0.1/?p=1&c=2"],
)
def test_threats_20_a_card_that_points_inward_is_not_asked(client: LnurlClient, url: str) -> None:
    with pytest.raises(ForeignUnreachable) as caught:
        client.ask(url)
    assert (caught.value.sent, caught.value.code) == (False, Code.FOREIGN_REFUSED)


def test_the_issuers_words_are_shown_cleaned(issuer: Issuer, client: LnurlClient) -> None:
    reason = "Not <script>alert(1)</script>\r\n\x1b[31menough\u202e\u200b balance" + "!" * 900
    issuer.answers["/ln"] = {"status": "ERROR", "reason": reason}
    with pytest.raises(ForeignRefused) as caught:
        client.ask(issuer.card)
    words = str(caught.value)
    assert words.startswith("Not alert(1) [31menough balance!")
    assert len(words) == MAX_WORDS
    assert caught.value.code is Code.FOREIGN_REFUSED


@given(st.text(max_size=400))
def test_cleaned_words_are_one_short_line_without_markup(text: str) -> None:
    words = clean(text)
    assert len(words) <= MAX_WORDS
    assert words == " ".join(words.split())
    assert words.isprintable()
    assert not set("<>") & set(words)
    assert clean(words) == words


# -- handing over ------------------------------------------------------------------------------


def ours() -> str:
    return invoice_text(21_000, now=NOW, network=Network.REGTEST)


def test_an_invoice_is_handed_over_with_its_k1(issuer: Issuer, client: LnurlClient) -> None:
    issuer.answers["/cb"] = {"status": "OK"}
    text = ours()
    assert client.submit(client.ask(issuer.card), text) == Accepted()
    assert issuer.asked() == {"k1": ["abc"], "pr": [text]}


def test_a_callback_may_have_a_query_of_its_own(issuer: Issuer, client: LnurlClient) -> None:
    issuer.offers(callback=f"{issuer.server.url}/cb?id=7", k1="a&b=c d")
    issuer.answers["/cb"] = {"status": "OK"}
    client.submit(client.ask(issuer.card), ours(), pin="0042")
    assert issuer.asked()["id"] == ["7"]
    assert issuer.asked()["k1"] == ["a&b=c d"]
    assert issuer.asked()["pin"] == ["0042"]


@pytest.mark.parametrize("pin", ["", "123", "12345", "12a4", "１２３４", "1&x="])
def test_threats_19_a_pin_that_is_none_never_leaves(
    issuer: Issuer, client: LnurlClient, pin: str
) -> None:
    request = client.ask(issuer.card)
    before = len(issuer.server.requests)
    with pytest.raises(ForeignRefused) as caught:
        client.submit(request, ours(), pin=pin)
    assert caught.value.code is Code.PIN_WRONG
    assert len(issuer.server.requests) == before


def test_a_refusal_brings_the_issuers_words(issuer: Issuer, client: LnurlClient) -> None:
    issuer.answers["/cb"] = {"status": "ERROR", "reason": "Daily limit reached"}
    result = client.submit(client.ask(issuer.card), ours())
    assert result == RefusedByIssuer("Daily limit reached")


@pytest.mark.parametrize(
    "answer",
    [
        lambda: reply(b"no JSON"),
        lambda: reply({"status": "fine"}),
        lambda: reply({}),
        lambda: reply(b"x" * 70_000),
        lambda: [b""],
        lambda: redirect("https://169.254.169.254/"),
        lambda: redirect("http://cards.example/"),
    ],
)
def test_threats_5_no_usable_answer_to_an_invoice_may_still_mean_that_it_is_paid(
    issuer: Issuer, client: LnurlClient, answer: object
) -> None:
    issuer.answers["/cb"] = answer
    assert isinstance(client.submit(client.ask(issuer.card), ours()), NoWord)


@pytest.mark.parametrize(
    "callback", ["https://169.254.169.254/cb", "https://localhost/cb", "https://[::1]/cb"]
)
def test_threats_20_a_callback_on_another_host_is_checked_as_well(
    issuer: Issuer, client: LnurlClient, callback: str
) -> None:
    issuer.offers(callback=callback)
    request = client.ask(issuer.card)
    with pytest.raises(ForeignUnreachable) as caught:
        client.submit(request, ours())
    assert not caught.value.sent


def test_a_callback_on_another_host_is_asked_when_that_host_may_be(client: LnurlClient) -> None:
    other = ScriptedServer(lambda _: reply({"status": "OK"}))
    guard = Guard(GuardSettings(plain_hosts=frozenset({other.host})))
    with other:
        request = WithdrawRequest(f"{other.url}/cb", "k", "", 1, 2, "cards.example", static=False)
        asking = LnurlClient(guard, Network.REGTEST, ManualClock(NOW))
        assert asking.submit(request, ours()) == Accepted()
