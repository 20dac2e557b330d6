"""`taptill service`: the systemd unit, for an administrator to install."""

from __future__ import annotations

import sys
from pathlib import Path

import click


@click.group()
def service() -> None:
    """Taptill as a service of this machine."""


@service.command()
@click.option("--print", "as_unit", is_flag=True, help="Print the unit file.")
@click.option("--user", default="taptill", show_default=True, help="Whom it runs as.")
@click.option(
    "--credentials",
    type=click.Path(file_okay=False, path_type=Path),
    default="/etc/taptill",
    show_default=True,
    help="Root's folder of keys, which systemd hands over.",
)
@click.pass_context
def install(ctx: click.Context, as_unit: bool, user: str, credentials: Path) -> None:
    """List the lines that install it; this command itself changes nothing."""
    from host.service_unit import HOME, Unit

    home = Path(ctx.find_root().params["home"] or HOME).absolute()
    try:
        where = (Path(sys.executable).resolve(), Path(sys.prefix), Path(__file__))
        unit = Unit(_program(), home, user, credentials.absolute(), _keys(home), where)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    if as_unit:
        click.echo(unit.text, nl=False)
        return
    for line in unit.steps:
        click.echo(line)


def _program() -> tuple[str, ...]:
    """The command as it is installed here."""
    script = Path(sys.executable).with_name("taptill")
    return (str(script),) if script.exists() else (sys.executable, "-m", "host.cli")


def _keys(home: Path) -> tuple[str, ...]:
    """What the configured wallet's key is called, if it has one."""
    from host import config
    from host.lightning.settings import CREDENTIALS

    wallet = config.load(home).wallet
    table = wallet.table
    if table is None:
        return ()
    name = table.credential or CREDENTIALS[wallet.kind]
    return () if "/" in name else (name,)


def register(cli: click.Group) -> None:
    """Add the command to the `taptill` group."""
    cli.add_command(service)
