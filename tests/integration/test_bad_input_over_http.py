"""Bad input at the public door of a whole daemon: a clear answer, nothing written, nothing lost.

Each test ends with the same tap, or the next good one, being paid.
"""

from __future__ import annotations

import secrets

import pytest

from host import keyring as keyrings
from host.bolt11 import Network
from host.keyring import Keyring
from host.ledger.codes import Code
from host.ledger.records import Limits, PayoutStatus
from host.ledger.taps import VerifiedTap
from host.lnurl import k1 as k1s
from host.money import sats
from host.ntag424 import keys, sun
from host.ntag424.crypto import aes_cbc_encrypt
from host.ntag424.values import Key, Uid
from tests.support.invoices import invoice_text
from tests.support.running import (
    HeldCard,
    RunningShop,
    ShiftedClock,
    ask,
    get,
    nothing_written,
    payouts_of,
    refused,
    running,
    wait_payout,
)


@pytest.fixture
def card(shop: RunningShop) -> HeldCard:
    return shop.card()


def signed(
    shop: RunningShop, uid: Uid, counter: int, *, keyring: Keyring | None = None, version: int = 1
) -> dict[str, str]:
    """What a card of an issuer mirrors at this counter."""
    issuer = (keyring or shop.keyring).newest.key
    k1, k2 = keys.k1(issuer), keys.k2(issuer, uid, version)
    message = sun.build(k1, k2, uid, counter)
    return {"p": message.p.hex(), "c": message.c.hex()}


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("p", lambda text: text[:-1]),
        ("p", lambda text: text[:-2]),
        ("p", lambda text: text + "00"),
        ("p", lambda text: text + "0" * 16),
        ("p", lambda _: ""),
        ("p", lambda text: "g" + text[1:]),
        ("p", lambda text: " " + text[1:]),
        ("p", lambda text: "\u0661" + text[1:]),
        ("c", lambda text: text[:-2]),
        ("c", lambda text: text + "00"),
        ("c", lambda text: "0x" + text[2:]),
        ("c", lambda text: text[:-1] + "\n"),
        ("c", lambda _: ""),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_length_and_bad_hex_are_refused(
    shop: RunningShop, card: HeldCard, name: str, change: object
) -> None:
    tap = card.tap()
    assert callable(change)
    with nothing_written(shop):
        answer = shop.scan(**tap | {name: change(tap[name])})
    assert refused(answer) is Code.REQUEST_INVALID
    assert shop.scan(**tap)["tag"] == "withdrawRequest"


def test_lower_upper_and_mixed_case_are_the_same_tap(shop: RunningShop, card: HeldCard) -> None:
    tap = card.tap()
    with nothing_written(shop):
        for change in (str.lower, str.upper, str.title):
            answer = shop.scan(**{name: change(text) for name, text in tap.items()})
            assert answer["tag"] == "withdrawRequest"
    assert shop.claim(answer["k1"], shop.invoice()) == {"status": "OK"}
    wait_payout(shop.db, card, PayoutStatus.COMPLETED)


def test_a_missing_field_and_one_given_twice_are_refused(shop: RunningShop, card: HeldCard) -> None:
    tap = card.tap()
    with nothing_written(shop):
        for fields in ({"p": tap["p"]}, {"c": tap["c"]}, {}):
            assert refused(shop.scan(**fields)) is Code.REQUEST_INVALID
        twice = f"/ln?p={tap['p']}&c={tap['c']}&c={tap['c']}"
        status, body = get(shop.url, twice)
        assert (status, b"request_invalid" in body) == (200, True)
    assert shop.scan(**tap)["tag"] == "withdrawRequest"


