"""A city surveyed once: demand, sites, poses and what each sees."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import shapely

from optimizer.ground import offered
from optimizer.plan import make_plan
from optimizer.profiles import heights, over_ground
from optimizer.survey import Survey, make_survey, survey_cameras, survey_key, with_kept
from planning.catalogue import load_levels, load_models
from planning.city import City
from planning.errors import ScenarioError
from planning.handmade import parse_camera_id
from planning.nouns import Scenario
from planning.progress import Cancelled, Progress, Step
from tests.planning.toy_streets import at, box, frame
from tests.town import copy_of, on_hills


def test_its_parts_fit_together(survey: Survey) -> None:
    """Rows of the matrix are poses, columns demand; poses name sites and heads that are there; every camera has an id of its own."""
    assert survey.matrix.px_per_m.shape == (len(survey.poses), len(survey.demand))
    assert survey.before.shape == (len(survey.demand),)
    assert survey.poses.site.max() < len(survey.sites)
    assert (np.diff(survey.poses.site) >= 0).all()
    ids = [survey.camera_id(pose) for pose in range(len(survey.poses))]
    assert len(set(ids)) == len(ids)
    assert {name for name, _ in survey.stages_s} == {"demand", "sites", "sight", "poses", "matrix"}
    assert all(isinstance(note, str) and note for note in survey.notes)


def test_every_entry_reaches_the_level_asked_for(survey: Survey, wish: Scenario) -> None:
    """No pose is credited with a target it sees more coarsely than the scenario's level."""
    assert survey.matrix.px_per_m.data.min() >= load_levels()[wish.level].px_per_m * (1 - 1e-6)


def test_an_id_is_read_back_as_it_is_written(survey: Survey) -> None:
    """The parts of an id are site, model, lens, bearing and height of its pose; other texts are no ids."""
    for pose in range(0, len(survey.poses), 17):
        match = parse_camera_id(survey.camera_id(pose))
        assert match is not None
        head = survey.poses.heads[survey.poses.head[pose]]
        assert match["site"] == survey.sites.index[survey.poses.site[pose]]
        assert (match["model"], int(match["lens"]), float(match["height"])) == (head.model, head.lens, head.height_m)
        assert float(match["bearing"]) == pytest.approx(survey.poses.bearing_deg[pose], abs=1e-9)
    for text in ("", "x", "a/b/c@d/e", "a/b/0@-3.0/6", "a/b/0@3.0/6/7", "a/b/0@nan/6"):
        assert parse_camera_id(text) is None


def test_one_survey_serves_every_budget(town: City, wish: Scenario) -> None:
    """Money and rules are not in the key; everything the survey depends on is."""
    same = (
        {"budget_inr": 1},
        {"yearly_inr": 5},
        {"ward_floor": 0.2},
        {"cameras_per_site": 1},
        {"forbid": ("a",)},
        {"gap": 0.1},
        {"time_limit_s": 1.0},
        {"seed": 7},
    )
    other = (
        {"models": ("dome-5mp",)},
        {"level": "detection"},
        {"recipe": "crime"},
        {"spacing_m": 20.0},
        {"mount_heights_m": (4.0,)},
        {"by_night": True},
        {"keep": ("a",)},
    )
    keys = [survey_key(town, dataclasses.replace(wish, **changes)) for changes in same]  # type: ignore[arg-type]
    assert set(keys) == {survey_key(town, wish)}
    keys = [survey_key(town, dataclasses.replace(wish, **changes)) for changes in other]  # type: ignore[arg-type]
    assert len({*keys, survey_key(town, wish)}) == len(other) + 1


def test_the_survey_of_another_wish_is_not_used(town: City, survey: Survey, wish: Scenario) -> None:
    """A survey at hand that belongs to another wish does not find its way into the plan: the plan is the one made without it."""
    other = dataclasses.replace(wish, models=("dome-5mp",))
    lent, own = make_plan(town, other, survey=survey), make_plan(town, other)
    assert lent.id == own.id
    assert {camera.model for camera in lent.cameras} == {"dome-5mp"}


