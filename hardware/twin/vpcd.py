"""A card in a virtual PC/SC reader: the client's side of vsmartcard-vpcd's protocol.

Every message is a 2-byte length (MSB first) and that many bytes; vpcd speaks first, and a single
byte from it is a control code. It listens on every address of the machine: tests and demo only.

pcscd looks whether a card lies there by asking for its ATR, every 0.4 s, for vpcd has no other way
to tell it. A reader on USB has: it reports a card the moment it comes. So a look at the empty slot
is held, and answered when a card is laid; that is as quick. No card is told by hanging up.

A card that was lifted has left when a look was told so, however soon it is laid down again: else
pcscd would take it for one that never left.
"""

from __future__ import annotations

import contextlib
import logging
import select
import socket
import threading
import time

from hardware.twin.apdu import CardLost
from hardware.twin.bench import Bench
from hardware.twin.card import ATS, TwinCard

ATR = bytes.fromhex("3B8180018080")
"""What PC/SC part 3 makes of this card's ATS."""

_log = logging.getLogger(__name__)

_POWER_OFF, _POWER_ON, _RESET, _GET_ATR = b"\x00", b"\x01", b"\x02", b"\x04"
_RETRY_SECONDS = 0.05
_HOLD_SECONDS = 2.0
"""How long a look is held: pcscd stops only between two looks, and controls the reader then too."""
_BURST_SECONDS = 0.1
"""More than what a program does at once takes, and less than pcscd sleeps between two looks."""
_LEAVE_SECONDS = 1.5
"""How long `close` waits at most for the looks that are told of the card's absence."""
_HOST = "127.0.0.1"

_READER_CLASS = 0xFF
_GET_UID = bytes.fromhex("FFCA0000")
_GET_ATS = bytes.fromhex("FFCA0100")
_OK, _NOT_SUPPORTED = b"\x90\x00", b"\x6a\x81"


class VpcdSlot:
    """Keeps the bench's first card in one slot of vpcd, also when pcscd is restarted."""

    def __init__(self, bench: Bench, port: int) -> None:
        self._bench = bench
        self._port = port
        self._closing = False
        self._leave_at = 0.0
        self._believed: TwinCard | None = None
        """The card that pcscd was shown and of whose leaving it has not been told."""
        self._first_told: float | None = None
        """When pcscd was first told that the card it believes in is not there."""
        self._woken, self._waker = socket.socketpair()
        self._woken.setblocking(False)
        self._waker.setblocking(False)
        bench.on_change(self._wake)
        self._thread = threading.Thread(target=self._run, name=f"vpcd-{port}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Leave the slot, and let pcscd see it empty; a second call does nothing."""
        self._leave_at = time.monotonic() + _LEAVE_SECONDS
        self._closing = True
        self._wake()
        self._thread.join()
        self._woken.close()
        self._waker.close()

    def _wake(self) -> None:
        """Something changed on the bench; one unread byte says as much as many."""
        with contextlib.suppress(OSError):
            self._waker.send(b"\0")

    def _run(self) -> None:
        while self._stays():
            try:
                with socket.create_connection((_HOST, self._port)) as connection:
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self._serve(connection)
            except ConnectionError:  # vpcd is not there, or went away, and has forgotten the card
                self._believed = None
            except OSError as error:
                _log.warning("the virtual reader lost its card: %s", error)
            self._wait(None, _RETRY_SECONDS)

    def _stays(self) -> bool:
        """Whether there is anything left to do: at the end, to tell that the card is gone."""
        if not self._closing:
            return True
        return self._believed is not None and time.monotonic() < self._leave_at

    def _serve(self, connection: socket.socket) -> None:
        """One connection, until pcscd hangs up or has to be told that no card is there."""
        while message := self._next(connection):
            reply = self._reply(connection, message)
            if reply is None:
                return
            if reply:
                connection.sendall(len(reply).to_bytes(2, "big") + reply)

    def _next(self, connection: socket.socket) -> bytes:
        """vpcd's next message; nothing once the connection ended, or nobody needs it any more."""
        while not self._wait(connection, _LEAVE_SECONDS if self._closing else None):
            if not self._stays():
                return b""
        return _receive(connection)

    def _reply(self, connection: socket.socket, message: bytes) -> bytes | None:
        """What to send back, nothing for a control code without an answer; None hangs up."""
        if message == _GET_ATR:
            return self._look(connection)
        if self._believed is None or self._believed is not self._lying():
            return None
        return self._pass_on(message, self._believed)

    def _pass_on(self, message: bytes, card: TwinCard) -> bytes | None:
        if message in (_POWER_ON, _RESET):
            card.power_on()
        elif message == _POWER_OFF:
            card.power_off()
        if len(message) == 1:
            return b""
        try:
            return answer(card, message)
        except CardLost:
            self._bench.lost(card)
            return None

    def _look(self, connection: socket.socket) -> bytes | None:
        """The ATR of what lies there; None where nothing does. It must not touch the card."""
        if self._believed is None:
            self._believed = self._laid_soon(connection)
            self._first_told = None
        elif self._believed is not self._lying():
            self._tell_absence()
            return None
        return None if self._believed is None else ATR

    def _tell_absence(self) -> None:
        """Connecting to a card and letting go of it ask as a look does, in a burst.

        So only what is asked again, a while later, shows that one of the two was a look.
        """
        now = time.monotonic()
        if self._first_told is None:
            self._first_told = now
        elif now - self._first_told > _BURST_SECONDS:
            self._believed = None

    def _laid_soon(self, connection: socket.socket) -> TwinCard | None:
        """The card that lies there or is laid down while pcscd is made to wait."""
        deadline = time.monotonic() + _HOLD_SECONDS
        while not (card := self._lying()) and not self._closing:
            left = deadline - time.monotonic()
            if left <= 0 or self._wait(connection, left):  # pcscd has hung up meanwhile
                return None
        return card

    def _lying(self) -> TwinCard | None:
        return None if self._closing else next(iter(self._bench.field()), None)

    def _wait(self, connection: socket.socket | None, seconds: float | None) -> bool:
        """Wait for vpcd, or for a change on the bench; True when it was vpcd."""
        ready, _, _ = select.select(filter(None, (connection, self._woken)), [], [], seconds)
        if self._woken in ready:
            self._woken.recv(4096)
        return connection in ready


def answer(card: TwinCard, apdu: bytes) -> bytes:
    """What a contactless PC/SC reader answers: class FF itself, the rest by its card."""
    if apdu[0] != _READER_CLASS:
        return card.transceive(apdu)
    if apdu[:4] == _GET_UID:
        return card.identity + _OK
    if apdu[:4] == _GET_ATS:
        return ATS + _OK
    return _NOT_SUPPORTED


def _receive(connection: socket.socket) -> bytes:
    """The next message, or nothing once the connection ended."""
    length = _exactly(connection, 2)
    return _exactly(connection, int.from_bytes(length, "big")) if length else b""


def _exactly(connection: socket.socket, size: int) -> bytes:
    received = b""
    while len(received) < size:
        # vpcd sends length and body apart; without this each waits 40 ms for our delayed ACK.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        part = connection.recv(size - len(received))
        if not part:
            return b""
        received += part
    return received
