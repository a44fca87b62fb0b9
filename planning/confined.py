"""The process in which people's files are read: it confines itself, then does one task, and says only JSON.

    sandbox --- job.json, limits ---> this process --- lines of JSON: steps, then one answer or faults --> sandbox
                                      |  memory, computing time, size of files: rlimits
                                      |  files: Landlock; reads what it is given and its own code, writes one scratch folder
                                      |  network: a namespace without a way out; Landlock's ports
                                      +- Python itself: an audit hook refuses sockets, programs, and writing elsewhere

What the machine's kernel does not offer is left out and told: the limits and the hook are always there. Run as a script with -I, never imported by
what it reads; the heavy libraries come in only after the walls stand.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import mimetypes
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
_CODE = ("planning", "coverage", "screens", "optimizer", "data/recipes", "pyproject.toml")
_SYSTEM = (
    "/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/localtime", "/etc/timezone", "/dev/null", "/dev/urandom", "/dev/zero",
    "/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/sys/devices/system", "/sys/fs/cgroup",
)  # fmt: skip
# Landlock: numbers of its calls and rights, from linux/landlock.h
_CREATE, _ADD, _RESTRICT = 444, 445, 446
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_FS_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
_NEW_USER, _NEW_NET = 0x10000000, 0x40000000
_PDEATHSIG, _NO_NEW_PRIVS = 1, 38
_REFUSED = (
    "socket.", "subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "pty.", "webbrowser.", "ftplib.", "http.client.",
    "smtplib.", "urllib.", "poplib.", "imaplib.", "telnetlib.", "syslog.",
)  # fmt: skip
_WRITING = frozenset({
    "os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate", "os.chmod", "os.chown", "os.utime", "os.setxattr",
})  # fmt: skip
_WRITE_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def main(job_path: str) -> int:
    """Confine this process as the job says, do its task, tell how it went."""
    # Libraries may print: what they say must not mix with the answers.
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def tell(**what: Any) -> None:
        out.write(json.dumps(what, ensure_ascii=True, allow_nan=False) + "\n")
        out.flush()

    job = json.loads(Path(job_path).read_text(encoding="utf-8"))
    sys.path.insert(0, str(ROOT))
    scratch = Path(job["scratch"])
    guards = confine(scratch, [Path(path) for path in job["reads"]], job["limits"])
    tell(guards=guards)
    # Some library asks it, and it would read the system's lists, which are closed.
    mimetypes.knownfiles.clear()
    from planning.errors import ChaukasError
    from planning.progress import Progress

    def work() -> Any:
        module, _, name = str(job["task"]).partition(":")
        task: Callable[..., Any] = getattr(importlib.import_module(module), name)
        return task(scratch, job["given"], Progress(lambda step: tell(step=[step.stage, step.share, step.note])))

    try:
        found = work()
        tell(peak=_hwm())
        tell(answer=found)
    except ChaukasError as error:
        tell(faults=[[fault.code, fault.what, fault.way_out, fault.value] for fault in error.faults])
    except MemoryError:
        tell(out_of="memory")
    except Exception as error:  # noqa: BLE001  # told to the server as what it is: an end without an answer
        tell(crash=f"{type(error).__name__}: {error}"[:500])
    return 0


def _hwm() -> int:
    """The most memory this process itself has held [bytes]; 0 where the system does not say."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), 0)


def confine(scratch: Path, reads: Iterable[Path], limits: dict[str, int]) -> list[str]:
    """Put up every wall there is; the names of those that stand.

    Parameters
    ----------
    scratch: the only folder that may be written. reads: files and folders that may be read beside our own code.
    limits: `memory` and `written` [bytes], `cpu` [s].
    """
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    guards = ["limits"]
    if _leave_network(libc):
        guards.append("no network")
    if _landlock(libc, scratch, reads):
        guards.append("landlock")
    memory = limits["memory"]
    for what, soft, hard in (
        # Code and maps of files count in AS and not in DATA: libraries alone map most of a gigabyte.
        (resource.RLIMIT_DATA, memory, memory), (resource.RLIMIT_AS, memory + (2 << 30), memory + (2 << 30)),
        (resource.RLIMIT_CPU, limits["cpu"], limits["cpu"] + 5), (resource.RLIMIT_FSIZE, limits["written"], limits["written"]),
        (resource.RLIMIT_NOFILE, 256, 256), (resource.RLIMIT_CORE, 0, 0),
    ):  # fmt: skip
        _, most = resource.getrlimit(what)
        kept = hard if most == resource.RLIM_INFINITY else min(hard, most)
        resource.setrlimit(what, (min(soft, kept), kept))
    sys.addaudithook(_hook(scratch.resolve()))
    return [*guards, "audit hook"]


