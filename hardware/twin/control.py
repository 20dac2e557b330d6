"""Lines of JSON that steer a twin: `{"lay": "ann"}` in, `{"ok": null}` or `{"error": "…"}` out."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from hardware.twin.bench import Bench, Lights
from hardware.twin.card import Tear, TearAt
from hardware.twin.store import DrawerError
from host.ntag424.values import Uid


def obey(bench: Bench, line: str) -> dict[str, Any]:
    """Carry out one line of the control channel; whatever is wrong with it is the answer."""
    try:
        ((name, argument),) = json.loads(line).items()
        return {"ok": _COMMANDS[name](bench, argument)}
    except DrawerError as error:
        return {"error": str(error)}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return {"error": f"not a command: {error}"}


def _tear(bench: Bench, argument: dict[str, Any]) -> None:
    at = argument.get("at")
    tear = Tear(TearAt(at), int(argument.get("skip", 0))) if at else None
    bench.tear(tear, latency=float(argument.get("latency", 0)))


def _wait_lights(bench: Bench, argument: dict[str, Any]) -> bool:
    return bench.wait_lights(lights_of(argument["lights"]), argument["timeout_ms"] / 1000)


def _create(bench: Bench, argument: dict[str, Any]) -> None:
    uid = argument.get("uid")
    bench.create(argument["name"], Uid.parse(uid) if uid else None)


_COMMANDS: dict[str, Callable[[Bench, Any], Any]] = {
    "create": _create,
    "label": lambda bench, said: bench.label(said["name"], said["text"]),
    "lay": Bench.lay,
    "lift": lambda bench, name: bench.lift(None if name is True else name),
    "tear": _tear,
    "cards": lambda bench, _: [
        {"name": card.name, "uid": card.uid.hex(), "laid": card.laid} for card in bench.cards()
    ],
    "state": lambda bench, name: bench.state(name).to_json(),
    "lights": lambda bench, _: asdict(bench.lights()),
    "wait_lights": _wait_lights,
    "wait_drawn": lambda bench, asked: bench.wait_drawn(asked["text"], asked["timeout_ms"] / 1000),
    "picture": lambda bench, _: bench.picture(),
    "hold": lambda bench, buttons: bench.hold(*buttons),
}


def lights_of(data: dict[str, Any]) -> Lights:
    """Lights as they travel in an answer."""
    return Lights(**{**data, "row": tuple(data["row"])})
