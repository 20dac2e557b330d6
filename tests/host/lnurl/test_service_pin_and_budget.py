"""PIN and budgets at the issuer's service."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from host.ledger import cards, claims
from host.ledger.codes import Code
from host.lnurl.budget import Rate
from host.lnurl.service import ServiceSettings
from host.money import sats
from tests.support.foreign_wallet import OverHttp, claim, client_of, over_http, refused, scan
from tests.support.world import World


class TestPin:
    """LUD-24 draft: `pinLimit`, and `pin` on the callback, over real HTTP."""

    @pytest.fixture
    def wallet(self, shop: World) -> Iterator[OverHttp]:
        with over_http(shop) as wallet:
            yield wallet

    @pytest.fixture
    def protected(self, shop: World) -> World:
        cards.set_pin(shop.db, shop.card.card_id, "4711", limit_msat=sats(100))
        return shop

    def test_pin_limit_is_told_only_when_a_pin_is_set(
        self, wallet: OverHttp, protected: World
    ) -> None:
        assert scan(wallet, **protected.tap(1))["pinLimit"] == sats(100)
        cards.set_pin(protected.db, protected.card.card_id, "4711", limit_msat=0)
        assert scan(wallet, **protected.tap(1))["pinLimit"] == 0
        cards.set_pin(protected.db, protected.card.card_id, None)
        assert "pinLimit" not in scan(wallet, **protected.tap(1))

    def test_the_pin_is_asked_from_its_limit_on(self, wallet: OverHttp, protected: World) -> None:
        k1 = scan(wallet, **protected.tap(1))["k1"]
        pr = protected.invoice(sats(100))
        assert refused(claim(wallet, k1, pr)) is Code.PIN_REQUIRED
        assert refused(claim(wallet, k1, pr, pin="")) is Code.PIN_REQUIRED
        assert refused(claim(wallet, k1, pr, pin="0000")) is Code.PIN_WRONG
        assert claim(wallet, k1, pr, pin="4711") == {"status": "OK"}

    def test_below_the_limit_no_pin_is_asked(self, wallet: OverHttp, protected: World) -> None:
        k1 = scan(wallet, **protected.tap(1))["k1"]
        assert claim(wallet, k1, protected.invoice(sats(99))) == {"status": "OK"}

    def test_threat_19_tries_are_counted_across_taps_and_lock_the_pin(
        self, wallet: OverHttp, protected: World
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
        wallet: OverHttp,
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
