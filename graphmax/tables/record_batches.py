"""The rows of a DuckDB query as NumPy arrays, batch by batch, through Arrow's C stream.

DuckDB hands its batches out by the Arrow C data interface, which needs no other library: a struct
with pointers to the columns. Nothing is kept but the batch at hand.
"""

import ctypes
from collections.abc import Iterator
from typing import Any, NamedTuple

import duckdb
import numpy as np
from numpy.typing import NDArray

# Arrow's names of the types that NumPy reads as they are.
_DTYPES = {
    "c": np.int8,
    "C": np.uint8,
    "s": np.int16,
    "S": np.uint16,
    "i": np.int32,
    "I": np.uint32,
    "l": np.int64,
    "L": np.uint64,
    "f": np.float32,
    "g": np.float64,
}
# Dates and times are counts of their unit.
_DAYS, _COUNTS = ("tdD", "tts", "ttm"), ("ts", "tt", "tdm")


class _Schema(ctypes.Structure):
    pass


class _Array(ctypes.Structure):
    pass


class _Stream(ctypes.Structure):
    pass


_SCHEMA, _ARRAY, _STREAM = (ctypes.POINTER(kind) for kind in (_Schema, _Array, _Stream))
_Schema._fields_ = [
    ("format", ctypes.c_char_p),
    ("name", ctypes.c_char_p),
    ("metadata", ctypes.c_void_p),
    ("flags", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("children", ctypes.POINTER(_SCHEMA)),
    ("dictionary", ctypes.c_void_p),
    ("release", ctypes.CFUNCTYPE(None, _SCHEMA)),
    ("private_data", ctypes.c_void_p),
]
_Array._fields_ = [
    ("length", ctypes.c_int64),
    ("null_count", ctypes.c_int64),
    ("offset", ctypes.c_int64),
    ("n_buffers", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("buffers", ctypes.POINTER(ctypes.c_void_p)),
    ("children", ctypes.POINTER(_ARRAY)),
    ("dictionary", ctypes.c_void_p),
    ("release", ctypes.CFUNCTYPE(None, _ARRAY)),
    ("private_data", ctypes.c_void_p),
]
_Stream._fields_ = [
    ("get_schema", ctypes.CFUNCTYPE(ctypes.c_int, _STREAM, _SCHEMA)),
    ("get_next", ctypes.CFUNCTYPE(ctypes.c_int, _STREAM, _ARRAY)),
    ("get_last_error", ctypes.CFUNCTYPE(ctypes.c_char_p, _STREAM)),
    ("release", ctypes.c_void_p),
    ("private_data", ctypes.c_void_p),
]


class Column(NamedTuple):
    """Some rows of one column: plain values, and a mask of the NULLs among them, or None."""

    values: NDArray[Any]
    missing: NDArray[np.bool_] | None


def record_batches(
    connection: duckdb.DuckDBPyConnection, query: str
) -> Iterator[tuple[Column, ...]]:
    """Run a query of numbers, Booleans and times, and yield its rows as they come.

    The arrays are views of memory that is gone with the next batch.

    Raises
    ------
    duckdb.Error
        If the query fails, at once or on the way.
    """
    capsule = connection.sql(query).__arrow_c_stream__()
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    stream = _Stream.from_address(pointer(capsule, b"arrow_array_stream"))
    formats = _formats(stream)
    while True:
        batch = _Array()
        _check(stream, stream.get_next(ctypes.byref(stream), ctypes.byref(batch)))
        if not batch.release:
            return
        try:
            yield tuple(_column(batch.children[i].contents, kind) for i, kind in enumerate(formats))
        finally:
            batch.release(ctypes.byref(batch))


def _formats(stream: _Stream) -> list[str]:
    schema = _Schema()
    _check(stream, stream.get_schema(ctypes.byref(stream), ctypes.byref(schema)))
    try:
        return [schema.children[i].contents.format.decode() for i in range(schema.n_children)]
    finally:
        schema.release(ctypes.byref(schema))


def _check(stream: _Stream, code: int) -> None:
    if code:
        said = stream.get_last_error(ctypes.byref(stream)) or b"no reason"
        raise duckdb.IOException(said.decode(errors="replace"))


def _column(array: _Array, kind: str) -> Column:
    values = _values(array, kind)
    missing = None
    if array.null_count and array.buffers[0]:
        missing = ~_bits(array.buffers[0], array.offset, array.length)
    return Column(values, missing)


def _values(array: _Array, kind: str) -> NDArray[Any]:
    if array.length == 0:
        return np.zeros(0, np.bool_ if kind == "b" else _dtype(kind))
    if kind == "b":
        return _bits(array.buffers[1], array.offset, array.length)
    dtype = np.dtype(_dtype(kind))
    size = (array.offset + array.length) * dtype.itemsize
    return np.frombuffer(_bytes(array.buffers[1], size), dtype)[array.offset :]


def _dtype(kind: str) -> Any:
    if kind in _DTYPES:
        return _DTYPES[kind]
    if kind in _DAYS:
        return np.int32
    if kind.startswith(_COUNTS):
        return np.int64
    raise TypeError(f"`query` must give numbers, Booleans or times, got Arrow's {kind}")


def _bits(address: int, offset: int, length: int) -> NDArray[np.bool_]:
    size = (offset + length + 7) // 8
    data = np.frombuffer(_bytes(address, size), np.uint8)
    return np.unpackbits(data, bitorder="little")[offset : offset + length].view(np.bool_)


def _bytes(address: int, size: int) -> memoryview:
    return memoryview((ctypes.c_uint8 * size).from_address(address))
