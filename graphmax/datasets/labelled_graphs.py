"""One's own graph files: read, labelled, and split."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.checks import near_names, to_numpy
from graphmax.datasets.node_split import NodeSplit, checked_shares, fill_shares, split_nodes
from graphmax.files import GraphFileError, read_graph
from graphmax.graph import Graph
from graphmax.maxima import local_maxima
from graphmax.rule import Rule

Path = str | os.PathLike[str]


@dataclass(frozen=True)
class Own:
    """Labelled graphs of one's own, and which of them, or of their nodes, are for what.

    Parameters
    ----------
    graphs : tuple of Graph
        With the attributes ``x``, ``value`` and ``is_maximum``.
    rule : Rule
        The rule of the labels.
    graph_parts : int64 (graphs,) or None
        0 for training, 1 for validation, 2 for test; None where nodes were split.
    nodes : tuple of NodeSplit
        The masks of each graph; empty where graphs were split.
    """

    graphs: tuple[Graph, ...]
    rule: Rule
    graph_parts: NDArray[np.int64] | None
    nodes: tuple[NodeSplit, ...]

    @property
    def touching(self) -> float:
        """Share of all test balls that hold a training node; 0 where graphs were split."""
        count = sum(int(split.test.sum()) for split in self.nodes)
        touched = sum(split.touching * int(split.test.sum()) for split in self.nodes)
        return touched / count if count else 0.0


def own_graphs(
    paths: Sequence[Path], values: str, hops: int | None, *, rule: Rule | None,
    features: Sequence[str] | None, split: str, shares: Sequence[float], seed: int,
    options: Mapping[str, Any],
) -> Own:  # fmt: skip
    """Read, label and split; see `PeakDataset.from_files`."""
    if isinstance(paths, str | os.PathLike) or not len(paths):
        raise ValueError(f"`paths` must be a list of at least one file, got {paths!r}")
    if split not in ("graphs", "nodes"):
        raise ValueError(f"`split` must be 'graphs' or 'nodes', got {split!r}")
    chosen = _rule(hops, rule)
    wanted, rng = checked_shares(shares), np.random.default_rng(seed)
    graphs = tuple(_labelled(path, values, chosen, features, options) for path in paths)
    if split == "graphs":
        sizes = np.ones(len(graphs), np.int64)
        return Own(graphs, chosen, fill_shares(sizes, wanted, rng.permutation(len(graphs))), ())
    nodes = tuple(split_nodes(graph, chosen, shares, generator=rng) for graph in graphs)
    return Own(graphs, chosen, None, nodes)


def _rule(hops: int | None, rule: Rule | None) -> Rule:
    if rule is not None and hops is not None:
        raise TypeError("`rule` must not be given beside hops; use dataclasses.replace(rule, ...)")
    return (Rule(hops=hops) if rule is None else rule).filled()


def _labelled(
    path: Path, values: str, rule: Rule, features: Sequence[str] | None, options: Mapping[str, Any]
) -> Graph:
    graph = read_graph(path, **options)
    try:
        mask = to_numpy(local_maxima(graph, values, rule=rule))
        shown = _features(graph, [values] if features is None else features)
    except GraphFileError:
        raise
    except (ValueError, TypeError) as refusal:
        raise type(refusal)(f"{refusal} (in {os.fspath(path)})") from None
    column = graph.attributes[values]
    if np.ma.is_masked(column):
        column = np.ma.filled(column.astype(np.float64), np.nan)
    return graph.replace(
        attributes={"x": shown, "value": np.ma.getdata(column), "is_maximum": mask}
    )


def _features(graph: Graph, names: Sequence[str]) -> NDArray[np.float64]:
    columns = []
    for name in names:
        if name not in graph.attributes:
            raise ValueError(
                f"`features` must name node attributes, got {name!r}; "
                + near_names(name, list(graph.attributes))
            )
        column = graph.attributes[name]
        if column.dtype.kind not in "biuf":
            raise TypeError(f"`features` must be numbers, got {name!r} of dtype {column.dtype}")
        columns.append(np.ma.filled(np.ma.asarray(column).astype(np.float64), np.nan))
    return np.column_stack(columns)
