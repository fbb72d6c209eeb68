"""`explain`: why a node is, or is not, a local maximum, in a form that can be checked again."""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from graphmax.convert import resolve
from graphmax.graph import Adjacency, Graph
from graphmax.kernels.ball import ball, path_to, plateau_of
from graphmax.maxima.engine import nearest_challengers
from graphmax.question import Question, ask, key_of, rule_for
from graphmax.rule import Rule
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
    rule: Rule
    is_maximum: bool
    reason: Reason | None
    witness: int
    path: NDArray[np.int64]
    plateau_steps: int
    distance: float
    ball_size: int
    rival: int

    def verify(self, graph: Any, values: Any, *, where: Any = None) -> bool:
        """Check the answer again, from the graph and the values alone.

        Parameters
        ----------
        graph : Graph or graph of another library
            The graph of the question.
        values : str, mapping or array (num_nodes,)
            The attribute of the question.
        where : bool (num_nodes,), optional
            The same mask as in the question.

        Returns
        -------
        bool
            True if the certificate proves its answer: for a "no" every step of the path is an
            edge, its length is within the rule, and it ends at a challenger; for a "yes" nobody
            in the ball is one, and its size and rival are as stated.

        Notes
        -----
        A "no" costs its own length (times log of the degree), a "yes" the ball, under plateau the
        balls of the whole plateau; on a `Graph`, other graphs are converted first. That the
        witness is the nearest challenger is not part of the proof.
        """
        resolved, attribute = resolve(graph, values)
        inside = None if where is None else np.asarray(where)
        return _Check(self, resolved, attribute, inside).holds()


def explain(
    graph: Any,
    values: Any,
    node: int,
    hops: int | None = None,
    *,
    rule: Rule | None = None,
    where: Any = None,
    **fields: Any,
) -> Certificate:
    """Say why a node is, or is not, a local maximum.

    v is a local maximum if and only if its nearest challenger is farther than the rule reaches. A
    "no" names that challenger and a shortest path to it, a "yes" the ball that was beaten.

    Parameters
    ----------
    graph : Graph or graph of another library
        As for `local_maxima`.
    values : str, mapping or array (num_nodes,)
        The attribute, in any unit.
    node : int
        Index of the node.
    hops : int, optional
        Radius of the ball in hops; 1 unless a `radius` is given.
    rule : Rule, optional
        A whole rule, instead of `hops` and fields.
    where : bool (num_nodes,), optional
        Nodes outside take no part; paths run through them.
    **fields
        Fields of `Rule`.

    Returns
    -------
    Certificate
        The answer, its reason, and what is needed to check it.

    Raises
    ------
    TypeError
        As for `local_maxima`, and if `node` is not an integer.
    ValueError
        As for `local_maxima`, for values with more than one column, and if there is no such node.

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
    question = ask(graph, values, rule_for("explain", hops, rule, fields, {}), where)
    if question.attribute.array.ndim == 2:
        raise ValueError(
            f"`values` must have shape (num_nodes,) to be explained, got "
            f"{question.attribute.array.shape}; pass one column"
        )
    return _explained(question, _index(node, question.graph.num_nodes))


def _index(node: Any, num_nodes: int) -> int:
    if isinstance(node, bool | np.bool_) or not isinstance(node, int | np.integer):
        raise TypeError(f"`node` must be a node index, got {node!r}")
    if not 0 <= node < num_nodes:
        raise ValueError(f"`node` must be from 0 to {num_nodes - 1} (num_nodes - 1), got {node}")
    return int(node)


def _explained(question: Question, node: int) -> Certificate:
    rule, rows = question.rule, question.rows
    if len(question.absents) and question.absents[0, node]:
        return _no(question, node, "nan")
    distance, witness = _nearest(question, node)
    if witness >= 0:
        path, plateau_steps = _path(question, node, witness)
        return replace(
            _no(question, node, "challenger"), witness=witness, path=path,
            plateau_steps=plateau_steps, distance=distance,
        )  # fmt: skip
    if not rule.isolated and rows.indptr[node] == rows.indptr[node + 1]:
        return _no(question, node, "isolated")
    size, rival = _beaten_ball(question, node)
    nothing = _no(question, node, None)
    return replace(nothing, is_maximum=True, ball_size=size, rival=rival)


def _no(question: Question, node: int, reason: Reason | None) -> Certificate:
    return Certificate(
        node=node, rule=question.rule, is_maximum=False, reason=reason, witness=-1,
        path=np.empty(0, np.int64), plateau_steps=0, distance=np.inf, ball_size=0, rival=-1,
    )  # fmt: skip


def _limit(rule: Rule) -> int | float:
    return rule.radius if rule.reach is None else rule.reach  # type: ignore[return-value]


def _measured(rule: Rule, rows: Adjacency) -> Adjacency:
    return rows if rule.reach is None else rows._replace(weights=None)


def _nearest(question: Question, node: int) -> tuple[float, int]:
    rule = question.rule
    asked = np.zeros(question.keys.shape, np.bool_)
    asked[0, node] = True
    distance, witness = nearest_challengers(question, _limit(rule), rule.reach is None, asked)
    return float(distance[0, node]), int(witness[0, node])


def _sources(question: Question, node: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the nodes `node` speaks for, and how each is reached inside the plateau."""
    if question.rule.ties != "plateau":
        return np.array([node]), np.full(question.graph.num_nodes, -1)
    rows = question.rows
    found: tuple[NDArray[np.int64], NDArray[np.int64]] = plateau_of(
        rows.indptr, rows.indices, question.keys[0], question.absent(0), node
    )
    return found


