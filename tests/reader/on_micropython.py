"""Runs one module of the firmware's tests under MicroPython, every `test_*` in it.

    micropython -X heapsize=192k tests/reader/on_micropython.py test_firmware_taps

One module a process: firmware, tests and their source share the chip's 192 kB. A second word
names a folder that holds a compiled firmware to be used instead of the source.
"""

import gc
import sys
import time

sys.path.insert(0, "")
if len(sys.argv) > 2:
    sys.path.insert(0, sys.argv[2])


def main(name: str) -> int:
    """The number of tests that failed."""
    failed = passed = 0
    started = time.ticks_ms()
    module = __import__("tests.reader." + name, None, None, ["*"])
    for test in sorted(dir(module)):
        if not test.startswith("test_"):
            continue
        gc.collect()
        try:
            getattr(module, test)()
            passed += 1
        except Exception as error:  # noqa: BLE001
            failed += 1
            print("FAILED", name, test)
            sys.print_exception(error)
    took = time.ticks_diff(time.ticks_ms(), started)
    print(f"{name}: {passed} passed, {failed} failed in {took} ms on {sys.version}")
    return failed


sys.exit(1 if main(sys.argv[1]) else 0)
