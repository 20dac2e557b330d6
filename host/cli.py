"""The command `taptill`: every failure is one line of words and an exit code, never a traceback.

Exit codes: 0 done; 1 the answer is no (declined, books disagree, a finding); 2 it could not be
asked (bad arguments, configuration, keys or ledger).
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from host.config import Config
    from host.store.engine import Engine

T = TypeVar("T")
DEFAULT_HOME = "~/.taptill"


@dataclass(frozen=True, slots=True)
class Home:
    """The folder that holds one shop's configuration, keys and ledger."""

    path: Path

    def config(self) -> Config:
        from host import config

        return config.load(self.path)

    @contextmanager
    def ledger(self) -> Iterator[Engine]:
        """The shop's ledger, opened for one command."""
        from host.clock import SystemClock
        from host.config import DATABASE_NAME
        from host.store.engine import Engine

        database = self.path / DATABASE_NAME
        if not database.exists():
            raise Words(f"no ledger in {self.path}: run `taptill init` first")
        db = Engine.open(database, SystemClock())
        try:
            yield db
        finally:
            db.close()


pass_home = click.make_pass_decorator(Home)


class Words(click.ClickException):
    """Something could not be asked: words and exit code 2."""

    exit_code = 2


def home_first(args: list[str]) -> list[str]:
    """`--home` may stand anywhere, as in `taptill run --home DIR`."""
    for place, word in enumerate(args):
        if word == "--":
            break
        if word == "--home":
            return [*args[place : place + 2], *args[:place], *args[place + 2 :]]
        if word.startswith("--home="):
            return [word, *args[:place], *args[place + 1 :]]
    return args


class Taptill(click.Group):
    """The group that maps every known error of the host to words."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except known_errors() as error:
            if isinstance(error, BrokenPipeError):
                raise  # whoever read us has seen enough: click ends quietly
            raise Words(str(error)) from error

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, home_first(args))

    def list_commands(self, ctx: click.Context) -> list[str]:
        self._plug_in()
        return super().list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        command = super().get_command(ctx, cmd_name)
        if command is None or isinstance(command, click.Group):
            self._plug_in()  # a plug-in may add the command, or commands to the group
        return super().get_command(ctx, cmd_name)

    def _plug_in(self) -> None:
        """Add the rooms of `host.commands`, and those of provisioning, dashboard and demo, once."""
        from host import commands, plugins

        if not getattr(self, "_plugged_in", False):
            self._plugged_in = True
            commands.register(self)
            for _name, register in plugins.load(plugins.COMMANDS):
                register(self)


def known_errors() -> tuple[type[Exception], ...]:
    """Errors whose message is meant for a person."""
    from host.config import ConfigError
    from host.daemon_lock import AlreadyRunning
    from host.keyring import KeyringError
    from host.ledger.errors import LedgerError
    from host.lightning.wallet import WalletError
    from host.payer import PayerTaken
    from host.readers.base import ReaderError
    from host.store.errors import StoreError

    ours = (ConfigError, KeyringError, LedgerError, StoreError, ReaderError, WalletError)
    return (*ours, AlreadyRunning, PayerTaken, OSError)


@click.group(cls=Taptill, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="TAPTILL_HOME",
    help=f"Folder of the shop's configuration, keys and ledger [default: {DEFAULT_HOME}].",
)
@click.option("-v", "--verbose", is_flag=True, help="Say more on standard error.")
@click.version_option(package_name="taptill")
@click.pass_context
def cli(ctx: click.Context, home: Path | None, verbose: bool) -> None:
    """A Boltcard point of sale that a shop runs itself."""
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    ctx.obj = Home(Path(home or Path(DEFAULT_HOME).expanduser()).absolute())


@cli.command()
@click.option("--name", default="My shop", show_default=True, help="The shop's name.")
@click.option("--timezone", default="UTC", show_default=True, help="For example Europe/Vienna.")
@click.option("--url", default="", help="Public address of the LNURL service, written to cards.")
@pass_home
def init(home: Home, name: str, timezone: str, url: str) -> None:
    """Make a home folder: configuration, fresh issuer keys and an empty ledger."""
    from host.setup import initialise

    for line in initialise(home.path, name=name, timezone=timezone, url=url):
        click.echo(line)


@cli.command()
@pass_home
def run(home: Home) -> None:
    """Serve: readers, payments, the LNURL service and the dashboard, until Ctrl-C."""
    from host.daemon import Daemon, open_home

    config, keyring = open_home(home.path)
    with Daemon(home.path, config, keyring) as daemon:
        for name, url in daemon.urls.items():
            click.echo(f"{name:10} {url}")
        click.echo("ready")
        wait_for_signal()
        click.echo("stopping")


@cli.command()
@click.argument("amount")
@click.option("--store", "store_id", default=None, help="Store id [default: the configured one].")
@click.option("--terminal", "terminal_id", default="till-1", show_default=True)
@click.option(
    "--timeout",
    "timeout_s",
    type=click.IntRange(1, 3600),
    default=120,
    show_default=True,
    help="Seconds to wait for a card.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@pass_home
def charge(
    home: Home, amount: str, store_id: str | None, terminal_id: str, timeout_s: int, as_json: bool
) -> None:
    """Charge AMOUNT (for example 2100, 2100sat or 0.000021btc) to the next card."""
    from host.charge import charge_once, describe
    from host.money import parse_amount

    try:
        amount_msat = parse_amount(amount)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    store = store_id or home.config().store.id
    with home.ledger() as db:
        tell = (lambda _line: None) if as_json else click.echo
        result = charge_once(db, store, terminal_id, amount_msat, timeout_s * 1000, tell)
    click.echo(json.dumps(describe(result)) if as_json else result.words)
    sys.exit(0 if result.approved else 1)


@cli.group()
def cards() -> None:
    """The shop's cards."""


