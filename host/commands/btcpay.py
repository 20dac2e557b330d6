"""`taptill pull-payments btcpay`: which account's payouts are filed at BTCPay, and where."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from host.cli import Home, Words, pass_home
from host.commands.money import person_of, person_option

if TYPE_CHECKING:
    from host.ledger.btcpay import Link
    from host.ledger.permissions import Person
    from host.lightning.btcpay_claims import BtcpayClaims
    from host.store.engine import Engine


def register(cli: click.Group) -> None:
    """Add the command to its group."""
    group = cli.commands["pull-payments"]
    assert isinstance(group, click.Group)  # noqa: S101 - our own group
    group.add_command(btcpay)


@click.command("btcpay")
@click.argument("pull_payment_id")
@click.argument("btcpay_id", required=False)
@click.option("--manage", is_flag=True, help="We approve its claims, and cancel unpaid ones.")
@click.option("--remove", is_flag=True, help="Send its payouts from the wallet again.")
@person_option
@pass_home
def btcpay(
    home: Home,
    pull_payment_id: str,
    btcpay_id: str | None,
    manage: bool,
    remove: bool,
    person: str | None,
) -> None:
    """File an account's payouts as claims on BTCPay's pull payment BTCPAY_ID, or show where."""
    from host.ledger import btcpay as ledger

    with home.ledger() as db:
        who = person_of(db, person)
        if remove:
            gone = ledger.unlink(db, pull_payment_id, who)
            click.echo("its payouts are sent from the wallet" if gone else "it was not linked")
        elif btcpay_id is None:
            found = [one for one in ledger.links(db) if one.pull_payment_id == pull_payment_id]
            for one in found:
                managed = "approved by us" if one.manages else "approved in BTCPay"
                click.echo(f"filed at {one.btcpay_id} in {one.unit}, {managed}")
            if not found:
                click.echo("its payouts are sent from the wallet")
        else:
            _link(home, db, pull_payment_id, btcpay_id, manage, who)


def _link(
    home: Home,
    db: Engine,
    pull_payment_id: str,
    btcpay_id: str,
    manage: bool,
    who: Person | None,
) -> None:
    """Ask BTCPay whether claims would be paid there, then link."""
    from host.ledger import btcpay as ledger
    from host.lightning.wallet import WalletError

    with claims_of(home, db) as claims:
        if claims is None:
            raise Words("the wallet is not BTCPay: see wallet.kind in taptill.toml")
        try:
            remote = claims.pull_payment(btcpay_id)
        except WalletError as error:
            raise Words(str(error)) from None
    if wrong := remote.unfit(manages=manage):
        raise Words(f"BTCPay's pull payment cannot be used: {wrong}")
    link = ledger.Link(pull_payment_id, btcpay_id, remote.unit, manage)
    ledger.link(db, link, who)
    click.echo(f"payouts are filed at “{remote.name}” in {remote.unit}")
    if remote.approves:
        click.echo("it approves every claim: whoever learns its id can empty it", err=True)


@contextmanager
def claims_of(home: Home, db: Engine) -> Iterator[BtcpayClaims | None]:
    """The way through BTCPay's pull payments, open; None where BTCPay is not the wallet."""
    from host.ledger.btcpay import Book
    from host.lightning.open import open_claims
    from host.lightning.wallet import WalletDown

    try:
        claims = open_claims(home.config().wallet, home.path, db.clock, Book(db))
    except WalletDown as error:
        raise Words(str(error)) from None
    try:
        yield claims
    finally:
        if claims is not None:
            claims.close()


@contextmanager
def btcpay_links(home: Home) -> Iterator[tuple[BtcpayClaims | None, list[Link]]]:
    """The links of a ledger and the way they go; neither where BTCPay is not the wallet."""
    from host.config import DATABASE_NAME
    from host.ledger import btcpay as ledger

    if home.config().wallet.kind != "btcpay" or not (home.path / DATABASE_NAME).exists():
        yield None, []
        return
    with home.ledger() as db, claims_of(home, db) as claims:
        yield claims, ledger.links(db)
