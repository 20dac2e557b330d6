"""What it is worth that the reader reads the tap itself; the times are in `make bench`."""

from __future__ import annotations

from tests.bench.bench_reader import measure


def test_a_tap_costs_the_host_one_round_trip_and_nfcpys_own_way_four_times_that_and_more() -> None:
    found = measure(taps=3, cable_s=0.0)
    assert found["firmware"].round_trips == 1
    assert found["firmware"].chip_commands <= 6
    assert found["firmware"].round_trips <= found["nfcpy"].round_trips / 4
