"""Where people want a camera, or none: pins with a few words, looked at before others see them.

Nobody is asked for a name. How often one address may write is counted in this process's memory alone, by a salted hash that says nothing of the
address; no more than `KEYS` of them are kept, and each is dropped a day after it was last heard. People without an account may write where an
administrator opened a city's suggestions to everyone.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
import secrets
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable

import pyproj
import shapely

from planning.access import Actor, may, require
from planning.city import City
from planning.errors import Fault, InputError
from planning.proposals import found_name
from planning.store import Row, Store, now
from planning.voices import written_place
from planning.writing import clean, fits

BODY_LEAST, BODY_MOST = 5, 500  # signs of a suggestion
REASON_MOST = 500
WAITING_MOST = 2_000  # suggestions of a city that nobody has looked at yet
STATES = ("waiting", "shown", "hidden")
AN_HOUR_S, OF_ONE, OF_ALL, KEYS = 3_600.0, 6, 300, 5_000
A_DAY_S, OF_ONE_A_DAY = 86_400.0, 20


class Limit:
    """How often one writer, and all together, may write within a time; what it remembers is bounded.

    Parameters
    ----------
    of_one, of_all: the most within `within_s` [s]. of_one_a_day: the most of one writer within a day, after which nothing is left of it. keys:
    writers remembered; the one heard longest ago is forgotten first.
    """

    def __init__(
        self,
        of_one: int = OF_ONE,
        of_all: int = OF_ALL,
        *,
        within_s: float = AN_HOUR_S,
        of_one_a_day: int = OF_ONE_A_DAY,
        keys: int = KEYS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._of_one, self._of_all, self._within, self._most, self._clock = of_one, of_all, within_s, keys, clock
        self._a_day = of_one_a_day
        self._salt = secrets.token_bytes(16)
        self._times: OrderedDict[bytes, deque[float]] = OrderedDict()
        self._all: deque[float] = deque()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """How many writers are remembered."""
        return len(self._times)

    def take(self, who: str) -> bool:
        """Whether this writer may write now; it is counted where so."""
        key, at = hashlib.blake2b(who.encode(), key=self._salt, digest_size=16).digest(), self._clock()
        with self._lock:
            while self._times and at - next(iter(self._times.values()))[-1] >= A_DAY_S:
                self._times.popitem(last=False)
            mine = self._times.pop(key, deque(maxlen=self._a_day))
            for times, within in ((mine, A_DAY_S), (self._all, self._within)):
                while times and at - times[0] >= within:
                    times.popleft()
            lately = sum(at - one < self._within for one in mine)
            free = lately < self._of_one and len(mine) < self._a_day and len(self._all) < self._of_all
            if free:
                mine.append(at)
                self._all.append(at)
            if mine:
                self._times[key] = mine
            while len(self._times) > self._most:
                self._times.popitem(last=False)
            return free


LIMIT = Limit()


def writer_of(address: str) -> str:
    """Whose an address is taken to be: under IPv6 that of its /64, of which one house has all."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is None:
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(getattr(found, "ipv4_mapped", None) or found)


def is_open(store: Store, city: str) -> bool:
    """Whether people without an account may write."""
    with store.read() as tx:
        return tx.one("settings", id=_key(city), value="open") is not None


def open_cities(store: Store) -> tuple[str, ...]:
    """The cities whose suggestions are open to everyone, by name."""
    with store.read() as tx:
        return tuple(row["id"].removeprefix(_key("")) for row in tx.rows("settings", value="open") if row["id"].startswith(_key("")))


def set_open(store: Store, actor: Actor, city: str, on: bool) -> None:
    """Open a city's suggestions to people without an account, or close them again.

    Raises
    ------
    Forbidden: without `committee.manage`.
    """
    require(actor, "committee.manage")
    row = {"value": "open" if on else "closed", "changed_at": now()}
    with store.write(actor.id, "suggestion.open" if on else "suggestion.close", city) as tx:
        if tx.one("settings", id=_key(city)) is None:
            tx.add("settings", {"id": _key(city), **row})
        else:
            tx.change("settings", _key(city), **row)


def _key(city: str) -> str:
    return f"suggestions/{city}"


