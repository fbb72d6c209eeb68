"""`read_graph` and `read_graphs`; and the formats, one row each: endings, first bytes, functions.

Everything that is said about formats is made from these rows: the docstring of `read_graph`, the
table of the README (``python -m graphmax.files.reading`` prints it), help texts and errors. A new
format is a function of a source and options in a module of its kind, and one row here.
"""

import os
import re
import textwrap
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any

from graphmax.files.errors import refusal
from graphmax.files.opening import (
    FileChangedError,
    ReadOptions,
    Source,
    check_seal,
    opened,
    placed,
    read_options,
)
from graphmax.graph import Graph
from graphmax.machine import check_room

# How many of the first bytes are looked at.
HEAD = 4096
_TABLE_OPTIONS = ("nodes", "src", "dst", "weight", "id")
_TEXT_OPTIONS = (*_TABLE_OPTIONS, "header", "delimiter")


@dataclass(frozen=True)
class Format:
    """A format of graph files.

    `function` reads a source with options, as ``module.name``; the module also holds
    ``write(graph, file)`` where `writes` says so.
    `attributes`, `weights` and `traps` say in a few words what becomes what. `start` is a pattern
    of the first bytes that no other format has; `is_table` tells edge tables, which may have a
    node table beside them.
    """

    name: str
    endings: tuple[str, ...]
    function: str
    attributes: str
    weights: str
    traps: str = ""
    start: bytes | None = None
    writes: bool = False
    is_table: bool = False
    options: tuple[str, ...] = ("weight",)

    def reader(self) -> Any:
        """Return the function that reads a `Source`."""
        module, _, name = self.function.partition(".")
        return getattr(import_module(f"graphmax.files.{module}"), name)

    def writer(self) -> Any:
        """Return the function that writes a graph to a file."""
        module, _, _ = self.function.partition(".")
        return import_module(f"graphmax.files.{module}").write


