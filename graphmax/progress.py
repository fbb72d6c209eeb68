"""How far long work is: the stages that loops report, and the compilation of the loops themselves.

Whoever shows progress listens here and needs to know no loop.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from graphmax.kernels.compiled import COMPILING, Report, reporting

__all__ = ["COMPILING", "listening"]


@contextmanager
def listening(report: Report) -> Iterator[None]:
    """Within the block, call ``report(stage, done, total)`` as work goes on; total 0: unknown.

    The stage `COMPILING` comes at most once, before the first loop that has to be compiled.

    Examples
    --------
    >>> import graphmax as gm
    >>> stages = []
    >>> with listening(lambda stage, done, total: stages.append(stage)):
    ...     mask = gm.local_maxima(gm.grid_graph(3), [1, 2, 1], hops=2)
    """
    is_compiling = False

    def pass_on(stage: str, done: int, total: int) -> None:
        nonlocal is_compiling
        if stage != COMPILING or not is_compiling:
            report(stage, done, total)
        is_compiling = is_compiling or stage == COMPILING

    with reporting(pass_on):
        yield
