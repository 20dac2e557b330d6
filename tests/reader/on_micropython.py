"""Runs the firmware's tests under MicroPython: every `test_*` of every `test_firmware_*` module.

micropython -X heapsize=192k tests/reader/on_micropython.py [word in the test's name]
"""

import os
import sys
import time

sys.path.insert(0, "")

FOLDER = "tests/reader"


def main(word: str = "") -> int:
    """The number of tests that failed."""
    failed = passed = 0
    started = time.ticks_ms()
    for name in sorted(os.listdir(FOLDER)):
        if not name.startswith("test_firmware_") or not name.endswith(".py"):
            continue
        module = __import__("tests.reader." + name[:-3], None, None, ["*"])
        for test in sorted(dir(module)):
            if not test.startswith("test_") or word not in test:
                continue
            try:
                getattr(module, test)()
                passed += 1
            except Exception as error:  # noqa: BLE001
                failed += 1
                print("FAILED", name, test)
                sys.print_exception(error)
    took = time.ticks_diff(time.ticks_ms(), started)
    print(f"{passed} passed, {failed} failed on {sys.implementation[0]} {sys.version} in {took} ms")
    return failed


sys.exit(1 if main(*sys.argv[1:2]) else 0)
