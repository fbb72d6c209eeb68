"""Files of the sciences: Matrix Market, GIfTI surfaces, AnnData's .h5ad, MATLAB's .mat.

Matrix Market is read by SciPy, after its declared sizes are held against its bytes. GIfTI is read
by hand; .h5ad needs anndata, which is asked for when such a file comes; .mat is read by SciPy,
each file in a process of its own. A .mat of several square matrices is asked for one by
`relation`.
"""

import base64
import binascii
import io
import math
import os
import signal
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import scipy.io
import scipy.sparse
from numpy.typing import NDArray

from graphmax.convert import as_graph
from graphmax.files import array_files
from graphmax.files.building import built_graph, check_count, two_sided
from graphmax.files.errors import GraphFileError, refusal
from graphmax.files.mesh_files import Mesh, mesh_graph
from graphmax.files.opening import CHUNK, MEBIBYTE, ReadOptions, Source
from graphmax.files.table_layout import matrix_graph
from graphmax.files.xml_graphs import XmlReader
from graphmax.graph import Graph

_BANNER, _SPELLED = b"%matrixmarket", b"%%MatrixMarket"
_LONGEST_LINE = 2**16
_NUMERIC = b"0123456789+-.eEinfINFatyATY \t\r\n"


class _Header(NamedTuple):
    dense: bool
    pattern: bool
    rows: int
    columns: int
    entries: int
    start: int


def read_matrix_market(source: Source, options: ReadOptions) -> Graph:
    """Read a square matrix; undirected where every entry has its equal transpose."""
    header = _header(source)
    if header.rows != header.columns and not options.bipartite:
        raise refusal(
            source.name,
            "hold a square matrix",
            f"{header.rows} rows, {header.columns} columns",
            way_out="pass bipartite=True (--bipartite) for rows and columns as two sets of nodes",
        )
    check_count(source, options, header.rows + header.columns * options.bipartite)
    if 2 * header.entries * (1 if header.dense else 2) > source.size + 1:
        raise refusal(
            source.name, f"hold {header.entries} entries as declared", f"{source.size} bytes"
        )
    _check_numbers(source, header.start)
    try:
        matrix = scipy.sparse.coo_array(scipy.io.mmread(_stream(source)))
    except (ValueError, OverflowError, TypeError) as error:
        reason = str(error).partition("\n")[0][:100]
        raise refusal(source.name, "be valid Matrix Market", f"a flaw ({reason})") from None
    weighted = not header.pattern and options.weight is not False
    if weighted:
        source.facts["length"] = "entries"
    source.check_time()
    if options.bipartite:
        row, column = (ends.astype(np.int64) + 1 for ends in matrix.coords)
        weights = matrix.data if weighted else None
        counts, sides = (header.rows, header.columns), ("row", "column")
        return built_graph(source, options, two_sided(row, column, weights, counts, sides))
    try:
        if options.directed is None:
            return as_graph(matrix, weight="weight" if weighted else None)
        weights = matrix.data if weighted else None
        row, column = matrix.coords
        return Graph.from_edges(
            row, column, header.rows, weights=weights, directed=options.directed
        )
    except (ValueError, TypeError) as error:
        raise GraphFileError(f"{error} in {source.name}", path=source.name) from error


def _stream(source: Source) -> Path | io.BytesIO:
    """Give SciPy the file with a newline at its end: it runs over the end of memory without.

    Some collections ship one % where the banner has two, or a banner in other letters.
    """
    with source.file.open("rb") as stream:
        is_fine = stream.read(len(_SPELLED)) == _SPELLED
        stream.seek(-1, os.SEEK_END)
        if is_fine and stream.read() == b"\n":
            return source.file
    return io.BytesIO(_SPELLED + source.read().lstrip(b"%")[len(_SPELLED) - 2 :] + b"\n")


