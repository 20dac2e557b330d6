"""When an invoice that was handed out is looked at again, and when no more."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.ledger import incoming, topups
from host.ledger.looks import AFTERWARDS_MS, InvoiceState, next_look

NOW = st.integers(min_value=0, max_value=1 << 48)
LOOKS = st.integers(min_value=0, max_value=10_000)
PAUSES = st.lists(st.integers(min_value=1, max_value=1 << 32), min_size=1, max_size=9)
ENDED = st.sampled_from([InvoiceState.PAID, InvoiceState.LATE])


@given(NOW, LOOKS, PAUSES)
def test_what_may_be_paid_is_always_looked_at_again(
    now: int, looks: int, pauses: list[int]
) -> None:
    at = next_look(now, InvoiceState.OFFERED, looks, pauses)
    assert at is not None
    assert at - now == (pauses[looks] if looks < len(pauses) else pauses[-1])


@given(NOW, PAUSES)
def test_what_is_over_is_looked_at_ever_less_often_and_at_last_no_more(
    now: int, pauses: list[int]
) -> None:
    waits = []
    while (at := next_look(now, InvoiceState.OVER, len(waits), pauses)) is not None:
        waits.append(at - now)
        now = at
    assert tuple(waits) == AFTERWARDS_MS
    assert all(sooner < later for sooner, later in pairwise(waits))


@given(NOW, ENDED, LOOKS, PAUSES)
def test_what_was_paid_is_never_looked_at_again(
    now: int, state: InvoiceState, looks: int, pauses: list[int]
) -> None:
    assert next_look(now, state, looks, pauses) is None


@pytest.mark.parametrize("pauses", [incoming.CHECK_MS, topups.CHECK_MS], ids=["sales", "top-ups"])
def test_an_invoice_that_waits_is_looked_at_no_more_often_as_time_goes_by(
    pauses: tuple[int, ...],
) -> None:
    assert all(sooner <= later for sooner, later in pairwise(pauses))
