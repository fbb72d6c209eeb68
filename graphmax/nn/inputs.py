"""What a detector is given: PyG data, a graph, (graph, x), or neighborhoods; and their labels."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphmax.convert import as_graph
from graphmax.graph import Graph
from graphmax.nn.scores import with_edge_features
from graphmax.nn.steps import Steps
from graphmax.node_values import graph_and_attribute
from graphmax.rule import FilledRule
from graphmax.values import Attribute

UNKNOWN = -1


def read_labels(y: Any, name: str, num_nodes: int) -> tuple[Tensor, Tensor]:
    """Return labels and which of them are known, both bool (num_nodes,)."""
    _check_length(y, name, num_nodes)
    y = y.reshape(-1)
    if y.dtype == torch.bool:
        return y, torch.ones_like(y)
    known = ~torch.isnan(y) & (y != UNKNOWN)
    odd = known & (y != 0) & (y != 1)
    if odd.any():
        raise ValueError(
            f"`{name}` must hold True and False, or 1 and 0 with -1 for unknown, got "
            f"{y[odd][0].item()} at node {int(odd.nonzero()[0])}; pass labels, not values: "
            "graphmax.local_maxima makes them"
        )
    return (y == 1) & known, known


def read_mask(mask: Any, name: str, num_nodes: int) -> Tensor:
    """Return which nodes count, bool (num_nodes,), from flags or from node indices."""
    if isinstance(mask, Tensor) and mask.dtype in (torch.int64, torch.int32) and mask.ndim == 1:
        return _marked(mask, name, num_nodes)
    _check_length(mask, name, num_nodes)
    if mask.dtype != torch.bool:
        raise TypeError(f"`{name}` must be a boolean tensor, got {mask.dtype}; pass {name}.bool()")
    flags: Tensor = mask.reshape(-1)
    return flags


def labels_of(
    data: Any, name: str, num_nodes: int, mask: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Return the labels of PyG data and which of them count in training, bool (num_nodes,).

    Neighborhoods that were cut out (`neighborhood_loader`) have one label each, of their root.
    """
    y = getattr(data, "y", None)
    if y is None:
        raise ValueError(f"`{name}` must have labels y, got none; graphmax.local_maxima makes them")
    at = _roots(data, y, num_nodes)
    flags, known = read_labels(y, f"{name}.y", num_nodes if at is None else at.numel())
    if at is not None:
        marked = torch.zeros(num_nodes, dtype=torch.bool, device=flags.device)
        return marked.index_put((at,), flags), marked.index_put((at,), known)
    mask = getattr(data, "train_mask", None) if mask is None else mask
    if mask is not None:
        known = known & read_mask(mask, f"{name}.train_mask", num_nodes).to(known.device)
    return flags, known


def _roots(data: Any, y: Any, num_nodes: int) -> Tensor | None:
    """Return where the roots of cut-out neighborhoods stand, None for a graph of its own."""
    if getattr(data, "root", None) is None or getattr(data, "distance", None) is None:
        return None
    at = (data.distance == 0).nonzero()[:, 0]
    return at if isinstance(y, Tensor) and y.numel() == at.numel() != num_nodes else None


def _marked(indices: Tensor, name: str, num_nodes: int) -> Tensor:
    if indices.numel() != torch.unique(indices).numel():
        raise ValueError(f"`{name}` must hold each node once, got repeats; a mask must be boolean")
    if indices.numel() and not 0 <= int(indices.min()) <= int(indices.max()) < num_nodes:
        raise ValueError(
            f"`{name}` must hold node indices from 0 to {num_nodes - 1}, got "
            f"{int(indices.min())} to {int(indices.max())}; a mask must be boolean"
        )
    flags = torch.zeros(num_nodes, dtype=torch.bool, device=indices.device)
    flags[indices.long()] = True
    return flags


def _check_length(column: Any, name: str, num_nodes: int) -> None:
    if not isinstance(column, Tensor):
        raise TypeError(
            f"`{name}` must be a boolean tensor, got {type(column).__name__}; "
            "pass torch.as_tensor(...)"
        )
    if column.is_complex():
        raise TypeError(f"`{name}` must be a boolean tensor, got {column.dtype}")
    if column.ndim > 2 or (column.ndim == 2 and column.shape[1] != 1):
        raise ValueError(
            f"`{name}` must have one column, got shape {tuple(column.shape)}; of a column per "
            f"class pass {name}.argmax(1)"
        )
    if column.numel() != num_nodes:
        raise ValueError(
            f"`{name}` must have one entry per node ({num_nodes}), got {column.numel()}"
        )


EXACT = 2**53
TAKEN = (
    "PyG Data, a graph with features, a pair (graph, x), or neighborhoods of graphmax.neighborhoods"
)
_INEXACT = (
    "`x` must be exact in float64, got an integer beyond 2**53; pass ranks of the values, for "
    "example np.unique(x, return_inverse=True)[1]"
)


