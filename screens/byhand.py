"""A plan changed by hand on the map: what is asked becomes one more change of a sheet, and the answer tells what the plan then is.

What a browser asks, as JSON: {"hand": name of the sheet, "" for none, "do": what, …, "preview": true to try without keeping}. `do` is one of

    look                                    undo, redo, drop_all
    move    id, lat, lon                    set     id, and any of bearing, height, model, lens
    add     lat, lon                        drop    id
"""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import pyproj

from planning.city import City
from planning.errors import InputError, ScenarioError
from planning.handmade import Edit, Handmade, around, camera_id, parse_camera_id, placed_spot, read_sheet, write_sheet
from planning.nouns import Draft, Plan
from planning.progress import Progress
from screens import jobs, mapdata
from screens.library import Shelf
from screens.words import Words

if TYPE_CHECKING:
    from optimizer.handwork import Bench, Scored

LOWEST_M, HIGHEST_M = 2.0, 40.0
_MONEY = ("budget", "yearly")
_benches: Shelf[tuple[Bench, Scored]] = Shelf(3)


def change(city: City, plan: Plan, asked: Mapping[str, Any], said: Words) -> dict[str, Any]:
    """What the plan is after what was asked, as the map takes it.

    Raises
    ------
    InputError: `hand.ask` for what cannot be read, `hand.unknown` for a sheet that is not there. ScenarioError: for a change that cannot be made.
    CityError: `desk.city` where the plan was made for another state of the city.
    """
    bench, before = _bench(city, plan)
    made = open_sheet(city, plan, str(asked.get("hand", "")))
    ids = [camera.id for camera in plan.cameras]
    todo, chosen, note = str(asked.get("do", "look")), str(asked.get("id", "")), ""
    if todo in ("undo", "redo"):
        # The camera in question is looked at again, as it is then.
        turned = made.undone() if todo == "undo" else made.redone()
        between = made.edits[min(made.at, turned.at) : max(made.at, turned.at)]
        made, chosen = turned, "".join(edit.was if todo == "undo" else edit.now for edit in between)
    elif todo == "drop_all":
        made, chosen = Handmade(plan.id), ""
    elif todo != "look":
        edit = _edit(bench, plan, made.applied(ids), todo, asked)
        if edit.was != edit.now:
            made = made.then(edit)
        elif todo == "move":
            note = said.say("hand.same")
        chosen = edit.now
    now = made.applied(ids)
    scored = bench.score(now)
    if made.edits and not asked.get("preview"):
        write_sheet(made, city)
    return {**_told(city, plan, bench, before, made, scored, chosen, said), "note": note}


def open_sheet(city: City, plan: Plan, name: str) -> Handmade:
    """The sheet of that name, where it is one of this plan; no change at all where no name is given."""
    if not name:
        return Handmade(plan.id)
    made = read_sheet(name, city)
    if made.plan != plan.id:
        raise InputError.one("hand.unknown", "The changes of this address are those of another plan", "Begin again from the plan", name)
    return made


def start(city: City, plan: Plan, name: str, *, again: bool, title: str = "") -> jobs.PlanJob:
    """Begin to plan again around the changes of a sheet, or to keep the plan as it was made by hand.

    Planned again, it stays within its budgets. Kept as it is, a plan that costs more is one for so large a budget, and its bound is that budget's.

    Raises
    ------
    ScenarioError: `hand.rules` where the cameras break rules that planning again cannot mend, or that a plan may not be kept with.
    InputError: `hand.unknown`, `city.folder`.
    """
    from optimizer.handwork import paid, refuse_broken

    made = open_sheet(city, plan, name)
    bench, _ = _bench(city, plan)
    ids = [camera.id for camera in plan.cameras]
    cameras = made.applied(ids)
    wish = around(plan.scenario, ids, made)
    scored = bench.score(cameras)
    refuse_broken(scored, again=again)
    if again:
        return jobs.desk.start(city, wish)
    wish = dataclasses.replace(paid(wish, scored), title=" ".join(title.split())[:120] or plan.scenario.title)
    return jobs.desk.start(city, wish, make=partial(_keep, cameras=cameras), name=f"hand-{made.name}")


