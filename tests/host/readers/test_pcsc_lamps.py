"""Bought readers' manners: the table against a scripted reader, and through the real libccid."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from hardware.twin.acs import MODELS as TWINS
from hardware.twin.bench import Lights
from hardware.twin.private_pcscd import CCID_DRIVER, PrivatePcscd
from hardware.twin.process import TwinProcess

pytest.importorskip("smartcard", reason="pyscard is not installed: it needs a compiler")

from host.readers.base import Can, Look, Reader, Show
from host.readers.lights import Lamps
from host.readers.manners import MODELS, Escapes, command, of_pcsc, of_usb
from host.readers.open import ReaderOptions, open_reader
from host.readers.pcsc_api import Context
from host.readers.pcsc_lamps import EscapeLamps, EscapeRefused
from tests.host.readers.rigs import UIDS

SOON = 10_000
NAMES = {
    "ACR122U": "ACS ACR122U PICC Interface",
    "ACR1252U": "ACS ACR1252 Dual Reader [ACR1252 Dual Reader PICC]",
    "ACR1251U": "ACS ACR1251 Dual Reader",
    "ACR1255U": "ACS ACR1255U-J1",
}
SELECT_APPLICATION = bytes.fromhex("00A4040007D276000085010100")
READ_NDEF_FILE = bytes.fromhex("90AD0000070200000000000000")
DRIVEN = [model for model in MODELS if model.escapes]


def lit(*, row: int = 0, declined: bool = False, buzzer: bool = False) -> Lights:
    return Lights((row > 0, False, False, False), declined=declined, buzzer=buzzer)


# --- the table, against the twins' own idea of the manuals, without a wire between ----------------


@dataclass
class Scripted:
    """A twin's manners called directly; remembers what was asked and what it showed."""

    model: str

    def __post_init__(self) -> None:
        self.shown: list[Lights] = []
        self.asked: list[str] = []
        self._manners = TWINS[self.model](self.shown.append)

    def control(self, escape: bytes) -> bytes:
        self.asked.append(escape.hex(" ").upper())
        answer = self._manners.escape(escape)
        if answer is None:
            raise EscapeRefused("not supported")
        return answer


def escapes_of(model: str) -> Escapes:
    found = of_pcsc(NAMES[model])
    assert found is not None
    assert found.escapes is not None
    return found.escapes


def test_one_bit_of_the_habits_is_changed_and_changed_back() -> None:
    reader = Scripted("ACR1252U")
    lamps = EscapeLamps(escapes_of("ACR1252U"), reader.control)
    lamps.restore()
    assert reader.asked == [
        "E0 00 00 29 00",
        "E0 00 00 21 00",
        "E0 00 00 21 01 77",
        "E0 00 00 21 01 7F",
    ]


def test_a_reader_that_is_quiet_already_is_not_written_to() -> None:
    reader = Scripted("ACR1255U")
    reader.control(bytes.fromhex("E000002101 87"))
    reader.asked.clear()
    EscapeLamps(escapes_of("ACR1255U"), reader.control).restore()
    assert reader.asked == ["E0 00 00 29 00", "E0 00 00 21 00"]


def test_an_acr122u_is_silenced_without_being_asked_and_beeps_again_at_the_end() -> None:
    reader = Scripted("ACR122U")
    lamps = EscapeLamps(escapes_of("ACR122U"), reader.control)
    lamps.write(Lamps(approved=True, buzzer=True))
    lamps.write(Lamps(approved=True))
    lamps.restore()
    assert reader.asked == [
        "FF 00 40 00 04 00 00 00 00",
        "FF 00 52 00 00",
        "FF 00 40 0E 04 00 00 00 00",
        "FF 00 40 00 04 01 00 01 01",
        "FF 00 40 0C 04 00 00 00 00",
        "FF 00 52 FF 00",
    ]


@pytest.mark.parametrize("model", sorted(TWINS))
def test_green_is_well_and_red_is_not_on_every_model(model: str) -> None:
    reader = Scripted(model)
    lamps = EscapeLamps(escapes_of(model), reader.control)
    lamps.write(Lamps((True, False, False, False)))
    assert reader.shown[-1] == lit(row=1)
    lamps.write(Lamps(declined=True))
    assert reader.shown[-1] == lit(declined=True)
    lamps.write(Lamps())
    assert reader.shown[-1] == Lights()


def test_an_answer_that_is_not_a_good_one_is_a_refusal() -> None:
    with pytest.raises(EscapeRefused, match="63 00"):
        EscapeLamps(escapes_of("ACR122U"), lambda _: b"\x63\x00")
    with pytest.raises(EscapeRefused):
        EscapeLamps(escapes_of("ACR1252U"), lambda _: b"")


@pytest.mark.parametrize("model", DRIVEN, ids=lambda model: model.name)
def test_every_command_of_the_table_is_one(model: object) -> None:
    escapes = model.escapes  # type: ignore[attr-defined]
    texts = [escapes.lamps_now, escapes.lamps, escapes.beep, escapes.beep_end]
    for text in filter(None, [*texts, escapes.habits, escapes.habits_now]):
        assert len(command(text)) >= 5
    assert not escapes.green & escapes.red


