"""What codes of the records are called on the pages, in the language that is spoken."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask

from host.language import gettext as _
from host.language import pgettext
from host.ledger.permissions import Role
from host.ledger.records import EntryKind, PayoutStatus, SaleState


def status(code: str) -> str:
    """The status of a payout."""
    return {
        PayoutStatus.PENDING: pgettext("payout", "Pending"),
        PayoutStatus.PROCESSING: pgettext("payout", "Processing"),
        PayoutStatus.COMPLETED: pgettext("payout", "Completed"),
        PayoutStatus.FAILED: pgettext("payout", "Failed"),
        PayoutStatus.CANCELLED: pgettext("payout", "Cancelled"),
    }[PayoutStatus(code)]


def sale_state(code: str) -> str:
    """The state of a sale."""
    return {
        SaleState.READY: _("Waiting"),
        SaleState.READING: _("Reading"),
        SaleState.AUTHORISING: _("Authorising"),
        SaleState.APPROVED: _("Paid"),
        SaleState.DECLINED: _("Declined"),
        SaleState.CHECKING: _("Being checked"),
        SaleState.CANCELLED: _("Cancelled"),
    }[SaleState(code)]


def entry_kind(code: str) -> str:
    """What a movement of money was."""
    return {
        EntryKind.FUND: pgettext("entry", "fund"),
        EntryKind.TOP_UP: pgettext("entry", "top-up"),
        EntryKind.HOLD: pgettext("entry", "hold"),
        EntryKind.RELEASE: pgettext("entry", "release"),
        EntryKind.SETTLE: pgettext("entry", "settle"),
        EntryKind.REFUND: pgettext("entry", "refund"),
        EntryKind.ADJUST: pgettext("entry", "adjust"),
    }[EntryKind(code)]


def role(code: str) -> str:
    """What somebody is in the shop."""
    return {
        Role.CASHIER: _("Cashier"),
        Role.TECHNICIAN: _("Technician"),
        Role.MANAGER: _("Manager"),
    }[Role(code)]


FILTERS: tuple[Callable[[str], str], ...] = (status, sale_state, entry_kind, role)


def install(app: Flask) -> None:
    """Give the templates these words as filters."""
    app.jinja_env.filters.update({one.__name__: one for one in FILTERS})