def test_models_offered_unasked_are_for_general_view() -> None:
    """A scenario that names no model may use every fixed, varifocal and dome camera of the catalogue, and no PTZ or ANPR."""
    catalogue = load_models()
    taken = offered(catalogue)
    assert taken == tuple(key for key in catalogue if key in taken)
    assert {catalogue[key].kind for key in taken} == {"fixed", "varifocal", "dome"}
    assert all(catalogue[key].kind in ("ptz", "anpr") for key in catalogue if key not in taken)


def test_equal_cities_give_equal_surveys(town: City, survey: Survey, wish: Scenario) -> None:
    """The same city and wish give the same poses and the same matrix, and leave the city as it was."""
    before = {layer: table.copy() for layer, table in town.frames.items()}
    again = make_survey(town, wish)
    assert again.matrix.digest == survey.matrix.digest
    assert [again.camera_id(pose) for pose in range(len(again.poses))] == [survey.camera_id(pose) for pose in range(len(survey.poses))]
    for layer, table in town.frames.items():
        assert table.equals(before[layer])


def test_unknown_models_and_level_are_told_together(town: City, wish: Scenario) -> None:
    """Every unknown model and an unknown level are faults of one refusal, each with what there is to choose from."""
    with pytest.raises(ScenarioError) as caught:
        make_survey(town, dataclasses.replace(wish, models=("nope", "bullet-4mp", "nada"), level="vaguely"))
    assert [(fault.code, fault.value) for fault in caught.value.faults] == [
        ("scenario.model", "nope"), ("scenario.model", "nada"), ("scenario.level", "vaguely"),
    ]  # fmt: skip
    assert "bullet-4mp" in caught.value.faults[0].way_out


def test_a_kept_camera_is_among_the_poses_at_its_own_height_only(town: City, survey: Survey, wish: Scenario) -> None:
    """A kept camera at a height that is not offered is there as it is, and no other pose hangs at that height; one that was offered is there once."""
    poles = np.nonzero(survey.sites["max_height_m"].to_numpy() >= 9)[0]
    label = survey.sites.index[poles[0]]
    offered = survey.camera_id(5)
    kept = f"{label}/bullet-4mp/0@123.4/9"
    found = make_survey(town, dataclasses.replace(wish, keep=(kept, offered)))
    ids = [found.camera_id(pose) for pose in range(len(found.poses))]
    assert len(ids) == len(set(ids)) == len(survey.poses) + 1
    assert ids.count(offered) == 1
    heights = [found.poses.heads[head].height_m for head in found.poses.head]
    assert [name for name, height in zip(ids, heights, strict=True) if height == 9] == [kept]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("nonsense", "no site"), ("j-1-1/bullet-4mp/0@3.0/6", "no site"), ("SITE/ptz-2mp/0@3.0/6", "no site"), ("SITE/bullet-4mp/7@3.0/6", "no site"),
        ("SITE/bullet-4mp/0@360.0/6", "no site"), ("SITE/bullet-4mp/0@3/6", "no site"), ("SITE/bullet-4mp/0@3.00/6", "no site"),
        ("SITE/bullet-4mp/0@3.0/6.0", "no site"), ("SITE/bullet-4mp/0@3.0/20", "hangs above"),
    ],
)  # fmt: skip
def test_kept_ids_that_name_nothing_here_are_faults(town: City, survey: Survey, wish: Scenario, text: str, why: str) -> None:
    """A kept id must name a site, an allowed model, a lens, and be written as ids are written; and it must hang no higher than its site carries."""
    text = text.replace("SITE", str(survey.sites.index[0]))
    with pytest.raises(ScenarioError) as caught:
        make_survey(town, dataclasses.replace(wish, keep=(text, "also wrong")))
    assert [fault.value for fault in caught.value.faults] == [text, "also wrong"]
    assert {fault.code for fault in caught.value.faults} == {"scenario.keep"}
    assert why in caught.value.faults[0].what


def test_a_city_with_nowhere_to_mount_says_so(town: City, wish: Scenario) -> None:
    """Where no place for a camera is left the survey is refused with one of our errors."""
    closed = copy_of(town, zones=frame("zones", [box(-500, -500, 500, 500)], kind=["no_mount"]))
    with pytest.raises(Exception, match=r"No place for a camera|nowhere to mount") as caught:
        make_survey(closed, wish)
    assert caught.value.code in {"sites.none", "scenario.empty"}  # type: ignore[attr-defined]