def suggest(store: Store, actor: Actor, city: City, lat: float, lon: float, body: str, *, address: str = "", limit: Limit | None = None) -> str:
    """Put a pin on the map; its id. Others see it once a planner shows it.

    Parameters
    ----------
    lat, lon: WGS84 [deg]. address: where it comes from, for the limit alone; it is not kept. limit: this process's own where None.

    Raises
    ------
    Forbidden: without `suggestion.make`.
    InputError: all faults at once: `pin.place` (no place), `pin.area` (outside the study area), `pin.text` (its length); or, where there are none,
        `pin.often` (this writer, or all together, write too often), `pin.many` (too many wait to be looked at).
    """
    require(actor, "suggestion.make")
    text, faults = clean(body), []
    if not inside(city, lat, lon):
        good = math.isfinite(lat) and math.isfinite(lon) and abs(lat) <= 90 and abs(lon) <= 180
        what = "The place lies outside the study area" if good else "This is no place"
        faults.append(Fault("pin.area" if good else "pin.place", what, "Click a place on the map", f"{lat:.5f}, {lon:.5f}"))
    if len(text) < BODY_LEAST or not fits(text, BODY_MOST):
        faults.append(Fault("pin.text", f"A suggestion has {BODY_LEAST} to {BODY_MOST} signs", "Write what is wanted and why", str(len(text))))
    if faults:
        raise InputError(faults)
    if not (LIMIT if limit is None else limit).take(actor.id or f"address {writer_of(address)}"):
        raise InputError.one("pin.often", "Too many suggestions came from here, or from all, within the hour", "Come back in an hour")
    name = found_name(city)
    with store.write(actor.id, "suggestion.make", name) as tx:
        if len(tx.rows("suggestions", city=name, state="waiting")) >= WAITING_MOST:
            raise InputError.one("pin.many", "Too many suggestions wait to be looked at", "Come back once some were looked at", WAITING_MOST)
        row = {"city": name, "lat": round(float(lat), 6), "lon": round(float(lon), 6), "body": text, "by": actor.id, "created_at": now()}
        return tx.add("suggestions", row)


def inside(city: City, lat: float, lon: float) -> bool:
    """Whether a place in degrees lies in the study area."""
    if not (math.isfinite(lat) and math.isfinite(lon) and abs(lat) <= 90 and abs(lon) <= 180):
        return False
    x, y = pyproj.Transformer.from_crs(4326, city.crs, always_xy=True).transform(lon, lat)
    return math.isfinite(x) and math.isfinite(y) and bool(shapely.intersects_xy(city.area, x, y))


def moderate(store: Store, actor: Actor, suggestion: str, state: str, reason: str = "") -> None:
    """Show a suggestion to everyone, or hide it with a reason.

    Raises
    ------
    Forbidden: without `suggestion.moderate`.
    InputError: both faults at once: `pin.state`, `pin.reason` (hiding asks for one, of at most `REASON_MOST` signs).
    """
    require(actor, "suggestion.moderate")
    text, faults = clean(reason), []
    if state not in STATES[1:]:
        faults.append(Fault("pin.state", "A suggestion is shown or hidden", "Choose one of the two", state[:40]))
    if (state == "hidden" and not text) or len(text) > REASON_MOST:
        faults.append(Fault("pin.reason", f"Hiding asks for a reason of 1 to {REASON_MOST} signs", "Write why", str(len(text))))
    if faults:
        raise InputError(faults)
    with store.write(actor.id, "suggestion.moderate", suggestion, {"state": state, "reason": text}) as tx:
        tx.change("suggestions", suggestion, state=state, reason=text)


def shown_suggestions(store: Store, city: str) -> list[Row]:
    """What everyone may read of a city's suggestions, the newest first: `id`, `lat`, `lon`, `body`, `created_at`."""
    with store.read() as tx:
        found = tx.rows("suggestions", order="created_at", city=city, state="shown")
    return [{key: row[key] for key in ("id", "lat", "lon", "body", "created_at")} for row in reversed(found)]


def shown_places(store: Store, city: str) -> tuple[str, ...]:
    """Where a city's shown suggestions are, as a scenario holds them (`planning.voices`), in the order of the text."""
    with store.read() as tx:
        return tuple(sorted(written_place(row["lat"], row["lon"]) for row in tx.rows("suggestions", city=city, state="shown")))


def all_suggestions(store: Store, actor: Actor, city: str) -> list[Row]:
    """A city's suggestions as this actor may see them, the newest first: everything for who moderates; for others what is shown, and their own."""
    with store.read() as tx:
        found = tx.rows("suggestions", order="created_at", city=city)
    if not may(actor, "suggestion.moderate"):
        found = [row for row in found if row["state"] == "shown" or (actor.id and row["by"] == actor.id)]
    return found[::-1]
