"""Deployments and their states as what a map draws: pins that never say more than is known, and what each camera sees as an area.

What is known of a camera is good for a while only. After that its pin is stale, whatever it said before: nothing old is drawn as live.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyproj
import shapely

from coverage.poses import EYE_M
from coverage.sight import Walls
from coverage.standing import Standing
from coverage.views import view_areas
from live.health import STATES
from live.steering import steers
from planning.catalogue import load_models
from planning.city import City
from planning.deployed import Deployment
from planning.tags import camera_kind

# states that say what a picture shows, and so end with it
SHOWING = ("live", "frozen", "dark", "covered", "moved")


@dataclass(frozen=True)
class Status:
    """What is known of a camera: its state, since when, when it last sent a picture, for how long that is good, and the measure that says so.

    Times in seconds since 1970; `seen_s` is None where it never sent any. `clock_s`: how far its own clock is ahead [s], None while it is right
    enough or not told.
    """

    state: str
    since_s: float
    seen_s: float | None = None
    good_s: float = 4.0
    measure: str = ""
    clock_s: float | None = None


NEVER = Status("never_seen", 0.0)


def state_now(status: Status, now_s: float) -> tuple[str, float]:
    """The state to draw, of `live.health.STATES`, and since when: stale once what was known is too old."""
    if status.state in SHOWING:
        if status.seen_s is None:
            return "stale", status.since_s
        if now_s - status.seen_s > status.good_s:
            return "stale", status.seen_s
    return status.state, status.since_s


def pins(deployments: Sequence[Deployment]) -> list[dict[str, Any]]:
    """What of each camera does not change from moment to moment, a row each: id, title, lat, lon [deg], bearing and hfov [deg, None where unknown],
    height [m], model, kind, contractor, serial, whether it has a feed, a mask, and can be steered.
    """
    models = load_models()
    rows = []
    for one in deployments:
        model = models.get(one.model)
        hfov = one.hfov_deg if one.hfov_deg is not None else model.lenses[0].hfov_deg if model is not None else None
        rows.append(
            {
                "id": one.id, "title": one.title or one.id, "lat": one.lat, "lon": one.lon, "bearing": one.bearing_deg, "hfov": hfov,
                "height": one.height_m, "model": one.model, "kind": model.kind if model is not None else camera_kind(one.model),
                "contractor": one.contractor, "serial": one.serial, "feed": one.feed.kind != "none", "masked": bool(one.feed.mask),
                "steered": steers(one),
            }
        )  # fmt: skip
    return rows


def geojson(deployments: Sequence[Deployment], statuses: Mapping[str, Status], now_s: float) -> dict[str, Any]:
    """The pins as a GeoJSON FeatureCollection, each with its state now, for other maps."""
    features = []
    for row in pins(deployments):
        state, since_s = state_now(statuses.get(row["id"], NEVER), now_s)
        properties = {key: value for key, value in row.items() if key not in {"lat", "lon"}} | {"state": state, "since_s": since_s}
        features.append({"type": "Feature", "geometry": {"type": "Point", "coordinates": [row["lon"], row["lat"]]}, "properties": properties})
    return {"type": "FeatureCollection", "features": features}


def counts(states: Sequence[str]) -> dict[str, int]:
    """How many cameras are in each state, the worst first; states without any are left out."""
    return {state: states.count(state) for state in STATES if state in states}


def cones(walls: Walls, cameras: Standing, *, target_m: float = EYE_M) -> dict[str, shapely.Geometry]:
    """What each camera sees as an area in the city's CRS, up to where walls hide the street; cameras that reach nothing are left out.

    Parameters
    ----------
    cameras: of `live.eyes.standing`. target_m: height of what is to be seen [m].
    """
    areas = view_areas(walls, cameras.points_m, cameras.poses, target_m=target_m)
    return {cameras.ids[site]: area for site, area in zip(cameras.poses.site, areas, strict=True) if not area.is_empty}


def degrees(city: City, areas: Sequence[shapely.Geometry]) -> list[shapely.Geometry]:
    """Areas in the city's CRS, in degrees."""
    turn = pyproj.Transformer.from_crs(city.crs, 4326, always_xy=True)
    return [shapely.transform(area, lambda xy: np.column_stack(turn.transform(xy[:, 0], xy[:, 1]))) for area in areas]
