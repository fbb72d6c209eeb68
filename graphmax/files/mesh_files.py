"""Meshes: vertices are nodes, sides of faces edges, their lengths weights.

OFF and PLY come through trimesh, which cuts faces of more than three corners into triangles, whose
sides all become edges. OBJ is read by hand: trimesh leaves out vertices that no face uses, and
doubles a vertex that has two textures. No other file is opened.
"""

import io
import re
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from graphmax.convert import as_graph
from graphmax.files.building import check_count
from graphmax.files.errors import GraphFileError, refusal
from graphmax.files.opening import ReadOptions, Source, decoded_text, number
from graphmax.graph import Graph

_PLY_COUNT = re.compile(rb"^element[ \t]+\w+[ \t]+(\d+)", re.MULTILINE)
_OFF_COUNT = re.compile(rb"\s*(?:\w*OFF)?\s*(?:#[^\n]*\n\s*)*(\d+)\s+(\d+)")
_HEAD = 2**16


def read(source: Source, options: ReadOptions) -> Graph:
    """Read a mesh; ``weight=False`` leaves the lengths out."""
    return _read_obj(source, options) if source.kind == "obj" else _read_faces(source, options)


def _read_faces(source: Source, options: ReadOptions) -> Graph:
    kind = source.kind
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


@dataclass
class _Mesh:
    source: Source
    line: int = 0
    places: list[tuple[float, ...]] = field(default_factory=list)
    sides: list[tuple[int, int]] = field(default_factory=list)

    def refusal(self, rule: str, got: str) -> GraphFileError:
        return refusal(self.source.name, rule, got, line=self.line)

    def take(self, words: list[str]) -> None:
        """Take one line; normals, textures, groups and materials say nothing about the graph."""
        if words[0] == "v":
            place = [number(word) for word in words[1:4]]
            if len(place) < 3 or None in place:
                raise self.refusal("give every vertex three coordinates", " ".join(words)[:40])
            self.places.append(tuple(map(float, place)))
        elif words[0] in ("f", "l"):
            nodes = [self.node(word) for word in words[1:]]
            self.sides.extend(pairwise(nodes))
            if words[0] == "f" and len(nodes) > 2:
                self.sides.append((nodes[-1], nodes[0]))

    def node(self, word: str) -> int:
        """Return a node from 0; OBJ counts from 1, or backwards from -1."""
        place = number(word.partition("/")[0])
        count = len(self.places)
        if type(place) is not int or not (1 <= place <= count or -count <= place <= -1):
            raise self.refusal(f"name vertices from 1 to {count}", word[:40])
        return place - 1 if place > 0 else count + place


def _read_obj(source: Source, options: ReadOptions) -> Graph:
    mesh = _Mesh(source)
    for mesh.line, text in enumerate(decoded_text(source).splitlines(), 1):
        words = text.partition("#")[0].split()
        if words:
            mesh.take(words)
    if not mesh.places:
        raise refusal(source.name, "hold vertices", "none")
    check_count(source, options, len(mesh.places))
    if options.directed:
        raise refusal(source.name, "be directed", "a mesh")
    places = np.array(mesh.places)
    ends = np.array(mesh.sides, np.int64).reshape(-1, 2)
    try:
        return Graph.from_edges(
            ends[:, 0],
            ends[:, 1],
            len(places),
            weights=None if options.weight is False else _lengths(places, ends),
            attributes={name: places[:, axis] for axis, name in enumerate("xyz")},
        )
    except ValueError as error:
        raise GraphFileError(f"{error} in {source.name}", path=source.name) from error


def _lengths(places: np.ndarray, ends: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        lengths: np.ndarray = np.linalg.norm(places[ends[:, 0]] - places[ends[:, 1]], axis=1)
    return lengths
