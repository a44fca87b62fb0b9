"""The map as one Streamlit component: Leaflet from our own files, layers by address, nothing from any other host.

Python sends a few addresses and words a rerun; the browser fetches a layer once and keeps it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from planning.city import MADE_NOTE, MADE_NOTE_HI, City
from planning.frames import ROAD_CLASSES
from planning.ladders import Ladder
from planning.nouns import CAMERA_KINDS, CameraModel
from screens import mapdata
from screens.library import PlanFile, Shelf
from screens.routes import asset_url, city_url, difference_url, hand_url, ladder_url, plan_url, review_url, why_url
from screens.words import Words

# The component's code is fetched like any asset, so a rerun need not send it again.
LOADER = """
const entry = %r;
export default function (component) {
  let stop = () => {};
  let gone = false;
  import(new URL(entry, document.location.origin).href).then((map) => { if (!gone) stop = map.default(component); });
  return () => { gone = true; stop(); };
}
"""
_WORDS = (
    "bearing", "close", "cost", "existing", "existing_one", "existing_views", "find", "gain", "height", "hfov", "kind", "legend", "list",
    "map", "metre", "model", "mount", "only", "place", "planned", "planned_one", "points", "reach", "roads", "seen", "sees", "site",
    "site_cost", "source", "tilt", "trouble", "unknown", "unseen", "views", "ward", "ward_line", "yearly", "zoom_in", "zoom_out",
)  # fmt: skip
_DIFFERENCE = ("gained", "lost", "both", "neither", "pin_both", "pin_first", "pin_second")
_HAND_WORDS = (
    "title", "add", "cancel", "undo", "redo", "drop_all", "placing", "failed", "changes", "name", "again", "save", "bearing", "degrees", "height",
    "model", "lens", "move", "drop", "changed", "won", "lost",
)  # fmt: skip
LINKS = ("fibre", "stub", "existing", "wireless")
_bounds: Shelf[list[list[float]]] = Shelf(16)
_component = st.components.v2.component("chaukas_map", js=LOADER % asset_url("map.js"))


def map_words(said: Words, models: Mapping[str, CameraModel]) -> dict[str, Any]:
    """The words the map shows."""
    return {
        **{key: said.say(f"map.{key}") for key in _WORDS},
        "models": {key: said.pick(model.title, model.title_hi) for key, model in models.items()},
        "kinds": {kind: said.name("kind", kind) for kind in (*CAMERA_KINDS, "unknown")},
    }


def map_data(
    city: City, said: Words, models: Mapping[str, CameraModel], *, plan: PlanFile | None = None, draft: str = "",
    ladder: dict[str, Any] | None = None, group: str = "", only: Collection[str] | None = None, listed: bool = True, height: int = 600,
    rules: bool = False, against: PlanFile | None = None, shades: dict[str, Any] | None = None, hand: str | None = None,
    review: dict[str, Any] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """What one map is told: addresses of its layers, words, bounds, labels.

    Parameters
    ----------
    plan: the plan to draw over the city.
    draft: the address of the cameras of a plan that is being made, to draw in its place.
    ladder: of `ladder_data`, to draw in its place with a slider above.
    group: maps of one group move together.
    only: ids of cameras to ring as being in this plan alone.
    listed: whether the list of planned cameras stands beside the map.
    height: of the map [px].
    against: a first plan; what changes from it to `plan` is then drawn in place of the plan.
    shades: of `ward_shades`, by which wards are filled.
    rules: whether a planned camera's panel tells why it is there, and offers to keep or forbid it.
    review: of `review_data`, a part of the plan's review to draw.
    hand: the name of the sheet in the address, "" for none, where the plan may be changed by hand.
    """
    urls = {layer: city_url(city, layer) for layer in ("roads", "buildings", "wards", "cameras") if len(city[layer])}
    if plan is not None and against is not None:
        urls |= {name: difference_url(city, against, plan, layer) for name, layer in (("planned", "cameras"), ("demand", "demand"))}
    elif plan is not None:
        layers = {"planned": "cameras", "views": "views", "existing_views": "existing_views", "demand": "demand"}
        urls |= {name: plan_url(city, plan, layer) for name, layer in layers.items()}
    if draft:
        urls["planned"] = draft
    for more in (ladder, review):
        urls |= more["urls"] if more is not None else {}
    return {
        "assets": {"leaflet": asset_url("leaflet.js"), "leaflet_css": asset_url("leaflet.css"), "css": asset_url("map.css")},
        "urls": urls,
        "bounds": _bounds.get(city.digest, lambda: mapdata.bounds(city)),
        "words": map_words(said, models),
        "made": said.pick(MADE_NOTE, MADE_NOTE_HI) if city.made else "",
        "credit": "© OpenStreetMap contributors" if mapdata.from_osm(city) else "",
        "ladder": None if ladder is None else {name: value for name, value in ladder.items() if name != "urls"},
        "why": why_url(city, plan, said) if plan is not None and rules else "",
        "rules": {name: said.say(f"rule.{name}") for name in ("keep", "forbid", "forbid_site", "why", "waiting", "failed")} if rules else None,
        "difference": {name: said.say(f"difference.{name}") for name in _DIFFERENCE} if against is not None else None,
        "shades": shades,
        "review": None if review is None else {name: value for name, value in review.items() if name != "urls"},
        "hand": None if plan is None or hand is None else {
            "url": hand_url(city, plan, said), "name": hand, "words": {name: said.say(f"hand.{name}") for name in _HAND_WORDS},
        },
        "group": group,
        "only": None if only is None else sorted(only),
        "list": listed and plan is not None,
        "height": height,
    }


def review_data(city: City, file: PlanFile, part: str, stamp: tuple[int, int], said: Words) -> dict[str, Any]:
    """What the map is told of a part of a plan's review, gaps or network: addresses of its layers, and words.

    Parameters
    ----------
    stamp: of the file the part is kept in.
    """
    layers = {"gaps": ("areas", "stretches"), "network": ("network",)}[part]
    return {
        "urls": {layer: review_url(city, file, part, stamp, layer) for layer in layers}, "list": part == "gaps",
        "classes": {name: said.say(f"road.{name}") for name in ROAD_CLASSES}, "links": {kind: said.say(f"link.{kind}") for kind in LINKS},
        "title": said.say("review.list"), "stretches": said.say("review.stretches"), "areas": said.say("review.areas"),
        "area": said.say("review.area"), "unit": said.say("map.metre"),
    }  # fmt: skip


def ladder_data(city: City, ladder: Ladder, file: PlanFile, said: Words, start: int) -> dict[str, Any]:
    """What the slider is told: addresses of its layers, each budget's figures as numbers and in words, and the rung to begin with."""
    wards = mapdata.ward_names(city)
    rungs = [
        {
            "budget": rung.budget_inr, "covered": rung.covered, "bound": rung.bound,
            "said": {
                "budget": said.short(rung.budget_inr), "cameras": said.number(rung.cameras), "covered": said.share(rung.covered),
                "worst": said.share(rung.worst), "budget_note": said.say("number.yearly_note", amount=said.short(rung.yearly_inr)),
                "covered_note": said.say("number.at_most", share=said.share(rung.bound)), "worst_note": wards.get(rung.worst_ward, rung.worst_ward),
            },
        }
        for rung in ladder.rungs
    ]  # fmt: skip
    names = ("budget", "cameras", "worst")
    return {
        "id": f"{ladder.id} {said.language}", "rungs": rungs, "start": start,
        "words": {**{name: said.say(f"number.{name}") for name in names}, "covered": said.say("number.after"), "curve": said.say("ladder.curve")},
        "urls": {"planned": ladder_url(city, file, "cameras"), "demand": ladder_url(city, file, "demand")},
    }  # fmt: skip


