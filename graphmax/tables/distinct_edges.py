"""Each edge of a stream once, on disk: a maximum may meet an edge twice, a sum may not.

Edges are dealt to files by a mix of both ends, so that repeats meet in one file. One file at a time
fits in memory, is sorted and written back without repeats; then it can be walked again and again.
"""

import errno
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphmax.kernels.progress import tell
from graphmax.kernels.stream import NO_EDGE
from graphmax.kernels.stream_sums import deal, only_once
from graphmax.tables.table_checks import full_disk

# Eight bytes each, and as many again for a weight.
EDGES_PER_FILE = 1 << 22
MOST_BITS = 12
_NO_WEIGHT = np.empty(0)


class Piece(NamedTuple):
    """Some edges: source << 32 | target, uint64 (e,), and their weights, float64 (e,) or (0,)."""

    packed: NDArray[np.uint64]
    weight: NDArray[np.float64]


class DistinctEdges:
    """The edges between `num_nodes` nodes, without repeats and loops, in an empty `folder`.

    `expected` is how many there are at most. With `merged` an edge and its reverse are one. Give
    every batch to `take`, call `settle`, and walk over `pieces` as often as needed.
    """

    def __init__(self, folder: Path, num_nodes: int, expected: int, *, merged: bool) -> None:
        self._folder, self._num_nodes, self._merged = folder, num_nodes, merged
        self._bits = min(MOST_BITS, (expected // EDGES_PER_FILE).bit_length())
        self.num_edges = 0
        folder.mkdir()

    def take(self, src: NDArray[Any], dst: NDArray[Any], weight: Any = _NO_WEIGHT) -> int:
        """Add a batch; the position of an edge with an end outside, or NO_EDGE."""
        found = deal(src, dst, weight, self._num_nodes, self._merged, self._bits)
        if isinstance(found, int):
            return found
        edges, weights, start = found
        for part in np.flatnonzero(np.diff(start)).tolist():
            rows = slice(start[part], start[part + 1])
            self._write(part, Piece(edges[rows], weights[rows]), "ab")
        return NO_EDGE

    def settle(self) -> None:
        """Drop the repeats; of their weights the smallest stays."""
        parts = self._parts()
        for done, part in enumerate(parts, 1):
            piece = Piece(*only_once(*self._read(part)))
            self._write(part, piece, "wb")
            self.num_edges += piece.packed.size
            tell("dropping repeated edges", done, len(parts))

    def pieces(self) -> Iterator[Piece]:
        """Walk over the edges, always in the same order."""
        for part in self._parts():
            packed, weight = self._read(part)
            for first in range(0, packed.size, EDGES_PER_FILE):
                rows = slice(first, first + EDGES_PER_FILE)
                yield Piece(packed[rows], weight[rows])

    def _parts(self) -> list[int]:
        return sorted(int(file.name) for file in self._folder.glob("*") if not file.suffix)

    def _read(self, part: int) -> Piece:
        weights = self._folder / f"{part}.weights"
        weight = np.fromfile(weights) if weights.exists() else _NO_WEIGHT
        return Piece(np.fromfile(self._folder / str(part), np.uint64), weight)

    def _write(self, part: int, piece: Piece, mode: str) -> None:
        try:
            with (self._folder / str(part)).open(mode) as file:
                file.write(piece.packed.data)
            if piece.weight.size:
                with (self._folder / f"{part}.weights").open(mode) as file:
                    file.write(piece.weight.data)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise full_disk() from None
            raise
