"""The issuer's service as other people's wallets see it: scan, claim, and every refusal."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient

from host.bolt11 import Network
from host.keyring import Issuer
from host.ledger import cards, claims, payouts
from host.ledger.codes import Code
from host.ledger.records import Limits, PayoutStatus
from host.lnurl.budget import Rate
from host.lnurl.service import ServiceSettings, create_app
from host.money import sats
from host.ntag424.values import Key, Uid
from tests.support.world import ISSUER, SECRET, Tapper, World, add_card

SETTINGS = ServiceSettings("https://pay.example", max_msat=sats(500))


def client_of(shop: World, settings: ServiceSettings = SETTINGS, **more: Any) -> FlaskClient:
    app = create_app(shop.db, [ISSUER], Network.REGTEST, settings, shop.clock, SECRET, **more)
    return app.test_client()


@pytest.fixture
def wallet(shop: World) -> FlaskClient:
    """Somebody else's wallet in front of our service."""
    return client_of(shop)


def ask(wallet: FlaskClient, path: str, **fields: str) -> dict[str, Any]:
    response = wallet.get(path, query_string=fields)
    assert response.status_code == 200
    answer = response.get_json()
    assert isinstance(answer, dict)
    return answer


def scan(wallet: FlaskClient, **fields: str) -> dict[str, Any]:
    return ask(wallet, "/ln", **fields)


def claim(wallet: FlaskClient, k1: str, pr: str, **more: str) -> dict[str, Any]:
    return ask(wallet, "/ln/cb", k1=k1, pr=pr, **more)


def refused(answer: dict[str, Any]) -> Code:
    """The code of a refusal, whose words are in order."""
    assert answer["status"] == "ERROR"
    code = Code(answer["code"])
    assert answer["reason"] == f"{code.words.says}. {code.words.do}"
    return code


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


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, Code.REQUEST_INVALID),
        ({"p": "00" * 16}, Code.REQUEST_INVALID),
        ({"p": "00" * 16, "c": "00" * 7}, Code.REQUEST_INVALID),
        ({"p": "zz" * 16, "c": "00" * 8}, Code.REQUEST_INVALID),
        ({"p": "00" * 16, "c": "00" * 8}, Code.SUN_INVALID),
    ],
)
def test_a_scan_that_is_no_tap_is_refused(
    wallet: FlaskClient, fields: dict[str, str], code: Code
) -> None:
    assert refused(scan(wallet, **fields)) is code


def test_a_field_that_is_given_twice_is_refused(wallet: FlaskClient, shop: World) -> None:
    good = shop.tap(1)
    query = f"p={good['p']}&c={good['c']}"
    for more in (f"&p={good['p']}", f"&C={good['c']}", "&a=1" * 30, "&x=" + "y" * 8_192):
        answer = wallet.get(f"/ln?{query}{more}").get_json()
        assert refused(answer) is Code.REQUEST_INVALID


def test_uid_headers_and_card_parameters_are_not_even_read(
    wallet: FlaskClient, shop: World
) -> None:
    response = wallet.get(
        "/ln",
        query_string=shop.tap(1) | {"card": "somebody-else"},
        headers={"X-Boltcard-UID": "04ffffffffffff"},
    )
    assert response.get_json()["tag"] == "withdrawRequest"
    forged = {"card": shop.card.card_id}
    assert refused(scan(wallet, **forged)) is Code.REQUEST_INVALID


def test_the_callback_never_comes_from_the_host_header(wallet: FlaskClient, shop: World) -> None:
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    answer = wallet.get("/ln", query_string=shop.tap(1), headers=headers).get_json()
    assert answer["callback"] == "https://pay.example/ln/cb"


@pytest.mark.parametrize(
    ("pr", "code"),
    [
        ("", Code.INVOICE_INVALID),
        ("lnbcrt1", Code.INVOICE_INVALID),
        ("x" * 8_000, Code.INVOICE_INVALID),
    ],
)
def test_a_claim_without_an_invoice_is_refused(
    wallet: FlaskClient, shop: World, pr: str, code: Code
) -> None:
    assert refused(claim(wallet, scan(wallet, **shop.tap(1))["k1"], pr)) is code


