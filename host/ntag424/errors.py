"""What can go wrong while speaking with a card. A link's own errors pass through unchanged.

CardError
├── StatusError              the card refused a command; `status` says why
│   ├── AuthenticationError  91AE: the key is wrong, and the card has counted it: do not guess on
│   ├── AuthenticationDelay  91AD: too many wrong keys before: again at once, five times at most
│   ├── CardBlocked          919D to part 1: this key is used up; key 0 for ever, others by key 0
│   └── LrpCard              919D to part 1, and the card answers in LRP: not a card for us
├── IntegrityError           the answer is not from the card we share keys with: believe nothing of
│                            it; whether the command was done is unknown, so look before going on
├── AnswerError              the answer has a shape that no NTAG 424 DNA gives it
├── NoSession                the command needs an authentication first; a mistake of the caller
└── Unreadable               no NDEF file can be read: say so and ask for another card

After any of them, and after any error of the link, the session is over.
"""

from __future__ import annotations

from host.ntag424.status import Status


class CardError(Exception):
    """Speaking with the card failed."""


class StatusError(CardError):
    """The card refused the command named in the text."""

    def __init__(self, command: str, status: Status) -> None:
        super().__init__(f"{command}: {status}")
        self.status = status


class AuthenticationError(StatusError):
    """The card does not hold this key."""


class AuthenticationDelay(StatusError):
    """The card lets time pass before it listens to this key again."""


class CardBlocked(StatusError):
    """The card no longer listens to this key."""


class LrpCard(StatusError):
    """The card was switched to LRP, for good."""


class IntegrityError(CardError):
    """The answer's MAC, padding or random number is wrong."""


class AnswerError(CardError):
    """The answer is malformed."""


class NoSession(CardError):
    """There is no session, or it is used up."""


class Unreadable(CardError):
    """This is no Type 4 tag with a readable NDEF file."""
