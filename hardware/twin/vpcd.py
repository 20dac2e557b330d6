"""A card in a virtual PC/SC reader: the client's side of vsmartcard-vpcd's protocol.

Every message is a 2-byte length (MSB first) and that many bytes; vpcd speaks first, and a single
byte from it is a control code. It listens on every address of the machine: tests and demo only.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import time

from hardware.twin.apdu import CardLost
from hardware.twin.bench import Bench
from hardware.twin.card import ATS, TwinCard

ATR = bytes.fromhex("3B8180018080")
"""What PC/SC part 3 makes of this card's ATS."""

_log = logging.getLogger(__name__)

_POWER_OFF, _POWER_ON, _RESET, _GET_ATR = 0, 1, 2, 4
_RETRY_SECONDS = 0.05
_EMPTY_SECONDS = 0.6
"""How long an emptied slot stays empty: pcscd looks every 0.4 s, and a card that comes back before
it has looked is a card that never left, or one it never sees again. No hand is that fast."""
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
        self._changed = threading.Condition()
        self._closed = False
        self._serving: tuple[TwinCard, socket.socket] | None = None
        self._free_at = 0.0
        bench.on_change(self._look)
        self._thread = threading.Thread(target=self._run, name=f"vpcd-{port}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Leave the slot; a second call does nothing."""
        with self._changed:
            self._closed = True
        self._look()
        self._thread.join()
        time.sleep(max(0.0, self._free_at - time.monotonic()))

    def _look(self) -> None:
        """Something changed on the bench: a card that is gone must let go of its connection."""
        with self._changed:
            if self._serving:
                card, connection = self._serving
                if self._closed or card not in self._bench.field():
                    with contextlib.suppress(OSError):
                        connection.shutdown(socket.SHUT_RDWR)
            self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._bench.field())
                if self._closed:
                    return
            for card in self._bench.field()[:1]:
                try:
                    with contextlib.suppress(ConnectionError):  # vpcd is not there, or went away
                        self._present(card)
                except OSError as error:
                    _log.warning("the virtual reader lost its card: %s", error)
            pause = max(_RETRY_SECONDS, self._free_at - time.monotonic())
            with self._changed:
                self._changed.wait_for(lambda: self._closed, pause)

    def _present(self, card: TwinCard) -> None:
        with socket.create_connection((_HOST, self._port)) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._changed:
                self._serving = card, connection
            self._look()  # the card may have been lifted before anyone knew the connection
            try:
                _serve(connection, card)
            except CardLost:
                self._bench.lost(card)
            finally:
                with self._changed:
                    self._serving = None
                self._free_at = time.monotonic() + _EMPTY_SECONDS


def _serve(connection: socket.socket, card: TwinCard) -> None:
    while message := _receive(connection):
        if len(message) > 1:
            _send(connection, answer(card, message))
        elif message[0] == _GET_ATR:
            _send(connection, ATR)  # asked a few times a second: it must not touch the card
        elif message[0] == _POWER_OFF:
            card.power_off()
        elif message[0] in (_POWER_ON, _RESET):
            card.power_on()


def answer(card: TwinCard, apdu: bytes) -> bytes:
    """What a contactless PC/SC reader answers: class FF itself, the rest by its card."""
    if apdu[0] != _READER_CLASS:
        return card.transceive(apdu)
    if apdu[:4] == _GET_UID:
        return card.identity + _OK
    if apdu[:4] == _GET_ATS:
        return ATS + _OK
    return _NOT_SUPPORTED


def _send(connection: socket.socket, body: bytes) -> None:
    connection.sendall(len(body).to_bytes(2, "big") + body)


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
