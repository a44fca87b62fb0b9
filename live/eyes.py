"""Deployed cameras as `coverage` knows cameras: each at its place, with its model's picture, where it looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pyproj
import shapely

from coverage.poses import EYE_M, Poses
from coverage.standing import Standing, stand
from planning.catalogue import load_levels, load_models
from planning.city import City
from planning.deployed import Deployment
from planning.frames import conform, empty
from planning.tags import camera_kind

LEVEL = "observation"  # at which cameras are taken to be aimed, where no plan says another


def camera_frame(city: City, deployments: Sequence[Deployment]) -> gpd.GeoDataFrame:
    """Deployments in the schema of the layer of existing cameras, by id, in the order given, in the city's CRS."""
    if not deployments:
        return empty("cameras", city.crs)
    known = load_models()
    x, y = pyproj.Transformer.from_crs(4326, city.crs, always_xy=True).transform([one.lon for one in deployments], [one.lat for one in deployments])
    frame = gpd.GeoDataFrame(
        {
            "kind": [known[one.model].kind if one.model in known else camera_kind(one.model) for one in deployments],
            "bearing_deg": [one.bearing_deg for one in deployments], "hfov_deg": [one.hfov_deg for one in deployments],
            "height_m": [one.height_m for one in deployments], "mount": None,
            "model": [one.model if one.model in known else None for one in deployments],
            "junction": [one.title or None for one in deployments], "source": "deployments",
        },
        index=[one.id for one in deployments], geometry=shapely.points(x, y), crs=city.crs,
    )  # fmt: skip
    frame["kind"] = frame["kind"].replace({"varifocal": "fixed"})
    return conform(frame, "cameras")


def turned(cameras: Standing, camera: str, bearing_deg: float) -> Standing:
    """One of the cameras alone, turned to a bearing [deg]; none of them where there is no such camera, or it reaches nothing."""
    poses = cameras.poses
    rows = np.flatnonzero([cameras.ids[site] == camera for site in poses.site])
    alone = Poses(poses.heads, poses.site[rows], poses.head[rows], np.full(len(rows), bearing_deg))
    return replace(cameras, poses=alone)


def standing(city: City, deployments: Sequence[Deployment], *, level: str = LEVEL, by_night: bool = False, target_m: float = EYE_M) -> Standing:
    """Deployments as poses, in the order given.

    Parameters
    ----------
    level: key of data/levels.toml at which they are aimed.
    by_night: limits the reach to each model's night range.
    target_m: height of what is to be seen [m].
    """
    px_per_m = load_levels()[level].px_per_m
    return stand(camera_frame(city, deployments), city["buildings"], load_models(), px_per_m, by_night=by_night, target_m=target_m)
