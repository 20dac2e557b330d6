"""Every file of `out/` that plain Python writes; KiCad adds the board, plots and pictures."""

from __future__ import annotations

from pathlib import Path

from hardware.board import assembled, bom, footprints, handwired, schematic

NAME = "taptill-reader"
OUT = Path(__file__).parent / "out"
GUIDES = (OUT.parent / "README.md", OUT.parent / "ASSEMBLY.md")


def _table(kind: str, uri: str) -> str:
    """A project's own library table."""
    line = f'(lib (name "taptill")(type "KiCad")(uri "${{KIPRJMOD}}/{uri}")(options "")(descr ""))'
    return f"({kind}_lib_table\n  {line}\n)\n"


def texts() -> dict[str, str]:
    """Path below `out/` -> text."""
    own = {f"taptill.pretty/{name}": text for name, text in footprints.files().items()}
    return {
        f"{NAME}.kicad_sch": schematic.draw(),
        "taptill.kicad_sym": schematic.symbol_library(),
        "sym-lib-table": _table("sym", "taptill.kicad_sym"),
        "fp-lib-table": _table("fp", "taptill.pretty"),
        "bom.csv": bom.bill(),
        "positions.csv": bom.positions(),
        "assembled.svg": assembled.draw(),
        "handwired.svg": handwired.draw(),
        **own,
    }


def tables() -> dict[str, str]:
    """Tables of the guides, made from the description too: mark -> table."""
    return {"costs": bom.costs(), "wiring": bom.wiring()}


def filled(guide: str) -> str:
    """A guide's text with its tables between their marks as they are now."""
    for mark, table in tables().items():
        head, begin, rest = guide.partition(f"<!-- {mark} -->\n")
        end = f"<!-- /{mark} -->"
        if begin and end in rest:
            guide = head + begin + table + end + rest.partition(end)[2]
    return guide


def write(folder: Path) -> None:
    """Write them all."""
    for name, text in texts().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