def test_models_are_recognised_by_their_pcsc_names_and_usb_numbers() -> None:
    assert {name: of_pcsc(NAMES[name] + " 00 00") is not None for name in NAMES} == dict.fromkeys(
        NAMES, True
    )
    assert of_pcsc("Gemalto PC Twin Reader 00 00") is None
    found = of_usb(0x04E6, 0x5591)
    assert found is not None
    assert found.driver == "nfc"
    assert len(MODELS) == 8


# --- through pcscd and libccid --------------------------------------------------------------------


class Bought:
    """A twin of a bought reader behind the real libccid, in this test's own pcscd."""

    def __init__(self, model: str, pcscd: PrivatePcscd, folder: Path) -> None:
        self.name = f"{NAMES[model]} 00 00"
        self.twin = TwinProcess("ccid", folder / "cards", model=model)
        self.twin.create("ann", UIDS["ann"])
        self._options = ReaderOptions(run_dir=folder)
        self._pcscd = pcscd
        pcscd.stop()
        pcscd.ccid = (NAMES[model], str(self.twin.device))
        pcscd.start()

    def open(self) -> Reader:
        return open_reader(f"pcsc:{self.name}", self._options)

    def ask(self, text: str) -> bytes:
        """One escape command from another program."""
        with contextlib.closing(Context()) as context:
            reader = context.connect_reader(self.name)
            try:
                return reader.control(command(text))
            finally:
                reader.leave()

    def close(self) -> None:
        self._pcscd.stop()
        self._pcscd.ccid, self._pcscd.escapes = None, True
        self.twin.close()


Buy = Callable[[str], Bought]


@pytest.fixture
def buy(pcscd: PrivatePcscd, tmp_path: Path) -> Iterator[Buy]:
    if not CCID_DRIVER.exists():
        pytest.skip(f"{CCID_DRIVER} is missing: install Debian's package libccid")
    with contextlib.ExitStack() as stack:

        def made(model: str) -> Bought:
            bought = Bought(model, pcscd, tmp_path)
            stack.callback(bought.close)
            return bought

        yield made


@pytest.mark.pcsc
@pytest.mark.parametrize("model", sorted(TWINS))
def test_the_tills_looks_are_seen_on_a_bought_reader(buy: Buy, model: str) -> None:
    bought = buy(model)
    with bought.open() as reader:
        assert reader.info.can == {Can.LIGHTS, Can.TONES}
        reader.show(Show(Look.READY))
        assert bought.twin.wait_lights(lit(row=1), SOON)
        reader.show(Show(Look.DECLINED))
        assert bought.twin.wait_lights(lit(declined=True), SOON)
        reader.show(Show(Look.APPROVED))
        assert bought.twin.wait_lights(lit(row=1), SOON)
    assert bought.twin.lights() == Lights()


@pytest.mark.pcsc
def test_a_bought_reader_is_quiet_while_it_is_ours_and_as_it_was_afterwards(buy: Buy) -> None:
    bought = buy("ACR1252U")
    assert bought.ask("E0 00 00 21 00")[-1] == 0x7F
    with bought.open():
        assert bought.ask("E0 00 00 21 00")[-1] == 0x77
    assert bought.ask("E0 00 00 21 00")[-1] == 0x7F


@pytest.mark.pcsc
def test_a_tap_goes_before_the_lamps_and_its_answer_is_shown_over_the_cards_connection(
    buy: Buy,
) -> None:
    bought = buy("ACR1252U")
    with bought.open() as reader:
        reader.show(Show(Look.READY))
        assert bought.twin.wait_lights(lit(row=1), SOON)
        bought.twin.lay("ann")
        link = reader.wait_card(SOON)
        assert link is not None
        reader._lamps.show(Look.DECLINED)  # type: ignore[attr-defined]
        assert link.uid == UIDS["ann"].raw
        assert link.transceive(SELECT_APPLICATION) == b"\x90\x00"
        assert link.transceive(READ_NDEF_FILE)[-2:] == b"\x91\x00"
        assert bought.twin.lights() == lit(row=1)
        reader.show(Show(Look.DECLINED))
        assert bought.twin.wait_lights(lit(declined=True), SOON)
        assert link.transceive(SELECT_APPLICATION) == b"\x90\x00"
        bought.twin.lift()
        assert reader.wait_gone(SOON)


@pytest.mark.pcsc
def test_where_escapes_are_refused_the_reader_serves_in_the_dark(
    buy: Buy, pcscd: PrivatePcscd
) -> None:
    pcscd.escapes = False
    bought = buy("ACR1252U")
    with bought.open() as reader:
        assert reader.info.can == frozenset()
        reader.show(Show(Look.APPROVED))
        bought.twin.lay("ann")
        link = reader.wait_card(SOON)
        assert link is not None
        assert link.transceive(SELECT_APPLICATION) == b"\x90\x00"
    assert bought.twin.lights() == Lights()


@pytest.mark.pcsc
def test_a_reader_whose_service_went_away_is_closed_without_complaint(
    buy: Buy, pcscd: PrivatePcscd
) -> None:
    bought = buy("ACR1252U")
    reader = bought.open()
    reader.show(Show(Look.READY))
    assert bought.twin.wait_lights(lit(row=1), SOON)
    pcscd.stop()
    reader.show(Show(Look.DECLINED))
    reader.close()
