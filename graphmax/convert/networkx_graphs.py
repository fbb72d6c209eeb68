"""Graphs of networkx, straight from the dictionaries in which networkx keeps a graph."""

from itertools import chain
from operator import methodcaller
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.checks import near_names
from graphmax.graph import Graph
from graphmax.typed_columns import columns_of, ids_of


def is_networkx(obj: Any) -> bool:
    """Tell whether an object is a networkx graph of any class, or a view of one."""
    return hasattr(obj, "adjacency") and hasattr(obj, "nodes") and hasattr(obj, "is_multigraph")


def from_networkx(obj: Any, weight: str | None) -> Graph:
    """Read nodes in the order of ``list(G)``, their attributes, edges, and one weight of each."""
    nodes = list(obj)
    ids = ids_of(nodes)
    src, dst, lengths = _edges(obj, nodes, ids, weight)
    records = [data for _, data in obj.nodes(data=True)]
    columns = columns_of(records) if any(records) else {}
    return Graph.from_edges(
        src,
        dst,
        len(nodes),
        weights=lengths,
        directed=obj.is_directed(),
        labels=ids,
        attributes=columns,
    )


def _edges(
    obj: Any, nodes: list[Any], ids: NDArray[Any], weight: str | None
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[Any] | None]:
    """Return each edge once: source, target, and the weights if an edge has one."""
    rows = [obj._adj[node] for node in nodes]
    counts = np.fromiter(map(len, rows), np.int64, len(rows))
    src = np.repeat(np.arange(len(nodes)), counts)
    total = int(counts.sum())
    neighbors = chain.from_iterable(rows)
    if ids.dtype == np.int64 and np.array_equal(ids, np.arange(ids.size)):
        dst = np.fromiter(neighbors, np.int64, total)
    else:
        index = dict(zip(nodes, range(len(nodes)), strict=True))
        dst = np.fromiter(map(index.__getitem__, neighbors), np.int64, total)
    if obj.is_multigraph():
        return _edges_of_multigraph(obj, rows, src, dst, weight)
    once = None if obj.is_directed() else src <= dst
    lengths = None if weight is None else _weights(obj, rows, weight, once)
    return (src, dst, lengths) if once is None else (src[once], dst[once], lengths)


def _edges_of_multigraph(
    obj: Any, rows: list[Any], src: NDArray[np.int64], dst: NDArray[np.int64], weight: str | None
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[Any] | None]:
    bundles = list(chain.from_iterable(row.values() for row in rows))
    counts = np.fromiter(map(len, bundles), np.int64, len(bundles))
    src, dst = np.repeat(src, counts), np.repeat(dst, counts)
    once = None if obj.is_directed() else src <= dst
    lengths = None
    if weight is not None:
        data = chain.from_iterable(bundle.values() for bundle in bundles)
        lengths = _lengths(list(map(methodcaller("get", weight), data)), once)
        _check_name(obj, weight, lengths)
    return (src, dst, lengths) if once is None else (src[once], dst[once], lengths)


def _weights(
    obj: Any, rows: list[Any], weight: str, once: NDArray[np.bool_] | None
) -> NDArray[Any] | None:
    """Return the weights of the edges, 1 where an edge lacks it, None if all do."""
    values, lengths = methodcaller("values"), None
    # any() is quick where nothing is known of any edge, as in most graphs without weights.
    if any(chain.from_iterable(map(values, rows))):
        data = chain.from_iterable(map(values, rows))
        lengths = _lengths(list(map(methodcaller("get", weight), data)), once)
    _check_name(obj, weight, lengths)
    return lengths


def _lengths(entries: list[Any], once: NDArray[np.bool_] | None) -> NDArray[Any] | None:
    missing = entries.count(None)
    if missing == len(entries):
        return None
    if missing:
        entries = [1.0 if entry is None else entry for entry in entries]
    lengths = np.array(entries)
    return lengths if once is None else lengths[once]


def _check_name(obj: Any, weight: str, lengths: NDArray[Any] | None) -> None:
    """Refuse a weight that was asked for by name and that no edge has."""
    if lengths is not None or weight == "weight":
        return
    names = {name for _, _, data in obj.edges(data=True) for name in data}
    if obj.number_of_edges():
        raise ValueError(
            f"`weight` must name an edge attribute, got {weight!r}; "
            + near_names(weight, sorted(map(str, names)))
        )
