"""Names of nodes that people read, where a file has some beside its ids."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.checks import near_names
from graphmax.graph import Graph

# Attributes that name nodes, the first one that is there.
_USUAL = ("label", "name", "title", "shared name", "Label", "Name")


def names_of(graph: Graph, label: str | None = None) -> NDArray[Any] | None:
    """Return the attribute that names the nodes: the one asked for, else a usual one of text.

    A node without a name has its id.

    Examples
    --------
    >>> from graphmax.graph import Graph
    >>> graph = Graph.from_edges([0], [1], labels=["n0", "n1"], attributes={"name": ["Ann", "Bob"]})
    >>> names_of(graph).tolist()
    ['Ann', 'Bob']
    """
    if label is not None and label not in graph.attributes:
        near = near_names(label, list(graph.attributes))
        raise ValueError(f"`label` must be an attribute of the nodes, got {label!r}; {near}")
    usual = (name for name in _USUAL if name in graph.attributes)
    name = label if label is not None else next(usual, None)
    column = None if name is None else graph.attributes[name]
    if column is None or column.ndim != 1 or (label is None and column.dtype.kind not in "OU"):
        return None
    missing, plain = np.ma.getmaskarray(column), np.ma.getdata(column)
    ids = graph.label_of(np.arange(graph.num_nodes))
    names = np.empty(graph.num_nodes, object)
    names[:] = [
        str(key) if absent or text in ("", None) else str(text)
        for key, text, absent in zip(ids.tolist(), plain.tolist(), missing.tolist(), strict=True)
    ]
    # Names that nobody asked for stand in for ids only where they tell all nodes apart.
    return names if label is not None or np.unique(names).size == names.size else None


def named_ids(graph: Graph, ids: NDArray[Any], label: str | None = None) -> NDArray[Any]:
    """Return a column of ids as names; the ids themselves where the graph has no names.

    Examples
    --------
    >>> from graphmax.graph import Graph
    >>> graph = Graph.from_edges([0], [1], labels=["n0", "n1"], attributes={"name": ["Ann", "Bob"]})
    >>> named_ids(graph, np.array(["n1", "n0"], object)).tolist()
    ['Bob', 'Ann']
    """
    names = names_of(graph, label)
    if names is None:
        return ids
    known = graph.label_of(np.arange(graph.num_nodes)).tolist()
    name_of = dict(zip(known, names.tolist(), strict=True))
    missing, plain = np.ma.getmaskarray(ids), np.ma.getdata(ids)
    found = np.empty(plain.size, object)
    found[:] = [name_of.get(key, str(key)) for key in plain.tolist()]
    return np.ma.MaskedArray(found, missing) if missing.any() else found
