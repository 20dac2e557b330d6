"""`taptill cards issue | verify | repair | rekey | wipe | diagnose` and `taptill keys rotate`.

Exit codes: 0 all cards are done (or fine); 1 some are not; 2 it could not be asked.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click

from host.cli import Home
from host.ledger.records import Limits
from host.money import parse_amount
from provisioning import books
from provisioning.orders import Goal, Order
from provisioning.seen import Depth
from provisioning.sitting import (
    Place,
    leave,
    reader_at,
    run_desk,
    sit_down,
    write_lists,
)
from provisioning.template import Entry, Template, TemplateError
from provisioning.trouble import Stop

F = TypeVar("F", bound=Callable[..., Any])


def register(cli: click.Group) -> None:
    """Add the technician's commands: the plug-in's entry point."""
    cards = cli.commands["cards"]
    if not isinstance(cards, click.Group):
        raise TypeError("`cards` must be a group")
    for command in (issue, verify, repair, rekey, wipe, diagnose):
        cards.add_command(command)
    cli.add_command(keys)


def _at_reader(command: F) -> F:
    """The options that every command at a reader has."""
    for option in (
        click.option("--reader", help="`pcsc`, `pcsc:NAME`, `nfc:PATH` [default: the first one]."),
        click.option("--store", "store_id", help="Store id [default: the reader's]."),
        click.option("--json", "as_json", is_flag=True, help="Print one JSON object a card."),
        click.option("--demo", is_flag=True, help="Accept the demo's keys."),
    ):
        command = option(command)
    return command


def _at_work(command: F) -> F:
    """The options of the commands that write."""
    for option in (
        click.option("--batch", default=1, show_default=True, help="How many cards."),
        click.option(
            "--import",
            "imports",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            multiple=True,
            help="Another tool's key file (JSON).",
        ),
        click.option("--once-more", is_flag=True, help="Allow another round of attempts."),
        click.option("--person", help="Who does it, for the audit trail."),
    ):
        command = option(command)
    return command


@click.command()
@_at_reader
@_at_work
@click.option("--account", required=True, help="Pull payment id that the cards draw on.")
@click.option(
    "--alias",
    default="Card {n:03}",
    show_default=True,
    help="Name; {n:03} is its number, with three digits.",
)
@click.option("--first", default=1, show_default=True, help="The first number.")
@click.option(
    "--csv",
    "csv_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A row for each card instead of --batch.",
)
@click.option("--limit-tap", help="The most that one payment may be.")
@click.option("--limit-day", help="… within 24 hours.")
@click.option("--limit-month", help="… within 30 days.")
@click.option("--limit-count", type=int, help="How many payments within 24 hours.")
@click.option("--pin-digits", type=click.IntRange(4, 12), help="Draw a PIN for each card.")
@click.option("--pin-from", help="From this amount on the PIN is asked for [default: always].")
@click.option("--fast", is_flag=True, help="14 commands for a blank card: read only what decides.")
@click.option("--random-id", is_flag=True, help="Hide the card's number. Irreversible.")
@click.option("--originality", is_flag=True, help="Ask for NXP's signature: a hint, no proof.")
@click.option(
    "--lists",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the printable lists [default: HOME/issued].",
)
@click.pass_obj
def issue(home: Home, /, **asked: Any) -> None:
    """Program cards and take them into the books; lay one down after another."""
    random_id = asked["random_id"] and _confirmed_random_id(asked["as_json"])
    with sit_down(
        home, reader=asked["reader"], store_id=asked["store_id"], demo=asked["demo"]
    ) as place:
        entries = _entries(place, asked)
        order = replace(
            _order(place, Goal.ISSUE, asked),
            depth=Depth.FAST if asked["fast"] else Depth.FULL,
            random_id=random_id,
            random_id_confirmed=random_id,
            originality=asked["originality"],
        )
        results = run_desk(
            place,
            order,
            lambda desk: desk.issue(entries),
            total=len(entries),
            as_json=asked["as_json"],
        )
        for path in write_lists(place, results, asked["lists"]):
            click.echo(f"list: {path}", err=asked["as_json"])
    leave(results, len(entries))


def _entries(place: Place, asked: dict[str, Any]) -> list[Entry]:
    """Every card that is asked for; what the books would refuse is refused here, before any tap."""
    entries = _read_entries(asked)
    for entry in entries:
        try:
            books.check(place.db, place.store_id, entry.card)
        except Stop as stop:
            raise click.UsageError(f"{entry.card.alias}: {stop.detail}") from None
    return entries


def _read_entries(asked: dict[str, Any]) -> list[Entry]:
    try:
        template = Template(
            pull_payment_id=asked["account"],
            alias=asked["alias"],
            limits=Limits(
                tap_msat=_amount(asked, "limit_tap"),
                day_msat=_amount(asked, "limit_day"),
                month_msat=_amount(asked, "limit_month"),
                count=asked["limit_count"],
            ),
            pin_digits=asked["pin_digits"],
            pin_from_msat=_amount(asked, "pin_from") or 0,
        )
        if asked["csv_file"]:
            return template.from_csv(asked["csv_file"].read_text("utf-8"))
        return list(template.entries(asked["batch"], asked["first"]))
    except (TemplateError, ValueError) as error:
        raise click.UsageError(str(error)) from None


def _amount(asked: dict[str, Any], name: str) -> int | None:
    text = asked[name]
    return parse_amount(text, f"--{name.replace('_', '-')}") if text else None


def _confirmed_random_id(unattended: bool) -> bool:
    if unattended:
        raise click.UsageError("--random-id must be confirmed by a person: leave out --json")
    click.confirm(
        "Random ID can never be switched off again. Switch it on for these cards?", abort=True
    )
    return True


def _order(place: Place, goal: Goal, asked: dict[str, Any]) -> Order:
    from provisioning.imports import ImportRefused, read_import

    try:
        imports = tuple(read_import(path.read_text("utf-8")).key_set for path in asked["imports"])
    except (ImportRefused, UnicodeDecodeError) as error:
        raise click.UsageError(f"--import: {error}") from None
    return Order(
        goal=goal,
        store_id=place.store_id,
        url_base=place.config.public.card_base,
        imports=imports,
        terminal_id=place.terminal_id,
        more_tries=asked["once_more"],
        person=asked["person"],
    )


def _serve(home: Home, goal: Goal, asked: dict[str, Any]) -> None:
    with sit_down(
        home, reader=asked["reader"], store_id=asked["store_id"], demo=asked["demo"]
    ) as place:
        order = _order(place, goal, asked)
        count = asked["batch"]
        results = run_desk(
            place, order, lambda desk: desk.serve(count), total=count, as_json=asked["as_json"]
        )
    leave(results, count)


@click.command()
@_at_reader
@_at_work
@click.pass_obj
def repair(home: Home, /, **asked: Any) -> None:
    """Finish what was begun on a card, and mend what is wrong with one of ours."""
    _serve(home, Goal.REPAIR, asked)


@click.command()
@_at_reader
@_at_work
@click.pass_obj
def rekey(home: Home, /, **asked: Any) -> None:
    """Give cards of ours new keys, by the newest issuer key."""
    _serve(home, Goal.REKEY, asked)


@click.command()
@_at_reader
@_at_work
@click.pass_obj
def wipe(home: Home, /, **asked: Any) -> None:
    """Make cards blank again, as they were delivered."""
    _serve(home, Goal.WIPE, asked)


@click.command()
@_at_reader
@click.option("--wait", "wait_s", default=60, show_default=True, help="Seconds to wait.")
@click.pass_obj
def verify(home: Home, /, **asked: Any) -> None:
    """Say whether a card of ours is all right; no key is used."""
    found = _look(home, asked)
    if asked["as_json"]:
        _print_json(found)
    else:
        click.echo("\n".join(found.faults) or f"all right: {found.known.row.alias}")
    sys.exit(1 if found.faults else 0)


@click.command()
@_at_reader
@click.option("--wait", "wait_s", default=60, show_default=True, help="Seconds to wait.")
@click.pass_obj
def diagnose(home: Home, /, **asked: Any) -> None:
    """Say in plain words what card this is, what is wrong and what to do next."""
    found = _look(home, asked)
    if asked["as_json"]:
        _print_json(found)
    else:
        click.echo("\n".join(found.lines()))
    sys.exit(1 if found.faults else 0)


def _look(home: Home, asked: dict[str, Any]) -> Any:
    from provisioning import diagnose as diagnosis

    with (
        sit_down(
            home, reader=asked["reader"], store_id=asked["store_id"], demo=asked["demo"]
        ) as place,
        reader_at(place) as reader,
    ):
        click.echo("Lay down a card …", err=True)
        link = reader.wait_card(asked["wait_s"] * 1000)
        if link is None:
            raise click.ClickException("no card was laid down")
        return diagnosis.diagnose(place.db, place.keyring, link, place.config.public.card_base)


def _print_json(found: Any) -> None:
    import json

    told = {
        "state": found.state,
        "uid": found.uid.hex() if found.uid else None,
        "counter": found.tap.counter if found.tap else None,
        "faults": found.faults,
        "lines": found.lines(),
    }
    click.echo(json.dumps(told))


@click.group()
def keys() -> None:
    """The issuer keys."""


@keys.command("rotate")
@click.option("--person", help="Who does it, for the audit trail.")
@click.option("--demo", is_flag=True, help="Accept the demo's keys.")
@click.pass_obj
def keys_rotate(home: Home, person: str | None, demo: bool) -> None:
    """Add a new issuer key: new cards use it, old cards are accepted as before."""
    from host import keyring
    from host.daemon import open_home
    from host.ledger import audit

    path = keyring.locate(home.path, os.environ)
    if path.name == keyring.CREDENTIAL:
        raise click.ClickException(
            f"the keys are a credential at {path}: rotate them where it is made"
        )
    _config, old = open_home(home.path, allow_demo=demo)
    new = old.rotated()
    with home.ledger() as db:
        keyring.save(new, path)
        facts = {"issuer_id": new.newest.issuer_id, "issuers": len(new.issuers)}
        db.transaction(lambda tx: audit.append(tx, person, "keys.rotate", None, facts))
    click.echo(f"new cards use issuer {new.newest.issuer_id}; {len(old.issuers)} older kept")
    click.echo(f"back up {path}, and restart `taptill run`")
