"""A question well put: a graph, an attribute and a rule that fit together, as plain arrays."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.checks import near_names
from graphmax.convert import resolve
from graphmax.graph import Adjacency, Graph
from graphmax.rule import Rule
from graphmax.values import Attribute, Keyed, order_key, read_attribute

_FIELDS = tuple(field.name for field in fields(Rule))


@dataclass(frozen=True)
class Question:
    """What the kernels are asked.

    `keys` is int64 (F, num_nodes), larger means more extreme; `absents` bool (F, num_nodes) or
    (0, 0) marks nodes that take no part.
    """

    graph: Graph
    attribute: Attribute
    rule: Rule
    keys: NDArray[np.int64]
    absents: NDArray[np.bool_]

    @property
    def rows(self) -> Adjacency:
        """Rows of the steps that the rule counts."""
        return self.graph.adjacency(self.rule.direction)

    @property
    def reversed_rows(self) -> Adjacency:
        """Rows of the same steps walked backwards."""
        back = {"in": "out", "out": "in", "both": "both"}
        return self.graph.adjacency(back[self.rule.direction])

    @property
    def symmetric(self) -> bool:
        """Whether every counted step can be walked back."""
        return not self.graph.directed or self.rule.direction == "both"

    @property
    def lengths(self) -> NDArray[np.float64]:
        """Weights of the counted steps; a rule with a radius has them."""
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

    def in_shape(self, answer: NDArray[Any]) -> NDArray[Any]:
        """Bring an answer of shape (F, num_nodes) into the shape of the values."""
        return answer[0] if self.attribute.array.ndim == 1 else np.ascontiguousarray(answer.T)


def rule_for(
    call: str, hops: Any, rule: Rule | None, given: Mapping[str, Any], refused: Mapping[str, str]
) -> Rule:
    """Make the rule of a call from what its caller wrote.

    Parameters
    ----------
    call : str
        Name of the public function.
    hops : int or None
        Its positional argument.
    rule : Rule or None
        A ready rule; then nothing else may be given.
    given : mapping
        Rule fields given by keyword.
    refused : mapping of str to str
        Fields that this call does not take, each with the way out.

    Returns
    -------
    Rule
        The rule.

    Raises
    ------
    TypeError
        If a field is unknown or not taken, or stands beside a rule.
    ValueError
        If the rule holds a field that this call does not take, or a field has a bad value.
    """
    for name in given:
        if name in refused:
            raise TypeError(f"`{name}` must not be given to {call}; {refused[name]}")
        if name not in _FIELDS:
            raise TypeError(
                f"`{name}` must be a field of Rule to be given to {call}; "
                + near_names(name, list(_FIELDS))
            )
    if rule is None:
        return Rule(hops=hops, **given)
    if not isinstance(rule, Rule):
        raise TypeError(f"`rule` must be a Rule, got {type(rule).__name__}")
    if hops is not None or given:
        beside = ", ".join((["hops"] if hops is not None else []) + list(given))
        raise TypeError(
            f"`rule` must not be given beside {beside}; use dataclasses.replace(rule, ...)"
        )
    for name, way_out in refused.items():
        if name in _FIELDS and getattr(rule, name) != getattr(Rule(), name):
            raise ValueError(f"`rule` must not set `{name}` for {call}; {way_out}")
    return rule


def ask(graph: Any, values: Any, rule: Rule, where: Any = None) -> Question:
    """Check that graph, values, rule and `where` fit together and lay them out for the kernels."""
    resolved, attribute = resolve(graph, values)
    if rule.radius is not None and resolved.weights is None:
        raise ValueError(
            f"`radius` must be used with edge weights, got radius={rule.radius:g} and a graph "
            "without; give hops instead, or a graph with weights"
        )
    inside = None if where is None else _where(where, resolved)
    keyed = key_of(attribute, rule, resolved, inside)
    keys = np.ascontiguousarray(np.atleast_2d(keyed.key.T))
    absents = np.zeros((0, 0), np.bool_)
    if keyed.absent is not None:
        absents = np.ascontiguousarray(np.broadcast_to(keyed.absent.T, keys.shape))
    return Question(resolved, attribute, rule, keys, absents)


def key_of(
    attribute: Attribute, rule: Rule, graph: Graph, inside: NDArray[np.bool_] | None
) -> Keyed:
    """Return key and absentees of an attribute under a rule, refusing NaN where it says so."""
    key, absent = order_key(attribute.array)
    if attribute.missing is not None:
        absent = attribute.missing if absent is None else absent | attribute.missing
    if absent is not None and rule.nan == "raise":
        _refuse_absent(attribute, absent, graph, inside)
    if inside is not None:
        outside = ~inside if key.ndim == 1 else np.broadcast_to(~inside[:, None], key.shape)
        absent = outside if absent is None else absent | outside
    return Keyed(~key if rule.extremum == "min" else key, absent)


def _refuse_absent(
    attribute: Attribute, absent: NDArray[np.bool_], graph: Graph, inside: NDArray[np.bool_] | None
) -> None:
    grid = absent.reshape(graph.num_nodes, -1)
    if inside is not None:
        grid = grid & inside[:, None]
    nodes, columns = np.nonzero(grid)
    if not nodes.size:
        return
    way_out = "; fill them in, or pass nan='omit' to leave those nodes out"
    if attribute.missing is not None and attribute.missing.reshape(grid.shape)[nodes].any():
        lacking = np.unique(nodes)
        first = ", ".join(str(label) for label in graph.label_of(lacking[:5]).tolist())
        raise ValueError(
            f"`{attribute.name}` must be known for every node, got {lacking.size} without it "
            f"(first five: {first}){way_out}"
        )
    where = f"node {nodes[0]}" + _named(graph, int(nodes[0]))
    where += f", column {columns[0]}" if absent.ndim == 2 else ""
    raise ValueError(
        f"`{attribute.name}` must not be NaN, got {nodes.size} NaN (first: {where}){way_out}"
    )


def _named(graph: Graph, node: int) -> str:
    return "" if graph.labels is None else f" ({graph.labels[node]})"


def _where(where: Any, graph: Graph) -> NDArray[np.bool_]:
    array = read_attribute(where, "where").array
    if array.dtype != bool:
        raise TypeError(f"`where` must be bool, got dtype {array.dtype}; pass a mask of nodes")
    if array.shape != (graph.num_nodes,):
        raise ValueError(
            f"`where` must have one entry a node ({graph.num_nodes},), got {array.shape}"
        )
    return array


def flipped(rule: Rule) -> Rule:
    """Return the same rule for minima."""
    return replace(rule, extremum="min")
