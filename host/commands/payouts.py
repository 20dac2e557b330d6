"""`taptill payouts`: what nobody knows about yet, and the way out when its wallet is gone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from host.cli import Home, pass_home
from host.commands.money import person_of, person_option, zero_or

if TYPE_CHECKING:
    from host.ledger.records import Payout


def register(cli: click.Group) -> None:
    """Add the group."""
    cli.add_command(payouts)


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@pass_home
@click.pass_context
def payouts(context: click.Context, home: Home, as_json: bool) -> None:
    """Payouts that nobody knows about yet; without a command, list them."""
    if context.invoked_subcommand is not None:
        return
    from host.ledger import by_hand, wallets
    from host.money import sat_text
    from host.report import time_text

    with home.ledger() as db:
        found, mine = by_hand.undecided(db), wallets.in_use(db)
    if as_json:
        click.echo(json.dumps([_object(one) for one in found], indent=1))
        return
    for one in found:
        amount = sat_text(one.amount_msat)
        click.echo(f"{one.payout_id}  {time_text(one.processing_at)}  {amount} sat")
        why = one.error_message or "it is being paid"
        click.echo(f"    {why if one.wallet == mine else wallets.why_held(one.wallet)}")
    if not found:
        click.echo("no payout is undecided")


@payouts.command("settle")
@click.argument("payout_id")
@click.option("--preimage", required=True, help="What proves the payment: 64 hex digits.")
@click.option("--fee", default="0", help="What the way cost, as that wallet lists it [none].")
@person_option
@pass_home
def settle(home: Home, payout_id: str, preimage: str, fee: str, person: str | None) -> None:
    """PAYOUT_ID was paid, as the old wallet's preimage proves."""
    from host.ledger import by_hand
    from host.money import sat_text

    try:
        proof = bytes.fromhex(preimage)
    except ValueError:
        raise click.UsageError("--preimage: must be 64 hex digits") from None
    fee_msat = zero_or(fee)
    with home.ledger() as db:
        who = person_of(db, person)
        paid = by_hand.settle(db, payout_id, proof, who, fee_msat=fee_msat)
    click.echo(f"paid: {sat_text(paid.amount_msat)} sat, proven by the preimage")


@payouts.command("release")
@click.argument("payout_id")
@click.option("--reason", required=True, help="How you know; goes into the audit trail.")
@person_option
@pass_home
def release(home: Home, payout_id: str, reason: str, person: str | None) -> None:
    """You say that PAYOUT_ID was not paid: its money can be spent again.

    If the old wallet paid it after all, the same money leaves twice and the shop bears it: look at
    that wallet's own list of payments first, where one in flight may be held by a stuck route for
    two weeks. Refused until a day after its invoice expired.
    """
    from host.ledger import by_hand
    from host.money import sat_text

    with home.ledger() as db:
        freed = by_hand.release(db, payout_id, reason, person_of(db, person))
    click.echo(f"released: {sat_text(freed.amount_msat)} sat are the card's again")
    click.echo("if the old wallet paid it after all, the shop bears it")


def _object(one: Payout) -> dict[str, Any]:
    return {
        "payoutId": one.payout_id,
        "boltcardId": one.boltcard_id,
        "amountMsat": one.amount_msat,
        "processingAt": one.processing_at,
        "wallet": one.wallet,
        "errorMessage": one.error_message,
        "paymentHash": (one.payment_hash or b"").hex(),
    }
