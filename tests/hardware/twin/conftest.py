"""The private PC/SC service."""

from __future__ import annotations

from tests.support.pcscd import pcscd

__all__ = ["pcscd"]
