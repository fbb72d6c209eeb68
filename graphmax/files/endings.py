"""Names of graph files: which ending means which format, and where a node table lies."""

from pathlib import Path

from graphmax.files.errors import refusal

_MODULES = {
    "edge_list": ("csv", "tsv", "txt", "edges", "edgelist", "snap"),
    "parquet": ("parquet",),
    "graphml": ("graphml",),
    "npz": ("npz",),
    "gexf": ("gexf",),
    "gml": ("gml",),
    "pajek": ("net", "pajek"),
    "json_file": ("json", "cyjs"),
    "matrix_market": ("mtx",),
    "metis": ("graph", "metis"),
    "torch_file": ("pt",),
    "mesh": ("off", "ply"),
    "obj": ("obj",),
    "picture": ("png", "tif", "tiff", "npy"),
}
MODULE_OF = {ending: module for module, endings in _MODULES.items() for ending in endings}
# Formats of which one module reads several: it is told the ending.
OF_SEVERAL_KINDS = ("edge_list", "mesh", "picture")


def ending_of(name: str, asked: str | None = None) -> str:
    """Return the ending that decides the format, without the dot and without ``.gz``."""
    if asked is not None:
        ending = asked.lower().removeprefix(".")
        if ending in MODULE_OF:
            return ending
        raise ValueError(f"`format` must be one of {known_endings()}, got {asked!r}")
    ending = plain_suffix(name.lower())
    if ending not in MODULE_OF:
        raise refusal(
            name,
            f"end in one of {known_endings()}",
            f"the ending {'.' + ending if ending else 'none'}",
            way_out="pass format",
        )
    return ending


def plain_suffix(name: str) -> str:
    """Return the ending of a lower-case name without the dot and without ``.gz``."""
    return Path(name.removesuffix(".gz")).suffix.removeprefix(".")


def known_endings() -> str:
    """List the endings that `read_graph` knows."""
    return ", ".join(f".{ending}" for ending in sorted(MODULE_OF))


def nodes_name(name: str) -> str:
    """Return the name of the node table of an edge table: ``a.csv`` has ``a.nodes.csv``."""
    packed = ".gz" if name.lower().endswith(".gz") else ""
    path = Path(name[: len(name) - len(packed)])
    return str(path.with_name(f"{path.stem}.nodes{path.suffix}")) + name[len(name) - len(packed) :]
