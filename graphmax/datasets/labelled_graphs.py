"""Graphs of one's own, from files, TUDataset folders or memory: labelled, and split."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphmax.checks import near_names, one_of, to_numpy
from graphmax.convert import as_graph
from graphmax.datasets.recipe import SPLITS
from graphmax.files import GraphFileError, read_graph
from graphmax.files.errors import refusal
from graphmax.graph import Graph
from graphmax.kernels.ball import ball, inherit
from graphmax.maxima import local_maxima
from graphmax.node_values import graph_and_attribute
from graphmax.question import rule_of
from graphmax.rule import Rule
from graphmax.values import Attribute

_BACK = {"in": "out", "out": "in", "both": "both"}


class NodeSplit(NamedTuple):
    """A mask of nodes for each part, and the share of test balls that touch a training node."""

    train: NDArray[np.bool_]
    validation: NDArray[np.bool_]
    test: NDArray[np.bool_]
    touching: float


def split_nodes(
    graph: Graph,
    rule: Rule,
    shares: Sequence[float] = (0.6, 0.2, 0.2),
    *,
    num_blocks: int = 30,
    generator: np.random.Generator,
) -> NodeSplit:
    """Split the nodes of a graph by connected blocks.

    Blocks grow, step by step, around random nodes, at least one a connected component; whole
    blocks go to training, validation and test.

    Parameters
    ----------
    graph : Graph
        The graph.
    rule : Rule
        Whose balls are looked at for `touching`.
    shares : sequence of float (3,), default (0.6, 0.2, 0.2)
        Share of nodes that each part is to have; met as far as whole blocks allow.
    num_blocks : int, default 30
        Number of blocks, more where there are more components.
    generator : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    NodeSplit
        Masks bool (num_nodes,) and the share of test nodes whose ball holds a training node.

    Raises
    ------
    ValueError
        If shares are not three numbers of at least 0 with a sum of 1.

    Examples
    --------
    >>> import numpy as np
    >>> from graphmax import Rule, grid_graph
    >>> from graphmax.datasets import split_nodes
    >>> parts = split_nodes(grid_graph((40, 40)), Rule(), generator=np.random.default_rng(0))
    >>> int((parts.train | parts.validation | parts.test).sum())
    1600
    """
    wanted = checked_shares(shares)
    block = _blocks(graph, num_blocks, generator)
    part = _node_parts(block, wanted, generator)
    train, validation, test = (part == number for number in range(len(SPLITS)))
    touched = _within_reach(graph, rule, train)[test]
    return NodeSplit(train, validation, test, float(touched.mean()) if touched.size else 0.0)


def checked_shares(shares: Sequence[float]) -> NDArray[np.float64]:
    """Return the shares of training, validation and test."""
    wanted = np.asarray(shares, np.float64)
    if wanted.shape != (3,) or wanted.min() < 0 or abs(wanted.sum() - 1) > 1e-9:
        raise ValueError(
            f"`shares` must be three numbers of at least 0 with a sum of 1, got {list(shares)}"
        )
    return wanted


def fill_shares(
    sizes: NDArray[np.int64], shares: NDArray[np.float64], order: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Deal things of these sizes, in this order, always to the part that lacks most."""
    part, lacking = np.empty(sizes.size, np.int64), shares * sizes.sum()
    for thing in order:
        part[thing] = np.argmax(lacking)
        lacking[part[thing]] -= sizes[thing]
    return part


def _blocks(graph: Graph, num_blocks: int, rng: np.random.Generator) -> NDArray[np.int64]:
    rows, order = graph.adjacency("both"), rng.permutation(graph.num_nodes)
    seeds = list(order[: max(num_blocks, 1)])
    block = np.full(graph.num_nodes, -1)
    while graph.num_nodes:
        found, _, parent = ball((rows.indptr, rows.indices, None), np.sort(seeds), np.inf)
        block[np.sort(seeds)] = np.arange(len(seeds))
        inherit(found, parent, block)
        rest = order[block[order] < 0]
        if not rest.size:
            break
        seeds += _one_a_component(graph, rest)
        block[:] = -1
    return block


