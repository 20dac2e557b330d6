"""Commands about the wallet and about PINs, beside those in `host.cli`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from host.cli import Home, Words, pass_home
from host.commands.btcpay import btcpay_links

if TYPE_CHECKING:
    from host.lightning.trial import Trial
    from host.store.engine import Engine


def register(cli: click.Group) -> None:
    """Add the commands to the group."""
    cli.add_command(wallet)
    cards = cli.commands["cards"]
    assert isinstance(cards, click.Group)  # noqa: S101 - our own group
    for command in (pin, unlock):
        cards.add_command(command)


@click.group()
def wallet() -> None:
    """The wallet that pays and is paid."""


@wallet.command("test")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@pass_home
def wallet_test(home: Home, as_json: bool) -> None:
    """Try what the wallet can do, and say what its credential may do too much. Pays nothing."""
    trials = list(_trials(home))
    if as_json:
        click.echo(json.dumps([asdict(one) for one in trials], indent=1))
    else:
        for one in trials:
            click.echo(one.line())
    sys.exit(0 if all(one.ok for one in trials) else 1)


def _trials(home: Home) -> Iterator[Trial]:
    """The wallet's, and those of the pull payments of BTCPay that payouts are filed at."""
    from host.clock import SystemClock
    from host.lightning.open import open_wallet
    from host.lightning.trial import examine, examine_link

    config = home.config().wallet
    opened = open_wallet(config, home.path, SystemClock())
    try:
        with btcpay_links(home) as (claims, links):
            manages = claims if any(one.manages for one in links) else None
            yield from examine(opened, config.bolt11_network, holder=manages)
            if claims is not None:
                for one in links:
                    yield examine_link(claims, one.btcpay_id, manages=one.manages)
    finally:
        opened.close()


@click.command()
@click.argument("card")
@click.option("--from", "from_amount", default=None, help="Ask from this amount on [always].")
@click.option("--remove", is_flag=True, help="Ask for no PIN any more.")
@pass_home
def pin(home: Home, card: str, from_amount: str | None, remove: bool) -> None:
    """Set the PIN of CARD (its id or UID). It is typed, never an argument: those are listed."""
    from host.ledger import cards
    from host.money import parse_amount

    with home.ledger() as db:
        card_id = _card_id(db, card)
        if remove:
            cards.set_pin(db, card_id, None)
            click.echo("no PIN any more")
            return
        try:
            limit_msat = parse_amount(from_amount, "--from") if from_amount else 0
        except ValueError as error:
            raise click.UsageError(str(error)) from None
        typed = click.prompt("PIN", hide_input=True, confirmation_prompt="Once more")
        cards.set_pin(db, card_id, str(typed), limit_msat=limit_msat)
    click.echo(f"PIN set, asked for {f'from {from_amount} on' if from_amount else 'always'}")


@click.command()
@click.argument("card")
@pass_home
def unlock(home: Home, card: str) -> None:
    """Let the PIN of CARD (its id or UID) be tried again after three wrong ones."""
    from host.ledger import cards

    with home.ledger() as db:
        cards.unlock_pin(db, _card_id(db, card))
    click.echo("the PIN can be tried again")


def _card_id(db: Engine, text: str) -> str:
    from host.ledger import cards
    from host.ntag424.values import Uid

    found = cards.get(db, text.lower())
    if found is None:
        try:
            found = cards.by_uid(db, Uid.parse(text))
        except ValueError:
            found = None
    if found is None:
        raise Words(f"no card has the id or UID {text}: see `taptill cards list`")
    return found.card_id
