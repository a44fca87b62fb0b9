"""The schemas of our GeoDataFrames, columns documented as data. The frames themselves stay plain.

Every frame has a unique string index, one projected CRS in metres, and valid, non-empty geometry of its kind. pandera is imported where a frame
is checked, since its import costs seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from planning.errors import CityError, Fault

if TYPE_CHECKING:
    import pandera.pandas as pandera

POINT, LINE, AREA = ("Point",), ("LineString",), ("Polygon", "MultiPolygon")

ROAD_CLASSES = (
    "motorway", "trunk", "primary", "secondary", "tertiary", "residential", "unclassified", "living_street", "service", "pedestrian", "footway",
    "track",
)  # fmt: skip
HEIGHT_SOURCES = ("height", "levels", "local median", "default", "made", "given")
ZONE_KINDS = ("priority", "area", "no_mount", "no_view")


@dataclass(frozen=True)
class Column:
    """One column: its type, unit, what an empty cell means, the values allowed, and what it says."""

    name: str
    dtype: str
    unit: str
    meaning: str
    nullable: bool = False
    default: Any = None
    least: float | None = None
    most: float | None = None
    among: Sequence[str] | None = None


@dataclass(frozen=True)
class Schema:
    """A layer's geometry kinds and columns."""

    layer: str
    geometry: tuple[str, ...]
    columns: tuple[Column, ...]
    meaning: str


def _text(name: str, meaning: str, **more: Any) -> Column:
    return Column(name, "str", "", meaning, **more)


SCHEMAS: dict[str, Schema] = {
    schema.layer: schema
    for schema in (
        Schema("roads", LINE, (
            _text("name", "name as signed", nullable=True),
            _text("road_class", "kind of road; OSM highway without _link", among=ROAD_CLASSES),
            Column("width_m", "float", "m", "carriageway width, given or by class and lanes", least=1, most=100),
            _text("from_junction", "index of the junction it starts at"),
            _text("to_junction", "index of the junction it ends at"),
            Column("bridge", "bool", "", "on a bridge or flyover", default=False),
            Column("tunnel", "bool", "", "in a tunnel: never seen from above", default=False),
            Column("osm_id", "int", "", "OSM way, 0 where none", default=0),
        ), "pieces of street between two junctions"),
        Schema("junctions", POINT, (
            Column("degree", "int", "", "road ends that meet here", least=1),
            Column("signals", "bool", "", "has traffic signals", default=False),
            _text("name", "name of the junction or chowk", nullable=True),
        ), "where road pieces meet or end"),
        Schema("buildings", AREA, (
            Column("height_m", "float", "m", "roof above ground", least=0.5, most=900),
            _text("height_source", "how the height is known", among=HEIGHT_SOURCES),
            _text("kind", "use: yes, residential, commercial, school …", default="yes"),
            _text("name", "name", nullable=True),
        ), "footprints that block sight"),
        Schema("wards", AREA, (
            _text("name", "name or number as people say it"),
            Column("population", "float", "people", "residents", nullable=True, least=0),
        ), "electoral wards or their stand-in"),
        Schema("zones", AREA, (
            _text("kind", "priority (weighs more), area (watched off the roads too), no_mount, no_view", among=ZONE_KINDS),
            _text("name", "name", nullable=True),
            Column("weight", "float", "", "how much a priority zone weighs against others", default=1.0, least=0),
        ), "areas a committee drew"),
        Schema("places", POINT, (
            _text("kind", "school, college, hospital, market, bank, atm, bus_station, railway_station, police, worship …"),
            _text("name", "name", nullable=True),
        ), "where people gather"),
        Schema("incidents", POINT, (
            _text("category", "kind of incident, in the recipe's words or as reported"),
            Column("when", "datetime", "", "local time of the incident", nullable=True),
        ), "reported incidents, one row each"),
        Schema("cameras", POINT, (
            _text("kind", "fixed, dome, ptz, anpr, or unknown"),
            Column("bearing_deg", "float", "deg", "where it looks, clockwise from north", nullable=True, least=0, most=360),
            Column("hfov_deg", "float", "deg", "horizontal field of view", nullable=True, least=0, most=360),
            Column("height_m", "float", "m", "mount above ground", nullable=True, least=0, most=100),
            _text("mount", "pole, wall, street_lamp …", nullable=True),
            _text("model", "key in the camera catalogue", nullable=True),
            _text("junction", "name of the junction or site it belongs to", nullable=True),
            _text("source", "where the row comes from"),
        ), "cameras that already stand"),
        Schema("lamps", POINT, (
            _text("kind", "lamp or pole", among=("lamp", "pole")),
        ), "poles a camera could use"),
    )
}  # fmt: skip

_PANDAS = {"str": "object", "float": "float64", "int": "int64", "bool": "bool", "datetime": "datetime64[us]"}


def empty(layer: str, crs: pyproj.CRS | str) -> gpd.GeoDataFrame:
    """A frame of that layer without rows."""
    return conform(gpd.GeoDataFrame(geometry=[], crs=crs), layer)


