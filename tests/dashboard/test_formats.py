"""Amounts and times as people read them."""

from __future__ import annotations

from dashboard import formats

MARCH_2026 = 1_772_460_451_000  # 2026-03-02T14:07:31Z
SPRING_FORWARD = 1_774_746_000_000  # 2026-03-29T01:00:00Z, Rome goes to summer time


def test_sats_are_grouped_with_spaces_that_never_break() -> None:
    assert formats.sats(1_234_567_000) == "1\u00a0234\u00a0567"
    assert formats.sats(0) == "0"


def test_btc_has_eight_decimals_and_never_rounds_up() -> None:
    assert formats.btc(21_000_000) == "0.00021000"
    assert formats.btc(21_000_999) == "0.00021000"
    assert formats.btc(-1_500) == "-0.00000001"


def test_times_are_shown_in_the_stores_zone() -> None:
    assert formats.when(MARCH_2026, "UTC") == "2026-03-02 14:07:31"
    assert formats.when(MARCH_2026, "Europe/Rome") == "2026-03-02 15:07:31"
    assert formats.zone_words(MARCH_2026, "Europe/Rome") == "Europe/Rome, UTC+01:00"
    assert formats.machine_time(MARCH_2026) == "2026-03-02T14:07:31+00:00"


def test_summer_time_begins_between_two_seconds() -> None:
    assert formats.when(SPRING_FORWARD - 1000, "Europe/Rome") == "2026-03-29 01:59:59"
    assert formats.when(SPRING_FORWARD, "Europe/Rome") == "2026-03-29 03:00:00"


def test_an_unknown_zone_is_shown_as_utc() -> None:
    assert formats.when(MARCH_2026, "Moon/Base") == "2026-03-02 14:07:31"
    assert formats.zone_words(MARCH_2026, "Moon/Base") == "UTC"


def test_a_uid_is_written_in_pairs() -> None:
    assert formats.ntag("04a1b2c3d4e580") == "04 A1 B2 C3 D4 E5 80"
    assert formats.ntag(None) == ""
