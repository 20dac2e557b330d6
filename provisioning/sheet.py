"""The list of what was made: CSV for a program, HTML to print and cut, with a QR code a card.

Both may hold PINs for the holders, so they are written for their owner only. The QR code leads to
the balance page, which asks for a tap: it names no card (THREATS 22).
"""

from __future__ import annotations

import csv
import html
import io
import os
from collections.abc import Sequence
from pathlib import Path

import segno

from host.language import current
from host.language import gettext as _
from provisioning.desk import Result
from provisioning.orders import Done

_COLUMNS = ("number", "uid", "alias", "card_id", "key_version", "counter", "outcome", "pin", "ms")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

_PAGE = """<!doctype html>
<html lang="{language}"><meta charset="utf-8"><title>{title}</title>
<style>
body {{ font: 14px/1.4 system-ui, sans-serif; margin: 1.5cm; }}
main {{ display: grid; grid-template-columns: repeat(3, 1fr); gap: 8mm; }}
article {{ border: 1px dashed #555; padding: 5mm; break-inside: avoid; }}
h2 {{ font-size: 18px; margin: 0 0 2mm; overflow-wrap: anywhere; }}
svg {{ width: 28mm; height: 28mm; }}
p {{ margin: 1mm 0; }}
</style>
<h1>{title}</h1>
<main>
{cards}
</main>
"""
_CARD = "<article><h2>{alias}</h2>{qr}<p>{word}: {balance}</p><p>{uid}</p>{pin}</article>"


def csv_text(results: Sequence[Result]) -> str:
    """RFC 4180 with a header line; what could be a formula is made plain text."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(_COLUMNS)
    for one in results:
        writer.writerow([_plain(value) for value in _row(one)])
    return out.getvalue()


def _row(result: Result) -> tuple[object, ...]:
    outcome = result.outcome
    facts: tuple[object, ...]
    if isinstance(outcome, Done):
        facts = (outcome.alias, outcome.card_id, outcome.key_version, outcome.counter, "done")
    else:
        facts = ("", "", "", "", str(outcome.code))
    return (result.number, outcome.uid, *facts, result.pin, result.ms)


def _plain(value: object) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def html_page(results: Sequence[Result], balance_url: str, title: str) -> str:
    """A page of labels for the cards that are done."""
    qr = segno.make(balance_url, error="m").svg_inline(border=0, omitsize=True)
    labels = [
        _CARD.format(
            alias=html.escape(one.alias),
            qr=qr,
            word=html.escape(_("Balance")),
            balance=html.escape(balance_url),
            uid=html.escape(one.outcome.uid or ""),
            pin=f"<p>PIN: {html.escape(one.pin)}</p>" if one.pin else "",
        )
        for one in results
        if one.done
    ]
    return _PAGE.format(language=current(), title=html.escape(title), cards="\n".join(labels))


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, in place of an older one."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
        file.write(text)
