"""Links for the phone apps: made by a technician, shown once as a QR code, never shown again."""

from __future__ import annotations

from urllib.parse import urlsplit

import segno
from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from dashboard import deskform
from dashboard.access import permit
from dashboard.context import LOCAL_NAMES
from dashboard.desk import accounts, bench, form, our_card, who
from dashboard.deskform import FormProblem
from dashboard.room import here, our_store, store_time, terminal
from host.ledger.codes import Words
from provisioning import links
from provisioning.jobs import Kind
from provisioning.links import LinkUse, PhoneLink
from provisioning.phones import PREFIX

bp = Blueprint("deskphones", __name__, url_prefix="/desk")

SAYS = {
    LinkUse.PROGRAM: Words(
        "Scan this with the phone", "Then hold a blank card to the phone until it is done."
    ),
    LinkUse.RESET: Words(
        "Scan this with the phone",
        "Then hold this card to the phone. It pays no more from the moment it gets its keys.",
    ),
}


@bp.post("/phone")
@permit("card.provision")
def program() -> ResponseReturnValue:
    """A link that programs one card; the form is that of the desk."""
    try:
        entry, *more = deskform.entries(request.form, accounts())
    except FormProblem as error:
        return form(Kind.ISSUE, problem=Words(str(error), ""), status=400)
    if more:
        words = Words("A phone makes one card at a time", "Set the number of cards to 1.")
        return form(Kind.ISSUE, problem=words, status=400)
    store_id = terminal().store_id
    link = links.offer_program(here().db, store_id, entry.card, bench().card_base, person=who())
    return _shown(link, entry.card.alias, pin=entry.pin, back=url_for("desk.page"))


@bp.post("/cards/<card_id>/reset")
@permit("card.provision")
def reset(card_id: str) -> ResponseReturnValue:
    """A link that wipes this card, and no other."""
    card = our_card(card_id)
    link = links.offer_reset(here().db, card, person=who())
    return _shown(link, card.alias, back=url_for("desk.card", card_id=card_id))


def _shown(link: PhoneLink, alias: str, *, back: str, pin: str | None = None) -> str:
    """The only page that ever holds the link."""
    base = bench().phone_url or f"{request.host_url.rstrip('/')}{PREFIX}"
    deep = link.deep_link(base)
    code = segno.make(deep, error="m", micro=False)
    return render_template(
        "deskphone.html",
        alias=alias,
        back=back,
        deep=deep,
        only_here=urlsplit(base).hostname in LOCAL_NAMES,
        # Drawn with attributes alone: the policy of our pages allows no style inside a page.
        qr=Markup(code.svg_inline(border=4, omitsize=True, light="#fff")),  # noqa: S704
        pin=pin,
        says=SAYS[link.use],
        until=store_time(our_store())(link.expires_at),
    )
