"""Commands about a card's money, beside those in `host.cli`: fill, give back, look, fees."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import click

from host.cli import Home, Words, pass_home

if TYPE_CHECKING:
    from host.ledger.balance import Balance
    from host.ledger.permissions import Person
    from host.ledger.records import Card
    from host.store.engine import Engine

_WAIT_MS = 30_000

person_option = click.option("--person", default=None, help="Who does it; needs the permission.")
reason_option = click.option("--reason", required=True, help="What the books will say.")


def register(cli: click.Group) -> None:
    """Add the commands to their groups."""
    for name, commands in (
        ("cards", (top_up, balance, address)),
        ("pull-payments", (fees,)),
    ):
        group = cli.commands[name]
        assert isinstance(group, click.Group)  # noqa: S101 - our own groups
        for command in commands:
            group.add_command(command)
    cli.add_command(sales)


@click.command("top-up")
@click.argument("card")
@click.argument("amount")
@reason_option
@person_option
@pass_home
def top_up(home: Home, card: str, amount: str, reason: str, person: str | None) -> None:
    """Fill CARD (id, UID or alias) with AMOUNT that was handed over in cash."""
    from host.ledger import topups
    from host.money import sat_text

    amount_msat = _amount(amount)
    with home.ledger() as db:
        found, who = _card(db, card), person_of(db, person)
        account = topups.by_hand(db, found.card_id, amount_msat, reason, who)
    click.echo(f"{found.alias}: {sat_text(account.balance_msat)} sat")


@click.command("address")
@click.argument("card")
@click.argument("name", required=False)
@click.option("--remove", is_flag=True, help="Take the address away.")
@pass_home
def address(home: Home, card: str, name: str | None, remove: bool) -> None:
    """Give CARD the Lightning address NAME@host, or show the one it has."""
    from host.ledger import addresses

    with home.ledger() as db:
        found = _card(db, card)
        if name is not None or remove:
            addresses.give(db, found.card_id, None if remove else name)
        has = addresses.of(db, found.card_id)
    click.echo(f"{has}@{home.config().public.host}" if has else "no address")


@click.command("balance")
@click.argument("card", required=False)
@click.option("--reader", help="Read the card there, such as `pcsc` [default: without CARD, pcsc].")
@click.option("--demo", is_flag=True, help="Accept the demo's keys.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@pass_home
def balance(home: Home, card: str | None, reader: str | None, demo: bool, as_json: bool) -> None:
    """Show what is on CARD (id, UID or alias), or on the card at the reader. Spends no tap."""
    from host.ledger import balance as ledger

    with home.ledger() as db:
        if card is not None and reader is None:
            found = ledger.of(db, _card(db, card).card_id)
            assert found is not None  # noqa: S101 - the card was found just now
        else:
            found = _at_reader(home, db, reader or "pcsc", demo)
    if as_json:
        click.echo(json.dumps(_object(found)))
    else:
        for line in _lines(found):
            click.echo(line)


@click.group()
def sales() -> None:
    """What was charged."""


@sales.command("refund")
@click.argument("sale_id")
@click.argument("amount")
@reason_option
@person_option
@pass_home
def sales_refund(home: Home, sale_id: str, amount: str, reason: str, person: str | None) -> None:
    """Give back AMOUNT of a sale to the card that paid it."""
    from host.ledger import refunds
    from host.money import sat_text

    amount_msat = _amount(amount)
    with home.ledger() as db:
        sale = refunds.refund(db, sale_id, amount_msat, reason, person_of(db, person))
    given, paid = sat_text(refunds.refunded_msat(sale)), sat_text(sale.amount_msat)
    click.echo(f"{given} of {paid} sat given back")


@sales.command("give-up")
@click.argument("sale_id", required=False)
@click.option("--reason", default=None, help="Why nobody will find out; goes into the audit trail.")
@person_option
@pass_home
def sales_give_up(home: Home, sale_id: str | None, reason: str | None, person: str | None) -> None:
    """Close a sale that is being checked when its wallet is dead for good; without one, list them.

    Its invoice is watched on: money that comes after all is told at the till.
    """
    from host.ledger import giving_up
    from host.money import sat_text
    from host.report import time_text

    if sale_id is not None and reason is None:
        raise click.UsageError("--reason: say why nobody will find out")
    with home.ledger() as db:
        if sale_id is None or reason is None:
            found = giving_up.undecided(db)
            for one in found:
                amount = sat_text(one.amount_msat)
                click.echo(f"{one.sale_id}  {time_text(one.created_at)}  {amount} sat")
            if not found:
                click.echo("no sale is being checked")
            return
        sale = giving_up.give_up(db, sale_id, reason, person_of(db, person))
    click.echo(f"given up: {sat_text(sale.amount_msat)} sat; should they come, it is told")


@click.command("fees")
@click.argument("pull_payment_id")
@click.option("--payer", type=click.Choice(["card", "store"]), help="Who bears the fee.")
@click.option("--base", default=None, help="The most: this much …")
@click.option("--ppm", type=int, default=None, help="… and parts per million of the amount.")
@person_option
@pass_home
def fees(
    home: Home,
    pull_payment_id: str,
    payer: str | None,
    base: str | None,
    ppm: int | None,
    person: str | None,
) -> None:
    """Show or change who pays what sending costs, and how much at most."""
    from host.ledger import fees as ledger
    from host.ledger.fees import FeePayer, FeePolicy
    from host.money import sat_text

    with home.ledger() as db:
        policy = ledger.get(db, pull_payment_id)
        if payer or base is not None or ppm is not None:
            who = person_of(db, person)
            base_msat = policy.base_msat if base is None else zero_or(base)
            if base is not None or ppm is not None:
                base_msat, ppm = base_msat or 0, ppm if ppm is not None else policy.ppm or 0
            else:
                ppm = policy.ppm
            policy = FeePolicy(FeePayer(payer or policy.payer), base_msat, ppm)
            ledger.set_policy(db, pull_payment_id, policy, who.person_id if who else None)
    most = "the host's limit"
    if policy.base_msat is not None:
        most = f"{sat_text(policy.base_msat)} sat and {policy.ppm} ppm"
    click.echo(f"the {policy.payer} pays, at most {most}")


def _at_reader(home: Home, db: Engine, device: str, demo: bool) -> Balance:
    from host import holder, keyring
    from host.ledger.codes import Refused
    from host.readers.open import ReaderOptions, open_reader

    ring = keyring.load(keyring.locate(home.path, os.environ), allow_demo=demo)
    with open_reader(device, ReaderOptions()) as reader:
        click.echo("lay the card on the reader", err=True)
        link = reader.wait_card(_WAIT_MS)
        if link is None:
            raise Words("no card came")
        found = holder.balance_at(db, ring.issuers, link)
    if isinstance(found, Refused):
        raise Words(f"{found.code.words.says}. {found.code.words.do} ({found.code})")
    return found


def _lines(found: Balance) -> list[str]:
    from host.money import sat_text
    from host.report import time_text

    card, account = found.card, found.account
    lines = [f"{card.alias} ({card.state.word}): {sat_text(account.balance_msat)} sat"]
    if account.held_msat:
        lines.append(f"{sat_text(account.held_msat)} sat more are held for payments on their way")
    lines.append(f"one payment now: up to {sat_text(found.now_msat)} sat")
    for words, one in (("last 24 hours", found.day), ("last 30 days", found.month)):
        if one is not None:
            lines.append(f"{words}: {sat_text(one.left)} of {sat_text(one.limit)} sat left")
    if found.count is not None:
        lines.append(f"payments in 24 hours: {found.count.left} of {found.count.limit} left")
    for line in found.history:
        amount = sat_text(line.amount_msat)
        lines.append(f"{time_text(line.at)}  {line.kind:8}  {amount:>12} sat")
    return lines


def _object(found: Balance) -> dict[str, Any]:
    return {
        "boltcardId": found.card.card_id,
        "boltcardAlias": found.card.alias,
        "state": found.card.state.value,
        "balanceMsat": found.account.balance_msat,
        "heldMsat": found.account.held_msat,
        "payableMsat": found.now_msat,
        "history": [
            {"at": one.at, "kind": one.kind.value, "amountMsat": one.amount_msat}
            for one in found.history
        ],
    }


def _card(db: Engine, text: str) -> Card:
    """A card by its id, its UID or, where only one has it, its alias."""
    from host.ledger import cards
    from host.ntag424.values import Uid

    found = cards.get(db, text.lower())
    if found is None:
        try:
            found = cards.by_uid(db, Uid.parse(text))
        except ValueError:
            named = [one for one in cards.every(db) if one.alias == text]
            if len(named) > 1:
                raise Words(f"{len(named)} cards are called {text}: name its id") from None
            found = named[0] if named else None
    if found is None:
        raise Words(f"no card has the id, UID or alias {text}: see `taptill cards list`")
    return found


def person_of(db: Engine, name: str | None) -> Person | None:
    """Who does it; None is the machine's owner."""
    from host.ledger import people

    if name is None:
        return None
    found = people.by_name(db, name)
    if found is None:
        raise Words(f"there is no person {name}")
    return found


def _amount(text: str) -> int:
    from host.money import parse_amount

    try:
        return parse_amount(text)
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def zero_or(text: str) -> int:
    """An amount that may be none, in msat."""
    return 0 if text.strip() == "0" else _amount(text)