FORMATS = (
    Format(
        "edge list",
        ("csv", "tsv", "txt", "edges", "edgelist", "ncol", "snap"),
        "edge_tables.read",
        "columns of the node table",
        "column weight",
        "node table a.nodes.csv beside a.csv; only .csv is written",
        is_table=True,
        options=_TEXT_OPTIONS,
    ),
    Format(
        "Parquet edge table",
        ("parquet",),
        "edge_tables.read",
        "columns of the node table",
        "column weight",
        "node table a.nodes.parquet beside a.parquet",
        start=rb"PAR1",
        is_table=True,
        options=_TABLE_OPTIONS,
    ),
    Format(
        "adjacency matrix",
        ("matrix",),
        "table_layout.read_matrix",
        "none",
        "entries, none where all are 0 or 1",
        "told by its shape in .csv, .tsv, .txt; of .npy with format='matrix'",
        options=("weight", "delimiter"),
    ),
    Format(
        "GraphML",
        ("graphml", "graphmlz"),
        "xml_graphs.read_graphml",
        "data of nodes",
        "edge data weight",
        start=rb"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*<(\w+:)?graphml\b",
        writes=True,
    ),
    Format(
        "GEXF",
        ("gexf",),
        "xml_graphs.read_gexf",
        "attributes of nodes",
        "weight, 1 where some lack it",
        "values that change over time are left out",
        start=rb"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*<(\w+:)?gexf\b",
    ),
    Format(
        "GML",
        ("gml",),
        "text_graphs.read_gml",
        "keys of nodes",
        "key weight of edges",
        "labels are the ids where each node has its own",
        start=rb"\s*(#[^\n]*\s+|\w+ +\"[^\"]*\"\s+)*graph\s*\[",
    ),
    Format(
        "Pajek",
        ("net", "pajek", "paj"),
        "pajek.read",
        "x, y, z, partitions and vectors",
        "values of lines",
        "with arcs the graph is directed, its edges go both ways; of several relations --relation",
        start=rb"\s*\*(network|vertices)\b",
    ),
    Format(
        "JSON (node-link, adjacency, D3, Cytoscape, graphology, vis.js, JSON Graph, GraphSON)",
        ("json", "cyjs"),
        "json_graphs.read",
        "keys of nodes",
        "key weight of edges",
        start=rb"\s*(\{\s*\"|\[\s*\{)",
        writes=True,
    ),
    Format(
        "Matrix Market",
        ("mtx",),
        "scientific_files.read_matrix_market",
        "none",
        "entries",
        "undirected where symmetric",
        start=rb"%{1,2}MatrixMarket",
    ),
    Format(
        "METIS",
        ("graph", "metis"),
        "neighbor_lists.read_metis",
        "weight, size",
        "weights of edges",
    ),
    Format(
        "DOT",
        ("dot", "gv"),
        "text_graphs.read_dot",
        "attributes of nodes",
        "attribute weight of edges",
        "subgraphs are flattened",
        start=rb"\s*(//[^\n]*\n\s*|/\*.*?\*/\s*)*(strict\s+)?(di)?graph\b[^\[]*?\{",
    ),
    Format(
        "neighbor lists (adjacency list, SIF, GAL, GWT)",
        ("adjlist", "sif", "gal", "gwt"),
        "neighbor_lists.read",
        "none",
        "distances of .gwt",
        "a line of .sif is a node, a relation, its targets",
    ),
    Format(
        "graph6, sparse6, digraph6",
        ("g6", "s6", "d6", "graph6", "sparse6"),
        "neighbor_lists.read_graph6",
        "none",
        "none",
        "one graph in a file",
        start=rb">>(graph6|sparse6|digraph6)<<",
    ),
    Format(
        "NPZ (graphmax, SciPy, adj_data)",
        ("npz",),
        "array_files.read",
        "as written",
        "as written; entries of a matrix",
        writes=True,
    ),
    Format(
        "PyG Data",
        ("pt",),
        "array_files.read_torch",
        "tensors with one entry per node",
        "edge_weight",
        "undirected where symmetric",
    ),
    Format(
        "mesh",
        ("off", "ply", "obj", "stl"),
        "mesh_files.read",
        "x, y, z, scalars of vertices in .ply",
        "lengths of sides",
        "corners of .stl at one place are one vertex",
        start=rb"\s*(OFF|ply)\s",
    ),
    Format(
        "GIfTI surface, AnnData, MATLAB",
        ("gii", "h5ad", "mat"),
        "scientific_files.read",
        "x, y, z; columns of obs; none",
        "lengths of sides; none; entries",
        "of several matrices in .mat --relation; .h5ad needs anndata",
        start=rb"\s*(<\?xml[^>]*>\s*)?(<!DOCTYPE[^>]*>\s*)?<GIFTI\b|MATLAB 5|\x89HDF",
        options=("weight", "relation"),
    ),
    Format(
        "image, array, ESRI grid",
        ("png", "tif", "tiff", "npy", "asc"),
        "image_files.read",
        "value, or red, green, blue, alpha",
        "none",
        "pixels are nodes, neighbors touch; nodata is missing",
        start=rb"\x89PNG|II\*\0|MM\0\*|\x93NUMPY",
        options=("connectivity",),
    ),
)
FORMAT_OF = {ending: row for row in FORMATS for ending in row.endings}
# Tables that are written as a pair, edges and nodes.
PAIR_ENDINGS = ("csv", "parquet")


def ending_of(name: str, asked: str | None = None, head: bytes = b"") -> str:
    """Return the ending that decides the format, without the dot and without ``.gz``.

    Of a name whose ending nobody knows the first bytes decide, where they can.
    """
    if asked is not None:
        ending = asked.lower().removeprefix(".")
        if ending in FORMAT_OF:
            return ending
        raise ValueError(f"`format` must be one of {known_endings()}, got {asked!r}")
    ending = plain_suffix(name.lower())
    if ending in FORMAT_OF:
        return ending
    if re.match(r"out\.", Path(name).name) or re.match(rb"%\s*(sym|asym|bip)\b", head):
        return "edges"  # KONECT
    for row in FORMATS:
        if row.start is not None and re.match(row.start, head, re.IGNORECASE | re.DOTALL):
            return _ending_by_start(row, head)
    if is_edge_list(head):
        return "txt"
    usual = [row.endings[0] for row in FORMATS[:5]]
    some = dict.fromkeys([*usual, *get_close_matches(ending, FORMAT_OF, n=3)])
    raise refusal(
        name,
        f"end in one of {', '.join(f'.{known}' for known in some)} ({len(FORMAT_OF)} in all)",
        f"the ending {'.' + ending[:20] if ending else 'none'}",
        way_out="pass format (--format)",
    )