def _header(source: Source) -> _Header:
    with source.file.open("rb") as stream:
        banner = stream.readline(_LONGEST_LINE).split()
        line, sizes = 1, b"%"
        while sizes and (sizes.startswith(b"%") or not sizes.strip()):
            sizes, line = stream.readline(_LONGEST_LINE), line + 1
        start = stream.tell()
    words = [word.lower() for word in banner[1:]]
    if (
        not banner
        or b"%" + banner[0].lstrip(b"%").lower() != _BANNER
        or len(words) != 4
        or words[0] != b"matrix"
    ):
        raise refusal(source.name, "start with %%MatrixMarket matrix ...", "another line", line=1)
    dense, pattern = words[1] == b"array", words[2] == b"pattern"
    if words[2] == b"complex":
        raise refusal(source.name, "hold real entries", "complex ones", line=1)
    numbers = [int(word) for word in sizes.split() if word.isdigit() and len(word) < 20]
    if len(numbers) != (2 if dense else 3) or len(numbers) != len(sizes.split()):
        raise refusal(
            source.name, "declare its size", repr(sizes[:40].decode(errors="replace")), line=line
        )
    count = _dense_count(numbers[0], numbers[1], words[3]) if dense else numbers[2]
    return _Header(dense, pattern, numbers[0], numbers[1], count, start)


def _check_numbers(source: Source, start: int) -> None:
    """Refuse what is no part of a number: SciPy skips over the end of ``2J``."""
    with source.file.open("rb") as stream:
        stream.seek(start)
        while chunk := stream.read(CHUNK):
            other = chunk.translate(None, _NUMERIC)
            if other:
                raise refusal(source.name, "hold numbers below its sizes", repr(other[:1])[1:])


def _dense_count(rows: int, columns: int, symmetry: bytes) -> int:
    return rows * columns if symmetry == b"general" else rows * (rows - 1) // 2


# --- Files of the sciences: GIfTI surfaces, AnnData's .h5ad, MATLAB's .mat

_GIFTI_TYPES = {
    **dict.fromkeys(("NIFTI_TYPE_UINT8", "2"), "u1"),
    **dict.fromkeys(("NIFTI_TYPE_INT32", "8"), "i4"),
    **dict.fromkeys(("NIFTI_TYPE_FLOAT32", "16"), "f4"),
    **dict.fromkeys(("NIFTI_TYPE_FLOAT64", "64"), "f8"),
}
_HDF5 = b"\x89HDF\r\n\x1a\n"
_HARMLESS = 64 * MEBIBYTE
_OWN = ReadOptions()
# How long a file may take that is read by another library, without `max_seconds`: so many seconds
# of the processor once that library is imported, or so many by the clock, and one more of each for
# so many bytes. Damaged HDF5 can keep its C code busy for ever.
_PROCESSOR, _PATIENCE, _SLOWEST = 4.0, 30.0, 2 * MEBIBYTE


def read(source: Source, options: ReadOptions) -> Graph:
    """Read the kind of file that the ending names."""
    readers = {"gii": _read_gifti, "h5ad": _read_h5ad, "mat": _read_mat}
    return readers[source.kind](source, options)


class _GiftiReader(XmlReader):
    """State: the description of the array that is read."""

    def __init__(self, source: Source, options: ReadOptions) -> None:
        super().__init__(source, options)
        self.arrays: list[tuple[str, NDArray[Any]]] = []
        self.described: dict[str, str] = {}

    def on_DataArray(self, attributes: dict[str, str]) -> None:  # noqa: N802 - GIfTI spells it so
        self.described = attributes

    def on_Data(self, _: dict[str, str]) -> None:  # noqa: N802
        self.collect()

    def after_Data(self) -> None:  # noqa: N802
        intent = self.described.get("Intent", "")
        self.arrays.append((intent, self._array(self.taken_text())))

    def _check_count(self) -> None:
        """Leave out what only graphs have."""

    def _array(self, text: str) -> NDArray[Any]:
        described = self.described
        kind = _GIFTI_TYPES.get(described.get("DataType", ""))
        sides = [described[name] for name in ("Dim0", "Dim1") if name in described]
        if kind is None or not sides or not all(s.isdigit() and len(s) < 12 for s in sides):
            raise self.refusal("describe its arrays", str(described)[:60])
        shape = tuple(int(side) for side in sides)
        encoding = described.get("Encoding", "")
        if encoding in ("ASCII", "1"):
            flat = np.array(text.split(), np.float64).astype(kind)
        elif encoding in ("Base64Binary", "GZipBase64Binary", "2", "3"):
            flat = self._decoded(text, kind, zipped=encoding in ("GZipBase64Binary", "3"))
        else:
            raise self.refusal("hold its arrays itself", f"the encoding {encoding[:30]!r}")
        if flat.size != np.prod(shape, dtype=object):
            raise self.refusal(f"hold {shape} entries as declared", str(flat.size))
        order = "F" if described.get("ArrayIndexingOrder") == "ColumnMajorOrder" else "C"
        return flat.reshape(shape, order=order)  # type: ignore[call-overload,no-any-return]

    def _decoded(self, text: str, kind: str, *, zipped: bool) -> NDArray[Any]:
        allowed = max(_HARMLESS, int(self.options.max_ratio * self.source.size))
        try:
            data = base64.b64decode("".join(text.split()), validate=True)
            if zipped:
                unpacker = zlib.decompressobj()
                data = unpacker.decompress(data, allowed)
                if unpacker.unconsumed_tail:
                    raise self.refusal(f"decompress to at most {allowed} bytes", "more")
        except (binascii.Error, zlib.error) as error:
            raise self.refusal("hold valid data", f"damaged data ({error})") from None
        order = ">" if self.described.get("Endian") in ("BigEndian", "1") else "<"
        if len(data) % np.dtype(kind).itemsize:
            raise self.refusal("hold whole numbers of its type", f"{len(data)} bytes")
        return np.frombuffer(data, order + kind).astype(kind)


