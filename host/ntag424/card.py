"""A card one can speak with: every command of an NTAG 424 DNA, over any link.

The host's rule for sessions: a session survives only a command that ended well. Whatever else
happens, a refusal, a wrong MAC or a lost card, ends it, as it does on the card.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from typing import Protocol

from host.ntag424 import commands, lrp
from host.ntag424.commands import CardVersion, Configuration, Ins, native, split
from host.ntag424.errors import (
    AnswerError,
    AuthenticationDelay,
    AuthenticationError,
    CardBlocked,
    LrpCard,
    NoSession,
    StatusError,
)
from host.ntag424.files import CommMode, FileInfo, FileSettings
from host.ntag424.session import Handshake, Session
from host.ntag424.status import Status
from host.ntag424.values import Key, Uid

_MORE_FRAMES = 2
"""How many frames may follow the first: GetVersion's answer has three."""
_LRP_BIT = 0x02


class Link(Protocol):
    """Whatever carries APDUs; `host.readers.base.CardLink` is one."""

    def transceive(self, apdu: bytes) -> bytes:
        """Send a C-APDU, return the R-APDU."""
        ...


class Card:
    """One card in the field. Every method may raise `CardError` and the link's own errors."""

    def __init__(
        self, link: Link, random_bytes: Callable[[int], bytes] = secrets.token_bytes
    ) -> None:
        self._link = link
        self._random_bytes = random_bytes
        self._session: Session | None = None

    @property
    def authenticated(self) -> int | None:
        """The key number of the running session, or None."""
        return None if self._session is None else self._session.key_no

    # --- ISO commands: plain always, and the end of a session -------------------------------

    def select_application(self) -> None:
        """Select the NDEF application; every other command needs it."""
        self._iso("ISOSelectFile", commands.iso_select_application())

    def select_file(self, fid: int) -> None:
        """Select a file for `read_binary` and `update_binary`."""
        self._iso("ISOSelectFile", commands.iso_select_file(fid))

    def read_binary(self, offset: int, length: int) -> bytes:
        """Read the selected file; fewer bytes come back at its end."""
        return self._iso("ISOReadBinary", commands.iso_read_binary(offset, length))

    def update_binary(self, offset: int, data: bytes) -> None:
        """Write the selected file, where writing is free."""
        self._iso("ISOUpdateBinary", commands.iso_update_binary(offset, data))

    def _iso(self, name: str, apdu: bytes) -> bytes:
        self._session = None
        answer, status = self._fresh(apdu)
        if status != Status.ISO_OK:
            raise StatusError(name, status)
        return answer

    # --- authentication ---------------------------------------------------------------------

    def authenticate(self, key_no: int, key: Key) -> None:
        """Start a session (AuthenticateEV2First); select the application first.

        The card counts this as a failure until it has ended well, also when the card is lifted.
        """
        self._session = None
        name, handshake = "AuthenticateEV2First", self._handshake(key_no, key)
        answer, status = self._fresh(handshake.part1())
        if status == Status.PERMISSION_DENIED and lrp.probe(self._link.transceive, key_no):
            raise LrpCard(name, status)
        self._finish(name, handshake, answer, status)

    def authenticate_again(self, key_no: int, key: Key) -> None:
        """Go on with another key in the same session (AuthenticateEV2NonFirst)."""
        if self._session is None:
            raise NoSession("AuthenticateEV2NonFirst: needs a session")
        handshake = self._handshake(key_no, key, self._session)
        self._session = None
        answer, status = split(self._link.transceive(handshake.part1()))
        self._finish("AuthenticateEV2NonFirst", handshake, answer, status)

    def _handshake(self, key_no: int, key: Key, running: Session | None = None) -> Handshake:
        return Handshake(key_no, key, self._random_bytes(16), running)

    def _finish(self, name: str, handshake: Handshake, challenge: bytes, status: Status) -> None:
        if status == Status.PERMISSION_DENIED:
            raise CardBlocked(name, status)
        if status == Status.ADDITIONAL_FRAME:
            apdu = handshake.part2(challenge)
            challenge, status = split(self._link.transceive(apdu))
        if status == Status.AUTHENTICATION_ERROR:
            raise AuthenticationError(name, status)
        if status == Status.AUTHENTICATION_DELAY:
            raise AuthenticationDelay(name, status)
        if status != Status.OPERATION_OK:
            raise StatusError(name, status)
        self._session = handshake.finish(challenge)

    # --- what the card is -------------------------------------------------------------------

    def get_version(self) -> CardVersion:
        """Who made the card and when; the UID in it is zero under Random ID."""
        return CardVersion.decode(self._command(Ins.GET_VERSION))

    def get_card_uid(self) -> Uid:
        """The true UID, also under Random ID; needs a session with any key."""
        return Uid(_sized(self._command(Ins.GET_CARD_UID, mode=CommMode.FULL, secure=True), 7))

    def read_signature(self) -> bytes:
        """The UID's signature, for `originality.check`; under Random ID only in a session."""
        answer = self._command(
            Ins.READ_SIG, b"\x00", mode=CommMode.FULL, success=Status.SIGNATURE_OK
        )
        return _sized(answer, 56)

    # --- keys -------------------------------------------------------------------------------

    def get_key_version(self, key_no: int) -> int:
        """The version byte of a key; needs no key, so it tells a card's state."""
        return _sized(self._command(Ins.GET_KEY_VERSION, bytes([key_no])), 1)[0]

    def change_key(self, key_no: int, new: Key, version: int, old: Key | None = None) -> None:
        """Change a key in a session with key 0; `old` is needed for keys 1 to 4.

        Changing key 0 ends the session, with an answer that carries no MAC.
        """
        data = commands.change_key_data(key_no, new, version, old)
        header = bytes([key_no])
        self._command(
            Ins.CHANGE_KEY, header, data, mode=CommMode.FULL, secure=True, ends=key_no == 0
        )

    # --- files ------------------------------------------------------------------------------

    def get_file_settings(self, file_no: int) -> FileInfo:
        """Settings and size of a file; needs no key."""
        return FileInfo.decode(self._command(Ins.GET_FILE_SETTINGS, bytes([file_no])))

    def change_file_settings(
        self, file_no: int, settings: FileSettings, mode: CommMode = CommMode.FULL
    ) -> None:
        """Change a file's settings; `mode` is PLAIN only where everybody may change them."""
        self._command(
            Ins.CHANGE_FILE_SETTINGS,
            bytes([file_no]),
            settings.encode(),
            mode=mode,
            secure=mode is not CommMode.PLAIN,
        )

    def get_file_counter(self, file_no: int, mode: CommMode = CommMode.FULL) -> int:
        """SDMReadCtr (GetFileCounters); `mode` is MAC where it is returned to everybody."""
        answer = self._command(Ins.GET_FILE_COUNTERS, bytes([file_no]), mode=mode)
        return int.from_bytes(_sized(answer, 5)[:3], "little")

    def read_data(
        self, file_no: int, offset: int = 0, length: int = 0, mode: CommMode = CommMode.PLAIN
    ) -> bytes:
        """Read a file from `offset`, to its end where `length` is 0; 256 bytes at most.

        `mode` is the file's, but PLAIN where the session's key gives no right and reading is free.
        """
        header = commands.file_range(file_no, offset, length)
        answer = self._command(Ins.READ_DATA, header, mode=mode)
        return _sized(answer, length) if length else answer

    def write_data(
        self, file_no: int, data: bytes, offset: int = 0, mode: CommMode = CommMode.PLAIN
    ) -> None:
        """Write a file; wholly or not at all up to `commands.one_frame(mode)` bytes."""
        header = commands.file_range(file_no, offset, len(data))
        self._command(Ins.WRITE_DATA, header, data, mode=mode)

    # --- configuration ----------------------------------------------------------------------

    def set_configuration(self, option: Configuration, data: bytes) -> None:
        """SetConfiguration in a session with key 0; it cannot be read back.

        Switching to LRP is refused with `ValueError`: it is irreversible and ends SDM.
        """
        capabilities = option is Configuration.CAPABILITIES
        if capabilities and len(data) > 4 and data[4] & _LRP_BIT:
            raise ValueError("LRP: would end the card's life as a Boltcard")
        self._command(
            Ins.SET_CONFIGURATION,
            bytes([option]),
            data,
            mode=CommMode.FULL,
            secure=True,
            ends=capabilities,
        )

    def enable_random_id(self) -> None:
        """Hide the UID from the next power-up on. Irreversible."""
        self.set_configuration(Configuration.PICC, commands.RANDOM_ID)

    # --- looking ahead ----------------------------------------------------------------------

    def look_ahead(
        self,
        *,
        select: bool = False,
        version: bool = False,
        keys: Sequence[int] = (),
        files: Sequence[int] = (),
    ) -> None:
        """Tell the link what is going to be asked outside a session, in this order.

        A link that pays for every round trip may send it in one; others do not care.
        """
        ahead = getattr(self._link, "ahead", None)
        if ahead is None:
            return
        apdus = [commands.iso_select_application()] if select else []
        if version:
            more = native(Ins.ADDITIONAL_FRAME)
            apdus += [native(Ins.GET_VERSION), *(more for _ in range(_MORE_FRAMES))]
        apdus += [native(Ins.GET_KEY_VERSION, bytes([number])) for number in keys]
        apdus += [native(Ins.GET_FILE_SETTINGS, bytes([number])) for number in files]
        ahead(apdus)

    # --- framing ----------------------------------------------------------------------------

    def _command(
        self,
        ins: Ins,
        header: bytes = b"",
        data: bytes = b"",
        *,
        mode: CommMode = CommMode.MAC,
        success: Status = Status.OPERATION_OK,
        secure: bool = False,
        ends: bool = False,
    ) -> bytes:
        """One command, framed for the session if there is one.

        `secure` commands need one; a command that `ends` it is answered without a MAC.
        """
        session, self._session = self._session, None
        if session is None:
            if secure:
                raise NoSession(f"{ins.name}: needs a session")
            answer, status = self._fresh(native(ins, header + data))
        else:
            sealed = session.seal(ins, header, data, mode)
            answer, status = split(self._link.transceive(native(ins, sealed)))
        for _ in range(_MORE_FRAMES):
            if status != Status.ADDITIONAL_FRAME:
                break
            more, status = split(self._link.transceive(native(Ins.ADDITIONAL_FRAME)))
            answer += more
        if status != success:
            raise StatusError(ins.name, status)
        if session is None or ends:
            return answer
        opened = session.open(status.return_code, answer, mode)
        self._session = session
        return opened

    def _fresh(self, apdu: bytes) -> tuple[bytes, Status]:
        """Send a command outside a session.

        It may meet an authentication that was torn after part 1 and be aborted with it (91CA, NT4H
        §10.1), once; the second time it is heard.
        """
        answer, status = split(self._link.transceive(apdu))
        if status == Status.COMMAND_ABORTED:
            answer, status = split(self._link.transceive(apdu))
        return answer, status


def _sized(answer: bytes, length: int) -> bytes:
    if len(answer) != length:
        raise AnswerError(f"answer: must be {length} bytes, not {len(answer)}")
    return answer
