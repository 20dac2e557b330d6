"""`make bench [ARGS="sun tap …"]`: print medians and p99 of everything, in one run."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from tests.bench.report import Report

BENCHES = ("sun", "claims", "tap", "screen", "reader", "provisioning", "http", "process")


def main(names: list[str]) -> None:
    """Run the named benchmarks, or all of them."""
    unknown = set(names) - set(BENCHES)
    if unknown:
        raise SystemExit(f"no such benchmark: {', '.join(unknown)}; known: {', '.join(BENCHES)}")
    report = Report()
    for name in names or BENCHES:
        importlib.import_module(f"tests.bench.bench_{name}").run(report)
    missed = [line.name for line in report.lines if line.met is False]
    print(
        f"\n{len(report.lines)} figures, {len(missed)} goals missed"
        + "".join(f"\n  ✗ {one}" for one in missed)
    )
    target = Path(".build/bench.json")
    target.parent.mkdir(exist_ok=True)
    target.write_text(report.as_json(), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
