"""The board in KiCad: parts placed, tracks laid, ground poured, silk printed, saved."""

from __future__ import annotations

import importlib
import math
from pathlib import Path
from typing import Any

from hardware.board import circuit, graphics
from hardware.board.circuit import COMPONENTS, GROUND, Component
from hardware.board.parts import LIGHT
from hardware.board.placement import COIL_KEEP_OUT, PLACES, SLIT_CROSSED_BY, SLIT_X
from hardware.board.router import DRILL, VIA, Area, Pad, Router, Track, Via, route
from hardware.board.sexpr import identity
from hardware.board.shape import SHAPE

pcbnew: Any = importlib.import_module("pcbnew")

LIBRARIES = Path("/usr/share/kicad/footprints")
EDGE = 0.5  # copper's distance from the board's edge
WIDTHS = {"+5V": 0.8, "VBUS": 0.8, "+3V3": 0.4}
SIGNAL = 0.25
GROUND_WIDTH = 0.4
_SEED = 1
_LAYERS = {
    graphics.FRONT: pcbnew.F_SilkS,
    graphics.BACK: pcbnew.B_SilkS,
    "Edge.Cuts": pcbnew.Edge_Cuts,
}


def mm(value: float) -> int:
    """Millimetres in KiCad's nanometres."""
    return round(value * 1e6)


def spot(x: float, y: float) -> Any:
    return pcbnew.wxPoint(mm(x), mm(y))


def forbidden(net: str, x: float, y: float, margin: float) -> bool:
    """Where no copper may be: beyond the edge, over the coil, in the slit, at the screws."""
    edge = EDGE + margin
    if not (edge <= x <= SHAPE.width - edge and edge <= y <= SHAPE.height - edge):
        return True
    coil = SHAPE.antenna.centre
    if math.hypot(x - coil.x, y - coil.y) < COIL_KEEP_OUT + margin:
        return True
    in_slit = SLIT_X[0] - margin < x < SLIT_X[1] + margin and y > coil.y
    if in_slit and net != SLIT_CROSSED_BY:
        return True
    return any(
        math.hypot(x - hole.centre.x, y - hole.centre.y) < hole.keep_clear / 2 + margin
        for hole in SHAPE.holes
    )


def under_test_pads(x: float, y: float) -> bool:
    """The Pico's lower face has bare pads at its USB end (data sheet §2.1): no holes under them."""
    return abs(x - SHAPE.usb.x) < 5.5 and y < 11.0


