"""The balls of a checked call: how large they are, and what is in them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.checks import frozen, node_indices
from graphmax.extract.dense_layout import padded
from graphmax.extract.neighborhood_batch import NeighborhoodBatch
from graphmax.extract.sparse_layout import SparseNeighborhoods
from graphmax.graph import Graph
from graphmax.kernels import neighborhoods
from graphmax.node_values import graph_and_attribute
from graphmax.question import rule_of as checked_rule
from graphmax.rule import FilledRule, Rule
from graphmax.values import Attribute, order_key

LAYOUTS = ("sparse", "dense")
SCRATCH_BYTES = 1 << 30
_NODE_BYTES, _ENTRY_BYTES, _WEIGHT_BYTES = 48, 32, 24
_NO_WEIGHTS = frozen(np.empty(0))


@dataclass(frozen=True)
class BallExtractor:
    """A checked call: around which roots the balls are, and how they are laid out."""

    graph: Graph
    attribute: Attribute
    chosen: NDArray[np.int64] | None
    rule: FilledRule
    layout: str
    most: int
    lanes: neighborhoods.Lanes

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
    def question(self) -> tuple[Any, ...]:
        """Rows of the counted steps, and of the entries that are extracted."""
        rows, inner = self.graph.adjacency(self.rule.direction), self.graph.adjacency("in")
        sized = [part._replace(weights=_or_none(part.weights)) for part in (rows, inner)]
        return sized[0], sized[1]

    @property
    def limit(self) -> tuple[float, bool, int]:
        """Radius, whether it is in weights, and the largest number of nodes."""
        reach = self.rule.reach
        by_weight = reach is None
        return float(self.rule.radius or 0 if reach is None else reach), by_weight, self.most

    def count(self, centers: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return how many nodes each ball has, and a bound of its entries."""
        rows, inner = self.question
        counted: tuple[Any, Any] = neighborhoods.count(
            rows, inner, centers, *self.limit, self.lanes
        )
        return counted

    def bytes_of(self, found: NDArray[np.int64], room: NDArray[np.int64]) -> int:
        """Return the size of a batch of these balls, their entries taken at the bound."""
        sizes = np.minimum(found, self.most)
        taken = int(sizes.sum()) * _NODE_BYTES + int(room.sum()) * self._entry_bytes
        if self.layout == "sparse" or not sizes.size:
            return taken
        return taken + sizes.size * int(sizes.max()) ** 2 * self._cell_bytes

    def group_end(
        self, found: NDArray[np.int64], room: NDArray[np.int64], start: int, *most: int
    ) -> int:
        """Return where the batch that starts at a root must end."""
        cell = 0 if self.layout == "sparse" else self._cell_bytes
        sizes = np.minimum(found, self.most)
        return int(
            neighborhoods.group_end(sizes, room, start, _NODE_BYTES, self._entry_bytes, cell, *most)
        )

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
        sizes = np.minimum(found, self.most)
        rows, inner = self.question
        ptr, node, distance, edge_index, lengths = neighborhoods.fill(
            rows, inner, centers, *self.limit, self.lanes, sizes, room
        )
        sparse = SparseNeighborhoods(
            root=centers, degree=rows.indptr[centers + 1] - rows.indptr[centers],
            cut=found > sizes, rule=self.rule, x=self.attribute.array[node][:, None],
            edge_index=edge_index, edge_weight=lengths if inner.weights.size else None,
            batch=np.repeat(np.arange(centers.size), sizes), ptr=ptr, node=node, distance=distance,
        )  # fmt: skip
        laid_out = sparse if self.layout == "sparse" else padded(sparse)
        return laid_out._map(self.attribute.restore)


def _or_none(weights: NDArray[np.float64] | None) -> NDArray[np.float64]:
    return _NO_WEIGHTS if weights is None else weights


def ball_extractor(
    graph: Any, values: Any, roots: Any, *, rule: FilledRule, layout: str, most: int | None,
    scratch: int = SCRATCH_BYTES,
) -> BallExtractor:  # fmt: skip
    """Check a call."""
    if layout not in LAYOUTS:
        raise ValueError(f"`layout` must be 'sparse' or 'dense', got {layout!r}")
    kept = np.iinfo(np.int64).max if most is None else whole(most, "max_nodes")
    resolved, attribute = graph_and_attribute(graph, values)
    if attribute.array.ndim != 1:
        raise ValueError(
            f"`values` must have shape (num_nodes,), got {attribute.array.shape}; "
            "take one column at a time"
        )
    if rule.radius is not None and resolved.weights is None:
        raise ValueError(
            f"`radius` must be used with edge weights, got radius={rule.radius:g} and a graph "
            "without; give hops instead, or a graph with weights"
        )
    answered = known(attribute, rule, resolved)
    chosen = None if roots is None else node_roots(roots, resolved.num_nodes)
    count = resolved.num_nodes if chosen is None else chosen.size
    lanes = neighborhoods.Lanes(resolved.num_nodes, count, scratch)
    return BallExtractor(resolved, answered, chosen, rule, layout, kept, lanes)


def rule_of(hops: int | None, rule: Rule | None) -> FilledRule:
    """Make the rule of a call, refusing plateaus, which are not local."""
    return checked_rule("neighborhoods", hops, rule)


def whole(number: Any, name: str) -> int:
    """Return an integer of at least 1."""
    if isinstance(number, bool) or not isinstance(number, int | np.integer):
        raise TypeError(f"`{name}` must be an integer of at least 1, got {number!r}")
    if number < 1:
        raise ValueError(f"`{name}` must be at least 1, got {number}")
    return int(number)


def node_roots(roots: Any, num_nodes: int) -> NDArray[np.int64]:
    """Return node indices that are in range, each once."""
    array = np.atleast_1d(roots.cpu().numpy() if hasattr(roots, "untyped_storage") else roots)
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


def known(attribute: Attribute, rule: FilledRule, graph: Graph) -> Attribute:
    """Refuse nodes without a value where the rule says so; write them as NaN elsewhere."""
    array, missing = attribute.array, attribute.missing
    if missing is None and array.dtype.kind not in "fmM":
        return attribute
    absent = np.isnan(array) if array.dtype.kind in "fmM" else np.zeros(array.shape, np.bool_)
    absent = absent if missing is None else absent | missing
    if rule.nan == "raise" and absent.any():
        first = ", ".join(str(name) for name in graph.label_of(np.flatnonzero(absent)[:5]).tolist())
        raise ValueError(
            f"`{attribute.name}` must be known for every node, got {int(absent.sum())} nodes "
            f"without it or NaN (first five: {first}); fill them in, or pass a rule with nan='omit'"
        )
    return attribute if missing is None else _with_nan(attribute, missing)


def _with_nan(attribute: Attribute, missing: NDArray[np.bool_]) -> Attribute:
    array = attribute.array
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
    return Attribute(filled, attribute.name, None, attribute.restore)
