"""Names of graph files: which ending means which format, and where a node table lies."""

from pathlib import Path

from graphmax.files.errors import refusal

_MODULES = {
    "edge_list": ("csv", "tsv", "txt", "edges", "edgelist", "snap"),
    "parquet": ("parquet",),
    "graphml": ("graphml",),
    "npz": ("npz",),
}
MODULE_OF = {ending: module for module, endings in _MODULES.items() for ending in endings}
TEXT_ENDINGS = _MODULES["edge_list"]


def ending_of(name: str, asked: str | None = None) -> str:
    """Return the ending that decides the format, without the dot and without ``.gz``."""
    if asked is not None:
        ending = asked.lower().removeprefix(".")
        if ending in MODULE_OF:
            return ending
        raise ValueError(f"`format` must be one of {known_endings()}, got {asked!r}")
    ending = Path(name.lower().removesuffix(".gz")).suffix.removeprefix(".")
    if ending not in MODULE_OF:
        raise refusal(
            name,
            f"end in one of {known_endings()}",
            f"the ending {'.' + ending if ending else 'none'}",
            way_out="pass format",
        )
    return ending


def known_endings() -> str:
    """List the endings that `read_graph` knows."""
    return ", ".join(f".{ending}" for ending in sorted(MODULE_OF))


def nodes_name(name: str) -> str:
    """Return the name of the node table of an edge table: ``a.csv`` has ``a.nodes.csv``."""
    packed = ".gz" if name.lower().endswith(".gz") else ""
    path = Path(name[: len(name) - len(packed)])
    return str(path.with_name(f"{path.stem}.nodes{path.suffix}")) + name[len(name) - len(packed) :]
