"""Random graphs and random attributes: one explicit ``numpy.random.Generator`` in, a value out."""

from typing import TYPE_CHECKING

from graphmax.generators.attributes import (
    FAMILIES,
    HiddenAttribute,
    Planted,
    field_precision,
    gaussian_field,
    independent_values,
    planted_bumps,
    tied_values,
)
from graphmax.generators.random_graphs import (
    barabasi_albert,
    configuration,
    delaunay,
    erdos_renyi,
    random_geometric,
    random_tree,
    rmat,
    stochastic_block,
    watts_strogatz,
)
from graphmax.lazy_imports import public_names
from graphmax.spatial import grid_graph

__all__ = [
    "FAMILIES",
    "HiddenAttribute",
    "Planted",
    "barabasi_albert",
    "configuration",
    "delaunay",
    "erdos_renyi",
    "field_precision",
    "gaussian_field",
    "grid_graph",
    "independent_values",
    "planted_bumps",
    "random_geometric",
    "random_tree",
    "rmat",
    "stochastic_block",
    "tied_values",
    "watts_strogatz",
]

if not TYPE_CHECKING:  # to a type checker a name that is not there stays an error
    __getattr__, __dir__ = public_names(__name__)
