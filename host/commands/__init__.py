"""The host's own groups of `taptill` commands; each room adds what it has to the command."""

from __future__ import annotations

import click

from host.commands import (
    backup,
    btcpay,
    history,
    money,
    payouts,
    people,
    printer,
    reader,
    reports,
    service,
    wallet,
)

_ROOMS = (
    *(backup, btcpay, history, money, payouts, people),
    *(printer, reader, reports, service, wallet),
)


def register(cli: click.Group) -> None:
    """Add every room's commands."""
    for room in _ROOMS:
        room.register(cli)
