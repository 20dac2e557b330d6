"""The commands about shifts and reports of the tills, beside those in `host.cli`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from host.cli import Home, Words, pass_home
from host.commands.money import person_of, person_option

if TYPE_CHECKING:
    from collections.abc import Callable

    from host.ledger.shifts import Shift
    from host.ledger.till_lines import Scope
    from host.ledger.till_report import Body, Span
    from host.ledger.z_reports import ZReport
    from host.store.engine import Engine

COLUMNS = 42

store_option = click.option(
    "--store", "store_id", default=None, help="Store id [default: the configured one]."
)
terminal_option = click.option("--terminal", default=None, help="One till [default: all of them].")
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
csv_option = click.option("--csv", "as_csv", is_flag=True, help="Print every line as CSV.")


def register(cli: click.Group) -> None:
    """Add the commands to the group."""
    cli.add_command(shifts)
    cli.add_command(report)


@click.command()
@store_option
@json_option
@pass_home
def shifts(home: Home, store_id: str | None, as_json: bool) -> None:
    """The newest shifts of a store: who stood where, from when until when."""
    from host.ledger import people
    from host.ledger import shifts as ledger

    with home.ledger() as db:
        found = ledger.recent(db, store_id or home.config().store.id)
        names = {one.person_id: one.name for one in people.every(db)}
        told = [_told(db, one, names) for one in found]
    if as_json:
        click.echo(json.dumps(told))
        return
    for one in told:
        until = one["until"]["local"] if one["closed"] else "open"
        who = f"{one['person']} at {one['terminal_id']}"
        click.echo(f"{one['from']['local']}  {until:<19}  {one['net_msat'] // 1000:>12} sat  {who}")


@click.group()
def report() -> None:
    """X and Z reports of a till, or of a whole store."""


@report.command("x")
@store_option
@terminal_option
@json_option
@csv_option
@pass_home
def report_x(
    home: Home, store_id: str | None, terminal: str | None, as_json: bool, as_csv: bool
) -> None:
    """Show what came since the last Z report. Changes nothing."""
    from host.ledger import z_reports
    from host.ledger.till_lines import Scope

    with home.ledger() as db:
        scope = Scope(store_id or home.config().store.id, terminal)
        span, body = z_reports.draft(db, scope)
        _show(db, scope, span, body, as_json=as_json, as_csv=as_csv)


@report.command("z")
@store_option
@terminal_option
@json_option
@csv_option
@person_option
@pass_home
def report_z(
    home: Home,
    store_id: str | None,
    terminal: str | None,
    as_json: bool,
    as_csv: bool,
    person: str | None,
) -> None:
    """Close the till: make its next Z report, numbered and for good."""
    from host.ledger import z_reports

    with home.ledger() as db:
        store = store_id or home.config().store.id
        made = z_reports.close(db, store, terminal, person_of(db, person))
        _show(db, made.scope, made.span, made.body, made, as_json=as_json, as_csv=as_csv)


@report.command("show")
@click.argument("number", type=int)
@store_option
@terminal_option
@json_option
@csv_option
@pass_home
def report_show(
    home: Home,
    number: int,
    store_id: str | None,
    terminal: str | None,
    as_json: bool,
    as_csv: bool,
) -> None:
    """Show the Z report of this NUMBER once more."""
    from host.ledger import z_reports

    with home.ledger() as db:
        found = z_reports.numbered(db, store_id or home.config().store.id, terminal, number)
        if found is None:
            raise Words(f"there is no Z report {number} of {terminal or 'the whole store'}")
        _show(db, found.scope, found.span, found.body, found, as_json=as_json, as_csv=as_csv)


@report.command("list")
@store_option
@csv_option
@pass_home
def report_list(home: Home, store_id: str | None, as_csv: bool) -> None:
    """The newest Z reports of a store."""
    from host import till_sheets
    from host.ledger import z_reports

    with home.ledger() as db:
        found = z_reports.recent(db, store_id or home.config().store.id, limit=1_000)
    if as_csv:
        click.echo(till_sheets.reports(found), nl=False)
        return
    for one in found:
        net = one.body["total"]["net_msat"] // 1000
        where = one.terminal_id or "whole store"
        click.echo(f"Z {one.number:<5} {one.body['until']['local']}  {net:>12} sat  {where}")


def _show(
    db: Engine,
    scope: Scope,
    span: Span,
    body: Body,
    made: ZReport | None = None,
    *,
    as_json: bool,
    as_csv: bool,
) -> None:
    from host import till_sheets

    number, digest = (made.number, made.hash.hex()) if made else (None, "")
    if as_csv:
        click.echo(till_sheets.lines(db, scope, span), nl=False)
    elif as_json:
        click.echo(json.dumps({"number": number, "hash": digest, **body}))
    else:
        _strip(body, number, digest, click.echo)


def _strip(body: Body, number: int | None, digest: str, echo: Callable[[str], None]) -> None:
    """The report as its paper has it."""
    from host.receipts import report as layout
    from host.receipts.paper import Fitted, fit

    for piece in fit(layout.pieces(body, number, digest), COLUMNS):
        if isinstance(piece, Fitted):
            echo(piece.text)


def _told(db: Engine, shift: Shift, names: dict[str, str]) -> dict[str, Any]:
    from host.ledger import shifts as ledger

    body = ledger.report(db, shift)
    return {
        "shift_id": shift.shift_id,
        "terminal_id": shift.terminal_id,
        "person": names.get(shift.person_id, ""),
        "from": body["from"],
        "until": body["until"],
        "closed": not shift.open,
        "currency": shift.currency,
        "opening_minor": shift.opening_minor,
        "counted_minor": shift.counted_minor,
        "note": shift.note,
        **body["total"],
    }
