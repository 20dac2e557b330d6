"""What can go wrong with a printer.

PrinterTrouble          words for the person at the till; the job is tried again
 └── PrinterMissing     what prints is not installed, or the profile is unknown: trying again
                        does not help until somebody has changed it
"""

from __future__ import annotations


class PrinterTrouble(Exception):
    """The printer cannot print now; the message says why, as `the paper is out`."""


class PrinterMissing(PrinterTrouble):
    """Nothing can be printed here before something is installed or configured."""
