"""`taptill reader`: which readers there are, how ours feels, new firmware, and rules to install."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from host.readers.open import FoundReader


@click.group()
def reader() -> None:
    """Readers: list, info, selftest, flash, rules."""


@reader.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def list_readers(as_json: bool) -> None:
    """List the readers that could be opened, by the name that `taptill.toml` calls them."""
    from host.readers import open as opening

    found = [_described(one) for one in opening.list_readers()]
    if as_json:
        click.echo(json.dumps(found, indent=1))
        return
    for one in found:
        click.echo(f"{one['spec']:40} {one['model'] or one['detail']}")
        for quirk in one["quirks"]:
            click.echo(f"{'':40} - {quirk}")
    if not found:
        click.echo("no reader is there; `taptill doctor` may say why", err=True)
    sys.exit(0 if found else 1)


def _described(found: FoundReader) -> dict[str, Any]:
    from host.readers.manners import of_pcsc, of_usb

    model = None
    if found.driver == "pcsc":
        model = of_pcsc(found.spec)
    elif found.spec.startswith("nfc:usb:"):
        vendor, product = found.spec.split(":")[2:]
        model = of_usb(int(vendor, 16), int(product, 16))
    return {
        **asdict(found),
        "model": model.name if model else "",
        "lamps": bool(model and model.escapes),
        "quirks": list(model.quirks) if model else [],
    }


@reader.command()
@click.argument("spec", default="panel")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def info(spec: str, as_json: bool) -> None:
    """Say who a reader is and how it is set; SPEC as in `taptill.toml` [default: panel]."""
    told = _of_ours(spec) if spec.partition(":")[0] == "panel" else _of_another(spec)
    if as_json:
        click.echo(json.dumps(told, indent=1))
        return
    for name, value in told.items():
        click.echo(f"{name:10} {_words(value)}")


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {number}" for name, number in value.items())
    return ", ".join(value) if isinstance(value, list) else str(value)


def _of_ours(spec: str) -> dict[str, Any]:
    from host.readers.panel_care import care_for

    with care_for(spec.partition(":")[2]) as care:
        return {
            **asdict(care.identity),
            "settings": care.settings(),
            "counters": care.counters(),
        }


def _of_another(spec: str) -> dict[str, Any]:
    from host.readers.open import open_reader

    try:
        with open_reader(spec) as opened:
            told = opened.info
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    can = sorted(told.can)
    return {"name": told.name, "driver": told.driver, "detail": told.detail, "can": can}


@reader.command()
@click.argument("serial", default="")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def selftest(serial: str, as_json: bool) -> None:
    """Let our reader test itself; SERIAL is its number or path [default: the first]."""
    from host.readers.panel_care import care_for

    with care_for(serial.removeprefix("panel:")) as care:
        checks = care.self_test()
    if as_json:
        click.echo(json.dumps([asdict(check) for check in checks], indent=1))
    else:
        for check in checks:
            click.echo(f"{'ok ' if check.passed else 'BAD'} {check.words}")
    sys.exit(0 if all(check.passed for check in checks) else 1)


@reader.command()
@click.option("--update", is_flag=True, help="As an update, which goes back when it does not work.")
def flash(update: bool) -> None:
    """Put our firmware on the one board that waits for it."""
    from serial.tools.list_ports import comports

    from host.readers import panel_flash

    panel_flash.flash(comports(), update=update, run=panel_flash.run_shown)
    click.echo("the board starts; `taptill reader info` asks it who it is")


@reader.command()
@click.option("--print", "name", default=None, metavar="NAME", help="Print one file.")
@click.option("--user", default=None, help="Whom the polkit rule is for [default: taptill].")
def rules(name: str | None, user: str | None) -> None:
    """List the files that let a machine's readers work, with the line that installs each."""
    from host.readers import rule_files

    if name is None:
        for one in rule_files.RULES:
            click.echo(f"{one.name}  {one.purpose}\n    {one.line}")
        return
    found = rule_files.rule(name)
    if found is None:
        names = ", ".join(one.name for one in rule_files.RULES)
        raise click.UsageError(f"there is no rule {name}; there are {names}")
    try:
        click.echo(rule_files.text(found, user or rule_files.SERVICE_USER), nl=False)
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def register(cli: click.Group) -> None:
    """Add the commands to the `taptill` group."""
    cli.add_command(reader)
