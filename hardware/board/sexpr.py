"""KiCad's files are nested lists: `node` writes one, `identity` gives names that never change."""

from __future__ import annotations

import uuid

_SPACE = uuid.UUID("6f0e3c52-5d0c-5d43-9c43-2f1b7f3f6f11")  # any, but always this one


def identity(*names: object) -> str:
    """The UUID of whatever has these names: the same in every run."""
    return str(uuid.uuid5(_SPACE, "/".join(str(name) for name in names)))


def number(value: float) -> str:
    """A length in millimetres as KiCad writes it."""
    return f"{round(value, 4) + 0:g}"


def quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def node(name: str, *values: str | float) -> str:
    """`(name value …)`; numbers are written as lengths, text as it stands."""
    words = [value if isinstance(value, str) else number(value) for value in values]
    line = f"({' '.join([name, *words])})"
    if len(line) <= 110 and "\n" not in line:
        return line
    lines = [f"({name}"]
    for word in words:
        if word.startswith("("):
            lines += ["  " + part for part in word.split("\n")]
        else:
            lines[-1] += f" {word}"
    return "\n".join([*lines, ")"])


def effects(size: float = 1.27, justify: str = "", hide: bool = False, bold: bool = False) -> str:
    """How a text looks."""
    font = node("font", node("size", size, size), *(["bold"] if bold else []))
    more = [node("justify", justify)] if justify else []
    return node("effects", font, *more, *(["hide"] if hide else []))