def conform(frame: gpd.GeoDataFrame, layer: str) -> gpd.GeoDataFrame:
    """A copy with the schema's columns only, in order and type, missing ones at their default; index and geometry stay.

    Cells that cannot be of the column's type become empty; `check` then names them where they must not be.
    """
    schema = SCHEMAS[layer]
    columns: dict[str, Any] = {}
    for column in schema.columns:
        given = frame[column.name] if column.name in frame else pd.Series([column.default] * len(frame), index=frame.index, dtype=object)
        columns[column.name] = _cast(given, column)
    index = pd.Index([str(label) for label in frame.index], dtype=object, name="id")
    # Spelled out, since pandas would turn text without gaps into a dtype of its own.
    data = pd.DataFrame({name: pd.Series(values.to_numpy(), index=index, dtype=values.dtype) for name, values in columns.items()}, index=index)
    return gpd.GeoDataFrame(data, geometry=np.asarray(frame.geometry.array), crs=frame.crs)


def _cast(values: pd.Series, column: Column) -> pd.Series:
    if column.default is not None:
        values = values.astype(object).where(values.notna(), column.default)
    if column.dtype == "str":
        # NaN is the one value unlike itself; a cell may be a list, which no test for emptiness takes.
        cells = [None if cell is None or cell is pd.NA or cell != cell else str(cell).replace("\x00", "") for cell in values]  # noqa: PLR0124
        return pd.Series(cells, index=values.index, dtype=object)
    if column.dtype == "datetime":
        return pd.to_datetime(values, errors="coerce").astype("datetime64[us]")
    if column.dtype == "bool":
        return values.astype(bool)
    numbers = pd.to_numeric(values, errors="coerce").astype("float64")
    return numbers.astype("int64") if column.dtype == "int" and numbers.notna().all() else numbers


def require_metres(crs: pyproj.CRS | None, what: str) -> pyproj.CRS:
    """The CRS, if it is there, projected and in metres.

    Raises
    ------
    CityError: `crs.missing`, `crs.degrees` or `crs.unit`, each with its mend.
    """
    if crs is None:
        raise CityError.one("crs.missing", f"{what} has no CRS", "Say which with --crs, for example --crs EPSG:32644")
    crs = pyproj.CRS.from_user_input(crs)
    if not crs.is_projected:
        raise CityError.one("crs.degrees", f"{what} is in degrees, not metres", "Choose a projected CRS, for example the UTM zone", crs.to_string())
    if crs.axis_info[0].unit_name not in {"metre", "meter"}:
        raise CityError.one("crs.unit", f"{what} is in {crs.axis_info[0].unit_name}, not metres", "Choose a CRS in metres", crs.to_string())
    return crs


def check(frame: gpd.GeoDataFrame, layer: str) -> list[Fault]:
    """Every fault of a frame against its schema: columns, values, ids, geometry. An empty list is a sound frame."""
    import pandera.pandas as pandera

    faults = list(_geometry_faults(frame, SCHEMAS[layer]))
    doubled = frame.index[frame.index.duplicated()].unique()
    if len(doubled):
        faults.append(
            Fault("frame.ids", f"{layer}: {len(doubled)} ids stand more than once", "Give each row its own id", ", ".join(map(str, doubled[:5])))
        )
    try:
        _schema(SCHEMAS[layer]).validate(pd.DataFrame(frame.drop(columns=frame.geometry.name)), lazy=True)
    except pandera.errors.SchemaErrors as error:
        for (column, rule), cases in error.failure_cases.groupby(["column", "check"], sort=True, dropna=False):
            met = ", ".join(str(value) for value in cases["failure_case"].head(3))
            rows = ", ".join(str(row) for row in cases["index"].head(3))
            faults.append(
                Fault("frame.value", f"{layer}.{column} breaks {rule} in {len(cases)} rows, first {rows}", "Mend or leave out these rows", met)
            )
    return faults


def _geometry_faults(frame: gpd.GeoDataFrame, schema: Schema) -> list[Fault]:
    faults = []
    shapes = frame.geometry
    tests = (
        ("frame.empty", shapes.isna() | shapes.is_empty, "rows have no geometry", "Leave these rows out"),
        (
            "frame.kind",
            ~(shapes.geom_type.isin(schema.geometry) | shapes.isna()),
            f"rows are no {' or '.join(schema.geometry)}",
            "Split or convert them",
        ),
        ("frame.invalid", ~(shapes.is_valid | shapes.isna()), "shapes cross themselves", "Run make_valid on them"),
        (
            "frame.nan",
            ~np.isfinite(shapely.bounds(shapes.array)).all(axis=1) & ~(shapes.isna() | shapes.is_empty),
            "shapes hold NaN",
            "Leave them out",
        ),
    )
    for code, rows, what, way_out in tests:
        wrong = np.asarray(rows)
        if wrong.any():
            ids = ", ".join(str(label) for label in frame.index[wrong][:5])
            faults.append(Fault(code, f"{schema.layer}: {int(wrong.sum())} {what}", way_out, ids))
    return faults


def _schema(schema: Schema) -> pandera.DataFrameSchema:
    import pandera.pandas as pandera

    columns = {}
    for column in schema.columns:
        checks = []
        if column.least is not None:
            checks.append(pandera.Check.ge(column.least))
        if column.most is not None:
            checks.append(pandera.Check.le(column.most))
        if column.among is not None:
            checks.append(pandera.Check.isin(list(column.among)))
        columns[column.name] = pandera.Column(_PANDAS[column.dtype], checks, nullable=column.nullable)
    return pandera.DataFrameSchema(columns)
