"""PyG graphs in .pt files, through torch's loader of plain weights.

Never through PyG's own loader, which tries again with an unrestricted pickle when torch refuses.
Allowed are tensors, containers and the four classes that make up a ``Data``.
"""

import pickle
import struct
import warnings
import zipfile
from typing import Any

from graphmax.convert import as_graph
from graphmax.files.building import check_count
from graphmax.files.errors import GraphFileError, refusal
from graphmax.files.npz import DAMAGED, check_sizes
from graphmax.files.opening import ReadOptions, Source
from graphmax.graph import Graph

# What torch raises on archives that are damaged or forged.
_FLAWS = (
    *(ValueError, TypeError, LookupError, AttributeError, ArithmeticError, EOFError, struct.error),
    *(RuntimeError, AssertionError),
)


def read(source: Source, options: ReadOptions) -> Graph:
    """Read a PyG ``Data``, or a mapping with an ``edge_index``, saved by ``torch.save``."""
    _check_archive(source, options)
    found = _loaded(source)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PyG infers the number of nodes
            data = _data(found, source, options)
            check_count(source, options, _declared(data))
            graph = as_graph(data, weight=_weight(options))
    except GraphFileError:
        raise
    except _FLAWS as error:
        raise GraphFileError(f"{error} in {source.name}", path=source.name) from error
    return _as_told(graph, source, options)


def _check_archive(source: Source, options: ReadOptions) -> None:
    try:
        with zipfile.ZipFile(source.file) as archive:
            check_sizes(archive.infolist(), source, options)
            damaged = archive.testzip()
    except GraphFileError:
        raise
    except DAMAGED as error:
        raise refusal(source.name, "be an archive of torch.save", f"other data ({error})") from None
    if damaged is not None:
        raise refusal(source.name, "be an archive of torch.save", f"damage in {damaged!r}")


