"""The balls of a checked call: how large they are, and what is in them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.checks import frozen, integer, is_tensor, node_indices, one_of, to_numpy, unmasked
from graphmax.convert import as_graph
from graphmax.extract.batch_layouts import SparseNeighborhoods, padded
from graphmax.extract.neighborhood_batch import NeighborhoodBatch, union_of
from graphmax.graph import Graph
from graphmax.kernels import neighborhoods
from graphmax.question import CALLS, Question, ask
from graphmax.rule import FilledRule
from graphmax.values import Attribute, order_key, read_attribute

LAYOUTS = ("sparse", "dense")
SCRATCH_BYTES = 1 << 30
_NODE_BYTES, _ENTRY_BYTES, _WEIGHT_BYTES = 40, 32, 24
_NO_WEIGHTS = frozen(np.empty(0))


@dataclass(frozen=True)
class Layout:
    """How balls are laid out: sparse or dense, of how many nodes at most, padded to how many."""

    kind: str = "sparse"
    most: int = np.iinfo(np.int64).max
    pad_to: int = 0

    @classmethod
    def of(cls, kind: Any, max_nodes: Any, pad_to: Any) -> "Layout":
        """Check the arguments of a call."""
        one_of(kind, "layout", LAYOUTS)
        if pad_to is not None and kind == "sparse":
            raise ValueError('`pad_to` must be used with layout="dense", got layout="sparse"')
        return cls(
            kind,
            cls.most if max_nodes is None else integer(max_nodes, "max_nodes", 1),
            0 if pad_to is None else integer(pad_to, "pad_to", 1),
        )


@dataclass(frozen=True)
class BallExtractor:
    """A checked call: around which roots the balls are, and how they are laid out."""

    question: Question
    attribute: Attribute
    has_values: bool
    chosen: NDArray[np.int64] | None
    layout: Layout
    lanes: neighborhoods.Lanes
    starts: NDArray[np.int64] | None = None

    @property
    def graph(self) -> Graph:
        """The graph, or the union of several."""
        return self.question.graph

    @property
    def rule(self) -> FilledRule:
        """The rule, every field filled in."""
        return self.question.rule

    @property
    def num_roots(self) -> int:
        """Number of roots."""
        return self.graph.num_nodes if self.chosen is None else self.chosen.size

    def roots(self, start: int, stop: int) -> NDArray[np.int64]:
        """Return some of the roots."""
        if self.chosen is None:
            return np.arange(start, min(stop, self.graph.num_nodes))
        return self.chosen[start:stop]

    @property
    def rows(self) -> tuple[Any, ...]:
        """Rows of the counted steps, and of the entries that are extracted."""
        rows, inner = self.graph.adjacency(self.rule.direction), self.graph.adjacency("in")
        sized = [part._replace(weights=_or_none(part.weights)) for part in (rows, inner)]
        return sized[0], sized[1]

    @property
    def limit(self) -> tuple[float, bool, int]:
        """Radius, whether it is in weights, and the largest number of nodes."""
        reach = self.rule.reach
        by_weight = reach is None
        length = float(self.rule.radius or 0 if reach is None else reach)
        return length, by_weight, self.layout.most

    def count(self, centers: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return how many nodes each ball has, and a bound of its entries."""
        rows, inner = self.rows
        counted: tuple[Any, Any] = neighborhoods.count(
            rows, inner, centers, *self.limit, self.lanes
        )
        return counted

    def bytes_of(self, found: NDArray[np.int64], room: NDArray[np.int64]) -> int:
        """Return the size of a batch of these balls, their entries taken at the bound."""
        sizes = np.minimum(found, self.layout.most)
        taken = int(sizes.sum()) * self._node_bytes + int(room.sum()) * self._entry_bytes
        if self.layout.kind == "sparse" or not sizes.size:
            return taken
        largest = max(int(sizes.max()), self.layout.pad_to)
        return taken + sizes.size * largest**2 * self._cell_bytes

    def group_end(
        self, found: NDArray[np.int64], room: NDArray[np.int64], start: int, *most: int
    ) -> int:
        """Return where the batch that starts at a root must end."""
        cell = 0 if self.layout.kind == "sparse" else self._cell_bytes
        sizes = np.minimum(found, self.layout.most)
        if cell:
            sizes = np.maximum(sizes, self.layout.pad_to)
        size_of = self._node_bytes, self._entry_bytes, cell
        return int(neighborhoods.group_end(sizes, room, start, *size_of, *most))

    @property
    def _node_bytes(self) -> int:
        array = self.attribute.array
        return _NODE_BYTES + array.nbytes // max(len(array), 1)

    @property
    def _cell_bytes(self) -> int:
        return 4 if self.graph.weights is None else 8

    @property
    def _entry_bytes(self) -> int:
        return _ENTRY_BYTES + (0 if self.graph.weights is None else _WEIGHT_BYTES)

    def fill(
        self, centers: NDArray[np.int64], found: NDArray[np.int64], room: NDArray[np.int64]
    ) -> NeighborhoodBatch:
        """Write the batch of balls that were counted."""
        sizes = np.minimum(found, self.layout.most)
        rows, inner = self.rows
        ptr, node, distance, edge_index, lengths = neighborhoods.fill(
            rows, inner, centers, *self.limit, self.lanes, sizes, room
        )
        batch = np.repeat(np.arange(centers.size), sizes)
        graph, root, own = self._own_numbers(centers, node, batch)
        sparse = SparseNeighborhoods(
            root=root,
            degree=rows.indptr[centers + 1] - rows.indptr[centers],
            cut=found > sizes,
            rule=self.rule,
            graph=graph,
            absent=self._absent(node),
            x=self._columns(node),
            edge_index=edge_index,
            edge_weight=lengths if inner.weights.size else None,
            batch=batch,
            ptr=ptr,
            node=own,
            distance=distance,
        )
        laid_out = sparse if self.layout.kind == "sparse" else padded(sparse, self.layout.pad_to)
        return laid_out._map(self.attribute.restore)

    def _own_numbers(
        self, centers: NDArray[np.int64], node: NDArray[np.int64], batch: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64] | None, NDArray[np.int64], NDArray[np.int64]]:
        """Return of which graph each root is, and roots and nodes as that graph numbers them."""
        if self.starts is None:
            return None, centers, node
        graph = np.searchsorted(self.starts, centers, side="right") - 1
        first = self.starts[graph]
        return graph, centers - first, node - first[batch]

    def _absent(self, node: NDArray[np.int64]) -> NDArray[np.bool_] | None:
        absents = self.question.absents
        return absents.T[node] if len(absents) and self.has_values else None

    def _columns(self, node: NDArray[np.int64]) -> NDArray[Any] | None:
        if not self.has_values:
            return None
        columns = self.attribute.array[node]
        return columns[:, None] if columns.ndim == 1 else columns


