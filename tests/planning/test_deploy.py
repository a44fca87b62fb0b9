"""Cameras from tables and plans become deployments; what cannot be used is told, row by row."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from planning.city import City
from planning.deploy import deploy, read_deployments, read_feed
from planning.deployed import Feed
from planning.errors import InputError
from planning.nouns import Plan, Scenario
from tests.screens.toy import toy_city, toy_plan


@pytest.fixture(scope="module")
def city() -> City:
    """A grid of streets."""
    return toy_city()


@pytest.fixture(scope="module")
def plan(city: City) -> Plan:
    """A plan of twenty cameras over it."""
    return toy_plan(city, Scenario("toy", 1_000_000))


def table(folder: Path, *lines: str) -> Path:
    """A CSV of these lines."""
    path = folder / "cameras.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


HINDI = "कैमरा आईडी,चौक,अक्षांश,देशांतर,दिशा,कैमरा प्रकार,ऊंचाई,RTSP,ऑनविफ,एजेंसी,स्थापना दिनांक,सीरियल नंबर"


def test_a_hindi_list_becomes_deployments(tmp_path: Path, city: City) -> None:
    """Headers in Hindi, Devanagari digits, a date as people write it: everything is read to its place."""
    path = table(
        tmp_path, HINDI, "क-1,नेहरू चौक,22.0935,82.1365,NW,PTZ,७.५,rtsp://10.0.0.7/one,onvif://10.0.0.7,Bharat CCTV,05-11-2024,S9",
        "c2,,22.0940,82.1368,,,,,,,,",
    )  # fmt: skip
    found = read_deployments(path, city)
    first, second = found.deployments
    assert (first.id, first.title, first.bearing_deg, first.model, first.height_m) == ("क-1", "नेहरू चौक", 315.0, "PTZ", 7.5)
    assert (first.lat, first.lon) == (22.0935, 82.1365)
    assert (first.feed.kind, first.feed.url, first.contractor, first.serial) == ("rtsp", "rtsp://10.0.0.7/one", "Bharat CCTV", "S9")
    assert (first.onvif, second.onvif) == ("onvif://10.0.0.7", "")
    assert first.installed_on == datetime.date(2024, 11, 5)
    assert (second.bearing_deg, second.height_m, second.feed.kind, second.installed_on) == (None, 6.0, "none", None)
    said = "\n".join(found.told)
    assert "1 rows have no direction" in said
    assert "1 rows have no height; 6 m" in said
    assert "1 rows have no feed" in said


def test_bad_rows_are_told_all_at_once_and_kept_aside(tmp_path: Path, city: City) -> None:
    """Each with its number in the file and every reason; the good ones are taken; a password is nowhere repeated."""
    path = table(
        tmp_path, "id,lat,lon,height,rtsp", "a,22.0935,82.1365,6,rtsp://c/1", "b,21.0,80.0,6,rtsp://c/2", "a,22.0936,82.1365,6,rtsp://c/3",
        # pragma: allowlist nextline secret
        "d,22.0935,82.1366,120,gopher://c/4", "e,22.0937,82.1366,6,rtsp://asha:s3cret@c/5", "f,,,6,rtsp://c/6", "g,22.0938,82.1366,6,rtsp://c/7",
    )  # fmt: skip
    found = read_deployments(path, city)
    assert [one.id for one in found.deployments] == ["a", "g"]
    reasons = dict(zip(found.rejects["row"], found.rejects["reason"], strict=True))
    assert set(reasons) == {3, 4, 5, 6, 7}
    assert reasons[3] == "outside the study area"
    assert "an earlier row's" in reasons[4]
    assert "begins with rtsp" in reasons[5]
    assert "100 metres (120.0)" in reasons[5]
    assert "password" in reasons[6]
    assert "missing" in reasons[7]
    assert "s3cret" not in found.rejects.to_csv() + "".join(found.told)
    assert found.told[-1].endswith("2 of 7 rows used, 5 kept aside")


def test_a_mapping_wins_over_headers(tmp_path: Path, city: City) -> None:
    """A person's word for a column counts; one for a column that is not there is refused."""
    path = table(tmp_path, "lat,lon,what,where", "22.0935,82.1365,x,rtsp://c/1")
    assert read_deployments(path, city, mapping={"feed": "where"}).deployments[0].feed.url == "rtsp://c/1"
    with pytest.raises(InputError) as refused:
        read_deployments(path, city, mapping={"feed": "nowhere"})
    assert refused.value.code == "table.mapping"


@pytest.mark.parametrize(
    ("url", "kind"),
    [("rtsps://c/x", "rtsp"), ("http://c/video.mjpg", "mjpeg"), ("http://c/now.jpg", "snapshot"), ("file:///demo.mp4", "file"), ("", "none")],
)
def test_a_feed_s_kind_is_told_by_its_address(url: str, kind: str) -> None:
    """Where the list names no kind."""
    assert read_feed(url).kind == kind


def test_a_planned_camera_becomes_a_deployment(plan: Plan) -> None:
    """Position, bearing, height, model and field of view are the plan's, and the plan is named."""
    camera = plan.cameras[3]
    found = deploy(plan, camera.id, Feed("rtsp", "rtsp://c/3"), serial="S3", installed_on=datetime.date(2026, 1, 2))
    assert (found.city, found.plan, found.planned, found.model) == ("toy", plan.id, camera.id, camera.model)
    assert (found.bearing_deg, found.height_m, found.hfov_deg, found.notes) == (camera.bearing_deg, camera.height_m, 90.0, ())
    again = deploy(plan, camera.id, place=(found.lat, found.lon))
    assert again.notes == ()


def test_what_was_built_otherwise_than_planned_is_noted(plan: Plan) -> None:
    """Where it hangs and looks counts, and how far that is off is said."""
    planned = deploy(plan, plan.cameras[3].id)
    assert planned.bearing_deg is not None
    built = deploy(plan, plan.cameras[3].id, place=(planned.lat + 1e-4, planned.lon), bearing_deg=(planned.bearing_deg + 350) % 360)
    assert built.notes == ("Built 11.1 m from where it was planned", "Looks 10 degrees aside of where it was planned to look")


def test_a_camera_the_plan_lacks_is_refused(plan: Plan) -> None:
    """With an id that would do."""
    with pytest.raises(InputError) as refused:
        deploy(plan, "s999")
    assert refused.value.code == "deployment.planned"


def test_what_a_repair_takes_is_read_from_the_list(tmp_path: Path, city: City) -> None:
    """Rupees and hours as people write them; what is neither is told with its row."""
    path = table(
        tmp_path, "id,lat,lon,repair cost,repair hours", 'a,22.0935,82.1365,"₹ 1,250",2.5 h', "b,22.0936,82.1365,,", "c,22.0937,82.1365,900,soon",
        "d,22.0938,82.1365,0,1",
    )  # fmt: skip
    found = read_deployments(path, city)
    assert [(one.id, one.repair_inr, one.repair_h) for one in found.deployments] == [("a", 1_250, 2.5), ("b", None, None)]
    reasons = dict(zip(found.rejects["row"], found.rejects["reason"], strict=True))
    assert "hours (soon)" in reasons[4]
    assert "rupees" in reasons[5]
