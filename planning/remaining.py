"""How much longer work may take, from how long its stages took before, on this machine or as measured on the demo city.

    stages that ended        what they took against what was expected is the pace: a busy machine is slow in all that is left
    the stage under way      what is expected of it less what it took; past that, it may take a while longer by what it took already
    stages to come           as expected, times the pace; a time limit stays what it is
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# Round figures near what stages of plans of the demo city took on 2 cores: assumed until a city has a plan of its own, and mended by the pace.
USUAL_S = {"demand": 4.0, "sites": 6.0, "sight": 6.0, "poses": 3.0, "matrix": 1.0, "verify": 7.0, "band": 5.0}
SURVEY = ("demand", "sites", "sight", "poses", "matrix")
PROOF = ("verify", "band")
LEAST_KNOWN_S = 3.0  # stages must have ended that were expected to take so long before their pace is believed
FASTEST, SLOWEST = 0.3, 5.0  # between these a pace is believed
OVER = 0.2  # of what a stage took beyond what was expected it may take on
RISE = 0.25  # of a rise of the estimate is told at each look


@dataclass(frozen=True)
class Phase:
    """One part of the work: the stage it begins with, the seconds it is expected to take, and whether that is a time limit, which no pace changes."""

    stage: str
    seconds: float
    limit: bool = False


def phases_of(search_s: float, measured: Mapping[str, float] | None = None, *, search: str = "optimize", proof: bool = True) -> tuple[Phase, ...]:
    """The phases of a survey, a search and, with `proof`, what a plan is verified by.

    Parameters
    ----------
    search_s: the time limit of the search [s].
    measured: seconds by stage of a plan made before; `USUAL_S` stands in for what is missing.
    search: the stage the search begins with.
    """
    known = {**USUAL_S, **(measured or {})}
    after = [Phase(stage, known[stage]) for stage in PROOF] if proof else []
    return (*(Phase(stage, known[stage]) for stage in SURVEY), Phase(search, search_s, limit=True), *after)


def remaining_s(phases: Sequence[Phase], begun: Sequence[tuple[str, float]], now: float) -> float | None:
    """About how many seconds are left, at most where the search ends early; None before the first phase has begun.

    Parameters
    ----------
    begun: each stage told and when it began, in order [s of one clock]; a stage that begins no phase belongs to the phase under way.
    now: the time by the same clock [s].
    """
    at = {phase.stage: number for number, phase in enumerate(phases)}
    here, since, taken, expected = -1, 0.0, 0.0, 0.0
    for stage, when in begun:
        number = at.get(stage, here)
        if number > here:
            if here >= 0 and not phases[here].limit:
                taken, expected = taken + when - since, expected + phases[here].seconds
            here, since = number, when
    if here < 0:
        return None
    pace = min(max(taken / expected, FASTEST), SLOWEST) if expected >= LEAST_KNOWN_S else 1.0

    def lasts(phase: Phase) -> float:
        return phase.seconds if phase.limit else pace * phase.seconds

    spent = max(now - since, 0.0)
    left = max(lasts(phases[here]) - spent, OVER * (spent - lasts(phases[here])), 0.0)
    return left + sum(lasts(phase) for phase in phases[here + 1 :])


def eased(told_s: float | None, passed_s: float, found_s: float) -> float:
    """What to tell next, so that it never leaps up: less is believed at once, more little by little [s].

    Parameters
    ----------
    told_s: what was told last, None where nothing was. passed_s: since then. found_s: what is found now.
    """
    if told_s is None:
        return found_s
    due = max(told_s - passed_s, 0.0)
    return found_s if found_s <= due else due + RISE * (found_s - due)


def rounded(seconds: float) -> tuple[int, str]:
    """Seconds as people say them: (a number, "s" or "min"), (0, "soon") below 8 s; steps of 5 s below a minute, whole minutes above."""
    if seconds < 8:
        return 0, "soon"
    if seconds < 57.5:
        return max(5, 5 * round(seconds / 5)), "s"
    return max(1, round(seconds / 60)), "min"
