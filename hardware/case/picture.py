"""Pictures of the case: put together, and opened to show how its parts lie."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import vtk

Mesh = Any
"""A `trimesh.Trimesh`; the library carries no types."""

SIZE = (1600, 1200)


class Piece(NamedTuple):
    """One mesh of a picture: its colour (0 to 1) and how far it is lifted (mm)."""

    mesh: Mesh
    colour: tuple[float, float, float]
    lift: float = 0.0
    shine: float = 0.15


def draw(pieces: Sequence[Piece], to: Path, *, above: float = 0.62, side: float = 0.35) -> None:
    """Draw the pieces as seen by a person in front of the counter; `above` and `side` turn."""
    scene = vtk.vtkRenderer()
    scene.SetBackground(0.965, 0.965, 0.95)
    for piece in pieces:
        scene.AddActor(_actor(piece))
    window = vtk.vtkRenderWindow()
    window.SetOffScreenRendering(1)
    window.SetMultiSamples(8)
    window.SetSize(*SIZE)
    window.AddRenderer(scene)
    _light(scene)
    camera = scene.GetActiveCamera()
    camera.SetPosition(side, -1.0, above * 2)
    camera.SetFocalPoint(0, 0, 0)
    camera.SetViewUp(0, 0, 1)
    camera.SetViewAngle(22)
    scene.ResetCamera()
    camera.Zoom(1.04)
    scene.ResetCameraClippingRange()
    window.Render()
    _save(window, to)


def _actor(piece: Piece) -> Any:
    points = vtk.vtkPoints()
    for x, y, z in piece.mesh.vertices:
        points.InsertNextPoint(x, y, z + piece.lift)
    faces = vtk.vtkCellArray()
    for corners in piece.mesh.faces:
        faces.InsertNextCell(3)
        for corner in corners:
            faces.InsertCellPoint(int(corner))
    surface = vtk.vtkPolyData()
    surface.SetPoints(points)
    surface.SetPolys(faces)
    clean = vtk.vtkPolyDataNormals()
    clean.SetInputData(surface)
    clean.SetFeatureAngle(30)
    mapper = vtk.vtkPolyDataMapper()
    mapper.SetInputConnection(clean.GetOutputPort())
    actor = vtk.vtkActor()
    actor.SetMapper(mapper)
    looks = actor.GetProperty()
    looks.SetColor(*piece.colour)
    looks.SetAmbient(0.22)
    looks.SetDiffuse(0.68)
    looks.SetSpecular(piece.shine)
    looks.SetSpecularPower(18)
    return actor


def _light(scene: Any) -> None:
    scene.RemoveAllLights()
    for place, strength in (((-60, -140, 220), 0.8), ((200, -60, 120), 0.3), ((0, 220, 160), 0.22)):
        light = vtk.vtkLight()
        light.SetPosition(*place)
        light.SetFocalPoint(42, -61, 0)
        light.SetIntensity(strength)
        scene.AddLight(light)


def _save(window: Any, to: Path) -> None:
    picture = vtk.vtkWindowToImageFilter()
    picture.SetInput(window)
    picture.ReadFrontBufferOff()
    writer = vtk.vtkPNGWriter()
    writer.SetFileName(str(to))
    writer.SetCompressionLevel(9)
    writer.SetInputConnection(picture.GetOutputPort())
    writer.Write()
