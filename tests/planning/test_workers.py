"""Long work tells where it stands, stops on request, runs beside its caller, and is shared out among processes that may die."""

from __future__ import annotations

import hashlib
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from planning import errors, jit, team, workers
from planning.errors import ChaukasError, Fault, InputError
from planning.progress import Cancelled, Job, Progress, Step
from planning.team import AHEAD, Crew, Team
from planning.workers import BEFORE_START, TeamError

LONG_S = 20.0
FOR_EVER_S = 3600.0
ENVIRONMENT = {name: os.environ.get(name) for name in (*BEFORE_START, "PYTHONHASHSEED", "NUMBA_NUM_THREADS")}



def square(number: int) -> int:
    """What a task may be."""
    return number * number


def same(task: Any) -> Any:
    """The task itself."""
    return task


def refuse(error: tuple[type[ChaukasError], tuple[Fault, ...]]) -> None:
    """Raise an error of ours."""
    kind, faults = error
    raise kind(faults)


def raise_it(kind: type[BaseException]) -> None:
    """Raise an error of anybody's."""
    raise kind("said so")


def doubled(array: np.ndarray) -> np.ndarray:
    """A new array, made by writing into the one that came."""
    array *= 2
    return array


def marked(task: tuple[str, int]) -> int:
    """A square; a file in the folder tells that it was begun, and by which process."""
    folder, number = task
    (Path(folder) / f"{number}-{os.getpid()}-{uuid.uuid4()}").touch()
    return number * number


def stuck_once(task: tuple[str, int]) -> int:
    """Like `marked`, but whoever begins number 5 first never ends it."""
    folder, number = task
    first = not list(Path(folder).glob("5-*"))
    result = marked(task)
    if number == 5 and first:
        time.sleep(FOR_EVER_S)
    return result


def for_ever(task: tuple[str, int]) -> None:
    """A task that does not end."""
    marked(task)
    time.sleep(FOR_EVER_S)


def die(_: int) -> None:
    """A task that kills whoever does it."""
    os.kill(os.getpid(), signal.SIGKILL)


