"""The few PC/SC calls we use, with their result codes turned into errors.

`smartcard.scard` is pyscard's thin layer over the C interface. pyscard's own CardMonitor stops
for good when pcscd restarts, so nothing above that layer is used.
"""

from __future__ import annotations

from collections.abc import Sequence

from smartcard import scard

NEW_READER = "\\\\?PnP?\\Notification"
"""The name that stands for "a reader was plugged in or out" in `Context.wait_change`."""

CARD_LEFT = frozenset(
    {
        scard.SCARD_W_REMOVED_CARD,
        scard.SCARD_E_NO_SMARTCARD,
        scard.SCARD_W_RESET_CARD,
        scard.SCARD_W_UNPOWERED_CARD,
        scard.SCARD_E_NOT_TRANSACTED,  # what pcscd says when a card is pulled during a command
    }
)
ESCAPE = scard.SCARD_CTL_CODE(1)
"""The control code of an escape command on Linux (on Windows 3500)."""

CARD_MUTE = frozenset(
    {
        scard.SCARD_W_UNRESPONSIVE_CARD,
        scard.SCARD_W_UNSUPPORTED_CARD,
        scard.SCARD_E_PROTO_MISMATCH,
    }
)


class PcscError(Exception):
    """A PC/SC call failed with `code`."""

    def __init__(self, code: int) -> None:
        super().__init__(f"{_words(code)} (0x{code & 0xFFFFFFFF:08X})")
        self.code = code


class Context:
    """A conversation with the PC/SC service. Not shared by threads, except `cancel`."""

    def __init__(self) -> None:
        code, self._handle = scard.SCardEstablishContext(scard.SCARD_SCOPE_SYSTEM)
        _check(code)

    def readers(self) -> list[str]:
        """The names of the readers the service knows."""
        code, names = scard.SCardListReaders(self._handle, [])
        if code == scard.SCARD_E_NO_READERS_AVAILABLE:
            return []
        _check(code)
        return list(names)

    def wait_change(
        self, known: Sequence[tuple[str, int]], timeout_ms: int
    ) -> list[tuple[str, int]] | None:
        """Wait until a reader is no longer as `known`; the states then, or None: time is over."""
        code, states = scard.SCardGetStatusChange(self._handle, timeout_ms, list(known))
        if code == scard.SCARD_E_TIMEOUT:
            return None
        _check(code)
        return [(name, state) for name, state, _atr in states]

    def cancel(self) -> None:
        """End a `wait_change` that is under way (one that has yet to begin is not)."""
        scard.SCardCancel(self._handle)

    def connect(self, reader: str) -> Connection:
        """Power the card in `reader` and take it for ourselves alone. Raises `PcscError`."""
        code, card, protocol = scard.SCardConnect(
            self._handle,
            reader,
            scard.SCARD_SHARE_EXCLUSIVE,
            scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1,
        )
        _check(code)
        return Connection(card, protocol)

    def connect_reader(self, reader: str) -> Connection:
        """Talk to `reader` itself, whether a card lies on it or not. Raises `PcscError`."""
        code, card, protocol = scard.SCardConnect(self._handle, reader, scard.SCARD_SHARE_DIRECT, 0)
        _check(code)
        return Connection(card, protocol)

    def close(self) -> None:
        """Release the context; a service that is gone has released it already."""
        scard.SCardReleaseContext(self._handle)


class Connection:
    """A card that is powered and ours, or a reader without regard to its card."""

    def __init__(self, card: int, protocol: int) -> None:
        self._card = card
        is_t1 = protocol == scard.SCARD_PROTOCOL_T1
        self._protocol = scard.SCARD_PCI_T1 if is_t1 else scard.SCARD_PCI_T0

    def transmit(self, apdu: bytes) -> bytes:
        """One C-APDU, its R-APDU. Raises `PcscError`."""
        code, answer = scard.SCardTransmit(self._card, self._protocol, list(apdu))
        _check(code)
        return bytes(answer)

    def control(self, escape: bytes) -> bytes:
        """One escape command to the reader, its answer. Raises `PcscError`."""
        code, answer = scard.SCardControl(self._card, ESCAPE, list(escape))
        _check(code)
        return bytes(answer)

    def leave(self) -> None:
        """Let go and leave everything as it is."""
        scard.SCardDisconnect(self._card, scard.SCARD_LEAVE_CARD)

    def close(self) -> None:
        """Let go and reset the card, so that it keeps no session of ours for the next program."""
        scard.SCardDisconnect(self._card, scard.SCARD_RESET_CARD)


def _check(code: int) -> None:
    if code != scard.SCARD_S_SUCCESS:
        raise PcscError(code)


def _words(code: int) -> str:
    if code in (scard.SCARD_E_NO_SERVICE, scard.SCARD_E_SERVICE_STOPPED, scard.SCARD_F_COMM_ERROR):
        return "the PC/SC service pcscd does not answer"
    if code == scard.SCARD_W_SECURITY_VIOLATION:
        return "the PC/SC service pcscd hung up: it is stopping, or polkit keeps this user out"
    return str(scard.SCardGetErrorMessage(code)).rstrip(" .")
