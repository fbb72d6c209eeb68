"""Adjacency rows: made from edges, checked, reversed and merged."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphmax.checks import first_outside, frozen, node_indices
from graphmax.kernels import adjacency as loops
from graphmax.kernels import csr
from graphmax.machine import check_room

_NO_WEIGHTS = np.empty(0)
# While rows are built: the entries twice.
_BYTES_PER_ENTRY = 12
_FLAWS = {
    1: "have pointers that do not decrease and stay inside `indices`",
    2: "hold node indices from 0 to num_nodes - 1",
    3: "be sorted without repeats",
    4: "hold no self-loop",
}


class Dropped(NamedTuple):
    """What was left out when a graph was built."""

    self_loops: int
    repeats: int

    def __str__(self) -> str:
        loops, repeats = self
        return f"{loops} self-loop{'s' * (loops != 1)}, {repeats} repeat{'s' * (repeats != 1)}"


class Adjacency(NamedTuple):
    """Rows of neighbors: row v is ``indices[indptr[v]:indptr[v + 1]]``, ascending.

    ``indptr`` is int64 (num_nodes + 1,), ``indices`` int32 (entries,), ``weights`` float64
    (entries,) or None.
    """

    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    weights: NDArray[np.float64] | None

    @property
    def lengths(self) -> NDArray[np.float64]:
        """Weights for kernels, which take an empty array for none."""
        return _NO_WEIGHTS if self.weights is None else self.weights

    @property
    def symmetric(self) -> bool:
        """Whether every entry has its reverse, with equal weight."""
        return bool(loops.is_symmetric(self.indptr, self.indices, self.lengths))

    def reversed(self) -> "Adjacency":
        """Return the rows of the reversed edges."""
        return self._like(loops.transpose(self.indptr, self.indices, self.lengths))

    def merged(self, other: "Adjacency") -> "Adjacency":
        """Return rows with the entries of both, the smaller weight where both have one."""
        return self._like(loops.union(*self[:2], self.lengths, *other[:2], other.lengths))

    def without(self, absent: NDArray[np.bool_]) -> "Adjacency":
        """Return the rows without the entries that touch an absent node."""
        absent = np.ascontiguousarray(absent)
        return self._like(loops.filtered(*self[:2], self.lengths, absent=absent))

    def within(self, groups: NDArray[np.int64]) -> "Adjacency":
        """Return the rows without the entries that join nodes of different groups."""
        groups = np.ascontiguousarray(groups, np.int64)
        return self._like(loops.filtered(*self[:2], self.lengths, groups=groups))

    def _like(self, built: tuple[Any, Any, Any]) -> "Adjacency":
        indptr, indices, weights = (frozen(array) for array in built)
        return Adjacency(indptr, indices, None if self.weights is None else weights)


def matching_ends(src: ArrayLike, dst: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return both ends of the edges as integer arrays of one length and dtype."""
    first, second = node_indices(src, "src"), node_indices(dst, "dst")
    if first.size != second.size:
        raise ValueError(f"`dst` must be as long as `src`, got {second.size} and {first.size}")
    if first.dtype != second.dtype:
        return first.astype(np.int64), second.astype(np.int64)
    return first, second


def rows_of(
    ends: tuple[NDArray[Any], NDArray[Any]],
    weights: NDArray[np.float64] | None,
    count: int,
    directed: bool,
) -> tuple[Adjacency, Dropped]:
    """Build the rows of in-neighbors of `count` nodes and count what was dropped."""
    entries = ends[0].size * (1 if directed else 2)
    size = 8 * count + entries * (_BYTES_PER_ENTRY + (0 if weights is None else weights.itemsize))
    check_room(size, f"the rows of {count} nodes and {ends[0].size} edges")
    built = csr.build(*ends, _NO_WEIGHTS if weights is None else weights, count, not directed)
    if isinstance(built, int):
        raise first_outside(ends, count, built)
    indptr, indices, lengths, entries = built
    each = 1 if directed else 2
    dropped = Dropped(ends[0].size - entries // each, (entries - indices.size) // each)
    return Adjacency(indptr, indices, None if weights is None else lengths), dropped


def symmetric_rows(
    indptr: NDArray[Any], indices: NDArray[Any], weights: NDArray[np.float64] | None
) -> Adjacency | None:
    """Return rows that are valid and symmetric as they are, copied; None if they are not."""
    starts = np.array(indptr, np.int64)
    if starts[-1] != indices.size or loops.first_flaw(starts, indices)[1]:
        return None
    # Copies: the arrays of somebody else may change.
    lengths = None if weights is None else weights.copy()
    rows = Adjacency(starts, indices.astype(np.int32), lengths)
    return rows if rows.symmetric else None


def check_rows(rows: Adjacency, directed: bool) -> None:
    """Refuse rows that are not sorted, in range, without loops and, undirected, symmetric."""
    if rows.indptr.ndim != 1 or rows.indptr.size == 0 or rows.indptr[0] != 0:
        raise ValueError("`indptr` must be one-dimensional and start with 0")
    row, kind = loops.first_flaw(rows.indptr, rows.indices)
    if kind:
        raise ValueError(f"`indices` must {_FLAWS[kind]}, got another in row {row}")
    if rows.indptr[-1] != rows.indices.size:
        raise ValueError(
            f"`indptr` must end with the number of entries {rows.indices.size}, "
            f"got {rows.indptr[-1]}"
        )
    if not directed and not rows.symmetric:
        raise ValueError(
            "`indices` must hold both directions of every edge with equal weight, "
            "got an edge without its reverse; pass directed=True"
        )