def hoard(size_bytes: int) -> float:
    """A task that needs much memory for a while."""
    held = np.ones(size_bytes // 8)
    time.sleep(2.0)
    return float(held[0])


def surroundings(_: int) -> tuple[int, dict[str, str | None], int]:
    """Process, environment and threads of numba where the task is done."""
    return os.getpid(), {name: os.environ.get(name) for name in BEFORE_START}, jit.threads()


def begun(folder: Path, number: int) -> list[int]:
    """The processes that began a number of `marked`, `stuck_once` or `for_ever`."""
    return [int(path.name.split("-")[1]) for path in folder.glob(f"{number}-*")]


def wait_until(so: Callable[[], object]) -> None:
    """Wait until something is so; the test's own timeout ends what never comes."""
    while not so():
        time.sleep(0.05)


def gone(pid: int) -> bool:
    """Whether a process has ended."""
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


@pytest.fixture(scope="module")
def alone() -> Iterator[Team]:
    """A team of this process."""
    with Crew().open() as one:
        yield one


@pytest.fixture(scope="module")
def pair() -> Iterator[Team]:
    """A team of two processes."""
    with Crew(workers=2).open() as two:
        yield two


@pytest.fixture(params=["alone", "pair"])
def either(request: pytest.FixtureRequest) -> Team:
    """A team of this process, and one of two processes."""
    found: Team = request.getfixturevalue(request.param)
    return found


def elsewhere(**wish: Any) -> Any:
    """A Dask cluster that is none of ours."""
    from distributed import LocalCluster

    workers._code.cache_clear()
    quiet = {"dashboard_address": None, "scheduler_kwargs": {"dashboard_address": "127.0.0.1:0"}}
    return LocalCluster(host="127.0.0.1", **{"n_workers": 2, "threads_per_worker": 1, **quiet, **wish})


@pytest.mark.parametrize(
    ("wish", "codes"),
    [
        ({"workers": -1}, {"workers.count"}),
        ({"workers": 10**9}, {"workers.count"}),
        ({"workers": 2.5}, {"workers.count"}),
        ({"workers": "two"}, {"workers.count"}),
        ({"scheduler": "127.0.0.1:8786"}, {"workers.scheduler"}),
        ({"scheduler": "http://here:8786"}, {"workers.scheduler"}),
        ({"scheduler": "tcp://here"}, {"workers.scheduler"}),
        ({"scheduler": "tcp://here:0"}, {"workers.scheduler"}),
        ({"scheduler": "tcp://here:65536"}, {"workers.scheduler"}),
        ({"scheduler": "tcp://here:8786/way"}, {"workers.scheduler"}),
        ({"scheduler": "tcp://here:8786\n"}, {"workers.scheduler"}),
        ({"scheduler": "tcp://here:८७८६"}, {"workers.scheduler"}),
        ({"scheduler": None}, {"workers.scheduler"}),
        ({"scheduler": "tcp://" + "a" * 10**5}, {"workers.scheduler"}),
        ({"memory_bytes": 1}, {"workers.memory"}),
        ({"memory_bytes": "2 GB"}, {"workers.memory"}),
        ({"workers": 2, "scheduler": "tcp://here:8786"}, {"workers.both"}),
        ({"workers": -2, "scheduler": "here", "memory_bytes": -5}, {"workers.count", "workers.scheduler", "workers.both", "workers.memory"}),
    ],
)
def test_a_wish_for_workers_is_refused_with_all_its_faults(wish: dict[str, Any], codes: set[str]) -> None:
    """What cannot be is refused when it is wished, with every fault and a way out of each."""
    with pytest.raises(InputError) as caught:
        Crew(**wish)
    assert {fault.code for fault in caught.value.faults} == codes
    assert all(fault.way_out and len(fault.value) <= 200 for fault in caught.value.faults)


@pytest.mark.parametrize("address", ["tcp://10.0.0.7:8786", "tcp://planner.city.example:1", "tcp://[::1]:65535", ""])
def test_a_scheduler_may_be_named_or_numbered(address: str) -> None:
    """Names, numbers of both kinds and no scheduler at all are taken."""
    assert Crew(scheduler=address).scheduler == address


def test_a_password_in_an_address_is_not_said_again() -> None:
    """An address with credentials is refused, and its fault does not show them."""
    with pytest.raises(InputError) as caught:
        Crew(scheduler="tcp://clerk:secret@here:8786")  # pragma: allowlist secret
    assert caught.value.code == "workers.scheduler"
    assert "secret" not in str(caught.value)
    assert "clerk" not in str(caught.value)


def test_results_come_with_the_number_of_their_task(either: Team) -> None:
    """Whoever does the tasks, each result comes once, with its task's number; ordered, they stand as the tasks do."""
    assert sorted(either.run(square, range(50))) == [(number, number * number) for number in range(50)]
    assert either.ordered(square, iter(range(50))) == [number * number for number in range(50)]


def test_no_tasks_give_no_results(either: Team) -> None:
    """Nothing to do is done at once."""
    assert either.ordered(square, []) == []


def test_one_process_does_a_task_when_its_result_is_asked_for(alone: Team, tmp_path: Path) -> None:
    """In this process tasks are done one after another, each only when it is its turn."""
    results = alone.run(marked, [(str(tmp_path), number) for number in range(3)])
    assert not list(tmp_path.iterdir())
    assert next(results) == (0, 0)
    assert len(list(tmp_path.iterdir())) == 1
    assert begun(tmp_path, 0) == [os.getpid()]


def test_few_tasks_are_held_at_once(pair: Team) -> None:
    """Tasks are taken only as workers are free for them, however many there are."""
    taken = 0

    def tasks() -> Iterator[int]:
        nonlocal taken
        for number in range(60):
            taken += 1
            yield number

    for done, _ in enumerate(pair.run(square, tasks())):
        assert taken <= done + 2 * AHEAD
    assert taken == 60


def test_large_arrays_travel_whole_and_can_be_written_to(either: Team) -> None:
    """Tasks and results of tens of megabytes go there and back without a warning, and are arrays like any other."""
    for index, array in either.run(doubled, (np.full(4_000_000, float(number)) for number in range(6))):
        assert array.shape == (4_000_000,)
        assert array.min() == array.max() == 2.0 * index
        array[0] = 7.0


def test_a_task_is_data_whatever_it_looks_like(either: Team) -> None:
    """What Dask would take for a task of its own, such as a function with its arguments, is left as it is."""
    tasks = [(square, 3), [(len, [1])], {"a": (square, 2)}, "square-1", None, {1, 2}]
    assert either.ordered(same, tasks) == tasks


KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, ChaukasError)]


@pytest.mark.parametrize("kind", [*KINDS, Cancelled, TeamError])
def test_errors_of_ours_come_through_whole(either: Team, kind: type[ChaukasError]) -> None:
    """An error of ours that a task raises is raised at the caller's, of the same class, with every fault and the same words."""
    faults = (Fault("some.code", "what", "way out", "value"), Fault("other.code", "what else", "another way out"))
    with pytest.raises(kind) as caught:
        either.ordered(refuse, [(kind, faults)])
    assert type(caught.value) is kind
    assert caught.value.faults == faults
    assert str(caught.value) == str(kind(faults))


