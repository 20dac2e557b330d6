"""The issuer's service as other people's wallets see it: scan, claim, and every refusal."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient

from host.keyring import Issuer
from host.ledger import cards, payouts
from host.ledger.codes import Code
from host.ledger.records import Limits, PayoutStatus
from host.money import sats
from host.ntag424.values import Key, Uid
from tests.support.foreign_wallet import ask, claim, client_of, refused, scan
from tests.support.world import Tapper, World, add_card


def test_a_tap_gives_a_withdraw_request_with_the_fields_of_lud_03(
    wallet: FlaskClient, shop: World
) -> None:
    answer = scan(wallet, **shop.tap(1))
    k1 = answer.pop("k1")
    assert answer == {
        "tag": "withdrawRequest",
        "callback": "https://pay.example/ln/cb",
        "defaultDescription": "Corner shop",
        "minWithdrawable": 1_000,
        "maxWithdrawable": 500_000,
    }
    assert len(k1) <= 255
    assert k1.isalnum()


def test_a_claim_is_accepted_and_its_money_held(wallet: FlaskClient, shop: World) -> None:
    k1 = scan(wallet, **shop.tap(1))["k1"]
    assert claim(wallet, k1, shop.invoice(sats(21))) == {"status": "OK"}
    assert shop.balance() == (sats(979), sats(21))
    assert payouts.pending(shop.db)


def test_the_callback_may_be_built_as_lud_03_says(wallet: FlaskClient, shop: World) -> None:
    answer = scan(wallet, **shop.tap(1))
    url = urlsplit(f"{answer['callback']}?k1={answer['k1']}&pr={shop.invoice()}")
    fields = {name: values[0] for name, values in parse_qs(url.query).items()}
    assert ask(wallet, url.path, **fields) == {"status": "OK"}


def test_answers_may_be_read_by_a_browser_and_kept_by_nobody(
    wallet: FlaskClient, shop: World
) -> None:
    for path, fields in (("/ln", shop.tap(1)), ("/ln", {}), ("/ln/cb", {})):
        response = wallet.get(path, query_string=fields)
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["Content-Type"] == "application/json"
        assert "Set-Cookie" not in response.headers


@pytest.mark.parametrize("upper_names", [False, True])
@pytest.mark.parametrize("upper_values", [False, True])
def test_p_and_c_come_in_either_case_also_their_names(
    wallet: FlaskClient, shop: World, upper_names: bool, upper_values: bool
) -> None:
    fields = {
        name.upper() if upper_names else name: value if upper_values else value.lower()
        for name, value in shop.tap(1).items()
    }
    assert scan(wallet, **fields)["tag"] == "withdrawRequest"


def test_threat_30_a_scan_may_be_repeated_until_the_tap_is_claimed(
    wallet: FlaskClient, shop: World
) -> None:
    first = scan(wallet, **shop.tap(1))
    shop.clock.advance(10)
    second = scan(wallet, **shop.tap(1))
    assert first["k1"] != second["k1"], "each carries its own time"
    assert claim(wallet, first["k1"], pr := shop.invoice()) == {"status": "OK"}
    assert refused(scan(wallet, **shop.tap(1))) is Code.SUN_REPLAYED
    assert claim(wallet, second["k1"], pr) == {"status": "OK"}, "either k1 names the same claim"


def test_a_scan_writes_nothing(wallet: FlaskClient, shop: World) -> None:
    before = shop.db.read(lambda tx: tx.one("PRAGMA data_version"))
    newest = shop.db.events.last_id()
    scan(wallet, **shop.tap(1))
    scan(wallet, **Tapper(issuer=Issuer.of(Key(b"x" * 16))).tap(1))
    assert shop.db.read(lambda tx: tx.one("PRAGMA data_version"))[0] == before[0]  # type: ignore[index]
    assert shop.db.events.last_id() == newest


def test_threat_5_an_exact_retry_joins_the_first_result(wallet: FlaskClient, shop: World) -> None:
    k1, pr = scan(wallet, **shop.tap(1))["k1"], shop.invoice(sats(21))
    assert [claim(wallet, k1, pr) for _ in range(3)] == [{"status": "OK"}] * 3
    assert claim(wallet, k1, pr.upper()) == {"status": "OK"}
    assert shop.balance() == (sats(979), sats(21))


def test_threat_5_a_retry_learns_that_the_payment_failed(wallet: FlaskClient, shop: World) -> None:
    k1, pr = scan(wallet, **shop.tap(1))["k1"], shop.invoice()
    claim(wallet, k1, pr)
    (payout,) = payouts.take(shop.db)
    payouts.fail(shop.db, payout.payout_id, "no route")
    assert refused(claim(wallet, k1, pr)) is Code.LIGHTNING_FAILED


def test_threat_4_one_tap_pays_one_invoice(wallet: FlaskClient, shop: World) -> None:
    k1 = scan(wallet, **shop.tap(1))["k1"]
    assert claim(wallet, k1, shop.invoice(sats(21))) == {"status": "OK"}
    assert refused(claim(wallet, k1, shop.invoice(sats(21)))) is Code.SUN_REPLAYED
    assert shop.balance() == (sats(979), sats(21))


def test_threat_3_an_older_tap_is_refused(wallet: FlaskClient, shop: World) -> None:
    old = scan(wallet, **shop.tap(4))["k1"]
    assert claim(wallet, scan(wallet, **shop.tap(5))["k1"], shop.invoice()) == {"status": "OK"}
    (payout,) = payouts.take(shop.db)
    payouts.fail(shop.db, payout.payout_id, "no route")
    assert refused(scan(wallet, **shop.tap(3))) is Code.SUN_REPLAYED
    assert refused(claim(wallet, old, shop.invoice())) is Code.SUN_REPLAYED


def test_threat_6_a_forged_tap_is_told_nothing_and_changes_nothing(
    wallet: FlaskClient, shop: World
) -> None:
    good = shop.tap(9)
    forged = good | {"c": "0" * 16}
    stranger = Tapper(Uid.parse("04ffffffffffff")).tap(9) | {"c": "0" * 16}
    other_issuer = Tapper(issuer=Issuer.of(Key(b"x" * 16))).tap(9)
    for fields in (forged, stranger, other_issuer):
        assert refused(scan(wallet, **fields)) is Code.SUN_INVALID
    card = cards.get(shop.db, shop.card.card_id)
    assert card is not None
    assert card.last_counter == 0
    assert scan(wallet, **good)["tag"] == "withdrawRequest"


def test_threat_18_a_freeze_between_scan_and_claim_counts(wallet: FlaskClient, shop: World) -> None:
    k1 = scan(wallet, **shop.tap(1))["k1"]
    cards.freeze(shop.db, shop.card.card_id)
    assert refused(claim(wallet, k1, shop.invoice())) is Code.CARD_BLOCKED
    assert refused(scan(wallet, **shop.tap(2))) is Code.CARD_BLOCKED


def test_threat_21_the_maximum_tells_a_limit_and_never_the_balance(shop: World) -> None:
    rich = add_card(shop.db, shop.account, Uid.parse("04000000000001"))
    capped = add_card(shop.db, shop.account, Uid.parse("04000000000002"), Limits(tap_msat=sats(50)))
    wallet = client_of(shop)
    answers = [scan(wallet, **Tapper(Uid.parse(card.uid)).tap(1)) for card in (rich, capped)]
    assert [answer["maxWithdrawable"] for answer in answers] == [sats(500), sats(50)]
    k1 = answers[0]["k1"]
    claim(wallet, k1, shop.invoice(sats(400)))
    again = scan(wallet, **shop.tap(1))
    assert again["maxWithdrawable"] == sats(500), "though less is left"


def test_a_head_request_claims_nothing(wallet: FlaskClient, shop: World) -> None:
    k1 = scan(wallet, **shop.tap(1))["k1"]
    wallet.head("/ln/cb", query_string={"k1": k1, "pr": shop.invoice()})
    assert not payouts.pending(shop.db)


def test_other_paths_and_methods_are_answered_in_json(wallet: FlaskClient) -> None:
    for response in (wallet.get("/"), wallet.get("/ln/other"), wallet.post("/ln")):
        assert response.status_code in (404, 405)
        assert refused(response.get_json()) is Code.REQUEST_INVALID


def test_health_is_told_by_status_and_changes_when_the_ledger_is_gone(
    wallet: FlaskClient, shop: World
) -> None:
    assert wallet.get("/healthz").status_code == 200
    shop.db.close()
    assert wallet.get("/healthz").status_code == 503
    assert refused(scan(wallet, **shop.tap(1))) is Code.STORE_OFFLINE


def test_the_hook_of_a_claim_is_called_when_it_is_durable(shop: World) -> None:
    seen: list[tuple[str, bool]] = []
    wallet = client_of(shop, hook=lambda point: seen.append((point, payouts.pending(shop.db))))
    claim(wallet, scan(wallet, **shop.tap(1))["k1"], shop.invoice())
    assert seen == [("before_claim", False), ("after_claim", True)]


def test_a_card_with_a_payment_on_its_way_is_busy(wallet: FlaskClient, shop: World) -> None:
    claim(wallet, scan(wallet, **shop.tap(1))["k1"], shop.invoice())
    assert refused(scan(wallet, **shop.tap(2))) is Code.CARD_BUSY
    (payout,) = payouts.take(shop.db)
    assert payout.status is PayoutStatus.PROCESSING
    assert refused(scan(wallet, **shop.tap(2))) is Code.CARD_BUSY