def test_threat_16_foreign_amountless_subsat_and_expired_invoices_are_refused(
    wallet: FlaskClient, shop: World
) -> None:
    from host.bolt11 import encode

    def written(**changes: Any) -> str:
        fields: dict[str, Any] = {
            "network": Network.REGTEST,
            "amount_msat": 21_000,
            "payment_hash": b"h" * 32,
            "payment_secret": b"s" * 32,
            "description": "x",
            "created_at": shop.clock.now(),
            "secret": b"k" * 32,
        }
        return encode(**(fields | changes))

    k1 = scan(wallet, **shop.tap(1))["k1"]
    expected = {
        Code.INVOICE_NETWORK: written(network=Network.MAINNET),
        Code.INVOICE_AMOUNTLESS: written(amount_msat=None),
        Code.INVOICE_SUBSAT: written(amount_msat=21_001),
        Code.INVOICE_EXPIRED: written(created_at=shop.clock.now() - 3_600_000),
        Code.LIMIT_TAP: written(amount_msat=sats(501)),
        Code.INVOICE_INVALID: written()[:-1] + "q",
    }
    for code, pr in expected.items():
        assert refused(claim(wallet, k1, pr)) is code
    assert shop.balance() == (sats(1_000), 0)
    assert claim(wallet, k1, written()) == {"status": "OK"}, "the tap is still good"


def test_more_than_there_is_is_refused_without_a_number(shop: World) -> None:
    wallet = client_of(shop, ServiceSettings("https://pay.example"))
    k1 = scan(wallet, **shop.tap(1))["k1"]
    answer = claim(wallet, k1, shop.invoice(sats(1_001)))
    assert refused(answer) is Code.BALANCE_LOW
    assert not any(character.isdigit() for character in answer["reason"])


def test_a_routing_fee_is_held_beside_the_amount(shop: World) -> None:
    settings = ServiceSettings("https://pay.example", max_fee_base_msat=1_000, max_fee_ppm=10_000)
    wallet = client_of(shop, settings)
    claim(wallet, scan(wallet, **shop.tap(1))["k1"], shop.invoice(sats(100)))
    assert shop.balance() == (sats(898), sats(102))
    (payout,) = payouts.take(shop.db)
    assert payout.fee_held_msat == sats(2)


@pytest.mark.parametrize("k1", ["", "00", "zz" * 70, "00" * 70])
def test_a_k1_that_is_not_ours_is_refused(wallet: FlaskClient, shop: World, k1: str) -> None:
    assert refused(claim(wallet, k1, shop.invoice())) is Code.K1_INVALID


def test_a_k1_expires_and_the_tap_may_be_scanned_again(wallet: FlaskClient, shop: World) -> None:
    k1 = scan(wallet, **shop.tap(1))["k1"]
    shop.clock.advance(60_001)
    assert refused(claim(wallet, k1, shop.invoice())) is Code.K1_EXPIRED
    assert claim(wallet, scan(wallet, **shop.tap(1))["k1"], shop.invoice()) == {"status": "OK"}


def test_a_k1_of_another_host_is_refused(wallet: FlaskClient, shop: World) -> None:
    app = create_app(
        shop.db,
        [ISSUER],
        Network.REGTEST,
        SETTINGS,
        shop.clock,
        b"another host's secret here, yes!",
    )
    foreign = scan(app.test_client(), **shop.tap(1))["k1"]
    assert refused(claim(wallet, foreign, shop.invoice())) is Code.K1_INVALID


def test_threat_11_a_k1_from_before_the_card_was_made_anew_is_refused(
    wallet: FlaskClient, shop: World
) -> None:
    k1 = scan(wallet, **shop.tap(1))["k1"]
    sql = "UPDATE cards SET key_version = 2, last_counter = 0"
    shop.db.transaction(lambda tx: tx.run(sql))
    assert refused(claim(wallet, k1, shop.invoice())) is Code.SUN_INVALID


