"""How values meet nodes: by name, by key or in node order; one rule for everything per node.

What carries keys (a mapping, a view of networkx, a Series) is matched by key and never by
position; what carries none is in node order, or has the shape of the grid.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphmax.checks import check_plain_tensor, first_five, is_tensor, near_names, to_numpy, warn
from graphmax.convert import EdgeList, as_graph, edge_list_of
from graphmax.convert.edge_lists import is_data
from graphmax.convert.library_graphs import is_networkx
from graphmax.graph import Graph
from graphmax.node_measures import MEASURES, NEIGHBOR_MEAN, node_column
from graphmax.values import Attribute, column_of, order_key, read_attribute

Nodes = Graph | EdgeList


class _Keyed(NamedTuple):
    """Values with their keys, and the way back to a keyed answer (None: in node order)."""

    keys: NDArray[Any]
    column: NDArray[Any]
    restore: Callable[[NDArray[Any]], Any] | None = None


def nodes_of(obj: Any, values: Any, name: str = "values") -> tuple[Nodes, Attribute]:
    """Return the graph, or the edges it is to be built of, and the attribute a call is about."""
    edges = None if isinstance(obj, Graph) else edge_list_of(obj)
    nodes: Nodes = as_graph(obj) if edges is None else edges
    if isinstance(nodes, EdgeList) and nodes.num_nodes is None:
        column = obj[values] if is_data(obj) and _is_column_of(obj, values) else values
        nodes = nodes.sized(_count_of(column, nodes))
    attribute = attribute_of(nodes, values, name, source=obj)
    if is_networkx(obj):
        _warn_of_another_order(nodes, values, name)
    return nodes, attribute


def graph_and_attribute(obj: Any, values: Any, name: str = "values") -> tuple[Graph, Attribute]:
    """Return the graph, built if need be, and the attribute a call is about."""
    nodes, attribute = nodes_of(obj, values, name)
    return nodes if isinstance(nodes, Graph) else nodes.graph, attribute


def _is_column_of(data: Any, values: Any) -> bool:
    return isinstance(values, str) and values in data and is_tensor(data[values])


def _count_of(values: Any, edges: EdgeList) -> int:
    """Return the number of nodes of edges that do not know it, from what is given per node."""
    keyed = _keyed(values)
    if keyed is None and hasattr(values, "__len__") and not isinstance(values, str):
        return len(values)  # whoever reads the edges finds an end outside
    largest = max((int(end.max()) for end in (edges.src, edges.dst) if end.size), default=-1)
    if keyed is None:
        return largest + 1
    keys = keyed.keys
    integers = keys.dtype.kind in "iu" and keys.size
    return max(largest, int(keys.max()) if integers else -1) + 1


def attribute_of(nodes: Nodes, values: Any, name: str, source: Any = None) -> Attribute:
    """Return values per node as an attribute, and how an answer is given back in their kind.

    `source` is the object that the graph was made of, where names may live too.
    """
    if isinstance(values, str):
        column = _named(nodes, values, name, source)
        try:
            return read_attribute(column, values)
        except TypeError as error:
            raise TypeError(f"{error}{_why_text(nodes, values)}") from None
    _check_kind(values, name)
    keyed = _keyed(values)
    if keyed is not None:
        return _by_key(nodes, keyed, name)
    attribute = read_attribute(_on_grid(nodes, values), name)
    if _has_shape_of_grid(nodes, values):
        attribute = _in_shape_of_grid(attribute, np.shape(values))
    if attribute.num_nodes != nodes.num_nodes:
        raise ValueError(
            f"`{name}` must have one entry per node ({nodes.num_nodes}), got "
            f"{attribute.num_nodes}" + _hint(nodes, values)
        )
    return attribute


def complete_column(nodes: Nodes, given: Any, name: str, *, any_kind: bool = False) -> NDArray[Any]:
    """Return one entry per node, none of them missing (a mask, groups, a reach).

    With `any_kind` the entries are only compared for equality and may be of any type.
    """
    if any_kind and not isinstance(given, str):
        return _complete_objects(nodes, given, name)
    attribute = attribute_of(nodes, given, name)
    if attribute.array.shape != (nodes.num_nodes,):
        raise ValueError(
            f"`{name}` must have one entry per node ({nodes.num_nodes},), got "
            f"{attribute.array.shape}"
        )
    array, missing = attribute.array, attribute.missing
    if array.dtype.kind in "fmM" and missing is None and np.isnan(array).any():
        missing = np.isnan(array)
    if missing is not None:
        raise _lacking(nodes, np.flatnonzero(missing), name)
    return array


def _lacking(nodes: Nodes, lacking: NDArray[np.int64], name: str) -> ValueError:
    return ValueError(
        f"`{name}` must be known for every node, got {lacking.size} without it "
        f"(first five: {first_five(nodes.label_of(lacking[:5]).tolist())})"
    )


def _complete_objects(nodes: Nodes, given: Any, name: str) -> NDArray[Any]:
    _check_kind(given, name)
    keyed = _keyed(given)
    if keyed is not None:
        place, column = _places(nodes, keyed, name), keyed.column
        if place.size < (nodes.num_nodes or 0):
            absent = np.setdiff1d(np.arange(nodes.num_nodes or 0), place)
            raise _lacking(nodes, absent, name)
        array = np.empty(nodes.num_nodes or 0, column.dtype)
        array[place] = np.ma.getdata(column)
        missing = np.zeros(array.size, bool)
        missing[place] = np.ma.getmaskarray(column)
    else:
        _refuse_pieces(given, name)
        whole: Any = column_of(list(given)) if isinstance(given, list | tuple) else given
        whole = _on_grid(nodes, to_numpy(whole, name) if is_tensor(whole) else whole)
        array, missing = np.asarray(np.ma.getdata(whole)), np.ma.getmaskarray(whole)
    if array.shape != (nodes.num_nodes,):
        raise ValueError(
            f"`{name}` must have one entry per node ({nodes.num_nodes},), got {array.shape}"
        )
    missing = missing | _is_nothing(array)
    if missing.any():
        raise _lacking(nodes, np.flatnonzero(missing), name)
    return array


def _refuse_pieces(given: Any, name: str) -> None:
    """Refuse a list whose entries are lists themselves: they are no labels."""
    for place, item in enumerate(given if isinstance(given, list | tuple) else ()):
        if isinstance(item, list | tuple | dict | set | np.ndarray):
            raise TypeError(
                f"`{name}` must have a word, a number or a time per node, got a "
                f"{type(item).__name__} at {place}; pass str(...) of each"
            )


def _is_nothing(array: NDArray[Any]) -> NDArray[np.bool_]:
    if array.dtype.kind in "fmMc":
        return np.asarray(np.isnan(array))
    if array.dtype != object:
        return np.zeros(array.shape, bool)
    return np.array([item is None or item != item for item in array], bool)


# --- names


def _named(nodes: Nodes, values: str, name: str, source: Any) -> Any:
    if source is not None and is_data(source) and values in source:
        return source[values]
    if isinstance(nodes, EdgeList):
        found = {} if nodes.attributes is None else nodes.attributes(nodes.num_nodes or 0)
        graph: Any = None
    else:
        found, graph = dict(nodes.attributes), nodes
    if values in found:
        return found[values]
    if values in MEASURES or values.startswith(NEIGHBOR_MEAN):
        return node_column(graph if graph is not None else nodes.to_graph(), values, name)  # type: ignore[union-attr]
    raise ValueError(
        f"`{name}` must name a node attribute, got {values!r}; "
        + near_names(values, list(found))
        + f" (what a graph knows itself: {', '.join(MEASURES)}, {NEIGHBOR_MEAN}...)"
    )


def _why_text(nodes: Nodes, name: str) -> str:
    """Say what the reader of a file remarked about a column that it could not make numbers of."""
    remarks: Any = getattr(getattr(nodes, "source", None), "remarks", ())
    about = f"attribute {name!r} is text: "
    return next((f"; {r.removeprefix(about)}" for r in remarks if r.startswith(about)), "")


# --- kinds


def _check_kind(values: Any, name: str) -> None:
    """Refuse what is no column: iterators, single values, pairs, images with their own space."""
    if is_tensor(values):
        check_plain_tensor(values, name)
    kind = f"{type(values).__module__}.{type(values).__qualname__}".removeprefix("builtins.")
    way_out = None
    if isinstance(values, list | tuple) and _are_pairs(values):
        way_out = "a list of pairs has keys: pass dict(pairs)"
    elif isinstance(values, Iterator) or type(values).__name__ == "dict_values":
        way_out = "it has no order that is that of the nodes: pass the dict itself, or a list"
    elif hasattr(values, "collect") and not hasattr(values, "__array__"):
        way_out = "collect it, and pass one column"
    elif hasattr(values, "get_fdata"):
        way_out = "pass its array: np.asarray(image.dataobj)"
    elif type(values).__module__.startswith("scipy.sparse"):
        way_out = "pass values.toarray()"
    elif isinstance(values, set | frozenset):
        way_out = "a set has no order; pass where= as {node: True, ...} or a mask"
    elif _is_single(values):
        way_out = "pass one value per node" if np.isscalar(values) else "pass an array or a mapping"
    if way_out is not None:
        raise TypeError(f"`{name}` must have one entry per node, got {kind}; {way_out}")


def _is_single(values: Any) -> bool:
    if isinstance(values, Mapping | list | tuple) or hasattr(values, "shape"):
        return False
    if _pairs_of_view(values):
        return False
    return np.ndim(values) == 0


def _are_pairs(values: Collection[Any]) -> bool:
    return len(values) > 0 and all(isinstance(item, tuple) and len(item) == 2 for item in values)


def _pairs_of_view(values: Any) -> bool:
    """Tell whether an object iterates over (node, value): views of networkx, `dict.items()`."""
    if type(values).__name__ in ("dict_items", "OrderedDict_items", "ItemsView"):
        return True
    module = type(values).__module__
    if not module.startswith("networkx"):
        return False
    return "Degree" in type(values).__name__ or "NodeDataView" in type(values).__name__


# --- keys


def _keyed(values: Any) -> _Keyed | None:
    """Return keys and values of what has keys, None for what has none."""
    if isinstance(values, Mapping) and not is_tensor(values):
        return _of_mapping(values)
    if _pairs_of_view(values):
        return _of_mapping(dict(values))
    module = type(values).__module__.partition(".")[0]
    if module == "pandas" and hasattr(values, "index") and hasattr(values, "isna"):
        return _of_pandas(values)
    if module == "xarray" and getattr(values, "ndim", 0) == 1:
        return _of_xarray(values)
    return None


def _of_mapping(mapping: Mapping[Any, Any]) -> _Keyed:
    keys, items = list(mapping), list(mapping.values())
    return _Keyed(_keys(keys), column_of(items))


def _keys(keys: list[Any]) -> NDArray[Any]:
    if set(map(type, keys)) <= {int, np.int64, np.int32}:
        try:
            return np.array(keys, np.int64)
        except OverflowError:
            pass
    array = np.empty(len(keys), object)
    array[:] = keys
    return array


def _of_pandas(values: Any) -> _Keyed:
    """Match a Series or a DataFrame by its index; the answer carries the same index."""
    if hasattr(values.index, "levels"):
        keys = _keys(list(values.index))
    else:
        raw = values.index.to_numpy()
        keys = raw if raw.dtype.kind in "iu" else _keys(raw.tolist())
    if hasattr(values, "columns"):
        columns = [_series_column(values.iloc[:, at]) for at in range(values.shape[1])]
        column = _beside_each_other(columns)
        return _Keyed(keys, column, lambda answer: _as_frame(answer, values))
    return _Keyed(
        keys,
        _series_column(values),
        lambda answer: type(values)(answer, index=values.index, name=values.name),
    )


def _as_frame(answer: NDArray[Any], frame: Any) -> Any:
    """Return an answer per column as a frame like this one, a single one per node as a Series."""
    if answer.ndim == 1:
        return type(frame.iloc[:, 0])(answer, index=frame.index) if frame.shape[1] else answer
    return type(frame)(answer, index=frame.index, columns=frame.columns)


def _series_column(series: Any) -> NDArray[Any]:
    """Return a column of pandas, exactly, masked where it is missing."""
    dtype = series.dtype
    if isinstance(dtype, np.dtype) and dtype.kind in "biufmM":
        return np.asarray(series.to_numpy())
    if getattr(dtype, "tz", None) is not None:
        return np.asarray(series.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy())
    missing = np.asarray(series.isna())
    plain = getattr(dtype, "numpy_dtype", None)
    if plain is not None and np.dtype(plain).kind in "biufmM":
        present = series[~missing].to_numpy(dtype=plain)
        column = np.zeros(len(series), plain)
        column[~missing] = present
        return np.ma.MaskedArray(column, missing) if missing.any() else column
    items = [None if gap else item for gap, item in zip(missing, series.tolist(), strict=True)]
    return column_of(items)


def _beside_each_other(columns: list[NDArray[Any]]) -> NDArray[Any]:
    """Stack columns without losing a digit of any; each is compared with itself only."""
    kinds = {column.dtype for column in columns}
    if len(kinds) == 1 or not columns:
        return np.ma.stack(columns, axis=1) if columns else np.zeros((0, 0))
    keyed = [order_key(read_attribute(np.ma.getdata(column)).array) for column in columns]
    masks = [
        np.ma.getmaskarray(column) | (False if key.absent is None else key.absent)
        for column, key in zip(columns, keyed, strict=True)
    ]
    return np.ma.MaskedArray(np.stack([key.key for key in keyed], axis=1), np.stack(masks, axis=1))


def _of_xarray(values: Any) -> _Keyed:
    dimension = values.dims[0]
    keys = values[dimension].values
    keys = keys if keys.dtype.kind in "iu" else _keys(keys.tolist())
    return _Keyed(keys, np.asarray(values.values), lambda answer: values.copy(data=answer))


def _by_key(nodes: Nodes, keyed: _Keyed, name: str) -> Attribute:
    place = _places(nodes, keyed, name)
    count = nodes.num_nodes or 0
    column = keyed.column
    array = np.zeros((count, *column.shape[1:]), column.dtype)
    array[place] = np.ma.getdata(column)
    missing = np.ones(array.shape, bool)
    missing[place] = np.ma.getmaskarray(column)
    known = np.ma.MaskedArray(array, missing) if missing.any() else array
    attribute = read_attribute(known, name)

    give_back = keyed.restore
    if give_back is None:
        return attribute
    return Attribute(
        attribute.array, name, attribute.missing, lambda answer: give_back(answer[place])
    )


def _places(nodes: Nodes, keyed: _Keyed, name: str) -> NDArray[np.int64]:
    """Return the node of every key, refusing keys that are none, or repeated."""
    keys = keyed.keys
    place = _place_of(nodes, keys)
    unknown = place < 0
    if unknown.any():
        raise ValueError(
            f"`{name}` must have nodes of the graph as keys, got {int(unknown.sum())} others "
            f"(first five: {first_five(map(repr, keys[unknown][:5].tolist()))})"
            + _hint_of_keys(nodes)
        )
    ordered = np.sort(place)
    repeated = ordered[1:][ordered[1:] == ordered[:-1]]
    if repeated.size:
        again = np.unique(repeated)
        raise ValueError(
            f"`{name}` must have each node once as key, got {again.size} repeated "
            f"(first five: {first_five(map(repr, nodes.label_of(again[:5]).tolist()))})"
        )
    return place


def _place_of(nodes: Nodes, keys: NDArray[Any]) -> NDArray[np.int64]:
    """Return the node index of every key, -1 where it is none."""
    count, labels = nodes.num_nodes or 0, nodes.labels
    if labels is None:
        if keys.dtype.kind not in "iu":
            index = {node: node for node in range(count)}
            return np.array([_looked_up(index, key) for key in keys.tolist()], np.int64)
        return np.where((keys >= 0) & (keys < count), keys, -1).astype(np.int64)
    if labels.dtype == np.int64 and keys.dtype.kind in "iu":
        order = np.argsort(labels, kind="stable")
        at = np.searchsorted(labels, keys, sorter=order) if count else np.zeros(keys.size, int)
        found = order[np.minimum(at, max(count - 1, 0))] if count else np.full(keys.size, -1)
        hits = labels[found] == keys if count else np.zeros(keys.size, bool)
        return np.where(hits, found, -1).astype(np.int64)
    index = nodes.place_of_label  # type: ignore[union-attr]
    return np.array([_looked_up(index, key) for key in keys.tolist()], np.int64)


def _looked_up(index: Mapping[Any, int], key: Any) -> int:
    try:
        return -1 if isinstance(key, bool) and key not in index else index.get(key, -1)
    except TypeError:  # not hashable, so no node
        return -1


def _hint_of_keys(nodes: Nodes) -> str:
    if nodes.labels is None:
        return "; the graph has no ids of its own: its nodes are 0 to num_nodes - 1"
    return f"; nodes are called {first_five(map(repr, nodes.labels[:3].tolist()))}, ..."


# --- node order, and grids


def _has_shape_of_grid(nodes: Nodes, values: Any) -> bool:
    shape = nodes.shape
    return shape is not None and len(shape) > 1 and tuple(np.shape(values)) == shape


def _on_grid(nodes: Nodes, values: Any) -> Any:
    """Return an array of the grid's shape as one entry per pixel, anything else as it is."""
    if not _has_shape_of_grid(nodes, values):
        return values
    if type(values).__module__.startswith("xarray"):
        return np.asarray(values.values).reshape(-1)
    if isinstance(values, list | tuple):
        values = np.asarray(values)
    return values.reshape(-1)


def _in_shape_of_grid(attribute: Attribute, shape: tuple[int, ...]) -> Attribute:
    return Attribute(
        attribute.array,
        attribute.name,
        attribute.missing,
        lambda answer: attribute.restore(answer.reshape(shape)),
        attribute.convert,
    )


def _hint(nodes: Nodes, values: Any) -> str:
    shape = np.shape(values)
    if len(shape) == 2 and shape[0] * shape[1] == nodes.num_nodes:
        return "; pass values.ravel(), or build the graph with grid_graph(values.shape)"
    return ""


def _warn_of_another_order(nodes: Nodes, values: Any, name: str) -> None:
    labels = nodes.labels
    if labels is None or labels.dtype != np.int64 or not hasattr(values, "dtype"):
        return
    if _keyed(values) is not None or np.array_equal(labels, np.arange(labels.size)):
        return
    if np.array_equal(np.sort(labels), np.arange(labels.size)):
        warn(
            f"`{name}` is an array and the nodes of the graph are the integers 0 to n - 1 in "
            "another order: it was read in the order of list(G). Pass a dict {node: value} to "
            "say which value belongs to which node"
        )
