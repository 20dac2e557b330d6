"""What can go wrong below a tap.

ReaderFault            anything below
├── ChipFault          the NFC chip does not answer, or not as it should: set it up again
├── CardLost           the card does not answer any more: it left the field
├── Garbled            an answer of the card was disturbed on its way: ask for it again
└── TapFailed          the card answers but cannot be read; `reason` is one of words.*
"""


class ReaderFault(Exception):
    """Something below a tap went wrong."""


class ChipFault(ReaderFault):
    """The NFC chip does not answer, or not as it should."""


class CardLost(ReaderFault):
    """The card does not answer any more."""


class Garbled(ReaderFault):
    """An answer of the card was disturbed on its way."""


class TapFailed(ReaderFault):
    """The card is there but cannot be read."""

    def __init__(self, reason: int) -> None:
        super().__init__(reason)
        self.reason = reason
