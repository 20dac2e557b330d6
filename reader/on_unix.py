"""Runs the firmware on a Unix machine, under CPython or MicroPython.

    micropython -X heapsize=192k -m reader.on_unix panel=/dev/pts/1 hsu=/dev/pts/2 chip=/dev/pts/3

Options: serial=, boot= (a number of words.BOOT_*), settings=FILE, show=FILE, keys=FILE.
"""

import asyncio
import sys

from reader.app import App
from reader.hal_unix import Unix


def main(words: list) -> None:
    """Until the process is ended."""
    options = dict([word.split("=", 1) for word in words])
    lines = [options.pop(name, "") for name in ("panel", "hsu", "chip")]
    app = App(Unix(*lines, **options))
    sys.stdout.write("ready\n")  # whoever started us need not guess
    if hasattr(sys.stdout, "flush"):
        sys.stdout.flush()
    asyncio.run(app.run())


if __name__ == "__main__":
    main(sys.argv[1:])