def _keep(city: City, scenario: Any, *, progress: Progress, cameras: tuple[str, ...]) -> Plan:
    from optimizer.handwork import keep_handmade

    return keep_handmade(city, scenario, cameras, survey=jobs.survey_of(city, scenario, progress=progress), progress=progress)


def _bench(city: City, plan: Plan) -> tuple[Bench, Scored]:
    """The plan on its bench, and what it is before any change."""

    def make() -> tuple[Bench, Scored]:
        from optimizer.handwork import open_bench

        bench = open_bench(city, plan)
        return bench, bench.score([camera.id for camera in plan.cameras])

    return _benches.get((city.digest, plan.id), make)


# ---- what is asked -------------------------------------------------------------------------------------------------------------------------------


def _number(asked: Mapping[str, Any], name: str, low: float, high: float) -> float:
    value = asked.get(name)
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not math.isfinite(value) or not low <= value <= high:
        raise InputError.one("hand.ask", f"{name} must be a number from {low:g} to {high:g}", "Reload the page", value)
    return float(value)


def _edit(bench: Bench, plan: Plan, now: tuple[str, ...], todo: str, asked: Mapping[str, Any]) -> Edit:
    """The change that is asked for."""
    was = str(asked.get("id", ""))
    if todo == "add":
        return Edit("", _added(bench, plan, now, asked))
    parts = parse_camera_id(was)
    if parts is None or was not in now:
        raise ScenarioError.one("hand.camera", "The plan has no such camera to change", "Name one of its cameras", was)
    if todo == "drop":
        return Edit(was, "")
    model, lens, site = parts["model"], int(parts["lens"]), parts["site"]
    bearing, height = float(parts["bearing"]), float(parts["height"])
    if todo == "move":
        return Edit(was, camera_id(_spot(bench, asked), model, lens, bearing, height))
    if todo != "set":
        raise InputError.one("hand.ask", "This cannot be asked", "Reload the page", todo)
    if "model" in asked and asked["model"] != model:
        model, lens = str(asked["model"]), 0
    if "lens" in asked:
        lens = int(_number(asked, "lens", 0, 99))
    bearing = _number(asked, "bearing", -360, 720) % 360 if "bearing" in asked else bearing
    height = round(_number(asked, "height", LOWEST_M, HIGHEST_M), 1) if "height" in asked else height
    return Edit(was, camera_id(site, model, lens, bearing, height))


def _added(bench: Bench, plan: Plan, now: tuple[str, ...], asked: Mapping[str, Any]) -> str:
    """A camera of the kind the plan has most of, where it was set down, turned to where it adds most."""
    kinds = Counter((camera.model, camera.lens, camera.height_m) for camera in plan.cameras)
    model, lens, height = kinds.most_common(1)[0][0] if kinds else (next(iter(bench.ground.models)), 0, plan.scenario.mount_heights_m[0])
    site = _spot(bench, asked)
    return camera_id(site, model, lens, bench.best_bearing(site, model, lens, height, now), height)


def _spot(bench: Bench, asked: Mapping[str, Any]) -> str:
    lat, lon = _number(asked, "lat", -90, 90), _number(asked, "lon", -180, 180)
    x, y = pyproj.Transformer.from_crs(4326, bench.city.crs, always_xy=True).transform(lon, lat)
    if not (math.isfinite(x) and math.isfinite(y)):
        raise InputError.one("hand.ask", "This place lies outside the city's map", "Choose a place within the city", f"{lat} {lon}")
    return bench.spot(x, y)


# ---- what is told --------------------------------------------------------------------------------------------------------------------------------


