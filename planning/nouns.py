"""The frozen values every room speaks in. Change means a copy (`dataclasses.replace`); a noun checks itself once, at birth.

Money is int rupees; angles are degrees clockwise from north; lengths metres in the city's projected CRS.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from planning.errors import Fault, ScenarioError

if TYPE_CHECKING:
    import geopandas as gpd

_PLACE = re.compile(r"-?\d{1,3}\.\d{6},-?\d{1,3}\.\d{6}", re.ASCII)
CAMERA_KINDS = ("fixed", "varifocal", "dome", "ptz", "anpr")


@dataclass(frozen=True)
class Lens:
    """One setting of a camera's lens: horizontal and vertical field of view [deg]."""

    hfov_deg: float
    vfov_deg: float


@dataclass(frozen=True)
class CameraModel:
    """A camera one can buy.

    A varifocal has several lens settings, each a choice of the optimizer; a PTZ is credited with its home view only, since it looks one way at a
    time.
    """

    key: str
    title: str
    title_hi: str
    kind: str
    width_px: int
    height_px: int
    lenses: tuple[Lens, ...]
    night_range_m: float
    price_inr: int
    upkeep_inr_per_year: int
    power_w: float
    stream_mbps: float
    source: str

    def __post_init__(self) -> None:
        faults = []
        way_out = "Mend this model in the camera catalogue"
        if self.kind not in CAMERA_KINDS:
            faults.append(Fault("model.kind", f"{self.key}: the kind is none of {', '.join(CAMERA_KINDS)}", way_out, self.kind))
        if self.width_px <= 0 or self.height_px <= 0:
            faults.append(Fault("model.pixels", f"{self.key}: pixels must be above 0", way_out, f"{self.width_px} x {self.height_px}"))
        if not self.lenses:
            faults.append(Fault("model.lens", f"{self.key}: no lens setting", way_out))
        for lens in self.lenses:
            if not (0 < lens.hfov_deg <= 360 and 0 < lens.vfov_deg <= 180):
                faults.append(Fault("model.lens", f"{self.key}: a field of view lies outside 0-360 x 0-180 deg", way_out, str(lens)))
        if self.price_inr < 0 or self.upkeep_inr_per_year < 0:
            faults.append(Fault("model.price", f"{self.key}: a price is negative", way_out, str(self.price_inr)))
        if faults:
            raise ScenarioError(faults)


@dataclass(frozen=True)
class Level:
    """How finely a target must be seen: pixels per metre, under a versioned profile such as IEC 62676-4:2014."""

    key: str
    px_per_m: float
    title: str
    title_hi: str
    profile: str


