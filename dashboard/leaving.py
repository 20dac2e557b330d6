"""Leaving the till: a sale that only waits for a card does not wait on without its cashier."""

from __future__ import annotations

from typing import Final

from dashboard.formats import sats
from dashboard.room import here, terminal
from host.language import gettext as _
from host.language import marked as N_
from host.ledger import sales
from host.ledger.permissions import Person
from host.ledger.records import Sale, SaleState

CANCELLED: Final = N_("The sale of {amount} sats was cancelled: nothing was charged.")
GOES_ON: Final = N_(
    "A payment of {amount} sats is still being checked: the till shows how it ends."
)


def leave(who: Person) -> str | None:
    """Give up this person's sale on this terminal; words for them, where there was one.

    A sale that somebody may be paying at this moment goes on: the till shows how it ends.
    """
    sale = sales.current(here().db, terminal().terminal_id)
    if sale is None or sale.person_id != who.person_id:
        return None
    display = here().screen
    done = display.cancel(sale) if display else sales.cancel(here().db, sale.sale_id)
    over = isinstance(done, Sale) and done.state is SaleState.CANCELLED
    return _(CANCELLED if over else GOES_ON).format(amount=sats(sale.amount_msat))