@dataclass(frozen=True)
class Inputs:
    """Features and steps, which nodes are judged, and the way back to the user's arrays.

    `nodes` is None for all; `indices` holds the index in the whole graph of every row of `x`, None
    where these are the rows themselves.
    """

    x: Tensor
    steps: Steps
    nodes: Tensor | None = None
    indices: Tensor | None = None
    restore: Callable[[Tensor], Any] = lambda answer: answer


def check_x(x: Tensor, in_channels: int, *, exact: bool = True) -> None:
    """Refuse features of another width or kind, or that are not numbers."""
    if not isinstance(x, Tensor):
        raise TypeError(f"`x` must be a tensor, got {type(x).__name__}")
    if x.is_complex():
        raise TypeError(f"`x` must hold real numbers, got {x.dtype}")
    width = 1 if x.ndim == 1 else x.shape[-1]
    if x.ndim not in (1, 2) or width != in_channels:
        raise ValueError(f"`x` must have shape (num_nodes, {in_channels}), got {tuple(x.shape)}")
    if torch.compiler.is_compiling():
        return
    if not x.is_floating_point():
        if exact:
            _check_exact(x)
    elif torch.isnan(x).any():
        row = int(torch.isnan(x).reshape(x.shape[0], -1).any(1).nonzero()[0])
        raise ValueError(f"`x` must not be NaN, got NaN at node {row}; drop or fill such nodes")


def _check_exact(x: Tensor) -> None:
    if x.dtype != torch.bool and x.numel() and max(abs(int(x.min())), abs(int(x.max()))) > EXACT:
        raise ValueError(_INEXACT)


def check_finite(x: Tensor) -> None:
    """Refuse infinite features, from which no sum or product can be formed."""
    if not torch.compiler.is_compiling() and x.is_floating_point() and torch.isinf(x).any():
        row = int(torch.isinf(x).reshape(x.shape[0], -1).any(1).nonzero()[0])
        raise ValueError(f"`x` must be finite for this score, got an infinite value at node {row}")


def read_inputs(
    data: Any,
    rule: FilledRule,
    receptive_hops: int,
    device: torch.device,
    columns: Sequence[str] = (),
) -> Inputs:
    """Read what a detector is given: PyG data, neighborhoods, a graph with features, or a pair."""
    if isinstance(data, tuple) and len(data) == 2 and _is_batch(data[0]):
        return _neighborhoods(data[0], data[1], rule, receptive_hops, device)
    if _is_batch(data):
        return _neighborhoods(data, None, rule, receptive_hops, device)
    if isinstance(data, tuple) and len(data) == 2:
        return _pair(data[0], data[1], rule, device)
    if is_pyg(data):
        return _of_data(data, rule, device)
    return _attributed(data, columns or ("x",), rule, device)


def with_features_of(data: Any, read: Inputs, direction: str, channels: int) -> Inputs:
    """Return inputs with the features of edges that PyG data has, or the weights of a graph."""
    steps, graph = read.steps, data[0] if isinstance(data, tuple) else data
    if is_pyg(data) and data.edge_attr is not None:
        entries = data.edge_index.to(read.x.device)
        steps = with_edge_features(steps, entries, data.edge_attr, direction, channels)
        return replace(read, steps=steps)
    weights = getattr(steps.rows, "weights", None)
    if _is_batch(graph) or weights is None:
        return read
    return replace(read, steps=steps.replaced(edge_attr=torch.from_numpy(weights.copy())[:, None]))


def is_pyg(data: Any) -> bool:
    """Tell whether this is PyG Data, and no data set, which has an edge_index too."""
    return hasattr(data, "is_node_attr") and hasattr(data, "edge_index")


def _of_data(data: Any, rule: FilledRule, device: torch.device) -> Inputs:
    x = features_of(data).to(device)
    if data.edge_index is None:
        raise ValueError("`data` must have an edge_index, got Data without; set data.edge_index")
    return Inputs(x, _steps(data.edge_index.to(device), x, rule))


def _is_batch(data: Any) -> bool:
    return hasattr(data, "rule") and hasattr(data, "root")


def features_of(data: Any) -> Tensor:
    """Return the features of PyG data as a dense tensor."""
    x = data.x
    if x is None:
        raise ValueError("`data` must have features x, got Data without; set data.x")
    if not isinstance(x, Tensor):
        raise TypeError(f"`data.x` must be a tensor, got {type(x).__name__}")
    return x if x.layout == torch.strided else x.to_dense()


def _steps(edge_index: Any, x: Tensor, rule: FilledRule) -> Steps:
    return Steps.of(edge_index, x.shape[0], rule.direction)


