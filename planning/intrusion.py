"""What counts as looking into homes and into zones that must not be viewed, from data/privacy.toml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from planning.catalogue import load_levels
from planning.datafile import DATA, Table, read_tables, refuse
from planning.errors import InputError

LEVELS = ("room", "face")


@dataclass(frozen=True)
class Intrusive:
    """From which pixel density on a home counts as seen: a key of the levels, its px/m, and words for what can then be told."""

    key: str
    level: str
    px_per_m: float
    title: str
    title_hi: str
    source: str
    assumed: bool


@dataclass(frozen=True)
class PrivacySettings:
    """What data/privacy.toml says.

    `step_m`, `off_wall_m`: points of walls; `window_m`, `storey_m`: heights of windows; `most_oblique_deg`: between a wall's outward side and the
    camera; `levels`: room and face; `zone_step_m`, `zone_target_m`, `zone_px_per_m`: of no-view zones; `below_m`, `above_m`, `margin`, `most_masks`,
    `zone_m`: of masks; `assumptions`: a sentence each.
    """

    step_m: float
    off_wall_m: float
    window_m: float
    storey_m: float
    most_oblique_deg: float
    levels: Mapping[str, Intrusive]
    zone_step_m: float
    zone_target_m: float
    zone_px_per_m: float
    below_m: float
    above_m: float
    margin: float
    most_masks: int
    zone_m: float
    assumptions: tuple[str, ...]

    @property
    def px_per_m(self) -> float:
        """The pixel density counted, that of a room [px/m]."""
        return self.levels["room"].px_per_m


def load_privacy(path: str | Path = DATA / "privacy.toml") -> PrivacySettings:
    """The settings of a file.

    Raises
    ------
    InputError: with every fault of the file. FileRefused: no such file.
    """
    data, faults = read_tables(path)
    known = {key: level.px_per_m for key, level in load_levels().items()}
    book = Table(Path(path).name, data, faults)
    homes, zones, masks, wanted = (book.table(name) for name in ("homes", "zones", "masks", "level"))
    levels = {}
    for key in LEVELS:
        table = wanted.table(key)
        level = table.text("level", known)
        levels[key] = Intrusive(
            key, level, known.get(level, 0.0), table.text("title"), table.text("title_hi"), table.text("source"), table.flag("assumed")
        )
        table.close()
    told = [f"Assumed: {one.title}, from {one.px_per_m:g} px/m on" for one in levels.values() if one.assumed]
    tables = (("homes", homes), ("zones", zones), ("masks", masks))
    told += [f"Assumed: {name} of data/privacy.toml" for name, table in tables if table.flag("assumed")]
    settings = PrivacySettings(
        homes.number("step_m", 0.5, 20), homes.number("off_wall_m", 0.01, 1), homes.number("window_m", 0.1, 10), homes.number("storey_m", 2, 10),
        homes.number("most_oblique_deg", 1, 90), levels, zones.number("step_m", 0.5, 50), zones.number("target_m", 0, 10),
        known.get(zones.text("level", known), 0.0), masks.number("below_m", 0, 5), masks.number("above_m", 0, 5), masks.number("margin", 0, 0.2),
        masks.whole("most", 1, 64), masks.number("zone_m", 0, 10), tuple(told),
    )  # fmt: skip
    for table in (homes, zones, masks):
        table.text("source")
        table.close()
    wanted.close()
    book.close()
    refuse(faults, levels, path)
    return settings


def at_level(settings: PrivacySettings, key: str) -> Intrusive:
    """One of the levels at which a home counts as seen.

    Raises
    ------
    InputError: `homes.level`.
    """
    if key not in settings.levels:
        raise InputError.one("homes.level", "This is no level at which homes count as seen", f"Choose among {', '.join(LEVELS)}", key)
    return settings.levels[key]
