"""The one scheduler of compiled loops: chunks, lanes, threads, Ctrl-C, and how far work is.

A compiled loop does not look at signals. Every long one takes a piece of its work and comes back:
a range (`in_chunks`), or as much as a budget allows, its state kept in arrays (`Lanes`). Between
two pieces Python is in charge again, answers Ctrl-C and passes on how far the work is.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from threading import Lock
from typing import Any

import numba
import numpy as np
from numba.np.ufunc.parallel import threading_layer
from numpy.typing import NDArray

# What a compilation says of itself: a stage of unknown length, told for each loop.
COMPILING = "compiling loops, once after an install (some seconds)"
# Array entries below which another thread is not woken. On two idle cores it saves a quarter of a
# millisecond there; where the cores are busy every loop waits for it 10 to 50 ms.
ENTRIES_WORTH_THREADS = 1 << 18

# Fields of the state of a lane, int64. Loops may add fields of their own from OWN on.
# NEXT: the item that is worked on, or comes next. LAST: where the items of the lane end. STEP: from
# one item to the next. ACTIVE: 1 while an item is left in the middle. SPENT: work so far.
NEXT, LAST, STEP, ACTIVE, SPENT, OWN = range(6)

Report = Callable[[str, int, int], None]

_report: ContextVar[Report | None] = ContextVar("graphmax_report", default=None)


@contextmanager
def reporting(report: Report) -> Iterator[None]:
    """Within the block, long loops call ``report(stage, done, total)``; total 0 is not known."""
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


class _Process:
    """What this process may do with threads."""

    # OpenMP does not survive a fork: its threads stay behind, and a loop that waits for them hangs
    # or is killed. A process that was forked runs every loop serially; its siblings keep the other
    # cores busy.
    forked = False
    # Two Python threads inside numba's `workqueue` layer abort the process: there one at a time
    # may use it, and the others run serially meanwhile.
    turn = Lock()


def _after_fork() -> None:
    _Process.forked, _Process.turn = True, Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def threads() -> int:
    """Return how many threads a parallel loop may use."""
    return 1 if _Process.forked else int(numba.get_num_threads())


@cache
def _is_threadsafe() -> bool:
    numba.get_num_threads()  # launches the layer
    return threading_layer() in ("omp", "tbb")


@contextmanager
def parallel_turn() -> Iterator[bool]:
    """Say whether a parallel loop may use threads within the block."""
    if threads() == 1:
        yield False
    elif _is_threadsafe():
        yield True
    else:
        turn = _Process.turn
        mine = turn.acquire(blocking=False)
        try:
            yield mine
        finally:
            if mine:
                turn.release()


def in_chunks(stage: str, total: int, step: int, call: Callable[[int, int], Any]) -> None:
    """Call ``call(start, stop)`` over ``range(total)`` in pieces of at most `step`."""
    for start in range(0, total, step):
        stop = min(start + step, total)
        call(start, stop)
        tell(stage, stop, total)


class Lanes:
    """Items dealt to lanes, one per thread, each with a state that outlives the call of a loop.

    A lane takes items from NEXT on until its budget is spent, may leave one in the middle, and
    goes on in the next call. Lanes of consecutive items share what is left when one runs dry;
    `interleaved` ones (every so many items) advance side by side from the first item to the last.
    """

    def __init__(self, items: int, lanes: int, fields: int = OWN, interleaved: bool = False):
        self.items = items
        self.interleaved = interleaved
        self.states: NDArray[np.int64] = np.zeros((lanes, fields), np.int64)
        if interleaved:
            self.states[:, NEXT] = np.arange(lanes)
            self.states[:, LAST], self.states[:, STEP] = items, lanes
        else:
            bounds = np.linspace(0, items, lanes + 1).astype(np.int64)
            self.states[:, NEXT], self.states[:, LAST] = bounds[:-1], bounds[1:]
            self.states[:, STEP] = 1

    @staticmethod
    def affordable(items: int, lane_bytes: int = 0, most_bytes: int = 0) -> int:
        """Return as many lanes as threads, while their scratch stays below `most_bytes`."""
        afford = most_bytes // lane_bytes if lane_bytes else items
        return max(1, min(threads(), items, afford))

    def __len__(self) -> int:
        return len(self.states)

    @property
    def done(self) -> int:
        """Number of items that are finished; of interleaved ones, those before the first open."""
        if self.interleaved:
            return min(int(self.states[:, NEXT].min()), self.items)
        return self.items - int((self.states[:, LAST] - self.states[:, NEXT]).sum())

    @property
    def spent(self) -> int:
        """Work of all lanes so far."""
        return int(self.states[:, SPENT].sum())

    def rounds(self, stage: str) -> Iterator[NDArray[np.int64]]:
        """Yield the states, to be advanced by a loop, until every item is finished."""
        while self.done < self.items:
            tell(stage, self.done, self.items)
            yield self.states
            if not self.interleaved:
                self._share()
        tell(stage, self.items, self.items)

    def _share(self) -> None:
        """Hand half of the longest rest to each lane that has run dry."""
        states = self.states
        for lane in np.flatnonzero(states[:, NEXT] == states[:, LAST]):
            longest = int(np.argmax(states[:, LAST] - states[:, NEXT]))
            first = int(states[longest, NEXT]) + 1  # it may be left in the middle: it stays
            middle = (first + int(states[longest, LAST])) // 2
            if middle < states[longest, LAST]:
                states[lane, NEXT], states[lane, LAST] = middle, states[longest, LAST]
                states[longest, LAST] = middle
