"""Answers that a service garbled in one place: money is neither freed nor called paid by them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from host.lightning.http import Answer, HttpApi
from host.lightning.remote import RemoteWallet
from host.lightning.wallet import Failed, InvoiceState, Paid, WalletError
from tests.host.lightning.remote_rig import KINDS, MAX_FEE_MSAT, Rig, asked

GONE: Any = object()
JUNK: list[Any] = [GONE, None, [], {}, -1, 0, 1 << 70, True, "x"]
Place = tuple[str | int, ...]

LISTED = ("data", "me", "defaultAccount", "walletById", "transactionsByPaymentHash")
MISSING = {("pays", 0), ("pays",), ("invoices", 0), ("invoices",), LISTED, (*LISTED, 0)}
"""Core Lightning and Galoy say that there is none by an empty list: that is no garbled answer."""


class Replay:
    """In place of a service: what it answered before, one of its answers garbled."""

    def __init__(self, api: HttpApi) -> None:
        self.endpoint = api.endpoint
        self._api: HttpApi | None = api
        self.told: list[Any] = []
        self.garbled: tuple[int, Place, Any] = (-1, (), None)
        self._next = 0

    def replays(self, number: int, place: Place, junk: Any) -> Replay:
        self._api, self.garbled, self._next = None, (number, place, junk), 0
        return self

    def get(self, *args: Any, **given: Any) -> Answer:
        return self._answer("get", *args, **given)

    def post(self, *args: Any, **given: Any) -> Answer:
        return self._answer("post", *args, **given)

    def lines(self, *args: Any) -> Iterator[tuple[int, dict[str, Any]]]:
        if self._api is not None:
            for status, line in self._api.lines(*args):
                self.told.append((status, line))
                yield status, line
            return
        status, line = self._told()
        yield status, Answer(status, json.dumps(line).encode()).record()

    def close(self) -> None:
        """Nothing is open."""

    def _answer(self, name: str, *args: Any, **given: Any) -> Answer:
        if self._api is not None:
            answer: Answer = getattr(self._api, name)(*args, **given)
            self.told.append((answer.status, answer.json()))
            return answer
        status, value = self._told()
        return Answer(status, json.dumps(value).encode())

    def _told(self) -> tuple[int, Any]:
        at, self._next = self._next, self._next + 1
        status, value = self.told[at % len(self.told)]
        number, place, junk = self.garbled
        return status, put(value, place, junk) if number == at else value


def places(value: Any, at: Place = ()) -> Iterator[Place]:
    """Everywhere in a value, itself included."""
    yield at
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from places(value[key], (*at, key))


def put(value: Any, place: Place, junk: Any) -> Any:
    """The same value with junk in one place of it."""
    if not place:
        return None if junk is GONE else junk
    copy = json.loads(json.dumps(value))
    inner = copy
    for key in place[:-1]:
        inner = inner[key]
    if junk is GONE:
        del inner[place[-1]]
    else:
        inner[place[-1]] = junk
    return copy


def garbled(wallet: RemoteWallet, ask: Any) -> Iterator[tuple[Place, Any, Any]]:
    """Every garbled answer to a question, and what the wallet makes of it."""
    replay = Replay(wallet._api)
    wallet._api = replay  # type: ignore[assignment]
    ask()
    for number, (_, value) in enumerate(replay.told):
        for place in places(value):
            for junk in JUNK:
                replay.replays(number, place, junk)
                try:
                    yield place, junk, ask()
                except WalletError:
                    continue


@pytest.fixture(params=list(KINDS.values()), ids=list(KINDS))
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    with ExitStack() as stack:
        yield Rig(request.param, stack)


@pytest.mark.parametrize("state", ["paid", "pending"])
def test_threats_5_no_garbled_answer_frees_money_or_calls_it_paid(rig: Rig, state: str) -> None:
    rig.net.plan = [state]
    text, payment_hash = asked(rig)
    rig.payer.pay(text, MAX_FEE_MSAT)
    known = rig.payer._known(payment_hash)
    seen = 0
    for place, junk, result in garbled(rig.payer, lambda: rig.payer._known(payment_hash)):
        seen += 1
        if place not in MISSING:
            assert not isinstance(result, Failed), (place, junk, result)
        assert not isinstance(result, Paid) or isinstance(known, Paid), (place, junk, result)
    assert seen


def test_no_garbled_answer_calls_an_invoice_paid_or_none_of_ours(rig: Rig) -> None:
    payment_hash = asked(rig)[1]
    for place, junk, state in garbled(rig.payee, lambda: rig.payee.invoice_state(payment_hash)):
        if junk is True:  # that is the very word for it
            continue
        assert state is not InvoiceState.PAID, (place, junk)
        assert state is not InvoiceState.UNKNOWN or place in MISSING, (place, junk)