@pytest.mark.parametrize("kind", [ZeroDivisionError, TimeoutError, ConnectionError, SystemExit, KeyboardInterrupt])
def test_errors_of_others_come_through_as_they_are(either: Team, kind: type[BaseException]) -> None:
    """What a task raises is raised at the caller's; neither an exit nor an interrupt in a task ends a worker."""
    with pytest.raises(kind, match="said so"):
        either.ordered(raise_it, [kind])
    assert either.ordered(square, [3]) == [9]


def test_what_cannot_be_pickled_is_told_at_once(pair: Team) -> None:
    """Neither a task nor a result that cannot travel is waited for."""
    with pytest.raises(TypeError, match="pickle"):
        pair.ordered(same, [threading.Lock()])
    with pytest.raises((pickle.PicklingError, AttributeError)):
        pair.ordered(lambda task: task, [1])
    assert pair.ordered(square, [3]) == [9]


def test_steps_are_told_as_results_come(either: Team) -> None:
    """Each result is a step of the stage, with the share done; without a known number of tasks the count is told."""
    told: list[Step] = []
    either.ordered(square, range(4), stage="parts", progress=Progress(told.append))
    assert [step.share for step in told] == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert {step.stage for step in told} == {"parts"}
    assert told[-1].note == "4 / 4"
    told.clear()
    either.ordered(square, (number for number in range(3)), progress=Progress(told.append))
    assert [step.note for step in told] == ["", "1", "2", "3"]
    told.clear()
    either.ordered(square, (number for number in range(2)), progress=Progress(told.append), total=4)
    assert [step.share for step in told] == [0.0, 0.25, 0.5]


def test_a_stop_gives_up_what_is_pending(either: Team, tmp_path: Path) -> None:
    """Asked to stop after a result, the team raises Cancelled, hands on nothing more and takes few tasks more."""
    told: list[Step] = []
    got = []
    with pytest.raises(Cancelled) as caught:
        for index, _ in either.run(marked, [(str(tmp_path), n) for n in range(200)], progress=Progress(told.append, lambda: len(told) > 3)):
            got.append(index)
    assert caught.value.code == "cancelled"
    assert len(got) == 3
    assert len(list(tmp_path.iterdir())) <= 3 + 2 * AHEAD
    assert either.ordered(square, [3]) == [9]


def test_a_stop_does_not_wait_for_tasks_that_go_on(tmp_path: Path) -> None:
    """Asked to stop while every worker is busy, the team raises Cancelled though no task ends, and closes with its workers."""
    with pytest.raises(Cancelled), Crew(workers=2).open() as two:
        two.ordered(for_ever, [(str(tmp_path), number) for number in range(9)], progress=Progress(stopped=lambda: len(list(tmp_path.iterdir())) > 1))
    assert len(list(tmp_path.iterdir())) == 2
    assert all(gone(pid) for number in range(9) for pid in begun(tmp_path, number))


def test_a_killed_worker_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """A worker killed in the middle of a task: the task is done again by another, and the results are those of one process."""
    many, few = tmp_path / "many", tmp_path / "few"
    many.mkdir()
    few.mkdir()
    (few / "5-0-0").touch()

    def kill() -> None:
        wait_until(lambda: begun(many, 5))
        os.kill(begun(many, 5)[0], signal.SIGKILL)

    killer = threading.Thread(target=kill)
    with Crew(workers=2).open() as two, Crew().open() as one:
        killer.start()
        got = list(two.run(stuck_once, [(str(many), number) for number in range(30)]))
        expected = one.ordered(stuck_once, [(str(few), number) for number in range(30)])
    killer.join()
    assert sorted(got) == list(enumerate(expected))
    first, second = begun(many, 5)
    assert first != second


def test_a_task_that_kills_worker_after_worker_is_given_up() -> None:
    """No task kills workers for ever: it is named, with the way out, and the others of the team go on afterwards."""
    with Crew(workers=2).open() as two:
        with pytest.raises(TeamError) as caught:
            two.ordered(die, [0])
        assert caught.value.code == "workers.killed"
        assert caught.value.faults[0].value == "task 0"
        assert two.ordered(square, range(5)) == [0, 1, 4, 9, 16]


