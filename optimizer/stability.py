"""How much of a plan hangs on which incidents happened to be reported: planned again on incidents drawn anew or thinned, and compared.

Sites, poses and sight stay as the first survey has them; only the weights of demand change, as `planning.demand` lays them from the incidents of a
draw. A search that is not run to the end finds another plan for the same demand too, so the first plan is also searched again under another seed:
what differs there is not the record's doing.

    reported -> drawn anew / thinned -> demand -> plan: sites kept (Jaccard), ward ranks (Spearman), later incidents in view
"""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np

from optimizer.backtest import Split, Spread, learnt_city
from optimizer.field import Field, aimed_field
from optimizer.judge import Ground, jaccard, lay_ground, score, spearman
from optimizer.plan import ward_rows
from optimizer.problem import Flags, Floats, Ints, Problem
from optimizer.solve import solve
from optimizer.survey import Survey, make_survey
from planning.catalogue import load_recipe
from planning.city import City
from planning.demand import build_demand
from planning.errors import Fault, ScenarioError
from planning.geometry import first_area
from planning.nouns import Scenario
from planning.progress import Progress
from planning.voices import weigh_suggestions

REPORTING = Path(__file__).resolve().parent.parent / "data" / "reporting.toml"


@dataclass(frozen=True)
class Reporting:
    """Another record of incidents: `again` draws as many with replacement; else each is kept with `rate`, times its kind's rate in `kinds` (1 where
    unnamed), times its ward's, drawn evenly between `ward_low` and `ward_high`; `assumed`, `source`: where the figures come from.
    """

    key: str
    title: str = ""
    again: bool = False
    rate: float = 1.0
    ward_low: float = 1.0
    ward_high: float = 1.0
    kinds: Mapping[str, float] = field(default_factory=dict)
    assumed: bool = True
    source: str = ""

    def __post_init__(self) -> None:
        rates = {"rate": self.rate, "ward_low": self.ward_low, "ward_high": self.ward_high, **self.kinds}
        faults = [
            Fault("records.rate", f"{self.key}: {name} is no share between 0 and 1", "Mend data/reporting.toml", str(rate))
            for name, rate in rates.items()
            if not 0 <= rate <= 1
        ]
        if self.ward_low > self.ward_high:
            what = f"{self.key}: the lowest rate of a ward lies above the highest"
            faults.append(Fault("records.rate", what, "Mend data/reporting.toml", f"{self.ward_low} to {self.ward_high}"))
        if faults:
            raise ScenarioError(faults)


@dataclass(frozen=True)
class Stability:
    """How plans on other records compare with the plan on this one.

    `sites_kept`: share of sites in both plans of those in either; `ward_ranks`: rank correlation of the wards' covered shares, by the demand of
    the record as it is; `captured`: share of later incidents in view; `captured_first`: of the plan on the record; `same_record`: sites kept when the
    same record is searched under another seed; NaN ranks, of cities with fewer than two wards, are left out of the spread.
    """

    reporting: Reporting
    draws: int
    sites_kept: Spread
    ward_ranks: Spread
    captured: Spread
    captured_first: float
    same_record: float


def load_reporting(path: str | Path = REPORTING) -> tuple[Reporting, ...]:
    """The scenarios of data/reporting.toml.

    Raises
    ------
    ScenarioError: `records.rate`, for rates that cannot be and settings that are not known.
    """
    with Path(path).open("rb") as stream:
        rows: list[dict[str, Any]] = tomllib.load(stream)["scenario"]
    try:
        return tuple(Reporting(**row) for row in rows)
    except TypeError as error:
        raise ScenarioError.one("records.rate", f"A setting of a scenario is not known: {error}", "Mend data/reporting.toml", path) from None


def redraw(incidents: gpd.GeoDataFrame, reporting: Reporting, ward: Ints, rng: np.random.Generator) -> gpd.GeoDataFrame:
    """Another record of the incidents, under ids of its own where some come twice.

    Parameters
    ----------
    ward: row of each incident's ward, -1 for none, which is a ward like others here (n_incidents,).
    """
    if reporting.again:
        rows = np.sort(rng.integers(0, len(incidents), len(incidents)))
        drawn = incidents.iloc[rows].copy()
        drawn.index = [f"{label}.{number}" for number, label in enumerate(drawn.index)]
        return drawn
    by_ward = rng.uniform(reporting.ward_low, reporting.ward_high, int(ward.max(initial=-1)) + 2)
    by_kind = np.array([reporting.kinds.get(str(kind), 1.0) for kind in incidents["category"]], dtype=np.float64)
    kept = rng.random(len(incidents)) < reporting.rate * by_kind * by_ward[ward]
    return incidents[kept]


