"""The same question centered and shifted by one step, and the negatives that are nearly maxima."""

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphmax.checks import integer, one_of
from graphmax.extract.ball_extractor import BallExtractor, Layout, ball_extractor
from graphmax.extract.neighborhood_batch import NeighborhoodBatch
from graphmax.maxima import isolation, local_maxima, margin
from graphmax.rule import Direction, Extremum, Nan, Rule, Ties


class CenteredPairs(NamedTuple):
    """One maximum and its neighbors: their neighborhoods and labels.

    ``batch`` holds the neighborhood of the maximum ``center`` first, then those of its neighbors
    that are no maxima; ``labels`` bool (B,) is True for the first and False for the others.
    """

    center: int
    batch: NeighborhoodBatch
    labels: Any


def centered_pairs(
    graph: Any,
    values: Any,
    hops: int | Rule | None = None,
    *,
    layout: str = "sparse",
    rule: Rule | None = None,
    where: Any = None,
    radius: float | None = None,
    ties: Ties | None = None,
    direction: Direction | None = None,
    isolated: bool | None = None,
    nan: Nan | None = None,
    extremum: Extremum | None = None,
) -> Iterator[CenteredPairs]:
    """Cut out each maximum's own neighborhood and those of its neighbors, shifted by one step.

    The graph form of a window centered on its maximum against the window moved by one. Neighbors
    whose label is that of the maximum (equal values under ``weak``) are left out, and so are
    maxima without other neighbors.

    Parameters
    ----------
    graph : Graph or graph of another library
        PyG ``Data`` or ``edge_index``, networkx, SciPy sparse and others; see `as_graph`.
    values : str, mapping or array (num_nodes,)
        The attribute, in any unit.
    hops : int or Rule, optional
        Radius of the balls in hops. A `Rule` in its place is the rule.
    layout : {"sparse", "dense"}, default "sparse"
        One disjoint union in PyG's names, or matrices padded to the largest ball.
    rule : Rule, optional
        A whole rule, instead of `hops` and fields; not plateau.
    where : bool (num_nodes,), optional
        Nodes outside are never a maximum and never a challenger.
    radius : float, optional
        Radius of the ball in edge weights, instead of `hops`.
    ties : {"strict", "weak", "index"}, optional
        Which nodes of equal value challenge a node; see `Rule`.
    direction : {"in", "out", "both"}, optional
        Which steps count on a directed graph.
    isolated : bool, optional
        Whether a node without any neighbor is a maximum.
    nan : {"raise", "omit"}, optional
        Refuse NaN and missing values, or let such nodes take no part.
    extremum : {"max", "min"}, optional
        Which side.

    Yields
    ------
    CenteredPairs
        For each maximum, by ascending index.

    Raises
    ------
    TypeError
        If the graph or a dtype is of no known kind, or a field stands beside a whole rule.
    ValueError
        If the values do not fit the graph, hold NaN under ``nan="raise"``, or a field has no such
        value.

    Examples
    --------
    >>> import networkx as nx
    >>> from graphmax.datasets import centered_pairs
    >>> for pairs in centered_pairs(nx.path_graph(4), [1, 3, 2, 0], hops=1):
    ...     print(pairs.center, pairs.batch.root, pairs.labels)
    1 [1 0 2] [ True False False]
    """
    balls = ball_extractor(
        graph,
        values,
        None,
        hops,
        Layout.of(layout, None, None),
        rule=rule,
        where=where,
        radius=radius,
        ties=ties,
        direction=direction,
        isolated=isolated,
        nan=nan,
        extremum=extremum,
    )
    mask = local_maxima(balls.graph, balls.attribute.array, rule=balls.rule, where=where)
    return _pairs(balls, mask)


def _pairs(balls: BallExtractor, mask: NDArray[np.bool_]) -> Iterator[CenteredPairs]:
    rows = balls.graph.adjacency(balls.rule.direction)
    for center in np.flatnonzero(mask).tolist():
        neighbors = rows.indices[rows.indptr[center] : rows.indptr[center + 1]]
        others = neighbors[~mask[neighbors]]
        if others.size:
            roots = np.concatenate([[center], others]).astype(np.int64)
            batch = balls.fill(roots, *balls.count(roots))
            labels = np.arange(roots.size) == 0
            yield CenteredPairs(center, batch, balls.attribute.restore(labels))