def _or_none(weights: NDArray[np.float64] | None) -> NDArray[np.float64]:
    return _NO_WEIGHTS if weights is None else weights


def ball_extractor(
    graph: Any,
    values: Any,
    roots: Any,
    hops: Any,
    layout: Layout,
    *,
    scratch: int = SCRATCH_BYTES,
    where: Any = None,
    **fields: Any,
) -> BallExtractor:
    """Check a call."""
    if "groups" in fields:
        raise TypeError(
            "`groups` must not be given to neighborhoods; "
            + CALLS["neighborhoods"].way_out["groups"]
        )
    starts = None
    given = values
    if isinstance(graph, list):
        union = union_of(graph, values)
        starts, graph, attribute = union.starts, union.graph, union.attribute
        where = union.join(where, "where")
        roots = None if roots is None else union.number(roots, "roots")
        if attribute is not None:
            values = np.ma.MaskedArray(attribute.array, _or_nomask(attribute.missing))
    if given is None:
        graph = as_graph(graph)
        values = np.zeros(graph.num_nodes, np.bool_)
    question = ask("neighborhoods", graph, values, hops, where=where, **fields)
    named = question.attribute if starts is None or attribute is None else attribute
    known = replace(_with_nan(question.attribute), restore=_of_any_length(named))
    count = question.graph.num_nodes
    chosen = None if roots is None else node_roots(roots, count)
    lanes = neighborhoods.Lanes(count, count if chosen is None else chosen.size, scratch)
    return BallExtractor(question, known, given is not None, chosen, layout, lanes, starts)


def _or_nomask(missing: NDArray[np.bool_] | None) -> Any:
    return np.ma.nomask if missing is None else missing


def _of_any_length(attribute: Attribute) -> Callable[[NDArray[Any]], Any]:
    """Return the way back to the user's kind of array for arrays that are not one per node."""
    answer = attribute.restore(np.zeros(attribute.array.shape, np.bool_))
    if not is_tensor(answer):
        return lambda array: array
    return read_attribute(answer[:0]).restore


def node_roots(roots: Any, num_nodes: int) -> NDArray[np.int64]:
    """Return node indices that are in range, each once."""
    array = np.atleast_1d(to_numpy(unmasked(roots, "roots")))
    if array.dtype == bool:
        raise TypeError("`roots` must hold node indices, got a mask; pass np.flatnonzero(mask)")
    chosen = node_indices(array, "roots").astype(np.int64)
    bad = chosen[(chosen < 0) | (chosen >= num_nodes)]
    if bad.size:
        raise ValueError(
            f"`roots` must hold node indices from 0 to {num_nodes - 1}, got {bad[0]} "
            f"({bad.size} out of range)"
        )
    ordered = np.sort(chosen)
    repeated = ordered[1:][ordered[1:] == ordered[:-1]]
    if repeated.size:
        raise ValueError(
            f"`roots` must hold each node once, got {repeated[0]} more than once; "
            "pass np.unique(roots)"
        )
    return chosen


def _with_nan(attribute: Attribute) -> Attribute:
    """Write missing values as NaN, so that an array without a mask holds them."""
    array, missing = attribute.array, attribute.missing
    if missing is None or not missing.any():
        return replace(attribute, missing=None)
    if array.dtype.kind in "biu":
        floats = array.astype(np.float64)
        present = ~missing
        if (order_key(array).key != order_key(floats.astype(array.dtype)).key)[present].any():
            raise ValueError(
                f"`{attribute.name}` must be exact in float64 where nodes lack it, got an integer "
                "beyond 2**53; fill the missing ones in"
            )
        array = floats
    filled = array.copy()
    filled[missing] = np.array("NaT" if array.dtype.kind in "mM" else np.nan).astype(array.dtype)
    return replace(attribute, array=filled, missing=None)
