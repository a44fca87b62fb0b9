"""Real cities from files to verified plan: Baltimore, Bengaluru and Koni from ../shared/data beside the checkout.

Told, not judged: how good a plan of a real city can be depends on how much of it is mapped. Where the files are not there, that is said and
nothing is measured.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import Figures
from optimizer.plan import make_plan
from planning.checkup import check_city
from planning.city import ROOT, City
from planning.intake import import_city
from planning.nouns import Scenario

DATA = ROOT.parent / "shared" / "data"


@dataclass(frozen=True)
class Case:
    """A city's files and what is asked of it."""

    name: str
    osm: str
    budget_inr: int
    crime: tuple[str, ...] = ()
    cameras: tuple[str, ...] = ()
    lamps: tuple[str, ...] = ()
    wards: str = ""


CASES = (
    Case(
        "baltimore", "baltimore/baltimore.osm.pbf", 20_000_000, crime=("baltimore/crimes_2018_burglary_arson_shooting_homicide.csv",),
        cameras=("baltimore/CCTV_Locations.csv",), wards="baltimore/neighborhoods.geojson",
    ),
    Case(
        "bengaluru", "bengaluru/bengaluru_central_drive.osm", 20_000_000, cameras=("bengaluru/osm_surveillance_nodes_in_streets_bbox.geojson",),
        lamps=("bengaluru/osm_street_lamps.geojson",), wards="bengaluru/BBMP_wards_243.geojson",
    ),
    Case("bengaluru-1km", "bengaluru/bengaluru_1km_buildings.osm", 2_000_000, wards="bengaluru/BBMP_wards_243.geojson"),
    Case("koni", "bilaspur-koni/koni_roads.osm", 500_000),
)  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the two small cities, 10 s each for the optimizer")
    options = parser.parse_args(arguments)
    if not DATA.is_dir():
        print(f"not measured: there is no {DATA}")
        return 0
    figures = Figures()
    for case in CASES[2:] if options.quick else CASES:
        with tempfile.TemporaryDirectory() as folder:
            _plan(figures, case, Path(folder) / case.name, 10.0 if options.quick else 45.0)
    return figures.close()


def _plan(figures: Figures, case: Case, folder: Path, time_limit_s: float) -> None:
    began = time.perf_counter()
    import_city(
        case.name, osm=DATA / case.osm, crime=[DATA / name for name in case.crime], cameras=[DATA / name for name in case.cameras],
        lamps=[DATA / name for name in case.lamps], wards=DATA / case.wards if case.wards else None, folder=folder,
    )  # fmt: skip
    figures.add(f"{case.name}: import", time.perf_counter() - began, "s")
    city = City.load(folder)
    figures.add(f"{case.name}: odd things that city check names", sum(finding.odd for finding in check_city(city)), "lines")
    for layer in ("roads", "buildings", "wards", "incidents", "cameras"):
        figures.add(f"{case.name}: {layer}", len(city[layer]), "rows")
    began = time.perf_counter()
    plan = make_plan(city, Scenario(city.name, case.budget_inr, time_limit_s=time_limit_s))
    figures.add(f"{case.name}: plan", time.perf_counter() - began, "s")
    figures.add(f"{case.name}: budget", case.budget_inr / 1e5, "lakh")
    figures.add(f"{case.name}: cameras", len(plan.cameras), "cameras")
    figures.add(f"{case.name}: coverage before", 100 * plan.scorecard.before, "%")
    figures.add(f"{case.name}: coverage after", 100 * plan.scorecard.after, "%")
    figures.add(f"{case.name}: certified gap", 100 * plan.proof.gap, "%")
    figures.add(f"{case.name}: verified", float(plan.verified), "1 = yes", ">= 1")


if __name__ == "__main__":
    sys.exit(main())
