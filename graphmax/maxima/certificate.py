"""`explain`: why a node is, or is not, a local maximum, in a form that can be checked again."""

from dataclasses import dataclass, fields, replace
from itertools import pairwise
from typing import Any, Literal, Never

import numpy as np
from numpy.typing import NDArray

from graphmax.checks import integer, is_bool
from graphmax.graph import Adjacency, Graph
from graphmax.kernels.ball import ball, path_to, plateau_of
from graphmax.maxima.engine import limit_of, nearest_challengers, reach_of_plateaus
from graphmax.node_values import Nodes
from graphmax.notebook import fact_table
from graphmax.question import Question, ask, fit_together
from graphmax.rule import Absent, Direction, Extremum, FilledRule, Nan, Rule, Ties
from graphmax.ties import TIES, TieRule
from graphmax.values import Attribute, order_key

Reason = Literal["challenger", "isolated", "nan"]


@dataclass(frozen=True, eq=False)
class Certificate:
    """Why a node is, or is not, a local maximum under a rule.

    Attributes
    ----------
    node : int
        The node that was asked about.
    rule : Rule
        The rule.
    is_maximum : bool
        The answer.
    reason : {"challenger", "isolated", "nan"} or None
        Why not; None for a maximum.
    witness : int
        The nearest challenger, -1 if that is not the reason.
    path : int64 (steps + 1,)
        Nodes of a shortest path from the node to the witness; empty without one.
    plateau_steps : int
        How many of the first steps stay inside the plateau (``ties="plateau"``), else 0.
    distance : float
        Length of the rest of the path, in hops or weights; inf without a witness.
    ball_size : int
        For a maximum the number of nodes of the ball that was beaten, itself included (under
        plateau of the balls of the whole plateau together), else 0.
    rival : int
        For a maximum the highest other node of that ball, ties to the lowest index; -1 without.

    Examples
    --------
    >>> import graphmax as gm
    >>> yes = gm.explain(gm.grid_graph(3), [2, 1, 3], 2, hops=2)
    >>> yes.is_maximum, yes.ball_size, yes.rival
    (True, 3, 0)
    """

    node: int
    rule: FilledRule
    is_maximum: bool
    reason: Reason | None
    witness: int
    path: NDArray[np.int64]
    plateau_steps: int
    distance: float
    ball_size: int
    rival: int

    def _repr_html_(self) -> str:
        """Show the answer and its reason in a notebook."""
        known = self.witness >= 0
        facts = {
            "local maximum": self.is_maximum,
            "reason": self.reason,
            "witness": self.witness if known else None,
            "distance": self.distance if known else None,
            "path": " ".join(map(str, self.path.tolist())) or None,
            "nodes that were beaten": self.ball_size - 1 if self.is_maximum else None,
            "rival": self.rival if self.rival >= 0 else None,
            "rule": self.rule,
        }
        return fact_table(facts, f"Certificate of node {self.node}")

    def verify(self, graph: Any, values: Any, *, where: Any = None, groups: Any = None) -> bool:
        """Check the answer again, from the graph and the values alone.

        Parameters
        ----------
        graph : Graph or graph of another library
            The graph of the question.
        values : str, mapping or array (num_nodes,)
            The attribute of the question.
        where : bool (num_nodes,), optional
            The same mask as in the question.
        groups : (num_nodes,), optional
            The same groups as in the question.

        Returns
        -------
        bool
            True if the certificate proves its answer: for a "no" every step of the path is an
            edge, its length is within the rule, and it ends at a challenger; for a "yes" nobody
            in the ball is one, and its size and rival are as stated. A field that says something
            that is no part of the proof makes it False.

        Notes
        -----
        A "no" costs its own length (times log of the degree), a "yes" the ball, under plateau the
        balls of the whole plateau; on a `Graph`, other graphs are converted first. That the
        witness is the nearest challenger is not part of the proof.
        """
        return _Check(self, *fit_together(graph, values, where, groups)).holds()