def stability(
    city: City, scenario: Scenario, split: Split, reportings: tuple[Reporting, ...] | None = None, *, number: int | None = None, draws: int = 20,
    seed: int = 1, cell_m: float = 5.0, progress: Progress = Progress(),  # noqa: B008
) -> tuple[Stability, ...]:  # fmt: skip
    """Plan again on each draw of each scenario of reporting.

    Parameters
    ----------
    scenario: its time limit holds for each search [s]; there are `draws` a scenario of reporting, and two more.
    split, number, cell_m: as in `optimizer.backtest.backtest`.
    draws, seed: of each scenario of reporting.
    progress: told each draw; may stop the work.

    Raises
    ------
    ScenarioError: `backtest.number` for fewer draws than 1.
    """
    if draws < 1:
        raise ScenarioError.one("backtest.number", "Stability needs at least one draw", "Give 20", draws)
    reportings = load_reporting() if reportings is None else reportings
    bare, recipe = learnt_city(city, split), load_recipe(scenario.recipe)
    survey = make_survey(bare, scenario, progress=progress.part(0.0, 0.1))
    work = _Work(
        bare, scenario, survey, aimed_field(bare, scenario, survey, number),
        lay_ground(city, city["incidents"].loc[list(split.later)], snap_m=recipe.crime_snap_m, cell_m=cell_m),
    )  # fmt: skip
    first = work.plan(survey.demand["weight"].to_numpy(dtype=np.float64), scenario.seed)
    other = work.plan(survey.demand["weight"].to_numpy(dtype=np.float64), scenario.seed + 1)
    ward = first_area(bare["incidents"].geometry.to_numpy(), bare["wards"].geometry.to_numpy())
    found = []
    for turn, reporting in enumerate(reportings):
        rng, rows = np.random.default_rng([seed, turn]), []
        for draw in range(draws):
            progress.step(f"reporting: {reporting.key}", 0.1 + 0.9 * (turn + draw / draws) / len(reportings))
            known = dataclasses.replace(bare, frames={**bare.frames, "incidents": redraw(bare["incidents"], reporting, ward, rng)}, digest="")
            demand = weigh_suggestions(known, build_demand(known, recipe, spacing_m=scenario.spacing_m), scenario)
            weight = demand["weight"].to_numpy(dtype=np.float64)
            rows.append(work.compare(first, work.plan(weight, scenario.seed)))
        kept, ranks, caught = np.array(rows).T
        found.append(
            Stability(
                reporting, draws, _spread(kept), _spread(ranks[np.isfinite(ranks)]), _spread(caught), work.captured(first), work.kept(first, other)
            )
        )
    return tuple(found)


def _spread(values: Floats) -> Spread:
    if not len(values):
        return Spread(float("nan"), float("nan"), float("nan"))
    return Spread(float(values.mean()), float(np.percentile(values, 2.5)), float(np.percentile(values, 97.5)))


@dataclass(frozen=True, eq=False)
class _Work:
    """What every draw has in common."""

    city: City
    scenario: Scenario
    survey: Survey
    field: Field
    ground: Ground

    @property
    def problem(self) -> Problem:
        """The problem of the record as it is."""
        return self.field.problem

    def plan(self, weight: Floats, seed: int) -> Ints:
        """The poses chosen for these weights of demand; routes out, where they weigh, weigh what they did."""
        weight = np.concatenate([weight, self.problem.weight[len(weight) :]])
        limits = dataclasses.replace(self.problem.limits, ward_least=self._floors(weight))
        problem = dataclasses.replace(self.problem, weight=weight, limits=limits, second=np.zeros(0))
        return solve(problem, gap=self.scenario.gap, time_limit_s=self.scenario.time_limit_s, seed=seed).chosen

    def _floors(self, weight: Floats) -> Floats:
        ward, count = self.problem.ward, len(self.problem.limits.ward_least)
        totals = np.bincount(ward[ward >= 0], weights=weight[ward >= 0], minlength=count)
        return np.asarray(totals * self.scenario.ward_floor, dtype=np.float64)

    def kept(self, first: Ints, other: Ints) -> float:
        """Sites in both of the sites in either."""
        return jaccard(np.unique(self.problem.site[first]), np.unique(self.problem.site[other]))

    def wards(self, chosen: Ints) -> Floats:
        """Covered share of each ward that has weight, by the record's own demand."""
        ward, names = ward_rows(self.city, self.survey.demand)
        weight, seen = self.problem.weight[: len(ward)], self.problem.seen(chosen)[: len(ward)]
        totals = np.bincount(ward[ward >= 0], weights=weight[ward >= 0], minlength=len(names))
        got = np.bincount(ward[(ward >= 0) & seen], weights=weight[(ward >= 0) & seen], minlength=len(names))
        return np.asarray(got[totals > 0] / totals[totals > 0], dtype=np.float64)

    def captured(self, chosen: Ints) -> float:
        """Share of the later incidents in view."""
        return score(self.ground, self._views(chosen)).share

    def _views(self, chosen: Ints) -> Flags:
        found = self.field.seen(self.ground.points_m, chosen)
        flags: Flags = np.asarray(found.getnnz(axis=0) > 0)
        return flags

    def compare(self, first: Ints, other: Ints) -> tuple[float, float, float]:
        """Sites kept, rank correlation of the wards, later incidents in view."""
        one, two = self.wards(first), self.wards(other)
        return self.kept(first, other), spearman(one, two) if len(one) > 1 else float("nan"), self.captured(other)
