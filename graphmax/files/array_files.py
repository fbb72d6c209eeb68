"""NPZ, of a `Graph` or of `scipy.sparse.save_npz`; and PyG graphs in .pt files.

Members of NPZ are read without `np.load`: the header of each is checked against the bytes that are
there before anything is allocated, no dtype that needs pickle is taken, and the graph is built
through `Graph`, which looks at every index before use.

Files of PyG go through torch's loader of plain weights, never through PyG's own loader, which
tries again with an unrestricted pickle when torch refuses. Allowed are tensors, containers and the
four classes that make up a ``Data``.
"""

import io
import json
import math
import pickle
import struct
import tokenize
import warnings
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from graphmax.convert import as_graph
from graphmax.files.building import check_count
from graphmax.files.errors import GraphFileError, refusal
from graphmax.files.opening import (
    MEBIBYTE,
    ReadOptions,
    Source,
    metadata_of,
    parsed_metadata,
    with_positions,
)
from graphmax.graph import Dropped, Graph
from graphmax.machine import check_room

_HARMLESS = 64 * MEBIBYTE
_SPARSE = {"csr", "csc", "coo"}
_VERSION = 1
_MOST_AXES = 8
# What the standard library raises on archives that are no zip files or forged ones.
DAMAGED = (
    *(zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError),
    *(OSError, ValueError, struct.error),
)
# What numpy raises on a header that is no dictionary literal.
_BAD_HEADER = (
    *(ValueError, TypeError, SyntaxError, KeyError, tokenize.TokenError),
    *(RecursionError, MemoryError),
)


def read(source: Source, options: ReadOptions) -> Graph:
    """Read an NPZ file of `write_graph` or of SciPy."""
    arrays = _members(source, options)
    try:
        if "graphmax" in arrays:
            return _own(arrays, source, options)
        if "format" in arrays and "shape" in arrays:
            return _sparse(arrays, source, options)
        if {"adj_data", "adj_indices", "adj_indptr", "adj_shape"} <= set(arrays):
            return _benchmark(arrays, source, options)
    except KeyError as error:
        raise refusal(source.name, f"hold the array {error}", "none") from None
    except GraphFileError:
        raise
    except (ValueError, TypeError, OverflowError, IndexError) as error:
        raise GraphFileError(f"{error} in {source.name}", path=source.name) from error
    raise refusal(
        source.name,
        "be written by write_graph or scipy.sparse.save_npz",
        f"the arrays {', '.join(sorted(arrays)[:5]) or 'none'}",
    )


def _members(source: Source, options: ReadOptions) -> dict[str, NDArray[Any]]:
    try:
        with zipfile.ZipFile(source.file) as archive:
            members = archive.infolist()
            check_sizes(members, source, options)
            names = {member.filename.removesuffix(".npy") for member in members}
            return {
                member.filename.removesuffix(".npy"): read_array(
                    archive.read(member), member.filename, source
                )
                for member in source.timed(members)
                if not _is_left_out(archive, member, names, source)
            }
    except GraphFileError:
        raise
    except DAMAGED as error:
        raise refusal(source.name, "be a valid NPZ file", f"damaged data ({error})") from None


def _is_left_out(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, names: set[str], source: Source
) -> bool:
    """Leave out Python objects beside a matrix in parts: names of classes, metadata."""
    if "adj_indptr" not in names or member.filename.startswith("adj_"):
        return False
    with archive.open(member) as stream:
        head = stream.read(256)
    if b"'descr': '|O'" not in head:
        return False
    source.remark(f"left out: {member.filename.removesuffix('.npy')}, Python objects")
    return True


def check_sizes(members: list[zipfile.ZipInfo], source: Source, options: ReadOptions) -> None:
    """Refuse an archive that declares far more bytes than it holds, or a member twice."""
    total = sum(member.file_size for member in members)
    allowed = min(options.max_bytes, max(_HARMLESS, int(options.max_ratio * source.size)))
    if total > allowed:
        raise refusal(
            source.name,
            f"decompress to at most {allowed} bytes",
            f"{total} from {source.size} compressed bytes",
            way_out="pass max_ratio or max_bytes if the file is trusted",
        )
    check_room(total, f"{total} bytes of arrays")
    names = [member.filename for member in members]
    if len(set(names)) < len(names):
        raise refusal(source.name, "hold every array once", "an array twice")