def _loaded(source: Source) -> Any:
    import torch
    from torch_geometric.data.data import Data, DataEdgeAttr, DataTensorAttr
    from torch_geometric.data.storage import GlobalStorage

    allowed = [Data, DataEdgeAttr, DataTensorAttr, GlobalStorage]
    try:
        with torch.serialization.safe_globals(allowed):
            return torch.load(source.file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        reason = _reason(error)
        raise refusal(source.name, "hold tensors and a PyG Data only", reason) from None
    except _FLAWS as error:
        reason = str(error).partition("\n")[0][:100] or type(error).__name__
        raise refusal(source.name, "be a valid .pt file", f"a flaw ({reason})") from None


def _reason(error: Exception) -> str:
    """Name what the file asked for, out of torch's long advice to trust it."""
    text = str(error)
    for mark in ("Unsupported global: GLOBAL ", "unsupported GLOBAL ", "Unsupported operand "):
        if mark in text:
            word = text.partition(mark)[2].split()[0].rstrip(".,")
            return f"the global {word}" if "GLOBAL" in mark else f"the pickle operation {word}"
    return "another pickle"


def _data(found: Any, source: Source, options: ReadOptions) -> Any:
    from torch_geometric.data.data import Data

    if isinstance(found, tuple | list) and len(found) >= 2 and isinstance(found[1], dict):
        found = _united(found[0], found[1], source, options)
    if isinstance(found, Data):
        return _checked(found, source)
    if isinstance(found, dict) and "edge_index" in found:
        data = Data(**{name: value for name, value in found.items() if isinstance(name, str)})
        return _checked(data, source)
    raise refusal(source.name, "hold a PyG Data or a mapping with edge_index", type(found).__name__)


def _checked(data: Any, source: Source) -> Any:
    """Refuse an `edge_index` of another shape, and weights of another length."""
    pairs = data.edge_index
    shape = tuple(getattr(pairs, "shape", ()))
    if len(shape) != 2 or shape[0] != 2:
        way_out = "transpose it" if len(shape) == 2 and shape[1] == 2 else None
        raise refusal(
            source.name, "have an edge_index of shape (2, num_edges)", str(shape), way_out=way_out
        )
    for name in ("edge_weight", "edge_attr"):
        weights: Any = getattr(data, name, None)
        if hasattr(weights, "shape") and weights.shape[:1] != (shape[1],):
            got = f"shape {tuple(weights.shape)}"
            raise refusal(source.name, f"have one entry of {name} per edge ({shape[1]})", got)
    _check_strides(data, source)
    return data


def _check_strides(data: Any, source: Source) -> None:
    """Refuse a tensor that spells one stored number many times: 1 kB may ask for 160 GB."""
    for name, value in data.to_dict().items():
        if hasattr(value, "untyped_storage"):
            stored = value.untyped_storage().nbytes()
            if value.numel() * value.element_size() > max(stored, 64):
                rule = f"store all entries of {name!r}"
                raise refusal(source.name, rule, f"{stored} bytes for {value.numel()} of them")


def _united(found: Any, slices: Any, source: Source, options: ReadOptions) -> Any:
    """Return the graphs of a collated data set as one, with the number of its graph per node."""
    import torch
    from torch_geometric.data.data import Data

    values = found.to_dict() if isinstance(found, Data) else dict(found)
    edges, cuts = values.get("edge_index"), slices.get("edge_index")
    if edges is None or cuts is None or edges.dim() != 2 or cuts.dim() != 1 or len(cuts) < 2:
        raise refusal(source.name, "hold collated graphs with an edge_index", "others")
    counts = _node_counts(values, slices, edges, cuts, source)
    check_count(source, options, int(counts.sum()))
    starts = torch.cumsum(counts, 0) - counts
    per_edge = torch.diff(cuts)
    if (per_edge < 0).any() or (counts < 0).any() or int(per_edge.sum()) != edges.shape[1]:
        raise refusal(source.name, "hold slices that ascend to the last edge", "others")
    united = edges + torch.repeat_interleave(starts, per_edge)
    total = int(counts.sum())
    kept = {
        name: value
        for name, value in values.items()
        if name != "edge_index" and hasattr(value, "shape") and value.shape[:1] == (total,)
    }
    if len(counts) > 1:
        source.remark(f"{len(counts)} graphs side by side; their numbers are the attribute 'graph'")
        kept["graph"] = torch.repeat_interleave(torch.arange(len(counts)), counts)
    for name in ("edge_weight", "edge_attr"):
        if name in values:
            kept[name] = values[name]
    return Data(edge_index=united, num_nodes=total, **kept)


def _node_counts(values: Any, slices: Any, edges: Any, cuts: Any, source: Source) -> Any:
    """Return the nodes of each graph: said, else the rows of x or pos, else up to the last used."""
    import torch

    said = values.get("num_nodes")
    if isinstance(said, list) and len(said) == len(cuts) - 1:
        return torch.tensor(said)
    for name in ("x", "pos", "z", "node_attr"):
        if name in slices and hasattr(slices[name], "dim") and len(slices[name]) == len(cuts):
            rows = values[name].shape[0] if name in values else int(slices[name][-1])
            if int(slices[name][-1]) != rows:
                got = f"slices of {name!r} to {int(slices[name][-1])} of {rows}"
                raise refusal(source.name, "hold slices that ascend to the last row", got)
            return torch.diff(slices[name])
    parts = [edges[:, a:b] for a, b in zip(cuts.tolist(), cuts.tolist()[1:], strict=False)]
    return torch.tensor([int(part.max()) + 1 if part.numel() else 0 for part in parts])


def _declared(data: Any) -> int:
    """Return the nodes that building the graph would make room for."""
    pairs, count = data.edge_index, data.num_nodes or 0
    entries = pairs.numel() if hasattr(pairs, "numel") else 0
    return max(int(count), int(pairs.max()) + 1 if entries else 0)


def _weight(options: ReadOptions) -> str | None:
    return None if options.weight is False else "weight"


def _as_told(graph: Graph, source: Source, options: ReadOptions) -> Graph:
    if options.directed in (None, graph.directed):
        return graph
    raise refusal(
        source.name,
        f"be {'directed' if options.directed else 'undirected'}",
        "the contrary",
        way_out="leave out directed: each entry of edge_index is an arrow",
    )
