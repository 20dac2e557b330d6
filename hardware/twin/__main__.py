"""`python -m hardware.twin pcsc|nfc|panel`: cards and a reader in a process of their own."""

from __future__ import annotations

import sys

from hardware.twin.process import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
