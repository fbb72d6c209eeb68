"""Run a compiled loop piece by piece, so that Ctrl-C is answered and progress can be told.

A compiled loop does not look at signals. Every long one here takes a range of its work, and
`in_chunks` hands it one range after the other; between two ranges Python is in charge again.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from importlib import import_module
from threading import Lock
from typing import Any

import numpy as np
from numba import get_num_threads, set_num_threads

ALONE = 1 << 13

Report = Callable[[str, int, int], None]

_report: ContextVar[Report | None] = ContextVar("graphmax_report", default=None)


def _openmp_is_there() -> bool:
    try:
        import_module("numba.np.ufunc.omppool")
    except ImportError:
        return False
    return True


# Two Python threads inside numba's `workqueue` layer abort the process; OpenMP is safe.
_guard: Any = nullcontext() if _openmp_is_there() else Lock()


@contextmanager
def reporting(report: Report) -> Iterator[None]:
    """Within the block, long loops call ``report(stage, done, total)`` as they go."""
    token = _report.set(report)
    try:
        yield
    finally:
        _report.reset(token)


def tell(stage: str, done: int, total: int) -> None:
    """Pass the progress of a stage to whoever asked for it."""
    report = _report.get()
    if report is not None:
        report(stage, done, total)


@contextmanager
def threads_for(size: int) -> Iterator[None]:
    """Run parallel kernels with one thread where the work, in array entries, is small.

    Waking a second thread costs more than a small graph does, and on a busy machine it is waited
    for.
    """
    if size >= ALONE:
        yield
        return
    before = get_num_threads()
    set_num_threads(1)
    try:
        yield
    finally:
        set_num_threads(before)


def guarded(call: Callable[..., Any], *arguments: Any) -> Any:
    """Call a parallel kernel, alone where the threading layer wants that."""
    sizes = [argument.size for argument in arguments if isinstance(argument, np.ndarray)]
    with _guard, threads_for(max(sizes, default=ALONE)):
        return call(*arguments)


def in_chunks(
    stage: str, total: int, step: int, call: Callable[[int, int], Any], size: int = ALONE
) -> None:
    """Call ``call(start, stop)`` over ``range(total)`` in pieces of at most `step`.

    `size` is the amount of work in array entries, where it may be small.
    """
    with threads_for(size):
        for start in range(0, total, step):
            stop = min(start + step, total)
            guarded(call, start, stop)
            tell(stage, stop, total)
