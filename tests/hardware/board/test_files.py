"""What is committed in out/ is what the description makes, as far as this needs no KiCad."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from pathlib import Path

import pytest

from hardware.board import bom, files
from hardware.board.circuit import COMPONENTS
from hardware.board.parts import EXTRAS, Mount
from hardware.board.sexpr import every, parse, words


@pytest.mark.parametrize("name", sorted(files.texts()))
def test_a_committed_file_is_what_is_made_now(name: str) -> None:
    text = (files.OUT / name).read_text("utf-8")
    assert text == files.texts()[name], "run .ci/hardware --write"


@pytest.mark.parametrize("guide", files.GUIDES, ids=lambda guide: guide.name)
def test_a_guide_s_tables_are_what_is_made_now(guide: Path) -> None:
    text = guide.read_text("utf-8")
    assert "<!-- /" in text
    assert text == files.filled(text), "run .ci/hardware --write"


@pytest.mark.parametrize("guide", files.GUIDES, ids=lambda guide: guide.name)
def test_a_guide_s_links_lead_somewhere(guide: Path) -> None:
    text = guide.read_text("utf-8")
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", text)
    assert targets
    assert [t for t in targets if not (files.OUT.parent / t).exists()] == []


def test_the_bill_buys_every_part_once() -> None:
    lines = list(csv.DictReader(io.StringIO((files.OUT / "bom.csv").read_text("utf-8"))))
    named = [name for line in lines for name in line["Reference"].split()]
    bought = [r for r, part in COMPONENTS.items() if part.kind.mount is not Mount.COPPER]
    assert sorted(named) == sorted([*bought, *(extra.reference for extra in EXTRAS)])
    assert all(line["MPN"] and line["Manufacturer"] for line in lines)
    spent = sum(round(100 * float(line["EUR"])) for line in lines)
    assert spent == sum(row.total for row in bom.rows())


def test_a_machine_places_the_small_parts_and_only_those() -> None:
    lines = list(csv.DictReader(io.StringIO((files.OUT / "positions.csv").read_text("utf-8"))))
    small = {r for r, part in COMPONENTS.items() if part.kind.mount is Mount.MACHINE}
    assert {line["Designator"] for line in lines} == small
    assert {line["Layer"] for line in lines} == {"top"}, "one side is cheaper than two"


def test_the_wiring_table_brings_every_gpio_of_the_firmware_to_a_part() -> None:
    table = bom.wiring()
    for number in (0, 1, 2, 3, 6, 7, 10, 14, 15, 16):
        assert f"**GP{number}**" in table
    assert "through 1 kΩ; not RSTO" in table


def test_the_plots_for_the_fab_are_all_there_and_carry_no_moment() -> None:
    with zipfile.ZipFile(files.OUT / "gerbers.zip") as bundle:
        names = bundle.namelist()
        texts = [bundle.read(name).decode() for name in names]
    sides = [f"{side}_{kind}" for side in "FB" for kind in ("Cu", "Mask", "Silkscreen")]
    wanted = {f"{files.NAME}-{name}.gbr" for name in (*sides, "F_Paste", "Edge_Cuts")}
    assert set(names) == wanted | {f"{files.NAME}-{name}.drl" for name in ("PTH", "NPTH")}
    moments = {found for text in texts for found in re.findall(r"T\d\d:\d\d:\d\d", text)}
    assert moments == {"T00:00:00"}


def test_pictures_are_small_enough_for_the_repository() -> None:
    pictures = [*files.OUT.glob("*.png"), *files.OUT.glob("*.svg")]
    assert len(pictures) == 5
    assert all(path.stat().st_size < 300_000 for path in pictures)


def test_no_identity_in_the_schematic_is_used_twice() -> None:
    tree = parse((files.OUT / f"{files.NAME}.kicad_sch").read_text("utf-8"))
    found = [
        word
        for name in ("wire", "junction", "label", "global_label", "no_connect", "symbol", "text")
        for item in every(tree, name)
        for word in words(item, "uuid")
    ]
    assert len(found) > 300
    assert len(found) == len(set(found))
