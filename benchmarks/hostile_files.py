"""Files made to do harm, and the code each must be refused with."""

from __future__ import annotations

import io
import json
import sqlite3
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from planning.sandbox import limits

_LON, _LAT = 82.15, 22.09
_RING = [[82.146, 22.088], [82.154, 22.088], [82.154, 22.096], [82.146, 22.096], [82.146, 22.088]]
_ROWS = "lat,lon,category\n" + "".join(f"{_LAT},{_LON + step / 20_000:.5f},theft\n" for step in range(6))


@dataclass(frozen=True)
class Case:
    """A hostile file: what it tries, its layer and name, how it is made of a web address, the code it must meet ("" if it is read)."""

    what: str
    layer: str
    name: str
    make: Callable[[str], bytes]
    code: str


def features(*geometries: Any, **more: Any) -> bytes:
    """A GeoJSON file of these geometries."""
    rows = [{"type": "Feature", "properties": {"name": "A", "kind": "area"}, "geometry": geometry} for geometry in geometries]
    return json.dumps({"type": "FeatureCollection", **more, "features": rows}).encode()


def _area(**more: Any) -> bytes:
    return features({"type": "Polygon", "coordinates": [_RING]}, **more)


def _zip(*members: tuple[str | zipfile.ZipInfo, bytes], packed: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", packed) as archive:
        for member, data in members:
            archive.writestr(member, data)
    return out.getvalue()


def _special(name: str, mode: int) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name)
    member.create_system, member.external_attr = 3, mode << 16
    return member


def _patched(data: bytes, *changes: tuple[bytes, bytes]) -> bytes:
    for old, new in changes:
        data = data.replace(old, new)
    return data


def _lying_sizes(size: int) -> bytes:
    """A zip whose directory and header say another size than the table has."""
    data = _zip(("a.csv", _ROWS.encode() * 2_000))
    true = struct.pack("<I", len(_ROWS) * 2_000)
    return data.replace(true, struct.pack("<I", size))


def _locked() -> bytes:
    data = bytearray(_zip(("a.csv", _ROWS.encode())))
    for magic, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(magic) + place] |= 1
    return bytes(data)


def _book(**parts: str) -> bytes:
    """A workbook by hand: the parts given stand in place of plain ones."""
    rels = "http://schemas.openxmlformats.org"
    plain = {
        "[Content_Types].xml": f'<?xml version="1.0"?><Types xmlns="{rels}/package/2006/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>'
        '<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override '
        'PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>',
        "_rels/.rels": f'<?xml version="1.0"?><Relationships xmlns="{rels}/package/2006/relationships"><Relationship Id="r1" '
        f'Type="{rels}/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<?xml version="1.0"?><workbook xmlns="{rels}/spreadsheetml/2006/main" '
        f'xmlns:r="{rels}/officeDocument/2006/relationships"><sheets><sheet name="a" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<?xml version="1.0"?><Relationships xmlns="{rels}/package/2006/relationships"><Relationship Id="r1" '
        f'Type="{rels}/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": sheet(),
    }  # fmt: skip
    return _zip(*((name, text.encode()) for name, text in {**plain, **parts}.items()))


def sheet(before: str = "", size: str = "A1:C7", more: str = "") -> str:
    """The XML of a sheet with a small table; `size` is what it claims, `more` stands after the rows."""
    rows = []
    for number, line in enumerate(_ROWS.strip().split("\n"), 1):
        cells = "".join(
            f'<c r="{column}{number}" t="inlineStr"><is><t>{cell}</t></is></c>' for column, cell in zip("ABC", line.split(","), strict=True)
        )
        rows.append(f'<row r="{number}">{cells}</row>')
    return (
        f'<?xml version="1.0"?>{before}<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><dimension ref="{size}"/>'
        f"<sheetData>{''.join(rows)}{more}</sheetData></worksheet>"
    )


