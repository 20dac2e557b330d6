"""The self test: what a reader can find out about itself, each check with a number and words."""

from reader import words as w
from reader.errors import ChipFault
from reader.pn532 import DIAGNOSE, RF_CONFIGURATION

MEMORY = 1
SETTINGS = 2
CHIP = 3
LINE = 4
FIELD = 5
TASKS = 6


def note(answer, check: int, passed: bool, words: str) -> bool:
    """One result into the answer."""
    answer.put(w.T_CHECK, bytes((check, 1 if passed else 0)) + words.encode())
    return passed


async def run_checks(core, chip, answer) -> int:
    """Every check that can be made; each result says for itself whether it passed."""
    free = core.hal.free_memory()
    note(answer, MEMORY, free > 20_000, f"{free} bytes free")
    volume = core.config.get("volume")
    note(answer, SETTINGS, core.config.change("volume", volume), "settings kept")
    faults = core.stats.get("task_faults")
    note(answer, TASKS, faults == 0, f"{faults} task faults")
    try:
        await chip.setup()
    except ChipFault:
        note(answer, CHIP, False, "no answer")
        return w.OK
    version = chip.version
    note(answer, CHIP, len(version) > 2 and version[0] == 0x32, _chip_words(version))
    await _line(chip, answer)
    await _field(chip, answer)
    return w.OK


def _chip_words(version: bytes) -> str:
    if len(version) < 3:
        return "short version"
    return f"PN5{version[0]:02X} {version[1]}.{version[2]}"


async def _line(chip, answer) -> None:
    """Diagnose 00: the chip sends back what it got; finds wires that lose bytes."""
    sent = bytes(range(1, 200))
    try:
        back = bytes(await chip.command(DIAGNOSE, b"\x00" + sent))
    except ChipFault:
        back = b""
    note(answer, LINE, back == b"\x00" + sent, f"{len(back)} of {len(sent) + 1} bytes")


async def _field(chip, answer) -> None:
    try:
        await chip.command(RF_CONFIGURATION, b"\x01\x01")
        await chip.field_off()
        passed = True
    except ChipFault:
        passed = False
    note(answer, FIELD, passed, "field on and off")