def read_array(data: bytes, name: str, source: Source) -> NDArray[Any]:
    """Return the array in the bytes of an NPY file, of plain numbers, text or times."""
    stream = io.BytesIO(data)
    try:
        version = npy.read_magic(stream)
        reader = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, fortran, dtype = reader(stream)
        if any(isinstance(side, bool) for side in shape):  # integers to NumPy
            raise TypeError("a shape of Booleans")
    except _BAD_HEADER as error:
        raise refusal(source.name, "hold valid NPY arrays", f"a bad header of {name!r}") from error
    if dtype.hasobject:
        raise refusal(source.name, "hold no array of Python objects", f"one in {name!r}")
    return _filled(data[stream.tell() :], shape, fortran, dtype, name, source)


def _filled(
    data: bytes,
    shape: tuple[int, ...],
    fortran: bool,
    dtype: np.dtype[Any],
    name: str,
    source: Source,
) -> NDArray[Any]:
    if len(shape) > _MOST_AXES:
        raise refusal(source.name, f"hold arrays of at most {_MOST_AXES} axes", str(len(shape)))
    count = math.prod(shape)
    if dtype.kind not in "biufmMSU" or min(shape, default=0) < 0 or not dtype.itemsize:
        raise refusal(source.name, "hold arrays of numbers, text or times", f"{dtype} in {name!r}")
    if count * dtype.itemsize != len(data):
        raise refusal(
            source.name,
            f"hold {count} entries of {dtype} in {name!r} as declared",
            f"{len(data)} bytes",
        )
    flat = np.frombuffer(data, np.uint8 if dtype.kind == "b" else dtype)
    flat = flat != 0 if dtype.kind == "b" else flat
    array = flat.reshape(shape, order="F" if fortran else "C")
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _own(arrays: dict[str, NDArray[Any]], source: Source, options: ReadOptions) -> Graph:
    text = _utf8(arrays["graphmax"])
    metadata = parsed_metadata(text, source)
    names = json.loads(text).get("names", [])
    if json.loads(text).get("version") != _VERSION or not _are_texts(names):
        raise refusal(source.name, f"be of version {_VERSION} of the format", repr(text[:60]))
    check_count(source, options, arrays["indptr"].size - 1)
    graph = Graph(
        _integers(arrays["indptr"]),
        _integers(arrays["indices"]),  # type: ignore[arg-type]  # cast after a look at the range
        arrays["weights"] if metadata.get("weighted") else None,
        metadata.get("directed", False),
        None if metadata.get("labels") == "none" else _column(arrays, "labels"),
        {name: _column(arrays, f"a{i}") for i, name in enumerate(names)},
        Dropped(*_integers(arrays["dropped"]).tolist()),
    )
    if options.directed not in (None, graph.directed):
        raise refusal(
            source.name, f"be {'directed' if options.directed else 'undirected'}", "the contrary"
        )
    return graph


def _are_texts(names: Any) -> bool:
    return isinstance(names, list) and all(isinstance(name, str) for name in names)


def _integers(array: NDArray[Any]) -> NDArray[np.int64]:
    if array.dtype.kind not in "iu" or array.ndim != 1:
        raise ValueError(
            f"`path` must hold 1-D integer arrays as rows, got {array.dtype} of shape {array.shape}"
        )
    if array.dtype == np.uint64 and array.size and array.max() >= 2**63:
        raise ValueError("`path` must hold indices of 64 bits, got a larger one")
    return array.astype(np.int64, copy=False)


def _column(arrays: dict[str, NDArray[Any]], key: str) -> NDArray[Any]:
    if f"{key}.ends" in arrays:
        column: NDArray[Any] = _texts(arrays[f"{key}.text"], _integers(arrays[f"{key}.ends"]))
    else:
        column = arrays[key]
    mask = arrays.get(f"{key}.mask")
    return column if mask is None else np.ma.MaskedArray(column, mask.astype(bool))


def _texts(blob: NDArray[Any], ends: NDArray[np.int64]) -> NDArray[Any]:
    data = blob.tobytes()
    starts = np.concatenate([np.zeros(1, np.int64), ends])
    if (np.diff(starts) < 0).any() or (starts[-1] != len(data)):
        raise ValueError("`path` must hold texts whose ends ascend to the last byte, got others")
    bounds = zip(starts.tolist(), ends.tolist(), strict=False)
    texts = np.empty(ends.size, object)
    texts[:] = [data[start:end].decode() for start, end in bounds]
    return texts


