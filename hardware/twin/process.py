"""A twin in a process of its own, steered by lines of JSON: one command in, one answer out.

The first line out tells where the reader is: `{"device": "/dev/pts/3"}` or `{"port": 35963}`.
Then `{"lay": "ann"}` is answered by `{"ok": null}`, or by `{"error": "…"}`. The process ends when
its standard input does, so it never outlives the one who started it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal, Self, TextIO, cast

from hardware.twin.bench import Bench, BenchCard, Lights, Picture
from hardware.twin.card import TearAt
from hardware.twin.control import lights_of, obey
from hardware.twin.state import CardState
from hardware.twin.store import Drawer
from host.ntag424.values import Uid

Kind = Literal["pcsc", "nfc", "panel", "ccid"]
_ROOT = Path(__file__).parents[2]


class TwinError(Exception):
    """The twin could not do what it was asked, or is no more; the text says why."""


class TwinProcess:
    """A twin of this machine's: a child process that ends with `close`, or with its parent."""

    def __init__(
        self,
        kind: Kind,
        state: Path,
        *,
        port: int | None = None,
        counter: int | None = None,
        model: str | None = None,
        till: str | None = None,
    ) -> None:
        """`state` is the folder of cards, `port` vpcd's; `counter` serves the virtual counter.

        `model` is the reader that `ccid` plays (`hardware.twin.acs`).
        Port 0 for the counter means any free one; `counter_url` tells where it is;
        `till` is the till's address, which the counter links to.
        """
        command = [sys.executable, "-m", "hardware.twin", kind, "--state", str(state)]
        command += [] if port is None else ["--port", str(port)]
        command += [] if model is None else ["--model", model]
        command += [] if counter is None else ["--counter", str(counter)]
        command += [] if till is None else ["--till", till]
        path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
        self._lock = threading.Lock()
        self._child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="ascii",
            env={**os.environ, "PYTHONPATH": path},
        )
        self._to = cast(TextIO, self._child.stdin)
        self._from = cast(TextIO, self._child.stdout)
        try:
            where = self._read()
        except TwinError:
            self.close()
            raise
        self.device: str | None = where.get("device")
        self.port: int | None = where.get("port")
        self.counter_url: str | None = where.get("counter")
        self.runs_on: str | None = where.get("runs_on")

    def create(self, name: str, uid: Uid | None = None) -> None:
        """Put a new card into the drawer."""
        self._ask({"create": {"name": name, "uid": uid.hex() if uid else None}})

    def label(self, name: str, text: str) -> None:
        """Write on a card what people call it."""
        self._ask({"label": {"name": name, "text": text}})

    def lay(self, name: str) -> None:
        """Lay a card on the reader."""
        self._ask({"lay": name})

    def lift(self, name: str | None = None) -> None:
        """Take one card, or all, off the reader."""
        self._ask({"lift": name or True})

    def tear(self, at: TearAt | None, skip: int = 0, latency: float = 0.0) -> None:
        """Arm a tear on what lies there, after `skip` more commands."""
        self._ask({"tear": {"at": at, "skip": skip, "latency": latency}})

    def cards(self) -> list[BenchCard]:
        """All cards."""
        cards = self._ask({"cards": True})
        return [BenchCard(c["name"], Uid.parse(c["uid"]), c["laid"]) for c in cards]

    def state(self, name: str) -> CardState:
        """What a card remembers."""
        return CardState.from_json(self._ask({"state": name}))

    def lights(self) -> Lights:
        """What the reader shows."""
        return lights_of(self._ask({"lights": True}))

    def wait_lights(self, lights: Lights, timeout_ms: int) -> bool:
        """Wait for the reader to show exactly this."""
        asked = {"lights": asdict(lights), "timeout_ms": timeout_ms}
        return bool(self._ask({"wait_lights": asked}))

    def picture(self) -> Picture | None:
        """What stands on the reader's display."""
        picture = self._ask({"picture": True})
        return None if picture is None else tuple(tuple(part) for part in picture)

    def wait_drawn(self, text: str, timeout_ms: int) -> bool:
        """Wait for this text, or sign, on the reader's display."""
        return bool(self._ask({"wait_drawn": {"text": text, "timeout_ms": timeout_ms}}))

    def hold(self, *buttons: str) -> None:
        """Hold these buttons of the reader down; none to let go."""
        self._ask({"hold": buttons})

    def press(self, button: str) -> None:
        """Press a button and let go."""
        self.hold(button)
        self.hold()

    def close(self) -> None:
        """End the process; a second call does nothing."""
        for pipe in (self._to, self._from):
            with contextlib.suppress(OSError):
                pipe.close()
        try:
            self._child.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()

    def _ask(self, command: dict[str, Any]) -> Any:
        with self._lock:
            try:
                self._to.write(json.dumps(command) + "\n")
                self._to.flush()
            except (OSError, ValueError):
                raise TwinError("the twin's process is gone") from None
            answer = self._read()
        if "error" in answer:
            raise TwinError(answer["error"])
        return answer["ok"]

    def _read(self) -> dict[str, Any]:
        line = self._from.readline()
        if not line:
            raise TwinError("the twin's process is gone")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


# --- the child's side ----------------------------------------------------------------------------


def main(arguments: Sequence[str]) -> int:
    """Run a twin until standard input ends."""
    parser = argparse.ArgumentParser(prog="python -m hardware.twin", description=__doc__)
    parser.add_argument("kind", choices=["pcsc", "nfc", "panel", "ccid"])
    parser.add_argument("--state", type=Path, required=True, help="the folder of cards")
    parser.add_argument("--port", type=int, default=35963, help="vpcd's port")
    parser.add_argument("--model", default="ACR1252U", help="what ccid plays")
    parser.add_argument("--counter", type=int, help="serve the virtual counter on this port")
    parser.add_argument("--till", help="the till's address, for the counter's link to it")
    options = parser.parse_args(arguments)
    with Bench(Drawer(options.state)) as bench, contextlib.ExitStack() as stack:
        where: dict[str, Any] = _attach(bench, options, stack)
        if options.counter is not None:
            from hardware.twin.counter import serve

            where["counter"] = stack.enter_context(
                serve(bench, options.counter, till_url=options.till)
            )
        _say(sys.stdout, where)
        for line in sys.stdin:
            _say(sys.stdout, obey(bench, line))
    return 0


def _attach(
    bench: Bench, options: argparse.Namespace, stack: contextlib.ExitStack
) -> dict[str, Any]:
    if options.kind == "pcsc":
        from hardware.twin.vpcd import VpcdSlot

        stack.callback(VpcdSlot(bench, options.port).close)
        return {"port": options.port}
    if options.kind == "ccid":
        from hardware.twin.acs import MODELS
        from hardware.twin.ccid import CcidPty

        bought = CcidPty(bench, MODELS[options.model](bench.show))
        stack.callback(bought.close)
        return {"device": bought.device}
    if options.kind == "panel":
        from hardware.twin.panel import PanelPty

        ours = PanelPty(bench)
        stack.callback(ours.close)
        return {"device": ours.device, "hsu": ours.hsu, "runs_on": ours.runs_on.words}
    from hardware.twin.pty import Pn532Pty

    reader = Pn532Pty(bench)
    stack.callback(reader.close)
    return {"device": reader.device}


def _say(out: TextIO, message: dict[str, Any]) -> None:
    print(json.dumps(message), file=out, flush=True)
