"""OFF and PLY meshes through trimesh: vertices are nodes, lengths of edges weights.

trimesh cuts faces of more than three corners into triangles, whose sides all become edges.
"""

import io
import re
from typing import Any

from graphmax.convert import as_graph
from graphmax.files.assemble import check_count
from graphmax.files.errors import GraphFileError, refusal
from graphmax.files.options import ReadOptions
from graphmax.files.source import Source
from graphmax.graph import Graph

_PLY_COUNT = re.compile(rb"^element[ \t]+\w+[ \t]+(\d+)", re.MULTILINE)
_OFF_COUNT = re.compile(rb"\s*(?:\w*OFF)?\s*(?:#[^\n]*\n\s*)*(\d+)\s+(\d+)")
_HEAD = 2**16


def read(source: Source, options: ReadOptions, *, kind: str = "off") -> Graph:
    """Read a mesh; ``weight=False`` leaves the lengths out."""
    try:
        import trimesh
    except ImportError:
        raise ImportError("`path` must not be a mesh where trimesh is not installed; "
                          "run pip install trimesh") from None  # fmt: skip
    _check_counts(source, options, kind)
    try:
        mesh = trimesh.load(
            io.BytesIO(source.read()), file_type=kind, force="mesh", process=False,
        )  # fmt: skip
    except Exception as error:  # noqa: BLE001 - trimesh raises whatever its code trips over
        raise _flawed(source, kind, error) from None
    return _graph(mesh, source, options, kind)


def _graph(mesh: Any, source: Source, options: ReadOptions, kind: str) -> Graph:
    try:
        if len(mesh.vertices) == 0:
            raise refusal(source.name, "hold vertices", "none")
        check_count(source, options, len(mesh.vertices))
        graph = as_graph(mesh, weight=None if options.weight is False else "weight")
    except GraphFileError:
        raise
    except ValueError as error:
        raise GraphFileError(f"{error} in {source.name}", path=source.name) from error
    except Exception as error:  # noqa: BLE001 - a mesh builds its edges on demand
        raise _flawed(source, kind, error) from None
    if options.directed:
        raise refusal(source.name, "be directed", "a mesh")
    return graph


def _flawed(source: Source, kind: str, error: Exception) -> GraphFileError:
    reason = str(error).partition("\n")[0][:80] or type(error).__name__
    return refusal(source.name, f"be a valid {kind.upper()} mesh", f"a flaw ({reason})")


def _check_counts(source: Source, options: ReadOptions, kind: str) -> None:
    """Hold the declared counts against the bytes, before anything is allocated."""
    with source.file.open("rb") as stream:
        head = stream.read(_HEAD)
    if kind == "off":
        found = _OFF_COUNT.match(head)
        counts = [] if found is None else [found[1], found[2]]
    else:
        counts = _PLY_COUNT.findall(head.partition(b"end_header")[0]) if kind == "ply" else []
    for count in counts:
        if len(count) > 18 or int(count) > source.size:
            shown = count[:20].decode()
            raise refusal(source.name, f"hold {shown} elements as declared", f"{source.size} bytes")
    if counts:
        check_count(source, options, int(counts[0]))