def _one_a_component(graph: Graph, nodes: NDArray[np.int64]) -> list[int]:
    """Return the first of these nodes in each component that holds some."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    rows, count = graph.adjacency("both"), graph.num_nodes
    entries = np.ones(rows.indices.size, np.int8)
    matrix = csr_array((entries, rows.indices, rows.indptr), shape=(count, count))
    _, component = connected_components(matrix, directed=False)
    _, first = np.unique(component[nodes], return_index=True)
    return list(nodes[np.sort(first)])


def _node_parts(
    block: NDArray[np.int64], shares: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.int64]:
    sizes = np.bincount(block) if block.size else np.zeros(0, np.int64)
    return fill_shares(sizes, shares, rng.permutation(sizes.size))[block]


def _within_reach(graph: Graph, rule: Rule, targets: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell whose ball holds a target: walk from the targets, backwards."""
    near = np.zeros(graph.num_nodes, np.bool_)
    if targets.any():
        rows = graph.adjacency(_BACK[rule.filled().direction])
        weights = None if rule.reach is not None else rows.weights
        limit = rule.radius if rule.reach is None else rule.reach
        found, *_ = ball((rows.indptr, rows.indices, weights), np.flatnonzero(targets), limit)
        near[found] = True
    return near


_EDGES = "_A.txt"


def is_tu_folder(path: Any) -> bool:
    """Tell whether this is a folder with a file NAME_A.txt."""
    place = Path(os.fspath(path))
    return place.is_dir() and len(list(place.glob(f"*{_EDGES}"))) == 1


def read_tu_folder(folder: str | os.PathLike[str]) -> list[Graph]:
    """Read every graph of a folder.

    ``NAME_A.txt`` holds the entries "u, v" of all adjacency matrices, counted from 1,
    ``NAME_graph_indicator.txt`` the graph of each node, ``NAME_node_attributes.txt`` and
    ``NAME_node_labels.txt``, where they are there, the columns of the attributes
    ``attributes`` (num_nodes, F), ``attribute_0`` and so on, and ``node_label``.
    """
    place = Path(folder)
    edges_file = next(place.glob(f"*{_EDGES}"))
    stem = edges_file.name.removesuffix(_EDGES)
    graph_of = _numbers_in(place / f"{stem}_graph_indicator.txt")[:, 0].astype(np.int64)
    ends = _numbers_in(edges_file).astype(np.int64)
    if ends.shape[1] != 2:
        raise refusal(str(edges_file), "hold two nodes per line", f"{ends.shape[1]} numbers")
    ends = ends - 1
    if ends.size and not 0 <= ends.min() <= ends.max() < graph_of.size:
        span = f"{ends.min() + 1} to {ends.max() + 1}"
        raise refusal(str(edges_file), f"number nodes from 1 to {graph_of.size}", span)
    if (graph_of[ends[:, 0]] != graph_of[ends[:, 1]]).any():
        raise refusal(str(edges_file), "join nodes of one graph", "an edge between two graphs")
    columns = _attributes(place, stem, graph_of.size)
    order = np.argsort(graph_of, kind="stable")
    return _parts(graph_of, order, ends, columns)


def _parts(
    graph_of: NDArray[np.int64],
    order: NDArray[np.int64],
    ends: NDArray[np.int64],
    columns: dict[str, NDArray[Any]],
) -> list[Graph]:
    """Cut the union into its graphs, nodes in the order of the file."""
    place = np.empty(order.size, np.int64)
    _, starts = np.unique(graph_of[order], return_index=True)
    bounds = [*starts.tolist(), order.size]
    place[order] = np.arange(order.size)
    entries = np.argsort(graph_of[ends[:, 0]], kind="stable")
    ends, owner = ends[entries], graph_of[ends[entries, 0]]
    graphs = []
    for first, last in pairwise(bounds):
        nodes = order[first:last]
        inside = slice(*np.searchsorted(owner, [graph_of[nodes[0]], graph_of[nodes[0]] + 1]))
        src, dst = place[ends[inside]].T - first
        attributes = {name: column[nodes] for name, column in columns.items()}
        graphs.append(Graph.from_edges(src, dst, nodes.size, attributes=attributes))
    return graphs


