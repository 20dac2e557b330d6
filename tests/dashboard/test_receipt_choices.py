"""The section "Receipts" of a store's settings."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from host.ledger import audit, print_jobs, settings
from host.ledger.print_jobs import PrinterRow
from host.receipts.choices import RECEIPTS, ReceiptChoices
from tests.support.forms import csrf_of
from tests.support.shop import Shop

GOOD = {"header": "Via Roma 5\r\n\r\n VAT 1 ", "language": "es", "paper_mm": "58"}


def save(client: FlaskClient, **form: str) -> str:
    data = {"csrf_token": csrf_of(client), "inside": "1", **form}
    return client.post("/settings/receipts", data=data, follow_redirects=True).text


def test_a_manager_decides_about_receipts(manager: FlaskClient, shop: Shop) -> None:
    page = manager.get("/settings").text
    assert "No receipt printer is configured" in page
    print_jobs.configure(shop.db, [PrinterRow("bar", ("till-1",), drawer=False)])
    page = save(manager, automatic="1", footer="Ciao", **GOOD)
    assert "The next receipt is printed like this." in page
    assert "Impresoras: bar." in page
    assert settings.get(shop.db, "main", RECEIPTS) == ReceiptChoices(
        header=("Via Roma 5", "VAT 1"),
        footer=("Ciao",),
        language="es",
        automatic=True,
        paper_mm=58,
    )
    assert audit.recent(shop.db)[0].action == "store.settings"
    assert "Via Roma 5\nVAT 1</textarea>" in page
    save(manager, **GOOD)
    assert not settings.get(shop.db, "main", RECEIPTS).automatic


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"header": "\n".join("123456789")}, "header: at most 8 lines"),
        ({"footer": "x" * 121}, "footer: at most 120 characters"),
        ({"language": "xx"}, "language: must be one of"),
        ({"paper_mm": ""}, "paper_mm: must be 58 or 80"),
        ({"paper_mm": "60"}, "paper_mm: must be 58 or 80"),
    ],
)
def test_what_cannot_be_right_is_said_in_the_form(
    manager: FlaskClient, shop: Shop, change: dict[str, str], words: str
) -> None:
    assert words in save(manager, **(GOOD | change))
    assert settings.get(shop.db, "main", RECEIPTS) == ReceiptChoices()
