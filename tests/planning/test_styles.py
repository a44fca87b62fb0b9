"""Styles that open with the file."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from xml.etree import ElementTree

from planning.city import City
from planning.export import layers, write_plan
from planning.nouns import Plan


def test_each_layer_has_one_style_of_its_own_kind(plan: Plan, town: City, tmp_path: Path) -> None:
    """Every layer drawn bears a default style, sound XML whose symbols are of the layer's geometry; cameras turn by their bearing."""
    path = tmp_path / "p.gpkg"
    write_plan(plan, town, path)
    with sqlite3.connect(path) as book:
        rows = book.execute("select f_table_name, styleQML, useAsDefault from layer_styles").fetchall()
        (version,) = book.execute("pragma user_version").fetchone()
        columns = {name: {column[1] for column in book.execute(f'pragma table_info("{name}")')} for name, _, _ in rows}
    book.close()
    assert version == 10200
    kinds = {"cameras": "marker", "sites": "marker", "existing": "marker", "demand": "marker", "fields_of_view": "fill", "existing_views": "fill"}
    assert {name for name, _, _ in rows} == set(kinds) & {name for name, frame in layers(plan, town).items() if len(frame)}
    for name, text, default in rows:
        assert default
        style = ElementTree.fromstring(text)
        assert {symbol.get("type") for symbol in style.iter("symbol")} == {kinds[name]}
        for rule in style.iter("rule"):
            assert rule.get("symbol") is None or rule.get("symbol") in {symbol.get("name") for symbol in style.iter("symbol")}
    assert "bearing_deg" in columns["cameras"]
    assert {"before", "after"} <= columns["demand"]
