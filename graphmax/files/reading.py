"""`read_graph` and `read_graphs`: from a name to the module that reads the format."""

import os
import textwrap
from dataclasses import replace
from pathlib import Path
from typing import Any

from graphmax.files.errors import refusal
from graphmax.files.formats import FORMAT_OF, ending_of, listed_formats, plain_suffix
from graphmax.files.opening import opened, read_options
from graphmax.graph import Graph


def read_graph(path: str | os.PathLike[str], **options: Any) -> Graph:
    r"""Read a graph from a file that nobody has to trust.

    Nothing in a file is executed, every index is checked before use, and memory follows the bytes
    that are there, not the numbers that they spell.

    Parameters
    ----------
    path : str or path
        The file; its ending decides the format: FORMATS.
        Each may be compressed, with .gz behind it.
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
    with opened(name, chosen) as source:
        ending = ending_of(name, chosen.format, source.head())
        row = FORMAT_OF[ending]
        try:
            graph: Graph = row.reader()(replace(source, kind=ending), chosen)
        except (MemoryError, RecursionError) as error:
            got = "a larger file" if isinstance(error, MemoryError) else "deeper nesting"
            raise refusal(name, "fit into memory", got) from None
        source.check_time()
    return graph


def _with_formats(docstring: str | None) -> str | None:
    """Put the list of formats where a docstring says FORMATS."""
    if docstring is None:  # python -OO
        return None
    start = " " * 8
    sentence = textwrap.fill(f"{start}{listed_formats()}.", 100, subsequent_indent=start)
    before, _, after = docstring.partition("FORMATS.\n")
    return f"{before.rstrip()}\n{sentence}\n{after}"


read_graph.__doc__ = _with_formats(read_graph.__doc__)


def read_graphs(path: str | os.PathLike[str], **options: Any) -> list[Graph]:
    """Read every graph file of a folder.

    Parameters
    ----------
    path : str or path
        The folder. Files with an ending that `read_graph` knows are read; node tables
        (``a.nodes.csv``) belong to their edges; names that start with a dot are left out.
    **options : optional
        What `read_graph` takes, for every file.

    Returns
    -------
    list of Graph
        In the order of the file names.

    Raises
    ------
    GraphFileError
        If the folder holds no graph file, or one of them does not hold what it must.
    FileNotFoundError
        If there is no such folder.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from graphmax import Graph, write_graph
    >>> from graphmax.files import read_graphs
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> for n in (2, 3):
    ...     write_graph(Graph.from_edges([0], [1], n), folder / f"{n}.npz")
    >>> [graph.num_nodes for graph in read_graphs(folder)]
    [2, 3]
    """
    folder = Path(os.fspath(path))
    if not folder.exists():
        raise FileNotFoundError(f"`path` must name an existing folder, got {folder}")
    if not folder.is_dir():
        raise refusal(str(folder), "name a folder", "a file", way_out="read_graph reads a file")
    files = sorted(file for file in folder.iterdir() if _is_graph(file))
    if not files:
        raise refusal(str(folder), "hold graph files", "none")
    return [read_graph(file, **options) for file in files]


def _is_graph(file: Path) -> bool:
    name = file.name.lower()
    known = plain_suffix(name) in FORMAT_OF and not name.startswith(".")
    return known and not file.is_dir() and ".nodes." not in name
