"""Folders in the layout of TUDataset: many graphs in a handful of text files."""

import os
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.files.errors import refusal
from graphmax.graph import Graph

_EDGES = "_A.txt"


def is_tu_folder(path: Any) -> bool:
    """Tell whether this is a folder with a file NAME_A.txt."""
    place = Path(os.fspath(path))
    return place.is_dir() and len(list(place.glob(f"*{_EDGES}"))) == 1


def read_tu_folder(folder: str | os.PathLike[str]) -> list[Graph]:
    """Read every graph of a folder.

    ``NAME_A.txt`` holds the entries "u, v" of all adjacency matrices, counted from 1,
    ``NAME_graph_indicator.txt`` the graph of each node, ``NAME_node_attributes.txt`` and
    ``NAME_node_labels.txt``, where they are there, the columns of the attributes
    ``attributes`` (num_nodes, F), ``attribute_0`` and so on, and ``node_label``.
    """
    place = Path(folder)
    edges_file = next(place.glob(f"*{_EDGES}"))
    stem = edges_file.name.removesuffix(_EDGES)
    graph_of = _numbers(place / f"{stem}_graph_indicator.txt")[:, 0].astype(np.int64)
    ends = _numbers(edges_file).astype(np.int64)
    if ends.shape[1] != 2:
        raise refusal(str(edges_file), "hold two nodes per line", f"{ends.shape[1]} numbers")
    ends = ends - 1
    if ends.size and not 0 <= ends.min() <= ends.max() < graph_of.size:
        span = f"{ends.min() + 1} to {ends.max() + 1}"
        raise refusal(str(edges_file), f"number nodes from 1 to {graph_of.size}", span)
    if (graph_of[ends[:, 0]] != graph_of[ends[:, 1]]).any():
        raise refusal(str(edges_file), "join nodes of one graph", "an edge between two graphs")
    columns = _attributes(place, stem, graph_of.size)
    order = np.argsort(graph_of, kind="stable")
    return _parts(graph_of, order, ends, columns)


def _parts(
    graph_of: NDArray[np.int64],
    order: NDArray[np.int64],
    ends: NDArray[np.int64],
    columns: dict[str, NDArray[Any]],
) -> list[Graph]:
    """Cut the union into its graphs, nodes in the order of the file."""
    place = np.empty(order.size, np.int64)
    _, starts = np.unique(graph_of[order], return_index=True)
    bounds = [*starts.tolist(), order.size]
    place[order] = np.arange(order.size)
    entries = np.argsort(graph_of[ends[:, 0]], kind="stable")
    ends, owner = ends[entries], graph_of[ends[entries, 0]]
    graphs = []
    for first, last in pairwise(bounds):
        nodes = order[first:last]
        inside = slice(*np.searchsorted(owner, [graph_of[nodes[0]], graph_of[nodes[0]] + 1]))
        src, dst = place[ends[inside]].T - first
        attributes = {name: column[nodes] for name, column in columns.items()}
        graphs.append(Graph.from_edges(src, dst, nodes.size, attributes=attributes))
    return graphs


def _attributes(place: Path, stem: str, num_nodes: int) -> dict[str, NDArray[Any]]:
    columns: dict[str, NDArray[Any]] = {}
    for name, ending in (("attribute", "node_attributes"), ("node_label", "node_labels")):
        file = place / f"{stem}_{ending}.txt"
        if not file.is_file():
            continue
        table = _numbers(file)
        if len(table) != num_nodes:
            raise refusal(str(file), f"hold one line per node ({num_nodes})", str(len(table)))
        if name == "node_label":
            columns[name] = table[:, 0]
            continue
        columns["attributes"] = table
        columns |= {f"{name}_{i}": table[:, i] for i in range(table.shape[1])}
    return columns


def _numbers(file: Path) -> NDArray[np.float64]:
    """Read lines of numbers between commas, with spaces or without."""
    try:
        return np.loadtxt(file, delimiter=",", ndmin=2, dtype=np.float64)
    except FileNotFoundError:
        raise refusal(str(file), "be there in the layout of TUDataset", "no such file") from None
    except ValueError as flaw:
        raise refusal(str(file), "hold numbers between commas", str(flaw)[:100]) from None
