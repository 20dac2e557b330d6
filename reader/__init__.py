"""Firmware of our USB reader (MicroPython). Imports nothing from the rest."""

VERSION = "0.1.0"
