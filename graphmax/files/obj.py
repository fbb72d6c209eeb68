"""OBJ meshes, read by hand: trimesh leaves out vertices that no face uses.

It also doubles a vertex that has two textures. Here a line ``v`` is a node, the sides of faces
and the steps of lines are edges, their lengths the weights; no other file is opened.
"""

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from graphmax.files.assemble import check_count
from graphmax.files.errors import GraphFileError, refusal
from graphmax.files.options import ReadOptions
from graphmax.files.source import Source
from graphmax.files.text_file import decoded_text, number
from graphmax.graph import Graph


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


def read(source: Source, options: ReadOptions) -> Graph:
    """Read the vertices and the sides of an OBJ mesh."""
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