def _read_gifti(source: Source, options: ReadOptions) -> Graph:
    """Read a surface: a set of points and triangles; other arrays are attributes."""
    reader = _GiftiReader(source, options)
    reader.read()
    found = dict(reversed(reader.arrays))
    places = found.get("NIFTI_INTENT_POINTSET")
    triangles = found.get("NIFTI_INTENT_TRIANGLE")
    if places is None or places.ndim != 2 or places.shape[1] != 3 or triangles is None:
        raise refusal(source.name, "hold points and triangles", ", ".join(found)[:80] or "nothing")
    attributes: dict[str, NDArray[Any]] = {}
    for intent, array in reader.arrays:
        if array.shape in ((len(places),), (len(places), 1)):
            name = intent.removeprefix("NIFTI_INTENT_").lower()
            attributes.setdefault(name, array.ravel())
    corners = triangles.astype(np.int64).ravel()
    sizes = np.full(len(triangles), triangles.shape[-1] if triangles.ndim == 2 else 3, np.int64)
    if sizes.sum() != corners.size:
        raise refusal(source.name, "hold triangles of three corners", str(triangles.shape))
    return mesh_graph(Mesh(places.astype(np.float64), corners, sizes, attributes), source, options)


def _read_h5ad(source: Source, options: ReadOptions) -> Graph:
    """Read the neighbor graph of cells, with the columns of obs."""
    if find_spec("anndata") is None:
        raise ImportError(
            "`path` must not be .h5ad where anndata is not installed; run pip install anndata"
        )
    if source.head(8) != _HDF5:
        raise refusal(source.name, "start as HDF5 files do", "other bytes")
    weight = "" if options.weight is False else "weight"
    with _read_by(_H5AD, source, options, weight) as target:
        graph = array_files.read(replace(source, file=target, size=target.stat().st_size), _OWN)
    check_count(source, options, graph.num_nodes)
    return graph


