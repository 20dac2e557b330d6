"""Every pair of text and ground in the tokens is readable (WCAG 2.2 AA, 1.4.3 and 1.4.11)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TOKENS = Path(__file__).parents[2] / "dashboard/static/css/tokens.css"
TEXT, SHAPE = 4.5, 3.0
PAIRS = [
    ("ink", "page", TEXT),
    ("ink", "surface", TEXT),
    ("ink", "key", TEXT),
    ("ink", "amber-soft", TEXT),
    ("quiet", "page", TEXT),
    ("quiet", "surface", TEXT),
    ("quiet", "raised", TEXT),
    ("quiet", "grey-soft", TEXT),
    ("blue", "surface", TEXT),
    ("blue", "page", TEXT),
    ("blue-deep", "blue-soft", TEXT),
    ("on-blue", "blue", TEXT),
    ("orange", "orange-soft", TEXT),
    ("on-orange", "orange", TEXT),
    ("on-amber", "amber", TEXT),
    ("amber-ink", "amber-soft", TEXT),
    ("amber-ink", "surface", TEXT),
    ("surface", "grey", SHAPE),
    ("orange", "surface", SHAPE),
    ("grey", "surface", SHAPE),
]


def tokens(theme: str) -> dict[str, str]:
    block = re.search(rf'\[data-bs-theme="{theme}"\] {{(.*?)}}', TOKENS.read_text("utf-8"), re.S)
    assert block
    return dict(re.findall(r"--tt-([a-z-]+): (#[0-9a-f]{6});", block[1]))


def luminance(colour: str) -> float:
    """WCAG's relative luminance of `#rrggbb`."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("text", "ground", "least"), PAIRS)
def test_text_and_shapes_stand_out_from_their_ground(
    theme: str, text: str, ground: str, least: float
) -> None:
    colours = tokens(theme)
    assert contrast(colours[text], colours[ground]) >= least
