"""`write_table`: named columns to .csv, .tsv, .parquet or .json, exact to the last digit."""

# ruff: noqa: S608 - names and values are quoted, table names are this package's own

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphmax.atomic import write_atomically
from graphmax.files.duckdb_session import check_address_space, identifier, literal
from graphmax.files.opening import check_text, is_utf8

_FORMATS = {
    ".csv": "csv, header true",
    ".tsv": "csv, header true, delimiter '\t'",
    ".parquet": "parquet",
    ".json": "json, array true",
}
_TIME_UNITS = ("s", "ms", "us", "ns")


def write_table(columns: Mapping[str, ArrayLike], path: str | os.PathLike[str]) -> None:
    """Write columns of equal length to a CSV, TSV, Parquet or JSON file.

    The file appears complete or not at all: it is written under a temporary name, synced to the
    disk and renamed.

    Parameters
    ----------
    columns : mapping of str to (num_rows,) array
        Integers, floats, Booleans, text, dates and times; missing entries masked (or None among
        text).
    path : str or path
        Where to; the ending decides: .csv, .tsv, .parquet, .json (an array of one object a row).

    Raises
    ------
    ValueError
        If the ending is another one, a column is not one-dimensional, or lengths differ.
    TypeError
        If a column holds other things than those above.
    FileNotFoundError
        If the folder does not exist.

    Notes
    -----
    Integers keep every digit, floats the shortest spelling that gives them back. Missing entries
    are empty in CSV and TSV, null elsewhere. NaN and infinities are ``nan``, ``inf`` there and the
    strings ``"NaN"``, ``"Infinity"``, ``"-Infinity"`` in JSON, which has no numbers for them.
    A timedelta is written as its number of ticks.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from graphmax import write_table
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "labels.csv"
    >>> write_table({"id": [7, 9], "is_maximum": [True, False]}, file)
    >>> file.read_text().split()
    ['id,is_maximum', '7,true', '9,false']
    """
    target = Path(os.fspath(path))
    if target.suffix.lower() not in _FORMATS:
        raise ValueError(
            f"`path` must end in one of {', '.join(_FORMATS)}, got {target.name!r}; rename it"
        )
    arrays = checked_columns(columns)
    write_atomically(target, lambda file: copy_columns(arrays, file, target.suffix.lower()))


def checked_columns(columns: Mapping[str, ArrayLike]) -> dict[str, NDArray[Any]]:
    """Return the columns as one-dimensional arrays of one length and of writable types."""
    if not columns:
        raise ValueError("`columns` must hold at least one column, got none")
    for name in columns:
        check_text(str(name), "columns")
    if "" in map(str, columns):
        raise ValueError("`columns` must have names, got one called ''; rename it")
    arrays = {str(name): _column(str(name), column) for name, column in columns.items()}
    lengths = {name: array.size for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"`columns` must have one length, got {lengths}")
    return arrays


def _column(name: str, column: ArrayLike) -> NDArray[Any]:
    array = column if isinstance(column, np.ndarray) else np.asarray(column)
    if array.ndim != 1:
        raise ValueError(f"`columns[{name!r}]` must be one-dimensional, got shape {array.shape}")
    if array.dtype.kind in "UO":
        return _text(name, array)
    if array.dtype.kind not in "biufmM" or array.dtype.itemsize > 8:
        raise TypeError(f"`columns[{name!r}]` must be numbers, text or times, got {array.dtype}")
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def _text(name: str, array: NDArray[Any]) -> NDArray[Any]:
    mask = np.ma.getmaskarray(array).copy()
    texts = np.empty(array.size, object)
    for i, item in enumerate(np.ma.getdata(array).tolist()):
        if item is None or mask[i]:
            mask[i] = True
        elif isinstance(item, str):
            check_text(item, f"columns[{name!r}]")
            texts[i] = item
        else:
            raise TypeError(
                f"`columns[{name!r}]` must hold text only, got {item!r} in row {i}; "
                "convert the column"
            )
    return np.ma.MaskedArray(texts, mask) if mask.any() else texts


def copy_columns(
    columns: Mapping[str, NDArray[Any]],
    file: Path,
    ending: str,
    *,
    metadata: str | None = None,
    comment: str = "",
    quote: bool = False,
) -> None:
    """Write columns with DuckDB.

    `metadata` goes into the metadata of a Parquet file, `comment` before the header of a CSV
    file; `quote` puts all text of a CSV file into quotation marks, so that blanks around it count.
    """
    arrays: dict[str, NDArray[Any]] = {}
    chosen = []
    for i, (name, column) in enumerate(columns.items()):
        arrays |= _for_duckdb(i, column)
        chosen.append(f"{_expression(i, column, ending)} as {identifier(name)}")
    settings = f"format {_FORMATS[ending]}, use_tmp_file false"
    quoted = [identifier(name) for name, column in columns.items() if column.dtype == object]
    if ending == ".csv" and quote and quoted:
        settings += f", force_quote ({', '.join(quoted)})"
    if metadata is not None and ending == ".parquet":
        settings += f", kv_metadata {{graphmax: {literal(metadata)}}}"
    import duckdb  # not at the top: the front door stays quick for those who only read

    check_address_space()
    with duckdb.connect() as connection:
        connection.register("columns", arrays)
        query = f"copy (select {', '.join(chosen)} from columns) to"
        with _named_in_utf8(file) as target:
            connection.execute(f"{query} {literal(str(target))} ({settings})")
    if comment:
        file.write_bytes(comment.encode() + file.read_bytes())


@contextmanager
def _named_in_utf8(file: Path) -> Iterator[Path]:
    """Give DuckDB a name that it can read, and move what it wrote to a name of other bytes."""
    if is_utf8(str(file)):
        yield file
        return
    with TemporaryDirectory(prefix="graphmax-") as folder:
        link = Path(folder) / "beside"
        link.symlink_to(file.parent.absolute(), target_is_directory=True)
        yield link / "table"
        (file.parent / "table").replace(file)


def _for_duckdb(i: int, column: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Return the column as plain values beside a mask: DuckDB takes a NaN for a missing entry."""
    plain = np.ma.getdata(column)
    if plain.dtype.kind == "M":
        plain = plain.astype("M8[us]") if _unit(plain) not in _TIME_UNITS else plain
        missing = np.ma.getmaskarray(column) | np.isnat(plain)
    elif plain.dtype.kind == "m":
        missing = np.ma.getmaskarray(column) | np.isnat(plain)
        plain = plain.astype(np.int64)
    else:
        missing = np.ma.getmaskarray(column)
    plain = plain.astype(np.float32) if plain.dtype == np.float16 else plain
    found = {f"v{i}": np.ascontiguousarray(plain), f"m{i}": missing}
    return {**found, f"n{i}": np.isnan(plain)} if plain.dtype.kind == "f" else found


def _unit(column: NDArray[Any]) -> str:
    return np.datetime_data(column.dtype)[0]


def _expression(i: int, column: NDArray[Any], ending: str) -> str:
    value = f"v{i}::varchar" if column.dtype == object else f"v{i}"
    if column.dtype.kind == "f":
        kind = "double" if column.dtype.itemsize == 8 else "float"
        value = f"case when n{i} then 'nan'::{kind} else v{i} end"
        if ending == ".json":
            value = (
                f"case when n{i} then to_json('NaN') when isinf(v{i}) then to_json(case when "
                f"v{i} > 0 then 'Infinity' else '-Infinity' end) else to_json(v{i}) end"
            )
    return f"case when m{i} then null else {value} end"
