"""Which plans anyone may read."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from planning.city import City
from planning.errors import InputError
from planning.export import write_plan
from planning.nouns import Plan
from planning.published import publish, published, unpublish


@pytest.fixture(name="home")
def town_in_a_folder(town: City, plan: Plan, tmp_path: Path) -> City:
    """The town in a folder with its plan."""
    city = town.save(tmp_path / "toy")
    write_plan(plan, city, tmp_path / "toy" / "plans" / f"{plan.id}.gpkg")
    return city


def test_a_plan_is_public_from_publish_to_unpublish(home: City, plan: Plan) -> None:
    """Nothing is public by itself; twice is as once; taken back it is gone, and taking back what is not there says so."""
    assert published(home) == ()
    for _ in range(2):
        publish(plan, home)
        assert published(home) == (plan.id,)
    assert unpublish(plan, home)
    assert published(home) == ()
    assert not unpublish(plan, home)


def test_what_must_not_be_published_is_refused_with_every_reason(town: City, home: City, plan: Plan) -> None:
    """Unverified, made for other data, lying elsewhere: each is told, and nothing is written."""
    other = dataclasses.replace(plan, verified=False, city_digest="0" * 16)
    with pytest.raises(InputError) as caught:
        publish(other, home)
    assert [fault.code for fault in caught.value.faults] == ["publish.unverified", "publish.city", "publish.place"]
    with pytest.raises(InputError) as caught:
        publish(plan, town)
    assert [fault.code for fault in caught.value.faults] == ["publish.place"]
    assert published(home) == published(town) == ()


def test_stray_files_publish_nothing(home: City, plan: Plan) -> None:
    """A note without its plan, or of a name that is no plan's, is nothing; a plan that was deleted is public no more."""
    assert home.folder is not None
    publish(plan, home)
    folder = home.folder / "plans"
    for name in ("0123456789ab", "..", "<b>", "ABCDEF012345"):
        (folder / f"{name}.published.json").write_text("{}", encoding="utf-8")
    assert published(home) == (plan.id,)
    (folder / f"{plan.id}.gpkg").unlink()
    assert published(home) == ()
