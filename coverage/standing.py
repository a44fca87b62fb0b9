"""Cameras that already stand: what each is taken to be where its record is silent, and where it really can stand.

A record's model, bearing, field of view and height are used as given; what is missing comes from data/standing.toml and is counted. A camera
recorded inside a building whose roof is above it is moved to the nearest wall, just outside, and that is told: it hangs on that wall.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from coverage.optics import focal_px
from coverage.poses import EYE_M, Head, Poses, make_head
from coverage.sight import Floats
from planning.errors import ScenarioError
from planning.nouns import CameraModel, Lens, PlannedCamera

DEFAULTS = Path(__file__).resolve().parent.parent / "data" / "standing.toml"
OFF_WALL_M = 0.3


@dataclass(frozen=True, eq=False)
class Standing:
    """The cameras as they are taken to be: where (n, 2) [m], aimed how (`poses`, one a row, `site` its row), and sentences on what was assumed."""

    ids: tuple[str, ...]
    points_m: Floats
    poses: Poses
    notes: tuple[str, ...]


def load_defaults(path: str | Path = DEFAULTS) -> dict[str, object]:
    """The assumptions on existing cameras, as in data/standing.toml."""
    with Path(path).open("rb") as stream:
        return tomllib.load(stream)


def stand(
    cameras: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame, models: Mapping[str, CameraModel], px_per_m: float, *, by_night: bool = False,
    target_m: float = EYE_M,
) -> Standing:  # fmt: skip
    """Existing cameras as poses at points of their own.

    Parameters
    ----------
    cameras, buildings: the city's frames.
    models: the catalogue.
    px_per_m: pixel density asked for [px/m].
    by_night: limits the reach to the night range.

    Raises
    ------
    ScenarioError: `camera.model`, where a camera names a model the catalogue lacks; it lists all of them.
    """
    defaults = load_defaults()
    by_kind = defaults["model"]
    assert isinstance(by_kind, dict)
    named = cameras["model"].to_numpy(dtype=object)
    unknown = sorted({str(model) for model in named if model is not None and model not in models})
    if unknown:
        raise ScenarioError.one(
            "camera.model", "Existing cameras name models the catalogue lacks", "Add them to data/cameras.toml", ", ".join(unknown)
        )
    points, moved = _outside(cameras, buildings)
    heads: list[Head] = []
    rows, bearings = [], []
    silent = {"model": 0, "height": 0, "bearing": 0}
    blind = 0
    for row, camera in enumerate(cameras.itertuples()):
        model = models[str(camera.model)] if camera.model is not None else models[str(by_kind.get(camera.kind, by_kind["unknown"]))]
        height = float(camera.height_m) if np.isfinite(camera.height_m) and camera.height_m > 0 else float(str(defaults["height_m"]))
        known = bool(np.isfinite(camera.bearing_deg))
        silent["model"] += camera.model is None
        silent["height"] += not (np.isfinite(camera.height_m) and camera.height_m > 0)
        silent["bearing"] += not known
        head = _head(model, float(camera.hfov_deg), known, height, px_per_m, by_night, float(str(defaults["unknown_bearing_hfov_deg"])), target_m)
        if head is None:
            blind += 1
            continue
        rows.append(row)
        heads.append(head)
        bearings.append(float(camera.bearing_deg) % 360.0 if known else 0.0)
    notes = [
        f"{count} of {len(cameras)} existing cameras have no {what} on record; data/standing.toml says what is assumed"
        for what, count in silent.items()
        if count
    ]
    if blind:
        notes.append(f"{blind} existing cameras reach nothing at {px_per_m:g} px/m")
    if moved:
        notes.append(f"{moved} existing cameras are recorded inside a building and were moved to just outside its nearest wall")
    site: npt.NDArray[np.int32] = np.array(rows, dtype=np.int32)
    poses = Poses(tuple(heads), site, np.arange(len(heads)).astype(np.int32), np.array(bearings, dtype=np.float64))
    return Standing(tuple(str(label) for label in cameras.index), points, poses, tuple(notes))


def planned(
    cameras: Sequence[PlannedCamera], models: Mapping[str, CameraModel], px_per_m: float, *, by_night: bool = False, target_m: float = EYE_M
) -> Standing:
    """A plan's cameras as if they stood, in the plan's order; those that reach nothing at this level are left out and counted.

    Parameters
    ----------
    models: the catalogue.
    px_per_m: pixel density asked for, which may be another than the plan's [px/m].
    by_night: limits the reach to the night range.
    target_m: height of what is to be seen [m].

    Raises
    ------
    ScenarioError: `camera.model`, where a camera's model or lens is not the catalogue's; it lists all of them.
    """
    lost = sorted({f"{camera.model}/{camera.lens}" for camera in cameras if camera.lens not in range(_lenses(models, camera.model))})
    if lost:
        raise ScenarioError.one("camera.model", "Planned cameras are of models the catalogue lacks", "Plan again", ", ".join(lost))
    heads = [make_head(models[c.model], c.lens, c.height_m, px_per_m, by_night=by_night, target_m=target_m) for c in cameras]
    reaching = [row for row, head in enumerate(heads) if head is not None]
    site: npt.NDArray[np.int32] = np.array(reaching, dtype=np.int32)
    bearings = np.array([cameras[row].bearing_deg for row in reaching], dtype=np.float64)
    points = np.array([(camera.x_m, camera.y_m) for camera in cameras], dtype=np.float64).reshape(-1, 2)
    notes = (f"{len(cameras) - len(reaching)} planned cameras reach nothing at {px_per_m:g} px/m",) if len(reaching) < len(cameras) else ()
    poses = Poses(tuple(head for head in heads if head is not None), site, np.arange(len(reaching)).astype(np.int32), bearings)
    return Standing(tuple(camera.id for camera in cameras), points, poses, notes)


def together(*groups: Standing) -> Standing:
    """Several groups of cameras as one, in the order given."""
    heads = tuple(head for group in groups for head in group.poses.heads)
    points = np.concatenate([group.points_m.reshape(-1, 2) for group in groups])
    before = np.cumsum([0, *(len(group.ids) for group in groups)])
    above = np.cumsum([0, *(len(group.poses.heads) for group in groups)])
    site = np.concatenate([group.poses.site + before[k] for k, group in enumerate(groups)]).astype(np.int32)
    head = np.concatenate([group.poses.head + above[k] for k, group in enumerate(groups)]).astype(np.int32)
    bearing = np.concatenate([group.poses.bearing_deg for group in groups])
    ids, notes = tuple(label for group in groups for label in group.ids), tuple(note for group in groups for note in group.notes)
    return Standing(ids, points, Poses(heads, site, head, bearing), notes)


def _lenses(models: Mapping[str, CameraModel], key: str) -> int:
    return len(models[key].lenses) if key in models else 0


def _head(
    model: CameraModel, hfov: float, known: bool, height: float, px_per_m: float, by_night: bool, round_deg: float, target_m: float
) -> Head | None:
    """The record's own field of view on the model's nearest lens; all round where it is not known where the camera looks."""
    lens = model.lenses[0]
    if np.isfinite(hfov) and hfov > 0:
        lens = min(model.lenses, key=lambda setting: abs(setting.hfov_deg - hfov))
        lens = Lens(min(hfov, 360.0), lens.vfov_deg)
    view = CameraModel(**{**{name: getattr(model, name) for name in model.__dataclass_fields__}, "lenses": (lens,)})
    head = make_head(view, 0, height, px_per_m, by_night=by_night, target_m=target_m)
    if head is None or known:
        return head
    return Head(
        **{
            **{name: getattr(head, name) for name in head.__dataclass_fields__},
            "hfov_deg": round_deg,
            "focal_px": focal_px(model.width_px, lens.hfov_deg),
        }
    )


def _outside(cameras: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame) -> tuple[Floats, int]:
    """Positions (n, 2), those inside a building taller than the mount put just outside its nearest wall; and how many were moved."""
    points: Floats = shapely.get_coordinates(cameras.geometry.array).astype(float)
    given = cameras["height_m"].to_numpy(dtype=np.float64)
    heights = np.where(given > 0, given, float(str(load_defaults()["height_m"])))
    moved = walled_in(points, heights, buildings.geometry.to_numpy(), buildings["height_m"].to_numpy(dtype=np.float64))
    return step_out(points, heights, buildings.geometry.to_numpy(), buildings["height_m"].to_numpy(dtype=np.float64), moved), len(moved)


def walled_in(points_m: Floats, height_m: Floats, shapes: npt.NDArray[np.object_], roof_m: Floats) -> npt.NDArray[np.int64]:
    """The rows of points (n, 2) that lie inside a footprint whose roof is above their height (n,)."""
    if not len(points_m) or not len(shapes):
        return np.empty(0, dtype=np.int64)
    inside, within = shapely.STRtree(shapes).query(shapely.points(points_m), predicate="within")
    rows: npt.NDArray[np.int64] = np.unique(inside[roof_m[within] > height_m[inside]]).astype(np.int64)
    return rows


def step_out(
    points_m: Floats, height_m: Floats, shapes: npt.NDArray[np.object_], roof_m: Floats, rows: npt.NDArray[np.int64]
) -> Floats:  # fmt: skip
    """The points (n, 2), those of these rows put just outside the nearest wall of what they are walled in by."""
    points = points_m.copy()
    tree = shapely.STRtree(shapes)
    for row in rows:
        here = points[row].copy()
        solid = tree.query(shapely.Point(here), predicate="within")
        solid = solid[roof_m[solid] > height_m[row]]
        while True:
            points[row] = _off_wall(here, shapely.union_all(shapes[solid]))
            # In a row of houses the nearest wall may be the neighbour's too: then the neighbour is one more to get out of.
            next_door = tree.query(shapely.Point(points[row]), predicate="within")
            next_door = np.setdiff1d(next_door[roof_m[next_door] > height_m[row]], solid)
            if not len(next_door):
                break
            solid = np.concatenate([solid, next_door])
    return points


def _off_wall(here: Floats, solid: shapely.Geometry) -> Floats:
    """The point just outside the wall of `solid` nearest to `here`, which lies within it (2,)."""
    foot = shapely.get_coordinates(shapely.shortest_line(shapely.Point(here), shapely.boundary(solid)))[1]
    step = foot - here
    off: Floats = foot + step / max(float(np.hypot(*step)), 1e-12) * OFF_WALL_M
    return off