@dataclass(frozen=True)
class Told:
    """What a visitor told the map: the rung a slider was let go at, None before; a rule asked for now, as `keep` or `forbid` and an id; what to make
    now of a sheet of changes, as `again` or `save`, its name, and a title; a place chosen now, as latitude and longitude [deg].
    """

    rung: int | None = None
    rule: tuple[str, str] | None = None
    make: tuple[str, str, str] | None = None
    place: tuple[float, float] | None = None


def city_map(data: dict[str, Any], key: str, on_sheet: Callable[[str], None] = lambda _: None) -> Told:
    """Mount the map with what `map_data` made.

    Parameters
    ----------
    key: stable for its place on the page.
    on_sheet: told the name of the sheet of changes that the plan now is by hand, "" for none, before the page is drawn.
    """

    def sheet() -> None:
        told = st.session_state.get(key)
        hand = told.get("hand") if isinstance(told, Mapping) else None
        if isinstance(hand, Mapping) and "name" in hand:
            on_sheet(str(hand["name"]))

    def nothing() -> None:
        pass

    found = _component(
        key=key, data=data, on_rung_change=nothing, on_rule_change=nothing, on_hand_change=sheet, on_make_change=nothing, on_place_change=nothing
    )
    rung, rule, make, spot = found.rung, found.rule, found.make, found.place
    asked = (str(rule["what"]), str(rule["id"])) if isinstance(rule, Mapping) and rule.get("what") in ("keep", "forbid") and "id" in rule else None
    made = None
    if isinstance(make, Mapping) and make.get("what") in ("again", "save"):
        made = (str(make["what"]), str(make.get("hand", "")), str(make.get("title", "")))
    place = (float(spot["lat"]), float(spot["lon"])) if isinstance(spot, Mapping) and {"lat", "lon"} <= set(spot) else None
    return Told(int(rung) if isinstance(rung, (int, float)) else None, asked, made, place)
