"""What live video takes for granted, read from `data/live.toml`: networks, times and limits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Self

from planning.datafile import DATA, Table, read_tables, refuse


@dataclass(frozen=True)
class Times:
    """Waits [s]; each is told in the file."""

    open_s: float
    read_s: float
    stale_s: float
    retry_first_s: float
    retry_most_s: float
    locked_s: float
    idle_s: float
    look_every_s: float
    token_s: float
    recheck_s: float
    still_every_s: float
    device_s: float
    steer_s: float
    move_s: float
    aim_every_s: float


@dataclass(frozen=True)
class Limits:
    """How much is kept, held and sent; each is told in the file."""

    held_open: int
    looks: int
    queue_frames: int
    group_frames: int
    group_bytes: int
    viewers: int
    jpeg_fps: float
    jpeg_quality: int
    jpeg_width_px: int
    picture_bytes: int
    device_bytes: int
    device_rows: int


@dataclass(frozen=True)
class Settings:
    """The settings of live video. `demo`: this machine's own addresses and files may be opened too, as simulated cameras need it."""

    networks: tuple[IPv4Network | IPv6Network, ...]
    verify_tls: bool
    times: Times
    limits: Limits
    demo: bool = False

    def for_demo(self) -> Self:
        """The same, with simulated cameras on this machine allowed."""
        return replace(self, demo=True)


def load_settings(path: str | Path = DATA / "live.toml") -> Settings:
    """The settings of a file.

    Raises
    ------
    FileRefused, InputError: with every fault of the file.
    """
    data, faults = read_tables(path)
    house = Table("live", data, faults)
    networks, times, limits = house.table("networks"), house.table("times"), house.table("limits")
    found: list[IPv4Network | IPv6Network] = []
    for text in networks.texts("allowed"):
        try:
            found.append(ip_network(text))
        except ValueError:
            networks.fault("network.range", "this is no network such as 10.0.0.0/8", text)
    settings = Settings(
        tuple(found), networks.flag("verify_tls"),
        Times(**{key: times.number(key, 0.05, 3600.0) for key in Times.__dataclass_fields__}),
        Limits(
            held_open=limits.whole("held_open", 0, 100_000), looks=limits.whole("looks", 1, 1000),
            queue_frames=limits.whole("queue_frames", 2, 10_000),
            group_frames=limits.whole("group_frames", 2, 10_000), group_bytes=limits.whole("group_bytes", 100_000, 1_000_000_000),
            viewers=limits.whole("viewers", 1, 100_000), jpeg_fps=limits.number("jpeg_fps", 0.1, 60),
            jpeg_quality=limits.whole("jpeg_quality", 10, 100), jpeg_width_px=limits.whole("jpeg_width_px", 160, 8000),
            picture_bytes=limits.whole("picture_bytes", 10_000, 100_000_000),
            device_bytes=limits.whole("device_bytes", 10_000, 100_000_000), device_rows=limits.whole("device_rows", 1, 1000),
        ),
    )  # fmt: skip
    for table in (networks, times, limits):
        table.text("source")
        table.flag("assumed")
        table.close()
    house.close()
    refuse(faults, data, path)
    return settings
