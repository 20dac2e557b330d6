"""The four dots, and what each of them means."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response, jsonify, render_template

from dashboard.access import at_terminal, signed_in
from dashboard.room import here, terminal
from dashboard.state import dots

bp = Blueprint("status", __name__, url_prefix="/status")

MEANING: Final = {
    "reader": "The card reader of this till. When it is down, check its plug and its cable.",
    "ledger": "Where sales and balances are kept. When it is down, check the disk's free space.",
    "lightning": "The wallet that pays and is paid. When it is down, check its connection.",
    "clock": "The time on receipts and limits. When it is down, check the time of this machine.",
}


@bp.get("")
@at_terminal
@signed_in
def page() -> str:
    """Each part with its words and what to check."""
    return render_template("status.html", meaning=MEANING)


@bp.get("/now")
@at_terminal
@signed_in
def now() -> Response:
    """The dots, for pages without a live stream."""
    return jsonify(dots=dots(here(), terminal()))
