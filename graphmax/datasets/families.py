"""What a recipe can ask for: families of graphs and kinds of attributes, with their options."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

import graphmax.generators as gen
from graphmax.graph import Graph

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
    raise NotImplementedError("graphmax.datasets.families makes a hidden attribute of features")


HIDDEN = "hidden"
ATTRIBUTES: dict[str, Choice] = {
    "bumps": Choice(_bumps, {"width": (int, 2), "hops": (int, 1)}),
    "gaussian_field": Choice(_field, {"kappa": (float, None), "order": (int, 1)}),
    HIDDEN: Choice(_hidden, {"form": (str, "quadratic"), "num_features": (int, 8)}),
    "independent": Choice(_independent, {"family": (str, "normal")}),
    "tied": Choice(_tied, {"levels": (int, None)}),
}
