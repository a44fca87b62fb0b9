"""How QGIS draws a plan's GeoPackage: a style a layer, kept in the table `layer_styles` that QGIS looks for when it opens the file.

Colours are those of the app's map, told apart by colour-blind eyes.
"""

from __future__ import annotations

from datetime import datetime

import pandas as pd

_HEAD = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n<qgis version=\"3.22\" styleCategories=\"Symbology\">"


def styles_table(layers: list[str]) -> pd.DataFrame:
    """The rows of `layer_styles` for these layers of a plan; those without a style are left to QGIS."""
    return pd.DataFrame([
        {
            "f_table_catalog": "", "f_table_schema": "", "f_table_name": name, "f_geometry_column": "geom", "styleName": f"chaukas {name}",
            "styleQML": text, "styleSLD": "", "useAsDefault": True, "description": "Chaukas", "owner": "", "ui": None,
            "update_time": datetime(2026, 1, 1),  # a fixed one, so that equal plans are equal files
        }
        for name, text in _styles().items() if name in layers
    ])  # fmt: skip


def _styles() -> dict[str, str]:
    return {
        "cameras": _single(_marker("triangle", "213,94,0,255", 4.0, turned=True), "marker"),
        "sites": _single(_marker("circle", "255,255,255,0", 5.0, outline="213,94,0,255"), "marker"),
        "existing": _single(_marker("square", "0,114,178,255", 2.8), "marker"),
        "fields_of_view": _single(_fill("230,159,0,110"), "fill"),
        "existing_views": _single(_fill("86,180,233,90"), "fill"),
        "demand": _seen(),
    }


def _options(values: dict[str, str]) -> str:
    cells = "".join(f'<Option name="{name}" type="QString" value="{value}"/>' for name, value in values.items())
    return f'<Option type="Map">{cells}</Option>'


def _marker(shape: str, colour: str, size: float, *, outline: str = "255,255,255,255", turned: bool = False) -> str:
    look = _options({"name": shape, "color": colour, "outline_color": outline, "outline_width": "0.3", "size": f"{size}", "size_unit": "MM"})
    turn = ""
    if turned:
        # QGIS turns clockwise from north, as bearings do.
        cells = (("active", "bool", "true"), ("field", "QString", "bearing_deg"), ("type", "int", "2"))
        field = "".join(f'<Option name="{name}" type="{kind}" value="{value}"/>' for name, kind, value in cells)
        angle = f'<Option name="properties" type="Map"><Option name="angle" type="Map">{field}</Option></Option>'
        whole = f'<Option type="Map">{angle}<Option name="type" type="QString" value="collection"/></Option>'
        turn = f"<data_defined_properties>{whole}</data_defined_properties>"
    return f'<layer class="SimpleMarker" enabled="1" locked="0" pass="0">{look}{turn}</layer>'


def _fill(colour: str) -> str:
    look = _options({"color": colour, "style": "solid", "outline_style": "no"})
    return f'<layer class="SimpleFill" enabled="1" locked="0" pass="0">{look}</layer>'


def _symbol(layer: str, kind: str, name: str = "0") -> str:
    return f'<symbol name="{name}" type="{kind}" alpha="1" clip_to_extent="1" force_rhr="0">{layer}</symbol>'


def _single(layer: str, kind: str) -> str:
    return _renderer("singleSymbol", f"<symbols>{_symbol(layer, kind)}</symbols>")


def _renderer(kind: str, inside: str) -> str:
    return f'{_HEAD}<renderer-v2 type="{kind}" forceraster="0" symbollevels="0" enableorderby="0">{inside}</renderer-v2></qgis>'


def _seen() -> str:
    """Demand by whether existing cameras or the plan see it."""
    rules = (
        # The columns are flags: QGIS takes none of them for 1 or 0.
        ("&quot;before&quot;", "already seen", "0,114,178,160"),
        ("NOT &quot;before&quot; AND &quot;after&quot;", "seen by the plan", "0,158,115,160"),
        ("NOT &quot;after&quot;", "unseen", "176,48,122,160"),
    )
    text = "".join(f'<rule key="r{k}" symbol="{k}" filter="{test}" label="{label}"/>' for k, (test, label, _) in enumerate(rules))
    symbols = "".join(_symbol(_marker("circle", colour, 1.2, outline=colour), "marker", str(k)) for k, (_, _, colour) in enumerate(rules))
    return _renderer("RuleRenderer", f'<rules key="root">{text}</rules><symbols>{symbols}</symbols>')
