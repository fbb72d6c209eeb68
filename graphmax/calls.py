"""Which call takes which field of a question, as data; every refusal comes from here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, TypedDict

from numpy.typing import NDArray

from graphmax.checks import either, near_names
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
_MEET = "branches meet over single edges"
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
        arrays=True,
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
    "merge_tree": Call(
        hops=False,
        radius=False,
        ties=(),
        direction="undirected",
        isolated=False,
        nan=("omit", "raise"),
        absent=("block",),
        columns=False,
        way_out={
            "hops": _MEET,
            "radius": _MEET,
            "ties": "a plateau is one vertex",
            "isolated": "a node without neighbors is a tree of its own",
            "absent": "branches meet at nodes that are there; fill NaN in",
            "columns": _SINGLE,
        },
    ),
    "non_maximum_suppression": Call(
        arrays=True,
        ties=(),
        direction="undirected",
        isolated=False,
        extremum=False,
        nan=("omit", "raise"),
        absent=("block",),
        columns=False,
        way_out={
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
    # Its nodes are edges; `where` leaves out those between groups.
    "edge_peaks": Call(
        radius=False,
        ties=("plateau", "strict"),
        direction="none",
        nan=("raise",),
        absent=("block",),
        columns=False,
        way_out={
            "radius": "the balls of an edge are counted in hops",
            "ties": "with 'plateau' edges of equal weight that share ends are one peak",
            "direction": "the balls ignore arrows",
            "nan": "fill NaN in, or build the graph without those edges",
            "absent": "build the graph without those edges",
            "columns": _SINGLE,
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