def hard_negatives(
    graph: Any,
    values: Any,
    hops: int | Rule | None = None,
    *,
    num_nodes: int,
    by: Literal["margin", "witness"] = "margin",
    rule: Rule | None = None,
    where: Any = None,
    radius: float | None = None,
    ties: Ties | None = None,
    direction: Direction | None = None,
    isolated: bool | None = None,
    nan: Nan | None = None,
    extremum: Extremum | None = None,
) -> NDArray[np.int64]:
    """Choose the nodes that are no maxima but nearly are.

    Parameters
    ----------
    graph : Graph or graph of another library
        PyG ``Data`` or ``edge_index``, networkx, SciPy sparse and others; see `as_graph`.
    values : str, mapping or array (num_nodes,)
        The attribute, in any unit.
    hops : int or Rule, optional
        Radius of the ball in hops. A `Rule` in its place is the rule.
    num_nodes : int
        How many at most.
    by : {"margin", "witness"}, default "margin"
        ``margin``: those that their rival beats by least. ``witness``: those whose nearest
        challenger is farthest, so that they are maxima of every smaller ball; ties by margin.
    rule : Rule, optional
        A whole rule, instead of `hops` and fields; not plateau.
    where : bool (num_nodes,), optional
        Nodes outside are never a maximum and never a challenger.
    radius : float, optional
        Radius of the ball in edge weights, instead of `hops`.
    ties : {"strict", "weak", "index"}, optional
        Which nodes of equal value challenge a node; see `Rule`.
    direction : {"in", "out", "both"}, optional
        Which steps count on a directed graph.
    isolated : bool, optional
        Whether a node without any neighbor is a maximum.
    nan : {"raise", "omit"}, optional
        Refuse NaN and missing values, or let such nodes take no part.
    extremum : {"max", "min"}, optional
        Which side.

    Returns
    -------
    int64 (at most num_nodes,)
        Node indices, the hardest first.

    Raises
    ------
    TypeError
        If the graph or a dtype is of no known kind, or a field stands beside a whole rule.
    ValueError
        If the values do not fit the graph, hold NaN under ``nan="raise"``, or a field, `by` or
        `num_nodes` has no such value.

    Examples
    --------
    >>> import networkx as nx
    >>> from graphmax.datasets import hard_negatives
    >>> path = nx.path_graph(6)
    >>> hard_negatives(path, [9, 8, 0, 5, 1, 7], 2, num_nodes=2)
    array([1, 3])
    >>> hard_negatives(path, [9, 8, 0, 5, 1, 7], 2, num_nodes=2, by="witness")
    array([3, 1])
    """
    count = integer(num_nodes, "num_nodes", 1)
    one_of(by, "by", ("margin", "witness"))
    balls = ball_extractor(
        graph,
        values,
        None,
        hops,
        Layout(),
        rule=rule,
        where=where,
        radius=radius,
        ties=ties,
        direction=direction,
        isolated=isolated,
        nan=nan,
        extremum=extremum,
    )
    asked, known, chosen = balls.graph, balls.attribute.array, balls.rule
    lead = margin(asked, known, rule=_without_ties(chosen), where=where)
    keys = [-lead]
    if by == "witness":
        steps = isolation(
            asked,
            known,
            weighted=chosen.radius is not None,
            where=where,
            ties=chosen.ties,
            direction=chosen.direction,
            nan=chosen.nan,
            extremum=chosen.extremum,
        )
        keys.append(-steps.distance)
    candidates = np.flatnonzero(
        ~local_maxima(asked, known, rule=chosen, where=where) & ~np.isnan(lead) & (lead < np.inf)
    )
    order = np.lexsort([key[candidates] for key in keys])
    return candidates[order[:count]]


def _without_ties(rule: Rule) -> Rule:
    return Rule(
        hops=rule.reach,
        radius=rule.radius,
        direction=rule.direction,
        nan=rule.nan,
        extremum=rule.extremum,
    )