_FIELD = re.compile(rb"[ \t]*[,;|\t][ \t]*|[ \t]+")
_MOST_FIELDS = 4


def is_edge_list(head: bytes) -> bool:
    """Say whether the first lines, without comments, are rows of two to four fields, ids first.

    The first two are whole numbers everywhere; the first line may name the columns.
    """
    lines = [line.strip() for line in head.splitlines()]
    lines = lines[:-1] if len(head) == HEAD else lines
    rows = [_FIELD.split(line) for line in lines if line and line[:1] not in b"#%/"]
    if rows and not any(cell.lstrip(b"+-").isdigit() for cell in rows[0]):
        rows = rows[1:]
    return (
        len(rows) > 1
        and len({len(row) for row in rows}) == 1
        and 2 <= len(rows[0]) <= _MOST_FIELDS
        and all(cell.isdigit() for row in rows for cell in row[:2])
    )


def _ending_by_start(row: Format, head: bytes) -> str:
    """Return which ending of a row the first bytes speak of."""
    if row.name == "mesh":
        return "ply" if head.lstrip()[:3].lower() == b"ply" else "off"
    if row.name == "GIfTI surface, AnnData, MATLAB":
        return {b"MA": "mat", b"\x89H": "h5ad"}.get(head[:2], "gii")
    if row.name == "image, array, ESRI grid":
        return {b"\x89P": "png", b"\x93N": "npy"}.get(head[:2], "tif")
    return row.endings[0]


def plain_suffix(name: str) -> str:
    """Return the ending of a lower-case name without the dot and without ``.gz``."""
    return Path(name.removesuffix(".gz")).suffix.removeprefix(".")


def known_endings() -> str:
    """List the endings that `read_graph` knows."""
    return ", ".join(f".{ending}" for ending in sorted(FORMAT_OF))


def written_endings() -> str:
    """List the endings that `write_graph` knows."""
    single = [row.endings[0] for row in FORMATS if row.writes]
    return ", ".join(f".{ending}" for ending in (*single, *PAIR_ENDINGS))


def listed_formats() -> str:
    """Return one sentence with every format and its endings: "edge list (.csv, .tsv), ..."."""
    rows = (f"{row.name} ({', '.join('.' + ending for ending in row.endings)})" for row in FORMATS)
    return ", ".join(rows)


def nodes_name(name: str) -> str:
    """Return the name of the node table of an edge table: ``a.csv`` has ``a.nodes.csv``."""
    packed = name[len(name) - 3 :] if name.lower().endswith(".gz") else ""
    path = Path(name.removesuffix(packed))
    return str(path.with_name(f"{path.stem}.nodes{path.suffix}")) + packed


def format_table() -> str:
    """Return the table of formats in Markdown."""
    lines = ["| format | endings | node attributes | weights | written | mind |"]
    lines.append("|---|---|---|---|---|---|")
    for row in FORMATS:
        endings = " ".join(f".{ending}" for ending in row.endings)
        is_written = row.writes or set(row.endings) & set(PAIR_ENDINGS)
        cells = (row.name, endings, row.attributes, row.weights, "yes" if is_written else "")
        lines.append(f"| {' | '.join((*cells, row.traps))} |")
    return "\n".join(lines)


# --- `read_graph` and `read_graphs`: from a name to the module that reads the format

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


if __name__ == "__main__":
    print(format_table())  # noqa: T201 - that is what it is called for
