"""A plan as a page of its own, with no Streamlit: as one file that asks nothing of any network, or as the public page of a published plan.

All words of data stand in the page escaped, and what the map is told as JSON in which no tag can begin. A policy in the page allows its own scripts
alone, in a file by their digests: what gets in as text cannot run.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import geopandas as gpd

from planning.catalogue import load_models
from planning.city import City
from planning.errors import ChaukasError, InputError
from planning.export import write_plan
from planning.files import atomic_path
from planning.nouns import Plan
from planning.report import content
from screens.library import PlanFile
from screens.mapdata import city_layer, plan_layer
from screens.maps import map_data
from screens.routes import ASSETS, asset_url
from screens.words import Words

PLAN_LAYERS = {"planned": "cameras", "views": "views", "existing_views": "existing_views", "demand": "demand"}
CITY_LAYERS = ("roads", "buildings", "wards", "cameras")
PAGES = (".html", ".htm")
_IMPORT = re.compile(r"^import (?:(\w+)|\{([^}]*)\}) from '\./([\w-]+)\.js';$", re.MULTILINE)
_EXPORT = re.compile(r"^export (default )?((?:async )?function|const|let|class) (\w+)", re.MULTILINE)


@dataclass(frozen=True)
class Dress:
    """How a page gets what it needs: its policy, the tags of its styles and scripts, and links to other languages as (words, address)."""

    policy: str
    styles: str
    scripts: str
    links: tuple[tuple[str, str], ...] = ()


def write_page(plan: Plan, city: City, path: str | Path, *, said: Words) -> None:
    """Write a plan as one HTML file that works without any network.

    Parameters
    ----------
    path: the .html; replaced whole or not at all.

    Raises
    ------
    InputError: `export.kind` for another suffix; `export.failed` where the file cannot be written. What stood there stays.
    """
    target = Path(path)
    if target.suffix.lower() not in PAGES:
        raise InputError.one("export.kind", "Maps on a page are not written in this kind of file", "Name a file ending in .html", target.name)
    text = alone(plan, city, said)
    try:
        with atomic_path(target) as scratch:
            scratch.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError.one("export.failed", f"The file could not be written: {error}", "Check the folder and the space left", target) from None


def write_any(
    plan: Plan, city: City, path: str | Path, *, said: Words, extra: Mapping[str, gpd.GeoDataFrame] = MappingProxyType({})
) -> None:  # fmt: skip
    """Write a plan by the path's suffix: as a page of one file, or as `planning.export.write_plan` does.

    Parameters
    ----------
    said: the words of a page. extra: further layers of a GeoPackage.

    Raises
    ------
    InputError: `export.kind`, `export.failed`. What stood there stays.
    """
    if Path(path).suffix.lower() in PAGES:
        write_page(plan, city, path, said=said)
    else:
        write_plan(plan, city, path, extra=extra)


def alone(plan: Plan, city: City, said: Words) -> str:
    """The page as one file: scripts, styles, font and layers all in it."""
    file = PlanFile(plan.id, Path(plan.id), (0, 0))
    told = _told(plan, city, file, said)
    layers = {name: _layer(plan, city, file, name) for name in told["urls"]}
    told["urls"] = {name: _data("application/gzip", packed) for name, packed in layers.items()}
    # The pictures Leaflet's styles name are of controls that are not used.
    leaflet_css = re.sub(r"url\([^)]*\)", "none", _asset("leaflet.css"))
    told["assets"] = {"leaflet": "", "leaflet_css": _data("text/css", leaflet_css.encode()), "css": _data("text/css", _asset("map.css").encode())}
    font = _data("font/woff2", ASSETS["noto-sans-devanagari.woff2"][0].read_bytes())
    styles = f"<style>{_asset('page.css').replace('noto-sans-devanagari.woff2', font)}</style>"
    scripts = [_asset("leaflet.js"), bundle("page")]
    digests = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" for script in scripts)
    policy = f"default-src 'none'; script-src {digests}; style-src 'unsafe-inline' data:; img-src data:; font-src data:; connect-src data:"
    return page(plan, city, said, told, Dress(policy, styles, "".join(f"<script>{script}</script>" for script in scripts)))


def served(plan: Plan, city: City, file: PlanFile, said: Words, urls: Mapping[str, str], links: tuple[tuple[str, str], ...]) -> str:
    """The page as the server sends it: scripts and styles by address, and layers at `urls` by their names on the map."""
    told = _told(plan, city, file, said)
    told["urls"] = {name: url for name, url in urls.items() if name in told["urls"]}
    policy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'"
    styles = f'<link rel="stylesheet" href="{asset_url("page.css")}">'
    return page(plan, city, said, told, Dress(policy, styles, f'<script type="module" src="{asset_url("page.js")}"></script>', links))


def _told(plan: Plan, city: City, file: PlanFile, said: Words) -> dict[str, Any]:
    """What the map is told, as on the Plan screen, but for rules."""
    return map_data(city, said, load_models(), plan=file, height=560)


def _layer(plan: Plan, city: City, file: PlanFile, name: str) -> bytes:
    # A plan of the same id is the same plan, wherever its file lies.
    return plan_layer(city, plan, file, PLAN_LAYERS[name]) if name in PLAN_LAYERS else city_layer(city, name)


def _data(kind: str, held: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(held).decode()}"


def _asset(name: str) -> str:
    return ASSETS[name][0].read_text(encoding="utf-8")


def bundle(name: str) -> str:
    """A module of the map with all it imports as one plain script: each module a function that gives what it exports.

    Raises
    ------
    ValueError: a module imports or exports in a way this does not read, or holds the end of a script.
    """
    done: dict[str, str] = {}

    def add(module: str) -> None:
        if module in done:
            return
        text = _asset(f"{module}.js")
        for found in _IMPORT.finditer(text):
            add(found[3])
        body = _IMPORT.sub(_taken, text)
        given = [("default: " if found[1] else "") + found[3] for found in _EXPORT.finditer(body)]
        body = _EXPORT.sub(r"\2 \3", body)
        if re.search(r"^(?:import|export)\b", body, re.MULTILINE) or "</script" in body.lower() or "<!--" in body:
            raise ValueError(f"{module}.js cannot be made part of one script")
        done[module] = f"const from_{module} = (() => {{\n{body}\nreturn {{ {', '.join(given)} }};\n}})();\n"

    add(name)
    return "(() => {\n'use strict';\n" + "".join(done.values()) + "})();"


def _taken(found: re.Match[str]) -> str:
    """An import as what is taken from the object its module gives."""
    names = f"default: {found[1]}" if found[1] else found[2].replace(" as ", ": ")
    return f"const {{ {names} }} = from_{found[3]};"


def quiet_json(value: object) -> str:
    """JSON that may stand in a script's place: no tag, comment or end of line can begin in it."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for mark in "<>&\u2028\u2029":
        text = text.replace(mark, f"\\u{ord(mark):04x}")
    return text


