"""The checked call: graph, values and rule of any public function, as plain arrays that fit.

`CALLS` says which call takes which field and with what default; every refusal comes from it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any, Literal, NamedTuple, TypedDict

import numpy as np
from numpy.typing import NDArray

from graphmax.checks import either, first_five, is_bool, near_names, number
from graphmax.convert import resolve
from graphmax.graph import Adjacency, Graph
from graphmax.rule import (
    DEFAULTS,
    Absent,
    Direction,
    Extremum,
    FilledRule,
    Nan,
    Rule,
    Ties,
)
from graphmax.ties import TIES, TieRule
from graphmax.values import Attribute, Keyed, order_key, read_attribute

# What has no kind of its own is answered in NumPy.
Values = NDArray[Any] | Sequence[Any] | Mapping[Any, Any]
_FIELDS = tuple(each.name for each in fields(Rule))
_ALL_TIES: tuple[Ties, ...] = ("strict", "weak", "plateau", "index")
_LOCAL_TIES: tuple[Ties, ...] = ("strict", "weak", "index")


class GraphFields(TypedDict, total=False):
    """What all calls about a graph take by keyword, for signatures."""

    rule: Rule | None
    where: Any
    groups: Any
    direction: Direction | None
    nan: Nan | None
    absent: Absent | None


class MarginFields(GraphFields, total=False):
    """What `margin` and `rivals` take by keyword."""

    radius: Any
    extremum: Extremum | None


class MinimaFields(GraphFields, total=False):
    """What `local_minima` takes by keyword."""

    radius: Any
    ties: Ties | None
    isolated: bool | None


class MaximaFields(MinimaFields, total=False):
    """What `local_maxima` takes by keyword."""

    extremum: Extremum | None


@dataclass(frozen=True)
class Call:
    """What a public function takes of a question.

    Parameters
    ----------
    hops, radius, arrays : bool
        Whether it takes a reach in hops or in weights, and one reach per node.
    ties : tuple of str
        Tie rules that it takes, its default first; empty for none.
    direction : {"all", "undirected", "none"}
        Whether arrows are followed, must be dropped, or play no part.
    isolated, extremum : bool
        Whether it takes the field.
    nan, absent : tuple of str
        Choices that it takes, its default first; empty for none.
    where, groups, columns : bool
        Whether it takes the mask, the groups, and values of shape (num_nodes, F).
    fixed : mapping of str to str
        Fields that the name of the call says already, whatever a whole rule says.
    way_out : mapping of str to str
        What to do instead of giving a field, or a word of a field, that it does not take.
    """

    hops: bool = True
    radius: bool = True
    arrays: bool = False
    ties: tuple[Ties, ...] = _ALL_TIES
    direction: Literal["all", "undirected", "none"] = "all"
    isolated: bool = True
    extremum: bool = True
    nan: tuple[str, ...] = ("raise", "omit")
    absent: tuple[str, ...] = ("pass", "block")
    where: bool = True
    groups: bool = True
    columns: bool = True
    fixed: Mapping[str, Any] = field(default_factory=dict)
    way_out: Mapping[str, str] = field(default_factory=dict)

    def words(self, name: str) -> tuple[Any, ...] | None:
        """Return the values of a field that are taken; None: any, empty: the field is refused."""
        if name in ("ties", "nan", "absent"):
            choices: tuple[Any, ...] = getattr(self, name)
            return choices
        if name == "direction":
            return () if self.direction == "none" else None
        return None if getattr(self, name) else ()

    @property
    def defaults(self) -> dict[str, Any]:
        """Defaults that differ from the usual ones."""
        first = {name: self.words(name) for name in ("ties", "nan", "absent")}
        return {name: words[0] for name, words in first.items() if words}


_COMPARE = "compare isolation(...).distance with the reach you have in mind"
_ALONE = "a node without neighbors has the answer inf"
_SIGN = "margin > 0 is the strict rule, margin >= 0 the weak one"
_WALK = "a basin is walked in single steps"
_FLAT_TOP = "with 'plateau' a flat top is one peak, local_maxima takes the others"
_SINGLE = "pass one column"
_BEYOND_BALL = "a plateau can reach beyond any ball; take the labels from local_maxima"

CALLS: Mapping[str, Call] = {
    "local_maxima": Call(arrays=True),
    "local_minima": Call(
        arrays=True,
        extremum=False,
        fixed={"extremum": "min"},
        way_out={"extremum": "local_minima says it already; use local_maxima for the other side"},
    ),
    "explain": Call(arrays=True, columns=False, way_out={"columns": _SINGLE}),
    "isolation": Call(
        hops=False,
        radius=False,
        isolated=False,
        way_out={
            "hops": _COMPARE,
            "radius": f"pass weighted=True and {_COMPARE}",
            "isolated": _ALONE,
        },
    ),
    "margin": Call(ties=(), isolated=False, way_out={"ties": _SIGN, "isolated": _ALONE}),
    "rivals": Call(
        ties=(),
        isolated=False,
        way_out={"ties": "a rival is the highest other node", "isolated": "its rival is -1"},
    ),
    "find_peaks": Call(
        ties=("plateau", "strict"),
        direction="undirected",
        nan=("omit", "raise"),
        absent=("block",),
        columns=False,
        way_out={
            "ties": _FLAT_TOP,
            "absent": "saddles and basins are those of the nodes that are there; fill NaN in",
            "columns": _SINGLE,
        },
    ),
    "basins": Call(
        hops=False,
        radius=False,
        ties=(),
        direction="undirected",
        isolated=False,
        nan=("omit", "raise"),
        absent=("block",),
        columns=False,
        way_out={
            "hops": _WALK,
            "radius": _WALK,
            "ties": "each plateau walks as one node",
            "isolated": "a node without neighbors is its own basin",
            "absent": "basins are those of the nodes that are there; fill NaN in",
            "columns": _SINGLE,
        },
    ),
    "non_maximum_suppression": Call(
        radius=False,
        ties=(),
        direction="undirected",
        isolated=False,
        extremum=False,
        nan=("omit", "raise"),
        absent=("block",),
        columns=False,
        way_out={
            "radius": "pass hops",
            "ties": "of equal scores the lower index goes first",
            "isolated": "a node without neighbors suppresses nobody and is kept",
            "extremum": "the highest score goes first; negate the scores",
            "absent": "nodes that are left out suppress nobody; fill NaN in",
            "columns": _SINGLE,
        },
    ),
    "edge_maxima": Call(
        radius=False,
        ties=("strict", "weak"),
        direction="none",
        isolated=False,
        extremum=False,
        nan=(),
        absent=(),
        where=False,
        columns=False,
        way_out={
            "radius": "the balls of an edge are counted in hops",
            "ties": "edges of equal weight have no plateau and no index; take 'weak'",
            "direction": "the balls ignore arrows",
            "isolated": "an edge has two ends",
            "extremum": "negate the weights",
            "nan": "fill NaN in, or build the graph without those edges",
            "absent": "take graph.subgraph(mask)",
            "where": "take graph.subgraph(mask)",
        },
    ),
    "neighborhoods": Call(
        ties=_LOCAL_TIES,
        absent=("pass",),
        groups=False,
        columns=True,
        way_out={
            "ties": _BEYOND_BALL,
            "absent": "take graph.subgraph(mask)",
            "groups": "take graph.split(groups)",
        },
    ),
    "center_is_maximum": Call(
        radius=False,
        ties=("strict", "weak"),
        direction="none",
        extremum=False,
        nan=(),
        absent=(),
        where=False,
        groups=False,
        way_out={
            "radius": "a matrix has no lengths; give hops",
            "ties": "neighborhoods(...).labels() knows the indices that 'index' needs",
            "direction": "arrows are ignored",
            "extremum": "negate the values",
            "nan": "fill NaN in, or take the labels of neighborhoods under nan='omit'",
            "absent": "leave the row out of `mask`",
            "where": "pass `mask`",
            "groups": "cut the matrix",
        },
    ),
    "local_maxima_tables": Call(
        radius=False,
        ties=_LOCAL_TIES,
        absent=("pass",),
        where=False,
        groups=False,
        columns=False,
        way_out={
            "radius": "distances in weights need shortest paths, and tables count hops; use "
            "graphmax.local_maxima, or give hops",
            "ties": "a plateau can be of any size and no fixed number of hops crosses it; use "
            "graphmax.local_maxima on the graph in memory",
            "absent": "leave those rows out of the tables",
            "where": "set the values of the others to NULL and pass nan='omit'",
            "groups": "leave the edges between groups out of the table",
            "columns": "name one column",
        },
    ),
    "PeakDetector": Call(
        radius=False,
        ties=("strict", "weak"),
        nan=("raise",),
        absent=("pass",),
        where=False,
        groups=False,
        columns=False,
        way_out={
            "radius": "give hops instead",
            "ties": "a network that treats equal nodes alike cannot tell more",
            "nan": "drop or fill such nodes",
            "absent": "drop such nodes",
            "where": "drop those nodes",
            "groups": "take graph.split(groups)",
        },
    ),
    "pixels": Call(
        hops=False,
        radius=False,
        direction="none",
        isolated=False,
        absent=("pass",),
        groups=False,
        columns=False,
        way_out={
            "hops": "pass the size of the window",
            "radius": "pass the size of the window",
            "direction": "pixels have no arrows",
            "isolated": "pixels have neighbors",
            "absent": "a window is what it is; take grid_graph(image.shape) and local_maxima",
            "groups": "take grid_graph(image.shape) and local_maxima",
        },
    ),
}


def rule_of(call: str, hops: Any = None, rule: Rule | None = None, **given: Any) -> FilledRule:
    """Make the rule of a call from what its caller wrote, every field filled in.

    Parameters
    ----------
    call : str
        Name of the public function, a key of `CALLS`.
    hops : int, Rule or None
        Its positional argument; a `Rule` in its place is the rule.
    rule : Rule, optional
        A whole rule; then no field may be given beside it.
    **given
        Fields by keyword, None where unsaid.

    Returns
    -------
    Rule
        The rule.

    Raises
    ------
    TypeError
        If a field is unknown or not taken, or stands beside a rule.
    ValueError
        If a field has a value that is none, or that this call does not take.
    """
    if isinstance(hops, Rule):
        if rule is not None:
            raise TypeError("`hops` must not be a Rule beside `rule`; give one of them")
        hops, rule = None, hops
    said = {name: value for name, value in given.items() if value is not None}
    for name in said:
        _check_taken(call, name)
    if hops is not None:
        _check_taken(call, "hops")
    made = Rule(hops=hops, **said) if rule is None else _whole_rule(call, rule, hops, said)
    made = _words_taken(call, made, is_whole=rule is not None)
    record = CALLS[call]
    filled = replace(made.filled(**record.defaults), **record.fixed)
    return filled if record.hops else replace(filled, hops=None)


def _check_taken(call: str, name: str) -> None:
    if name not in _FIELDS:
        known = [known for known in _FIELDS if CALLS[call].words(known) != ()]
        raise TypeError(
            f"`{name}` must be a field of Rule to be given to {call}; " + near_names(name, known)
        )
    if CALLS[call].words(name) == ():
        raise TypeError(f"`{name}` must not be given to {call}; {CALLS[call].way_out[name]}")


def _whole_rule(call: str, rule: Any, hops: Any, said: Mapping[str, Any]) -> Rule:
    if not isinstance(rule, Rule):
        raise TypeError(f"`rule` must be a Rule, got {type(rule).__name__}")
    beside = ", ".join((["hops"] if hops is not None else []) + list(said))
    if beside:
        raise TypeError(
            f"`rule` must not be given beside {beside} to {call}; "
            "use dataclasses.replace(rule, ...)"
        )
    return rule


def _words_taken(call: str, rule: Rule, *, is_whole: bool) -> Rule:
    """Refuse what the call does not take; in a whole rule the usual default counts as unsaid."""
    record = CALLS[call]
    for name, value in rule.said.items():
        words = record.words(name)
        if words is None or value in words or name in record.fixed:
            continue
        if is_whole and (value == DEFAULTS.get(name) or (name == "hops" and value == 1)):
            rule = replace(rule, **{name: None})
            continue
        way_out = record.way_out[name]
        if not words:
            raise ValueError(f"`rule` must not set `{name}` for {call}; {way_out}")
        raise ValueError(f"`{name}` must be {either(words)} for {call}, got {value!r}; {way_out}")
    return rule


@dataclass(frozen=True)
class Question:
    """What the kernels are asked.

    `keys` is int64 (F, num_nodes), larger means more extreme; `absents` bool (F, num_nodes) or
    (0, 0) marks nodes that take no part. `reach` is float64 or int64 (num_nodes,) where each node
    has a reach of its own; the rule then holds the largest. `groups` int64 (num_nodes,) numbers
    the groups that are asked on their own.
    """

    graph: Graph
    attribute: Attribute
    rule: FilledRule
    keys: NDArray[np.int64]
    absents: NDArray[np.bool_]
    groups: NDArray[np.int64] | None = None
    reach: NDArray[Any] | None = None

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
    """A graph, and what is known of each of its nodes."""

    graph: Graph
    attribute: Attribute
    inside: NDArray[np.bool_] | None
    groups: NDArray[Any] | None


def fit_together(
    graph: Any, values: Any, where: Any = None, groups: Any = None, name: str = "values"
) -> Fitted:
    """Check that values, mask and groups have one entry per node of the graph."""
    resolved, attribute = resolve(graph, values, name)
    inside = None if where is None else _where(where, resolved)
    return Fitted(
        resolved, attribute, inside, None if groups is None else _groups(groups, resolved)
    )


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
    own_reach = {}
    if record.arrays:
        own_reach = {
            key: value
            for key, value in (("hops", hops), ("radius", given.get("radius")))
            if _is_array(value)
        }
        hops = None if "hops" in own_reach else hops
        given |= dict.fromkeys(own_reach.keys() & {"radius"})
        if own_reach and (rule is not None or hops is not None or len(own_reach) > 1):
            raise ValueError(
                "`hops` and `radius` must not be given together, nor beside a rule, got both; "
                "leave one out"
            )
    fitted = fit_together(graph, values, where, groups, name)
    resolved, attribute, inside, _ = fitted
    reach = None
    for key, value in own_reach.items():
        reach = _reach_of(resolved, value, key)
        largest = reach.max(initial=1)
        given |= {"radius": float(largest)} if key == "radius" else {}
        hops = int(largest) if key == "hops" else hops
    chosen = rule_of(call, hops, rule, **given)
    if attribute.array.ndim == 2 and not record.columns:
        raise ValueError(
            f"`{name}` must have shape (num_nodes,) for {call}, got {attribute.array.shape}; "
            f"{record.way_out['columns']}"
        )
    _check_lengths(resolved, chosen)
    keyed = key_of(attribute, chosen, resolved, inside)
    keys = np.ascontiguousarray(np.atleast_2d(keyed.key.T))
    absents = np.zeros((0, 0), np.bool_)
    if keyed.absent is not None:
        absents = np.ascontiguousarray(np.broadcast_to(keyed.absent.T, keys.shape))
    codes = None if fitted.groups is None else _codes(fitted.groups)
    question = Question(resolved, attribute, chosen, keys, absents, codes, reach)
    if record.direction == "undirected" and not question.is_symmetric:
        raise ValueError(
            f"`graph` must be undirected for {call}, got a directed graph with "
            f"direction={chosen.direction!r}; pass direction='both' to drop the arrows"
        )
    return question


def _check_lengths(graph: Graph, rule: Rule) -> None:
    if rule.radius is None:
        return
    if graph.weights is None:
        raise ValueError(
            f"`radius` must be used with edge weights, got radius={rule.radius:g} and a graph "
            "without; give hops instead, or a graph with weights"
        )
    check_nonnegative(graph)


def check_nonnegative(graph: Graph) -> None:
    """Refuse negative weights where they are to be added up as lengths."""
    if graph.weights is not None and graph.has_negative_weights:
        first = int((graph.weights < 0).argmax())
        raise ValueError(
            "`graph` must have weights of at least 0 where they are lengths (radius, weighted), "
            f"got {graph.weights[first]:g} ({int((graph.weights < 0).sum())} negative entries); "
            "count hops instead, or make lengths of the weights"
        )


def _is_array(value: Any) -> bool:
    """Tell whether a reach is one number per node rather than one for all."""
    if value is None or isinstance(value, str | Rule) or is_bool(value):
        return False
    return hasattr(value, "__len__") and getattr(value, "ndim", 1) != 0


def _reach_of(graph: Graph, given: Any, name: str) -> NDArray[Any]:
    """Return one reach per node, every one of them positive."""
    array = _complete(graph, given, name)
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
        array = np.minimum(array, np.iinfo(np.int64).max).astype(np.int64)
    else:
        array = array.astype(np.float64)
    return array


def _complete(graph: Graph, given: Any, name: str) -> NDArray[Any]:
    """Return a column that every node must have an entry in."""
    attribute = read_attribute(given, name)
    if attribute.array.shape != (graph.num_nodes,):
        raise ValueError(
            f"`{name}` must have one entry per node ({graph.num_nodes},), got "
            f"{attribute.array.shape}"
        )
    if attribute.missing is not None:
        nodes = np.flatnonzero(attribute.missing)
        raise ValueError(
            f"`{name}` must be known for every node, got {nodes.size} without it "
            f"(first five: {first_five(graph.label_of(nodes[:5]).tolist())})"
        )
    return attribute.array


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
        raise ValueError(
            f"`{attribute.name}` must be known for every node, got {lacking.size} without it "
            f"(first five: {first_five(graph.label_of(lacking[:5]).tolist())}){way_out}"
        )
    place = f"node {nodes[0]}" + _named(graph, int(nodes[0]))
    place += f", column {columns[0]}" if absent.ndim == 2 else ""
    raise ValueError(
        f"`{attribute.name}` must not be NaN, got {nodes.size} NaN (first: {place}){way_out}"
    )


def _named(graph: Graph, node: int) -> str:
    return "" if graph.labels is None else f" ({graph.labels[node]})"


def _where(where: Any, graph: Graph) -> NDArray[np.bool_]:
    array = read_attribute(where, "where").array
    if array.dtype != bool:
        raise TypeError(f"`where` must be bool, got dtype {array.dtype}; pass a mask of nodes")
    return _complete(graph, where, "where")


def _groups(groups: Any, graph: Graph) -> NDArray[Any]:
    array = np.asarray(groups)
    if array.shape != (graph.num_nodes,):
        raise ValueError(
            f"`groups` must have one entry per node ({graph.num_nodes},), got {array.shape}"
        )
    return array


def _codes(groups: NDArray[Any]) -> NDArray[np.int64]:
    """Return groups of any kind that can be compared for equality as numbers."""
    return np.unique(groups, return_inverse=True)[1].astype(np.int64)


def max_distance_of(value: Any) -> float:
    """Return a largest distance, inf for none."""
    return np.inf if value is None else number(value, "max_distance", above=0)
