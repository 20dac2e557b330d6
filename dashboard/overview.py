"""The manager's overview: four figures, two charts, and the payouts behind them."""

from __future__ import annotations

from typing import Any, cast

from flask import Blueprint, current_app, render_template, request

from dashboard import filters, payouts, sales, stats
from dashboard.access import permit_in_store
from dashboard.filters import Filters
from dashboard.stats import Cache

bp = Blueprint("overview", __name__, url_prefix="/overview")


@bp.get("")
@permit_in_store("payout.view")
def page() -> str:
    """Everything at a glance, for the filters that the address names."""
    asked = filters.read(request.args)
    return render_template("overview.html", **figures(asked), **payouts.listing(asked))


def figures(asked: Filters) -> dict[str, Any]:
    """What the cards and the charts show."""
    found = kept().get(asked)
    now, before = found.now, found.before
    return {
        "stats": found,
        "changes": {
            "total": stats.change(now.sums.total.payouts, before.sums.total.payouts, before),
            "pending": stats.change(now.sums.pending.payouts, before.sums.pending.payouts, before),
            "completed": stats.change(
                now.sums.completed.payouts, before.sums.completed.payouts, before
            ),
            "cards": stats.change(now.active_cards, before.active_cards, before),
        },
        "others": sales.others(asked) if asked.cards is None else None,
        "most": max((card.amount_msat for card in found.top), default=0),
    }


def kept() -> Cache:
    """The figures that were asked for lately."""
    return cast(Cache, current_app.extensions[stats.CACHE])
