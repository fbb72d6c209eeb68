"""`read_graph` and `read_graphs`: from a name to the module that reads the format."""

import os
import textwrap
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from graphmax.files.errors import refusal
from graphmax.files.formats import FORMAT_OF, HEAD, ending_of, listed_formats, plain_suffix
from graphmax.files.metadata import check_seal, placed
from graphmax.files.opening import FileChangedError, ReadOptions, Source, opened, read_options
from graphmax.graph import Graph
from graphmax.machine import check_room

# What every reader but those of tables takes at its peak; measured: from 3.2 (NPZ) to 30 (DOT).
_LEAST_MEMORY_PER_BYTE = 3


@dataclass(frozen=True)
class FileSource:
    """How a file was read: what `graph.source` holds.

    Parameters
    ----------
    path : str
        The file, as the caller named it.
    format : str
        The format that it was read as.
    facts : mapping of str to str, bool or list of str
        What was found in a table: its columns, header and delimiter; what became a length.
    remarks : tuple of str
        What was guessed, and what could not be taken.
    plain : bool
        Whether there is nothing to say.

    Examples
    --------
    >>> print(FileSource("a.csv", "edge list", {"source": "column 2 'u'"}, ("undirected",), False))
    a.csv: source = column 2 'u', undirected
    """

    path: str
    format: str
    facts: Mapping[str, Any]
    remarks: tuple[str, ...]
    plain: bool

    def __str__(self) -> str:
        facts = {name: fact for name, fact in self.facts.items() if name not in _SHORT}
        parts = [f"{name} = {_words(fact)}" for name, fact in facts.items()]
        if "header" in self.facts:
            parts.append("header" if self.facts["header"] else "no header")
        parts += [
            str(self.facts[name]) for name in ("delimiter", "direction") if self.facts.get(name)
        ]
        remarks = [_cut(remark, _LONGEST_REMARK) for remark in self.remarks[:_MOST_REMARKS]]
        if len(self.remarks) > _MOST_REMARKS:
            remarks.append(f"{len(self.remarks) - _MOST_REMARKS} more remarks (--json)")
        return f"{Path(self.path).name}: {', '.join((*parts, *remarks))}"

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain values, for JSON."""
        names = {name.replace(" ", "_"): fact for name, fact in self.facts.items()}
        return {"path": self.path, "format": self.format, **names, "remarks": list(self.remarks)}

    def __reduce__(self) -> tuple[Any, ...]:
        return FileSource, (self.path, self.format, dict(self.facts), self.remarks, self.plain)


_SHORT = ("header", "delimiter", "direction")
# How often a file is read that is written meanwhile.
_TRIES = 4


# How much a line on a terminal says; `to_dict` has all of it.
_MOST_ITEMS, _MOST_REMARKS, _LONGEST_FACT, _LONGEST_REMARK = 3, 3, 40, 120


def _words(fact: Any) -> str:
    """Return a fact in a few words."""
    items = [
        _cut(str(item), _LONGEST_FACT) for item in (fact if isinstance(fact, list) else [fact])
    ]
    if len(items) > _MOST_ITEMS + 1:
        items = [*items[:_MOST_ITEMS], f"{len(items) - _MOST_ITEMS} more"]
    return " and ".join(items)


def _cut(text: str, most: int) -> str:
    """Cut a text in the middle, so that its end is seen too."""
    keep = (most - 3) // 2
    return text if len(text) <= most else f"{text[:keep]}...{text[-keep:]}"


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
        ends, the weight (False: leave it out) and the key of the node table. By default known
        names of ends (``src`` and ``dst``, ``source`` and ``target``, ``from`` and ``to``,
        ``node1`` and ``node2``, ...), else what the first rows tell, else the first two;
        ``weight``, ``length``, ``distance`` or ``cost`` where there is one; ``id``, else
        ``node``, else the first.
        ``header``, ``delimiter``, ``encoding``, ``missing``: whether a text table has a header,
        what splits its fields (both found out from its first lines by default), its encoding
        (UTF-8), and words that mean a missing entry ("NA,N/A").
        ``add_nodes``: add nodes that edges name and the list of nodes lacks, without values.
        ``bipartite``: the two ends are ids of two separate sets.
        ``relation``: which one, in a file of several.
        ``connectivity``: which pixels of an image touch, as in `grid_graph`.
        ``max_bytes``, ``max_ratio``, ``max_nodes``, ``max_depth``, ``max_seconds``: the largest
        size and ratio of decompressed data (64 GiB and 200), the most nodes (what the bytes
        account for), the deepest nesting (100) and the longest time (none).

    Returns
    -------
    Graph
        Ids are its labels: int64 where all are integers, else text. Nodes come in the order of
        the node table or the file's own list of nodes, else sorted by id. Node columns are its
        attributes, missing entries masked. ``graph.source`` is a `FileSource`: how the file was
        read, ``print(graph.source)`` in one line.

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
    Lines that start with ``#``, ``%`` or ``//`` are comments, unless they have the fields of a
    row and no blank behind the mark: then they are ids such as ``#cat``. ``# Directed graph``, as
    SNAP writes it, counts, and so do Gephi's column ``Type``, KONECT's ``% asym`` and the headers
    of Neo4j. Blanks around the fields of a text table are dropped unless it uses quotation marks.
    Integers keep every digit: a column of numbers that neither int64, uint64 nor float64 holds
    exactly stays text, and so do ids such as ``007``. Ids ``1.0`` are 1; other floats are refused,
    and so are 1 and true mixed. A column of text of which every entry is a number is numbers, in
    every format. A square of numbers of more than four columns is an adjacency matrix; one of
    three or four is refused where it may be either. Weights of which some are missing are left
    out, with a word.
    In formats that list nodes, an edge to one that is not listed is left out, counted and said,
    unless most edges are such; of weights one that is no number leaves all out, with a word.
    GML and Pajek name nodes by their labels where each node has its own. Where arrows and edges
    are mixed the graph is directed, and the edges go both ways. Matrices and .pt files are
    undirected where every entry has its equal transpose. Meshes have the lengths of sides as
    weights and the attributes ``x``, ``y``, ``z``; images ``value``, or ``red``, ``green``,
    ``blue``, ``alpha``; METIS ``weight`` and ``size``. A file that declares more nodes than 4
    million and twice its bytes is refused unless ``max_nodes`` allows it.

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
    for _ in range(_TRIES - 1):
        with suppress(FileChangedError):
            return _read_once(os.fspath(path), chosen)
    return _read_once(os.fspath(path), chosen)


def _read_once(name: str, chosen: ReadOptions) -> Graph:
    """Read a graph, or raise `FileChangedError` where a file was written meanwhile."""
    with opened(name, chosen) as source:
        head = source.head(HEAD)
        ending = ending_of(name, chosen.format, head)
        row = FORMAT_OF[ending]
        if (
            chosen.format is None
            and plain_suffix(name.lower()) not in FORMAT_OF
            and ending == "txt"
        ):
            source.remark("read as an edge list, as its first lines look (--format)")
        try:
            if not row.is_table:  # DuckDB spills what does not fit
                check_room(_LEAST_MEMORY_PER_BYTE * source.size, f"{source.size} bytes of file")
            if row.writes or row.is_table:
                check_seal(source)
            graph: Graph = row.reader()(replace(source, kind=ending), chosen)
        except (MemoryError, RecursionError) as error:
            larger = str(error) or "a larger file"
            got = larger if isinstance(error, MemoryError) else "deeper nesting"
            raise refusal(name, "fit into memory", got) from None
        source.check_time()
        graph = placed(graph, source.facts.pop("metadata", {}))
    return graph.replace(source=_record(source, row.name, graph.directed))


def _record(source: Source, name: str, directed: bool) -> FileSource:
    """Freeze what readers left in the source."""
    facts = dict(source.facts)
    plain = facts.pop("plain", True) and not source.remarks
    if "source" in facts or not plain:
        facts["direction"] = "directed" if directed else "undirected"
    return FileSource(
        source.name, name, MappingProxyType(facts), tuple(source.remarks), bool(plain)
    )


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