class TestPin:
    """LUD-24 draft: `pinLimit`, and `pin` on the callback."""

    @pytest.fixture
    def protected(self, shop: World) -> World:
        cards.set_pin(shop.db, shop.card.card_id, "4711", limit_msat=sats(100))
        return shop

    def test_pin_limit_is_told_only_when_a_pin_is_set(
        self, wallet: FlaskClient, protected: World
    ) -> None:
        assert scan(wallet, **protected.tap(1))["pinLimit"] == sats(100)
        cards.set_pin(protected.db, protected.card.card_id, "4711", limit_msat=0)
        assert scan(wallet, **protected.tap(1))["pinLimit"] == 0
        cards.set_pin(protected.db, protected.card.card_id, None)
        assert "pinLimit" not in scan(wallet, **protected.tap(1))

    def test_the_pin_is_asked_from_its_limit_on(
        self, wallet: FlaskClient, protected: World
    ) -> None:
        k1 = scan(wallet, **protected.tap(1))["k1"]
        pr = protected.invoice(sats(100))
        assert refused(claim(wallet, k1, pr)) is Code.PIN_REQUIRED
        assert refused(claim(wallet, k1, pr, pin="")) is Code.PIN_REQUIRED
        assert refused(claim(wallet, k1, pr, pin="0000")) is Code.PIN_WRONG
        assert claim(wallet, k1, pr, pin="4711") == {"status": "OK"}

    def test_below_the_limit_no_pin_is_asked(self, wallet: FlaskClient, protected: World) -> None:
        k1 = scan(wallet, **protected.tap(1))["k1"]
        assert claim(wallet, k1, protected.invoice(sats(99))) == {"status": "OK"}

    def test_threat_19_tries_are_counted_across_taps_and_lock_the_pin(
        self, wallet: FlaskClient, protected: World
    ) -> None:
        pr = protected.invoice(sats(100))
        seen = []
        for counter in (1, 2, 3):
            k1 = scan(wallet, **protected.tap(counter))["k1"]
            seen.append(refused(claim(wallet, k1, pr, pin="0000")))
        assert seen == [Code.PIN_WRONG, Code.PIN_WRONG, Code.PIN_LOCKED]
        k1 = scan(wallet, **protected.tap(4))["k1"]
        assert refused(claim(wallet, k1, pr, pin="4711")) is Code.PIN_LOCKED

    def test_threat_19_no_pin_reaches_a_log_or_an_event(
        self,
        wallet: FlaskClient,
        protected: World,
        caplog: pytest.LogCaptureFixture,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        caplog.set_level(logging.DEBUG)
        k1 = scan(wallet, **protected.tap(1))["k1"]
        claim(wallet, k1, protected.invoice(sats(100)), pin="8642")
        monkeypatch.setattr(claims, "claim", _broken)
        answer = claim(wallet, k1, protected.invoice(sats(100)), pin="8642")
        assert refused(answer) is Code.STORE_OFFLINE
        assert "RuntimeError" in caplog.text
        told = caplog.text + str(protected.db.events.after(0))
        assert "8642" not in told
        assert k1 not in told


def _broken(*_: object) -> None:
    raise RuntimeError("a mistake of ours")


class TestBudgets:
    """THREATS 13 and 27: who asks too often is refused before any work is done."""

    def test_threat_13_an_address_has_a_budget(self, shop: World) -> None:
        wallet = client_of(
            shop, ServiceSettings("https://pay.example", per_address=Rate(burst=3, per_second=1))
        )
        codes = [refused(scan(wallet)) for _ in range(5)]
        assert codes == [Code.REQUEST_INVALID] * 3 + [Code.RATE_LIMITED] * 2
        shop.clock.advance(1_000)
        assert scan(wallet, **shop.tap(1))["tag"] == "withdrawRequest"

    def test_threat_13_a_card_has_a_budget_that_only_its_own_taps_spend(self, shop: World) -> None:
        wallet = client_of(
            shop, ServiceSettings("https://pay.example", per_card=Rate(burst=2, per_second=1))
        )
        for _ in range(5):
            scan(wallet, **(shop.tap(1) | {"c": "00" * 8}))
        k1 = scan(wallet, **shop.tap(1))["k1"]
        assert refused(claim(wallet, k1, "lnbcrt1")) is Code.INVOICE_INVALID
        assert refused(claim(wallet, k1, shop.invoice())) is Code.RATE_LIMITED
        assert refused(scan(wallet, **shop.tap(2))) is Code.RATE_LIMITED

    def test_threat_13_no_pin_is_hashed_once_the_budget_is_spent(
        self, shop: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        wallet = client_of(
            shop, ServiceSettings("https://pay.example", per_card=Rate(burst=1, per_second=1))
        )
        k1 = scan(wallet, **shop.tap(1))["k1"]
        monkeypatch.setattr(claims, "claim", _broken)
        assert refused(claim(wallet, k1, shop.invoice(), pin="0000")) is Code.RATE_LIMITED

    def test_threat_27_a_forwarded_address_counts_only_from_our_proxy(self, shop: World) -> None:
        def codes(trusted: tuple[str, ...]) -> list[Code]:
            settings = ServiceSettings(
                "https://pay.example",
                trusted_proxies=trusted,
                per_address=Rate(burst=1, per_second=0),
            )
            wallet = client_of(shop, settings)
            return [
                refused(
                    wallet.get("/ln", headers={"X-Forwarded-For": f"198.51.100.{n}"}).get_json()
                )
                for n in range(2)
            ]

        assert codes(()) == [Code.REQUEST_INVALID, Code.RATE_LIMITED]
        assert codes(("127.0.0.0/8",)) == [Code.REQUEST_INVALID] * 2


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
    assert seen == [("after_claim", True)]


def test_a_card_with_a_payment_on_its_way_is_busy(wallet: FlaskClient, shop: World) -> None:
    claim(wallet, scan(wallet, **shop.tap(1))["k1"], shop.invoice())
    assert refused(scan(wallet, **shop.tap(2))) is Code.CARD_BUSY
    (payout,) = payouts.take(shop.db)
    assert payout.status is PayoutStatus.PROCESSING
    assert refused(scan(wallet, **shop.tap(2))) is Code.CARD_BUSY
