"""What a card on the till's reader means: every bad card has its answer and costs nothing."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hardware.twin.card import TwinCard
from host import keyring as keyrings
from host.keyring import Keyring
from host.ledger import attempts, cards, claims, pull_payments, sales, stores, taps
from host.ledger.claims import Claimed
from host.ledger.codes import Code, Refused
from host.ledger.records import Sale, SaleState
from host.money import sats
from host.ntag424 import keys, sun
from host.ntag424.crypto import aes_cbc_encrypt
from host.ntag424.values import Uid
from host.readers.base import CardGone, CardLink, CardRefused, ReaderGone, SeveralCards
from host.till import Outcome, Terminal, Till, arm
from tests.support.counter import CONFIG, Counter, UrlCard, counter
from tests.support.running import MONEY, HeldCard, digest

OURS = "lnurlw://127.0.0.1:8423/ln"


class Link(CardLink):
    """A card in the field, spoken to without a reader."""

    def __init__(self, exchange: Callable[[bytes], bytes]) -> None:
        self.seen_ns = 0
        self.apdus: list[bytes] = []
        self._exchange = exchange

    @property
    def uid(self) -> bytes | None:
        return None

    def transceive(self, apdu: bytes) -> bytes:
        self.apdus.append(apdu)
        return self._exchange(apdu)


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Counter]:
    with counter(tmp_path) as opened:
        yield opened


@pytest.fixture
def card(at: Counter) -> HeldCard:
    return at.card()


@pytest.fixture
def sale(at: Counter) -> Sale:
    return at.arm(100)


def lay(at: Counter, held: HeldCard) -> Outcome | None:
    held.twin.power_on()
    return at.till.presented(Link(held.twin.transceive))


def say(at: Counter, url: str) -> Outcome | None:
    """Lay down a card that says this URL."""
    return at.till.presented(Link(UrlCard(url).transceive))


def signed(keyring: Keyring, uid: Uid, counter: int, version: int = 1) -> str:
    """The URL of a card of this issuer at this counter."""
    issuer = keyring.newest.key
    message = sun.build(keys.k1(issuer), keys.k2(issuer, uid, version), uid, counter)
    return f"{OURS}?p={message.p.hex()}&c={message.c.hex()}"


def declined(at: Counter, sale: Sale, outcome: object, code: Code) -> None:
    """The refusal, the sale and the words agree."""
    assert isinstance(outcome, Refused)
    assert outcome.code is code
    now = at.sale(sale.sale_id)
    assert (now.state, now.code) == (SaleState.DECLINED, code)


def test_a_good_tap_costs_two_apdus_and_pays(at: Counter, card: HeldCard, sale: Sale) -> None:
    card.twin.power_on()
    link = Link(card.twin.transceive)
    outcome = at.till.presented(link)
    assert isinstance(outcome, Claimed)
    assert len(link.apdus) == 2
    assert outcome.payout.facts()["terminal_id"] == "till-1"
    assert at.sale(sale.sale_id).state is SaleState.APPROVED


BAD_URLS = [
    (f"{OURS}?p={{p}}00&c={{c}}", Code.SUN_INVALID),
    (f"{OURS}?p={{p}}&c={{c}}00", Code.SUN_INVALID),
    (f"{OURS}?p={'0' * 30}&c={{c}}", Code.SUN_INVALID),
    (f"{OURS}?p={'g' * 32}&c={{c}}", Code.SUN_INVALID),
    (f"{OURS}?p={{p}}&c={'-' * 16}", Code.SUN_INVALID),
    (f"{OURS}?p={{p}}", Code.SUN_INVALID),
    (f"{OURS}?c={{c}}", Code.SUN_INVALID),
    (f"{OURS}?p={{p}}&p={{p}}&c={{c}}", Code.SUN_INVALID),
    (f"{OURS}?p={{p}}&c={'0' * 16}", Code.SUN_INVALID),
    (f"{OURS}?p={'0' * 32}&c={{c}}", Code.SUN_INVALID),
    ("https://example.com/", Code.SUN_INVALID),
    ("mailto:somebody", Code.SUN_INVALID),
    ("", Code.SUN_INVALID),
    ("lnurlw://other.example/ln?p={p}&c={c}", Code.CARD_UNKNOWN),
    ("lnurlw://127.0.0.1/ln?p={p}&c={c}", Code.CARD_UNKNOWN),
    ("lnurlw://127.0.0.1:8423@evil.example/ln?p={p}&c={c}", Code.SUN_INVALID),
    ("lnurlw://127.0.0.1:8423.evil.example/ln?p={p}&c={c}", Code.SUN_INVALID),
    (f"{OURS}?p={{p}}&c={{c}}\x07", Code.SUN_INVALID),
    ("x" * 900, Code.SUN_INVALID),
]


@pytest.mark.parametrize(("url", "code"), BAD_URLS)
def test_a_card_that_says_something_else_is_named_and_the_next_good_tap_pays(
    at: Counter, card: HeldCard, sale: Sale, url: str, code: Code
) -> None:
    tap = card.tap()
    before = digest(at.db, MONEY)
    declined(at, sale, say(at, url.format(**tap)), code)
    assert digest(at.db, MONEY) == before
    assert isinstance(lay(at, card), Claimed)


def test_upper_and_lower_case_are_the_same_tap(at: Counter, card: HeldCard, sale: Sale) -> None:
    tap = card.tap()
    upper = say(at, f"{OURS}?p={tap['p'].upper()}&c={tap['c'].upper()}")
    assert isinstance(upper, Claimed)
    following = at.arm(50)
    lower = say(at, f"{OURS}?p={tap['p'].lower()}&c={tap['c'].lower()}")
    declined(at, following, lower, Code.SUN_REPLAYED)


def test_tag_c6_is_no_tap_of_ours(at: Counter, card: HeldCard, sale: Sale) -> None:
    plain = bytes([0xC6]) + card.uid.raw + (9).to_bytes(3, "little") + bytes(5)
    forged = aes_cbc_encrypt(keys.k1(at.keyring.newest.key), bytes(16), plain)
    before = digest(at.db, MONEY)
    url = f"{OURS}?p={forged.hex()}&c={card.tap()['c']}"
    declined(at, sale, say(at, url), Code.SUN_INVALID)
    assert digest(at.db, MONEY) == before


def test_threat_6_a_wrong_mac_moves_no_counter(at: Counter, card: HeldCard, sale: Sale) -> None:
    far = signed(at.keyring, card.uid, 0xFFFF00)
    forged = far[:-16] + secrets.token_hex(8)
    before = digest(at.db, MONEY)
    declined(at, sale, say(at, forged), Code.SUN_INVALID)
    assert digest(at.db, MONEY) == before
    assert isinstance(lay(at, card), Claimed)


def test_threat_3_a_copied_tap_is_refused_before_and_after_its_owner_paid(
    at: Counter, card: HeldCard, sale: Sale
) -> None:
    copied = card.tap_url()
    assert isinstance(lay(at, card), Claimed)
    following = at.arm(50)
    before = digest(at.db, MONEY)
    declined(at, following, say(at, copied), Code.SUN_REPLAYED)
    assert digest(at.db, MONEY) == before
    assert isinstance(lay(at, card), Claimed)


def test_an_unknown_card_of_ours_and_the_last_counter(
    at: Counter, card: HeldCard, sale: Sale
) -> None:
    unknown = signed(at.keyring, Uid(b"\x04" + secrets.token_bytes(6)), 1)
    declined(at, sale, say(at, unknown), Code.CARD_UNKNOWN)
    declined(at, sale, say(at, signed(at.keyring, card.uid, 0xFFFFFF)), Code.COUNTER_EXHAUSTED)
    other = signed(keyrings.generate(), card.uid, 1)
    declined(at, sale, say(at, other), Code.SUN_INVALID)
    assert isinstance(lay(at, card), Claimed)


def test_a_card_of_another_store_is_not_registered_here(at: Counter, sale: Sale) -> None:
    stores.create(at.db, "Other shop", store_id="other")
    account = pull_payments.create(at.db, "other", "Theirs")
    pull_payments.fund(at.db, account.pull_payment_id, sats(500), "cash")
    uid, issuer = Uid(b"\x04" + secrets.token_bytes(6)), at.keyring.newest
    cards.register(
        at.db,
        card_id=keys.card_id(issuer.key, uid).hex(),
        uid=uid,
        store_id="other",
        pull_payment_id=account.pull_payment_id,
        alias="Theirs",
        issuer_id=issuer.issuer_id,
        key_version=1,
    )
    before = digest(at.db, MONEY)
    declined(at, sale, say(at, signed(at.keyring, uid, 1)), Code.CARD_UNKNOWN)
    assert digest(at.db, MONEY) == before


def test_a_blank_card_is_no_payment_card(at: Counter, sale: Sale) -> None:
    blank = TwinCard.factory(Uid(b"\x04" + secrets.token_bytes(6)))
    outcome = at.till.presented(Link(blank.transceive))
    declined(at, sale, outcome, Code.CARD_UNREADABLE)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (CardGone("gone"), Code.MOVED_TOO_SOON),
        (SeveralCards("two"), Code.TWO_CARDS),
        (CardRefused("a bus ticket"), Code.CARD_UNREADABLE),
    ],
)
def test_what_stands_in_the_way_of_reading_is_named(
    at: Counter, card: HeldCard, sale: Sale, error: Exception, code: Code
) -> None:
    def fail(_apdu: bytes) -> bytes:
        raise error

    before = digest(at.db, MONEY)
    declined(at, sale, at.till.presented(Link(fail)), code)
    assert digest(at.db, MONEY) == before
    assert isinstance(lay(at, card), Claimed)


def test_a_reader_that_goes_leaves_the_sale_as_it_was(at: Counter, sale: Sale) -> None:
    def fail(_apdu: bytes) -> bytes:
        raise ReaderGone("unplugged")

    before = digest(at.db)
    with pytest.raises(ReaderGone):
        at.till.presented(Link(fail))
    assert digest(at.db) == before


_STATUS = st.sampled_from([b"\x90\x00", b"\x91\x00", b"\x91\xae", b"\x6a\x82", b"\x67\x00", b""])
_ANSWER = st.builds(lambda data, status: data + status, st.binary(max_size=300), _STATUS)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(answers=st.lists(_ANSWER, min_size=1, max_size=8))
def test_whatever_bytes_a_card_answers_the_till_names_them_and_takes_nothing(
    at: Counter, answers: list[bytes]
) -> None:
    """A hostile card may say anything; it must not stop the reader's thread."""
    if (sale := sales.current(at.db, "till-1")) is None:
        sale = at.arm(100)
    said = iter(answers)
    outcome = at.till.presented(Link(lambda _: next(said, b"\x6f\x00")))
    assert isinstance(outcome, Refused)
    assert at.sale(sale.sale_id).state is SaleState.DECLINED


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(url=st.text(st.characters(max_codepoint=255), max_size=120))
def test_whatever_url_a_card_says_the_till_names_it(at: Counter, url: str) -> None:
    if sales.current(at.db, "till-1") is None:
        at.arm(100)
    assert isinstance(say(at, f"lnurlw://{url}"), Refused)