def test_by_night_fewer_targets_are_seen(town: City, survey: Survey, wish: Scenario) -> None:
    """Night ranges only take away."""
    night = make_survey(town, dataclasses.replace(wish, by_night=True, models=("varifocal-4mp",)))
    day = make_survey(town, dataclasses.replace(wish, models=("varifocal-4mp",)))
    assert night.matrix.px_per_m.nnz < day.matrix.px_per_m.nnz
    assert (night.before <= day.before).all()


def test_it_tells_each_stage_and_stops_when_asked(town: City, wish: Scenario) -> None:
    """Every stage is told once, in order; asked to stop, it stops at the next."""
    told: list[Step] = []
    make_survey(town, wish, progress=Progress(told.append))
    assert [step.stage for step in told] == ["demand", "sites", "sight", "poses", "matrix"]
    assert [step.share for step in told] == sorted(step.share for step in told)
    with pytest.raises(Cancelled):
        make_survey(town, wish, progress=Progress(told.append, lambda: len(told) > 6))


def test_no_site_stands_where_it_may_not(town: City, survey: Survey) -> None:
    """The survey's sites lie in the study area, outside houses and out of zones without mounts."""
    points = survey.sites.geometry.to_numpy()
    assert shapely.covers(town.area, points).all()
    houses = shapely.union_all(town["buildings"].geometry.to_numpy())
    closed = shapely.union_all(town["zones"].geometry.to_numpy()[(town["zones"]["kind"] == "no_mount").to_numpy()])
    assert not shapely.intersects(houses, points).any()
    assert not shapely.intersects(closed, points).any()


def test_a_pose_is_found_by_its_name(survey: Survey) -> None:
    """Every name leads to its row; other texts to none."""
    for pose in range(0, len(survey.poses), 97):
        assert survey.row(survey.camera_id(pose)) == pose
    site = str(survey.sites.index[0])
    assert [survey.row(text) for text in ("", site, f"{site}/x/0@0.0/6", "nowhere/bullet-4mp/0@0.0/6")] == [None] * 4


