"""`taptill backup` and `taptill restore`: the whole ledger as one file, and back."""

from __future__ import annotations

from pathlib import Path

import click

from host.cli import Home, pass_home

_FILE = click.Path(dir_okay=False, path_type=Path)


def register(cli: click.Group) -> None:
    """Add the commands."""
    cli.add_command(backup)
    cli.add_command(restore)


@click.command()
@click.argument("file", type=_FILE)
@pass_home
def backup(home: Home, file: Path) -> None:
    """Copy the ledger, as of now, into FILE; also while Taptill runs. No key is in it."""
    from host.keyring import FILE_NAME

    with home.ledger() as db:
        db.backup(file)
    click.echo(f"the ledger is in {file}; keep {FILE_NAME} too, and somewhere else")


@click.command()
@click.argument("file", type=_FILE)
@pass_home
def restore(home: Home, file: Path) -> None:
    """Put the backup in FILE in the place of the ledger; Taptill must not run.

    The taps that were spent since stay spent, and cards that were blocked since stay blocked, where
    the ledger that is here can still be read. It is kept beside.
    """
    from host.clock import SystemClock
    from host.restore import restore as restored

    click.echo("\n".join(restored(home.path, file, SystemClock())))