def page(plan: Plan, city: City, said: Words, told: Mapping[str, Any], dress: Dress) -> str:
    """The page's HTML."""
    report = content(plan, city, said.catalogue, said.hindi, note=said.note)
    words, safe = report["words"], html.escape
    links = "".join(f'<a href="{safe(url)}" hreflang="{code}" lang="{code}">{safe(text)}</a>' for (text, url), code in _with_codes(dress.links))
    numbers = "".join(f"<li><span>{safe(what)}</span><strong>{safe(value)}</strong></li>" for what, value in report["numbers"])
    warnings = [] if plan.verified else [words["unverified"]]
    if plan.city_digest != city.digest:
        warnings.append(said.say("plan.other_city"))
    parts = [
        f'<header><h1>{safe(report["title"])}</h1><nav>{links}</nav></header><p class="sub">{safe(report["subtitle"])}</p>',
        f'<p class="made">{safe(report["made"])}. {safe(said.say("made.more"))}</p>' if report["made"] else "",
        *(f'<p class="warn">{safe(warning)}</p>' for warning in warnings),
        f'<ul class="numbers">{numbers}</ul><p>{safe(report["bound"])}</p>',
        f'<h2>{safe(words["map"])}</h2><div id="map" data-legend="{safe(words["legend"])}"></div>',
        f'<noscript><p class="warn">{safe(said.say("page.no_script"))}</p></noscript>',
        _section(words["wards"], _table(report["ward_head"], report["wards"])) if report["wards"] else "",
        _section(words["costs"], _table(report["cost_head"], report["costs"])),
        _section(words["method"], _list(report["method"])), _section(words["limits"], _list(report["limits"])),
        _section(words["assumptions"], _list(report["assumptions"])), _section(said.say("page.sources"), _list(_sources(city, said))),
        f"<details><summary>{safe(words['cameras'])} ({len(report['cameras'])})</summary>",
        f"{_table(report['camera_head'], report['cameras'])}</details>",
        f"<footer>{safe(said.say('page.about', id=plan.id))}</footer>",
    ]
    return (
        f'<!doctype html>\n<html lang="{said.language}"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{safe(dress.policy)}; base-uri \'none\'; form-action \'none\'">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="referrer" content="no-referrer">'
        f'<title>{safe(report["title"])}</title>{dress.styles}</head><body>{"".join(parts)}'
        f'<script type="application/json" id="chaukas">{quiet_json(told)}</script>{dress.scripts}</body></html>\n'
    )


def with_head(text: str, head: str, said: Words) -> str:
    """A page with the audit's head at its foot, as on each report; nothing is put there while nothing was done yet."""
    # What a page holds of data stands in it escaped, so that this is its one foot.
    return text.replace("</footer>", f"<br>{html.escape(said.say('report.head', head=head))}</footer>") if head else text


def fault_page(error: ChaukasError, said: Words) -> str:
    """A page that says what is wrong."""
    lines = "".join(f'<p class="warn">{html.escape(said.fault(fault))}</p>' for fault in error.faults)
    return (
        f'<!doctype html>\n<html lang="{said.language}"><head><meta charset="utf-8"><title>चौकस · Chaukas</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="stylesheet" href="{asset_url("page.css")}"></head>'
        f"<body><h1>चौकस · Chaukas</h1>{lines}</body></html>\n"
    )


def _with_codes(links: Sequence[tuple[str, str]]) -> list[tuple[tuple[str, str], str]]:
    return [(link, link[1].rpartition("=")[2]) for link in links]


def _section(title: str, inner: str) -> str:
    return f"<section><h2>{html.escape(title)}</h2>{inner}</section>"


def _list(lines: Sequence[str]) -> str:
    return "<ul>" + "".join(f"<li>{html.escape(line)}</li>" for line in lines) + "</ul>"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    top = "".join(f'<th scope="col">{html.escape(cell)}</th>' for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def _sources(city: City, said: Words) -> list[str]:
    """Where each layer came from, one line a source."""
    told = [(source.layer, ", ".join(filter(None, (source.origin, source.licence, source.note)))) for source in city.sources]
    lines = [f"{said.name('layer', layer)}: {where}" for layer, where in told]
    return lines or [said.say("page.no_sources")]
