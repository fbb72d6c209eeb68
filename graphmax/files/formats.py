"""The formats of graph files, one row each: endings, first bytes, reader, writer, options.

Everything that is said about formats is made from these rows: the docstring of `read_graph`, the
table of the README (``python -m graphmax.files.formats`` prints it), help texts and errors. A new
format is one module with a function ``read(source, options)`` and one row here.
"""

import re
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Any

from graphmax.files.errors import refusal

# How many of the first bytes are looked at.
HEAD = 4096
_TABLE_OPTIONS = ("nodes", "src", "dst", "weight", "id")
_TEXT_OPTIONS = (*_TABLE_OPTIONS, "header", "delimiter")


@dataclass(frozen=True)
class Format:
    """A format of graph files.

    `module` holds ``read(source, options)`` and, where `writes` says so, ``write(graph, file)``.
    `attributes`, `weights` and `traps` say in a few words what becomes what. `start` is a pattern
    of the first bytes that no other format has; `is_table` tells edge tables, which may have a
    node table beside them.
    """

    name: str
    endings: tuple[str, ...]
    module: str
    attributes: str
    weights: str
    traps: str = ""
    start: bytes | None = None
    writes: bool = False
    is_table: bool = False
    options: tuple[str, ...] = ("weight",)

    def reader(self) -> Any:
        """Return the function that reads a `Source`."""
        return import_module(f"graphmax.files.{self.module}").read

    def writer(self) -> Any:
        """Return the function that writes a graph to a file."""
        return import_module(f"graphmax.files.{self.module}").write


FORMATS = (
    Format(
        "edge list",
        ("csv", "tsv", "txt", "edges", "edgelist", "ncol", "snap"),
        "edge_tables",
        "columns of the node table",
        "column weight",
        "node table a.nodes.csv beside a.csv; only .csv is written",
        is_table=True,
        options=_TEXT_OPTIONS,
    ),
    Format(
        "Parquet edge table",
        ("parquet",),
        "edge_tables",
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
        "matrix_tables",
        "none",
        "entries, none where all are 0 or 1",
        "told by its shape in .csv, .tsv, .txt; of .npy with format='matrix'",
        options=("weight", "delimiter"),
    ),
    Format(
        "GraphML",
        ("graphml", "graphmlz"),
        "graphml",
        "data of nodes",
        "edge data weight",
        start=rb"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*<(\w+:)?graphml\b",
        writes=True,
    ),
    Format(
        "GEXF",
        ("gexf",),
        "gexf",
        "attributes of nodes",
        "weight, 1 where some lack it",
        "values that change over time are left out",
        start=rb"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*<(\w+:)?gexf\b",
    ),
    Format(
        "GML",
        ("gml",),
        "gml",
        "keys of nodes",
        "key weight of edges",
        "labels are the ids where each node has its own",
        start=rb"\s*(#[^\n]*\s+|\w+ +\"[^\"]*\"\s+)*graph\s*\[",
    ),
    Format(
        "Pajek",
        ("net", "pajek", "paj"),
        "pajek",
        "x, y, z, partitions and vectors",
        "values of lines",
        "with arcs the graph is directed, its edges go both ways; of several relations --relation",
        start=rb"\s*\*(network|vertices)\b",
    ),
    Format(
        "JSON (node-link, adjacency, D3, Cytoscape, graphology, vis.js, JSON Graph, GraphSON)",
        ("json", "cyjs"),
        "json_graphs",
        "keys of nodes",
        "key weight of edges",
        start=rb"\s*(\{\s*\"|\[\s*\{)",
        writes=True,
    ),
    Format(
        "Matrix Market",
        ("mtx",),
        "matrix_market",
        "none",
        "entries",
        "undirected where symmetric",
        start=rb"%{1,2}MatrixMarket",
    ),
    Format(
        "METIS",
        ("graph", "metis"),
        "metis",
        "weight, size",
        "weights of edges",
    ),
    Format(
        "DOT",
        ("dot", "gv"),
        "dot",
        "attributes of nodes",
        "attribute weight of edges",
        "subgraphs are flattened",
        start=rb"\s*(//[^\n]*\n\s*|/\*.*?\*/\s*)*(strict\s+)?(di)?graph\b[^\[]*?\{",
    ),
    Format(
        "neighbor lists (adjacency list, SIF, GAL, GWT)",
        ("adjlist", "sif", "gal", "gwt"),
        "neighbor_lists",
        "none",
        "distances of .gwt",
        "a line of .sif is a node, a relation, its targets",
    ),
    Format(
        "graph6, sparse6, digraph6",
        ("g6", "s6", "d6", "graph6", "sparse6"),
        "graph6",
        "none",
        "none",
        "one graph in a file",
        start=rb">>(graph6|sparse6|digraph6)<<",
    ),
    Format(
        "NPZ (graphmax, SciPy, adj_data)",
        ("npz",),
        "npz",
        "as written",
        "as written; entries of a matrix",
        writes=True,
    ),
    Format(
        "PyG Data",
        ("pt",),
        "torch_files",
        "tensors with one entry per node",
        "edge_weight",
        "undirected where symmetric",
    ),
    Format(
        "mesh",
        ("off", "ply", "obj", "stl"),
        "mesh_files",
        "x, y, z, scalars of vertices in .ply",
        "lengths of sides",
        "corners of .stl at one place are one vertex",
        start=rb"\s*(OFF|ply)\s",
    ),
    Format(
        "GIfTI surface, AnnData, MATLAB",
        ("gii", "h5ad", "mat"),
        "scientific_files",
        "x, y, z; columns of obs; none",
        "lengths of sides; none; entries",
        "of several matrices in .mat --relation; .h5ad needs anndata",
        start=rb"\s*(<\?xml[^>]*>\s*)?(<!DOCTYPE[^>]*>\s*)?<GIFTI\b|MATLAB 5|\x89HDF",
        options=("weight", "relation"),
    ),
    Format(
        "image, array, ESRI grid",
        ("png", "tif", "tiff", "npy", "asc"),
        "image_files",
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


if __name__ == "__main__":
    print(format_table())  # noqa: T201 - that is what it is called for
