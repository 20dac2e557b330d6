"""`taptill demo`: everything, with no hardware and no real money."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from hardware.demo.readers import KINDS
from host.cli import Home, Words, pass_home, wait_for_signal

BANNER = """
  Taptill demo - the card, the reader and the wallet are simulations; no real money moves.

  1  Sign in and open the till   {sign_in}
  2  Open the virtual counter    {counter}
  3  On the till: type an amount and press Enter.
     On the counter: click a card. It is laid on the reader, and the till says Paid.
     Then look at Payouts and Cards in the till's menu.
     At the Desk press Start, and lay the card "blank" on the counter: it becomes a card that pays.

  Be the cashier: open the till of {cashier} in another browser or a private window,
  tap the name, and type the PIN {pin}:
{tills}

  Each link works once; for another one of step 1 run  {another}
  Ctrl-C ends the demo; cards and payouts are kept in {home}
"""


@click.command()
@click.option("--once", is_flag=True, help="Charge one sale by one tap, print it, and end.")
@click.option("--json", "as_json", is_flag=True, help="With --once: print one JSON object.")
@click.option(
    "--reader",
    "readers",
    type=click.Choice(KINDS),
    multiple=True,
    default=("nfc",),
    show_default=True,
    help="Twin reader; several make a terminal each.",
)
@pass_home
@click.pass_context
def demo(
    ctx: click.Context, home: Home, once: bool, as_json: bool, readers: tuple[str, ...]
) -> None:
    """Run the whole of Taptill on a twin reader with virtual cards."""
    named = ctx.parent is not None and ctx.parent.params.get("home") is not None
    if once:
        _once(home, named, as_json, readers[0])
    else:
        _live(home, named, readers)


@contextmanager
def _in_words() -> Iterator[None]:
    """What keeps a twin from working here is told in words, not as a traceback."""
    from hardware.demo.stage import DemoFailed
    from hardware.twin.private_pcscd import PcscdUnavailable
    from hardware.twin.process import TwinError
    from hardware.twin.store import DrawerError

    try:
        yield
    except (DemoFailed, PcscdUnavailable, TwinError, DrawerError) as error:
        raise Words(str(error)) from error


def _once(home: Home, named: bool, as_json: bool, reader: str) -> None:
    from hardware.demo import once as proof

    say: Callable[[str], object] = (lambda _: None) if as_json else click.echo
    with _in_words():
        told = proof.once(home.path if named else None, reader, say)
    if as_json:
        click.echo(json.dumps(told))
    else:
        click.echo(f"payout {told['payout']['payoutId']} {told['payout']['status']}")
        click.echo(f"card {told['usage']['boltcardAlias']}: {told['usage']['totalPayouts']} payout")


def _live(home: Home, named: bool, kinds: tuple[str, ...]) -> None:
    from hardware.demo.once import home_folder
    from hardware.demo.stage import CASHIER, CASHIERS_PIN, device_link, several
    from host.setup import sign_in_link

    with (
        _in_words(),
        home_folder(home.path if named else None) as folder,
        several(folder, kinds, click.echo, live=True) as (daemon, twins),
    ):
        till = daemon.urls.get("dashboard", "")
        link = sign_in_link(daemon.db, daemon.config, "manager", base=till)
        tills = [
            f"     {place.terminal}  {device_link(daemon, place.terminal)}"
            + (f"  its counter  {twin.counter_url}" if len(twins) > 1 else "")
            for place, twin in zip(daemon.config.readers, twins, strict=True)
        ]
        click.echo(
            BANNER.format(
                sign_in=link,
                counter=twins[0].counter_url or "-",
                cashier=CASHIER,
                pin=CASHIERS_PIN,
                tills="\n".join(tills),
                another=f"{sys.argv[0]} --home {folder} sign-in",
                home=folder,
            )
        )
        wait_for_signal()
        click.echo("ending the demo")


def register(cli: click.Group) -> None:
    """Add the command to the `taptill` group."""
    cli.add_command(demo)
