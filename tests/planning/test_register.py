"""The register keeps deployments in the store; what an earlier version kept as a file is taken in whole, once."""

from __future__ import annotations

import csv
import dataclasses
import datetime
import hashlib
import io
import threading
from pathlib import Path

import pytest

from planning.deployed import NO_FEED, Deployment, Feed
from planning.errors import InputError
from planning.former import SUFFIX
from planning.register import Register
from planning.store import Reading, Store

FULL = Deployment(
    "k-1", "toy", '=HYPERLINK("x")', 22.1, 82.1, 359.5, 6.0, "bullet-4mp", Feed("rtsp", "rtsp://c/1", (((0.0, 0.0), (1.0, 0.0), (0.5, 1.0)),), "http://n/{start}"),
    "S1", "'Bharat", datetime.date(2025, 2, 3), "abc", "s1/b", ("Built 2 m off", "नोट"), 90.0, "onvif://10.0.0.1:8080", 1_200, 2.5,
)  # fmt: skip
BARE = Deployment("k-2", "toy", "", -22.1, -82.1, None, 6.0, "", NO_FEED)


# As the version before wrote the two.
OLD = (
    "\ufeffid,city,title,lat,lon,bearing_deg,height_m,hfov_deg,model,feed_kind,feed_url,feed_mask,recorder,serial,contractor,installed_on,plan,planned,"
    "notes,onvif,repair_inr,repair_h\r\n"
    'k-1,toy,"\'=HYPERLINK(""x"")",22.1,82.1,359.5,6.0,90.0,bullet-4mp,rtsp,rtsp://c/1,"[[[0.0, 0.0], [1.0, 0.0], [0.5, 1.0]]]",http://n/{start},S1,'
    "''Bharat,2025-02-03,abc,s1/b,\"[\"\"Built 2 m off\"\", \"\"नोट\"\"]\",onvif://10.0.0.1:8080,1200,2.5\r\n"
    "k-2,toy,,-22.1,-82.1,,6.0,,,none,,,,,,,,,,,,\r\n"
)


@pytest.fixture(name="folders")
def two_cities(tmp_path: Path) -> Path:
    """The folders of two cities without cameras."""
    for name in ("toy", "other"):
        (tmp_path / "cities" / name).mkdir(parents=True)
    return tmp_path / "cities"


def over(store: Store, folders: Path) -> Register:
    """A register as a process of its own would have it."""
    return Register(lambda: store, lambda name: folders / name, by="asha")


@pytest.fixture(name="register")
def register_of_two(store: Store, folders: Path) -> Register:
    """The register over an empty store."""
    return over(store, folders)


def test_what_is_put_is_read_back_as_it_was(register: Register, store: Store, folders: Path) -> None:
    """Every field, also by another process; none is lost when others come; each put is a line of the audit, which holds."""
    register.put(FULL)
    register.put(BARE)
    assert over(store, folders).list("toy") == register.list("toy") == (FULL, BARE)
    assert register.list("other") == ()
    with store.read() as tx:
        assert [(line["by"], line["subject"]) for line in tx.lines(action="live.deploy")] == [("asha", "toy")] * 2
    assert store.verify()[1] is None


def test_a_deployment_takes_the_place_of_its_earlier_self(register: Register) -> None:
    """The id decides."""
    register.put(FULL, BARE)
    register.put(dataclasses.replace(BARE, title="Depot"))
    assert [one.title for one in register.list("toy")] == [FULL.title, "Depot"]


def test_what_is_put_as_it_was_stays_untouched(register: Register, store: Store) -> None:
    """Deploying a list again changes the rows that differ alone."""
    register.put(FULL, BARE)
    with store.read() as tx:
        before = {row["id"]: row["changed_at"] for row in tx.rows("deployments")}
    register.put(FULL, dataclasses.replace(BARE, title="Depot"))
    with store.read() as tx:
        after = {row["id"]: row["changed_at"] for row in tx.rows("deployments")}
    assert (after["k-1"] == before["k-1"], after["k-2"] > before["k-2"]) == (True, True)


