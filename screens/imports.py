"""Looks at drafts and imports of them, kept by the server while a page may close and come back; the work itself is done in a confined process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from planning.errors import ChaukasError, InputError
from planning.progress import Job, Progress
from planning.readings import check_draft, import_draft, look_at
from planning.uploads import Draft

_KEEP_ENDED_S = 3_600.0


@dataclass(frozen=True)
class Work:
    """One piece of work on a draft: a look at its files, whose result is the state seen, or its import, whose result is the city's name."""

    token: str
    kind: str
    job: Job[str]


class ImportDesk:
    """All work on drafts of this server; a draft has one piece at a time.

    Parameters
    ----------
    look, take: what a look does, and what an import does; each gives what its work's result is.
    """

    def __init__(self, look: Callable[[Draft, Progress], str] | None = None, take: Callable[[Draft, Progress], str] | None = None) -> None:
        self._work = {"look": look or _look, "import": take or _import}
        self._lock = threading.Lock()
        self._kept: dict[str, Work] = {}

    def start(self, draft: Draft, kind: str) -> Work:
        """The work on this draft that runs, else a new one of that kind, `look` or `import`.

        Raises
        ------
        InputError: what is still missing, before an import begins.
        """
        if kind == "import" and (faults := check_draft(draft)):
            raise InputError(faults)
        with self._lock:
            self._sweep()
            known = self._kept.get(draft.token)
            if known is not None and known.job.running:
                return known
            work = self._work[kind]
            made = Work(draft.token, kind, Job(lambda progress: work(draft, progress)))
            self._kept[draft.token] = made
            return made

    def find(self, token: str) -> Work | None:
        """The work on a draft, where this server still knows it."""
        with self._lock:
            return self._kept.get(token)

    def forget(self, work: Work) -> None:
        """Drop ended work, once its outcome was told."""
        with self._lock:
            if not work.job.running and self._kept.get(work.token) is work:
                del self._kept[work.token]

    def _sweep(self) -> None:
        ended = [token for token, work in self._kept.items() if not work.job.running and time.monotonic() - work.job.started > _KEEP_ENDED_S]
        for token in ended:
            del self._kept[token]


def outcome(work: Work) -> ChaukasError | None:
    """What ended work failed with, as one of our errors; None where it went well."""
    if work.job.error is not None:
        return work.job.error
    if work.job.crash is not None:
        text = f"{type(work.job.crash).__name__}: {work.job.crash}"
        return InputError.one("upload.broken", "The files could not be read to their end", "Try again; if it happens again, report it", text)
    return None


def _look(draft: Draft, progress: Progress) -> str:
    return str(look_at(draft, task="coverage.uploaded:look", progress=progress).seen["state"])


def _import(draft: Draft, progress: Progress) -> str:
    city, _ = import_draft(draft, task="coverage.uploaded:collect", progress=progress)
    draft.drop()
    return draft.city or city.name


desk = ImportDesk()