def _leave_network(libc: Any) -> bool:
    """Move into a network namespace that holds nothing but a loopback that is down."""
    user, group = os.getuid(), os.getgid()
    if libc.unshare(_NEW_NET) == 0:
        return True
    if libc.unshare(_NEW_USER | _NEW_NET) != 0:
        return False
    for name, line in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        try:
            Path("/proc/self", name).write_text(line, encoding="ascii")
        except OSError:
            continue
    return True


def _landlock(libc: Any, scratch: Path, reads: Iterable[Path]) -> bool:
    """Allow reading of code, system libraries and `reads`, writing below `scratch`, and nothing else of the disk; no TCP port."""
    version = libc.syscall(_CREATE, None, 0, 1)
    if version < 1 or libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return False
    everything = max((rights for since, rights in _FS_RIGHTS.items() if since <= version))
    # Since version 4 TCP ports (bind, connect), since 6 abstract sockets and signals: all are handled, and none allowed.
    attributes = (ctypes.c_uint64 * 3)(everything, 3 if version >= 4 else 0, 3 if version >= 6 else 0)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    rules = libc.syscall(_CREATE, ctypes.byref(attributes), size, 0)
    if rules < 0:
        return False
    looking = _EXECUTE | _READ_FILE | _READ_DIR
    libraries = {Path(found) for found in (sys.prefix, sys.base_prefix, sys.exec_prefix, *sys.path) if found} - {ROOT}
    allowed = [(path, looking) for path in (*libraries, *map(Path, _SYSTEM), *(ROOT / name for name in _CODE), *reads)]
    allowed += [(ROOT, _READ_DIR), *((found, _READ_FILE) for found in (ROOT / "data").glob("*.toml"))]
    allowed += [(scratch, everything & ~_EXECUTE), (Path("/dev/null"), _READ_FILE | _WRITE_FILE)]
    for path, rights in allowed:
        _allow(libc, rules, path, rights)
    done = libc.syscall(_RESTRICT, rules, 0) == 0
    os.close(rules)
    return bool(done)


def _allow(libc: Any, rules: int, path: Path, rights: int) -> None:
    try:
        handle = os.open(path, os.O_PATH)
    except OSError:
        return
    if not path.is_dir():
        rights &= _EXECUTE | _WRITE_FILE | _READ_FILE | 1 << 14

    class Below(ctypes.Structure):
        _pack_ = 1
        _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))

    libc.syscall(_ADD, rules, 1, ctypes.byref(Below(rights, handle)), 0)
    os.close(handle)


def _hook(scratch: Path) -> Callable[[str, tuple[Any, ...]], None]:
    """Refuses what no reader of files needs; it holds for Python's own calls, the kernel's walls for those of libraries."""
    home = f"{scratch}{os.sep}"

    def outside(path: Any) -> bool:
        if isinstance(path, int) or path is None:
            return False
        found = os.path.realpath(os.fsdecode(path))
        return not (found == str(scratch) or found.startswith(home) or found == "/dev/null")

    def hook(event: str, given: tuple[Any, ...]) -> None:
        if event.startswith(_REFUSED):
            raise PermissionError(f"refused: {event}")
        if event == "open" and isinstance(given[2], int) and given[2] & _WRITE_FLAGS and outside(given[0]):
            raise PermissionError(f"refused: writing {given[0]}")
        if event in _WRITING and any(outside(path) for path in given[:2] if isinstance(path, (str, bytes, os.PathLike))):
            raise PermissionError(f"refused: {event}")

    return hook


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