# What reads a file in a process of its own: argv holds the file, what to write, the most bytes of
# arrays, the seconds by the clock and of the processor, and more. The watch also ends C code that
# never returns to Python. Windows has no limit of the processor's time.
_START = """
import faulthandler, math, sys, time, warnings
warnings.simplefilter("ignore")
source, target, allowed, seconds, processor, *more = sys.argv[1:]
def watch():
    faulthandler.dump_traceback_later(float(seconds), exit=True)
    try:
        import resource
    except ImportError:
        return
    most = math.ceil(time.process_time() + float(processor))
    resource.setrlimit(resource.RLIMIT_CPU, (most, most + 1))
"""
# Writes the graph of cells; HDF5 makes room for what is declared, and opens files that are named.
_H5AD = """
import anndata, h5py
from graphmax.convert import as_graph
from graphmax.files import write_graph
watch()
total = 0
def look(name, item):
    global total
    if isinstance(item, h5py.Dataset):
        total += item.size * item.dtype.itemsize if item.shape else 0
        if item.external or item.is_virtual:
            sys.exit("arrays in other files")
    if total > int(allowed):
        sys.exit("larger arrays than its bytes account for")
with h5py.File(source) as file:
    file.visititems(look)
write_graph(as_graph(anndata.read_h5ad(source), weight=more[0] or None), target)
"""
# Writes the square matrices of a .mat file: SciPy's reader can crash.
_MAT = """
import numpy as np, scipy.io, scipy.sparse
watch()
sizes = [(np.prod(size, dtype=object), kind) for _, size, kind in scipy.io.whosmat(source)]
if any(size > int(allowed) and kind not in ("sparse", "struct", "cell") for size, kind in sizes):
    sys.exit("larger arrays than its bytes account for")
found, arrays = scipy.io.loadmat(source), {}
for name, value in found.items():
    fields = getattr(getattr(value, "dtype", None), "names", None) or ()
    if "A" in fields and value.size == 1:
        value = value["A"].item()
    sparse = scipy.sparse.issparse(value)
    if name.startswith("_") or not (sparse or isinstance(value, np.ndarray)):
        continue
    if value.ndim != 2 or value.shape[0] != value.shape[1] or value.shape[0] < 2:
        continue
    if value.dtype.kind not in "biuf":
        continue
    if sparse:
        value.check_format(full_check=True)
    entries = scipy.sparse.coo_array(value)
    parts = (np.array(name), entries.data, *entries.coords, np.array(value.shape[0]))
    number = len(arrays) // 5
    for part, array in zip(("name", "data", "row", "col", "size"), parts):
        arrays[f"{number} {part}"] = array
np.savez(target, **arrays)
"""


def _read_mat(source: Source, options: ReadOptions) -> Graph:
    """Read a square matrix, of SuiteSparse's struct Problem its A."""
    if source.head(520)[512:516] == b"\x89HDF":
        rule = "be a .mat file of MATLAB before 7.3"
        raise refusal(source.name, rule, "HDF5", way_out="save it with -v7")
    square = _square_matrices(source, options)
    if options.relation is not None:
        square = {name: m for name, m in square.items() if name == str(options.relation)}
    if len(square) != 1:
        got = f"{len(square)}: {', '.join(square)[:80]}" if square else "none"
        way_out = "pass relation (--relation)" if square else None
        raise refusal(source.name, "hold one square matrix", got, way_out=way_out)
    return matrix_graph(next(iter(square.values())), None, source, options)


def _square_matrices(source: Source, options: ReadOptions) -> dict[str, Any]:
    """Return the square matrices by name."""
    with _read_by(_MAT, source, options) as target, np.load(target) as arrays:
        return dict(_loaded(arrays))


@contextmanager
def _read_by(script: str, source: Source, options: ReadOptions, *more: str) -> Iterator[Path]:
    """Give the .npz file that a process of its own makes of a file: it may crash, hang, or grow."""
    allowed = max(_HARMLESS, int(options.max_ratio * source.size))
    limit = None if source.until == math.inf else max(0.0, source.until - time.monotonic())
    longer = source.size / _SLOWEST if limit is None else limit
    patience, processor = _PATIENCE + longer, _PROCESSOR + longer
    with TemporaryDirectory(prefix="graphmax-") as folder:
        target = Path(folder) / "read.npz"
        words = [source.file, target, allowed, patience, processor, *more]
        try:
            run = subprocess.run(  # noqa: S603 - the words are this module's own
                [sys.executable, "-I", "-c", _START + script, *map(str, words)],
                capture_output=True, timeout=limit, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            source.check_time()
            raise
        said = run.stderr.decode(errors="replace").strip().splitlines()
        is_late = any(line.startswith("Timeout (") for line in said)
        if is_late or -run.returncode == getattr(signal, "SIGXCPU", None):
            rule = f"be read within {patience if is_late else processor:.0f} seconds"
            raise refusal(source.name, rule, "a longer run", way_out="pass max_seconds")
        if run.returncode or not target.exists():
            reason = said[-1][:100] if said else "damaged data"
            raise refusal(source.name, f"be a valid .{source.kind} file", f"a flaw ({reason})")
        yield target


def _loaded(arrays: Any) -> Iterator[tuple[str, Any]]:
    for number in range(len(arrays.files) // 5):
        name, data, row, column, size = (
            arrays[f"{number} {part}"] for part in ("name", "data", "row", "col", "size")
        )
        shape = (int(size), int(size))
        yield str(name), scipy.sparse.coo_array((data, (row, column)), shape=shape)
