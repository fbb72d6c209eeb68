"""`read_graph`: from a name to the module that reads the format."""

import os
from importlib import import_module
from typing import Any

from graphmax.files.deadline import time_limit
from graphmax.files.endings import MODULE_OF, OF_SEVERAL_KINDS, ending_of
from graphmax.files.options import read_options
from graphmax.files.source import opened
from graphmax.graph import Graph


def read_graph(path: str | os.PathLike[str], **options: Any) -> Graph:
    r"""Read a graph from a file that nobody has to trust.

    Nothing in a file is executed, every index is checked before use, and memory follows the bytes
    that are there, not the numbers that they spell.

    Parameters
    ----------
    path : str or path
        The file; its ending decides the format: edge lists as .csv, .tsv, .txt, .edges,
        .edgelist, .snap; tables as .parquet; .graphml, .gexf, .gml, .net or .pajek, .json
        (node-link or Cytoscape), .cyjs, .mtx (Matrix Market), .graph or .metis, .npz (of
        `write_graph` or SciPy), .pt (a PyG ``Data``), meshes as .off, .ply (trimesh) and .obj,
        images as .png, .tif, .npy. Each may be compressed, with .gz behind it.
    **options : optional
        ``format``: an ending that decides instead.
        ``directed``: True or False instead of what the file says; files are undirected unless
        they say otherwise.
        ``nodes``: the node table of an edge table (.csv, .tsv, .txt, .parquet); by default
        ``a.nodes.csv`` beside ``a.csv`` where there is one; False for none.
        ``src``, ``dst``, ``weight``, ``id``: the columns (names, or places from 0) of the two
        ends, the weight (False: leave it out) and the key of the node table. By default ``src``
        and ``dst``, else ``source`` and ``target``, else the first two; ``weight`` where there is
        one; ``id``, else ``node``, else the first.
        ``connectivity``: which pixels of an image touch, as in `grid_graph`.
        ``header``, ``delimiter``: whether a text table has a header, and what splits its fields;
        by default found out from its first lines.
        ``max_bytes``, ``max_ratio``, ``max_nodes``, ``max_depth``, ``max_seconds``: the largest
        size and ratio of decompressed data (64 GiB and 200), the most nodes (what the bytes
        account for), the deepest nesting (100) and the longest time (none).

    Returns
    -------
    Graph
        Ids are its labels: int64 where all are integers, else text. Nodes come in the order of
        the node table or the file's own list of nodes, else sorted by id. Node columns are its
        attributes, missing entries masked.

    Raises
    ------
    GraphFileError
        If the file does not hold what it must; with the line where there is one.
    FileNotFoundError
        If there is no such file.
    TypeError
        If an option is not one of those above.

    Notes
    -----
    Lines that start with ``#`` are comments; ``# Directed graph``, as SNAP writes it, counts.
    Blanks around the fields of a text table are dropped unless it uses quotation marks. Integers
    keep every digit: a column of numbers that neither int64, uint64 nor float64 holds exactly
    stays text, and so do ids such as ``007``. Float ids, and 1, 1.0, true mixed, are refused.
    GML and Pajek name nodes by their labels where each node has its own. A Pajek file with arcs
    is directed, its edges go both ways. Matrices and .pt files are undirected where every entry
    has its equal transpose. Meshes have the lengths of edges as weights and the attributes ``x``,
    ``y``, ``z``; images ``value``, or ``red``, ``green``, ``blue``, ``alpha``; METIS ``weight``
    and ``size``. A file that declares more nodes than 4 million and twice its bytes is refused
    unless ``max_nodes`` allows it.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from graphmax import read_graph
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "edges.csv"
    >>> _ = file.write_text("src,dst\nann,bob\nbob,cy\n")
    >>> read_graph(file).labels
    array(['ann', 'bob', 'cy'], dtype=object)
    """
    chosen = read_options(options)
    name = os.fspath(path)
    with time_limit(name, chosen), opened(name, chosen) as source:
        ending = ending_of(name, chosen.format)
        name_of_module = MODULE_OF[ending]
        module = import_module(f"graphmax.files.{name_of_module}")
        kind = {"kind": ending} if name_of_module in OF_SEVERAL_KINDS else {}
        graph: Graph = module.read(source, chosen, **kind)
    return graph