def _pair(graph: Any, x: Any, rule: FilledRule, device: torch.device) -> Inputs:
    if isinstance(graph, Tensor) and isinstance(x, Tensor):
        return Inputs(x.to(device), _steps(graph.to(device), x, rule))
    if isinstance(x, Tensor) and x.layout != torch.strided:
        x = x.to_dense()
    if hasattr(x, "dtypes") and hasattr(x, "columns"):
        x = _of_one_type(x)
    known, attribute = graph_and_attribute(graph, x, "x")
    return _placed(known, _present(attribute), attribute.restore, rule, device)


def _of_one_type(frame: Any) -> Any:
    """Return a frame whose columns have several types of numbers as one of float64."""
    if len(set(frame.dtypes)) <= 1 or any(kind.kind not in "biuf" for kind in frame.dtypes):
        return frame  # of other kinds the reader of values tells
    for name in frame.columns:
        column = frame[name]
        if column.dtype.kind in "iu" and len(column) and int(column.abs().max()) > EXACT:
            raise ValueError(_INEXACT)
    return frame.astype("float64")


def _attributed(
    graph: Any, columns: Sequence[str], rule: FilledRule, device: torch.device
) -> Inputs:
    """Read the features from attributes of the graph itself."""
    try:
        known = as_graph(graph)
    except TypeError:
        raise TypeError(f"`data` must be {TAKEN}, got {type(graph).__name__}") from None
    parts = [_present(graph_and_attribute(known, name)[1]) for name in columns]
    features = [tensor_of(part).reshape(known.num_nodes, -1).double() for part in parts]
    x = tensor_of(parts[0]) if len(parts) == 1 else torch.cat(features, 1)
    return _placed(known, x, None, rule, device)


def _present(attribute: Attribute) -> NDArray[Any]:
    missing = attribute.missing
    if missing is not None and missing.any():
        raise ValueError(
            f"`x` must be there for every node, got {int(missing.sum())} without "
            f"{attribute.name!r}; drop or fill such nodes"
        )
    return attribute.array


def _placed(graph: Graph, x: Any, restore: Any, rule: FilledRule, device: torch.device) -> Inputs:
    features = tensor_of(x)
    steps = _steps(graph, features, rule)
    if device.type != "cpu":
        steps = Steps(steps.num_nodes, edge_index=steps.edge_index.to(device))

    def back(answer: Tensor) -> Any:
        array = answer.detach().cpu().numpy()
        return array if restore is None else restore(array)

    return Inputs(features.to(device), steps, restore=back)


def tensor_of(x: Any) -> Tensor:
    """Return features as a tensor, refusing what is not numbers."""
    if isinstance(x, Tensor):
        return x
    array = np.asarray(x)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"`x` must be numbers, got dtype {array.dtype}")
    if array.dtype.kind == "u" and array.dtype.itemsize > 1:
        if array.size and array.max() > EXACT:
            raise ValueError(_INEXACT)
        array = array.astype(np.int64)
    return torch.from_numpy(np.ascontiguousarray(array if array.flags.writeable else array.copy()))


def _neighborhoods(
    batch: Any, features: Any, rule: FilledRule, receptive_hops: int, device: torch.device
) -> Inputs:
    _check_reach(batch, rule, receptive_hops)
    read = _sparse if batch.layout == "sparse" else _dense
    values, edge_index, roots, node = (tensor_of(part).to(device) for part in read(batch))
    x = values if features is None else tensor_of(features).to(device)[node]
    restore = (lambda a: a) if isinstance(batch.root, Tensor) else (lambda a: a.cpu().numpy())
    return Inputs(x, _steps(edge_index, x, rule), roots, node, restore)


def _check_reach(batch: Any, rule: FilledRule, receptive_hops: int) -> None:
    reach = batch.rule.reach
    if reach is None or reach < receptive_hops:
        size = "a radius" if reach is None else f"{reach} hops"
        raise ValueError(
            f"`data` must hold neighborhoods of at least {receptive_hops} hops for this detector, "
            f"got {size}; extract them with hops=detector.receptive_hops"
        )
    if batch.rule.direction != rule.direction:
        raise ValueError(
            f"`data` must hold neighborhoods of direction {rule.direction!r}, "
            f"got {batch.rule.direction!r}"
        )
    cut = tensor_of(batch.cut)
    if cut.any():
        raise ValueError(
            f"`data` must hold whole neighborhoods, got {int(cut.sum())} cut by max_nodes"
        )


def _sparse(batch: Any) -> tuple[Any, ...]:
    return batch.x, batch.edge_index, batch.ptr[:-1], batch.node


def _dense(batch: Any) -> tuple[Any, ...]:
    mask, adjacency = tensor_of(batch.mask), tensor_of(batch.adjacency)
    place = torch.cumsum(mask.reshape(-1), 0).reshape(mask.shape) - 1
    inside, source, target = (adjacency != 0).nonzero(as_tuple=True)
    edge_index = torch.stack([place[inside, source], place[inside, target]])
    values = tensor_of(batch.values)
    return values[mask][:, None], edge_index, place[:, 0], tensor_of(batch.node)[mask]
