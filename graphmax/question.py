"""The checked call: graph, values and rule of any public function, as plain arrays that fit."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphmax.calls import (
    CALLS,
    MarginFields,
    MaximaFields,
    MinimaFields,
    Values,
    rule_of,
)
from graphmax.checks import first_five, group_codes, is_bool, number, warn
from graphmax.convert import EdgeList
from graphmax.convert.library_graphs import is_anndata
from graphmax.graph import Adjacency, Graph
from graphmax.node_values import Nodes, complete_column, nodes_of
from graphmax.rule import FilledRule, Rule
from graphmax.ties import TIES, TieRule
from graphmax.values import Attribute, Keyed, check_sums, order_key

__all__ = [
    "CALLS",
    "MarginFields",
    "MaximaFields",
    "MinimaFields",
    "Question",
    "Values",
    "ask",
    "check_nonnegative",
    "fit_together",
    "is_array",
    "key_of",
    "max_distance_of",
    "reach_of",
    "rule_of",
]

_ARROWS = (
    "`graph` is a matrix that is not symmetric and was read as arrows: A[u, v] is a step by which "
    "u counts as a neighbor of v (who lists me). Pass direction='both' to take every entry either "
    "way, or say direction='in' or 'out'"
)


@dataclass(frozen=True)
class Question:
    """What the kernels are asked.

    `keys` is int64 (F, num_nodes), larger means more extreme; `absents` bool (F, num_nodes) or
    (0, 0) marks nodes that take no part. `reach` is float64 or int64 (num_nodes,) where each node
    has a reach of its own; the rule then holds the largest. `groups` int64 (num_nodes,) numbers
    the groups that are asked on their own, `group_labels` holds the user's words for them. `nodes`
    is the graph, or the edges that it is built of when somebody asks for it.
    """

    nodes: Nodes
    attribute: Attribute
    rule: FilledRule
    keys: NDArray[np.int64]
    absents: NDArray[np.bool_]
    groups: NDArray[np.int64] | None = None
    reach: NDArray[Any] | None = None
    group_labels: NDArray[Any] | None = None

    @property
    def graph(self) -> Graph:
        """The graph; built now where the caller handed in edges."""
        return self.nodes if isinstance(self.nodes, Graph) else self.nodes.graph

    @property
    def edges(self) -> EdgeList | None:
        """Edges from which one hop is answered without rows, None for other questions."""
        cut = self.is_blocking and not self.rule.isolated
        return None if self.rule.reach != 1 or cut else self._unbuilt

    @property
    def raw_edges(self) -> EdgeList | None:
        """Edges from which hops, however many, can be answered without rows, else None."""
        return None if self.is_blocking or self.rule.reach is None else self._unbuilt

    @property
    def _unbuilt(self) -> EdgeList | None:
        """Edges that nobody has built rows of, where one reach and no plateau is asked for."""
        rows = self.reach is not None or self.ties.by_plateau or self.groups is not None
        return None if rows or isinstance(self.nodes, Graph) else self.nodes

    @property
    def ties(self) -> TieRule:
        """The record of the tie rule."""
        return TIES[self.rule.ties]

    @cached_property
    def rows(self) -> Adjacency:
        """Rows of the steps that count."""
        return self._counted(self.rule.direction)

    @cached_property
    def reversed_rows(self) -> Adjacency:
        """Rows of the same steps walked backwards."""
        back = {"in": "out", "out": "in", "both": "both"}
        return self._counted(back[self.rule.direction])

    def _counted(self, direction: str) -> Adjacency:
        rows = self.graph.adjacency(direction)
        if self.groups is not None:
            rows = rows.within(self.groups)
        return rows.without(self.absents[0]) if self.is_blocking else rows

    @property
    def is_blocking(self) -> bool:
        """Whether nodes that take no part stand in the way."""
        return self.rule.absent == "block" and len(self.absents) > 0

    @property
    def is_symmetric(self) -> bool:
        """Whether every counted step can be walked back."""
        return not self.graph.directed or self.rule.direction == "both"

    @property
    def lengths(self) -> NDArray[np.float64]:
        """Weights of the counted steps."""
        weights = self.rows.weights
        if weights is None:
            raise ValueError(
                "`radius` and `weighted` must be used with edge weights, got a graph without; "
                "give hops instead, or a graph with weights"
            )
        return weights

    def absent(self, column: int) -> NDArray[np.bool_]:
        """Return the nodes of a column that take no part; an empty array if all do."""
        return self.absents[column] if len(self.absents) else np.zeros(0, np.bool_)

    def parts(self) -> Iterator["Question"]:
        """Yield questions whose columns all have the same rows: itself, or one per column."""
        if not self.is_blocking or (self.absents == self.absents[0]).all():
            yield self
            return
        for column in range(len(self.keys)):
            part = slice(column, column + 1)
            yield replace(self, keys=self.keys[part], absents=self.absents[part])

    def in_shape(self, answer: NDArray[Any]) -> NDArray[Any]:
        """Bring an answer of shape (F, num_nodes) into the shape of the values."""
        return answer[0] if self.attribute.array.ndim == 1 else np.ascontiguousarray(answer.T)


class Fitted(NamedTuple):
    """A graph, or the edges it is built of, and what is known of each of its nodes."""

    nodes: Nodes
    attribute: Attribute
    inside: NDArray[np.bool_] | None
    groups: NDArray[Any] | None


def fit_together(
    graph: Any, values: Any, where: Any = None, groups: Any = None, name: str = "values"
) -> Fitted:
    """Check that values, mask and groups have one entry per node of the graph."""
    nodes, attribute = nodes_of(graph, values, name)
    inside = None if where is None else _where(where, nodes)
    codes = None if groups is None else complete_column(nodes, groups, "groups", any_kind=True)
    return Fitted(nodes, attribute, inside, codes)


def ask(
    call: str,
    graph: Any,
    values: Any,
    hops: Any = None,
    rule: Rule | None = None,
    *,
    where: Any = None,
    groups: Any = None,
    name: str = "values",
    **given: Any,
) -> Question:
    """Check that everything a caller wrote fits together and lay it out for the kernels.

    Parameters
    ----------
    call : str
        Name of the public function, a key of `CALLS`.
    graph, values, hops, rule, where, groups
        As the public function takes them.
    name : str
        How errors call the values.
    **given
        Fields of the rule by keyword, None where unsaid.

    Returns
    -------
    Question
        The question.

    Raises
    ------
    TypeError, ValueError
        If something is of another kind, does not fit, or is not taken by the call.
    """
    record = CALLS[call]
    for key, value in (("where", where), ("groups", groups)):
        if value is not None and not getattr(record, key):
            raise TypeError(f"`{key}` must not be given to {call}; {record.way_out[key]}")
    own_reach = {}
    if record.arrays:
        own_reach = {
            key: value
            for key, value in (("hops", hops), ("radius", given.get("radius")))
            if is_array(value)
        }
        hops = None if "hops" in own_reach else hops
        given |= dict.fromkeys(own_reach.keys() & {"radius"})
        if own_reach and (rule is not None or hops is not None or len(own_reach) > 1):
            raise ValueError(
                "`hops` and `radius` must not be given together, nor beside a rule, got both; "
                "leave one out"
            )
    fitted = fit_together(graph, values, where, groups, name)
    nodes, attribute, inside, _ = fitted
    reach = None
    for key, value in own_reach.items():
        reach = reach_of(nodes, value, key)
        largest = reach.max(initial=1)
        given |= {"radius": float(largest)} if key == "radius" else {}
        hops = int(largest) if key == "hops" else hops
    chosen = rule_of(call, hops, rule, **given)
    if attribute.array.ndim == 2 and not record.columns:
        raise ValueError(
            f"`{name}` must have shape (num_nodes,) for {call}, got {attribute.array.shape}; "
            f"{record.way_out['columns']}"
        )
    keyed = key_of(attribute, chosen, nodes, inside)
    keys = np.ascontiguousarray(np.atleast_2d(keyed.key.T))
    absents = np.zeros((0, 0), np.bool_)
    if keyed.absent is not None:
        absents = np.ascontiguousarray(np.broadcast_to(keyed.absent.T, keys.shape))
    codes = None if fitted.groups is None else group_codes(fitted.groups, len(keys[0]))
    question = Question(nodes, attribute, chosen, keys, absents, codes, reach, fitted.groups)
    _check_lengths(question)
    is_unsaid = given.get("direction") is None and (rule is None or rule.direction is None)
    if record.direction == "all" and is_unsaid and not isinstance(hops, Rule):
        _warn_of_arrows(graph, question)
    if record.direction == "undirected" and not question.is_symmetric:
        raise ValueError(
            f"`graph` must be undirected for {call}, got a directed graph with "
            f"direction={chosen.direction!r}; pass direction='both' to drop the arrows"
        )
    return question


def _warn_of_arrows(obj: Any, question: Question) -> None:
    """Say that a matrix was read as arrows, where it was and nobody chose a direction."""
    nodes = question.nodes
    if isinstance(nodes, EdgeList):
        if nodes.is_matrix and not nodes.is_symmetric:
            warn(_ARROWS)
    elif nodes.directed and is_anndata(obj):
        warn(_ARROWS)


def _check_lengths(question: Question) -> None:
    radius = question.rule.radius
    if radius is None:
        return
    if question.graph.weights is None:
        raise ValueError(
            f"`radius` must be used with edge weights, got radius={radius:g} and a graph without; "
            "give hops instead, or a graph with weights"
        )
    check_nonnegative(question.graph)


def check_nonnegative(graph: Graph) -> None:
    """Refuse negative weights where they are to be added up as lengths."""
    if graph.weights is not None and graph.has_negative_weights:
        first = int((graph.weights < 0).argmax())
        raise ValueError(
            "`graph` must have weights of at least 0 where they are lengths (radius, weighted), "
            f"got {graph.weights[first]:g} ({int((graph.weights < 0).sum())} negative entries); "
            "count hops instead, or make lengths of the weights"
        )
    if graph.weights is not None:
        check_sums(graph.weights)


def is_array(value: Any) -> bool:
    """Tell whether a reach is one number per node rather than one for all."""
    if value is None or isinstance(value, str | Rule) or is_bool(value):
        return False
    return hasattr(value, "__len__") and getattr(value, "ndim", 1) != 0


def reach_of(nodes: Nodes, given: Any, name: str) -> NDArray[Any]:
    """Return one reach per node, every one of them positive."""
    array = complete_column(nodes, given, name)
    if name == "hops" and array.dtype.kind not in "iu":
        raise TypeError(f"`hops` must hold integers of at least 1, got dtype {array.dtype}")
    if array.dtype.kind not in "iuf":
        raise TypeError(f"`{name}` must hold numbers above 0, got dtype {array.dtype}")
    bad = ~(array >= 1) if name == "hops" else ~(array > 0)
    if bad.any():
        first = int(bad.argmax())
        bound = "at least 1" if name == "hops" else "above 0"
        raise ValueError(f"`{name}` must be {bound} for every node, got {array[first]} at {first}")
    if name == "hops":
        if array.dtype == np.uint64:  # beyond every ball is beyond every ball
            array = np.minimum(array, np.uint64(np.iinfo(np.int64).max))
        array = array.astype(np.int64)
    else:
        array = array.astype(np.float64)
    return array


def key_of(
    attribute: Attribute, rule: Rule, nodes: Nodes, inside: NDArray[np.bool_] | None
) -> Keyed:
    """Return key and absentees of an attribute under a rule, refusing NaN where it says so."""
    key, absent = order_key(attribute.array)
    if attribute.missing is not None:
        absent = attribute.missing if absent is None else absent | attribute.missing
    if absent is not None and rule.nan == "raise":
        _refuse_absent(attribute, absent, nodes, inside)
    if inside is not None:
        outside = ~inside if key.ndim == 1 else np.broadcast_to(~inside[:, None], key.shape)
        absent = outside if absent is None else absent | outside
    return Keyed(~key if rule.extremum == "min" else key, absent)


def _refuse_absent(
    attribute: Attribute, absent: NDArray[np.bool_], nodes: Nodes, inside: NDArray[np.bool_] | None
) -> None:
    grid = absent.reshape(len(absent), -1)
    if inside is not None:
        grid = grid & inside[:, None]
    found, columns = np.nonzero(grid)
    if not found.size:
        return
    way_out = "; fill them in, or pass nan='omit' to leave those nodes out"
    if attribute.missing is not None and attribute.missing.reshape(grid.shape)[found].any():
        lacking = np.unique(found)
        raise ValueError(
            f"`{attribute.name}` must be known for every node, got {lacking.size} without it "
            f"(first five: {first_five(nodes.label_of(lacking[:5]).tolist())}){way_out}"
        )
    place = f"node {found[0]}" + _named(nodes, int(found[0]))
    place += f", column {columns[0]}" if absent.ndim == 2 else ""
    raise ValueError(
        f"`{attribute.name}` must not be NaN, got {found.size} NaN (first: {place}){way_out}"
    )


def _named(nodes: Nodes, node: int) -> str:
    return "" if nodes.labels is None else f" ({nodes.labels[node]})"


def _where(where: Any, nodes: Nodes) -> NDArray[np.bool_]:
    array = complete_column(nodes, where, "where")
    if array.dtype != bool:
        raise TypeError(f"`where` must be bool, got dtype {array.dtype}; pass a mask of nodes")
    return array


def max_distance_of(value: Any) -> float:
    """Return a largest distance, inf for none."""
    return np.inf if value is None else number(value, "max_distance", above=0)