def test_tag_c6_is_no_tap_of_ours(shop: RunningShop, card: HeldCard) -> None:
    """PICCData that mirrors no counter (tag C6 in place of C7), under the right K1."""
    tap = card.tap()
    issuer = shop.keyring.newest.key
    plain = bytes([0xC6]) + card.uid.raw + (9).to_bytes(3, "little") + bytes(5)
    forged = aes_cbc_encrypt(keys.k1(issuer), bytes(16), plain)
    with nothing_written(shop):
        assert refused(shop.scan(p=forged.hex(), c=tap["c"])) is Code.SUN_INVALID
    assert shop.scan(**tap)["tag"] == "withdrawRequest"


def test_threat_6_a_wrong_mac_tells_nothing_and_kills_no_card(
    shop: RunningShop, card: HeldCard
) -> None:
    """A forged `p` with a counter far ahead must not move the card's counter."""
    tap, ahead = card.tap(), signed(shop, card.uid, 0xFFFFF0)
    flipped = bytearray.fromhex(tap["c"])
    flipped[0] ^= 1
    unknown = Uid(b"\x04" + secrets.token_bytes(6))
    with nothing_written(shop):
        wrong = shop.scan(**tap | {"c": flipped.hex()})
        far = shop.scan(p=ahead["p"], c=tap["c"])
        stranger = shop.scan(p=signed(shop, unknown, 1)["p"], c=tap["c"])
        noise = shop.scan(p=secrets.token_hex(16), c=tap["c"])
    assert wrong == far == stranger == noise
    assert refused(wrong) is Code.SUN_INVALID
    assert shop.scan(**tap)["tag"] == "withdrawRequest"


def test_threat_3_a_replay_is_refused_and_the_next_tap_pays(
    shop: RunningShop, card: HeldCard
) -> None:
    older, tap = card.tap(), card.tap()
    scanned = shop.scan(**tap)
    assert shop.claim(scanned["k1"], shop.invoice(30)) == {"status": "OK"}
    wait_payout(shop.db, card, PayoutStatus.COMPLETED)
    with nothing_written(shop):
        assert refused(shop.scan(**tap)) is Code.SUN_REPLAYED
        assert refused(shop.scan(**older)) is Code.SUN_REPLAYED
        other = shop.claim(scanned["k1"], shop.invoice(30))
        assert refused(other) is Code.SUN_REPLAYED
    assert shop.pay_abroad(card, 40).amount_msat == sats(40)
    assert shop.balance(card) == (10_000 - 70, 0, 70)


def test_an_unknown_card_of_ours_and_one_of_another_issuer(
    shop: RunningShop, card: HeldCard
) -> None:
    unknown = Uid(b"\x04" + secrets.token_bytes(6))
    with nothing_written(shop):
        ours = shop.scan(**signed(shop, unknown, 7))
        other = shop.scan(**signed(shop, card.uid, 7, keyring=keyrings.generate()))
    assert refused(ours) is Code.CARD_UNKNOWN
    assert refused(other) is Code.SUN_INVALID
    assert shop.pay_abroad(card, 40).status is PayoutStatus.COMPLETED


def test_threat_12_the_last_counter_of_the_chip_is_refused(
    shop: RunningShop, card: HeldCard
) -> None:
    with nothing_written(shop):
        assert refused(shop.scan(**signed(shop, card.uid, 0xFFFFFF))) is Code.COUNTER_EXHAUSTED
    assert shop.scan(**signed(shop, card.uid, 0xFFFFFE))["tag"] == "withdrawRequest"
    assert shop.pay_abroad(card, 40).status is PayoutStatus.COMPLETED