@cards.command("list")
@click.option("--store", "store_id", default=None, help="Only this store's cards.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@pass_home
def cards_list(home: Home, store_id: str | None, as_json: bool) -> None:
    """List cards with their state and what they paid."""
    from host.report import card_lines, card_objects

    with home.ledger() as db:
        if as_json:
            click.echo(json.dumps(list(card_objects(db, store_id)), indent=1))
        else:
            for line in card_lines(db, store_id):
                click.echo(line)


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@pass_home
def books(home: Home, as_json: bool) -> None:
    """Prove that entries, payouts, balances, usage and daily totals agree."""
    from host.ledger import books as ledger_books

    with home.ledger() as db:
        report = ledger_books.check(db)
    if as_json:
        click.echo(
            json.dumps({"ok": report.ok, "lines": report.lines, "problems": report.problems})
        )
    else:
        for line in (*report.lines, *report.problems):
            click.echo(line)
        click.echo("books are clean" if report.ok else "BOOKS DISAGREE: see the lines above")
    sys.exit(0 if report.ok else 1)


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@pass_home
def doctor(home: Home, as_json: bool) -> None:
    """Look at everything Taptill needs and say what is missing, with the line that mends it."""
    from host.doctor import examine

    findings = list(examine(home.path))
    if as_json:
        click.echo(json.dumps([finding.as_json() for finding in findings], indent=1))
    else:
        for finding in findings:
            click.echo(finding.line())
    sys.exit(0 if all(finding.ok for finding in findings) else 1)


@cli.group()
def config() -> None:
    """The configuration."""


@config.command("check")
@pass_home
def config_check(home: Home) -> None:
    """Read `taptill.toml` and say whether it can be used."""
    home.config()
    click.echo("the configuration is good")


@cli.command("sign-in")
@click.option("--person", default="manager", show_default=True, help="Whose link this is.")
@pass_home
def sign_in(home: Home, person: str) -> None:
    """Print a link that signs one person in to the dashboard, once, within ten minutes."""
    from host.setup import sign_in_link

    with home.ledger() as db:
        click.echo(sign_in_link(db, home.config(), person))


@cli.group("pull-payments")
def pull_payments() -> None:
    """The accounts that cards draw on."""


@pull_payments.command("create")
@click.argument("name")
@click.option("--store", "store_id", default=None, help="Store id [default: the configured one].")
@click.option("--limit", default=None, help="The most that it ever pays out.")
@pass_home
def pull_payments_create(home: Home, name: str, store_id: str | None, limit: str | None) -> None:
    """Open an account named NAME."""
    from host.ledger import pull_payments as ledger
    from host.money import parse_amount

    limit_msat = _usage(lambda: parse_amount(limit, "--limit")) if limit else None
    with home.ledger() as db:
        made = ledger.create(db, store_id or home.config().store.id, name, limit_msat=limit_msat)
    click.echo(made.pull_payment_id)


@pull_payments.command("fund")
@click.argument("pull_payment_id")
@click.argument("amount")
@click.option("--reason", required=True, help="What the books will say.")
@pass_home
def pull_payments_fund(home: Home, pull_payment_id: str, amount: str, reason: str) -> None:
    """Add AMOUNT to an account."""
    from host.ledger import pull_payments as ledger
    from host.money import parse_amount, sat_text

    amount_msat = _usage(lambda: parse_amount(amount))
    with home.ledger() as db:
        funded = _usage(lambda: ledger.fund(db, pull_payment_id, amount_msat, reason))
    click.echo(f"{funded.name}: {sat_text(funded.balance_msat)} sat")


@pull_payments.command("list")
@click.option("--store", "store_id", default=None, help="Only this store's accounts.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@pass_home
def pull_payments_list(home: Home, store_id: str | None, as_json: bool) -> None:
    """List accounts with their balances."""
    from host.report import pull_payment_lines, pull_payment_objects

    with home.ledger() as db:
        if as_json:
            click.echo(json.dumps(list(pull_payment_objects(db, store_id)), indent=1))
            return
        for line in pull_payment_lines(db, store_id):
            click.echo(line)


def _usage(fn: Callable[[], T]) -> T:
    """A `ValueError` of the ledger names the field: that is a usage error here."""
    try:
        return fn()
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def wait_for_signal() -> None:
    """Return on SIGINT or SIGTERM; a second one ends the process at once."""
    told = threading.Event()
    before: Mapping[int, Any] = {
        number: signal.signal(number, lambda *_: told.set())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        while not told.wait(3600):
            pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def main() -> None:
    """Entry point of the command."""
    os.umask(0o077)
    cli(prog_name="taptill")


if __name__ == "__main__":
    main()
