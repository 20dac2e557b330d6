"""Commands about people and the tills they sign in on, beside those in `host.cli`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from host.cli import Home, Words, pass_home

if TYPE_CHECKING:
    from host.ledger.permissions import Person
    from host.store.engine import Engine

ROLES = ("cashier", "technician", "manager")

store_option = click.option("--store", "store_id", default=None, help="Only of this store.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")


def register(cli: click.Group) -> None:
    """Add the two groups."""
    cli.add_command(people)
    cli.add_command(devices)


@click.group()
def people() -> None:
    """Who works here."""


@people.command("list")
@json_option
@pass_home
def people_list(home: Home, as_json: bool) -> None:
    """List people with their role, store and state."""
    from host.ledger import people as ledger
    from host.ledger import roles

    with home.ledger() as db:
        found = [(one, roles.secrets_of(db, one.person_id)) for one in ledger.every(db)]
    told = [
        {
            "personId": one.person_id,
            "name": one.name,
            "role": one.role,
            "storeId": one.store_id,
            "active": one.active,
            "signsInWith": sorted(known),
        }
        for one, known in found
    ]
    if as_json:
        click.echo(json.dumps(told, indent=1))
        return
    for one, known in found:
        state = "" if one.active else "  blocked"
        ways = " and ".join(sorted(known)) or "a link only"
        click.echo(f"{one.name}  {one.role}  {one.store_id or 'every store'}  {ways}{state}")


@people.command("add")
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), default="cashier", show_default=True)
@click.option("--store", "store_id", default=None, help="Store id [default: the configured one].")
@click.option("--every-store", is_flag=True, help="Works in every store.")
@click.option("--pin", "with_pin", is_flag=True, help="Ask for a PIN for trusted tills.")
@pass_home
def people_add(
    home: Home, name: str, role: str, store_id: str | None, every_store: bool, with_pin: bool
) -> None:
    """Add somebody called NAME."""
    from host.ledger import people as ledger
    from host.ledger import stores
    from host.ledger.permissions import Role

    if every_store and store_id:
        raise click.UsageError("--store and --every-store exclude each other")
    at = None if every_store else store_id or home.config().store.id
    with home.ledger() as db:
        if at is not None and stores.get(db, at) is None:
            raise Words(f"--store: there is no store {at}")
        made = ledger.create(db, name, Role(role), store_id=at, pin=_pin() if with_pin else None)
    click.echo(made.person_id)


@people.command("pin")
@click.argument("name")
@pass_home
def people_pin(home: Home, name: str) -> None:
    """Give NAME a PIN for trusted tills, typed twice; every session of theirs ends."""
    from host.ledger import people as ledger

    with home.ledger() as db:
        who = _somebody(db, name)
        ledger.set_pin(db, who.person_id, _pin())
    click.echo(f"{who.name} has a new PIN")


@click.group()
def devices() -> None:
    """Browsers that are trusted as tills, where people sign in with a PIN."""


@devices.command("list")
@store_option
@json_option
@pass_home
def devices_list(home: Home, store_id: str | None, as_json: bool) -> None:
    """List trusted devices with the terminal at which they charge."""
    from host.ledger import devices as ledger

    with home.ledger() as db:
        found = ledger.every(db, store_id)
    if as_json:
        told = [
            {
                "deviceId": one.device_id,
                "name": one.name,
                "storeId": one.store_id,
                "terminalId": one.terminal_id,
                "createdAt": one.created_at,
                "seenAt": one.seen_at,
            }
            for one in found
        ]
        click.echo(json.dumps(told, indent=1))
        return
    for one in found:
        click.echo(f"{one.device_id}  {one.name}  {one.store_id}  {one.terminal_id}")


@devices.command("link")
@click.argument("name")
@click.option("--terminal", "terminal_id", default="till-1", show_default=True)
@pass_home
def devices_link(home: Home, name: str, terminal_id: str) -> None:
    """Print a link that makes the browser which opens it the till NAME, within ten minutes."""
    from host.ledger import devices as ledger

    dashboard = home.config().dashboard
    base = dashboard.url or f"http://{dashboard.listen}"
    with home.ledger() as db:
        token = ledger.one_time_link(db, name, terminal_id)
    click.echo(f"{base.rstrip('/')}/device/link/{token}")


@devices.command("revoke")
@click.argument("device_id")
@pass_home
def devices_revoke(home: Home, device_id: str) -> None:
    """Trust a device no more; whoever is signed in there with a PIN is out at once."""
    from host.ledger import devices as ledger

    with home.ledger() as db:
        ledger.revoke(db, device_id)
    click.echo("the device is trusted no more")


def _pin() -> str:
    """A PIN, typed twice and not shown."""
    typed: str = click.prompt("PIN", hide_input=True, confirmation_prompt="Once more")
    return typed


def _somebody(db: Engine, name: str) -> Person:
    from host.ledger import people as ledger

    who = ledger.by_name(db, name)
    if who is None:
        raise Words(f"nobody is called {name}")
    return who
