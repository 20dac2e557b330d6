"""What a technician typed into the card desk's form, as cards to be made; wrong fields in words."""

from __future__ import annotations

from collections.abc import Mapping

from host.ledger.records import Limits
from host.money import parse_amount
from provisioning.template import Entry, Template, TemplateError

MOST_CARDS = 500
OPTIONS = ("fast", "originality", "once_more")


class FormProblem(ValueError):
    """A field cannot be used; the text says which and why."""


def entries(form: Mapping[str, str], accounts: Mapping[str, str]) -> list[Entry]:
    """The cards of a batch. Raises `FormProblem`."""
    account = form.get("account", "")
    if account not in accounts:
        raise FormProblem("Account: choose the account that the cards draw on")
    count = _number(form, "count", "Number of cards", 1, MOST_CARDS) or 1
    first = _number(form, "first", "First number", 0, 1_000_000)
    try:
        return list(_template(form, account).entries(count, 1 if first is None else first))
    except TemplateError as error:
        raise FormProblem(str(error).capitalize()) from None


def options(form: Mapping[str, str]) -> dict[str, bool]:
    """The switches that were set. Raises `FormProblem` for Random ID without its confirmation."""
    chosen = {name: True for name in OPTIONS if form.get(name)}
    if form.get("random_id"):
        if not form.get("random_id_sure"):
            raise FormProblem("Random ID: confirm that it can never be switched off again")
        chosen["random_id"] = True
    return chosen


def total(form: Mapping[str, str]) -> int | None:
    """How many cards; None goes on until it is stopped."""
    return _number(form, "count", "Number of cards", 1, MOST_CARDS)


def _template(form: Mapping[str, str], account: str) -> Template:
    return Template(
        pull_payment_id=account,
        alias=form.get("alias", "").strip() or "Card {n:03}",
        limits=Limits(
            tap_msat=_amount(form, "limit_tap", "Limit for one payment"),
            day_msat=_amount(form, "limit_day", "Limit for a day"),
            month_msat=_amount(form, "limit_month", "Limit for a month"),
            count=_number(form, "limit_count", "Payments in a day", 1, 100_000),
        ),
        pin_digits=_number(form, "pin_digits", "PIN", 4, 12),
        pin_from_msat=_amount(form, "pin_from", "PIN from") or 0,
    )


def _number(form: Mapping[str, str], name: str, label: str, least: int, most: int) -> int | None:
    text = form.get(name, "").strip()
    if not text:
        return None
    digits = text.isascii() and text.isdigit() and len(text) < 10
    if not (digits and least <= int(text) <= most):
        raise FormProblem(f"{label}: a whole number from {least} to {most}")
    return int(text)


def _amount(form: Mapping[str, str], name: str, label: str) -> int | None:
    text = form.get(name, "").strip()
    try:
        return parse_amount(text, label) if text else None
    except ValueError as error:
        raise FormProblem(str(error)) from None
