"""Meshes (OFF, PLY, OBJ, STL): vertices are nodes, sides of faces edges, their lengths weights.

Read by hand: trimesh cuts polygons into triangles, whose diagonals become edges, cuts textured
meshes along their seams, leaves out vertices that no face uses, and doubles a vertex that has two
textures. Scalars of vertices are attributes. No other file is opened.
"""

import re
import struct
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.files.building import check_count, graph_of_file
from graphmax.files.errors import refusal
from graphmax.files.opening import ReadOptions, Source, decoded_text, number
from graphmax.graph import Graph

_PLY_TYPES = {
    "char": "i1",
    "int8": "i1",
    "uchar": "u1",
    "uint8": "u1",
    "short": "i2",
    "int16": "i2",
    "ushort": "u2",
    "uint16": "u2",
    "int": "i4",
    "int32": "i4",
    "uint": "u4",
    "uint32": "u4",
    "float": "f4",
    "float32": "f4",
    "double": "f8",
    "float64": "f8",
}
_MOST_CORNERS = 10_000


@dataclass
class Mesh:
    """Places of vertices, the corners of all faces one after the other, and how many each has.

    `steps` are pairs of vertices that are joined without a face.
    """

    places: NDArray[np.float64]
    corners: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    sizes: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    attributes: dict[str, NDArray[Any]] = field(default_factory=dict)
    steps: NDArray[np.int64] = field(default_factory=lambda: np.empty((0, 2), np.int64))

    def sides(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the ends of the sides of all faces: each corner and the one after it."""
        ends = np.cumsum(self.sizes)
        after = np.arange(1, self.corners.size + 1)
        closed = self.sizes > 0
        after[ends[closed] - 1] = (ends - self.sizes)[closed]
        src, dst = self.corners, self.corners[after] if self.corners.size else self.corners
        return np.append(src, self.steps[:, 0]), np.append(dst, self.steps[:, 1])


def read(source: Source, options: ReadOptions) -> Graph:
    """Read a mesh; ``weight=False`` leaves the lengths out."""
    readers = {"off": _read_off, "ply": _read_ply, "obj": _read_obj, "stl": _read_stl}
    return mesh_graph(readers[source.kind](source, options), source, options)


def mesh_graph(mesh: Mesh, source: Source, options: ReadOptions) -> Graph:
    """Return the graph of the sides of a mesh."""
    count = len(mesh.places)
    if count == 0:
        raise refusal(source.name, "hold vertices", "none")
    check_count(source, options, count)
    if options.directed:
        raise refusal(source.name, "be directed", "a mesh")
    src, dst = mesh.sides()
    outside = (src < 0) | (src >= count)
    if outside.any():
        got = str(src[outside.argmax()])
        raise refusal(source.name, f"name vertices from 0 to {count - 1}", got)
    lengths = None
    if options.weight is not False:
        with np.errstate(all="ignore"):
            lengths = np.linalg.norm(mesh.places[src] - mesh.places[dst], axis=1)
        source.facts["length"] = "length of each side"
    attributes = {name: mesh.places[:, axis] for axis, name in enumerate("xyz")}
    attributes.update(mesh.attributes)
    return graph_of_file(source, src, dst, count, weights=lengths, attributes=attributes)


def _flaw(source: Source, kind: str, got: str, line: int | None = None) -> Exception:
    return refusal(source.name, f"be a valid {kind} mesh", got, line=line)


def _read_off(source: Source, options: ReadOptions) -> Mesh:
    """Read OFF: counts, then one line per vertex (behind x, y, z are colors) and per face."""
    text = re.sub(r"#[^\n]*", "", decoded_text(source))
    head = re.match(r"\s*((?:ST)?C?N?4?n?OFF)?(\s+BINARY)?", text)
    if head is None or head[2] or (head[1] and ("4" in head[1] or "n" in head[1])):
        raise _flaw(source, "OFF", "a binary or higher-dimensional one")
    words = text[head.end() :].split(None, 3)
    counts = [number(word) for word in words[:3]]
    if len(counts) < 2 or any(type(count) is not int or count < 0 for count in counts[:2]):
        raise _flaw(source, "OFF", "no counts")
    num_nodes, num_faces = counts[:2]
    if max(num_nodes, num_faces) > source.size:
        most = max(num_nodes, num_faces)
        raise refusal(source.name, f"hold {most} elements as declared", f"{source.size} bytes")
    check_count(source, options, num_nodes)
    rows = [row.split() for row in text[head.end() :].splitlines() if row.strip()]
    first = 1 if len(rows[0]) >= 2 else min(3, len(rows))
    body = rows[first:]
    if len(body) < num_nodes + num_faces:
        raise _flaw(source, "OFF", f"{len(body)} lines for {num_nodes + num_faces} elements")
    places = _floats([row[:3] for row in body[:num_nodes]], source, "OFF")
    faces = body[num_nodes : num_nodes + num_faces]
    sizes, corners = [], []
    for row in source.timed(faces):
        size = number(row[0])
        ends = [number(word) for word in row[1 : 1 + size]] if type(size) is int else []
        if type(size) is not int or size < 0 or len(ends) != size or not _are_places(ends):
            raise _flaw(source, "OFF", f"the face {' '.join(row)[:40]!r}")
        sizes.append(size)
        corners.extend(ends)
    return Mesh(places, np.array(corners, np.int64), np.array(sizes, np.int64))


def _are_places(values: list[Any]) -> bool:
    return all(type(value) is int and 0 <= value < 2**31 for value in values)


def _floats(rows: list[list[str]], source: Source, kind: str) -> NDArray[np.float64]:
    if any(len(row) != 3 for row in rows):
        raise _flaw(source, kind, "a vertex without three coordinates")
    values = [number(word) for row in source.timed(rows) for word in row]
    if any(value is None or (type(value) is int and abs(value) > 10**300) for value in values):
        raise _flaw(source, kind, "a coordinate that is no number")
    return np.array(values, np.float64).reshape(-1, 3)


@dataclass
class _Element:
    """An element of a PLY header; a property is its name, its type, and the type of its length."""

    name: str
    count: int
    properties: list[tuple[str, str, str | None]] = field(default_factory=list)


_PLY_ENDS = ("vertex1", "vertex2")


def _read_ply(source: Source, options: ReadOptions) -> Mesh:
    data = source.read()
    head, mark, body = data.partition(b"end_header")
    if not mark or not data.startswith(b"ply"):
        raise _flaw(source, "PLY", "no header")
    body = body[body.find(b"\n") + 1 :] if b"\n" in body else b""
    order, elements = _ply_header(head, source)
    for element in elements:
        if element.count > source.size:
            rule = f"hold {element.count} elements as declared"
            raise refusal(source.name, rule, f"{source.size} bytes")
        if element.name == "vertex":
            check_count(source, options, element.count)
    words = body.split() if order == "" else []
    columns: dict[str, dict[str, Any]] = {}
    offset = 0
    for element in elements:
        source.check_time()
        reader = _ply_text if order == "" else _ply_binary
        columns[element.name], offset = reader(element, words or body, offset, order, source)
    return _ply_mesh(columns, source)


def _ply_mesh(columns: dict[str, dict[str, Any]], source: Source) -> Mesh:
    vertex = columns.get("vertex", {})
    if not {"x", "y", "z"} <= set(vertex):
        raise _flaw(source, "PLY", "vertices without x, y, z")
    places = np.stack([_ply_single(vertex.pop(axis), axis, source) for axis in "xyz"], 1)
    attributes = {name: column for name, column in vertex.items() if not isinstance(column, tuple)}
    mesh = Mesh(places, attributes=attributes)
    faces = columns.get("face", {})
    for name in ("vertex_index", "vertex_indices"):
        if name in faces:
            if not isinstance(faces[name], tuple):
                raise _flaw(source, "PLY", f"faces of a single {name!r}")
            corners, mesh.sizes = faces[name]
            mesh.corners = _ply_corners(corners, source)
    edges = columns.get("edge", {})
    if set(_PLY_ENDS) <= set(edges):
        ends = np.stack([_ply_single(edges[name], name, source) for name in _PLY_ENDS], 1)
        if not ((ends >= 0) & (ends < len(places)) & (np.floor(ends) == ends)).all():
            raise _flaw(source, "PLY", "an edge of vertices that are not there")
        mesh.steps = ends.astype(np.int64)
    return mesh


def _ply_single(column: Any, name: str, source: Source) -> NDArray[np.float64]:
    """Return a property of one number a row."""
    if isinstance(column, tuple):
        raise _flaw(source, "PLY", f"a list for {name!r}")
    return np.asarray(column, np.float64)


def _ply_corners(values: NDArray[Any], source: Source) -> NDArray[np.int64]:
    """Return the corners of faces, which are whole numbers, whatever type they have."""
    if values.dtype.kind == "f" and not (np.abs(values) < 2**53).all():  # NaN too
        raise _flaw(source, "PLY", "faces whose corners are no whole numbers")
    whole: NDArray[np.int64] = values.astype(np.int64)
    if (whole != values).any():
        raise _flaw(source, "PLY", "faces whose corners are no whole numbers")
    return whole


def _ply_header(head: bytes, source: Source) -> tuple[str, list[_Element]]:
    """Return the byte order (empty: text) and the elements."""
    order, elements = None, []
    for line in head.decode("latin-1").splitlines()[1:]:
        words = line.split()
        if words[:1] == ["format"] and len(words) > 1:
            orders = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}
            order = orders.get(words[1])
        elif words[:1] == ["element"] and len(words) == 3 and re.fullmatch(r"\d{1,18}", words[2]):
            elements.append(_Element(words[1], int(words[2])))
        elif words[:1] == ["property"] and elements:
            listed = words[1:2] == ["list"]
            kinds = words[2:4] if listed else words[1:2]
            if len(words) != (5 if listed else 3) or not set(kinds) <= set(_PLY_TYPES):
                raise _flaw(source, "PLY", f"the property {line[:40]!r}")
            length = _PLY_TYPES[kinds[0]] if listed else None
            elements[-1].properties.append((words[-1], _PLY_TYPES[kinds[-1]], length))
        elif words and words[0] not in ("comment", "obj_info"):
            raise _flaw(source, "PLY", f"the line {line[:40]!r} in its header")
    if order is None:
        raise _flaw(source, "PLY", "no format")
    return order, elements


def _ply_text(
    element: _Element, words: Any, offset: int, _: str, source: Source
) -> tuple[dict[str, Any], int]:
    """Read an element as words, one row after the other."""
    columns: list[list[Any]] = [[] for _ in element.properties]
    sizes: list[list[int]] = [[] for _ in element.properties]
    for _row in source.timed(range(element.count)):
        for place, (_name, _kind, length) in enumerate(element.properties):
            size = 1
            if length is not None:
                size = _ply_size(words[offset : offset + 1], source)
                sizes[place].append(size)
                offset += 1
            taken = words[offset : offset + size]
            if len(taken) != size:
                raise _flaw(source, "PLY", "a truncated file")
            columns[place].extend(taken)
            offset += size
    found = {}
    for (name, kind, length), column, counts in zip(
        element.properties, columns, sizes, strict=True
    ):
        values = _ply_column(column, kind, source)
        found[name] = values if length is None else (values, np.array(counts, np.int64))
    return found, offset


def _ply_size(words: list[bytes], source: Source) -> int:
    if not words or not words[0].isdigit() or len(words[0]) > 6 or int(words[0]) > _MOST_CORNERS:
        raise _flaw(source, "PLY", "a list without a length")
    return int(words[0])


def _ply_column(words: list[bytes], kind: str, source: Source) -> NDArray[Any]:
    try:
        if kind[0] == "f":
            return np.array([float(word) for word in words], kind)
        whole = np.array([int(word) for word in words], np.int64)
        if (whole.astype(kind) != whole).any():
            raise OverflowError
        return whole.astype(kind)
    except (ValueError, OverflowError):
        raise _flaw(source, "PLY", "a value that is no number of its type") from None


def _ply_binary(
    element: _Element, body: Any, offset: int, order: str, source: Source
) -> tuple[dict[str, Any], int]:
    """Read an element as bytes: at once where all rows have one size, else row by row."""
    sizes = [
        _first_size(element, body, offset, order, place) for place in range(len(element.properties))
    ]
    parts = []
    for (name, kind, length), size in zip(element.properties, sizes, strict=True):
        if length is not None:
            parts += [(f"{name} size", order + length), (f"{name} list", order + kind, (size,))]
        else:
            parts.append((name, order + kind))
    names = [part[0] for part in parts]
    if len(set(names)) < len(names):
        raise _flaw(source, "PLY", "a property twice")
    dtype = np.dtype(parts)
    end = offset + dtype.itemsize * element.count
    if end <= len(body) and dtype.itemsize:
        rows = np.frombuffer(body, dtype, element.count, offset)
        lists = zip(element.properties, sizes, strict=True)
        if all(
            length is None or (rows[f"{name} size"] == size).all()
            for (name, _, length), size in lists
        ):
            found: dict[str, Any] = {}
            for (name, _kind, length), size in zip(element.properties, sizes, strict=True):
                if length is None:
                    found[name] = rows[name].astype(rows[name].dtype.newbyteorder("="))
                else:
                    entries = rows[f"{name} list"].ravel()
                    found[name] = (entries, np.full(element.count, size, np.int64))
            return found, end
    return _ply_rows(element, body, offset, order, source)


def _first_size(element: _Element, body: bytes, offset: int, order: str, place: int) -> int:
    """Return the length of a list in the first row."""
    for name, kind, length in element.properties[: place + 1]:
        if length is None:
            offset += np.dtype(kind).itemsize
            continue
        width = np.dtype(length).itemsize
        if element.count == 0 or offset + width > len(body):
            return 0
        size = int(np.frombuffer(body, order + length, 1, offset)[0])
        if name == element.properties[place][0]:
            return size if 0 <= size <= _MOST_CORNERS else 0
        if not 0 <= size <= _MOST_CORNERS:
            return 0
        offset += width + size * np.dtype(kind).itemsize
    return 0


def _ply_rows(
    element: _Element, body: bytes, offset: int, order: str, source: Source
) -> tuple[dict[str, Any], int]:
    columns: list[list[Any]] = [[] for _ in element.properties]
    sizes: list[list[int]] = [[] for _ in element.properties]
    codes = {"i1": "b", "u1": "B", "i2": "h", "u2": "H", "i4": "i", "u4": "I", "f4": "f", "f8": "d"}
    try:
        for _row in source.timed(range(element.count)):
            for place, (_name, kind, length) in enumerate(element.properties):
                size = 1
                if length is not None:
                    size = int(struct.unpack_from(order + codes[length], body, offset)[0])
                    offset += struct.calcsize(codes[length])
                    if not 0 <= size <= _MOST_CORNERS:
                        raise _flaw(source, "PLY", "a list without a length")
                    sizes[place].append(size)
                columns[place].extend(
                    struct.unpack_from(f"{order}{size}{codes[kind]}", body, offset)
                )
                offset += size * struct.calcsize(codes[kind])
    except (struct.error, ValueError, OverflowError) as error:
        if isinstance(error, struct.error):
            raise _flaw(source, "PLY", "a truncated file") from None
        raise
    found: dict[str, Any] = {}
    for (name, kind, length), column, counts in zip(
        element.properties, columns, sizes, strict=True
    ):
        whole = np.array(column, kind)
        found[name] = whole if length is None else (whole, np.array(counts, np.int64))
    return found, offset


def _read_stl(source: Source, _: ReadOptions) -> Mesh:
    """Read triangles; corners at one place are one vertex."""
    data = source.read()
    count = int(np.frombuffer(data[80:84], "<u4")[0]) if len(data) >= 84 else -1
    if count >= 0 and len(data) == 84 + 50 * count:
        kind = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("color", "<u2")])
        corners = np.frombuffer(data, kind, count, 84)["corners"].reshape(-1, 3).astype(np.float64)
    else:
        lines = decoded_text(source).splitlines()
        words = [line.split() for line in source.timed(lines) if line.split()[:1] == ["vertex"]]
        corners = _floats([row[1:] for row in words], source, "STL")
    if len(corners) == 0 or len(corners) % 3:
        raise _flaw(source, "STL", f"{len(corners)} corners of triangles")
    places, numbers = np.unique(corners + 0.0, axis=0, return_inverse=True)
    sizes = np.full(len(corners) // 3, 3, np.int64)
    return Mesh(places, numbers.ravel().astype(np.int64), sizes)


def _read_obj(source: Source, _: ReadOptions) -> Mesh:
    """Read the lines v, f and l; normals, textures and materials say nothing about the graph."""
    places: list[list[str]] = []
    corners: list[int] = []
    sizes: list[int] = []
    steps: list[tuple[int, int]] = []
    for line, text in enumerate(source.timed(decoded_text(source).splitlines()), 1):
        words = text.partition("#")[0].split()
        if words[:1] == ["v"]:
            if len(words) < 4 or None in map(number, words[1:4]):
                rule = "give every vertex three coordinates"
                raise refusal(source.name, rule, " ".join(words)[:40], line=line)
            places.append(words[1:4])
        elif words[:1] in (["f"], ["l"]):
            nodes = [_obj_node(word, len(places), line, source) for word in words[1:]]
            if words[0] == "f" and len(nodes) > 2:
                corners.extend(nodes)
                sizes.append(len(nodes))
            else:
                steps.extend(pairwise(nodes))
    pairs = np.array(steps, np.int64).reshape(-1, 2)
    floats = _floats(places, source, "OBJ")
    return Mesh(floats, np.array(corners, np.int64), np.array(sizes, np.int64), steps=pairs)


def _obj_node(word: str, count: int, line: int, source: Source) -> int:
    """Return a node from 0; OBJ counts from 1, or backwards from -1."""
    place = number(word.partition("/")[0])
    if type(place) is not int or not (1 <= place <= count or -count <= place <= -1):
        raise refusal(source.name, f"name vertices from 1 to {count}", word[:40], line=line)
    return place - 1 if place > 0 else count + place
