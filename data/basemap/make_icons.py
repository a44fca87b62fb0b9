"""Cuts Streamlit's font of icons down to those that its pages or ours can show: python data/basemap/make_icons.py

The font that comes with Streamlit holds four thousand icons and is the largest file of a first visit. To be run again when Streamlit is brought up or
a screen shows a new icon; a test says when.
"""

from __future__ import annotations

import re
from pathlib import Path

import streamlit
from fontTools import subset
from fontTools.ttLib import TTFont

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "data" / "basemap" / "fonts" / "icons.woff2"
STATIC = Path(streamlit.__file__).parent / "static" / "static"
# Scripts of charts and editors, which no screen of ours shows; their words would only bring more icons.
_OTHERS = re.compile("Plotly|DeckGl|Vega|ECharts|elk|SyntaxHigh|GraphViz|embed|chunk|katex|mermaid")


def whole_font() -> Path:
    """Streamlit's own file."""
    (found,) = (STATIC / "media").glob("MaterialSymbols-Rounded*.woff2")
    return found


def ligatures(font: TTFont) -> dict[str, str]:
    """The glyph of each icon by its name, which is what a page writes."""
    signs = {glyph: chr(code) for code, glyph in font.getBestCmap().items()}
    found = {}
    for lookup in font["GSUB"].table.LookupList.Lookup:
        for table in lookup.SubTable:
            for first, ends in getattr(getattr(table, "ExtSubTable", table), "ligatures", {}).items():
                for end in ends:
                    found["".join(signs.get(glyph, "?") for glyph in [first, *end.Component])] = end.LigGlyph
    return found


def wanted() -> set[str]:
    """Names that stand in Streamlit's scripts as words of their own, and those our screens write."""
    scripts = [path.read_text("utf-8", errors="ignore") for path in sorted((STATIC / "js").glob("*.js")) if not _OTHERS.search(path.name)]
    screens = [path.read_text("utf-8") for path in sorted((ROOT / "screens").glob("*.py"))]
    theirs = {name for text in scripts for name in re.findall(r"""["'`:/]([a-z0-9_]{2,40})["'`:]""", text)}
    return theirs | {name for text in screens for name in re.findall(r":material/([a-z0-9_]+):", text)}


def main() -> None:
    """Cut and write."""
    font = TTFont(whole_font())
    known = ligatures(font)
    kept = sorted(wanted() & set(known))
    options = subset.Options(flavor="woff2", layout_features=["*"], layout_closure=False)
    cutter = subset.Subsetter(options)
    cutter.populate(text="".join(sorted({sign for name in kept for sign in name})), glyphs=[known[name] for name in kept])
    cutter.subset(font)
    font.flavor = "woff2"
    font.save(TARGET)
    print(f"{len(kept)} icons, {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main()
