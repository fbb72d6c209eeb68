"""How far long work is: the stages that loops report, and the compilation of the loops themselves.

Whoever shows progress listens here and needs to know no loop: whatever numba compiles within the
block says so, because numba itself says so.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from numba.core import event

from graphmax.kernels.progress import Report, reporting

COMPILING = "compiling loops, once after an install (some seconds)"


class _Compilation(event.Listener):
    """Reports the first function that numba compiles; those of its cache are not compiled."""

    def __init__(self, report: Report) -> None:
        self.report, self.was_reported = report, False

    def on_start(self, event: Any) -> None:
        del event
        if not self.was_reported:
            self.was_reported = True
            self.report(COMPILING, 0, 0)

    def on_end(self, event: Any) -> None:
        del event


@contextmanager
def listening(report: Report) -> Iterator[None]:
    """Within the block, call ``report(stage, done, total)`` as work goes on; total 0: unknown.

    The stage `COMPILING` comes at most once, before the first loop that numba has to compile.

    Examples
    --------
    >>> import graphmax as gm
    >>> stages = []
    >>> with listening(lambda stage, done, total: stages.append(stage)):
    ...     mask = gm.local_maxima(gm.grid_graph(3), [1, 2, 1], hops=2)
    """
    with reporting(report), event.install_listener("numba:compile", _Compilation(report)):
        yield