def test_a_card_before_the_amount_is_not_even_read(at: Counter, card: HeldCard) -> None:
    link = Link(card.twin.transceive)
    assert at.till.presented(link) is None
    assert link.apdus == []
    assert at.kinds() == ["card.seen"]


@pytest.mark.parametrize("state", [SaleState.AUTHORISING, SaleState.CHECKING])
def test_a_sale_whose_outcome_is_not_known_takes_no_second_card(
    at: Counter, card: HeldCard, sale: Sale, state: SaleState
) -> None:
    """THREATS 5: the sale is locked until the reconciler knows, for every card and every arm."""
    sales.move(at.db, sale.sale_id, SaleState.AUTHORISING)
    if state is SaleState.CHECKING:
        sales.move(at.db, sale.sale_id, SaleState.CHECKING)
    before = digest(at.db, MONEY)
    assert lay(at, card) is None
    armed = arm(at.db, at.board, Terminal("till-1", "main"), 1_000)
    assert armed == Refused(Code.SALE_IN_PROGRESS)
    assert digest(at.db, MONEY) == before


def test_a_sale_that_changed_hands_while_the_card_was_read_is_not_paid_by_it(
    at: Counter, card: HeldCard, sale: Sale
) -> None:
    """The cashier starts a new sale between the two APDUs: neither sale is charged wrongly."""
    card.twin.power_on()
    replaced: list[Sale] = []

    def meanwhile(apdu: bytes) -> bytes:
        if not replaced:
            replaced.append(at.arm(900))
        return card.twin.transceive(apdu)

    before = digest(at.db, MONEY)
    outcome = at.till.presented(Link(meanwhile))
    assert outcome == Refused(Code.SALE_CLOSED)
    assert digest(at.db, MONEY) == before
    assert at.sale(sale.sale_id).state is SaleState.CANCELLED
    assert at.sale(replaced[0].sale_id).state is SaleState.READY
    assert isinstance(lay(at, card), Claimed)


