"""`read_graphs`: a folder of many graphs."""

import os
from pathlib import Path
from typing import Any

from graphmax.files.endings import MODULE_OF, plain_suffix
from graphmax.files.errors import refusal
from graphmax.files.reading import read_graph
from graphmax.graph import Graph


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
    known = plain_suffix(name) in MODULE_OF and not name.startswith(".")
    return known and not file.is_dir() and ".nodes." not in name