def test_a_worker_holds_no_more_memory_than_it_may() -> None:
    """A task that needs more than a worker may hold does not take the machine's memory: its worker ends, and in the end it is given up."""
    with Crew(workers=1, memory_bytes=600_000_000).open() as one, pytest.raises(TeamError) as caught:
        one.ordered(hoard, [1_500_000_000])
    assert caught.value.code == "workers.killed"
    assert "memory" in caught.value.faults[0].way_out


def test_workers_have_one_thread_each_and_our_environment_stays(pair: Team) -> None:
    """Workers share out the cores: each counts one thread, numba's too. The process that started them keeps its own environment."""
    found = pair.ordered(surroundings, range(20))
    assert len({pid for pid, _, _ in found}) <= 2
    assert all(environment == BEFORE_START and threads == 1 for _, environment, threads in found)
    with Crew(workers=1).open() as one:
        assert one.ordered(square, [2]) == [4]
    assert {name: os.environ.get(name) for name in ENVIRONMENT} == ENVIRONMENT


def test_nothing_listens_beyond_the_loopback(pair: Team) -> None:
    """Whoever reaches a worker or its scheduler can run code: nobody from another machine may."""
    listening = [
        connection.laddr.ip
        for process in [psutil.Process(), *psutil.Process().children(recursive=True)]
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert len(listening) >= 3
    assert set(listening) == {"127.0.0.1"}
    assert pair.ordered(square, [2]) == [4]


def test_an_error_of_the_caller_s_closes_the_team() -> None:
    """Whatever ends the block ends the workers, and is raised as it is."""
    pids = set()
    with pytest.raises(ZeroDivisionError, match="mine"), Crew(workers=2).open() as two:
        pids = {pid for pid, _, _ in two.ordered(surroundings, range(8))}
        raise ZeroDivisionError("mine")
    assert pids
    assert all(gone(pid) for pid in pids)


def test_a_loop_that_is_left_early_leaves_the_team_fit(either: Team) -> None:
    """Results need not all be taken: the team does the next tasks as if nothing had been."""
    for index, _ in either.run(square, range(100)):
        if index:
            break
    assert either.ordered(square, range(5)) == [0, 1, 4, 9, 16]


def test_a_job_in_a_thread_may_open_a_team() -> None:
    """A plan made beside a page may have workers too."""

    def work(progress: Progress) -> list[int]:
        with Crew(workers=1).open() as one:
            return one.ordered(square, range(4), progress=progress)

    job = Job(work)
    job.wait()
    assert (job.result, job.error, job.crash) == ([0, 1, 4, 9], None, None)


SCRIPT = """
import sys
from planning import jit, team
from planning.money import parse_rupees
from tests.planning import test_workers

def main():
    with team.Crew(workers=2).open() as two:
        print(two.ordered(parse_rupees, ["1 crore", "2 lakh"]), flush=True)
        print({threads for _, _, threads in two.ordered(test_workers.surroundings, range(6))}, flush=True)
        if len(sys.argv) > 1:
            two.ordered(test_workers.for_ever, [(sys.argv[1], number) for number in range(4)])

if __name__ == "__main__":
    main()
"""


def start_script(folder: Path, *words: str) -> subprocess.Popen[str]:
    """A command like `chaukas`, a script without a suffix, started in another folder and in a group of its own."""
    script = folder / "command"
    script.write_text(SCRIPT, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-W", "error", str(script), *words]
    return subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)


def test_a_command_started_anywhere_has_workers_and_says_nothing_of_them(tmp_path: Path) -> None:
    """From whatever folder, workers find the project, have one thread though the script loaded numba before, and write nothing to the screen."""
    script = start_script(tmp_path)
    out, err = script.communicate()
    assert (out, err, script.returncode) == ("[10000000, 200000]\n{1}\n", "", 0)


def test_an_interrupt_from_the_keyboard_ends_command_and_workers(tmp_path: Path) -> None:
    """Ctrl-C, which reaches the workers too, ends all; the only words about it are those of the command."""
    marks = tmp_path / "marks"
    marks.mkdir()
    script = start_script(tmp_path, str(marks))
    wait_until(lambda: len(list(marks.iterdir())) == 2)
    pids = [pid for number in range(4) for pid in begun(marks, number)]
    os.killpg(script.pid, signal.SIGINT)
    _, err = script.communicate()
    assert script.returncode == -signal.SIGINT
    assert err.count("Traceback") == 1
    assert err.rstrip().endswith("KeyboardInterrupt")
    assert all(gone(pid) for pid in pids)


def test_workers_that_do_not_start_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the machine has no room for workers, that is told with the way out."""

    def full(**_: Any) -> None:
        raise OSError("Cannot allocate memory")

    monkeypatch.setattr(workers._dask(), "LocalCluster", full)
    with pytest.raises(TeamError) as caught, Crew(workers=2).open():
        pass
    assert caught.value.code == "workers.start"


def test_workers_of_a_scheduler_elsewhere_do_the_same() -> None:
    """The workers of a scheduler do the tasks with the same results and errors, and stay when the team is closed."""
    with elsewhere() as cluster:
        for _ in range(2):
            with Crew(scheduler=cluster.scheduler_address).open() as there:
                assert there.ordered(square, range(20)) == [number * number for number in range(20)]
                with pytest.raises(InputError, match=r"some\.code"):
                    there.ordered(refuse, [(InputError, (Fault("some.code", "what", "way out"),))])
        assert len(cluster.scheduler_info["workers"]) == 2


@pytest.mark.parametrize("greeting", [None, b"", b"SSH-2.0-OpenSSH_9.2\r\n", b"x" * 9000], ids=["silent", "closed", "another", "endless"])
def test_a_scheduler_that_does_not_answer_is_told(greeting: bytes | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is behind the address and is no Dask scheduler, it is told with the way out, and not waited for."""
    monkeypatch.setattr(workers, "JOIN_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            visitor, _ = server.accept()
            with visitor:
                visitor.sendall(greeting or b"")

        answerer = threading.Thread(target=answer if greeting is not None else lambda: None)
        answerer.start()
        with pytest.raises(TeamError) as caught, Crew(scheduler=f"tcp://127.0.0.1:{server.getsockname()[1]}").open():
            pass
        answerer.join()
    assert caught.value.code == "workers.unreachable"


def test_a_scheduler_that_is_not_there_is_told() -> None:
    """A port where nobody listens and a name that nobody bears are told as such."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    for address in (f"tcp://127.0.0.1:{port}", "tcp://nobody.invalid:8786"):
        with pytest.raises(TeamError) as caught, Crew(scheduler=address).open():
            pass
        assert caught.value.code == "workers.unreachable"
        assert caught.value.faults[0].value == address


def test_workers_that_cannot_do_the_work_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A scheduler without workers, workers of several threads and workers of another version are refused before the work begins."""
    monkeypatch.setattr(workers, "JOIN_S", 0.5)

    def code_at(cluster: Any) -> str:
        with pytest.raises(TeamError) as caught, Crew(scheduler=cluster.scheduler_address).open():
            pass
        return caught.value.code

    with elsewhere(n_workers=0) as cluster:
        assert code_at(cluster) == "workers.none"
    with elsewhere(n_workers=1, threads_per_worker=2) as cluster:
        assert code_at(cluster) == "workers.threads"
    with elsewhere(n_workers=1) as cluster, monkeypatch.context() as other:
        other.setattr(workers, "sha256", hashlib.sha1)
        workers._code.cache_clear()
        assert code_at(cluster) == "workers.foreign"
    workers._code.cache_clear()


@pytest.mark.parametrize("loss", ["scheduler", "workers"])
def test_work_whose_workers_are_gone_is_given_up(loss: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the scheduler goes, or all workers go and none comes back, the work ends with an error that says so."""
    monkeypatch.setattr(team, "LOOK_S", 0.2)
    monkeypatch.setattr(team, "LOST_S", 1.0)
    with elsewhere(n_workers=1) as cluster, pytest.raises(TeamError) as caught, Crew(scheduler=cluster.scheduler_address).open() as there:
        for _ in there.run(marked, [(str(tmp_path), number) for number in range(10**6)]):
            if loss == "scheduler":
                cluster.close()
            else:
                cluster.scale(0)
    assert caught.value.code == "workers.lost"


def hurried(task: tuple[str, int]) -> np.ndarray:
    """A task whose result is large, and whose worker dies soon after it handed over."""
    folder, number = task
    if not begun(Path(folder), number):
        marked(task)
        threading.Timer(0.01 * (number % 7), os.kill, (os.getpid(), signal.SIGKILL)).start()
    return np.full(500_000, float(number))


def test_results_of_workers_that_died_before_they_were_fetched_are_made_again(tmp_path: Path) -> None:
    """A worker may die at any moment, after its task ended too: each result comes once, and whole."""
    with Crew(workers=2).open() as two:
        got = {}
        for index, array in two.run(hurried, [(str(tmp_path), number) for number in range(4)]):
            assert index not in got
            got[index] = (len(array), float(array.min()), float(array.max()))
    assert got == {number: (500_000, number, number) for number in range(4)}
