"""Pins never say more than is known; areas are those of the model, up to the walls."""

from __future__ import annotations

import numpy as np
import pyproj
import pytest
import shapely

from coverage.sight import build_walls
from live.eyes import camera_frame, standing
from live.health import STATES
from live.pins import NEVER, SHOWING, Status, cones, counts, degrees, geojson, pins, state_now
from planning.city import City
from planning.deploy import deploy
from planning.deployed import NO_FEED, Deployment, Feed
from planning.nouns import Plan


def hung(id: str, model: str, **more: object) -> Deployment:  # noqa: A002
    """A camera somewhere."""
    values = {"bearing_deg": 90.0, "feed": NO_FEED, **more}
    return Deployment(id=id, city="toy", title="", lat=22.05, lon=81.5, height_m=6.0, model=model, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize("state", STATES)
def test_no_old_state_is_drawn_as_live(state: str) -> None:
    """What says what a picture shows is stale once the picture is; what says that there is none stays."""
    fresh, old = Status(state, 5.0, seen_s=100.0, good_s=4.0), Status(state, 5.0, seen_s=None)
    assert state_now(fresh, 103.9) == (state, 5.0)
    later = state_now(fresh, 104.1)
    assert later == (("stale", 100.0) if state in SHOWING else (state, 5.0))
    assert (state_now(old, 0.0)[0] == "stale") is (state in SHOWING or state == "stale")


def test_a_camera_nobody_heard_of_is_never_seen() -> None:
    """Also on other maps."""
    (feature,) = geojson([hung("a", "bullet-4mp")], {}, 100.0)["features"]
    assert state_now(NEVER, 1e9) == ("never_seen", 0.0)
    assert (feature["properties"]["state"], feature["geometry"]["coordinates"]) == ("never_seen", [81.5, 22.05])
    assert "url" not in str(feature)


def test_pins_tell_what_a_camera_is() -> None:
    """The model's own field of view where none is on record, its kind, whether there is a feed; no address of a camera."""
    rows = pins([
        hung("a", "bullet-4mp"), hung("b", "ptz dome", hfov_deg=60.0, feed=Feed("rtsp", "rtsp://10.0.0.9/x"), contractor="X"), hung("c", ""),
    ])  # fmt: skip
    assert [(row["hfov"], row["kind"], row["feed"]) for row in rows] == [(96.0, "fixed", False), (60.0, "ptz", True), (None, "unknown", False)]
    assert rows[0]["title"] == "a"
    assert "10.0.0.9" not in str(rows)


def test_states_are_counted_the_worst_first() -> None:
    """None without a camera."""
    assert list(counts(["live", "dark", "live", "offline"]).items()) == [("offline", 1), ("dark", 1), ("live", 2)]


def test_areas_are_those_the_plan_drew(town: City, plan: Plan) -> None:
    """The built plan's cameras see, on the map, what the plan said; in degrees they lie where the cameras hang."""
    deployments = [deploy(plan, camera.id) for camera in plan.cameras]
    walls = build_walls(town["buildings"], (float(np.floor(town.area.bounds[0])), float(np.floor(town.area.bounds[1]))))
    areas = cones(walls, standing(town, deployments))
    drawn = {str(row.camera): row.geometry for row in plan.views[plan.views["planned"]].itertuples()}
    assert set(areas) == {one.id for one in deployments}
    for one in deployments:
        area, planned = areas[one.id], drawn[one.planned]
        assert area.symmetric_difference(planned).area < 0.02 * planned.area
        (turned,) = degrees(town, [area])
        assert turned.distance(shapely.Point(one.lon, one.lat)) < 1e-3


def test_deployments_become_cameras_of_the_city(town: City) -> None:
    """At their places, with the catalogue's models only; none make an empty layer."""
    frame = camera_frame(town, [hung("a", "varifocal-4mp"), hung("b", "PTZ", bearing_deg=None)])
    assert list(frame["kind"]) == ["fixed", "ptz"]
    assert list(frame["model"]) == ["varifocal-4mp", None]
    assert np.isnan(frame["bearing_deg"].iloc[1])
    lon, lat = pyproj.Transformer.from_crs(town.crs, 4326, always_xy=True).transform(frame.geometry.iloc[0].x, frame.geometry.iloc[0].y)
    assert (lon, lat) == (pytest.approx(81.5), pytest.approx(22.05))
    assert len(camera_frame(town, [])) == 0
    assert standing(town, []).ids == ()
