"""What a store decides about its receipts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from host.language import LANGUAGES, SOURCE
from host.ledger.errors import LedgerError
from host.ledger.settings import Setting

MAX_LINES: Final = 8
MAX_LENGTH: Final = 120
PAPERS_MM: Final = (58, 80)


@dataclass(frozen=True, slots=True)
class ReceiptChoices:
    """Words above and below, the language, and whether each paid sale is printed by itself."""

    header: tuple[str, ...] = ()
    footer: tuple[str, ...] = ()
    language: str = SOURCE
    automatic: bool = False
    paper_mm: int = 80
    """The paper of a browser's print dialog; a receipt printer has its own columns."""

    def __post_init__(self) -> None:
        for name, lines in (("header", self.header), ("footer", self.footer)):
            if len(lines) > MAX_LINES:
                raise LedgerError(f"{name}: at most {MAX_LINES} lines")
            if any(len(one) > MAX_LENGTH or not one.isprintable() for one in lines):
                raise LedgerError(f"{name}: at most {MAX_LENGTH} characters a line")
        if self.language not in LANGUAGES:
            raise LedgerError(f"language: must be one of {', '.join(LANGUAGES)}")
        if self.paper_mm not in PAPERS_MM:
            raise LedgerError("paper_mm: must be 58 or 80")


RECEIPTS: Final = Setting("receipts", ReceiptChoices)