def bad_invoices(shop: RunningShop) -> list[tuple[Code, str]]:
    """Every invoice that is not paid, beside the code that says why."""
    now, good = shop.clock.now(), shop.invoice(25)
    middle = "q" if good[100] != "q" else "p"
    ours = Network.REGTEST
    return [
        (Code.INVOICE_INVALID, ""),
        (Code.INVOICE_INVALID, "lnbcrt1"),
        (Code.INVOICE_INVALID, "coffee"),
        (Code.INVOICE_INVALID, good[:-1] + ("q" if good[-1] != "q" else "p")),
        (Code.INVOICE_INVALID, good[:100] + middle + good[101:]),
        (Code.INVOICE_INVALID, "L" + good[1:]),
        (Code.INVOICE_INVALID, good[:-20]),
        (Code.INVOICE_AMOUNTLESS, invoice_text(None, now=now, network=ours)),
        (Code.INVOICE_NETWORK, invoice_text(sats(25), now=now, network=Network.MAINNET)),
        (Code.INVOICE_NETWORK, invoice_text(sats(25), now=now, network=Network.TESTNET)),
        (Code.INVOICE_SUBSAT, invoice_text(25_001, now=now, network=ours)),
        (Code.INVOICE_SUBSAT, invoice_text(1, now=now, network=ours)),
        (Code.INVOICE_EXPIRED, invoice_text(sats(25), now=now - 700_000, network=ours)),
        (Code.LIMIT_TAP, invoice_text(sats(5_001), now=now, network=ours)),
        (Code.BALANCE_LOW, invoice_text(sats(200), now=now, network=ours)),
    ]


def test_threat_16_every_bad_invoice_has_its_answer_and_the_tap_stays_usable(
    shop: RunningShop,
) -> None:
    card = shop.card(balance_sat=100)
    tap = card.tap()
    k1 = shop.scan(**tap)["k1"]
    for code, text in bad_invoices(shop):
        with nothing_written(shop):
            assert refused(shop.claim(k1, text)) is code, text
    assert shop.claim(k1, shop.invoice(25)) == {"status": "OK"}
    assert wait_payout(shop.db, card, PayoutStatus.COMPLETED).amount_msat == sats(25)


def test_an_invoice_that_was_offered_once_is_never_paid_for_another_tap(
    shop: RunningShop, card: HeldCard
) -> None:
    offered = shop.invoice(25)
    assert shop.claim(shop.scan(**card.tap())["k1"], offered) == {"status": "OK"}
    wait_payout(shop.db, card, PayoutStatus.COMPLETED)
    other = shop.card("Bob")
    k1s_ = [shop.scan(**one.tap())["k1"] for one in (card, other)]
    with nothing_written(shop):
        for k1 in k1s_:
            assert refused(shop.claim(k1, offered)) is Code.INVOICE_USED
    assert shop.balance(card) == (9_975, 0, 25)


def test_threat_17_limits_hold_at_their_very_edge(shop: RunningShop) -> None:
    limits = Limits(tap_msat=sats(100), day_msat=sats(150), count=3)
    card = shop.card(limits=limits)
    k1 = shop.scan(**card.tap())["k1"]
    with nothing_written(shop):
        assert refused(shop.claim(k1, shop.invoice(101))) is Code.LIMIT_TAP
    assert shop.claim(k1, shop.invoice(100)) == {"status": "OK"}
    wait_payout(shop.db, card, PayoutStatus.COMPLETED)
    k1 = shop.scan(**card.tap())["k1"]
    with nothing_written(shop):
        assert refused(shop.claim(k1, shop.invoice(51))) is Code.LIMIT_DAY
    assert shop.claim(k1, shop.invoice(49)) == {"status": "OK"}
    wait_payout(shop.db, card, PayoutStatus.COMPLETED)
    shop.pay_abroad(card, 1)
    k1 = shop.scan(**card.tap())["k1"]
    with nothing_written(shop):
        assert refused(shop.claim(k1, shop.invoice(1))) is Code.LIMIT_DAY
    assert shop.balance(card) == (9_850, 0, 150)


def test_the_balance_may_be_spent_to_the_last_satoshi_and_not_beyond(shop: RunningShop) -> None:
    """Lightning holds its routing fee beside the amount; at our own till there is none."""
    card = shop.card(balance_sat=100)
    with nothing_written(shop):
        k1 = shop.scan(**card.tap())["k1"]
        assert refused(shop.claim(k1, shop.invoice(51))) is Code.BALANCE_LOW
    shop.pay_abroad(card, 50)
    shop.pay(card, 50)
    assert shop.balance(card) == (0, 0, 100)


