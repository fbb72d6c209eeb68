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
    *(RuntimeError, MemoryError, AssertionError),
)


def read(source: Source, options: ReadOptions) -> Graph:
    """Read a PyG ``Data``, or a mapping with an ``edge_index``, saved by ``torch.save``."""
    _check_archive(source, options)
    found = _loaded(source)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PyG infers the number of nodes
            data = _data(found, source)
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


def _data(found: Any, source: Source) -> Any:
    from torch_geometric.data.data import Data

    if isinstance(found, Data):
        return found
    if isinstance(found, dict) and "edge_index" in found:
        return Data(**{name: value for name, value in found.items() if isinstance(name, str)})
    raise refusal(source.name, "hold a PyG Data or a mapping with edge_index", type(found).__name__)


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
