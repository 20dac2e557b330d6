"""The router joins what belongs together and keeps everything else apart."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardware.board.router import (
    BOTTOM,
    CLEARANCE,
    TOP,
    VIA,
    Area,
    NoWay,
    Pad,
    Router,
    Track,
    route,
)

WIDTH = 0.25


def free(net: str, x: float, y: float, margin: float) -> bool:
    """A board of 20 x 20 mm with nothing on it."""
    return not (margin <= x <= 20 - margin and margin <= y <= 20 - margin)


def pad(net: str, x: float, y: float, layers: tuple[int, ...] = (TOP,)) -> Pad:
    return Pad(net, x, y, 1.0, 1.0, 0.0, layers)


def lay(pads: list[Pad], area: Area | None = None) -> Router:
    nets = sorted({p.net for p in pads})
    return route(area or Area(20, 20, free), pads, dict.fromkeys(nets, WIDTH), nets)


def joined(router: Router, net: str, pads: list[Pad]) -> bool:
    """Whether tracks and vias of a net lead from each of its pads to every other."""
    tracks = [track for track in router.result.tracks if track.net == net]
    spots: dict[tuple[int, float, float], set[tuple[int, float, float]]] = {}

    def tie(one: tuple[int, float, float], other: tuple[int, float, float]) -> None:
        spots.setdefault(one, set()).add(other)
        spots.setdefault(other, set()).add(one)

    for track in tracks:
        ends = ((track.layer, track.x, track.y), (track.layer, track.x2, track.y2))
        tie(*ends)
        for other in tracks:  # one may end in the middle of another
            for end in ((other.x, other.y), (other.x2, other.y2)):
                if other.layer == track.layer and distance(*end, track) < 1e-6:
                    tie(ends[0], (other.layer, *end))
    for via in router.result.vias:
        if via.net == net:
            tie((TOP, via.x, via.y), (BOTTOM, via.x, via.y))
    wanted = [(p.layers[0], p.x, p.y) for p in pads if p.net == net]
    seen, queue = {wanted[0]}, [wanted[0]]
    while queue:
        for there in spots.get(queue.pop(), set()) - seen:
            seen.add(there)
            queue.append(there)
    return all(spot in seen for spot in wanted)


def distance(x: float, y: float, track: Track) -> float:
    dx, dy = track.x2 - track.x, track.y2 - track.y
    square = dx * dx + dy * dy
    t = max(0.0, min(1.0, ((x - track.x) * dx + (y - track.y) * dy) / square)) if square else 0.0
    return math.hypot(x - track.x - t * dx, y - track.y - t * dy)


def samples(track: Track) -> list[tuple[float, float]]:
    steps = max(1, int(math.hypot(track.x2 - track.x, track.y2 - track.y) / 0.1))
    return [
        (
            track.x + (track.x2 - track.x) * i / steps,
            track.y + (track.y2 - track.y) * i / steps,
        )
        for i in range(steps + 1)
    ]


def test_two_pads_are_joined_by_a_straight_track() -> None:
    router = lay([pad("a", 5, 5), pad("a", 15, 5)])
    assert router.result.vias == []
    assert router.result.tracks == [Track("a", TOP, 5.0, 5.0, 15.0, 5.0, WIDTH)]


def test_pads_on_both_sides_meet_through_a_via() -> None:
    pads = [pad("a", 5, 5), pad("a", 15, 5, (BOTTOM,))]
    router = lay(pads)
    assert len(router.result.vias) == 1
    assert joined(router, "a", pads)


def test_a_net_that_is_in_the_way_is_passed_below() -> None:
    wall = [pad("wall", 10, y) for y in (0.5, *range(1, 20), 19.5)]
    pads = [*wall, pad("a", 5, 10), pad("a", 15, 10)]
    router = lay(pads)
    assert joined(router, "a", pads)
    assert len([via for via in router.result.vias if via.net == "a"]) == 2


def test_a_pad_shut_in_on_both_sides_has_no_way() -> None:
    ring = [
        pad("ring", 10 + x, 10 + y, (TOP, BOTTOM))
        for x, y in itertools.product((-1.25, 0, 1.25), repeat=2)
        if (x, y) != (0, 0)
    ]
    with pytest.raises(NoWay):
        lay([*ring, pad("a", 10, 10), pad("a", 3, 3)])


def test_forbidden_ground_is_gone_round() -> None:
    def wall(net: str, x: float, y: float, margin: float) -> bool:
        return free(net, x, y, margin) or (9 - margin < x < 11 + margin and y > 4 - margin)

    pads = [pad("a", 5, 15), pad("a", 15, 15)]
    router = lay(pads, Area(20, 20, wall))
    assert joined(router, "a", pads)
    assert min(min(track.y, track.y2) for track in router.result.tracks) < 4


def test_a_hole_is_made_only_where_holes_may_be() -> None:
    pads = [pad("a", 5, 5), pad("a", 15, 5, (BOTTOM,))]
    router = lay(pads, Area(20, 20, free, lambda x, y: x < 14 or y > 4))
    (via,) = router.result.vias
    assert via.x >= 14
    assert via.y <= 4
    assert joined(router, "a", pads)


def test_ground_drops_beside_its_pad_and_is_stitched_where_it_may() -> None:
    pads = [pad("gnd", 5, 5), pad("a", 12, 12)]
    router = Router(Area(20, 20, free), pads, {"gnd": 0.4, "a": WIDTH})
    assert router.drop("gnd", pads[0], 0.4)
    (via,) = router.result.vias
    assert 0.5 + VIA / 2 <= math.hypot(via.x - 5, via.y - 5) < 2
    assert router.stitch("gnd", 17, 17)
    assert not router.stitch("gnd", 12, 12), "on a foreign pad"
    assert not router.stitch("gnd", 17, 17), "on a hole that is there"


spots = st.lists(
    st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=6, max_size=6, unique=True
)


@settings(max_examples=15, deadline=None)
@given(spots)
def test_nets_never_come_nearer_than_the_clearance(places: list[tuple[int, int]]) -> None:
    pads = [pad("abc"[i // 2], 2.0 * x, 2.0 * y) for i, (x, y) in enumerate(places)]
    router = lay(pads)
    for net in "abc":
        assert joined(router, net, pads)
    tracks = router.result.tracks
    for one, other in itertools.permutations(tracks, 2):
        if one.net != other.net and one.layer == other.layer:
            gap = min(distance(x, y, other) for x, y in samples(one)) - WIDTH
            assert gap > CLEARANCE - 1e-6
    for via, track in itertools.product(router.result.vias, tracks):
        if via.net != track.net:
            assert distance(via.x, via.y, track) - WIDTH / 2 - VIA / 2 > CLEARANCE - 1e-6


def test_the_same_board_is_laid_the_same_way() -> None:
    pads = [pad("a", 4, 4), pad("b", 4, 8), pad("a", 16, 12), pad("b", 16, 6)]
    assert lay(pads).result == lay(pads).result