@dataclass(frozen=True)
class Scenario:
    """A committee's wish. It never touches its city; its id is the hash of its content.

    `keep` holds camera ids that must be in the plan; `forbid` holds site ids or camera ids that must not. `ward_floor` is the least share of each
    ward's weight to be covered, existing cameras included. `gap` is the relative gap at which the solver may stop. With a `wanted_share` above 0 the
    cheapest plan that covers this share is asked for, and the budget is the most it may cost.

    `purposes`: what certain places ask beyond the level, such as "junctions=face" (`planning.purposes`). `second_view`: what a second view from
    another place is worth in priority zones, as a share of the first. `privacy`: the share of all weight that a kilometre of homes' frontage in
    view costs. `no_view`: whether cameras that see a no_view zone are ruled out. `grid`: whether the network to the command centre is laid and
    paid as one, to `centre` (latitude, longitude), assumed where none is given. `suggestions_percent`: the share of all weight that goes to
    `suggestions`, places of people's accepted suggestions written as "22.093500,82.136500" (`planning.voices`). `movement_percent`: the share of
    what the plan is to be best by that goes to likely routes out of the city on which a plate is read.
    """

    city: str
    budget_inr: int
    yearly_inr: int | None = None
    models: tuple[str, ...] = ()
    level: str = "observation"
    recipe: str = "balanced"
    spacing_m: float = 10.0
    mount_heights_m: tuple[float, ...] = (6.0,)
    cameras_per_site: int = 3
    ward_floor: float = 0.0
    keep: tuple[str, ...] = ()
    forbid: tuple[str, ...] = ()
    by_night: bool = False
    gap: float = 0.005
    time_limit_s: float = 45.0
    seed: int = 1
    title: str = field(default="", compare=False)
    wanted_share: float = 0.0
    purposes: tuple[str, ...] = ()
    second_view: float = 0.0
    privacy: float = 0.0
    no_view: bool = False
    grid: bool = False
    centre: tuple[float, ...] = ()
    suggestions_percent: int = 0
    suggestions: tuple[str, ...] = ()
    movement_percent: int = 0

    @property
    def weighs_more(self) -> bool:
        """Whether a plan is to be best by more than coverage: second views, homes in view, or routes out."""
        return self.second_view > 0 or self.privacy > 0 or self.movement_percent > 0

    def __post_init__(self) -> None:
        faults = list(_scenario_faults(self))
        if faults:
            raise ScenarioError(faults)

    @property
    def id(self) -> str:
        """Twelve hex digits of the content's SHA-256; the title is no content."""
        content = {key: _plain(value) for key, value in asdict(self).items() if key != "title" and (key, value) not in _LATER}
        return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:12]

    def to_json(self) -> str:
        """The content as JSON, readable by `from_json`."""
        return json.dumps({"version": 1, **asdict(self)}, sort_keys=True, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Scenario:
        """The scenario `to_json` wrote; ScenarioError on an unknown key or version."""
        try:
            data = json.loads(text)
            if data.pop("version") != 1:
                raise ValueError("unknown version")
            fields: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}
            return cls(**fields)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise ScenarioError.one("scenario.json", "This is not a scenario we wrote", "Plan again from the settings", error) from None


# Wishes that came later, at what leaves a scenario as it was: its id stays that of the plans made before them.
_LATER = (("wanted_share", 0.0), ("purposes", ()), ("second_view", 0.0), ("privacy", 0.0), ("no_view", False),
          ("grid", False), ("centre", ()), ("suggestions_percent", 0), ("suggestions", ()), ("movement_percent", 0))  # fmt: skip


def _plain(value: Any) -> Any:
    """The value with every number as a float, so that equal scenarios are written alike whether they say 10 or 10.0."""
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def is_place(text: object) -> bool:
    """Whether a text is latitude and longitude [deg] as a suggestion's place is written, with six decimals each."""
    if not isinstance(text, str) or not _PLACE.fullmatch(text):
        return False
    lat, lon = map(float, text.split(","))
    return abs(lat) <= 90 and abs(lon) <= 180


