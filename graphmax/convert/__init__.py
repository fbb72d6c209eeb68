"""Graphs of other libraries to `Graph` and back."""

from typing import TYPE_CHECKING

from graphmax.convert.edge_lists import EdgeList
from graphmax.convert.library_graphs import (
    as_graph,
    edge_list_of,
    to_data,
    to_igraph,
    to_networkx,
    to_scipy,
)
from graphmax.lazy_imports import public_names

__all__ = [
    "EdgeList",
    "as_graph",
    "edge_list_of",
    "to_data",
    "to_igraph",
    "to_networkx",
    "to_scipy",
]

if not TYPE_CHECKING:  # to a type checker a name that is not there stays an error
    __getattr__, __dir__ = public_names(__name__)