def _attributes(place: Path, stem: str, num_nodes: int) -> dict[str, NDArray[Any]]:
    columns: dict[str, NDArray[Any]] = {}
    for name, ending in (("attribute", "node_attributes"), ("node_label", "node_labels")):
        file = place / f"{stem}_{ending}.txt"
        if not file.is_file():
            continue
        table = _numbers_in(file)
        if len(table) != num_nodes:
            raise refusal(str(file), f"hold one line per node ({num_nodes})", str(len(table)))
        if name == "node_label":
            columns[name] = table[:, 0]
            continue
        columns["attributes"] = table
        columns |= {f"{name}_{i}": table[:, i] for i in range(table.shape[1])}
    return columns


def _numbers_in(file: Path) -> NDArray[np.float64]:
    """Read lines of numbers between commas, with spaces or without."""
    try:
        return np.loadtxt(file, delimiter=",", ndmin=2, dtype=np.float64)
    except FileNotFoundError:
        raise refusal(str(file), "be there in the layout of TUDataset", "no such file") from None
    except ValueError as flaw:
        raise refusal(str(file), "hold numbers between commas", str(flaw)[:100]) from None


@dataclass(frozen=True)
class Own:
    """Labelled graphs of one's own, and which of them, or of their nodes, are for what.

    The graphs have the attributes ``x``, ``value`` and ``is_maximum``; `graph_parts` is 0 for
    training, 1 for validation, 2 for test, and None where nodes were split by the masks
    `nodes`.
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


@dataclass(frozen=True)
class Source:
    """A graph before it is labelled: what is compared, what is shown, and what errors call it."""

    graph: Any
    values: Any
    features: Any
    name: str

    def labelled(self, rule: Rule) -> Graph:
        """Return the graph with ``x``, ``value`` and ``is_maximum``."""
        try:
            graph, attribute = _graph_and_column(self.graph, self.values)
            single = _single(attribute)
            mask = to_numpy(local_maxima(graph, single.compared, rule=rule))
            x = single.shown if self.features is None else self._features(graph)
        except GraphFileError:
            raise
        except (ValueError, TypeError) as refusal:
            raise type(refusal)(f"{refusal} (in {self.name})") from None
        columns = {"x": x, "value": single.exact, "is_maximum": mask}
        return graph.replace(attributes=columns)

    def _features(self, graph: Graph) -> NDArray[np.float64]:
        if not (isinstance(self.features, list | tuple) and _all_names(self.features)):
            return _numbers(graph_and_attribute(graph, self.features, "features")[1], "features")
        return np.column_stack([_column(graph, name) for name in self.features])


def labelled_and_split(
    sources: Iterable[Source],
    hops: Any,
    *,
    rule: Rule | None,
    split: str,
    shares: Sequence[float],
    seed: int,
) -> Own:
    """Label graphs and deal them, or their nodes, to training, validation and test."""
    one_of(split, "split", ("graphs", "nodes"))
    made = rule_of("local_maxima", hops, rule)
    wanted, rng = checked_shares(shares), np.random.default_rng(seed)
    graphs = tuple(source.labelled(made) for source in sources)
    if split == "graphs":
        sizes = np.ones(len(graphs), np.int64)
        return Own(graphs, made, fill_shares(sizes, wanted, rng.permutation(len(graphs))), ())
    nodes = tuple(split_nodes(graph, made, shares, generator=rng) for graph in graphs)
    return Own(graphs, made, None, nodes)


@dataclass(frozen=True)
class _Single:
    """A single attribute: as it is compared, exact with NaN for missing, and as a feature."""

    compared: Any
    exact: NDArray[Any]
    shown: NDArray[Any]


def _single(attribute: Attribute) -> _Single:
    """Return an attribute of one column."""
    array, missing = attribute.array, attribute.missing
    if array.ndim == 2 and array.shape[1] != 1:
        raise ValueError(
            f"`values` must have one column, got shape {array.shape}; name one column, and "
            "pass the others as features"
        )
    array = array.reshape(-1)
    if missing is None:
        return _Single(array, array, _as_feature(array))
    masked = np.ma.MaskedArray(array, missing.reshape(-1))
    exact = np.ma.filled(masked.astype(np.float64), np.nan)
    return _Single(masked, exact, exact[:, None])


def _as_feature(array: NDArray[Any]) -> NDArray[Any]:
    """Return values as float64 where it holds them, else as the integers that they are."""
    if array.dtype.kind in "mM":
        array = array.astype(np.int64)
    if array.dtype.kind not in "biuf":
        return array[:, None]
    as_float = array.astype(np.float64)
    if array.dtype.kind in "iu" and array.size and int(np.abs(as_float).max()) >= 2**53:
        if int(array.max()) >= 2**63:
            raise ValueError(
                f"`values` must be below 2**63 to be shown as x, got {int(array.max())}; pass "
                "features, or ranks of the values"
            )
        return array.astype(np.int64)[:, None]
    return as_float[:, None]


def _all_names(features: Sequence[Any]) -> bool:
    return all(isinstance(name, str) for name in features)


def _graph_and_column(graph: Any, name: Any) -> tuple[Graph, Attribute]:
    """Return the graph and the values it is about; ``x.1`` is column 1 of the attribute ``x``."""
    if isinstance(name, str):
        matrix, _, index = name.rpartition(".")
        known = as_graph(graph) if matrix and index.isdecimal() else None
        if known is not None and name not in known.attributes and matrix in known.attributes:
            column = known.attributes[matrix]
            if column.ndim == 2 and int(index) < column.shape[1]:
                return graph_and_attribute(known, column[:, int(index)])
    return graph_and_attribute(graph, name)


def _column(graph: Graph, name: str) -> NDArray[np.float64]:
    matrix, _, index = name.rpartition(".")
    if name not in graph.attributes and matrix in graph.attributes and index.isdecimal():
        return _numbers(_graph_and_column(graph, name)[1], name)
    if name not in graph.attributes:
        raise ValueError(
            f"`features` must name node attributes, got {name!r}; "
            + near_names(name, list(graph.attributes))
        )
    return _numbers(graph_and_attribute(graph, name)[1], name)


def _numbers(attribute: Attribute, name: str) -> NDArray[np.float64]:
    array = attribute.array
    if array.dtype.kind not in "biuf":
        raise TypeError(f"`features` must be numbers, got {name!r} of dtype {array.dtype}")
    if array.dtype.kind in "iu" and array.size and int(abs(array.astype(object)).max()) > 2**53:
        raise ValueError(
            f"`features` must be exact in float64, got a number beyond 2**53 in {name!r}; pass "
            "ranks, for example np.unique(x, return_inverse=True)[1]"
        )
    columns = array.reshape(len(array), -1).astype(np.float64)
    if attribute.missing is not None:
        columns[attribute.missing.reshape(len(array), -1).any(1)] = np.nan
    return columns


def file_sources(
    paths: Any, values: str, features: Sequence[str] | None, options: Mapping[str, Any]
) -> Iterator[Source]:
    """Yield the graphs of files, and of folders in the layout of TUDataset."""
    if isinstance(paths, str | os.PathLike) or not len(paths):
        raise ValueError(f"`paths` must be a list of at least one file, got {paths!r}")
    for path in paths:
        if is_tu_folder(path):
            for number, graph in enumerate(read_tu_folder(path)):
                yield Source(graph, values, features, f"{os.fspath(path)}, graph {number + 1}")
        else:
            yield Source(read_graph(path, **options), values, features, os.fspath(path))


def memory_sources(graphs: Any, values: Any, features: Any) -> Iterator[Source]:
    """Yield graphs in memory with their values and features: names for all, or one each."""
    graphs = list(graphs) if not hasattr(graphs, "num_nodes") else [graphs]
    if not graphs:
        raise ValueError("`graphs` must hold at least one graph, got none")
    each = _one_each(values, "values", len(graphs))
    names = features is None or (isinstance(features, list | tuple) and _all_names(features))
    shown = [features] * len(graphs) if names else _one_each(features, "features", len(graphs))
    for number, parts in enumerate(zip(graphs, each, shown, strict=True)):
        yield Source(*parts, f"graphs[{number}]")


def _one_each(values: Any, name: str, count: int) -> list[Any]:
    if isinstance(values, str):
        return [values] * count
    if not isinstance(values, list | tuple) or len(values) != count:
        given = f"{len(values)}" if hasattr(values, "__len__") else type(values).__name__
        raise ValueError(
            f"`{name}` must be the name of an attribute, or a list with one entry per graph "
            f"({count}), got {given}"
        )
    return list(values)