def explain(
    graph: Any,
    values: Any,
    node: int,
    hops: Any = None,
    *,
    rule: Rule | None = None,
    where: Any = None,
    groups: Any = None,
    radius: Any = None,
    ties: Ties | None = None,
    direction: Direction | None = None,
    isolated: bool | None = None,
    nan: Nan | None = None,
    absent: Absent | None = None,
    extremum: Extremum | None = None,
    **others: Never,
) -> Certificate:
    """Say why a node is, or is not, a local maximum.

    v is a local maximum if and only if its nearest challenger is farther than the rule reaches. A
    "no" names that challenger and a shortest path to it, a "yes" the ball that was beaten.

    Parameters
    ----------
    graph : Graph or graph of another library
        PyG ``Data`` or ``edge_index``, networkx, SciPy sparse, igraph, AnnData or trimesh too;
        see `as_graph`.
    values : str, mapping or array (num_nodes,)
        The attribute, in any unit: its name, a value for every node, or the values in node order.
    node : int
        Index of the node.
    hops : int, Rule or int (num_nodes,), optional
        Radius of the ball in hops; 1 unless a `radius` is given. With an array each node has a
        reach of its own. A `Rule` in its place is the rule.
    rule : Rule, optional
        A whole rule, instead of `hops` and fields.
    where : bool (num_nodes,), optional
        Nodes outside are never a maximum and never a challenger; `absent` says whether paths run
        through them.
    groups : (num_nodes,), optional
        Labels of any kind, compared by equality: edges between different groups are not there,
        so that each group is asked on its own.
    radius : float or float (num_nodes,), optional
        Radius of the ball in edge weights, in their unit, instead of `hops`.
    ties : {"strict", "weak", "plateau", "index"}, optional
        Which nodes of equal value challenge v: all (``strict``, the default), none (``weak``),
        none, and v speaks for its whole plateau (``plateau``), those of lower index (``index``).
    direction : {"in", "out", "both"}, optional
        Which steps count on a directed graph: against the arrow (``in``, the default), along it,
        or either.
    isolated : bool, optional
        Whether a node without any neighbor is a maximum; True by default.
    nan : {"raise", "omit"}, optional
        Refuse NaN, NaT and missing values (the default), or leave such nodes out.
    absent : {"pass", "block"}, optional
        Whether paths run through nodes that are left out (``pass``, the default) or the graph
        is the subgraph induced by the others.
    extremum : {"max", "min"}, optional
        Which side; minima reverse the order of the values only.
    **others
        Nothing: a name that is no field is refused.

    Returns
    -------
    Certificate
        The answer, its reason, and what is needed to check it.

    Raises
    ------
    TypeError
        If the graph or the dtype is of no known kind, a field is not taken, `rule` stands beside
        `hops` or fields, or `node` is not an integer.
    ValueError
        If the values do not fit the graph, have columns, or hold NaN under ``nan="raise"``, a
        field is wrong, or there is no such node.

    Examples
    --------
    >>> import networkx as nx
    >>> import graphmax as gm
    >>> path, values = nx.path_graph(5), [1, 3, 2, 0, 5]
    >>> no = gm.explain(path, values, 1, hops=3)
    >>> no.is_maximum, no.reason, no.witness, no.path.tolist()
    (False, 'challenger', 4, [1, 2, 3, 4])
    >>> no.verify(path, values)
    True
    """
    question = ask(
        "explain",
        graph,
        values,
        hops,
        rule,
        where=where,
        groups=groups,
        radius=radius,
        ties=ties,
        direction=direction,
        isolated=isolated,
        nan=nan,
        absent=absent,
        extremum=extremum,
        **others,
    )
    index = integer(node, "node", 0, question.graph.num_nodes - 1)
    return _explained(_of_one_reach(question, index), index)


def _of_one_reach(question: Question, node: int) -> Question:
    """Return the question in which the reach of one node is that of the rule."""
    if question.reach is None:
        return question
    own = reach_of_plateaus(question, question.reach)[0, node].item()
    rule = question.rule
    rule = replace(rule, hops=int(own)) if rule.radius is None else replace(rule, radius=own)
    return replace(question, rule=rule, reach=None)


def _explained(question: Question, node: int) -> Certificate:
    rule, rows = question.rule, question.rows
    if len(question.absents) and question.absents[0, node]:
        return _no(question, node, "nan")
    distance, witness = _nearest(question, node)
    if witness >= 0:
        path, plateau_steps = _path(question, node, witness)
        return replace(
            _no(question, node, "challenger"),
            witness=witness,
            path=path,
            plateau_steps=plateau_steps,
            distance=distance,
        )
    if not rule.isolated and rows.indptr[node] == rows.indptr[node + 1]:
        return _no(question, node, "isolated")
    size, rival = _beaten_ball(question, node)
    nothing = _no(question, node, None)
    return replace(nothing, is_maximum=True, ball_size=size, rival=rival)


