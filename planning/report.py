"""The report of a plan as PDF, in Hindi or English: what it is, what it costs, whom it leaves out, how it was made, and what it does not say.

Typst sets the type: it shapes Devanagari and needs no library of the system.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
import typst

from planning.catalogue import load_models
from planning.city import MADE_NOTE, MADE_NOTE_HI, City
from planning.datafile import DATA
from planning.errors import InputError
from planning.files import atomic_path
from planning.money import group_digits, say_rupees, say_short
from planning.nouns import Plan
from planning.reviews import Review, Row
from planning.writing import one_line

_ROADS = {"motorway": 2.6, "trunk": 2.6, "primary": 2.2, "secondary": 1.8, "tertiary": 1.3}  # widths on the map; the others are hair lines
_WIDE = 1000.0  # of the map's picture
WEAK_GAP = 0.2  # from here on a bound is called weak
_GAPS = 20  # streets out of view that are told
_NOTHING: Mapping[str, Review] = MappingProxyType({})


def write_report(
    plan: Plan, city: City, path: str | Path, *, words: Mapping[str, str], hindi: bool, head: str = "", reviews: Mapping[str, Review] = _NOTHING,
    note: Callable[[str], str] = str,
) -> None:  # fmt: skip
    """Write the report.

    Parameters
    ----------
    path: the .pdf; replaced whole or not at all.
    words: sentences by key, those of the report beginning with "report.".
    hindi: which language the words are, for numbers and names that come in both.
    reviews: parts of the plan's review by name, of which gaps and backtest are told.
    note: says a note of the plan in the report's language; as it stands where none is given.
    head: the audit's last line as number and seal, printed at the foot of each page, so that the audit can be checked against the paper.

    Raises
    ------
    InputError: `export.kind` for another suffix; `export.failed` where the file cannot be made. What stood there stays.
    """
    told = {**content(plan, city, words, hindi, reviews, note), "head": words["report.head"].format(head=head) if head else ""}
    write_pdf(DATA / "report.typ", told, path, {"map.svg": map_svg(plan, city)})


def write_pdf(template: Path, told: Mapping[str, Any], path: str | Path, pictures: Mapping[str, str] | None = None) -> None:
    """Set a page from a template of `data`.

    Parameters
    ----------
    told: what the template reads as told.json. pictures: SVG by the name the template knows it by.
    path: the .pdf; replaced whole or not at all.

    Raises
    ------
    InputError: `export.kind` for another suffix; `export.failed` where the file cannot be made. What stood there stays.
    """
    target = Path(path)
    if target.suffix.lower() != ".pdf":
        raise InputError.one("export.kind", "Reports are not written in this kind of file", "Name a file ending in .pdf", target.name)
    try:
        with atomic_path(target) as scratch, tempfile.TemporaryDirectory() as folder:
            room = Path(folder)
            shutil.copyfile(template, room / template.name)
            (room / "told.json").write_text(json.dumps(told, ensure_ascii=False, allow_nan=False), encoding="utf-8")
            for name, picture in (pictures or {}).items():
                (room / name).write_text(picture, encoding="utf-8")
            scratch.write_bytes(typst.compile(room / template.name, root=room, font_paths=[_fonts()], ignore_system_fonts=True))
    except (OSError, RuntimeError, ValueError) as error:
        raise InputError.one("export.failed", f"The file could not be written: {error}", "Check the folder and the space left", target) from None


def _fonts() -> Path:
    import fontpkg_noto_sans_devanagari as font

    return Path(str(font.__file__)).parent / "files"


def _share(value: float, digits: int = 1) -> str:
    return f"{100 * value:.{digits}f} %"


def weak_note(gap: float, words: Mapping[str, str]) -> str:
    """What is said after a bound that proves little yet, with a blank before; nothing where the best plan is known to be near."""
    return f" {words['proof.weak']}" if gap > WEAK_GAP else ""


def content(
    plan: Plan, city: City, words: Mapping[str, str], hindi: bool, reviews: Mapping[str, Review] = _NOTHING, note: Callable[[str], str] = str
) -> dict[str, Any]:  # fmt: skip
    """What the template shows, every value a text in one line without hidden signs; as in `write_report`."""
    told: dict[str, Any] = _lines(_told(plan, city, words, hindi, reviews, note))
    return told


def _lines(value: Any) -> Any:
    """The value with each text in it as one line, so that no sign in a name turns round the text after it."""
    if isinstance(value, str):
        return one_line(value)
    if isinstance(value, dict):
        return {key: _lines(item) for key, item in value.items()}
    return [_lines(item) for item in value] if isinstance(value, list) else value


def _told(
    plan: Plan, city: City, words: Mapping[str, str], hindi: bool, reviews: Mapping[str, Review], say_note: Callable[[str], str]
) -> dict[str, Any]:  # fmt: skip
    card, proof = plan.scorecard, plan.proof
    said = {key.removeprefix("report."): text for key, text in words.items() if key.startswith("report.")}
    title = (city.title_hi if hindi else city.title) or city.title
    budget, worst = say_short(plan.scenario.budget_inr, hindi=hindi), card.worst
    numbers = [
        [said["n_cameras"], said["at_sites"].format(n=group_digits(len(plan.cameras)), sites=group_digits(len(plan.sites)))],
        [said["n_capital"], said["of_budget"].format(cost=say_rupees(plan.cost_inr), budget=budget)], [said["n_yearly"], say_rupees(plan.yearly_inr)],
        [said["n_coverage"], said["before_after"].format(before=_share(card.before), after=_share(card.after))],
        *([[said["n_band"], said["band"].format(low=_share(card.low), high=_share(card.high or 0.0))]] if card.low is not None else []),
        *(
            [[said["n_routes"], said["before_after"].format(before=_share(card.routes_before), after=_share(card.routes_after))]]
            if card.routes_before is not None and card.routes_after is not None
            else []
        ),
        [said["n_worst"], f"{worst.ward}: {_share(worst.after)}" if worst is not None else "-"],
    ]  # fmt: skip
    figures = {name: _share(getattr(proof, name), 2) for name in ("worth", "covered", "second", "privacy", "routes", "bound", "gap")}
    bound = said["bound"].format(**figures)
    if proof.movement:
        bound = words["number.worth_routes"].format(**figures, movement=_share(proof.movement, 0))
    if proof.least_inr is not None:
        bound = said["least"].format(share=_share(plan.scenario.wanted_share, 0), least=say_rupees(proof.least_inr), gap=_share(proof.gap, 2))
    bound += weak_note(proof.gap, words)
    total = max(sum(ward.weight for ward in card.wards), 1e-12)
    wards = [[ward.ward, _share(ward.weight / total), _share(ward.before), _share(ward.after)] for ward in sorted(card.wards, key=lambda w: w.after)]
    note = MADE_NOTE_HI if hindi else MADE_NOTE
    return {
        "language": "hi" if hindi else "en", "title": said["title"].format(city=title), "id": f"{said['plan']} {plan.id}", "verified": plan.verified,
        "subtitle": f"{plan.scenario.title or budget} · {plan.id}", "made": note if plan.made else "", "words": said, "numbers": numbers,
        "bound": bound, "legend": said["legend"], "ward_head": [said["ward"], said["weight"], said["before"], said["after"]], "wards": wards,
        "cost_head": [said["item"], said["quantity"], said["amount"]], "costs": _costs(plan, words, hindi),
        "method": [said["method_1"], said["method_2"], said["method_3"]], "limits": [said[f"limit_{n}"] for n in range(1, 5)],
        "assumptions": [say_note(text) for text in plan.assumptions] or [said["none"]],
        "camera_head": [said[key] for key in ("number", "site", "place", "model", "height", "bearing", "tilt", "ward", "alone")],
        "cameras": _cameras(plan, city, hindi), **_gaps(reviews.get("gaps"), city, words), **_tested(reviews.get("backtest"), words),
    }  # fmt: skip


def _number(row: Row, name: str) -> float:
    return float(str(row[name]))


def _gaps(review: Review | None, city: City, words: Mapping[str, str]) -> dict[str, Any]:
    """The heaviest streets out of view: how much there is of them, and a row each."""
    head = [words[f"report.{key}"] for key in ("number", "street", "class", "ward", "metres", "lost")]
    if review is None:
        return {"gaps_line": words["report.gaps_none"], "gap_head": head, "gaps": []}
    wards = {str(label): str(name) for label, name in city["wards"]["name"].items()}
    rows = [
        [
            str(rank), str(row["name"]) or words["report.unnamed"], words.get(f"road.{row['road_class']}", str(row["road_class"])),
            wards.get(str(row["ward"]), str(row["ward"])), group_digits(round(_number(row, "length_m"))), _share(_number(row, "share"), 3),
        ]
        for rank, row in enumerate(review.tables["stretches"][:_GAPS], 1)
    ]  # fmt: skip
    count, km = group_digits(round(review.facts["stretches"])), f"{review.facts['length_m'] / 1000:.1f}"
    line = words["report.gaps_line"].format(share=_share(review.facts["unseen"]), n=count, km=km)
    return {"gaps_line": line, "gap_head": head, "gaps": rows}


def _tested(review: Review | None, words: Mapping[str, str]) -> dict[str, Any]:
    """The back-test, a row for each who placed cameras, each with its lens, the share with its ends in brackets."""
    head = [*(words[f"report.test_{key}"] for key in ("who", "cameras", "share", "streets")), "PAI", "PEI*"]
    if review is None:
        return {"test_line": words["report.test_none"], "test_head": head, "tests": []}

    def ends(row: Row, low: str, high: str, show: Callable[[float], str]) -> str:
        return f" ({show(_number(row, low))} – {show(_number(row, high))})" if row[low] is not None and row[high] is not None else ""

    rows = [
        [
            words[f"test.{row['who']}"], group_digits(round(_number(row, "cameras"))),
            _share(_number(row, "share")) + ends(row, "low", "high", _share), _share(_number(row, "length_share")),
            f"{_number(row, 'pai'):.2f}",
            f"{_number(row, 'pei'):.3f}" + ends(row, "pei_low", "pei_high", lambda value: f"{value:.3f}"),
        ]
        for row in review.tables["placements"]
        if row["view"] == "aimed"
    ]  # fmt: skip
    counts = {name: group_digits(round(review.facts[name])) for name in ("learnt", "judged")}
    return {"test_line": words["report.test_line"].format(**counts), "test_head": head, "tests": rows}


def _costs(plan: Plan, words: Mapping[str, str], hindi: bool) -> list[list[str]]:
    models, rows = load_models(), []
    for key in sorted({camera.model for camera in plan.cameras}):
        own = [camera.cost_inr for camera in plan.cameras if camera.model == key]
        name = (models[key].title_hi if hindi else models[key].title) if key in models else key
        rows.append([name, group_digits(len(own)), say_rupees(sum(own))])
    paid: dict[str, list[int]] = {}
    for site in plan.sites:
        for head, amount in site.heads:
            paid.setdefault(head, []).append(amount)
    rows += [[words.get(f"head.{head}", head), group_digits(len(amounts)), say_rupees(sum(amounts))] for head, amounts in sorted(paid.items())]
    return [*rows, [words["report.total"], "", say_rupees(plan.cost_inr)]]


def _cameras(plan: Plan, city: City, hindi: bool) -> list[list[str]]:
    wards = {str(label): str(name) for label, name in city["wards"]["name"].items()}
    models = load_models()
    places = gpd.GeoSeries(gpd.points_from_xy([c.x_m for c in plan.cameras], [c.y_m for c in plan.cameras]), crs=city.crs).to_crs(4326)
    return [
        [
            str(number), camera.site, f"{place.y:.6f}, {place.x:.6f}",
            (models[camera.model].title_hi if hindi else models[camera.model].title) if camera.model in models else camera.model,
            f"{camera.height_m:g}", f"{camera.bearing_deg:.1f}", f"{camera.tilt_deg:.1f}", wards.get(camera.ward, camera.ward),
            _share(camera.gain, 2),
        ]
        for number, (camera, place) in enumerate(zip(plan.cameras, places, strict=True), 1)
    ]  # fmt: skip


def map_svg(plan: Plan, city: City) -> str:
    """The plan on the city's streets as an SVG picture: no text, so nothing of the data's own words is in it."""
    west, south, east, north = city.area.bounds
    scale = _WIDE / max(east - west, 1.0)

    def at(shape: shapely.Geometry) -> str:
        xy = shapely.get_coordinates(shape)
        return " ".join(f"{(x - west) * scale:.1f},{(north - y) * scale:.1f}" for x, y in xy)

    roads = city["roads"]
    lines = zip(shapely.simplify(np.asarray(roads.geometry.array), 2.0), roads["road_class"], strict=True)
    parts = "".join(f'<polyline points="{at(line)}" stroke-width="{_ROADS.get(str(kind), 0.5)}"/>' for line, kind in lines)
    wards = shapely.get_rings(shapely.get_parts(shapely.simplify(np.asarray(city["wards"].geometry.array), 2.0)))
    edges = "".join(f'<polyline points="{at(ring)}"/>' for ring in wards)
    planned = plan.views["planned"].to_numpy(dtype=bool)
    views = shapely.get_parts(shapely.simplify(np.asarray(plan.views.geometry.array)[planned], 0.5))
    seen = "".join(f'<polygon points="{at(view)}"/>' for view in views if shapely.get_type_id(view) == shapely.GeometryType.POLYGON)
    old = shapely.get_coordinates(city["cameras"].geometry.array)
    squares = "".join(f'<rect x="{(x - west) * scale - 3:.1f}" y="{(north - y) * scale - 3:.1f}" width="6" height="6"/>' for x, y in old)
    pins = "".join(f'<circle cx="{(c.x_m - west) * scale:.1f}" cy="{(north - c.y_m) * scale:.1f}" r="4"/>' for c in plan.cameras)
    height = (north - south) * scale
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDE:.0f} {height:.0f}" width="{_WIDE:.0f}" height="{height:.0f}">'
        f'<g fill="none" stroke="#9aa0a8">{parts}</g><g fill="none" stroke="#a9a39a" stroke-dasharray="5 4">{edges}</g>'
        f'<g fill="#E69F00" fill-opacity="0.45">{seen}</g><g fill="#0072B2" stroke="#fff">{squares}</g>'
        f'<g fill="#D55E00" stroke="#fff" stroke-width="0.8">{pins}</g></svg>'
    )