def _scenario_faults(scenario: Scenario) -> list[Fault]:
    faults: list[Fault] = []

    def require(holds: bool, code: str, what: str, way_out: str, value: object) -> None:
        if not holds:
            faults.append(Fault(code, what, way_out, str(value)))

    budgets = [("budget", scenario.budget_inr)] + ([("yearly budget", scenario.yearly_inr)] if scenario.yearly_inr is not None else [])
    for name, value in budgets:
        whole = isinstance(value, int) and not isinstance(value, bool)
        require(whole and value > 0, "scenario.budget", f"The {name} must be whole rupees above 0", "Give an amount such as 2crore", value)
    require(0 <= scenario.ward_floor <= 1, "scenario.floor", "The ward floor is a share between 0 and 1", "Give 0.2 for 20 %", scenario.ward_floor)
    require(0 <= scenario.wanted_share <= 1, "scenario.share", "The share to cover lies from 0 to 1", "Give 0.6 for 60 %", scenario.wanted_share)
    require(0 <= scenario.second_view <= 1, "scenario.second", "A second view is worth a share of the first", "Give 0.5", scenario.second_view)
    spot = scenario.centre
    sane_spot = not spot or (len(spot) == 2 and all(map(math.isfinite, spot)) and abs(spot[0]) <= 90 and abs(spot[1]) <= 180)
    require(sane_spot, "scenario.centre", "The command centre is a latitude and a longitude", "Write 22.0900,82.1500", spot)
    require(0 <= scenario.privacy <= 1, "scenario.privacy", "A kilometre of homes costs a share of all weight", "Give 0.002", scenario.privacy)
    require(1 <= scenario.spacing_m <= 200, "scenario.spacing", "Demand spacing must lie between 1 and 200 m", "Use 10", scenario.spacing_m)
    require(1 <= scenario.cameras_per_site <= 8, "scenario.site", "Cameras a site must lie between 1 and 8", "Use 3", scenario.cameras_per_site)
    require(0 <= scenario.gap < 1, "scenario.gap", "The gap is a share from 0 up to 1", "Use 0.005", scenario.gap)
    require(0 < scenario.time_limit_s <= 86_400, "scenario.time", "The time limit lies between 0 and 86400 s", "Use 45", scenario.time_limit_s)
    heights = scenario.mount_heights_m
    sane = bool(heights) and all(math.isfinite(height) and 2 <= height <= 40 for height in heights)
    require(sane, "scenario.height", "Mount heights must lie between 2 and 40 m", "Use 6", heights)
    share, places = scenario.suggestions_percent, scenario.suggestions
    for amount, code, name in ((share, "scenario.suggestions", "suggestions"), (scenario.movement_percent, "scenario.movement", "routes out")):
        whole_share = isinstance(amount, int) and not isinstance(amount, bool) and 0 <= amount <= 90
        require(whole_share, code, f"The weight of {name} lies from 0 to 90 whole percent", "Give 10", amount)
    what = "No suggestion weighs in: none is accepted, or they are to weigh nothing"
    require(bool(share) == bool(places), "scenario.suggestions", what, "Accept suggestions first, or ask 0", f"{share} %, {len(places)} places")
    require(len(places) <= 5_000, "scenario.suggestions", "At most 5000 suggestions weigh in", "Hide those long answered", len(places))
    strange = [text for text in places if not is_place(text)]
    require(not strange, "scenario.suggestions", "A suggestion's place is a latitude and a longitude", "Plan again", ", ".join(strange[:3]))
    both = sorted(set(scenario.keep) & set(scenario.forbid))
    require(not both, "scenario.keep", "A camera cannot be both kept and forbidden", "Take it off one of the lists", ", ".join(both))
    return faults


@dataclass(frozen=True)
class PlannedCamera:
    """One camera of a plan, placed and aimed.

    `x_m`, `y_m` in the city's CRS; `bearing_deg` clockwise from north; `tilt_deg` below the horizon; `cost_inr` is the camera's own (its site's is
    in `PlannedSite`); `gain` is the share of all weight that only this camera adds to the plan; `purpose`: key of data/written_purposes.toml.
    """

    id: str
    site: str
    x_m: float
    y_m: float
    model: str
    hfov_deg: float
    vfov_deg: float
    bearing_deg: float
    tilt_deg: float
    height_m: float
    reach_m: float
    lens: int
    cost_inr: int
    yearly_inr: int
    ward: str
    sees: int
    gain: float
    purpose: str = ""


@dataclass(frozen=True)
class PlannedSite:
    """A site the plan builds: what it costs, head by head."""

    id: str
    kind: str
    x_m: float
    y_m: float
    heads: tuple[tuple[str, int], ...]
    yearly_inr: int

    @property
    def cost_inr(self) -> int:
        """All heads together [INR]."""
        return sum(amount for _, amount in self.heads)


