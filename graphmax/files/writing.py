"""`write_graph`: one graph into one file, or into an edge table and a node table."""

import os
from importlib import import_module
from pathlib import Path

from graphmax.atomic import replacing, write_atomically
from graphmax.files.endings import nodes_name
from graphmax.graph import Graph

# Modules with a function write(graph, file).
_ONE_FILE = {".graphml": "graphml", ".json": "node_link", ".npz": "npz"}
_PAIRS = (".csv", ".parquet")


def write_graph(graph: Graph, path: str | os.PathLike[str]) -> None:
    """Write a graph to a file that `read_graph` reads back as the same graph.

    The file appears complete or not at all: it is written under a temporary name, synced to the
    disk and renamed.

    Parameters
    ----------
    graph : Graph
        The graph; its labels are the ids in the file, node indices without labels.
    path : str or path
        Where to; the ending decides: .graphml, .json (node-link), .npz, .parquet, .csv.
        The last two are tables of
        edges with the columns ``src``, ``dst`` and, where there are weights, ``weight``; a table
        of nodes, with the column ``id`` and one for each attribute, is written beside them:
        ``graph.nodes.csv`` beside ``graph.csv``.

    Raises
    ------
    ValueError
        If the ending is another one, or the format cannot hold a label or an attribute name.
    TypeError
        If a label or an attribute is neither numbers nor text nor times.
    FileNotFoundError
        If the folder does not exist.

    Notes
    -----
    GraphML, JSON, NPZ and Parquet give back the same labels, dtypes, weights, masks and direction;
    of `Graph.dropped` only NPZ knows. CSV gives back values: integers as int64, floats as float64,
    times in microseconds, labels made of digits as integers, and node indices as labels; a
    directed graph starts with the line ``# Directed graph``. An attribute of shape (n, 2) is
    written as two columns ``x.0``, ``x.1``. A pair of tables is replaced one after the other,
    nodes first.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from graphmax import Graph, read_graph, write_graph
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "path.graphml"
    >>> write_graph(Graph.from_edges([0, 1], [1, 2], labels=["a", "b", "c"]), file)
    >>> read_graph(file)
    Graph(num_nodes=3, num_edges=2, undirected, labelled)
    """
    target = Path(os.fspath(path))
    ending = target.suffix.lower()
    if ending in _ONE_FILE:
        module = import_module(f"graphmax.files.{_ONE_FILE[ending]}")
        write_atomically(target, lambda file: module.write(graph, file))
    elif ending in _PAIRS:
        module = import_module("graphmax.files.table_pair")
        beside = Path(nodes_name(str(target)))
        with replacing([beside, target]) as (nodes_file, edges_file):
            module.write(graph, edges_file, nodes_file, ending)
    else:
        known = ", ".join((*_ONE_FILE, *_PAIRS))
        raise ValueError(f"`path` must end in one of {known}, got {target.name!r}; rename it")