def _no(question: Question, node: int, reason: Reason | None) -> Certificate:
    return Certificate(
        node=node,
        rule=question.rule,
        is_maximum=False,
        reason=reason,
        witness=-1,
        path=np.empty(0, np.int64),
        plateau_steps=0,
        distance=np.inf,
        ball_size=0,
        rival=-1,
    )


def _measured(rule: Rule, rows: Adjacency) -> Adjacency:
    return rows if rule.reach is None else rows._replace(weights=None)


def _nearest(question: Question, node: int) -> tuple[float, int]:
    rule = question.rule
    asked = np.zeros(question.keys.shape, np.bool_)
    asked[0, node] = True
    distance, witness = nearest_challengers(question, limit_of(rule), rule.reach is None, asked)
    return float(distance[0, node]), int(witness[0, node])


def _sources(question: Question, node: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the nodes `node` speaks for, and how each is reached inside the plateau."""
    if not question.ties.by_plateau:
        return np.array([node]), np.full(question.graph.num_nodes, -1)
    rows = question.rows
    found: tuple[NDArray[np.int64], NDArray[np.int64]] = plateau_of(
        rows.indptr, rows.indices, question.keys[0], question.absent(0), node
    )
    return found


def _path(question: Question, node: int, witness: int) -> tuple[NDArray[np.int64], int]:
    sources, inside = _sources(question, node)
    rows = _measured(question.rule, question.rows)
    *_, parent = ball(rows, sources, limit_of(question.rule), witness)
    outside = path_to(witness, parent)
    lead = path_to(outside[0], inside)
    return np.array(lead[:-1] + outside, np.int64), len(lead) - 1


def _beaten_ball(question: Question, node: int) -> tuple[int, int]:
    sources, _ = _sources(question, node)
    rows = _measured(question.rule, question.rows)
    order, _, _ = ball(rows, sources, limit_of(question.rule))
    return order.size, _highest(question.keys[0], question.absent(0), order[order != node])


def _highest(key: NDArray[np.int64], absent: NDArray[np.bool_], nodes: NDArray[np.int64]) -> int:
    present = nodes[~absent[nodes]] if absent.size else nodes
    return int(min(present, key=lambda u: (-int(key[u]), int(u)))) if present.size else -1


def _is_filled_rule(rule: Any) -> bool:
    """Report whether a rule is what its constructor makes of its fields, all of them said."""
    if not isinstance(rule, Rule):
        return False
    said = {one.name: getattr(rule, one.name) for one in fields(rule)}
    try:
        whole = Rule(**said).filled()
    except (TypeError, ValueError):
        return False
    made = {name: getattr(whole, name) for name in said}
    return all(type(said[name]) is type(made[name]) and said[name] == made[name] for name in made)


@dataclass(frozen=True)
class _Check:
    """Looks at the nodes that a certificate names and at no others, where it says "no"."""

    certificate: Certificate
    nodes: Nodes
    attribute: Attribute
    inside: NDArray[np.bool_] | None
    groups: NDArray[Any] | None

    def holds(self) -> bool:
        certificate = self.certificate
        if not self._is_well_formed() or not 0 <= certificate.node < (self.nodes.num_nodes or 0):
            return False
        if certificate.is_maximum:
            return self._beats_its_ball()
        if certificate.reason == "nan":
            return bool(self._absent(np.array([certificate.node]))[0])
        if certificate.reason == "isolated":
            return not certificate.rule.isolated and self._is_alone() and not self._is_absent()
        return self._path_holds()

    def _is_well_formed(self) -> bool:
        """Whether every field that is no part of this proof says nothing."""
        # What a type promises, a forger need not keep.
        certificate: Any = self.certificate
        counts = [certificate.node, certificate.witness, certificate.plateau_steps]
        counts += [certificate.ball_size, certificate.rival]
        if not all(isinstance(count, int | np.integer) and not is_bool(count) for count in counts):
            return False
        distance = certificate.distance
        if not isinstance(distance, int | float) or is_bool(distance):
            return False
        if not isinstance(certificate.reason, str | None):
            return False
        path, steps = certificate.path, certificate.plateau_steps
        if not isinstance(path, np.ndarray) or path.ndim != 1 or path.dtype.kind not in "iu":
            return False
        if not _is_filled_rule(certificate.rule):
            return False
        no_path = not path.size and certificate.witness == -1 and steps == 0
        no_ball = certificate.ball_size == 0 and certificate.rival == -1
        if certificate.is_maximum is True:
            return certificate.reason is None and no_path and certificate.distance == np.inf
        if certificate.is_maximum is not False or not no_ball:
            return False
        if certificate.reason == "challenger":
            return bool(0 <= steps < path.size)
        silent = no_path and certificate.distance == np.inf
        return bool(certificate.reason in ("isolated", "nan") and silent)

    @property
    def _ties(self) -> TieRule:
        return TIES[self.certificate.rule.ties]

    def _key(self, nodes: NDArray[np.int64]) -> NDArray[np.int64]:
        key = order_key(self.attribute.take(nodes).array).key
        return ~key if self.certificate.rule.extremum == "min" else key

    def _absent(self, nodes: NDArray[np.int64]) -> NDArray[np.bool_]:
        part = self.attribute.take(nodes)
        absent = order_key(part.array).absent
        absent = np.zeros(nodes.size, np.bool_) if absent is None else absent
        if part.missing is not None:
            absent = absent | part.missing
        return absent if self.inside is None else absent | ~self.inside[nodes]

    def _is_absent(self) -> bool:
        return bool(self._absent(np.array([self.certificate.node]))[0])

    def _rows(self) -> Adjacency:
        graph = self.nodes if isinstance(self.nodes, Graph) else self.nodes.graph
        return graph.adjacency(self.certificate.rule.direction)

    def _is_alone(self) -> bool:
        node, rows = self.certificate.node, self._rows()
        neighbors = rows.indices[rows.indptr[node] : rows.indptr[node + 1]].astype(np.int64)
        if self.groups is not None:
            neighbors = neighbors[self.groups[neighbors] == self.groups[node]]
        if self.certificate.rule.absent == "block":
            neighbors = neighbors[~self._absent(neighbors)]
        return not neighbors.size

    def _path_holds(self) -> bool:
        certificate, path = self.certificate, self.certificate.path
        if path[0] != certificate.node or path[-1] != certificate.witness:
            return False
        if not 0 <= path.min() <= path.max() < (self.nodes.num_nodes or 0) or not self._is_open(
            path
        ):
            return False
        steps = [self._step(v, u) for v, u in pairwise(path.tolist())]
        lead = certificate.plateau_steps
        if any(length is None for length in steps) or not self._inside_plateau(path[: lead + 1]):
            return False
        total = 0.0
        for length in steps[lead:]:
            total += length or 0.0
        return total == certificate.distance <= limit_of(certificate.rule) and self._is_challenger()

    def _is_open(self, path: NDArray[np.int64]) -> bool:
        """Whether no group ends along the path and no node blocks it."""
        if self.groups is not None and (self.groups[path] != self.groups[path[0]]).any():
            return False
        return self.certificate.rule.absent == "pass" or not self._absent(path).any()

    def _step(self, v: int, u: int) -> float | None:
        """Length of the counted step from v to u, None if there is none."""
        rows = _measured(self.certificate.rule, self._rows())
        low, high = int(rows.indptr[v]), int(rows.indptr[v + 1])
        at = low + int(np.searchsorted(rows.indices[low:high], u))
        if at == high or rows.indices[at] != u:
            return None
        return 1.0 if rows.weights is None else float(rows.weights[at])

    def _inside_plateau(self, nodes: NDArray[np.int64]) -> bool:
        if nodes.size > 1 and not self._ties.by_plateau:
            return False
        equal = bool((self._key(nodes) == self._key(nodes[:1])).all())
        return equal and not self._absent(nodes).any()

    def _is_challenger(self) -> bool:
        node, witness = self.certificate.node, self.certificate.witness
        own, other = self._key(np.array([node, witness]))
        if node == witness or self._absent(np.array([witness]))[0]:
            return False
        return bool(self._ties.challenges(own, other, node, witness))

    def _beats_its_ball(self) -> bool:
        node, rule = self.certificate.node, replace(self.certificate.rule, nan="omit")
        if self._is_absent() or (not rule.isolated and self._is_alone()):
            return False
        question = ask(
            "explain",
            self.nodes if isinstance(self.nodes, Graph) else self.nodes.graph,
            self._whole_values(),
            rule=rule,
            where=self.inside,
            groups=self.groups,
        )
        claimed = (self.certificate.ball_size, self.certificate.rival)
        return _beaten_ball(question, node) == claimed and _nearest(question, node)[1] < 0

    def _whole_values(self) -> NDArray[Any]:
        array, missing = self.attribute.array, self.attribute.missing
        return array if missing is None else np.ma.MaskedArray(array, missing)