class Maker:
    """Builds one board."""

    def __init__(self, libraries: Path) -> None:
        pcbnew.KIID.SeedGenerator(_SEED)  # the same identities in every run
        self.board = pcbnew.BOARD()
        self.own = libraries
        self.nets: dict[str, Any] = {}

    def make(self) -> Any:
        """The whole board."""
        self._rules()
        self._add_nets()
        for part in COMPONENTS.values():
            self._put(part)
        self._outline()
        for rect in (self._coil(), self._slit()):
            self._keep_out(rect)
        router = self._route()
        for track in router.result.tracks:
            self._track(track)
        for via in router.result.vias:
            self._via(via)
        for printed in graphics.all_prints():
            self._print(printed)
        for layer in (pcbnew.F_Cu, pcbnew.B_Cu):
            self._pour(layer)
        return self.board

    def _rules(self) -> None:
        settings = self.board.GetDesignSettings()
        settings.SetBoardThickness(mm(SHAPE.thickness))
        settings.m_CopperEdgeClearance = mm(EDGE)
        settings.m_MinClearance = mm(0.2)
        settings.m_MaxError = mm(0.02)  # round corners of the pour in fewer pieces
        settings.m_TrackMinWidth = mm(0.2)
        settings.m_ViasMinSize = mm(VIA)
        block = self.board.GetTitleBlock()
        block.SetTitle(circuit.NAME)
        block.SetDate(circuit.DATE)
        block.SetRevision(circuit.REVISION)
        self.board.SetTitleBlock(block)

    def _add_nets(self) -> None:
        names = set(circuit.nets())
        for part in COMPONENTS.values():
            names |= {_net(part, pin.number) for pin in part.kind.pins}
        for name in sorted(names):
            item = pcbnew.NETINFO_ITEM(self.board, name)
            self.board.Add(item)
            self.nets[name] = item

    # -- parts ---------------------------------------------------------------------------------

    def _put(self, part: Component) -> None:
        library, name = part.kind.footprint.split(":")
        folder = self.own if library == "taptill" else LIBRARIES / f"{library}.pretty"
        footprint = pcbnew.FootprintLoad(str(folder), name)
        place = PLACES[part.reference]
        footprint.SetFPID(pcbnew.LIB_ID(library, name))
        footprint.SetReference(part.reference)
        footprint.SetValue(part.kind.value)
        footprint.SetPath(pcbnew.KIID_PATH("/" + identity("symbol", part.reference)))
        footprint.SetPosition(spot(place.x, place.y))
        self.board.Add(footprint)
        if place.below:
            footprint.Flip(footprint.GetPosition(), True)
        footprint.SetOrientationDegrees(place.turn + (180 if place.below else 0))
        for pad in footprint.Pads():
            if pad.GetNumber():
                pad.SetNet(self.nets[_net(part, pad.GetNumber())])
        self._name(footprint, part)

    def _name(self, footprint: Any, part: Component) -> None:
        """The reference on the silk, small; none where it would say nothing."""
        place = PLACES[part.reference]
        text = footprint.Reference()
        text.SetTextSize(pcbnew.wxSize(mm(0.8), mm(0.8)))
        text.SetTextThickness(mm(0.13))
        text.SetPosition(spot(place.x + place.name_x, place.y + place.name_y))
        text.SetKeepUpright(False)
        text.SetTextAngle(10 * place.name_turn - footprint.GetOrientation())
        text.SetVisible(part.kind.symbol not in ("Hole", "TestPoint"))
        footprint.Value().SetVisible(False)
        if part.kind is LIGHT:  # its "1" would lie on the capacitor; the outline's corner says it
            for item in list(footprint.GraphicalItems()):
                if item.GetClass() == "MTEXT" and item.GetLayer() == pcbnew.F_SilkS:
                    footprint.Remove(item)

    # -- shapes --------------------------------------------------------------------------------

    def _outline(self) -> None:
        w, h, r = SHAPE.width, SHAPE.height, SHAPE.corner_radius
        sides: tuple[tuple[tuple[float, float], tuple[float, float]], ...] = (
            ((r, 0), (w - r, 0)),
            ((w, r), (w, h - r)),
            ((w - r, h), (r, h)),
            ((0, h - r), (0, r)),
        )
        for start, end in sides:
            self._line("Edge.Cuts", start, end, 0.1)
        for x, y, from_angle in ((w - r, r, 270), (w - r, h - r, 0), (r, h - r, 90), (r, r, 180)):
            arc = pcbnew.PCB_SHAPE(self.board, pcbnew.SHAPE_T_ARC)
            angle = math.radians(from_angle)
            arc.SetCenter(spot(x, y))
            arc.SetStart(spot(x + r * math.cos(angle), y + r * math.sin(angle)))
            arc.SetArcAngleAndEnd(900)
            arc.SetLayer(pcbnew.Edge_Cuts)
            arc.SetWidth(mm(0.1))
            self.board.Add(arc)

    def _line(
        self, layer: str, start: tuple[float, float], end: tuple[float, float], width: float
    ) -> None:
        line = pcbnew.PCB_SHAPE(self.board, pcbnew.SHAPE_T_SEGMENT)
        line.SetStart(spot(*start))
        line.SetEnd(spot(*end))
        line.SetLayer(_LAYERS[layer])
        line.SetWidth(mm(width))
        self.board.Add(line)

    @staticmethod
    def _coil() -> list[tuple[float, float]]:
        centre, radius = SHAPE.antenna.centre, COIL_KEEP_OUT
        angles = [2 * math.pi * i / 72 for i in range(72)]
        return [(centre.x + radius * math.cos(a), centre.y + radius * math.sin(a)) for a in angles]

    @staticmethod
    def _slit() -> list[tuple[float, float]]:
        left, right = SLIT_X
        top = SHAPE.antenna.centre.y + COIL_KEEP_OUT - 3
        return [(left, top), (right, top), (right, SHAPE.height + 1), (left, SHAPE.height + 1)]

    def _area(self, corners: list[tuple[float, float]]) -> Any:
        zone = pcbnew.ZONE(self.board)
        chain = zone.Outline()
        chain.NewOutline()
        for x, y in corners:
            chain.Append(mm(x), mm(y))
        return zone

    def _keep_out(self, corners: list[tuple[float, float]]) -> None:
        """No pour and no vias; over the coil no tracks either."""
        zone = self._area(corners)
        zone.SetIsRuleArea(True)
        zone.SetDoNotAllowCopperPour(True)
        zone.SetDoNotAllowVias(True)
        over_coil = len(corners) > 4
        zone.SetDoNotAllowTracks(over_coil)
        zone.SetDoNotAllowPads(over_coil)
        zone.SetDoNotAllowFootprints(False)
        layers = pcbnew.LSET()
        layers.AddLayer(pcbnew.F_Cu)
        layers.AddLayer(pcbnew.B_Cu)
        zone.SetLayerSet(layers)
        zone.SetZoneName("coil" if over_coil else "slit")
        self.board.Add(zone)

    def _pour(self, layer: int) -> None:
        """Ground over the whole side; its corners are cut where the outline is round."""
        cut = SHAPE.corner_radius * 0.6
        e, w, h = EDGE, SHAPE.width, SHAPE.height
        corners = [(e + cut, e), (w - e - cut, e), (w - e, e + cut), (w - e, h - e - cut)]
        corners += [(w - e - cut, h - e), (e + cut, h - e), (e, h - e - cut), (e, e + cut)]
        zone = self._area(corners)
        zone.SetLayer(layer)
        zone.SetNet(self.nets[GROUND])
        zone.SetLocalClearance(mm(0.25))
        zone.SetMinThickness(mm(0.25))
        zone.SetThermalReliefGap(mm(0.3))
        zone.SetThermalReliefSpokeWidth(mm(0.4))
        zone.SetPadConnection(pcbnew.ZONE_CONNECTION_THERMAL)
        zone.SetIslandRemovalMode(pcbnew.ISLAND_REMOVAL_MODE_ALWAYS)
        zone.SetZoneName("ground")
        self.board.Add(zone)

    # -- copper --------------------------------------------------------------------------------

    def _pads(self) -> list[Pad]:
        found = []
        for footprint in self.board.GetFootprints():
            for pad in footprint.Pads():
                if not pad.GetNumber():
                    continue
                copper = (pcbnew.F_Cu, pcbnew.B_Cu)
                layers = tuple(i for i in (0, 1) if pad.IsOnLayer(copper[i]))
                at, size = pad.GetPosition(), pad.GetSize()
                found.append(
                    Pad(
                        pad.GetNetname(),
                        at.x / 1e6,
                        at.y / 1e6,
                        size.x / 1e6,
                        size.y / 1e6,
                        pad.GetOrientation() / 10,
                        layers,
                    )
                )
        return sorted(found, key=lambda pad: (pad.net, pad.x, pad.y, pad.layers))

    def _route(self) -> Router:
        pads = self._pads()
        real = circuit.nets()
        widths = {net: WIDTHS.get(net, SIGNAL) for net in {pad.net for pad in pads}}
        widths[GROUND] = GROUND_WIDTH
        chain = [net for net in real if net.startswith("/L")]
        others = [net for net in real if net not in (*chain, *WIDTHS, GROUND)]
        order = [*chain, "VBUS", "+5V", "+3V3", *others]
        area = Area(SHAPE.width, SHAPE.height, forbidden, under_test_pads)
        router = route(area, pads, widths, order)
        for pad in pads:
            if pad.net == GROUND and len(pad.layers) == 1:
                router.drop(GROUND, pad, GROUND_WIDTH)
        for y in range(3, int(SHAPE.height), 6):
            for x in range(3, int(SHAPE.width), 6):
                if not self._printed_near(x, y):
                    router.stitch(GROUND, x, y)
        return router

    def _printed_near(self, x: float, y: float) -> bool:
        """Whether a part's printed name is here: a hole would spoil it."""
        return any(
            math.hypot(place.x + place.name_x - x, place.y + place.name_y - y) < 2.0
            for place in PLACES.values()
        )

    def _track(self, track: Track) -> None:
        item = pcbnew.PCB_TRACK(self.board)
        item.SetStart(spot(track.x, track.y))
        item.SetEnd(spot(track.x2, track.y2))
        item.SetWidth(mm(track.width))
        item.SetLayer((pcbnew.F_Cu, pcbnew.B_Cu)[track.layer])
        item.SetNet(self.nets[track.net])
        self.board.Add(item)

    def _via(self, via: Via) -> None:
        item = pcbnew.PCB_VIA(self.board)
        item.SetPosition(spot(via.x, via.y))
        item.SetWidth(mm(VIA))
        item.SetDrill(mm(DRILL))
        item.SetNet(self.nets[via.net])
        self.board.Add(item)

    def _print(self, printed: graphics.Print) -> None:
        if isinstance(printed, graphics.Line):
            for i in range(len(printed.points) - 1):
                ends = (printed.points[i], printed.points[i + 1])
                self._line(printed.layer, *ends, printed.width)
            return
        text = pcbnew.PCB_TEXT(self.board)
        text.SetText(printed.text)
        text.SetPosition(spot(printed.x, printed.y))
        text.SetLayer(_LAYERS[printed.layer])
        text.SetTextSize(pcbnew.wxSize(mm(printed.size), mm(printed.size)))
        text.SetTextThickness(mm(printed.weight))
        text.SetTextAngle(10 * printed.turn)
        text.SetMirrored(printed.layer == graphics.BACK)
        text.SetHorizJustify(
            {
                -1: pcbnew.GR_TEXT_HJUSTIFY_LEFT,
                0: pcbnew.GR_TEXT_HJUSTIFY_CENTER,
                1: pcbnew.GR_TEXT_HJUSTIFY_RIGHT,
            }[printed.justify]
        )
        self.board.Add(text)


def _net(part: Component, number: str) -> str:
    """A pin's net; a pin that nothing joins has KiCad's own name for that."""
    return part.nets.get(number) or f"unconnected-({part.reference}-Pad{number})"


def build(path: Path) -> Any:
    """Make the board, save it at `path`, and pour its ground; the library stands beside it."""
    pcbnew.SaveBoard(str(path), Maker(path.parent / "taptill.pretty").make())
    board = pcbnew.LoadBoard(str(path))  # the filler wants a board that has a project
    board.BuildConnectivity()
    pcbnew.ZONE_FILLER(board).Fill(board.Zones())
    pcbnew.SaveBoard(str(path), board)
    return board
