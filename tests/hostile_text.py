"""Text that would like to be something else, and a city and a plan all of whose words are such text."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from planning.city import City, Source
from planning.nouns import Plan, Scenario, WardScore
from planning.reviews import Review, write_review
from tests.screens.toy import toy_city, toy_plan

# Each sets window.hurt where it runs in a page.
SCRIPTS = {
    "script": "<script>window.hurt=1</script>", "template": "${window.hurt=2}", "end": "</script><script>window.hurt=3</script>",
    "image": '<img src=x onerror="window.hurt=4">', "address": "javascript:window.hurt=5",
    "markdown": "[x](javascript:window.hurt=6) ![x](http://127.0.0.1:9/x.png)",
    "style": "</style></title></textarea><svg/onload=window.hurt=7>", "comment": "<!--<script>window.hurt=8", "quote": "\"'`;window.hurt=9;//",
    "braces": "{{constructor.constructor('window.hurt=10')()}} {0} %s", "frame": "\"><iframe srcdoc='<script>parent.hurt=11</script>'></iframe>",
}  # fmt: skip
OTHERS = {
    "formula": "=cmd|' /C calc'!A0", "at": "@SUM(1+1)", "plus": "+1+1", "minus": "-2+3|x", "link": '=HYPERLINK("http://127.0.0.1:9/","x")',
    "wildcard": ">0 * ? ~", "typst": '#panic("x") #import "/etc/passwd": * $x$ *b* `c` \\ @ref', "drawing": "\\P%%d%%c{\\fArial;x}%<\\AcVar>%^J",
    "entity": '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>&x;&amp;&#60;', "cdata": "]]><b>&lt;",
    "turned": "\u202egnp.exe\u202c \u2066x\u2069 \u200f",
    "lines": "one\ntwo\r\nthree\tfour", "signs": "a\x01b\x0bc\x1fd\x7fe\ufffef", "letters": "क्षत्रिय 𝕏 é 漢字 😀",
}  # fmt: skip
PAYLOADS = {**SCRIPTS, **OTHERS}


def hostile_city(texts: Sequence[str]) -> City:
    """The toy city, all its words these texts: the title all of them, each ward one. Models stay, since the catalogue is asked for them."""
    city, every = toy_city(), " ".join(texts)
    wards, cameras, roads = city["wards"].copy(), city["cameras"].copy(), city["roads"].copy()
    # As many wards as texts, side by side over the first.
    west, south, east, north = wards.geometry.iloc[0].bounds
    edges = np.linspace(west, east, len(texts) + 1)
    strips = gpd.GeoDataFrame(
        {"name": list(texts), "population": 9.0}, geometry=[shapely.box(a, south, b, north) for a, b in itertools.pairwise(edges)],
        index=[f"h{k}" for k in range(len(texts))], crs=wards.crs,
    )  # fmt: skip
    cameras["junction"], cameras["source"] = every, every
    roads["name"] = [texts[k % len(texts)] for k in range(len(roads))]
    frames = {**city.frames, "wards": pd.concat([strips, wards.iloc[1:]]), "cameras": cameras, "roads": roads}
    sources = (Source("roads", every, every, every), Source(every, "OpenStreetMap", "ODbL"))
    return dataclasses.replace(city, title=every, title_hi=f"हिन्दी {every}", frames=frames, sources=sources, notes=tuple(texts), digest="")


def hostile_plan(city: City, texts: Sequence[str], budget_inr: int = 0, *, models: bool = True) -> Plan:
    """A toy plan in which each text is the id of a camera and of its site, its purpose, ward and, with `models`, model; title, assumptions and proof
    are texts.
    """
    every = " ".join(texts)
    plan = toy_plan(city, Scenario("toy", budget_inr or 50_000 * len(texts), title=" ".join(every.split())[:120]))

    def text(k: int) -> str:
        return texts[k % len(texts)] + ("" if k < len(texts) else f" {k}")

    sites = tuple(dataclasses.replace(site, id=text(k), kind=text(k)) for k, site in enumerate(plan.sites))
    cameras = tuple(
        dataclasses.replace(
            camera, id=text(k), site=text(k), purpose=text(k), ward=f"h{k % len(texts)}", model=text(k) if models and k % 2 else camera.model
        )
        for k, camera in enumerate(plan.cameras)
    )
    proof = dataclasses.replace(plan.proof, how=every, status=every)
    views = plan.views.assign(camera=[camera.id for camera in cameras] + [every] * (len(plan.views) - len(cameras)))
    card = dataclasses.replace(plan.scorecard, wards=tuple(WardScore(one, 1.0, 0.1, 0.2) for one in texts))
    return dataclasses.replace(
        plan, cameras=cameras, sites=sites, assumptions=tuple(texts), stages_s=((every, 1.0),), proof=proof, verified=True, views=views,
        scorecard=card,
    )  # fmt: skip


def hostile_reviews(plan: Plan, text: str, plan_file: Path) -> None:
    """Every part of the plan's review that holds text, all of it this text, kept beside the plan's file."""

    def keep(part: str, facts: dict[str, float], tables: dict[str, Any], shapes: dict[str, Any]) -> None:
        write_review(Review(part, plan.id, plan.city_digest, facts, tables, shapes, (text,)), plan_file)

    x, y = plan.cameras[0].x_m, plan.cameras[0].y_m
    line, ring = [[(x, y), (x + 50, y + 50)]], [[(x, y), (x + 50, y), (x, y + 50), (x, y)]]
    gap = {"share": 0.5, "length_m": 50.0, "road_class": text, "name": text, "ward": text}
    keep(
        "gaps", {"unseen": 0.5, "stretches": 1.0, "length_m": 50.0, "areas_share": 0.1},
        {"stretches": [gap], "areas": [{"share": 0.1, "area_m2": 9.0, "points": 3, "ward": text}]}, {"stretches": [line], "areas": [ring]},
    )  # fmt: skip
    link = {
        "kind": "fibre", "road": text, "length_m": 50.0, "cost_inr": 9, "cameras": 1, "load_mbps": 4.0, "capacity_mbps": None, "over": True,
        "seen": True,
    }  # fmt: skip
    bill = {"head": text, "title": text, "title_hi": text, "quantity": 1, "unit": text, "rate_inr": 9, "amount_inr": 9}
    facts = dict.fromkeys(("cost_inr", "bound_inr", "gap", "load_mbps", "storage_tb", "retention_days", "new_m"), 1.0)
    keep(
        "network", {**facts, "centre_x_m": x, "centre_y_m": y},
        {"segments": [link], "kinds": [{"kind": "fibre", "pieces": 1, "length_m": 50.0, "cost_inr": 9}], "bill": [bill]}, {"segments": [line]},
    )  # fmt: skip
    mask = {"camera": plan.cameras[0].id, "why": "homes", "share": 0.1, "metres": 2.0, "corners": "0,0 1,0 1,1"}
    camera = {"camera": plan.cameras[0].id, "masks": 1, "share": 0.1, "metres": 2.0, "known": True, "turns": False}
    keep("masks", {"cameras": 1.0, "masked": 1.0}, {"cameras": [camera], "masks": [mask]}, {})
    row = {
        "who": "planned", "view": "aimed", "cameras": 1, "captured": 1.0, "share": 0.5, "low": None, "high": None, "length_share": 0.1, "pai": 1.0,
        "pei": 1.0, "pei_low": None, "pei_high": None,
    }  # fmt: skip
    keep("backtest", dict.fromkeys(("learnt", "judged", "left_out", "undated"), 1.0), {"placements": [row], "leads": []}, {})
    score = [{"key": text, "weight": 1.0, "before": 0.1, "after": 0.2}]
    keep("scores", {}, {"ward": score, "road_class": score, "place": score, "crime": score, "hour": score}, {})
