"""Receipts: what a customer takes home says what the ledger says, in the store's language."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from host.clock import ManualClock
from host.language import speaking
from host.ledger import incoming, people, rates, refunds, sales, settings
from host.ledger.errors import LedgerError, NotFound
from host.ledger.permissions import Role
from host.ledger.rates import Rate
from host.ledger.records import Sale, SaleMethod, SaleState
from host.ledger.sales import Basket
from host.money import sats
from host.printers.encode import encode
from host.printers.settings import PrinterConfig
from host.receipts import receipt as receipts
from host.receipts.choices import RECEIPTS, ReceiptChoices
from host.receipts.layout import pieces
from host.receipts.paper import Fitted, fit
from host.receipts.texts import moment, money, short
from tests.support.shop import Shop


def euros(shop: Shop, rate: str = "58569.12") -> None:
    shop.db.transaction(lambda tx: tx.run("UPDATE stores SET currency = 'EUR'"))
    rates.put(shop.db, Rate("EUR", rate, "Kraken", shop.clock.now()))


PLAIN = Basket()


def charge(shop: Shop, amount_sat: int, basket: Basket = PLAIN) -> Sale:
    assert isinstance(shop.clock, ManualClock)
    shop.clock.advance(1)
    sale = sales.open(shop.db, "main", sats(amount_sat), terminal_id="till-1", basket=basket)
    assert isinstance(sale, Sale)
    return sale


def text(receipt: receipts.Receipt, columns: int = 32) -> str:
    found = [one.text for one in fit(pieces(receipt), columns) if isinstance(one, Fitted)]
    return "\n".join(found) + "\n"


def test_a_receipt_is_this_text(shop: Shop) -> None:
    euros(shop)
    choices = ReceiptChoices(("Via Ñandú 5, 00100 Roma",), ("Grazie! ₿",))
    settings.put(shop.db, "main", RECEIPTS, choices)
    ann = people.create(shop.db, "Ann Cashier", Role.CASHIER)
    basket = Basket(sats(2_100), "by the window", ("18000", "3000"), person_id=ann.person_id)
    sale = charge(shop, 23_100, basket)
    card = shop.card("Ben's card")
    shop.tap(card)
    made = receipts.of_sale(shop.db, sale.sale_id)
    printed = text(made)
    number, payment = short(sale.sale_id), short(made.payment.reference)
    assert printed == (
        "  Corner shop\n"
        "    Via Ñandú 5, 00100 Roma\n"
        "--------------------------------\n"
        f"Receipt              {number}\n"
        "2026-03-02 15:07 CET\n"
        "Till                      till-1\n"
        "Served by            Ann Cashier\n"
        "--------------------------------\n"
        "Item 1               18 000 sats\n"
        "Item 2                3 000 sats\n"
        "by the window\n"
        "Subtotal             21 000 sats\n"
        "                          €12.30\n"
        "Tip                   2 100 sats\n"
        "                           €1.23\n"
        "TOTAL\n"
        "     23 100 sats\n"
        "                          €13.53\n"
        "--------------------------------\n"
        "Paid by  Boltcard Ben's card\n"
        "                         ...0180\n"
        f"Payment              {payment}\n"
        "Rate          1 BTC = €58,569.12\n"
        "    Kraken, 2026-03-02 15:07 CET\n"
        "--------------------------------\n"
        "          Grazie! BTC\n"
    ).replace("Paid by  Boltcard Ben's card\n                         ...0180\n", _paid_by(printed))
    assert card.uid not in printed.lower()


def _paid_by(printed: str) -> str:
    found = re.search(r"Paid by[^-]*?0180\n", printed)
    assert found, printed
    return found[0]


def test_the_printed_bytes_of_a_receipt_hold_every_line_of_it(shop: Shop) -> None:
    euros(shop)
    settings.put(shop.db, "main", RECEIPTS, ReceiptChoices(("Peña Ñandú",), language="es"))
    sale = charge(shop, 2_100)
    shop.tap(shop.card("Ann"))
    made = receipts.of_sale(shop.db, sale.sale_id)
    data = encode(pieces(made), PrinterConfig("bar", "file:x", columns=42))
    shown = data.replace(b"\x1bt\x13", b"").replace(b"\x1bt\x00", b"")
    for line in text(made, 42).splitlines():
        words = line.strip().replace("€", "\udcd5")
        known = words.encode("cp437", "surrogateescape") if words.isascii() else b""
        assert known in shown
    assert b"Pe\xa4a \xa5and\xa3" in shown
    assert b"1,23 \xd5" in shown
    assert data.endswith(b"\x1dV\x00")


def test_a_shop_in_spanish_has_spanish_receipts(shop: Shop) -> None:
    euros(shop)
    settings.put(shop.db, "main", RECEIPTS, ReceiptChoices(language="es"))
    sale = charge(shop, 23_100, Basket(sats(2_100)))
    shop.tap(shop.card("Ann"))
    refunds.refund(shop.db, sale.sale_id, sats(100), "frío")
    printed = text(receipts.of_sale(shop.db, sale.sale_id, copy=True, simulated=True), 48)
    for words in ("COPIA", "Recibo", "Propina", "Subtotal", "Pagado con", "Gracias", "Devuelto"):
        assert words in printed
    assert "SIMULACIÓN" in printed
    assert "58.569,12 €" in printed
    given = refunds.of_payout(shop.db, receipts.of_sale(shop.db, sale.sale_id).payment.reference)[0]
    assert "DEVOLUCIÓN" in text(receipts.of_refund(shop.db, sale.sale_id, given.entry_id))


def test_what_was_keyed_in_euros_is_on_the_receipt_to_the_cent(shop: Shop) -> None:
    euros(shop, "1000000")  # a satoshi is a cent: rounding would show
    basket = Basket(sats(101), lines=("9.99", "0.02"), fiat="11.02")
    sale = charge(shop, 1_102, basket)
    shop.tap(shop.card("Ann"))
    made = receipts.of_sale(shop.db, sale.sale_id)
    assert [f"{one.fiat}" for one in (made.goods, made.tip, made.total)] == [
        "10.01",
        "1.01",
        "11.02",
    ]
    assert "Item 1                     €9.99\n" in text(made)


@pytest.mark.parametrize(
    ("currency", "rate", "shown"),
    [
        ("JPY", "9000000", "¥189"),
        ("CHF", "55000", "CHF"),
        ("INR", "5000000", "105.00 INR"),
        ("USD", "60000", "$1.26"),
    ],
)
def test_currencies_are_written_as_they_are(
    shop: Shop, currency: str, rate: str, shown: str
) -> None:
    shop.db.transaction(lambda tx: tx.run(f"UPDATE stores SET currency = '{currency}'"))  # noqa: S608
    rates.put(shop.db, Rate(currency, rate, "Kraken", shop.clock.now()))
    sale = charge(shop, 2_100)
    shop.tap(shop.card("Ann"))
    assert shown in text(receipts.of_sale(shop.db, sale.sale_id)).replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("language", "value", "currency", "shown"),
    [
        ("en", "1234.5", "EUR", "€1,234.50"),
        ("es", "1234.5", "EUR", "1234,50 €"),
        ("es", "12345.678", "EUR", "12.345,68 €"),
        ("es", "3", "USD", "3,00 USD"),
        ("es", "1500", "JPY", "1500 JPY"),
        ("en", "0.005", "GBP", "£0.01"),
    ],
)
def test_money_is_written_as_in_the_language(
    language: str, value: str, currency: str, shown: str
) -> None:
    with speaking(language):
        assert money(Decimal(value), currency) == shown


def test_without_a_rate_a_receipt_is_in_sats_alone(shop: Shop) -> None:
    sale = charge(shop, 2_100)
    shop.tap(shop.card("Ann"))
    printed = text(receipts.of_sale(shop.db, sale.sale_id))
    assert "Rate" not in printed
    assert "Served by" not in printed
    assert "Item" not in printed


def _foreign(shop: Shop, host: str) -> str:
    sale = charge(shop, 2_100)
    if host:
        sales.move(shop.db, sale.sale_id, SaleState.AUTHORISING)
    invoice = bytes.fromhex("ab" * 32)
    assert incoming.offer(shop.db, sale, invoice, "lnbc1", shop.clock.now() + 60_000, host)
    incoming.settle(shop.db, invoice)
    return sale.sale_id


def test_another_issuers_card_and_an_invoice_are_named(shop: Shop) -> None:
    foreign = receipts.of_sale(shop.db, _foreign(shop, "cards.example"))
    assert foreign.payment.method is SaleMethod.FOREIGN
    printed = text(foreign)
    assert "Paid by    Card of cards.example\n" in printed
    assert "Payment         " + "ab" * 8 in printed


def test_an_invoice_from_the_screen_is_named(shop: Shop) -> None:
    shown = receipts.of_sale(shop.db, _foreign(shop, ""))
    assert shown.payment.method is SaleMethod.INVOICE
    assert "Paid by        Lightning invoice\n" in text(shown)


def test_refunds_are_on_the_copy_and_have_a_receipt_of_their_own(
    shop: Shop, clock: ManualClock
) -> None:
    mona = people.create(shop.db, "Mona", Role.MANAGER)
    sale = charge(shop, 2_100)
    shop.tap(shop.card("Ann"))
    refunds.refund(shop.db, sale.sale_id, sats(500), "cold coffee", mona)
    clock.advance(1)
    refunds.refund(shop.db, sale.sale_id, sats(100), "no sugar", mona)
    copy = receipts.of_sale(shop.db, sale.sale_id, copy=True)
    printed = text(copy)
    assert printed.count("Refunded") == 2
    assert "Paid after refunds    1 500 sats\n" in printed
    own = text(receipts.of_refund(shop.db, sale.sale_id, copy.refunds[0].entry_id))
    for line in ("REFUND", "500 sats", "cold coffee", "Approved by                 Mona"):
        assert line in own
    with pytest.raises(NotFound):
        receipts.of_refund(shop.db, sale.sale_id, "nothing")


def test_only_a_sale_that_was_paid_has_a_receipt(shop: Shop) -> None:
    with pytest.raises(LedgerError, match="only a sale that was paid"):
        receipts.of_sale(shop.db, charge(shop, 2_100).sale_id)
    with pytest.raises(NotFound):
        receipts.of_sale(shop.db, "nothing")


@pytest.mark.parametrize(
    ("at", "zone", "shown"),
    [
        (1_792_888_200_000, "Europe/Rome", "2026-10-25 02:30 CEST"),
        (1_792_891_800_000, "Europe/Rome", "2026-10-25 02:30 CET"),
        (1_774_746_000_000, "Europe/Rome", "2026-03-29 03:00 CEST"),
        (1_772_460_451_000, "America/Sao_Paulo", "2026-03-02 11:07 UTC-03"),
        (1_772_460_451_000, "UTC", "2026-03-02 14:07 UTC"),
    ],
)
def test_times_are_the_stores_and_say_which_of_two_hours_it_was(
    at: int, zone: str, shown: str
) -> None:
    assert moment(at, zone) == shown


@pytest.mark.parametrize(
    ("field", "choices"),
    [
        ("header", {"header": ("x",) * 9}),
        ("footer", {"footer": ("a\x1bc",)}),
        ("language", {"language": "xx"}),
        ("paper_mm", {"paper_mm": 60}),
    ],
)
def test_choices_that_make_no_sense_name_their_field(
    field: str, choices: dict[str, object]
) -> None:
    with pytest.raises(LedgerError, match=f"^{field}: "):
        ReceiptChoices(**choices)  # type: ignore[arg-type]