def _utf8(array: NDArray[Any]) -> str:
    return array.tobytes().decode()


def _sparse(arrays: dict[str, NDArray[Any]], source: Source, options: ReadOptions) -> Graph:
    import scipy.sparse

    kind = arrays["format"].astype(str).item()
    if kind not in _SPARSE:
        raise refusal(source.name, "hold a CSR, CSC or COO matrix", repr(kind))
    shape = _integers(arrays["shape"]).tolist()
    if len(shape) != 2 or shape[0] != shape[1] or shape[0] < 0:
        raise refusal(source.name, "hold a square matrix", f"shape {tuple(shape)}")
    check_count(source, options, shape[0])
    row, column = _entries(arrays, kind, shape[0], source)
    data = arrays["data"]
    if data.shape != row.shape or data.dtype.kind not in "biuf":
        raise refusal(source.name, "hold one number an entry", f"{data.dtype} {data.shape}")
    matrix = scipy.sparse.coo_array((data, (row, column)), shape=(shape[0], shape[0]))
    if options.directed is None:
        return as_graph(matrix, weight=None if options.weight is False else "weight")
    weights = None if options.weight is False or data.dtype == bool else data
    return Graph.from_edges(row, column, shape[0], weights=weights, directed=options.directed)


def _benchmark(arrays: dict[str, NDArray[Any]], source: Source, options: ReadOptions) -> Graph:
    """Read a matrix in parts, as collections of node classification ship it, with its labels."""
    parts = {name.removeprefix("adj_"): a for name, a in arrays.items() if name.startswith("adj_")}
    graph = _sparse({**parts, "format": np.array("csr")}, source, options)
    columns = {
        name: array
        for name, array in arrays.items()
        if array.shape == (graph.num_nodes,) and not name.startswith(("adj_", "attr_"))
    }
    left_out = [n for n in arrays if not n.startswith("adj_") and n not in columns]
    if left_out:
        source.remark(f"left out: {', '.join(sorted(left_out)[:5])}")
    return graph.replace(attributes=columns)


