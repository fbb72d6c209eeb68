"""Null fields in blocks: from an array, a function, a fitted field or a group design."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.checks import one_of
from graphmax.convert import as_graph
from graphmax.graph import Graph
from graphmax.node_values import graph_and_attribute
from graphmax.posterior.conductances import graph_laplacian
from graphmax.posterior.field import fitted_fields
from graphmax.posterior.measurements import measurements_of
from graphmax.significance.group_designs import LabelPermutations, SignFlips, maps_of
from graphmax.values import Attribute

Floats = NDArray[np.float64]
Blocks = Iterator[Floats]
Draw = Callable[[np.random.Generator, int], Blocks]
_VALUES_AT_ONCE = 1 << 22


def fewest_draws(alpha: float) -> int:
    """Return how many draws a p-value of alpha takes at least."""
    return int(np.ceil(1 / alpha - 1e-9)) - 1


def null_model(
    graph: Any, values: Any, nulls: Any, design: Any, alpha: float, seed: int
) -> tuple[Graph, NDArray[Any], Draw]:
    """Return the graph, its attribute, and how to draw null fields in blocks."""
    if design is not None and not (isinstance(nulls, str) and nulls == "permute-labels"):
        raise TypeError('`design` must not be given but for nulls="permute-labels"')
    if isinstance(nulls, str) and nulls in ("signflip", "permute-labels"):
        checked = as_graph(graph)
        design_of = SignFlips if nulls == "signflip" else LabelPermutations
        model = design_of(maps_of(checked, values), design, alpha)
        return checked, model.statistic, _one_by_one(model.draw, checked.num_nodes)
    checked, attribute = graph_and_attribute(graph, values)
    array = _one_column(attribute)
    if isinstance(nulls, str):
        one_of(nulls, "nulls", ("field", "signflip", "permute-labels"))
        return checked, array, _of_field(checked, attribute, seed)
    if callable(nulls):
        return checked, array, _one_by_one(nulls, checked.num_nodes)
    return checked, array, _of_array(nulls, checked.num_nodes, alpha)


def _one_column(attribute: Attribute) -> NDArray[Any]:
    if attribute.array.ndim != 1:
        raise ValueError(
            f"`values` must have one entry per node, got shape {attribute.array.shape}; maps of "
            'subjects (subjects, num_nodes) are for nulls="signflip" and "permute-labels"'
        )
    if attribute.missing is None:
        return attribute.array
    return np.where(attribute.missing, np.nan, attribute.array.astype(np.float64))


def _block_size(num_nodes: int) -> int:
    return int(np.clip(_VALUES_AT_ONCE // max(num_nodes, 1), 1, 64))


def _one_by_one(one: Callable[[np.random.Generator], Any], num_nodes: int) -> Draw:
    def draw(rng: np.random.Generator, most: int) -> Blocks:
        for start in range(0, most, _block_size(num_nodes)):
            count = min(_block_size(num_nodes), most - start)
            yield np.stack([_null(one(rng), num_nodes) for _ in range(count)], axis=1)

    return draw


def _null(field: Any, num_nodes: int) -> Floats:
    array = np.asarray(field)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"`nulls` must draw real numbers, got dtype {array.dtype}")
    if array.size != num_nodes:
        raise ValueError(f"`nulls` must draw one entry per node ({num_nodes},), got {array.shape}")
    return array.ravel().astype(np.float64)


def _of_array(nulls: Any, num_nodes: int, alpha: float) -> Draw:
    array = np.asarray(nulls)
    if array.dtype.kind not in "biuf":
        raise TypeError(
            "`nulls` must be numbers (num_nodes, B), a function of a Generator, or a word, got "
            f"{type(nulls).__name__} of dtype {array.dtype}"
        )
    if array.ndim != 2 or array.shape[0] != num_nodes:
        raise ValueError(f"`nulls` must have shape ({num_nodes}, B), got {array.shape}")
    if array.shape[1] < fewest_draws(alpha):
        raise ValueError(
            f"`nulls` must hold at least {fewest_draws(alpha)} draws for alpha={alpha:g}, got "
            f"{array.shape[1]}: no p-value is below 1 / (draws + 1)"
        )

    def draw(_: np.random.Generator, most: int) -> Blocks:
        size = _block_size(num_nodes)
        for start in range(0, min(most, array.shape[1]), size):
            yield array[:, start : min(start + size, most)].astype(np.float64)

    return draw


def _of_field(graph: Graph, attribute: Attribute, seed: int) -> Draw:
    laplacian, data = graph_laplacian(graph, None), measurements_of(attribute, None)
    (_, fitted), *_ = fitted_fields(laplacian, data, "auto", seed)

    def draw(rng: np.random.Generator, most: int) -> Blocks:
        size = min(16, _block_size(graph.num_nodes))
        for start in range(0, most, size):
            yield fitted.prior_draws(min(size, most - start), rng)

    return draw
