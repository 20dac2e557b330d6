"""The command that takes in what another system did before, beside those in `host.cli`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from host.cli import Home, pass_home
from host.commands.money import person_of, person_option


def register(cli: click.Group) -> None:
    """Add the command to the group."""
    cli.add_command(history)


@click.group()
def history() -> None:
    """Payouts that another system made before."""


@history.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Look through the file and take nothing.")
@click.option("--store", "store_id", default=None, help="Store id [default: the configured one].")
@click.option("--from", "only", default=None, help="Only rows of this store_id in the file.")
@person_option
@pass_home
def history_import(
    home: Home,
    file: Path,
    dry_run: bool,
    store_id: str | None,
    only: str | None,
    person: str | None,
) -> None:
    """Take in FILE: the table flash_payouts or flash_boltcard_usage, as CSV or JSON.

    It is shown and summed beside our own payouts and moves no money. The same file again changes
    nothing; a file with a bad line is not taken at all.
    """
    from host.ledger import history as ledger
    from host.ledger import people

    store = store_id or home.config().store.id
    with home.ledger() as db, file.open("rb") as opened:
        who = person_of(db, person)
        people.must(who, "store.manage", store)
        if dry_run:
            plan = ledger.plan(db, store, opened, only=only)
            click.echo(f"{plan.rows} rows of {plan.kind}: {plan.new} new, {plan.changed} changed")
            return
        shown = sys.stderr.isatty()

        def tell(done: int, of: int) -> None:
            if shown:
                click.echo(f"\r{done} of {of}", nl=done == of, err=True)

        person_id = who.person_id if who else None
        plan = ledger.take(db, store, opened, file.name, only=only, person=person_id, progress=tell)
    if not plan.to_take:
        click.echo(f"{plan.rows} rows of {plan.kind}, all of them taken in before")
    else:
        click.echo(f"taken in: {plan.new} new {plan.kind}, {plan.changed} changed")
