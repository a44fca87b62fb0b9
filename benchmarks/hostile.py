"""Hostile files sent through the door: what passes it is read in the confined process, and the code each meets is compared with the one it must.

`run_all` sends every one and tells what came of it; the addresses that files name lead to a port of this machine that must stay untouched.
"""

from __future__ import annotations

import socket
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.hostile_files import ARCHIVES, DOOR, READ, Case
from planning.city import ROOT
from planning.errors import InputError
from planning.sandbox import limits, run_apart
from planning.uploads import LAYERS, check_file, safe_name

BASE = {
    "area": "POLYGON ((617900 2442700, 619400 2442700, 619400 2444200, 617900 2444200, 617900 2442700))", "crs": "EPSG:32644",
}  # fmt: skip


@dataclass(frozen=True)
class Met:
    """What became of a case: the codes and sentences it met, and whether at the door or in the process."""

    case: Case
    codes: tuple[str, ...]
    said: tuple[str, ...]
    at_door: bool

    @property
    def right(self) -> bool:
        """Whether it met the code it must, with words and a way out; or was read, where it must be."""
        return (self.case.code in self.codes and all(len(text) > 20 for text in self.said)) if self.case.code else not self.codes


@contextmanager
def listening() -> Iterator[tuple[str, list[bytes]]]:
    """A web address of this machine, and whatever was sent to it: it must stay empty."""
    met: list[bytes] = []
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()

        def wait() -> None:
            while True:
                try:
                    caller, _ = server.accept()
                except OSError:
                    return
                met.append(b"called")
                caller.close()

        threading.Thread(target=wait, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", met


def at_door(cases: tuple[Case, ...], url: str) -> list[Met]:
    """What becomes of cases at the front door."""
    found = []
    for case in cases:
        try:
            check_file(case.layer, safe_name(case.name), case.make(url))
            found.append(Met(case, (), (), at_door=True))
        except InputError as error:
            found.append(Met(case, tuple(fault.code for fault in error.faults), tuple(map(str, error.faults)), at_door=True))
    return found


def look_each(scratch: Path, given: Mapping[str, Any], told: Any) -> list[list[list[str]]]:
    """In the confined process: the faults of each file, each looked at as a draft of its own would be."""
    from planning.readings import look

    found = []
    for number, (name, layer) in enumerate(given["files"]):
        folder = scratch / f"case{number}"
        folder.mkdir()
        base = None if layer in {"osm", "roads"} else BASE
        one = {"files": [[name, layer]], "inside": given["inside"], "columns": {}, "name": "a", "crs": "", "times": given["times"], "base": base}
        said = look(folder, one, told)
        faults = [fault for listed in said["faults"].values() for fault in listed]
        found.append([*faults, *(fault for file in said["files"] for fault in file["faults"])])
    return found


def in_process(cases: tuple[Case, ...], url: str, folder: Path) -> tuple[list[Met], int]:
    """What becomes of cases in one confined process, and its peak of memory [bytes]; those the door refuses do not get so far."""
    passed = []
    inside, scratch = folder / "files", folder / "work"
    inside.mkdir()
    scratch.mkdir()
    refused = {met.case: met for met in at_door(cases, url) if met.codes}
    for case in cases:
        if case not in refused:
            (inside / case.name).write_bytes(case.make(url))
            passed.append(case)
    given = {"files": [[case.name, case.layer] for case in passed], "inside": str(inside), "times": limits()["unpacked"]}
    answer = run_apart("benchmarks.hostile:look_each", given, scratch=scratch, reads=[inside, ROOT / "benchmarks"])
    met = {
        case: Met(case, tuple(fault[0] for fault in faults), tuple(" ".join(fault[1:3]) for fault in faults), at_door=False)
        for case, faults in zip(passed, answer.value, strict=True)
    }
    return [refused.get(case) or met[case] for case in cases], answer.peak


@dataclass(frozen=True)
class Outcome:
    """What `run_all` found: every case with what it met, the peak of memory [bytes], how often the address was called."""

    met: tuple[Met, ...]
    peak: int
    calls: int

    @property
    def wrong(self) -> list[Met]:
        """The cases that met something else than they must."""
        return [met for met in self.met if not met.right]


def run_all() -> Outcome:
    """Every hostile file, counted; names are checked too, as cases that the door lets in under another name."""
    assert set(LAYERS) >= {case.layer for case in (*ARCHIVES, *READ)}
    with listening() as (url, calls), tempfile.TemporaryDirectory() as folder:
        door = at_door(DOOR, url)
        process, peak = in_process((*ARCHIVES, *READ), url, Path(folder))
        return Outcome((*door, *process), peak, len(calls))


if __name__ == "__main__":
    found = run_all()
    for one in found.wrong:
        print(f"wrong  {one.case.what}: must be {one.case.code or 'read'}, met {one.codes} {one.said}")
    right, door = len(found.met) - len(found.wrong), sum(one.at_door for one in found.met)
    print(f"hostile files  {len(found.met)}, {right} met what they must, {door} at the door")
    print(f"peak           {found.peak / 1e6:.0f} MB in the process that read the others")
    print(f"outbound       {found.calls} connections")
