"""Plans learnt from earlier incidents, judged on later ones: Baltimore from ../shared/data, and geodanet, which comes with libpysal.

Told, not judged, but for one thing: the plan should catch no less than as many cameras where the police put theirs. What the data is: Baltimore's
streets are of 2015, its cameras of 2014, its incidents (burglary, arson, shooting, homicide) of 2018, so they are later than the cameras, and
what the cameras were put up for is not known; few buildings are mapped, so little blocks a view. Geodanet's incidents have no dates and are parted
by lot, and no camera of that town is known.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import tempfile
from pathlib import Path

from benchmarks.figures import Figures
from benchmarks.real import CASES, DATA
from optimizer.backtest import AIMED, ALL_ROUND, BackTest, backtest, split_at_random, split_by_time
from optimizer.stability import stability
from planning.city import City
from planning.intake import import_city
from planning.nouns import Scenario

BUDGET_INR = 20_000_000
SMALL_TOWN = 20  # cameras in geodanet


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="geodanet, and Baltimore under one recipe with 5 s a search")
    options = parser.parse_args(arguments)
    figures = Figures()
    with tempfile.TemporaryDirectory() as folder:
        _geodanet(figures, Path(folder) / "geodanet", 20 if options.quick else 200)
        if DATA.is_dir():
            _baltimore(figures, Path(folder) / "baltimore", options.quick)
        else:
            print(f"Baltimore is not measured: there is no {DATA}")
    return figures.close()


def _geodanet(figures: Figures, folder: Path, draws: int) -> None:
    found = importlib.util.find_spec("libpysal")
    if found is None or not found.submodule_search_locations:
        print("geodanet is not measured: libpysal is not installed")
        return
    source = Path(found.submodule_search_locations[0]) / "examples" / "geodanet"
    city = import_city("geodanet", roads=source / "streets.shp", crime=[source / "crimes.shp"], folder=folder)
    wish = Scenario(city.name, BUDGET_INR, recipe="crime", time_limit_s=10.0)
    _tell(figures, "geodanet, crime", backtest(city, wish, split_at_random(city["incidents"]), number=SMALL_TOWN, draws=draws))


def _baltimore(figures: Figures, folder: Path, quick: bool) -> None:
    case = CASES[0]
    import_city(
        case.name, osm=DATA / case.osm, crime=[DATA / name for name in case.crime], cameras=[DATA / name for name in case.cameras],
        wards=DATA / case.wards, folder=folder,
    )  # fmt: skip
    city = City.load(folder)
    split = split_by_time(city["incidents"])
    number = len(city["cameras"])
    print(f"{split.how}: {len(split.earlier)} earlier, {len(split.later)} later incidents; {number} cameras stand")
    for recipe in ("balanced",) if quick else ("balanced", "crime"):
        wish = Scenario(city.name, BUDGET_INR, recipe=recipe, time_limit_s=5.0 if quick else 20.0)
        made = backtest(city, wish, split, number=number, draws=50 if quick else 500)
        _tell(figures, f"baltimore, {recipe}", made)
        for view in (AIMED, ALL_ROUND):
            lead = made.lead("planned", "standing", view)
            name = f"baltimore, {recipe}, planned less standing, {view}"
            figures.add(name, 100 * lead.mean, "% points", ">= 0")
            figures.add(f"{name}, 2.5 %", 100 * lead.low, "% points")
            figures.add(f"{name}, 97.5 %", 100 * lead.high, "% points")
    if not quick:
        wish = Scenario(city.name, BUDGET_INR, recipe="balanced", time_limit_s=20.0)
        _tell(figures, "baltimore, balanced, 2 crore", backtest(city, wish, split, draws=500))
    wish = Scenario(city.name, BUDGET_INR, recipe="balanced", time_limit_s=2.0)
    for found in stability(city, wish, split, number=number, draws=2 if quick else 10):
        name = f"baltimore, reporting {found.reporting.key}"
        figures.add(f"{name}: sites kept", 100 * found.sites_kept.mean, "%")
        figures.add(f"{name}: sites kept, same record searched again", 100 * found.same_record, "%")
        figures.add(f"{name}: rank correlation of wards", found.ward_ranks.mean, "Spearman")
        figures.add(f"{name}: captured, the record's own plan", 100 * found.captured_first, "%")
        for end in ("low", "mean", "high"):
            figures.add(f"{name}: captured, {end}", 100 * getattr(found.captured, end), "%")


def _tell(figures: Figures, name: str, found: BackTest) -> None:
    for note in found.notes:
        print(f"{name}: {note}")
    figures.add(f"{name}: incidents judged", found.ground.incidents, "incidents")
    for placement in found.placements:
        who = f"{name}, {placement.who}, {placement.view}"
        print(f"{who}: {placement.fairness}")
        figures.add(f"{who}: cameras", placement.cameras, "cameras")
        figures.add(f"{who}: captured", 100 * placement.score.share, "%")
        if placement.spread is not None:
            figures.add(f"{who}: captured, 2.5 %", 100 * placement.spread.low, "%")
            figures.add(f"{who}: captured, 97.5 %", 100 * placement.spread.high, "%")
        figures.add(f"{who}: street length in view", 100 * placement.score.length_share, "%")
        figures.add(f"{who}: PAI", placement.score.pai, "times")
        figures.add(f"{who}: PEI*", placement.score.pei, "share")


if __name__ == "__main__":
    sys.exit(main())
