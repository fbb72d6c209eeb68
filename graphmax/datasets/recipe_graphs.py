"""From a recipe to labelled graphs, each from its own random numbers."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.datasets.families import ATTRIBUTES, FAMILIES, HIDDEN
from graphmax.datasets.recipe import SPLITS, Group, Recipe, split_name
from graphmax.generators import HiddenAttribute
from graphmax.graph import Graph
from graphmax.maxima import local_maxima

# Streams of a recipe: the splits, then what all graphs share.
_SHARED = len(SPLITS)


def sample_graphs(recipe: Recipe, split: str) -> Iterator[Graph]:
    """Make the labelled graphs of a split, one after the other.

    Parameters
    ----------
    recipe : Recipe
        The recipe.
    split : {"train", "validation", "val", "test"}
        Which part.

    Yields
    ------
    Graph
        With the attributes ``x`` (num_nodes, F) float64, what is shown, ``value`` (num_nodes,),
        what the question is about, and ``is_maximum`` bool (num_nodes,).

    Raises
    ------
    ValueError
        If there is no such split.

    Examples
    --------
    >>> from graphmax.datasets import named_recipe, sample_graphs
    >>> first = next(sample_graphs(named_recipe("independent"), "train"))
    >>> list(first.attributes)
    ['x', 'value', 'is_maximum']
    """
    split = split_name(split)
    return (sample_graph(recipe, split, i) for i in range(recipe.num_graphs(split)))


def sample_graph(recipe: Recipe, split: str, number: int) -> Graph:
    """Make one graph of a split; it depends on no other."""
    rng = np.random.default_rng([recipe.seed, SPLITS.index(split), number])
    group = _group_of(recipe.splits[split], number)
    graph = _drawn(group, rng)
    x, values = _attribute(recipe, group, graph, rng)
    if group.noise and group.kind != HIDDEN:
        x = x + group.noise * rng.standard_normal(x.shape)
    bare = graph if recipe.rule.radius is not None else Graph(graph.indptr, graph.indices)
    mask = local_maxima(bare, values, rule=recipe.rule)
    return bare.replace(attributes={"x": x, "value": values, "is_maximum": mask})


def _group_of(groups: Sequence[Group], number: int) -> Group:
    ends = np.cumsum([group.graphs for group in groups])
    return groups[int(np.searchsorted(ends, number, side="right"))]


def _drawn(group: Group, rng: np.random.Generator) -> Graph:
    low, high = group.num_nodes
    size = int(np.clip(round(np.exp(rng.uniform(np.log(low), np.log(high)))), low, high))
    graph: Graph = FAMILIES[group.family].make(size, **group.graph, rng=rng)
    return graph


def _attribute(
    recipe: Recipe, group: Group, graph: Graph, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[Any]]:
    if group.kind == HIDDEN:
        f = _hidden_function(recipe, group)
        x = f.features(graph.num_nodes, generator=rng)
        values = f(x)
        return x, values + group.noise * rng.standard_normal(values.size)
    values = ATTRIBUTES[group.kind].make(graph, **group.attribute, rng=rng)
    return values.astype(np.float64)[:, None], values


def _hidden_function(recipe: Recipe, group: Group) -> HiddenAttribute:
    """Draw the function that all graphs of the recipe share."""
    rng = np.random.default_rng([recipe.seed, _SHARED])
    options = group.attribute
    return HiddenAttribute.draw(options["form"], options["num_features"], generator=rng)