def _geopackage(*statements: str, wkb: bytes | None = None) -> bytes:
    """A GeoPackage of one ward, then changed by these statements; its schema may be written to."""
    import geopandas as gpd
    import shapely

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.gpkg"
        gpd.GeoDataFrame({"name": ["A"], "kind": ["area"]}, geometry=[shapely.Polygon(_RING)], crs=4326).to_file(path, layer="a")
        with closing(sqlite3.connect(path, isolation_level=None)) as book:
            book.execute("PRAGMA writable_schema = ON")
            for statement in statements:
                book.execute(statement)
            if wkb is not None:
                for (name,) in book.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
                    book.execute(f'DROP TRIGGER "{name}"')
                book.execute("UPDATE a SET geom = ?", (b"GP\x00\x01" + struct.pack("<i", 4326) + wkb,))
        return path.read_bytes()


def _in_schema(name: str, sql: str, kind: str = "table") -> str:
    quoted = sql.replace("'", "''")
    return f"INSERT INTO sqlite_master (type, name, tbl_name, rootpage, sql) VALUES ('{kind}', '{name}', '{name}', 0, '{quoted}')"


def _shape_zip(shp: Callable[[bytearray], None] | None = None, dbf: Callable[[bytearray], None] | None = None, *, only: str = "") -> bytes:
    """A zipped shapefile of one ward whose parts lie as the functions make them; `only` this suffix of it."""
    import geopandas as gpd
    import shapely

    with tempfile.TemporaryDirectory() as folder:
        gpd.GeoDataFrame({"name": ["A"], "kind": ["area"]}, geometry=[shapely.Polygon(_RING)], crs=4326).to_file(Path(folder) / "a.shp")
        parts = {path.suffix: bytearray(path.read_bytes()) for path in sorted(Path(folder).glob("a.*"))}
    for suffix, change in ((".shp", shp), (".dbf", dbf)):
        if change is not None:
            change(parts[suffix])
    return _zip(*((f"a{suffix}", bytes(data)) for suffix, data in parts.items() if not only or suffix == only))


def _put(place: int, form: str, value: int) -> Callable[[bytearray], None]:
    def change(data: bytearray) -> None:
        struct.pack_into(form, data, place, value)

    return change


def _osm(body: str, before: str = "") -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?>{before}<osm version="0.6">{body}</osm>'.encode()


def _blob(kind: bytes, fields: bytes, claimed: int | None = None) -> bytes:
    head = b"\x0a" + bytes([len(kind)]) + kind + b"\x18" + _varint(len(fields) if claimed is None else claimed)
    return struct.pack(">I", len(head)) + head + fields


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def _pbf(raw: bytes, *, says: int | None = None, claimed: int | None = None) -> bytes:
    """A PBF of an honest header and one packed block; `says` its size unpacked, `claimed` its size packed."""
    header = b"\x22\x0eOsmSchema-V0.6\x22\x0aDenseNodes"
    packed = zlib.compress(raw)
    block = b"\x10" + _varint(len(raw) if says is None else says) + b"\x1a" + _varint(len(packed)) + packed
    return _blob(b"OSMHeader", b"\x0a" + _varint(len(header)) + header) + _blob(b"OSMData", block, claimed)


def _parquet(make: Callable[[Any], Any]) -> bytes:
    import pyarrow
    import pyarrow.parquet

    out = io.BytesIO()
    pyarrow.parquet.write_table(make(pyarrow), out, compression="zstd")
    return out.getvalue()


def _pickled(pyarrow: Any) -> Any:
    """A column whose type is to be unpickled, which would write a file."""
    evil = b"cposix\nsystem\n(S'touch /tmp/chaukas-was-here'\ntR."
    mark = {b"ARROW:extension:name": b"arrow.py_extension_type", b"ARROW:extension:metadata": evil}
    texts = [pyarrow.array(column) for column in zip(*(line.split(",") for line in _ROWS.strip().split("\n")[1:]), strict=True)]
    fields = [pyarrow.field(name, pyarrow.string(), metadata=mark) for name in ("lat", "lon", "category")]
    return pyarrow.Table.from_arrays(texts, schema=pyarrow.schema(fields))


