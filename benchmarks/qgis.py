"""Whether QGIS opens a plan's GeoPackage styled, and the gap rasters where they lie: Debian's python3-qgis without a window, on the toy town.

For each layer: QGIS takes the style kept in the file by itself, its renderer is the one the file names, and its CRS is the city's. A picture of all
layers is drawn, and holds their colours. The rasters open with the city's CRS, their cell and their place.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.figures import Figures
from coverage.gaps import make_rasters
from coverage.standing import together
from optimizer.plan import make_plan
from optimizer.review import groups_of, walls_of
from planning.catalogue import load_recipe
from planning.export import write_plan
from tests.town import WISH, make_town

PYTHON = "/usr/bin/python3"  # Debian's, which has its QGIS
SINGLE, RULES = "singleSymbol", "RuleRenderer"
RENDERERS = {"cameras": SINGLE, "sites": SINGLE, "existing": SINGLE, "fields_of_view": SINGLE, "existing_views": SINGLE, "demand": RULES}
# Colours of the map's signs, as red, green, blue.
COLOURS = {"planned": (213, 94, 0), "existing": (0, 114, 178)}
DEMAND = {"unseen": (176, 48, 122), "seen by the plan": (0, 158, 115), "seen already": (0, 114, 178)}
_WORK = r"""
import json, sys
from pathlib import Path
from qgis.core import Qgis, QgsApplication, QgsMapRendererParallelJob, QgsMapSettings, QgsRasterLayer, QgsRenderContext, QgsRectangle, QgsVectorLayer
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QColor

folder, layers = Path(sys.argv[1]), json.loads(sys.argv[2])
QgsApplication.setPrefixPath("/usr", True)
app = QgsApplication([], False)
app.initQgis()
told = {"version": Qgis.QGIS_VERSION, "layers": {}, "rasters": {}}
drawn = []
for name in layers:
    layer = QgsVectorLayer(f"{folder / 'plan.gpkg'}|layername={name}", name, "ogr")
    symbols = layer.renderer().symbols(QgsRenderContext()) if layer.renderer() else []
    told["layers"][name] = {
        "valid": layer.isValid(), "renderer": layer.renderer().type() if layer.renderer() else "", "crs": layer.crs().authid(),
        "features": layer.featureCount(), "colours": sorted({symbol.color().name() for symbol in symbols}),
    }
    drawn.append(layer)
for name in ("cameras.tif", "px_per_m.tif"):
    raster = QgsRasterLayer(str(folder / name), name)
    box = raster.extent()
    told["rasters"][name] = {
        "valid": raster.isValid(), "crs": raster.crs().authid(), "cell": raster.rasterUnitsPerPixelX(),
        "box": [box.xMinimum(), box.yMinimum(), box.xMaximum(), box.yMaximum()], "nodata": raster.dataProvider().sourceNoDataValue(1),
    }
box = QgsRectangle()
for layer in drawn:
    box.combineExtentWith(layer.extent())


def draw(shown, name):
    settings = QgsMapSettings()
    settings.setLayers(shown)
    settings.setDestinationCrs(drawn[0].crs())
    settings.setBackgroundColor(QColor(255, 255, 255))
    settings.setOutputSize(QSize(1200, 1000))
    settings.setExtent(box.buffered(10))
    job = QgsMapRendererParallelJob(settings)
    job.start()
    job.waitForFinished()
    job.renderedImage().save(str(folder / name))


draw(drawn[-1:] + drawn[:-1], "plan.png")  # demand over what is filled
draw(drawn[-1:], "demand.png")
print("TOLD " + json.dumps(told))
sys.stdout.flush()
app.exitQgis()
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; returns the exit status, 0 where QGIS is not installed too, which is told."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the same: it takes seconds")
    parser.add_argument("--out", metavar="FILE", help="keep the picture there, as .png")
    options = parser.parse_args(arguments)
    found = subprocess.run([PYTHON, "-c", "import qgis.core"], capture_output=True, check=False) if Path(PYTHON).exists() else None
    if found is None or found.returncode:
        print("QGIS is not measured: apt-get install --no-install-recommends python3-qgis")
        return 0
    figures = Figures()
    with tempfile.TemporaryDirectory() as folder:
        room = Path(folder)
        _write(room)
        told = _ask(room)
        _judge(figures, told, room)
        if options.out:
            Path(options.out).write_bytes((room / "plan.png").read_bytes())
    return figures.close()


def _write(room: Path) -> None:
    """The toy town's plan as a GeoPackage, and its rasters at 1 m."""
    city = make_town()
    plan = make_plan(city, WISH)
    write_plan(plan, city, room / "plan.gpkg")
    cameras = together(*groups_of(plan, city, night=False))
    target_m = load_recipe(plan.scenario.recipe).target_m
    make_rasters(walls_of(city), cameras, city["buildings"], city.area, target_m=target_m).write(room)


def _ask(room: Path) -> dict[str, Any]:
    """What QGIS says of them, in a process of Debian's Python."""
    environment = {"QT_QPA_PLATFORM": "offscreen", "HOME": str(room), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
    done = subprocess.run(
        [PYTHON, "-c", _WORK, str(room), json.dumps(list(RENDERERS))], capture_output=True, text=True, env=environment, check=False, timeout=120
    )
    line = next((line for line in done.stdout.splitlines() if line.startswith("TOLD ")), None)
    if line is None:
        raise RuntimeError(f"QGIS ended with {done.returncode}: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(line.removeprefix("TOLD "))
    return found


def _judge(figures: Figures, told: dict[str, Any], room: Path) -> None:
    city = make_town()
    name = city.crs.to_string()
    layers, rasters = told["layers"], told["rasters"]
    print(f"QGIS {told['version']}")
    figures.add("layers opened", sum(layer["valid"] and layer["features"] > 0 for layer in layers.values()), "", f">= {len(RENDERERS)}")
    figures.add("layers drawn by the renderer of their own style", sum(layers[key]["renderer"] == kind for key, kind in RENDERERS.items()), "",
                f">= {len(RENDERERS)}")  # fmt: skip
    wanted = {"cameras": "#d55e00", "existing": "#0072b2", "fields_of_view": "#e69f00", "existing_views": "#56b4e9"}
    figures.add("layers in the colour of their own style", sum(colour in layers[key]["colours"] for key, colour in wanted.items()), "", ">= 4")
    figures.add("layers in the city's CRS", sum(layer["crs"] == name for layer in layers.values()), "", f">= {len(RENDERERS)}")
    west, south, east, north = city.area.bounds
    good = [
        raster["valid"] and raster["crs"] == name and raster["cell"] == 1.0 and raster["box"][0] <= west and raster["box"][1] <= south
        and raster["box"][2] >= east and raster["box"][3] >= north
        for raster in rasters.values()
    ]  # fmt: skip
    figures.add("rasters opened, in the city's CRS, cell and place", sum(good), "", ">= 2")
    pixels = np.asarray(Image.open(room / "plan.png").convert("RGB"))
    for who, colour in COLOURS.items():
        figures.add(f"pixels of {who} cameras in the picture", float((pixels == colour).all(axis=2).sum()), "px", ">= 20")
    pixels = np.asarray(Image.open(room / "demand.png").convert("RGB")).astype(float)
    through = 160 / 255  # demand lets the ground through
    for who, solid in DEMAND.items():
        seen = np.abs(pixels - (np.array(solid) * through + 255 * (1 - through))).max(axis=2) <= 3
        figures.add(f"pixels of demand {who} in the picture", float(seen.sum()), "px", ">= 20")


if __name__ == "__main__":
    sys.exit(main())