def _path(question: Question, node: int, witness: int) -> tuple[NDArray[np.int64], int]:
    sources, inside = _sources(question, node)
    rows = _measured(question.rule, question.rows)
    *_, parent = ball(rows, sources, _limit(question.rule), witness)
    outside = path_to(witness, parent)
    lead = path_to(outside[0], inside)
    return np.array(lead[:-1] + outside, np.int64), len(lead) - 1


def _beaten_ball(question: Question, node: int) -> tuple[int, int]:
    sources, _ = _sources(question, node)
    rows = _measured(question.rule, question.rows)
    order, _, _ = ball(rows, sources, _limit(question.rule))
    return order.size, _highest(question.keys[0], question.absent(0), order[order != node])


def _highest(key: NDArray[np.int64], absent: NDArray[np.bool_], nodes: NDArray[np.int64]) -> int:
    present = nodes[~absent[nodes]] if absent.size else nodes
    return int(min(present, key=lambda u: (-int(key[u]), int(u)))) if present.size else -1


@dataclass(frozen=True)
class _Check:
    certificate: Certificate
    graph: Graph
    attribute: Attribute
    inside: NDArray[np.bool_] | None

    def holds(self) -> bool:
        certificate = self.certificate
        if not 0 <= certificate.node < self.graph.num_nodes:
            return False
        if certificate.is_maximum:
            return certificate.reason is None and self._beats_its_ball()
        if certificate.reason == "nan":
            return bool(self._absent(np.array([certificate.node]))[0])
        if certificate.reason == "isolated":
            return not certificate.rule.isolated and self._degree() == 0
        return certificate.reason == "challenger" and self._path_holds()

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

    def _rows(self) -> Adjacency:
        return self.graph.adjacency(self.certificate.rule.direction)

    def _degree(self) -> int:
        indptr = self._rows().indptr
        return int(indptr[self.certificate.node + 1] - indptr[self.certificate.node])

    def _path_holds(self) -> bool:
        certificate, path = self.certificate, self.certificate.path
        if not path.size or path[0] != certificate.node or path[-1] != certificate.witness:
            return False
        if not 0 <= path.min() <= path.max() < self.graph.num_nodes:
            return False
        steps = [self._step(v, u) for v, u in pairwise(path.tolist())]
        lead = certificate.plateau_steps
        if any(length is None for length in steps) or not self._inside_plateau(path[: lead + 1]):
            return False
        total = 0.0
        for length in steps[lead:]:
            total += length or 0.0
        return total == certificate.distance <= _limit(certificate.rule) and self._is_challenger()

    def _step(self, v: int, u: int) -> float | None:
        """Length of the counted step from v to u, None if there is none."""
        rows = _measured(self.certificate.rule, self._rows())
        low, high = int(rows.indptr[v]), int(rows.indptr[v + 1])
        at = low + int(np.searchsorted(rows.indices[low:high], u))
        if at == high or rows.indices[at] != u:
            return None
        return 1.0 if rows.weights is None else float(rows.weights[at])

    def _inside_plateau(self, nodes: NDArray[np.int64]) -> bool:
        if nodes.size > 1 and self.certificate.rule.ties != "plateau":
            return False
        equal = bool((self._key(nodes) == self._key(nodes[:1])).all())
        return equal and not self._absent(nodes).any()

    def _is_challenger(self) -> bool:
        node, witness = self.certificate.node, self.certificate.witness
        own, other = self._key(np.array([node, witness]))
        if node == witness or self._absent(np.array([witness]))[0]:
            return False
        ties = self.certificate.rule.ties
        tied = ties == "strict" or (ties == "index" and witness < node)
        return bool(other > own or (other == own and tied))

    def _beats_its_ball(self) -> bool:
        node, rule = self.certificate.node, replace(self.certificate.rule, nan="omit")
        if self._absent(np.array([node]))[0] or (not rule.isolated and self._degree() == 0):
            return False
        keyed = key_of(self.attribute, rule, self.graph, self.inside)
        absents = np.zeros((0, 0), np.bool_) if keyed.absent is None else keyed.absent[None]
        question = Question(self.graph, self.attribute, rule, keyed.key[None], absents)
        claimed = (self.certificate.ball_size, self.certificate.rival)
        return _beaten_ball(question, node) == claimed and _nearest(question, node)[1] < 0