def _bad_geo(pyarrow: Any) -> Any:
    geo = json.dumps({"version": "1.0.0", "primary_column": "nowhere", "columns": {"nowhere": {"encoding": "WKB", "crs": "http://x"}}})
    return pyarrow.table({"geometry": [b"\x01"]}).replace_schema_metadata({b"geo": geo.encode()})


def star(points: int) -> bytes:
    """An outline that crosses itself at almost every pair of its edges: mending it wants memory and time by the square."""
    import numpy as np

    turns = np.random.default_rng(7).permutation(points) * 2 * np.pi / points
    ring = [[_LON + 0.003 * float(np.cos(turn)), _LAT + 0.003 * float(np.sin(turn))] for turn in turns]
    return features({"type": "Polygon", "coordinates": [[*ring, ring[0]]]})


def _claims_points(kind: int) -> bytes:
    return struct.pack("<BIII", 1, kind, 1, 1_000_000_000) + bytes(32)


_DEEP = b'{"type": "FeatureCollection", "features": ' + b"[" * 200_000 + b"]" * 200_000 + b"}"
_VRT = b'<OGRVRTDataSource><OGRVRTLayer name="a"><SrcDataSource>/etc/passwd</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>'
DOOR: tuple[Case, ...] = (
    Case("a VRT", "wards", "wards.vrt", lambda url: _VRT, "upload.kind"),
    Case("a VRT under another name", "wards", "wards.geojson", lambda url: _VRT, "upload.content"),
    Case("KML with an outer entity", "zones", "zones.kml", lambda url: f'<!DOCTYPE kml SYSTEM "{url}/a.dtd"><kml/>'.encode(), "upload.kind"),
    Case("GML with an outer schema", "roads", "roads.gml", lambda url: f'<a xsi:schemaLocation="x {url}/a.xsd"/>'.encode(), "upload.kind"),
    Case("GPX", "lamps", "lamps.gpx", lambda url: b"<gpx/>", "upload.kind"),
    Case("a tar", "zones", "zones.tar.gz", lambda url: b"\x1f\x8b" + bytes(40), "upload.kind"),
    Case("a page", "crime", "crime.html", lambda url: b"<script>alert(1)</script>", "upload.kind"),
    Case("a table for the ground", "terrain", "ground.csv", lambda url: _ROWS.encode(), "upload.kind"),
    Case("nothing", "crime", "crime.csv", lambda url: b"", "upload.empty"),
    Case("more than is taken", "crime", "crime.csv", lambda url: b"x" * (int(limits()["table"] * 1e6) + 1), "upload.size"),
    Case("a picture named a workbook", "crime", "crime.xlsx", lambda url: b"\x89PNG\r\n\x1a\n" + bytes(40), "upload.content"),
    Case("a program named a GeoPackage", "zones", "zones.gpkg", lambda url: b"\x7fELF" + bytes(40), "upload.content"),
    Case("a page named a PBF", "osm", "town.osm.pbf", lambda url: b"<!DOCTYPE html><html></html>", "upload.content"),
    Case("a zip named a GeoTIFF", "terrain", "ground.tif", lambda url: _zip(("a", b"a")), "upload.content"),
    Case("a raster VRT named a GeoTIFF", "terrain", "ground.tif", lambda url: b"<VRTDataset/>", "upload.content"),
    Case("text named a shapefile", "wards", "wards.shp", lambda url: b"lat,lon", "upload.content"),
    Case("NUL bytes in a table", "crime", "crime.csv", lambda url: b"lat,lon\n1,\x00\n", "upload.content"),
    Case("UTF-16 around a document type", "osm", "town.osm", lambda url: '<!DOCTYPE a [<!ENTITY b "c">]><osm/>'.encode("utf-16"), "upload.content"),
    Case("a layer that is none", "../etc", "a.csv", lambda url: b"a", "upload.layer"),
)  # fmt: skip
ARCHIVES: tuple[Case, ...] = (
    Case("a path out of the zip", "crime", "up.zip", lambda url: _zip(("../../evil.csv", _ROWS.encode())), "archive.path"),
    Case("a path from the root", "crime", "root.zip", lambda url: _zip(("/etc/cron.d/evil.csv", _ROWS.encode())), "archive.path"),
    Case("a path of another system", "crime", "drive.zip", lambda url: _zip(("C:\\evil.csv", _ROWS.encode())), "archive.path"),
    Case("a link in the zip", "crime", "link.zip", lambda url: _zip((_special("a.csv", 0o120777), b"/etc/passwd")), "archive.path"),
    Case("a device in the zip", "crime", "device.zip", lambda url: _zip((_special("a.csv", 0o020666), b"")), "archive.path"),
    Case("NUL in a name", "crime", "nul.zip", lambda url: _patched(_zip(("aXcsv.csv", b"a")), (b"aXcsv", b"a\x00csv")), "archive.path"),
    Case("a zip in the zip", "crime", "nested.zip", lambda url: _zip(("a.csv", _ROWS.encode()), ("b.zip", _zip(("c.csv", b"a")))), "archive.nested"),
    Case("a bomb", "crime", "bomb.zip", lambda url: _zip(("a.csv", b"a,b\n" + bytes(30_000_000))), "archive.bomb"),
    Case("a bomb of many files", "crime", "many.zip", lambda url: _zip(*((f"{n}.txt", b"") for n in range(100))), "archive.bomb"),
    Case("sizes that lie small", "crime", "small.zip", lambda url: _lying_sizes(10), "archive.damaged"),
    Case("sizes that lie large", "crime", "large.zip", lambda url: _lying_sizes(4_000_000_000), "archive.bomb"),
    Case("a locked zip", "crime", "locked.zip", lambda url: _locked(), "archive.locked"),
    Case("two tables in a zip", "crime", "two.zip", lambda url: _zip(("a.csv", b"a"), ("b.csv", b"b")), "archive.content"),
    Case("no shape in a zip", "wards", "none.zip", lambda url: _zip(("a.vrt", _VRT)), "archive.content"),
    Case("a zip cut short", "crime", "cut.zip", lambda url: _zip(("a.csv", _ROWS.encode()))[:-30], "archive.damaged"),
)  # fmt: skip
READ: tuple[Case, ...] = (
    Case("a CRS behind an address", "wards", "link.geojson",
         lambda url: _area(crs={"type": "link", "properties": {"href": f"{url}/crs.wkt", "type": "esriwkt"}}), "file.remote"),
    Case("the same in disguise", "wards", "disguise.geojson",
         lambda url: _area(crs={"type": "link", "properties": {"href": f"{url}/crs.wkt"}}).replace(b'"crs"', b'"\\u0063rs"'), ""),
    Case("a CRS that is a path", "wards", "path.geojson",
         lambda url: _area(crs={"type": "name", "properties": {"name": "/vsicurl/" + url + "/crs.wkt"}}), ""),
    Case("STAC items that name addresses", "zones", "stac.json",
         lambda url: _area(stac_version="1.0.0", assets={"a": {"href": f"{url}/a.tif"}}), "file.content"),
    Case("TopoJSON", "zones", "topo.json", lambda url: b'{"type": "Topology", "objects": {}, "arcs": [], "x": {"type": "Polygon"}}', "file.content"),
    Case("a VRT in braces", "zones", "braces.json", lambda url: b'{"a": "' + _VRT.replace(b'"', b"'") + b'"}', "file.content"),
    Case("JSON without end to its depth", "wards", "deep.geojson", lambda url: _DEEP, "file.unreadable"),
    Case("coordinates that are words", "wards", "words.geojson",
         lambda url: features({"type": "Polygon", "coordinates": [[["a", "b"], ["c", "d"], ["e", "f"], ["a", "b"]]]}), "wards.areas"),
    Case("a number of 100,000 digits", "wards", "digits.geojson", lambda url: _area().replace(b"82.146", b"9" * 100_000, 1), "file.unreadable"),
    Case("a view that reads a file", "wards", "view.gpkg",
         lambda url: _geopackage("CREATE VIEW v AS SELECT * FROM a WHERE readfile('/etc/passwd')"), "file.active"),
    Case("a view as a layer", "wards", "layer.gpkg",
         lambda url: _geopackage("ALTER TABLE a RENAME TO b", "CREATE VIEW a AS SELECT * FROM b"), "file.active"),
    Case("a virtual table of another file", "wards", "virtual.gpkg",
         lambda url: _geopackage(_in_schema("v", "CREATE VIRTUAL TABLE v USING VirtualOGR('/etc/passwd')")), "file.active"),
    Case("a virtual table of an address", "wards", "curl.gpkg",
         lambda url: _geopackage(_in_schema("v", f"CREATE VIRTUAL TABLE v USING csv('{url}/a.csv')")), "file.active"),
    Case("a trigger that loads a program", "wards", "trigger.gpkg",
         lambda url: _geopackage("CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT load_extension('/tmp/evil.so'); END"), "file.active"),
    Case("a column made of endless bytes", "wards", "endless.gpkg",
         lambda url: _geopackage("ALTER TABLE a ADD COLUMN big GENERATED ALWAYS AS (zeroblob(900000000)) VIRTUAL"), "file.active"),
    Case("rows without end", "wards", "recursive.gpkg",
         lambda url: _geopackage("CREATE VIEW v AS WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT n FROM r"), "file.active"),
    Case("a schema that attaches", "wards", "attach.gpkg",
         lambda url: _geopackage(_in_schema("x", "ATTACH DATABASE '/tmp/other.db' AS other", "trigger")), "file.unreadable"),
    Case("a shape of 10^9 points in a GeoPackage", "wards", "points.gpkg", lambda url: _geopackage(wkb=_claims_points(3)), "wards.areas"),
    Case("a shape of 10^9 points in a shapefile", "wards", "points.zip", lambda url: _shape_zip(_put(152, "<i", 1_000_000_000)), "wards.areas"),
    Case("a shape of 2^31 parts", "wards", "parts.zip", lambda url: _shape_zip(_put(148, "<i", 2**31 - 1)), "wards.areas"),
    Case("a table of 4 * 10^9 rows", "wards", "rows.zip", lambda url: _shape_zip(dbf=_put(4, "<I", 2**32 - 1)), ""),
    Case("a shape without its index", "wards", "bare.zip", lambda url: _shape_zip(only=".shp"), "file.unreadable"),
    Case("an outer entity in a workbook", "crime", "entity.xlsx",
         lambda url: _book(**{"xl/worksheets/sheet1.xml": sheet(f'<!DOCTYPE a [<!ENTITY b SYSTEM "{url}/b">]>')}), "file.content"),
    Case("a sheet that says it is endless", "crime", "endless.xlsx",
         lambda url: _book(**{"xl/worksheets/sheet1.xml": sheet(size="A1:XFD1048576")}), ""),
    Case("a cell in the last corner of a sheet", "crime", "corner.xlsx",
         lambda url: _book(**{"xl/worksheets/sheet1.xml": sheet(more='<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>')}), "table.large"),
    Case("a workbook linked to an address", "crime", "linked.xlsx",
         lambda url: _book(**{"xl/externalLinks/_rels/externalLink1.xml.rels":
                              f'<Relationships><Relationship Id="r1" TargetMode="External" Target="{url}/a.xlsx"/></Relationships>'}), ""),
    Case("a workbook of 2,000 million bytes", "crime", "book.xlsx",
         lambda url: _patched(_book(**{"z.xml": "<a/>" * 1_000}), (struct.pack("<I", 4_000), struct.pack("<I", 2_000_000_000))), "file.size"),
    Case("a table of 2,000 columns", "crime", "wide.csv", lambda url: b",".join(b"c%d" % n for n in range(2_000)) + b"\n1\n", "table.large"),
    Case("a table of 25 million empty cells", "crime", "commas.csv", lambda url: b"lat,lon\n" + b"," * 25_000_000, "table.large"),
    Case("a cell of 200,000 signs", "crime", "cell.csv", lambda url: b'lat,lon\n"' + b"x" * 200_000 + b'",1\n', "table.unreadable"),
    Case("numbers past all measure", "crime", "huge.csv",
         lambda url: b"lat,lon\n" + (b"1e400,-1e400\n" + b"9" * 5_000 + b"," + b"9" * 5_000 + b"\n") * 5, "table.rejected"),
    Case("cells that are formulas", "crime", "formula.csv",
         lambda url: _ROWS.encode() + f'22.09,82.15,"=WEBSERVICE(""{url}/x"")"\n22.09,82.1501,"=cmd|\' /C calc\'!A0"\n'.encode(), ""),
    Case("headers that turn the line around", "crime", "turned.csv",
         lambda url: _ROWS.replace("category", '"\u202eyrogetac\n</script><script>alert(1)</script>"').encode(), ""),
    Case("a table of 30 million cells in a few bytes", "crime", "nulls.parquet",
         lambda url: _parquet(lambda arrow: arrow.table({name: arrow.nulls(15_000_000, arrow.int8()) for name in ("lat", "lon")})), "table.large"),
    Case("a type that is to be unpickled", "crime", "pickle.parquet", lambda url: _parquet(_pickled), ""),
    Case("a geometry that is not there", "wards", "nowhere.parquet", lambda url: _parquet(_bad_geo), "file.unreadable"),
    Case("a file as an entity", "osm", "file.osm",
         lambda url: _osm("&a;", '<!DOCTYPE osm [<!ENTITY a SYSTEM "file:///etc/passwd">]>'), "osm.entities"),
    Case("an address as an entity", "osm", "address.osm", lambda url: _osm("&a;", f'<!DOCTYPE osm SYSTEM "{url}/osm.dtd">'), "osm.entities"),
    Case("ids past all measure", "osm", "ids.osm", lambda url: _osm('<node id="99999999999999999999" lat="22" lon="82"/>'), "osm.unreadable"),
    Case("XML 100,000 deep", "osm", "deep.osm", lambda url: _osm('<way id="1">' * 100_000 + "</way>" * 100_000), "osm.unreadable"),
    Case("a tag of ten million signs", "osm", "tag.osm",
         lambda url: _osm(f'<way id="1"><tag k="highway" v="{"x" * 10_000_000}"/></way>'), "osm.unreadable"),
    Case("a block that says it has 2 * 10^9 bytes", "osm", "block.osm.pbf", lambda url: _pbf(b"", claimed=2_000_000_000), "osm.unreadable"),
    Case("a block that unpacks to more than it says", "osm", "inflate.osm.pbf", lambda url: _pbf(bytes(60_000_000), says=10), "osm.unreadable"),
    Case("a block of 60 million bytes", "osm", "bomb.osm.pbf", lambda url: _pbf(bytes(60_000_000)), "osm.unreadable"),
    Case("a way of no bytes in a block", "osm", "garbage.osm.pbf", lambda url: _pbf(b"\xff" * 200), "osm.unreadable"),
)  # fmt: skip
# Name given -> name kept
NAMES: Mapping[str, str] = {
    "../../etc/passwd.csv": "passwd.csv", "..\\..\\boot.csv": "boot.csv", "C:\\x\\a.csv": "a.csv", "/vsicurl/http://127.0.0.1/x.geojson": "x.geojson",
    "a\nb.csv": "a_b.csv", "a\r\nSet-Cookie: x.csv": "a_Set-Cookie_ x.csv", "a\x00.csv": "a.csv", "crime\u202evsc.exe.csv": "crimevsc.exe.csv",
    "<script>alert(1)</script>.csv": "script_.csv", "$(touch x).csv": "_(touch x).csv", "`id`.csv": "_id_.csv", "-rf.csv": "rf.csv",
    ".htaccess": "htaccess", "....": "file", "": "file", "~root.csv": "_root.csv", "अपराध २०२४.csv": "अपराध २०२४.csv",
    "a" * 1_900 + ".csv": "a" * 116 + ".csv",
    "TOWN.OSM.PBF": "TOWN.osm.pbf", "a/b/": "b", "%2e%2e%2fx.csv": "_2e_2e_2fx.csv", "a\ufeff\u200b.csv": "a.csv", "s3:__b_k.csv": "s3___b_k.csv",
}  # fmt: skip
