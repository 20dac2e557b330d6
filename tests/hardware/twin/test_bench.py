"""The hand on the bench, the control channel, and the process around them."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from hardware.twin.bench import Bench, Lights
from hardware.twin.card import TearAt
from hardware.twin.control import obey
from hardware.twin.process import TwinError, TwinProcess
from hardware.twin.store import Drawer, DrawerError
from tests.hardware.twin.cards import UID


def test_cards_are_laid_and_lifted(tmp_path: Path) -> None:
    with Bench(Drawer(tmp_path)) as bench:
        bench.create("ann", UID)
        bench.create("bob")
        assert [(card.name, card.laid) for card in bench.cards()] == [
            ("ann", False),
            ("bob", False),
        ]
        bench.lay("bob")
        bench.lay("ann")
        assert [card.identity for card in bench.field()][1] == UID.raw
        bench.lift("bob")
        assert [card.laid for card in bench.cards()] == [True, False]
        bench.lift()
        assert bench.field() == ()


def test_a_card_lies_there_once(tmp_path: Path) -> None:
    with Bench(Drawer(tmp_path)) as bench, Bench(Drawer(tmp_path)) as other:
        bench.create("ann")
        bench.lay("ann")
        with pytest.raises(DrawerError, match="already"):
            bench.lay("ann")
        with pytest.raises(DrawerError, match="another reader"):
            other.lay("ann")
        bench.lift()
        other.lay("ann")


def test_a_lifted_card_has_no_power(tmp_path: Path) -> None:
    with Bench(Drawer(tmp_path)) as bench:
        bench.create("ann")
        bench.lay("ann")
        (card,) = bench.field()
        bench.lift()
        assert not card.powered


def test_every_change_is_told(tmp_path: Path) -> None:
    told = []
    with Bench(Drawer(tmp_path)) as bench:
        bench.on_change(lambda: told.append(len(bench.field())))
        bench.create("ann")
        bench.lay("ann")
        bench.show(Lights(approved=True))
        bench.show(Lights(approved=True))
        bench.lift()
        bench.lift()
    assert told == [0, 1, 1, 0]


def test_lights_are_waited_for(tmp_path: Path) -> None:
    with Bench(Drawer(tmp_path)) as bench:
        ready = Lights((True, False, False, False))
        assert not bench.wait_lights(ready, 0)
        waiter = threading.Thread(target=bench.show, args=(ready,))
        waiter.start()
        assert bench.wait_lights(ready, 30)
        waiter.join()


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ('{"create": {"name": "bob"}}', {"ok": None}),
        ('{"lay": "ann"}', {"ok": None}),
        ('{"lift": true}', {"ok": None}),
        ('{"lift": "ann"}', {"ok": None}),
        ('{"tear": {"at": "answer", "skip": 1}}', {"ok": None}),
        ('{"tear": {"at": null}}', {"ok": None}),
        ('{"lay": "zoe"}', {"error": "there is no card zoe"}),
    ],
)
def test_a_line_is_a_command(tmp_path: Path, line: str, answer: dict[str, object]) -> None:
    with Bench(Drawer(tmp_path)) as bench:
        bench.create("ann", UID)
        assert obey(bench, line) == answer


@pytest.mark.parametrize("line", ["", "[]", "{}", "7", '{"lay": 1}', '{"x": 1}', '{"tear": 1}'])
def test_what_is_no_command_is_said_to_be_none(tmp_path: Path, line: str) -> None:
    with Bench(Drawer(tmp_path)) as bench:
        assert "error" in obey(bench, line)


def test_answers_are_json(tmp_path: Path) -> None:
    with Bench(Drawer(tmp_path)) as bench:
        bench.create("ann", UID)
        for line in ('{"cards": 1}', '{"lights": 1}', '{"state": "ann"}'):
            assert json.loads(json.dumps(obey(bench, line)))["ok"]


def test_a_twin_runs_in_a_process_of_its_own(tmp_path: Path) -> None:
    with TwinProcess("nfc", tmp_path) as twin:
        assert os.path.exists(twin.device or "")
        twin.create("ann", UID)
        twin.lay("ann")
        assert [(card.name, card.uid, card.laid) for card in twin.cards()] == [("ann", UID, True)]
        twin.tear(TearAt.ANSWER, skip=3, latency=0.0)
        twin.lift()
        twin.label("ann", "Ann's card")
        assert twin.state("ann").uid == UID
        assert twin.lights() == Lights()
        assert twin.wait_lights(Lights(), 30_000)
        with pytest.raises(TwinError, match="no card zoe"):
            twin.lay("zoe")
    with pytest.raises(TwinError, match="gone"):
        twin.lay("ann")
    twin.close()


def test_cards_outlive_the_process(tmp_path: Path) -> None:
    for laid_before in (False, True):
        with TwinProcess("nfc", tmp_path) as twin:
            if not laid_before:
                twin.create("ann", UID)
            twin.lay("ann")


def test_a_twin_that_cannot_start_says_so(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(TwinError, match="gone"):
        TwinProcess("nfc", tmp_path / "file")
    assert "FileExistsError" in capfd.readouterr().err


def test_a_twin_ends_with_whoever_started_it(tmp_path: Path) -> None:
    parent = (  # dies without a word
        "import os, sys; from pathlib import Path; from hardware.twin.process import TwinProcess;"
        "twin = TwinProcess('nfc', Path(sys.argv[1]));"
        "print(twin._child.pid, flush=True); sys.stdin.read(1); os._exit(0)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", parent, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    ) as process:
        assert process.stdout
        twin = os.pidfd_open(int(process.stdout.readline()))
        process.communicate(b".")
    try:
        assert select.select([twin], [], [], 30)[0]  # readable once it has ended
    finally:
        os.close(twin)
