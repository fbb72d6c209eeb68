"""The table and the picture of `graphmax peaks`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graphmax.cli.reports import maxima_table
from graphmax.maxima import local_maxima
from graphmax.peaks import find_peaks

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np

    from graphmax.graph import Graph
    from graphmax.peaks import Peaks
    from graphmax.rule import Rule


def has_topography(graph: Graph, rule: Rule) -> bool:
    """Tell whether maxima under a rule have prominence, parent and basin.

    Parameters
    ----------
    graph : Graph
        The graph.
    rule : Rule
        The rule.

    Returns
    -------
    bool
        False for an arrow that counts one way, and for weak and index ties, under which one flat
        top can have several maxima.
    """
    is_walkable = not graph.directed or rule.direction == "both"
    return is_walkable and rule.ties in ("strict", "plateau")


def tell_peaks(
    graph: Graph, values: str, rule: Rule, *, filters: Mapping[str, Any], plot: Path | None
) -> dict[str, np.ndarray]:
    """Return the table of maxima, and draw them if a path is given.

    Parameters
    ----------
    graph : Graph
        The graph.
    values : str
        The name of the attribute.
    rule : Rule
        The rule.
    filters : mapping
        ``min_prominence``, ``min_isolation`` and ``num_peaks``; None where not asked for.
    plot : pathlib.Path or None
        Where the picture goes.

    Returns
    -------
    dict of str to array
        ``label``, ``value``, ``isolation``, ``nearest_higher``, and where the rule has a
        topography ``prominence``, ``key_saddle``, ``parent``, ``basin_size``, ``plateau_size``.

    Raises
    ------
    ValueError
        If a filter is given and the rule has no topography, or the attribute has several numbers
        a node.
    """
    _refuse_columns(graph, values)
    asked = {name: bound for name, bound in filters.items() if bound is not None}
    if has_topography(graph, rule) or asked:
        peaks = find_peaks(graph, values, rule=rule, **asked)
        if plot is not None:
            _draw_peaks(graph, values, peaks, plot)
        return _columns(peaks)
    mask = local_maxima(graph, values, rule=rule)
    if plot is not None:
        _draw_maxima(graph, values, mask, plot)
    return maxima_table(graph, values, rule, mask)


def _refuse_columns(graph: Graph, values: str) -> None:
    column = graph.attributes.get(values)
    if column is not None and column.ndim != 1:
        raise ValueError(
            f"`values` must name an attribute with one number a node, got {values!r} with "
            f"{column.shape[1]}"
        )


def shown(table: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return what is printed: without the sizes of plateaus where there is none.

    Parameters
    ----------
    table : dict of str to array
        The table.

    Returns
    -------
    dict of str to array
        The table or a part of it.
    """
    sizes = table.get("plateau_size")
    if sizes is None or (sizes > 1).any():
        return table
    return {name: column for name, column in table.items() if name != "plateau_size"}


def _columns(peaks: Peaks) -> dict[str, np.ndarray]:
    columns = peaks.labelled()
    del columns["node"]  # its index, which a file does not know
    if peaks.rule.extremum == "min":
        columns = {
            "nearest_lower" if name == "nearest_higher" else name: column
            for name, column in columns.items()
        }
    return columns


def _draw_peaks(graph: Graph, values: str, peaks: Peaks, path: Path) -> None:
    from graphmax.plotting import plot_peaks

    plot_peaks(graph, peaks, path=path, title=f"Peaks of {values}")


def _draw_maxima(graph: Graph, values: str, mask: np.ndarray, path: Path) -> None:
    from graphmax.plotting import plot_maxima

    plot_maxima(graph, values, mask, path=path, title=f"Local maxima of {values}")
