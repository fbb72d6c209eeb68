"""From columns to a `Graph`, with the errors of `Graph` told as errors of the file."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.checks import MOST_NODES, near_names
from graphmax.files.errors import GraphFileError, refusal
from graphmax.files.ids import Numbered
from graphmax.files.options import ReadOptions
from graphmax.files.source import Source
from graphmax.graph import Graph

# Formats that declare a number of nodes may declare this many in a file of any size.
_UNASKED_NODES = 4_000_000


def assembled(
    source: Source,
    options: ReadOptions,
    edges: Numbered,
    *,
    attributes: Mapping[str, NDArray[Any]] | None = None,
    directed: bool = False,
    labelled: bool = True,
) -> Graph:
    """Build the graph; `directed` is what the file says, the option decides.

    Without `labelled` the ids must be the node indices themselves, and the graph has no labels.
    """
    check_count(source, options, edges.labels.size)
    if not labelled and not np.array_equal(edges.labels, np.arange(edges.labels.size)):
        raise refusal(source.name, "have node indices as ids, as its note says", "other ids")
    if options.directed is not None:
        directed = options.directed
    try:
        return Graph.from_edges(
            edges.src,
            edges.dst,
            edges.labels.size,
            weights=edges.weights,
            directed=directed,
            labels=edges.labels if labelled else None,
            attributes=attributes,
        )
    except (ValueError, TypeError) as error:
        raise GraphFileError(f"{error} in {source.name}", path=source.name) from error


def check_count(source: Source, options: ReadOptions, count: int) -> None:
    """Refuse more nodes than the caller allows, or by default than the bytes account for."""
    unasked = min(MOST_NODES, max(_UNASKED_NODES, 2 * source.size))
    allowed = unasked if options.max_nodes is None else options.max_nodes
    if count > allowed:
        raise refusal(
            source.name, f"have at most {allowed} nodes", f"{count}", way_out="pass max_nodes"
        )


def first_bad_weight(weights: NDArray[Any]) -> tuple[int, str] | None:
    """Return the first row whose weight is missing, NaN or negative, and what it is."""
    missing = np.ma.getmaskarray(weights)
    bad = missing | ~(np.ma.getdata(weights) >= 0)
    if not bad.any():
        return None
    row = int(bad.argmax())
    return row, "no weight" if missing[row] else f"weight {np.ma.getdata(weights)[row]}"


def found_column(
    source: Source,
    names: Sequence[str],
    asked: str | int | None,
    *,
    usual: tuple[str, ...],
    otherwise: int | None,
) -> int | None:
    """Return the place of a column: the one asked for, else a usual name, else `otherwise`."""
    if isinstance(asked, int) and not isinstance(asked, bool):
        if 0 <= asked < len(names):
            return asked
        raise _unknown_column(source, names, asked)
    if asked is not None:
        if asked in names:
            return names.index(asked)
        raise _unknown_column(source, names, asked)
    lowered = [name.lower() for name in names]
    return next((lowered.index(name) for name in usual if name in lowered), otherwise)


def _unknown_column(source: Source, names: Sequence[str], asked: str | int) -> GraphFileError:
    return refusal(
        source.name, f"have the column {asked!r}", f"none; {near_names(str(asked), list(names))}"
    )