def test_a_survey_serves_what_is_kept_of_its_own(town: City, survey: Survey, wish: Scenario) -> None:
    """Kept cameras that are offered anyway need no other survey, and give as good a plan as one made for them; others do."""
    kept = survey.camera_id(len(survey.poses) // 2)
    asked = dataclasses.replace(wish, keep=(kept,))
    assert survey.serves(town, wish)
    assert survey.serves(town, dataclasses.replace(asked, budget_inr=99_000))
    match = parse_camera_id(kept)
    assert match is not None
    turned = f"{match['site']}/{match['model']}/{match['lens']}@{(float(match['bearing']) + 0.3) % 360:.1f}/{match['height']}"
    assert not survey.serves(town, dataclasses.replace(wish, keep=(turned,)))
    assert not survey.serves(town, dataclasses.replace(asked, spacing_m=11.0))
    assert not survey.serves(copy_of(town, places=town["places"].iloc[:1]), asked)
    plans = make_plan(town, asked, survey=survey), make_plan(town, asked)
    assert plans[0].scorecard.after == pytest.approx(plans[1].scorecard.after)  # both proven best
    assert all(kept in [camera.id for camera in plan.cameras] for plan in plans)


def test_level_terrain_changes_nothing_but_the_key(town: City, survey: Survey, wish: Scenario, tmp_path: Path) -> None:
    """On level terrain poses and what they see are those of flat ground; the key is another, since the terrain is part of the city."""
    level = make_survey(on_hills(town, tmp_path, lambda x, y: 263.5), wish)
    assert [level.camera_id(pose) for pose in range(len(level.poses))] == [survey.camera_id(pose) for pose in range(len(survey.poses))]
    assert (level.matrix.px_per_m.indices == survey.matrix.px_per_m.indices).all()
    np.testing.assert_allclose(level.matrix.px_per_m.data, survey.matrix.px_per_m.data, rtol=1e-6)
    assert (level.before == survey.before).all()
    assert level.key != survey.key
    assert set(survey.notes) < set(level.notes)


def test_terrain_enters_the_survey_and_is_told(town: City, survey: Survey, wish: Scenario, tmp_path: Path) -> None:
    """A bank hides what lies behind it, banks hide it from standing cameras too; the notes tell of the ground, of roofs and of bridges."""
    roads = town["roads"].assign(bridge=[True, False, False, False, False])
    hilly = make_survey(on_hills(copy_of(town, roads=roads), tmp_path), wish)
    assert hilly.walls.terrain is not None
    assert hilly.matrix.px_per_m.nnz < survey.matrix.px_per_m.nnz
    banks = make_survey(on_hills(town, tmp_path / "banks", lambda x, y: 260 + 6.0 * np.maximum(1 - np.abs(x % 30 - 15) / 4, 0)), wish)
    assert (banks.before < survey.before).any()
    told = " / ".join(hilly.notes)
    for what in ("taken as bare ground", "lowest corner of its footprint", "1 pieces of road are bridges"):
        assert what in told


def test_on_terrain_mount_heights_are_a_free_choice(town: City, wish: Scenario, tmp_path: Path) -> None:
    """With two mount heights allowed both are offered at a site that carries both, and the higher mount sees over banks what the lower one cannot."""
    wanted = dataclasses.replace(wish, mount_heights_m=(4.0, 9.0), models=("bullet-4mp",), level="detection")
    open_town = copy_of(town, buildings=town["buildings"].iloc[:0])
    found = make_survey(on_hills(open_town, tmp_path, lambda x, y: 260 + 4.0 * np.maximum(1 - np.abs(x % 60 - 30) / 4, 0)), wanted)
    height = np.array([found.poses.heads[head].height_m for head in found.poses.head])
    both = np.intersect1d(found.poses.site[height == 4.0], found.poses.site[height == 9.0])
    assert len(both) > 5
    xy, ground = shapely.get_coordinates(found.sites.geometry.array), found.walls.terrain
    assert ground is not None
    over = []
    for site in both:
        low, high = (np.unique(found.matrix.px_per_m[(found.poses.site == site) & (height == h)].indices) for h in (4.0, 9.0))
        ends = shapely.get_coordinates(found.demand.geometry.array[np.setdiff1d(high, low)])
        here = np.tile(xy[site], (len(ends), 1))
        base, foot = heights(ground, here), heights(ground, ends) + 1.6
        over.append(~over_ground(ground, here, ends, base + 4.0, foot) & over_ground(ground, here, ends, base + 9.0, foot))
    assert np.concatenate(over).sum() > 5


def test_a_place_set_by_hand_is_surveyed_like_any_site(town: City, survey: Survey, wish: Scenario) -> None:
    """A kept camera at a place set by hand is a pose there, beside what any site is offered; all others stay, and see what they saw."""
    x, y = round(at(-30, 9).x), round(at(-30, 9).y)
    kept = f"h-{x}-{y}/varifocal-4mp/1@123.4/7.5"
    asked = dataclasses.replace(wish, keep=(kept,))
    found = make_survey(town, asked)
    lent = with_kept(survey, town, asked)
    assert found.serves(town, asked)
    assert lent.key == found.key
    assert not survey.serves(town, asked)
    ids = [found.camera_id(pose) for pose in range(len(found.poses))]
    assert ids == [lent.camera_id(pose) for pose in range(len(lent.poses))]
    assert found.matrix.digest == lent.matrix.digest
    assert (np.diff(found.poses.site) >= 0).all()
    row = found.row(kept)
    assert row is not None
    assert sum(name.startswith(f"h-{x}-{y}/") for name in ids) > 1
    for pose in range(0, len(survey.poses), 29):
        same = found.row(survey.camera_id(pose))
        assert same is not None
        assert (found.matrix.px_per_m[same].indices == survey.matrix.px_per_m[pose].indices).all()
    alone = survey_cameras(found.ground, found.sites, [kept])
    assert (alone.matrix.px_per_m.indices == found.matrix.px_per_m[row].indices).all()
    assert any("set by hand" in note for note in found.notes)


def test_a_kept_place_where_no_pole_may_stand_is_refused(town: City, survey: Survey, wish: Scenario) -> None:
    """A place set by hand in the middle of a street is a fault, from a survey at hand as from a new one."""
    spot = at(-80, 1)
    asked = dataclasses.replace(wish, keep=(f"h-{round(spot.x)}-{round(spot.y)}/bullet-4mp/0@0.0/6",))
    for work in (lambda: make_survey(town, asked), lambda: with_kept(survey, town, asked)):
        with pytest.raises(ScenarioError) as caught:
            work()
        assert caught.value.code == "sites.placed"
