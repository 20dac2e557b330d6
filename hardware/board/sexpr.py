"""KiCad's files are nested lists: `node` writes one, `identity` gives names that never change."""

from __future__ import annotations

import re
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


Tree = list["Tree | str"]
_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"|([()])|([^\s()"]+)')


def parse(text: str) -> Tree:
    """The other way round: the first list of a file, names and numbers as text."""
    stack: list[Tree] = [[]]
    for found in _TOKEN.finditer(text):
        quoted_text, bracket, word = found.groups()
        if bracket == "(":
            stack.append([])
        elif bracket == ")":
            done = stack.pop()
            stack[-1].append(done)
        else:
            stack[-1].append(word if word is not None else quoted_text.replace("\\", ""))
    return child(stack[0], 0)


def child(tree: Tree, index: int) -> Tree:
    """A list inside a list."""
    found = tree[index]
    if isinstance(found, str):
        raise ValueError(f"a list was expected where there is {found!r}")
    return found


def every(tree: Tree, name: str) -> list[Tree]:
    """All lists in a list that begin with this name."""
    return [item for item in tree if isinstance(item, list) and item and item[0] == name]


def words(tree: Tree, name: str) -> list[str]:
    """What stands after this name in the first list that begins with it; else nothing."""
    for item in every(tree, name):
        return [str(part) for part in item[1:]]
    return []