def test_an_amount_other_than_the_sales_is_refused(
    at: Counter, card: HeldCard, sale: Sale, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The claim compares with the row under the write lock, not with what the till remembers."""
    remembered = at.sale(sale.sale_id)
    wrong = type(remembered)(
        **{
            **{name: getattr(remembered, name) for name in remembered.__dataclass_fields__},
            "amount_msat": 1_000,
        }
    )
    with monkeypatch.context() as lying:
        lying.setattr(sales, "current", lambda *_: wrong)
        before = digest(at.db, MONEY)
        declined(at, sale, lay(at, card), Code.AMOUNT_MISMATCH)
    assert digest(at.db, MONEY) == before
    assert isinstance(lay(at, card), Claimed)


def test_the_till_asks_for_a_pin_where_the_card_has_one(
    at: Counter, card: HeldCard, sale: Sale
) -> None:
    cards.set_pin(at.db, card.card_id, "1234", limit_msat=0)
    before = digest(at.db, MONEY)
    declined(at, sale, lay(at, card), Code.PIN_REQUIRED)
    assert digest(at.db, MONEY) == before


def test_a_refused_card_is_noted_with_the_sale_where_its_tap_was_proven(
    at: Counter, card: HeldCard, sale: Sale
) -> None:
    cards.set_pin(at.db, card.card_id, "1234", limit_msat=0)
    tap = card.tap()
    say(at, f"{OURS}?p={tap['p']}&c={'0' * 16}")
    say(at, f"{OURS}?p={tap['p']}&c={tap['c']}")
    at.till._pads.enter("till-1", sale.sale_id, "0000")
    noted = [(one.code, one.card_id) for one in attempts.of_sale(at.db, sale.sale_id)]
    assert noted == [
        (Code.SUN_INVALID, None),
        (Code.PIN_WRONG, card.card_id),
    ]


def test_a_sale_of_another_terminal_is_not_paid_here(at: Counter, card: HeldCard) -> None:
    stores.ensure_terminal(at.db, "till-2", "main")
    other = Till(at.db, Terminal("till-2", "main"), at.keyring.issuers, CONFIG.public.owns)
    sale = at.arm(100)
    card.twin.power_on()
    assert other.presented(Link(card.twin.transceive)) is None
    assert at.sale(sale.sale_id).state is SaleState.READY


def test_no_p_and_no_c_reach_an_event(at: Counter, card: HeldCard, sale: Sale) -> None:
    tap = card.tap()
    for url in (f"{OURS}?p={tap['p']}0&c={tap['c']}", f"lnurlw://x.example/?p={tap['p']}&c=0"):
        say(at, url)
    kept = at.db.read(lambda tx: [tuple(row) for row in tx.all("SELECT * FROM events")])
    text = repr(kept).lower()
    assert tap["p"] not in text
    assert tap["c"] not in text


def test_the_maximum_of_a_quote_and_the_till_have_nothing_to_do_with_each_other(
    at: Counter, card: HeldCard
) -> None:
    """At our own till only the card's limits and its account decide, not the public maximum."""
    tap = taps.verify(at.db, at.keyring.issuers, sun.parse_params(**card.tap()))
    assert not isinstance(tap, Refused)
    quote = claims.quote(at.db, tap, max_msat=50_000)
    assert not isinstance(quote, Refused)
    assert quote.max_msat == 50_000
    at.arm(900)
    assert isinstance(lay(at, card), Claimed)
