"""Families of graphs, kinds of attributes, and the examples that are nearly maxima.

The same question is asked centered and shifted by one step.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

import graphmax.generators as gen
from graphmax.checks import integer, one_of
from graphmax.extract.extraction import BallExtractor, Layout, ball_extractor
from graphmax.extract.neighborhood_batch import NeighborhoodBatch
from graphmax.graph import Graph
from graphmax.maxima import isolation, local_maxima, margin
from graphmax.rule import Direction, Extremum, Nan, Rule, Ties

Options = Mapping[str, Any]
Values = NDArray[Any]


@dataclass(frozen=True)
class Choice:
    """Something a recipe names: how it is made, and its options as name -> (type, default).

    A default of None means that the recipe must say.
    """

    make: Callable[..., Any]
    options: Mapping[str, tuple[type, Any]] = field(default_factory=dict)
    weighted: bool = False


def _share(mean_degree: float, n: int) -> float:
    return min(1.0, mean_degree / max(n - 1, 1))


def _erdos_renyi(n: int, mean_degree: float, rng: np.random.Generator) -> Graph:
    return gen.erdos_renyi(n, _share(mean_degree, n), generator=rng)


def _barabasi_albert(n: int, m: int, rng: np.random.Generator) -> Graph:
    return gen.barabasi_albert(n, m, generator=rng)


def _watts_strogatz(n: int, k: int, p: float, rng: np.random.Generator) -> Graph:
    return gen.watts_strogatz(n, k, p, generator=rng)


def _random_tree(n: int, rng: np.random.Generator) -> Graph:
    return gen.random_tree(n, generator=rng)


def _random_geometric(
    n: int, mean_degree: float, dimension: int, rng: np.random.Generator
) -> Graph:
    volume = np.pi if dimension == 2 else 4 * np.pi / 3
    radius = (mean_degree / (volume * max(n, 1))) ** (1 / dimension)
    return gen.random_geometric(n, radius, dimension=dimension, generator=rng)


def _delaunay(n: int, dimension: int, rng: np.random.Generator) -> Graph:
    return gen.delaunay(n, dimension=dimension, generator=rng)


def _grid(n: int, dimension: int, connectivity: int, rng: np.random.Generator) -> Graph:
    del rng
    side = max(round(n ** (1 / dimension)), 1)
    return gen.grid_graph([side] * dimension, connectivity or None)


def _stochastic_block(
    n: int, blocks: int, mean_degree: float, inside: float, rng: np.random.Generator
) -> Graph:
    """`inside`: the share of a node's edges that stay in its block."""
    sizes = np.full(blocks, n // blocks) + (np.arange(blocks) < n % blocks)
    own = _share(mean_degree * inside, n // blocks)
    other = _share(mean_degree * (1 - inside), n - n // blocks)
    table = np.full((blocks, blocks), other)
    np.fill_diagonal(table, own)
    return gen.stochastic_block(sizes.tolist(), table, generator=rng)


def _configuration(n: int, exponent: float, least: int, rng: np.random.Generator) -> Graph:
    """Degrees by a power law, cut off at the square root of n."""
    tail = least * (1 - rng.random(n)) ** (-1 / (exponent - 1))
    degrees = np.minimum(tail, max(n**0.5, least)).astype(np.int64)
    degrees[:1] += degrees.sum() % 2
    return gen.configuration(degrees, generator=rng)


def _rmat(n: int, mean_degree: float, rng: np.random.Generator) -> Graph:
    scale = max(round(np.log2(max(n, 1))), 0)
    return gen.rmat(scale, int(mean_degree * 2**scale / 2), generator=rng)


FAMILIES: dict[str, Choice] = {
    "barabasi_albert": Choice(_barabasi_albert, {"m": (int, None)}),
    "configuration": Choice(_configuration, {"exponent": (float, 2.5), "least": (int, 2)}),
    "delaunay": Choice(_delaunay, {"dimension": (int, 2)}, weighted=True),
    "erdos_renyi": Choice(_erdos_renyi, {"mean_degree": (float, None)}),
    "grid": Choice(_grid, {"dimension": (int, 2), "connectivity": (int, 0)}),
    "random_geometric": Choice(
        _random_geometric, {"mean_degree": (float, None), "dimension": (int, 2)}, weighted=True
    ),
    "random_tree": Choice(_random_tree),
    "rmat": Choice(_rmat, {"mean_degree": (float, None)}),
    "stochastic_block": Choice(
        _stochastic_block,
        {"blocks": (int, None), "mean_degree": (float, None), "inside": (float, 0.8)},
    ),
    "watts_strogatz": Choice(_watts_strogatz, {"k": (int, None), "p": (float, None)}),
}


def _independent(graph: Graph, family: str, rng: np.random.Generator) -> Values:
    return gen.independent_values(graph.num_nodes, family, generator=rng)


def _tied(graph: Graph, levels: int, rng: np.random.Generator) -> Values:
    return gen.tied_values(graph.num_nodes, levels, generator=rng)


def _field(graph: Graph, kappa: float, order: int, rng: np.random.Generator) -> Values:
    return gen.gaussian_field(graph, kappa, order, generator=rng)


def _bumps(graph: Graph, width: int, hops: int, rng: np.random.Generator) -> Values:
    return gen.planted_bumps(graph, width=width, hops=hops, generator=rng).values


def _hidden(graph: Graph, form: str, num_features: int, rng: np.random.Generator) -> Values:
    raise NotImplementedError("`labelled_graphs` makes a hidden attribute of features")


HIDDEN = "hidden"
ATTRIBUTES: dict[str, Choice] = {
    "bumps": Choice(_bumps, {"width": (int, 2), "hops": (int, 1)}),
    "gaussian_field": Choice(_field, {"kappa": (float, None), "order": (int, 1)}),
    HIDDEN: Choice(_hidden, {"form": (str, "quadratic"), "num_features": (int, 8)}),
    "independent": Choice(_independent, {"family": (str, "normal")}),
    "tied": Choice(_tied, {"levels": (int, None)}),
}


# --- The same question centered and shifted by one step


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
