"""A short storm; `.ci/firmware` runs the long one."""

from tests.reader.fuzz import run


def test_the_reader_keeps_its_promises_under_disturbed_lines() -> None:
    assert "0 task faults" in run(seed=7, total=30_000)