def test_a_k1_that_is_not_ours_in_any_way_is_refused(shop: RunningShop, card: HeldCard) -> None:
    tap = card.tap()
    k1, offered = shop.scan(**tap)["k1"], shop.invoice()
    changed = [k1[:n] + ("0" if k1[n] != "0" else "1") + k1[n + 1 :] for n in (0, 2, 40, 80, -1)]
    with nothing_written(shop):
        for text in (*changed, "", "00", "zz" * 60, k1[:-2], k1 + "00", "0" * 3_000):
            assert refused(shop.claim(text, offered)) is Code.K1_INVALID
    assert shop.claim(k1.upper(), offered) == {"status": "OK"}
    wait_payout(shop.db, card, PayoutStatus.COMPLETED)


def test_a_k1_of_another_host_is_refused(shop: RunningShop, card: HeldCard) -> None:
    tap = card.tap()
    mine = shop.scan(**tap)["k1"]
    verified = k1s.check(shop.keyring.secret, mine, shop.clock.now(), 60_000)
    assert isinstance(verified, VerifiedTap)
    other = k1s.mint(secrets.token_bytes(32), verified, shop.clock.now())
    with nothing_written(shop):
        assert refused(shop.claim(other, shop.invoice())) is Code.K1_INVALID
    assert shop.claim(mine, shop.invoice()) == {"status": "OK"}
    wait_payout(shop.db, card, PayoutStatus.COMPLETED)


def test_threat_1_an_expired_k1_is_refused_and_the_tap_may_be_scanned_again(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    clock = ShiftedClock()
    with running(tmp_path_factory.mktemp("clock") / "home", clock=clock) as shop:
        card = shop.card()
        tap = card.tap()
        k1, offered = shop.scan(**tap)["k1"], shop.invoice()
        clock.advance(61_000)
        with nothing_written(shop):
            assert refused(shop.claim(k1, offered)) is Code.K1_EXPIRED
        assert shop.claim(shop.scan(**tap)["k1"], offered) == {"status": "OK"}
        wait_payout(shop.db, card, PayoutStatus.COMPLETED)
        shop.check_books()


@pytest.mark.parametrize("path", ["/ln", "/ln/cb"])
def test_threat_13_ten_megabytes_of_query_are_refused_and_the_next_tap_pays(
    shop: RunningShop, card: HeldCard, path: str
) -> None:
    tap = card.tap()
    with nothing_written(shop):
        for size in (9_000, 10_000_000):
            try:
                status, body = get(shop.url, f"{path}?p={'0' * size}&c={tap['c']}")
            except OSError:  # the listener hangs up on who keeps talking
                continue
            assert status in (200, 400, 414, 431), status
            assert status != 200 or b"request_invalid" in body
    assert shop.scan(**tap)["tag"] == "withdrawRequest"
    assert shop.pay_abroad(card, 30).status is PayoutStatus.COMPLETED


def test_an_answer_never_tells_a_balance_a_key_or_an_id(shop: RunningShop) -> None:
    card = shop.card(balance_sat=4_321)
    answer = shop.scan(**card.tap())
    low = shop.claim(answer["k1"], shop.invoice(4_999))
    assert refused(low) is Code.BALANCE_LOW
    said = f"{answer} {low}".lower()
    for secret in ("4321", card.card_id, card.uid.hex(), card.account_id, shop.keyring.newest.key):
        shown = secret.reveal().hex() if isinstance(secret, Key) else secret
        assert shown not in said
    assert answer["maxWithdrawable"] == sats(5_000)


def test_health_says_ok_over_http(shop: RunningShop) -> None:
    assert ask(shop.url, "/healthz") == {"status": "OK"}


def test_failed_claims_leave_no_payout_behind(shop: RunningShop, card: HeldCard) -> None:
    k1 = shop.scan(**card.tap())["k1"]
    for _, text in bad_invoices(shop)[:7]:
        refused(shop.claim(k1, text))
    assert payouts_of(shop.db, card) == []