def _told(
    city: City, plan: Plan, bench: Bench, before: Scored, made: Handmade, scored: Scored, chosen: str, said: Words
) -> dict[str, Any]:  # fmt: skip
    known = {camera.id for camera in plan.cameras}
    now = {camera.id for camera in scored.cameras}
    came = tuple(camera for camera in scored.cameras if camera.id not in known)
    shapes = bench.views([camera.id for camera in came])
    drawn = mapdata.hand_layers(city, plan, Draft(came, scored.sites, scored.card.after, plan.proof.bound), shapes, scored.seen)
    models = [
        {"key": key, "title": said.pick(model.title, model.title_hi), "lenses": [lens.hfov_deg for lens in model.lenses]}
        for key, model in bench.ground.models.items()
    ]
    return {
        "hand": made.name, "undo": made.at > 0, "redo": made.at < len(made.edits), "chosen": chosen if chosen in now else "",
        "gone": [camera.id for camera in plan.cameras if camera.id not in now], **drawn, "numbers": _numbers(city, before, scored, said),
        "broken": [_rule(city, rule, said) for rule in scored.broken], "keeps": all(rule.rule in _MONEY for rule in scored.broken),
        "models": models,
        "changes": [{"id": edit.now, "text": _change(edit, said)} for edit in reversed(made.counted)],
    }  # fmt: skip


def _numbers(city: City, before: Scored, scored: Scored, said: Words) -> list[list[str]]:
    """Label, value, and the difference to the plan as it was."""

    def differs(value: float, show: Any) -> str:
        text = show(abs(value))
        return "=" if text == show(0) else f"{'+' if value > 0 else '−'}{text}"

    weight, whole = before.weight, max(float(before.weight.sum()), 1e-12)
    gained, lost = (float(weight[rows].sum()) / whole for rows in (scored.seen & ~before.seen, before.seen & ~scored.seen))
    fine, money = partial(said.share, digits=3), lambda value: said.money(int(value))
    rows = [
        [said.say("number.after"), said.share(scored.card.after, 2), differs(scored.card.after - before.card.after, fine)],
        [said.say("hand.gained"), fine(gained), f"−{fine(lost)} {said.say('hand.lost')}"],
        [said.say("number.cameras"), said.number(len(scored.cameras)), differs(len(scored.cameras) - len(before.cameras), said.number)],
        [said.say("number.cost"), said.short(scored.cost_inr), differs(scored.cost_inr - before.cost_inr, money)],
        [said.say("number.yearly"), said.short(scored.yearly_inr), differs(scored.yearly_inr - before.yearly_inr, money)],
    ]
    was, read = before.card.routes_after, scored.card.routes_after
    if was is not None and read is not None:
        rows.insert(2, [said.say("number.routes_after"), said.share(read, 2), differs(read - was, fine)])
    worst = scored.card.worst
    if worst is not None:
        name = mapdata.ward_names(city).get(worst.ward, worst.ward)
        rows.append([said.say("number.worst"), said.share(worst.after), name])
    return rows


def _rule(city: City, rule: Any, said: Words) -> str:
    """A broken rule in words."""
    show: Any = (lambda value: said.money(int(value))) if rule.rule in _MONEY else said.number if rule.rule == "room" else said.share
    name = mapdata.ward_names(city).get(rule.name, rule.name)
    return said.say(f"hand.broken_{rule.rule}", name=name, found=show(rule.found), allowed=show(rule.allowed))


def _change(edit: Edit, said: Words) -> str:
    """A change in words."""
    if not edit.was or not edit.now:
        return said.say("hand.added" if edit.now else "hand.dropped", id=edit.now or edit.was)
    was, now = parse_camera_id(edit.was), parse_camera_id(edit.now)
    assert was is not None and now is not None
    if was["site"] != now["site"]:
        return said.say("hand.placed" if placed_spot(now["site"]) else "hand.moved", was=was["site"], now=now["site"])
    if was["bearing"] != now["bearing"]:
        return said.say("hand.turned", site=now["site"], was=was["bearing"], now=now["bearing"])
    return said.say("hand.other", id=edit.now)
