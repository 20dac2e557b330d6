"""`taptill printer`: which printers there are and how they are, a test strip, the cash drawer."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING

import click

from host.cli import Home, Words, pass_home

if TYPE_CHECKING:
    from host.ledger.print_jobs import PrintJob
    from host.printers.settings import PrinterConfig
    from host.store.engine import Engine

_WAIT_S = 12.0
"""A little longer than a drawer is worth waiting for."""


@click.group()
def printer() -> None:
    """Receipt printers: list, test, drawer."""


@printer.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@pass_home
def list_printers(home: Home, as_json: bool) -> None:
    """List the configured printers, whom they serve, and how they are."""
    rows = [
        {
            "name": one.name,
            "device": one.device,
            "terminals": list(one.terminals),
            "columns": one.columns,
            "drawer": one.drawer_pin != 0,
            "state": _state(one),
        }
        for one in home.config().printers
    ]
    if as_json:
        click.echo(json.dumps(rows, indent=1))
        return
    for row in rows:
        serves = ", ".join(map(str, row["terminals"]))  # type: ignore[call-overload]
        click.echo(f"{row['name']:12} {row['device']:28} {serves:16} {row['state']}")
    if not rows:
        click.echo("no printer is configured: add [[printers]] to taptill.toml", err=True)


@printer.command("test")
@click.argument("name", required=False)
@pass_home
def test(home: Home, name: str | None) -> None:
    """Print a strip on a printer now [default: the first]."""
    from host.printers.encode import encode
    from host.printers.errors import PrinterTrouble
    from host.printers.printer import Printer
    from host.printers.strip import strip

    config = _named(home, name)
    try:
        Printer(config).put(encode(strip(config), config))
    except PrinterTrouble as error:
        raise Words(f"{config.name}: {error}") from None
    click.echo(f"{config.name}: printed")


@printer.command("drawer")
@click.argument("name", required=False)
@click.option("--reason", default="", help="What the audit trail will say.")
@click.option("--person", default=None, help="Who does it; needs the permission.")
@pass_home
def drawer(home: Home, name: str | None, reason: str, person: str | None) -> None:
    """Open the cash drawer on a printer, by the running service [default: the first]."""
    from host.ledger import people
    from host.ledger.print_jobs import PrintState
    from host.ledger.stores import get_terminal
    from host.printers import printing

    terminal_id = _named(home, name).terminals[0]
    with home.ledger() as db:
        who = people.by_name(db, person) if person else None
        if person and who is None:
            raise Words(f"there is no person {person}")
        terminal = get_terminal(db, terminal_id)
        if terminal is None:
            raise Words(f"there is no terminal {terminal_id}: start `taptill run` once")
        job = printing.open_drawer(db, terminal.store_id, terminal_id, who, reason)
        done = _ended(db, job.job_id)
    if done is None or done.state is not PrintState.PRINTED:
        words = done.error if done and done.error else "is `taptill run` at work?"
        click.echo(f"not opened: {words}")
        sys.exit(1)
    click.echo("opened")


def _ended(db: Engine, job_id: str) -> PrintJob | None:
    """The job once it is over, or as it is when nobody came for it."""
    from host.ledger import print_jobs

    until = time.monotonic() + _WAIT_S
    while True:
        seen = db.events.last_id()
        job = print_jobs.get(db, job_id)
        if job is None or job.state is not print_jobs.PrintState.QUEUED or time.monotonic() > until:
            return job
        db.events.wait(seen, 500)


def _named(home: Home, name: str | None) -> PrinterConfig:
    printers = home.config().printers
    found = next((one for one in printers if name in (None, one.name)), None)
    if found is None:
        known = ", ".join(one.name for one in printers) or "none"
        asked = f"printer {name}" if name else "printer"
        raise Words(f"there is no {asked}: taptill.toml has {known}")
    return found


def _state(config: PrinterConfig) -> str:
    from host.printers.errors import PrinterTrouble
    from host.printers.printer import Printer

    try:
        return "ready" if Printer(config).look() else "it is there, and says nothing"
    except PrinterTrouble as error:
        return str(error)


def register(cli: click.Group) -> None:
    """Add the commands to the `taptill` group."""
    cli.add_command(printer)
