"""The one door to numba.

Our folder `coverage` bears the import name of coverage.py, and numba asks for that package while it is imported: it would take ours for it and
fail. The door hides our name for the length of the import. Compiled code is cached on disk, so only the first run of a new version compiles.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

_ours = {name: module for name, module in sys.modules.items() if name == "coverage" or name.startswith("coverage.")}
for _name in _ours:
    del sys.modules[_name]
sys.modules["coverage"] = None  # type: ignore[assignment]
try:
    import numba
finally:
    del sys.modules["coverage"]
    sys.modules.update(_ours)

prange = numba.prange


def jit(function: F) -> F:
    """Compile a numeric function to machine code on first use; IEEE arithmetic, no reordering."""
    compiled: F = numba.njit(cache=True, nogil=True, boundscheck=False)(function)
    return compiled


def parallel_jit(function: F) -> F:
    """Like `jit`, with `prange` loops spread over the cores; each iteration must own what it writes."""
    compiled: F = numba.njit(cache=True, nogil=True, boundscheck=False, parallel=True)(function)
    return compiled


def threads() -> int:
    """How many threads a parallel loop uses."""
    return int(numba.get_num_threads())
