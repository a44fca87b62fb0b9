"""A plan changed by hand from a terminal."""

from __future__ import annotations

from pathlib import Path

import pyproj
import pytest

import cli
from optimizer.verify import verify
from planning import city as cities
from planning.city import City
from planning.export import read_plan, write_plan
from planning.handmade import HAND_MADE, placed_spot
from planning.nouns import Plan
from tests.planning.toy_streets import at


@pytest.fixture(name="home")
def home_with_the_town(town: City, plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of cities with the town, and its plan."""
    monkeypatch.setattr(cities, "FOLDERS", ())
    monkeypatch.setenv("CHAUKAS_CITIES", str(tmp_path))
    town.save(tmp_path / "toy")
    write_plan(plan, town, tmp_path / "p.gpkg")
    return tmp_path


def test_changes_are_scored_and_nothing_is_written(home: Path, plan: Plan, capsys: pytest.CaptureFixture[str]) -> None:
    """One camera less: what is no longer seen is what it alone saw, and its money is back."""
    gone = plan.cameras[0]
    assert cli.main(["amend", str(home / "p.gpkg"), "--change", f"{gone.id}="]) == 0
    out, _ = capsys.readouterr()
    assert f"cameras        {len(plan.cameras)} -> {len(plan.cameras) - 1}" in out
    assert f"0.000 % newly seen, {100 * gone.gain:.3f} % no longer seen" in out
    assert {path.name for path in home.iterdir()} == {"toy", "p.gpkg"}


def test_a_plan_made_by_hand_is_kept_and_verified(home: Path, plan: Plan, town: City, capsys: pytest.CaptureFixture[str]) -> None:
    """A camera set down by latitude and longitude stands on a new pole there; the file holds it, says how it was made, and is verified."""
    spot = at(-30, 9)
    lon, lat = pyproj.Transformer.from_crs(town.crs, 4326, always_xy=True).transform(round(spot.x), round(spot.y))
    (home / "changes.txt").write_text(f"\n={lat:.7f},{lon:.7f}/bullet-4mp/0@265.0/6\n", encoding="utf-8")
    target = home / "ours.gpkg"
    words = ["amend", str(home / "p.gpkg"), "--changes", str(home / "changes.txt"), "--change", f"{plan.cameras[0].id}="]
    assert cli.main([*words, "--title", "Ours", "--out", str(target)]) == 0
    out, _ = capsys.readouterr()
    kept = read_plan(target)
    assert kept.proof.status == HAND_MADE
    assert kept.scenario.title == "Ours"
    assert verify(kept, town).cost_inr == kept.cost_inr
    assert {placed_spot(camera.site) for camera in kept.cameras} - {None} == {(round(spot.x), round(spot.y))}
    assert plan.cameras[0].id in kept.scenario.forbid
    assert "made by hand" not in out  # the terminal speaks the status itself
    assert HAND_MADE in out


def test_planning_again_keeps_the_change_within_the_budget(home: Path, plan: Plan, capsys: pytest.CaptureFixture[str]) -> None:
    """Around a turned camera the plan is made again, for the money there was."""
    was = plan.cameras[0]
    now = was.id.replace(f"@{was.bearing_deg:.1f}", f"@{(was.bearing_deg + 45) % 360:.1f}")
    target = home / "again.gpkg"
    assert cli.main(["amend", str(home / "p.gpkg"), "--change", f"{was.id}={now}", "--again", "--out", str(target)]) == 0
    again = read_plan(target)
    assert now in {camera.id for camera in again.cameras}
    assert again.proof.status != HAND_MADE
    assert again.cost_inr <= plan.scenario.budget_inr
    capsys.readouterr()


def test_changes_that_cannot_be_are_refused(home: Path, plan: Plan, capsys: pytest.CaptureFixture[str]) -> None:
    """Rows that are no changes, cameras that are not there, places where no pole may stand, more cameras than a site may carry."""
    first = plan.cameras[0]
    street = at(-100, 1.5)
    crowd = [part for k in range(4) for part in ("--change", f"={first.site}/bullet-4mp/0@{40.0 * k + 1:.1f}/6")]
    cases = (
        (["--change", "x"], "hand.form"), (["--change", "h-1-2/bullet-4mp/0@1.0/6="], "hand.camera"),
        (["--change", f"=h-{round(street.x)}-{round(street.y)}/bullet-4mp/0@1.0/6"], "sites.placed"),
        ([*crowd, "--out", str(home / "no.gpkg")], "hand.rules"), (["--changes", str(home / "none.txt")], "file.missing"),
        (["--out", str(home / "no.txt")], "export.kind"),
    )  # fmt: skip
    (home / "latin.txt").write_bytes(b"\xff\xfe=\xff")
    for words, code in (*cases, (["--changes", str(home / "latin.txt")], "hand.form")):
        assert cli.main(["amend", str(home / "p.gpkg"), *words]) == 1
        _, err = capsys.readouterr()
        assert f"[{code}]" in err, err
    assert not (home / "no.gpkg").exists()
