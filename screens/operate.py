"""The Operate screen: every deployed camera on one map with its state, its live picture beside it, and what the city does not see now."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import streamlit as st

from live.health import STATES
from live.uptime import CLOCK_OFF
from planning.city import MADE_NOTE, MADE_NOTE_HI, City
from screens import library, mapdata
from screens.maps import LOADER
from screens.player import player_words
from screens.routes import asset_url, city_url
from screens.words import Words

_WORDS = (
    "accept", "accept_note", "accepted", "acknowledge", "alone", "blind", "by_hours", "by_inr", "cameras", "clock_ahead", "clock_behind",
    "deaf", "events", "filter", "find", "hint", "hours", "lasting", "lost", "lost_note", "map", "no_events", "no_feed", "no_player", "none",
    "note", "noted", "nothing", "px_per_m", "repairs", "save", "seeing", "seen_by", "seen_by_none", "streets", "trouble", "turns",
    "unnamed", "waiting", "wards",
)  # fmt: skip
_STEER = (
    "aim", "aim_none", "aim_unknown", "down", "free", "keys", "left", "mine", "other", "presets", "right", "steer", "stop", "trouble", "up",
    "zoom_in", "zoom_out",
)  # fmt: skip
_STEER_CODES = (
    "steer.held", "steer.masked", "onvif.lacks", "onvif.answer", "onvif.fault", "onvif.elsewhere", "feed.offline", "feed.stalled", "feed.password",
)  # fmt: skip
_component = st.components.v2.component("chaukas_operate", js=LOADER % asset_url("operate.js"))


def show(city: City, said: Words) -> None:
    """Draw the screen."""
    _component(key="operate", data=operate_data(city, said))


def operate_data(city: City, said: Words, *, height: int = 640) -> dict[str, Any]:
    """What the operators' map is told: its addresses and words, with {places} it fills in. What changes it asks for itself.

    Parameters
    ----------
    height: of the map [px].
    """
    states = {state: said.say(f"state.{state}") for state in (*STATES, CLOCK_OFF)}
    return {
        "assets": {
            "leaflet": asset_url("leaflet.js"), "leaflet_css": asset_url("leaflet.css"), "css": asset_url("map.css"),
            "operate_css": asset_url("operate.css"),
        },
        "urls": {layer: city_url(city, layer) for layer in ("roads", "buildings", "wards") if len(city[layer])},
        "base": f"/operate/{quote(library.address(city), safe='')}",
        "bounds": mapdata.bounds(city),
        "words": {
            **{name: said.catalogue[f"operate.{name}"] for name in _WORDS}, "states": states, "locale": "hi-IN" if said.hindi else "en-IN",
            "metre": said.say("map.metre"), "close": said.say("map.close"), "zoom_in": said.say("map.zoom_in"), "zoom_out": said.say("map.zoom_out"),
        },
        "player": player_words(said),
        "steer": {
            **{name: said.catalogue[f"steer.{name}"] for name in _STEER},
            "codes": {code: said.say(f"steer.code.{code}") for code in _STEER_CODES},
        },
        "made": said.pick(MADE_NOTE, MADE_NOTE_HI) if city.made else "",
        "credit": "© OpenStreetMap contributors" if mapdata.from_osm(city) else "",
        "height": height,
    }  # fmt: skip
