"""Answers as columns that a file or a person can take: ids beside masks, distances, witnesses."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.graph import Graph
from graphmax.maxima import isolation, local_maxima
from graphmax.rule import Rule
from graphmax.values import order_key, read_attribute

Columns = dict[str, NDArray[Any]]
_OF_ISOLATION = ("ties", "direction", "nan", "absent", "extremum")


def label_table(graph: Graph, values: str, rule: Rule, **selection: Any) -> Columns:
    """Say for every node whether it is a maximum.

    Parameters
    ----------
    graph : Graph
        The graph.
    values : str
        The name of an attribute with one number per node.
    rule : Rule
        The rule.
    **selection
        ``where`` and ``groups``, as `local_maxima` takes them.

    Returns
    -------
    dict of str to array
        ``id`` and ``is_maximum``, in the order of the nodes.

    Raises
    ------
    ValueError
        If the attribute has several numbers per node.
    """
    mask = np.asarray(local_maxima(graph, values, rule=rule, **selection))
    if mask.ndim != 1:
        raise ValueError(
            f"`values` must name an attribute with one number per node, got {values!r} with "
            f"{mask.shape[1]}"
        )
    return {"id": graph.label_of(np.arange(graph.num_nodes)), "is_maximum": mask}


def maxima_table(
    graph: Graph, values: str, rule: Rule, mask: NDArray[np.bool_], **selection: Any
) -> Columns:
    """Say for every maximum how high it is and how far the nearest higher node lies.

    Parameters
    ----------
    graph : Graph
        The graph.
    values : str
        The name of the attribute.
    rule : Rule
        The rule that the maxima were found under.
    mask : bool (num_nodes,)
        The maxima.
    **selection
        ``where`` and ``groups``, as `isolation` takes them.

    Returns
    -------
    dict of str to array
        ``label``, ``value``, ``isolation`` (in hops, or in edge weights under a radius; infinite
        where no node is higher) and ``nearest_higher`` (an id, masked where there is none; for
        minima a lower node), highest first, for minima lowest first.
    """
    said = {name: field for name, field in rule.said.items() if name in _OF_ISOLATION}
    nearest = isolation(graph, values, weighted=rule.radius is not None, **said, **selection)
    nodes = _extreme_first(graph.attributes[values], np.flatnonzero(mask), rule)
    witness = nearest.witness[nodes]
    return {
        "label": graph.label_of(nodes),
        "value": graph.attributes[values][nodes],
        "isolation": nearest.distance[nodes],
        "nearest_higher": np.ma.MaskedArray(graph.label_of(witness), witness < 0),
    }


def has_topography(graph: Graph, rule: Rule) -> bool:
    """Say whether maxima under a rule have prominence, parent and basin.

    Parameters
    ----------
    graph : Graph
        The graph.
    rule : Rule
        The rule.

    Returns
    -------
    bool
        False where an arrow counts one way, and for weak and index ties, under which one flat
        top can have several maxima.

    Examples
    --------
    >>> from graphmax.graph import Graph
    >>> has_topography(Graph.from_edges([0], [1]), Rule(ties="index"))
    False
    """
    is_walkable = not graph.directed or rule.direction == "both"
    return is_walkable and rule.ties in ("strict", "plateau", None)


def _extreme_first(column: NDArray[Any], nodes: NDArray[Any], rule: Rule) -> NDArray[Any]:
    """Sort nodes by value, highest first, for minima lowest first; ties by index."""
    key = order_key(read_attribute(column).array[nodes]).key
    return nodes[np.argsort(key if rule.extremum == "min" else ~key, kind="stable")]