def test_rows_are_read_once_for_each_change(register: Register, store: Store, folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between changes a look asks for the mark of the latest alone, whichever process changed it last."""
    register.put(FULL)
    read = list[str]()
    rows = Reading.rows
    monkeypatch.setattr(Reading, "rows", lambda tx, table, **more: read.append(table) or rows(tx, table, **more))
    for _ in range(3):
        assert register.list("toy") == (FULL,)
    assert read == ["deployments"]
    over(store, folders).put(BARE)
    read.clear()
    assert [register.list("toy") for _ in range(3)] == [(FULL, BARE)] * 3
    assert read == ["deployments"]


def test_an_id_is_of_one_city(register: Register) -> None:
    """A second city's camera of the same id is refused, and nothing of that call is kept."""
    register.put(FULL)
    with pytest.raises(InputError) as refused:
        register.put(dataclasses.replace(BARE, city="other"), dataclasses.replace(FULL, city="other"))
    assert refused.value.code == "deployment.taken"
    assert register.list("other") == ()


def test_writers_at_once_lose_nothing(register: Register, store: Store, folders: Path) -> None:
    """Each of several writers, with a register of its own, adds its cameras; all are there afterwards."""

    def work(number: int) -> None:
        own = over(store, folders)
        for turn in range(4):
            own.put(dataclasses.replace(BARE, id=f"w{number}-{turn}"))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(register.list("toy")) == 16


def test_a_file_of_before_is_taken_in_once_and_kept_beside(register: Register, store: Store, folders: Path, caplog: pytest.LogCaptureFixture) -> None:
    """At the first look every camera of it is there as it was; it is told in words and in the audit, and the file lies beside it as it stood."""
    path = folders / "toy" / Register.former
    path.write_bytes(OLD.encode())
    assert register.list("toy") == (FULL, BARE)
    assert not path.exists()
    assert path.with_name(Register.former + SUFFIX).read_bytes() == OLD.encode()
    (told,) = caplog.messages
    assert told == "toy: 2 entries of deployments.csv taken into the store; the file is kept as deployments.csv.taken-into-store"
    with store.read() as tx:
        (line,) = tx.lines(action="file.taken_in")
    assert hashlib.sha256(OLD.encode()).hexdigest() in line["details"]
    register.put(dataclasses.replace(BARE, title="Depot"))
    assert over(store, folders).take_in("toy") == ""
    assert store.verify()[1] is None


def test_a_file_that_turns_up_again_changes_nothing(register: Register, folders: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What was taken in and changed since stays changed; another file of the name is left where it is, and told of once."""
    path = folders / "toy" / Register.former
    path.write_bytes(OLD.encode())
    register.list("toy")
    register.put(dataclasses.replace(BARE, title="Depot"))
    path.write_bytes(OLD.encode())
    assert register.list("toy")[1].title == "Depot"
    assert not path.exists()
    path.write_bytes(OLD.replace("k-1", "k-9").encode())
    caplog.clear()
    assert [len(register.list("toy")) for _ in range(3)] == [2, 2, 2]
    assert path.exists()
    assert [message.partition(":")[2] for message in caplog.messages] == [
        " deployments.csv was left as it is: one was taken into the store before, and what the store holds counts"
    ]


def test_what_the_store_holds_counts_more_than_a_file(register: Register, folders: Path) -> None:
    """A file that comes to a city with cameras in the store adds those that are not there."""
    other = dataclasses.replace(BARE, title="Depot")
    register.put(other)
    (folders / "toy" / Register.former).write_bytes(OLD.encode())
    assert register.list("toy") == (FULL, other)


def test_a_crash_between_the_rows_and_the_name_loses_and_doubles_nothing(
    register: Register, store: Store, folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows stand, the file still has its old name: the next look only gives it the new one. One that may not be renamed is passed over."""
    path = folders / "toy" / Register.former
    path.write_bytes(OLD.encode())
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(PermissionError(13, "Permission denied")))
        assert "could not be renamed (Permission denied)" in over(store, folders).take_in("toy")
        assert register.list("toy") == (FULL, BARE)
    assert path.exists()
    assert register.list("toy") == (FULL, BARE)
    assert not path.exists()
    with store.read() as tx:
        assert len(list(tx.lines(action="file.taken_in"))) == 1


def test_two_who_take_in_at_once_do_it_once(store: Store, folders: Path) -> None:
    """One line of the audit, every camera once, and neither is refused."""
    (folders / "toy" / Register.former).write_bytes(OLD.encode())
    found: list[object] = []

    def look() -> None:
        try:
            found.append(over(store, folders).list("toy"))
        except BaseException as error:  # noqa: BLE001  # told by the assertion below
            found.append(error)

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [(FULL, BARE)] * 4
    with store.read() as tx:
        assert len(list(tx.lines(action="file.taken_in"))) == 1


def test_a_damaged_file_is_told_and_stays(register: Register, store: Store, folders: Path) -> None:
    """Nothing of it is taken in, and it stays as it is until it is put right."""
    path = folders / "toy" / Register.former
    path.write_bytes(OLD.replace("-22.1", "south").encode())
    for act in (lambda: register.list("toy"), lambda: register.put(BARE)):
        with pytest.raises(InputError) as refused:
            act()
        assert refused.value.code == "register.unreadable"
    assert "south" in path.read_text(encoding="utf-8")
    with store.read() as tx:
        assert tx.rows("deployments") == []
        assert tx.head().seq == 0
    path.write_bytes(OLD.encode())
    assert len(register.list("toy")) == 2


@pytest.mark.parametrize("lost", [("onvif",), ("repair_inr", "repair_h")])
def test_a_file_of_before_some_columns_is_taken_in(register: Register, folders: Path, lost: tuple[str, ...]) -> None:
    """What was not there then is empty, and nothing else is lost."""
    rows = list(csv.DictReader(io.StringIO(OLD.removeprefix("\ufeff"), newline="")))
    with (folders / "toy" / Register.former).open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.DictWriter(stream, [key for key in rows[0] if key not in lost], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    empty = {"onvif": "", "repair_inr": None, "repair_h": None}
    assert register.list("toy") == (dataclasses.replace(FULL, **{key: empty[key] for key in lost}), BARE)
