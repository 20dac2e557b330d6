"""What the lamps of a reader do for each look, as a pure function of the time since it began.

Four lights in a row as on every contactless terminal (EMV), an approved lamp, a declined lamp and
a buzzer. Position and rhythm tell the looks apart without colour, lamps alone without sound.
"""

from __future__ import annotations

from dataclasses import dataclass

from host.readers.base import Look


@dataclass(frozen=True, slots=True)
class Lamps:
    """What is lit, and whether the buzzer sounds."""

    row: tuple[bool, bool, bool, bool] = (False, False, False, False)
    approved: bool = False
    declined: bool = False
    buzzer: bool = False


@dataclass(frozen=True, slots=True)
class _Step:
    ms: int
    lamps: Lamps


@dataclass(frozen=True, slots=True)
class _Script:
    """Steps one after the other; then from the start again, or `rest` for good."""

    steps: tuple[_Step, ...] = ()
    rest: Lamps | None = None

    @property
    def length(self) -> int:
        return sum(step.ms for step in self.steps)


def _lit(row: str = "....", *, approved: bool = False, declined: bool = False) -> Lamps:
    first, second, third, fourth = (light == "*" for light in row)
    return Lamps((first, second, third, fourth), approved, declined)


def _beep(lamps: Lamps) -> Lamps:
    return Lamps(lamps.row, lamps.approved, lamps.declined, buzzer=True)


_DARK = _lit()
_FIRST = _lit("*...")
_ALL = _lit("****")
_PAID = _lit("****", approved=True)
_NO = _lit(declined=True)

_SCRIPTS = {
    Look.OFF: _Script(rest=_DARK),
    Look.IDLE: _Script((_Step(300, _FIRST), _Step(1700, _DARK))),
    Look.READY: _Script(rest=_FIRST),
    Look.READING: _Script(
        (_Step(80, _FIRST), _Step(80, _lit("**..")), _Step(80, _lit("***.")), _Step(160, _ALL))
    ),
    Look.READ: _Script((_Step(60, _beep(_ALL)),), rest=_ALL),
    Look.APPROVED: _Script((_Step(400, _beep(_PAID)),), rest=_PAID),
    Look.DECLINED: _Script(
        (_Step(120, _beep(_NO)), _Step(120, _NO), _Step(120, _beep(_NO))), rest=_NO
    ),
    Look.CHECKING: _Script((_Step(400, _lit("*.*.")), _Step(400, _lit(".*.*")))),
    Look.RETRY: _Script((_Step(250, _lit("*...", declined=True)), _Step(250, _FIRST))),
}


def lamps_at(look: Look, elapsed_ms: int) -> tuple[Lamps, int | None]:
    """The picture `elapsed_ms` after `look` began, and the ms until it changes (None: never)."""
    script = _SCRIPTS[look]
    if script.rest is not None and elapsed_ms >= script.length:
        return script.rest, None
    left = elapsed_ms % script.length
    for step in script.steps:
        if left < step.ms:
            return step.lamps, step.ms - left
        left -= step.ms
    raise AssertionError("the steps add up to the script's length")
