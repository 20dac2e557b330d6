"""Firmware of our USB reader (MicroPython). Imports nothing from the rest."""
