"""Inputs of an operator, taken apart, and what a transformation is that acts on them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.checks import is_tensor, to_numpy
from graphmax.convert import as_graph
from graphmax.graph import Graph


@dataclass(frozen=True)
class Picture:
    """An array, NumPy or torch, whose last two axes are pixels (for `permutation`, first nodes)."""

    array: Any

    @property
    def values(self) -> Any:
        """What a map of values acts on."""
        return self.array

    @property
    def size(self) -> int:
        """Number of entries."""
        return int(np.prod(self.array.shape))

    def with_values(self, values: Any) -> "Picture":
        """Return the same picture with other values."""
        return Picture(values)

    def arguments(self) -> tuple[Any, ...]:
        """Return what the operator is called with."""
        return (self.array,)

    def describe(self) -> str:
        """Write the picture in a few lines."""
        return f"image of shape {tuple(self.array.shape)}:\n{_written(self.array)}"


@dataclass(frozen=True)
class Net:
    """A graph with values on its nodes.

    `values` has the node axis first; `edges` is int64 (2, m), for an undirected `Graph` each edge
    once; `node_columns` and `edge_columns` travel with nodes and edges. `build` makes the
    arguments of the operator of it.
    """

    values: Any
    edges: NDArray[np.int64]
    build: Callable[["Net"], tuple[Any, ...]]
    directed: bool = True
    node_columns: Mapping[str, Any] = field(default_factory=dict)
    edge_columns: Mapping[str, Any] = field(default_factory=dict)

    @property
    def num_nodes(self) -> int:
        """Number of nodes."""
        return len(self.values)

    @property
    def size(self) -> int:
        """Number of nodes and edges."""
        return self.num_nodes + int(self.edges.shape[1])

    def with_values(self, values: Any) -> "Net":
        """Return the same graph with other values."""
        return replace(self, values=values)

    def arguments(self) -> tuple[Any, ...]:
        """Return what the operator is called with."""
        return self.build(self)

    def take(self, nodes: NDArray[np.int64], edges: NDArray[np.int64]) -> "Net":
        """Return the subgraph of some nodes, in this order, and of some edges, in this order."""
        place = np.full(self.num_nodes, -1)
        place[nodes] = np.arange(len(nodes))
        ends = place[self.edges[:, edges]]
        keep = (ends >= 0).all(axis=0)
        return replace(
            self,
            values=self.values[nodes],
            edges=ends[:, keep],
            node_columns={name: column[nodes] for name, column in self.node_columns.items()},
            edge_columns={
                name: _rows(column, edges[keep]) for name, column in self.edge_columns.items()
            },
        )

    def describe(self) -> str:
        """Write the graph in a few lines."""
        arrow = "->" if self.directed else "-"
        pairs = " ".join(f"{u}{arrow}{v}" for u, v in self.edges.T.tolist()) or "none"
        return f"graph of {self.num_nodes} nodes, edges {pairs}, values {_written(self.values)}"


Sample = Picture | Net


def _rows(column: Any, places: NDArray[np.int64]) -> Any:
    return column[places]


def _written(array: Any) -> str:
    plain = as_numpy(array)
    return np.array2string(plain, threshold=64, precision=6, separator=", ")


def as_numpy(array: Any) -> NDArray[Any]:
    """Return the entries of an array or tensor; bfloat16, which NumPy lacks, as float32."""
    return to_numpy(array.float() if "bfloat" in str(getattr(array, "dtype", "")) else array)


def read_sample(given: Any) -> Sample:
    """Take an input of an operator apart."""
    if hasattr(given, "edge_index") and hasattr(given, "is_node_attr"):
        return _from_data(given)
    if isinstance(given, tuple) and len(given) >= 2:
        return _from_pair(given)
    if _is_array(given) and given.ndim >= 1:
        return Picture(given)
    raise TypeError(
        f"`inputs` must be images (arrays or tensors), Data, (x, edge_index) or (graph, values), "
        f"got {type(given).__name__}; pass several inputs as a list"
    )


def is_single(inputs: Any) -> bool:
    """Report whether `inputs` is one input and not a list of them."""
    return hasattr(inputs, "edge_index") or not (isinstance(inputs, list) or callable(inputs))


def _is_array(given: Any) -> bool:
    return isinstance(given, np.ndarray) or is_tensor(given)


def _from_data(data: Any) -> Net:
    if data.edge_index is None or data.x is None:
        raise TypeError("`inputs` must have x and edge_index, got Data without one of them")
    kept = {name for name, _ in data.to_dict().items()} - {"x", "edge_index"}
    nodes = {name for name in kept if _is_array(data[name]) and data.is_node_attr(name)}
    edges = {name for name in kept if _is_array(data[name]) and data.is_edge_attr(name)} - nodes

    def build(net: Net) -> tuple[Any, ...]:
        import torch

        copy = data.clone()
        copy.x = net.values
        copy.edge_index = torch.from_numpy(net.edges).to(data.edge_index.device)
        for name, column in (*net.node_columns.items(), *net.edge_columns.items()):
            copy[name] = column
        if "num_nodes" in copy:
            copy.num_nodes = net.num_nodes
        return (copy,)

    return Net(
        data.x,
        as_numpy(data.edge_index).astype(np.int64),
        build,
        node_columns={name: data[name] for name in sorted(nodes)},
        edge_columns={name: data[name] for name in sorted(edges)},
    )


def _from_pair(given: tuple[Any, ...]) -> Net:
    first, second, *rest = given
    if _is_array(first) and _is_edge_index(second):
        return _from_tensors(first, second, rest)
    if rest:
        raise TypeError(
            f"`inputs` must be (graph, values) or (x, edge_index, ...), got {len(given)} parts; "
            "bind further arguments of the operator with functools.partial"
        )
    return _from_graph(first, second)


def _is_edge_index(array: Any) -> bool:
    whole = "int" in str(getattr(array, "dtype", ""))
    return _is_array(array) and array.ndim == 2 and array.shape[0] == 2 and whole


def _from_tensors(x: Any, edge_index: Any, rest: list[Any]) -> Net:
    edges = as_numpy(edge_index).astype(np.int64)
    columns = {str(at): column for at, column in enumerate(rest)}
    by_edge = {at: column for at, column in columns.items() if len(column) == edges.shape[1]}
    by_node = {at: column for at, column in columns.items() if at not in by_edge}
    if any(len(column) != len(x) for column in by_node.values()):
        raise ValueError(
            "`inputs` must have one entry per node or per edge behind x and edge_index"
        )

    def build(net: Net) -> tuple[Any, ...]:
        if isinstance(edge_index, np.ndarray):
            ends: Any = net.edges.astype(edge_index.dtype)
        else:
            import torch

            ends = torch.from_numpy(net.edges).to(edge_index.device, edge_index.dtype)
        extra = {**net.node_columns, **net.edge_columns}
        return (net.values, ends, *(extra[str(at)] for at in range(len(rest))))

    return Net(x, edges, build, node_columns=by_node, edge_columns=by_edge)


def _from_graph(graph: Any, values: Any) -> Net:
    resolved = as_graph(graph, num_nodes=None if isinstance(values, str) else len(values))
    if isinstance(values, str):
        array: Any = np.asarray(resolved.attributes[values])
    elif isinstance(values, Mapping):
        array = np.array([values[node] for node in graph])
    else:
        array = values if _is_array(values) else np.asarray(values)
    lengths = resolved.edge_weights()
    return Net(
        array,
        resolved.edges(),
        _builder(graph),
        resolved.directed,
        edge_columns={} if lengths is None else {"weight": lengths},
    )


def _builder(like: Any) -> Callable[[Net], tuple[Any, ...]]:
    """Return what makes a graph of the same library again."""

    def build(net: Net) -> tuple[Any, ...]:
        graph = Graph.from_edges(
            net.edges[0],
            net.edges[1],
            net.num_nodes,
            weights=net.edge_columns.get("weight"),
            directed=net.directed,
        )
        if isinstance(like, Graph):
            return graph, net.values
        module = type(like).__module__.partition(".")[0]
        if module == "networkx":
            return _networkx(net), net.values
        return (graph.to_scipy() if module == "scipy" else graph), net.values

    return build


def _networkx(net: Net) -> Any:
    """Return a networkx graph whose edges were added in the order they have here."""
    import networkx as nx

    made: Any = nx.DiGraph() if net.directed else nx.Graph()
    made.add_nodes_from(range(net.num_nodes))
    for at, (u, v) in enumerate(net.edges.T.tolist()):
        made.add_edge(u, v)
        if "weight" in net.edge_columns:
            made.edges[u, v]["weight"] = float(net.edge_columns["weight"][at])
    return made


Act = Callable[[Any], Any]


@dataclass(frozen=True)
class Move:
    """One draw of a transformation.

    Parameters
    ----------
    moved : Sample
        The transformed input.
    act : callable or None
        How the transformation acts on an output that has the node axis or both pixel axes; None
        where it does not act on outputs at all.
    told : str
        The draw in words, for a counterexample.
    restrict : callable or None
        Picks the part of an output that is compared for invariance; None compares all of it.
    companion : Sample or None
        A second input whose output `act` needs: it is then called with both.
    axes : {"nodes", "pixels", "entries"}
        What an output needs to be acted on: the node axis, both pixel axes, or either and numbers.
    """

    moved: Sample
    act: Callable[..., Any] | None = None
    told: str = ""
    restrict: Act | None = None
    companion: Sample | None = None
    axes: str = "nodes"


Draw = Callable[[np.random.Generator, Sample], Move]


@dataclass(frozen=True)
class Transformation:
    """A transformation of inputs, drawn anew in every trial.

    Parameters
    ----------
    name : str
        How the verdict calls it.
    draw : callable
        From a generator and an input to a `Move`.
    on : {"graph", "image", "any"}
        Which inputs it applies to.

    Examples
    --------
    >>> from graphmax.symmetry import rotation
    >>> rotation(1).name
    'rotation(1)'
    """

    name: str
    draw: Draw
    on: str = "any"

    def applies_to(self, sample: Sample) -> bool:
        """Report whether the transformation acts on such an input.

        Parameters
        ----------
        sample : Sample
            The input, taken apart.

        Returns
        -------
        bool
            Whether it does.
        """
        if self.on == "graph":
            return isinstance(sample, Net)
        return self.on == "any" or (isinstance(sample, Picture) and sample.array.ndim >= 2)

    def __repr__(self) -> str:
        """Return the name."""
        return self.name
