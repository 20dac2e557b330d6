"""The nets of a schematic file, found without KiCad: what touches what, and what it is called."""

from __future__ import annotations

import math
from collections.abc import Iterator

from hardware.board.sexpr import Tree, every, parse, words

Spot = tuple[float, float]


def _spot(numbers: list[str]) -> Spot:
    return round(float(numbers[0]), 3), round(float(numbers[1]), 3)


def _library(tree: Tree) -> dict[str, list[tuple[str, Spot]]]:
    """Symbol name -> its pins' numbers and ends."""
    found = {}
    for symbol in every(every(tree, "lib_symbols")[0], "symbol"):
        pins = [pin for unit in every(symbol, "symbol") for pin in every(unit, "pin")]
        found[str(symbol[1])] = [(words(pin, "number")[0], _spot(words(pin, "at"))) for pin in pins]
    return found


def _pins(tree: Tree) -> Iterator[tuple[str, str, Spot]]:
    """Every placed symbol's pins: reference (a rail's value), number, place."""
    library = _library(tree)
    for symbol in every(tree, "symbol"):
        x, y, turn = (float(word) for word in words(symbol, "at"))
        fields = {str(item[1]): str(item[2]) for item in every(symbol, "property")}
        name = words(symbol, "lib_id")[0]
        angle = math.radians(turn)
        for number, (dx, dy) in library[name]:
            across = dx * math.cos(angle) - dy * math.sin(angle)
            up = dx * math.sin(angle) + dy * math.cos(angle)
            rail = fields["Value"] if fields["Reference"].startswith("#") else ""
            yield (
                rail or fields["Reference"],
                number if not rail else "",
                (
                    round(x + across, 3),
                    round(y - up, 3),
                ),
            )


def nets(text: str) -> dict[str, set[tuple[str, str]]]:
    """Net -> (reference, pin number). A net without a name is called by one of its pins."""
    tree = parse(text)
    group: dict[object, object] = {}

    def find(item: object) -> object:
        while group.setdefault(item, item) != item:
            item = group[item]
        return item

    def join(one: object, other: object) -> None:
        group[find(one)] = find(other)

    for wire in every(tree, "wire"):
        ends = [_spot([str(xy[1]), str(xy[2])]) for xy in every(every(wire, "pts")[0], "xy")]
        join(*ends)
    for label in every(tree, "label"):
        join("/" + str(label[1]), _spot(words(label, "at")))
    for label in every(tree, "global_label"):
        join(str(label[1]), _spot(words(label, "at")))
    pins: list[tuple[str, str, Spot]] = []
    for reference, number, spot in _pins(tree):
        if number:
            pins.append((reference, number, spot))
            find(spot)
        elif reference != "PWR_FLAG":
            join(reference, spot)
    names = {find(item): item for item in list(group) if isinstance(item, str)}
    found: dict[str, set[tuple[str, str]]] = {}
    for reference, number, spot in pins:
        name = str(names.get(find(spot), f"{reference}.{number}"))
        found.setdefault(name, set()).add((reference, number))
    return found