def _entries(
    arrays: dict[str, NDArray[Any]], kind: str, count: int, source: Source
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    if kind == "coo":
        row, column = _integers(arrays["row"]), _integers(arrays["col"])
    else:
        indptr, column = _integers(arrays["indptr"]), _integers(arrays["indices"])
        if (
            indptr.size != count + 1
            or indptr[0] != 0
            or (np.diff(indptr) < 0).any()
            or indptr[-1] != column.size
        ):
            raise refusal(source.name, "have pointers that ascend from 0 to the end", "others")
        row = np.repeat(np.arange(count), np.diff(indptr))
        row, column = (row, column) if kind == "csr" else (column, row)
    for ends in (row, column):
        outside = (ends < 0) | (ends >= count)
        if outside.any():
            raise refusal(
                source.name, f"have indices from 0 to {count - 1}", str(ends[outside.argmax()])
            )
    if row.size != column.size:
        raise refusal(source.name, "have as many rows as columns", f"{row.size}, {column.size}")
    return row, column


def write(graph: Graph, file: Path) -> None:
    """Write all arrays of a graph; text as UTF-8 with the place where each entry ends."""
    graph, placed = with_positions(graph)
    metadata = {
        **metadata_of(graph),
        **placed,
        "version": _VERSION,
        "names": list(graph.attributes),
    }
    arrays: dict[str, NDArray[Any]] = {
        "graphmax": np.frombuffer(json.dumps(metadata).encode(), np.uint8),
        "indptr": graph.indptr,
        "indices": graph.indices,
        "dropped": np.array(graph.dropped, np.int64),
    }
    if graph.weights is not None:
        arrays["weights"] = graph.weights
    if graph.labels is not None:
        arrays |= _stored("labels", graph.labels)
    for i, column in enumerate(graph.attributes.values()):
        arrays |= _stored(f"a{i}", column)
    with file.open("wb") as stream:
        np.savez(stream, **arrays)  # type: ignore[arg-type]  # text was made bytes: no pickle


def _stored(key: str, column: NDArray[Any]) -> dict[str, NDArray[Any]]:
    plain = np.ma.getdata(column)
    found = {f"{key}.mask": np.ma.getmaskarray(column)} if np.ma.is_masked(column) else {}
    if plain.dtype.kind not in "OU":
        return {**found, key: plain}
    return {**found, **_text_arrays(key, column)}


def _text_arrays(key: str, column: NDArray[Any]) -> dict[str, NDArray[Any]]:
    mask = np.ma.getmaskarray(column).tolist()
    items = np.ma.getdata(column).tolist()
    texts = ["" if absent else item for item, absent in zip(items, mask, strict=True)]
    others = [text for text in texts if not isinstance(text, str)]
    if others:
        raise TypeError(
            f"`graph` must have labels and attributes of numbers or text, got {others[0]!r}"
        )
    encoded = [text.encode() for text in texts]
    ends = np.cumsum([len(text) for text in encoded], dtype=np.int64)
    return {f"{key}.text": np.frombuffer(b"".join(encoded), np.uint8), f"{key}.ends": ends}


# --- PyG graphs in .pt files, through torch's loader of plain weights

# What torch raises on archives that are damaged or forged.
_FLAWS = (
    *(ValueError, TypeError, LookupError, AttributeError, ArithmeticError, EOFError, struct.error),
    *(RuntimeError, AssertionError),
)


def read_torch(source: Source, options: ReadOptions) -> Graph:
    """Read a PyG ``Data``, or a mapping with an ``edge_index``, saved by ``torch.save``."""
    _check_archive(source, options)
    found = _loaded(source)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PyG infers the number of nodes
            data = _data(found, source, options)
            check_count(source, options, _declared(data))
            graph = as_graph(data, weight=_weight(options))
    except GraphFileError:
        raise
    except _FLAWS as error:
        raise GraphFileError(f"{error} in {source.name}", path=source.name) from error
    return _as_told(graph, source, options)


def _check_archive(source: Source, options: ReadOptions) -> None:
    try:
        with zipfile.ZipFile(source.file) as archive:
            check_sizes(archive.infolist(), source, options)
            damaged = archive.testzip()
    except GraphFileError:
        raise
    except DAMAGED as error:
        raise refusal(source.name, "be an archive of torch.save", f"other data ({error})") from None
    if damaged is not None:
        raise refusal(source.name, "be an archive of torch.save", f"damage in {damaged!r}")


def _loaded(source: Source) -> Any:
    import torch
    from torch_geometric.data.data import Data, DataEdgeAttr, DataTensorAttr
    from torch_geometric.data.storage import GlobalStorage

    allowed = [Data, DataEdgeAttr, DataTensorAttr, GlobalStorage]
    try:
        with torch.serialization.safe_globals(allowed):
            return torch.load(source.file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        reason = _reason(error)
        raise refusal(source.name, "hold tensors and a PyG Data only", reason) from None
    except _FLAWS as error:
        reason = str(error).partition("\n")[0][:100] or type(error).__name__
        raise refusal(source.name, "be a valid .pt file", f"a flaw ({reason})") from None


def _reason(error: Exception) -> str:
    """Name what the file asked for, out of torch's long advice to trust it."""
    text = str(error)
    for mark in ("Unsupported global: GLOBAL ", "unsupported GLOBAL ", "Unsupported operand "):
        if mark in text:
            word = text.partition(mark)[2].split()[0].rstrip(".,")
            return f"the global {word}" if "GLOBAL" in mark else f"the pickle operation {word}"
    return "another pickle"


def _data(found: Any, source: Source, options: ReadOptions) -> Any:
    from torch_geometric.data.data import Data

    if isinstance(found, tuple | list) and len(found) >= 2 and isinstance(found[1], dict):
        found = _united(found[0], found[1], source, options)
    if isinstance(found, Data):
        return _checked(found, source)
    if isinstance(found, dict) and "edge_index" in found:
        data = Data(**{name: value for name, value in found.items() if isinstance(name, str)})
        return _checked(data, source)
    raise refusal(source.name, "hold a PyG Data or a mapping with edge_index", type(found).__name__)


def _checked(data: Any, source: Source) -> Any:
    """Refuse an `edge_index` of another shape, and weights of another length."""
    pairs = data.edge_index
    shape = tuple(getattr(pairs, "shape", ()))
    if len(shape) != 2 or shape[0] != 2:
        way_out = "transpose it" if len(shape) == 2 and shape[1] == 2 else None
        raise refusal(
            source.name, "have an edge_index of shape (2, num_edges)", str(shape), way_out=way_out
        )
    for name in ("edge_weight", "edge_attr"):
        weights: Any = getattr(data, name, None)
        if hasattr(weights, "shape") and weights.shape[:1] != (shape[1],):
            got = f"shape {tuple(weights.shape)}"
            raise refusal(source.name, f"have one entry of {name} per edge ({shape[1]})", got)
    _check_strides(data, source)
    return data


def _check_strides(data: Any, source: Source) -> None:
    """Refuse a tensor that spells one stored number many times: 1 kB may ask for 160 GB."""
    for name, value in data.to_dict().items():
        if hasattr(value, "untyped_storage"):
            stored = value.untyped_storage().nbytes()
            if value.numel() * value.element_size() > max(stored, 64):
                rule = f"store all entries of {name!r}"
                raise refusal(source.name, rule, f"{stored} bytes for {value.numel()} of them")


def _united(found: Any, slices: Any, source: Source, options: ReadOptions) -> Any:
    """Return the graphs of a collated data set as one, with the number of its graph per node."""
    import torch
    from torch_geometric.data.data import Data

    values = found.to_dict() if isinstance(found, Data) else dict(found)
    edges, cuts = values.get("edge_index"), slices.get("edge_index")
    if edges is None or cuts is None or edges.dim() != 2 or cuts.dim() != 1 or len(cuts) < 2:
        raise refusal(source.name, "hold collated graphs with an edge_index", "others")
    counts = _node_counts(values, slices, edges, cuts, source)
    check_count(source, options, int(counts.sum()))
    starts = torch.cumsum(counts, 0) - counts
    per_edge = torch.diff(cuts)
    if (per_edge < 0).any() or (counts < 0).any() or int(per_edge.sum()) != edges.shape[1]:
        raise refusal(source.name, "hold slices that ascend to the last edge", "others")
    united = edges + torch.repeat_interleave(starts, per_edge)
    total = int(counts.sum())
    kept = {
        name: value
        for name, value in values.items()
        if name != "edge_index" and hasattr(value, "shape") and value.shape[:1] == (total,)
    }
    if len(counts) > 1:
        source.remark(f"{len(counts)} graphs side by side; their numbers are the attribute 'graph'")
        kept["graph"] = torch.repeat_interleave(torch.arange(len(counts)), counts)
    for name in ("edge_weight", "edge_attr"):
        if name in values:
            kept[name] = values[name]
    return Data(edge_index=united, num_nodes=total, **kept)


def _node_counts(values: Any, slices: Any, edges: Any, cuts: Any, source: Source) -> Any:
    """Return the nodes of each graph: said, else the rows of x or pos, else up to the last used."""
    import torch

    said = values.get("num_nodes")
    if isinstance(said, list) and len(said) == len(cuts) - 1:
        return torch.tensor(said)
    for name in ("x", "pos", "z", "node_attr"):
        if name in slices and hasattr(slices[name], "dim") and len(slices[name]) == len(cuts):
            rows = values[name].shape[0] if name in values else int(slices[name][-1])
            if int(slices[name][-1]) != rows:
                got = f"slices of {name!r} to {int(slices[name][-1])} of {rows}"
                raise refusal(source.name, "hold slices that ascend to the last row", got)
            return torch.diff(slices[name])
    parts = [edges[:, a:b] for a, b in zip(cuts.tolist(), cuts.tolist()[1:], strict=False)]
    return torch.tensor([int(part.max()) + 1 if part.numel() else 0 for part in parts])


def _declared(data: Any) -> int:
    """Return the nodes that building the graph would make room for."""
    pairs, count = data.edge_index, data.num_nodes or 0
    entries = pairs.numel() if hasattr(pairs, "numel") else 0
    return max(int(count), int(pairs.max()) + 1 if entries else 0)


def _weight(options: ReadOptions) -> str | None:
    return None if options.weight is False else "weight"


def _as_told(graph: Graph, source: Source, options: ReadOptions) -> Graph:
    if options.directed in (None, graph.directed):
        return graph
    raise refusal(
        source.name,
        f"be {'directed' if options.directed else 'undirected'}",
        "the contrary",
        way_out="leave out directed: each entry of edge_index is an arrow",
    )
