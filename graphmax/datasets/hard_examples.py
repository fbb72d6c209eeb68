"""The same question centered and shifted by one step, and the negatives that are nearly maxima."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphmax.extract.ball_extractor import SCRATCH_BYTES, ball_extractor, rule_of, whole
from graphmax.extract.neighborhood_batch import NeighborhoodBatch, plain
from graphmax.maxima import isolation, local_maxima, margin
from graphmax.node_values import graph_and_attribute
from graphmax.rule import Rule


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
    hops: int | None = None,
    *,
    rule: Rule | None = None,
    layout: str = "sparse",
) -> Iterator[CenteredPairs]:
    """Cut out each maximum's own neighborhood and those of its neighbors, shifted by one step.

    The graph form of a window centered on its maximum against the window moved by one. Neighbors
    whose label is that of the maximum (equal values under ``weak``) are left out, and so are
    maxima without other neighbors.

    Parameters
    ----------
    graph : Graph or graph of another library
        As for `local_maxima`.
    values : str, mapping or array (num_nodes,)
        The attribute, in any unit.
    hops : int, optional
        Radius of the balls in hops.
    rule : Rule, optional
        A whole rule, instead of `hops`; not plateau.
    layout : {"sparse", "dense"}, default "sparse"
        As for `neighborhoods`.

    Yields
    ------
    CenteredPairs
        For each maximum, by ascending index.

    Raises
    ------
    TypeError
        As for `neighborhoods`.
    ValueError
        As for `neighborhoods`.

    Examples
    --------
    >>> import networkx as nx
    >>> from graphmax.datasets import centered_pairs
    >>> for pairs in centered_pairs(nx.path_graph(4), [1, 3, 2, 0], hops=1):
    ...     print(pairs.center, pairs.batch.root, pairs.labels)
    1 [1 0 2] [ True False False]
    """
    chosen = rule_of(hops, rule)
    resolved, attribute = graph_and_attribute(graph, values)
    balls = ball_extractor(
        resolved, values if isinstance(values, str) else attribute.restore(attribute.array),
        None, rule=chosen, layout=layout, most=None, scratch=SCRATCH_BYTES,
    )  # fmt: skip
    mask = plain(local_maxima(resolved, balls.attribute.array, rule=chosen))
    return _pairs(balls, mask)


def _pairs(balls: Any, mask: NDArray[np.bool_]) -> Iterator[CenteredPairs]:
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
    hops: int | None = None,
    *,
    rule: Rule | None = None,
    num_nodes: int,
    by: str = "margin",
) -> NDArray[np.int64]:
    """Choose the nodes that are no maxima but nearly are.

    Parameters
    ----------
    graph : Graph or graph of another library
        As for `local_maxima`.
    values : str, mapping or array (num_nodes,)
        The attribute, in any unit.
    hops : int, optional
        Radius of the ball in hops.
    rule : Rule, optional
        A whole rule, instead of `hops`; not plateau.
    num_nodes : int
        How many at most.
    by : {"margin", "witness"}, default "margin"
        ``margin``: those that their rival beats by least. ``witness``: those whose nearest
        challenger is farthest, so that they are maxima of every smaller ball; ties by margin.

    Returns
    -------
    int64 (at most num_nodes,)
        Node indices, the hardest first.

    Raises
    ------
    TypeError
        As for `local_maxima`.
    ValueError
        As for `local_maxima`, and if `by` or `num_nodes` has no such value.

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
    chosen, count = rule_of(hops, rule), whole(num_nodes, "num_nodes")
    if by not in ("margin", "witness"):
        raise ValueError(f"`by` must be 'margin' or 'witness', got {by!r}")
    resolved, attribute = graph_and_attribute(graph, values)
    known = ball_extractor(
        resolved, attribute.array if attribute.missing is None else values, None,
        rule=chosen, layout="sparse", most=None,
    ).attribute.array  # fmt: skip
    lead = plain(margin(resolved, known, rule=_without_ties(chosen)))
    keys = [-lead]
    if by == "witness":
        steps = isolation(
            resolved, known, weighted=chosen.radius is not None, ties=chosen.ties,
            direction=chosen.direction, nan=chosen.nan, extremum=chosen.extremum,
        )  # fmt: skip
        keys.append(-plain(steps.distance))
    candidates = np.flatnonzero(
        ~plain(local_maxima(resolved, known, rule=chosen)) & ~np.isnan(lead) & (lead < np.inf)
    )
    order = np.lexsort([key[candidates] for key in keys])
    return candidates[order[:count]]


def _without_ties(rule: Rule) -> Rule:
    return Rule(
        hops=rule.hops, radius=rule.radius, direction=rule.direction, nan=rule.nan,
        extremum=rule.extremum,
    )  # fmt: skip
