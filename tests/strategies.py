"""Hypothesis strategies: small graphs on which ties, loners, loops and repeats are the rule."""

from typing import Any

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from oracles import Network

import graphmax as gm

TIES = ("strict", "weak", "plateau", "index")
DIRECTIONS = ("in", "out", "both")
EXTREMA = ("max", "min")
WEIGHTS = (0.0, 0.1, 0.2, 0.3, 0.5, 1.0, float("inf"))
RADII = (0.1, 0.3, 0.3 + 2**-53, 0.6, 1.0, 1.5)


def examples(count: int) -> int:
    """Examples of a law whose cases are dear: fewer than 200, in proportion to the profile."""
    return max(1, count * settings.default.max_examples // 200)


def graph_of(network: Network) -> gm.Graph:
    """Build the package's graph from a written-down one."""
    sources = np.array([source for source, _ in network.edges], dtype=np.int64)
    targets = np.array([target for _, target in network.edges], dtype=np.int64)
    return gm.Graph.from_edges(
        sources,
        targets,
        network.num_nodes,
        weights=network.weights,
        directed=network.directed,
    )


@st.composite
def networks(
    draw: st.DrawFn,
    *,
    min_nodes: int = 1,
    max_nodes: int = 8,
    weighted: bool | None = None,
    directed: bool | None = None,
) -> Network:
    """Draw a graph with self-loops and repeated edges; None leaves a property to chance."""
    size = draw(st.integers(min_nodes, max_nodes))
    nodes = st.integers(0, size - 1)
    fewest = draw(st.integers(0, size))
    edges = draw(st.lists(st.tuples(nodes, nodes), min_size=fewest, max_size=2 * size))
    weights = None
    if draw(st.booleans()) if weighted is None else weighted:
        weight = st.sampled_from(WEIGHTS)
        weights = tuple(draw(st.lists(weight, min_size=len(edges), max_size=len(edges))))
    arrows = draw(st.booleans()) if directed is None else directed
    return Network(size, tuple(edges), weights, arrows)


def columns(size: int, width: int, levels: int = 4) -> st.SearchStrategy[np.ndarray]:
    """Draw integer attributes of shape (size, width) with few distinct values."""
    return hnp.arrays(np.int64, (size, width), elements=st.integers(0, levels - 1))


def with_gaps(size: int, levels: int = 4) -> st.SearchStrategy[np.ndarray]:
    """Draw a float attribute with few distinct values, infinities, both zeros and NaN."""
    rare = st.sampled_from([np.nan, np.inf, -np.inf, -0.0])
    common = st.integers(0, levels - 1).map(float)
    return hnp.arrays(np.float64, size, elements=st.one_of(common, common, rare))


def masks(size: int) -> st.SearchStrategy[np.ndarray | None]:
    """Draw a `where`: mostly nothing."""
    return st.one_of(st.none(), hnp.arrays(np.bool_, size))


@st.composite
def fields(draw: st.DrawFn, *names: str) -> dict[str, Any]:
    """Draw some of the fields of a rule by name."""
    choices = {
        "ties": st.sampled_from(TIES),
        "direction": st.sampled_from(DIRECTIONS),
        "extremum": st.sampled_from(EXTREMA),
        "isolated": st.booleans(),
    }
    return {name: draw(choices[name]) for name in names}


@st.composite
def rules(draw: st.DrawFn, network: Network, *names: str) -> dict[str, Any]:
    """Draw a rule that fits the graph: a radius only where there are weights."""
    rule = draw(fields(*names))
    if network.weights is not None and draw(st.booleans()):
        return {"radius": draw(st.sampled_from(RADII)), **rule}
    return {"hops": draw(st.integers(1, 4)), **rule}