@dataclass(frozen=True)
class Proof:
    """What an answer says of itself.

    Shares are of all weight. `covered`: seen; `second`: what second views are worth; `privacy`: what homes in view cost; `routes`: share of likely
    routes out on which a plate is read, which is the share `movement` of what was asked for, else 0; that is `worth`. No plan under the same rules is
    worth more than `bound`, and `gap` = bound / worth - 1. Where the cheapest plan for a share was asked for, no plan that covers it costs less than
    `least_inr`, and `gap` = cost / least - 1.
    """

    status: str
    covered: float
    bound: float
    gap: float
    runtime_s: float
    how: str
    least_inr: int | None = None
    second: float = 0.0
    privacy: float = 0.0
    movement: float = 0.0
    routes: float = 0.0

    @property
    def worth(self) -> float:
        """What the plan was to be best by: coverage, with second views, less the price of homes in view; and the routes read, by their share."""
        return (1 - self.movement) * (self.covered + self.second - self.privacy) + self.movement * self.routes


@dataclass(frozen=True)
class Draft:
    """A plan that stands while a better one is looked for: neither final nor verified. Shares are of all weight; `bound` as in `Proof`."""

    cameras: tuple[PlannedCamera, ...]
    sites: tuple[PlannedSite, ...]
    covered: float
    bound: float

    @property
    def gap(self) -> float:
        """How far the best plan can lie above this one: bound / covered - 1."""
        return self.bound / self.covered - 1 if self.covered > 0 else 0.0

    @property
    def cost_inr(self) -> int:
        """Capital cost of cameras and sites [INR]."""
        return sum(camera.cost_inr for camera in self.cameras) + sum(site.cost_inr for site in self.sites)


@dataclass(frozen=True)
class WardScore:
    """A ward's share of its own weight covered, before the plan and with it."""

    ward: str
    weight: float
    before: float
    after: float


@dataclass(frozen=True)
class Scorecard:
    """Coverage as shares of all weight: by existing cameras alone, and with the plan; `low` to `high` with maps and installation off as they usually
    are, None where that is not worked out. `routes_before`, `routes_after`: shares of likely routes out on which a plate is read, None where routes
    weigh nothing.
    """

    before: float
    after: float
    wards: tuple[WardScore, ...] = ()
    low: float | None = None
    high: float | None = None
    routes_before: float | None = None
    routes_after: float | None = None

    @property
    def worst(self) -> WardScore | None:
        """The least covered ward; the first by name where several are equal."""
        return min(self.wards, key=lambda score: (score.after, score.ward)) if self.wards else None


@dataclass(frozen=True)
class Plan:
    """Which cameras, where, for what money, and the proof of it.

    `assumptions` are sentences; `verified` says that `verify` agreed. `demand` is the frame of `planning.demand` with `before` and `after`: whether
    existing cameras alone, and the city with the plan, see the point. `views`: one area a camera, planned and existing, with columns `camera`,
    `planned`. `made` says that the city is invented.
    """

    scenario: Scenario
    city_digest: str
    made: bool
    demand: gpd.GeoDataFrame = field(compare=False, repr=False)
    views: gpd.GeoDataFrame = field(compare=False, repr=False)
    cameras: tuple[PlannedCamera, ...]
    sites: tuple[PlannedSite, ...]
    scorecard: Scorecard
    proof: Proof
    stages_s: tuple[tuple[str, float], ...] = ()
    assumptions: tuple[str, ...] = ()
    verified: bool = False

    @property
    def id(self) -> str:
        """Hash of scenario, city and cameras: equal plans have equal ids."""
        content: list[Any] = [self.scenario.id, self.city_digest, [(camera.id, camera.cost_inr) for camera in self.cameras]]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:12]

    @property
    def cost_inr(self) -> int:
        """Capital cost of cameras and sites [INR]."""
        return sum(camera.cost_inr for camera in self.cameras) + sum(site.cost_inr for site in self.sites)

    @property
    def yearly_inr(self) -> int:
        """Upkeep, power and links a year [INR/year]."""
        return sum(camera.yearly_inr for camera in self.cameras) + sum(site.yearly_inr for site in self.sites)
