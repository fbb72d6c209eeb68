"""How strongly edges tie their ends together: the Laplacian of a graph and its weights."""

from typing import Any

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from graphmax.checks import one_of
from graphmax.graph import Graph
from graphmax.posterior.precision import Floats, Matrix, laplacian_of


def graph_laplacian(graph: Graph, weight: Any) -> Matrix:
    """Return the Laplacian of the graph without arrows, its edges tied as `weight` says."""
    rows = graph.adjacency("both")
    if weight is None:
        return laplacian_of(rows, np.ones(rows.indices.size))
    if not isinstance(weight, str):
        return laplacian_of(rows, _per_entry(graph, np.asarray(weight)))
    one_of(weight, "weight", ("conductance", "length"))
    if rows.weights is None:
        raise ValueError(
            f"`weight` must be used with edge weights, got {weight!r} and a graph without; "
            "pass one conductance per edge, or leave it out"
        )
    least = "above 0" if weight == "length" else "at least 0"
    if not (rows.weights > 0 if weight == "length" else rows.weights >= 0).all():
        raise ValueError(
            f"`weight` must be {least} on every edge, got {rows.weights.min():g}; "
            "pass one conductance per edge of graph.edges()"
        )
    return laplacian_of(rows, 1 / rows.weights if weight == "length" else rows.weights)


def _per_entry(graph: Graph, conductances: NDArray[Any]) -> Floats:
    """Return one conductance per entry of the rows, from one per edge."""
    if graph.directed:
        raise ValueError(
            "`weight` must be None or a word for a directed graph, got an array; the field lives "
            "on the graph without arrows"
        )
    if conductances.dtype.kind not in "biuf" or conductances.shape != (graph.num_edges,):
        raise ValueError(
            f"`weight` must hold one number per edge ({graph.num_edges},), got "
            f"{conductances.dtype} {conductances.shape}"
        )
    if not ((conductances >= 0) & np.isfinite(conductances)).all():
        raise ValueError("`weight` must be finite and at least 0, got another conductance")
    src, dst = graph.edges()
    # numbered from 1, so that a conductance of 0 does not fall out of the sparse matrix
    number_of = np.concatenate([np.arange(src.size), np.arange(src.size)]) + 1
    ends = np.concatenate([src, dst]), np.concatenate([dst, src])
    shape = (graph.num_nodes, graph.num_nodes)
    table = scipy.sparse.coo_array((number_of, ends), shape=shape).tocsr()
    table.sort_indices()
    entries: Floats = conductances.astype(np.float64)[table.data - 1]
    return entries
