"""`PeakDataset`: named sets and one's own files as a PyG ``InMemoryDataset``."""

import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch_geometric.data import Data, InMemoryDataset

from graphmax.datasets.labelled_graphs import (
    Own,
    Source,
    file_sources,
    labelled_and_split,
    memory_sources,
)
from graphmax.datasets.manifest import generate, named_recipe, read_folder
from graphmax.datasets.recipe import SPLITS, split_name
from graphmax.graph import Graph
from graphmax.rule import Rule

Transform = Callable[[Data], Any]


class Splits(dict[str, "PeakDataset"]):
    """The parts of a set by name; "val" is "validation"."""

    def __missing__(self, name: str) -> "PeakDataset":
        if split_name(name) == name:
            raise KeyError(name)
        return self[split_name(name)]


class PeakDataset(InMemoryDataset):  # type: ignore[misc]
    """Graphs whose nodes carry the label "is it a local maximum?".

    Each item is a PyG ``Data`` with ``x`` (num_nodes, F), what is shown, ``value`` (num_nodes,),
    the exact attribute, ``y`` bool (num_nodes,), the label, and ``edge_index``. ``x`` of a named
    set has torch's default dtype; of one's own graphs it is float64, which keeps every digit: pass
    ``dtype=torch.float32`` for models of that kind.

    Parameters
    ----------
    root : str or path
        Where sets are kept; a set that is not there is made in ``root/NAME-vVERSION``.
    name : str
        A named set (`recipe_names`), or a recipe file that ends in ``.toml``.
    split : {"train", "validation", "val", "test"}, default "train"
        Which part. Test graphs are larger than training graphs, and from other families too.
    transform, pre_transform, pre_filter : callable, optional
        As everywhere in PyG.
    dtype : torch.dtype, optional
        Of ``x``; torch's default dtype by default.

    Attributes
    ----------
    rule : Rule
        The rule of the labels.
    own : Own or None
        For a set of one's own files, which graphs or nodes are for what.

    Raises
    ------
    ValueError
        If there is no such set (near names are listed) or split, a recipe is wrong, or a file of
        the folder does not have its SHA-256 (it is named).

    Notes
    -----
    Nothing is read with pickle: the files are ``.npz`` of plain arrays, checked by their hashes.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        name: str,
        split: str = "train",
        *,
        transform: Transform | None = None,
        pre_transform: Transform | None = None,
        pre_filter: Transform | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        split, recipe = split_name(split), named_recipe(name)
        place = Path(root) / f"{recipe.name}-v{recipe.version}"
        generate(recipe, place)
        dtype = torch.get_default_dtype() if dtype is None else dtype
        graphs = [labelled_data(graph, dtype) for graph in read_folder(place, split)]
        self._begin(graphs, recipe.rule, None, (transform, pre_transform, pre_filter))
        again = {"transform": transform, "pre_transform": pre_transform, "pre_filter": pre_filter}
        self._others = {
            other: partial(PeakDataset, root, name, other, dtype=dtype, **again)
            for other in SPLITS
            if other != split
        }
        self._split = split

    @classmethod
    def from_files(
        cls,
        paths: Sequence[str | os.PathLike[str]],
        values: str,
        hops: int | None = None,
        *,
        rule: Rule | None = None,
        features: Sequence[str] | None = None,
        split: str = "graphs",
        shares: Sequence[float] = (0.6, 0.2, 0.2),
        seed: int = 0,
        transform: Transform | None = None,
        dtype: torch.dtype | None = None,
        **options: Any,
    ) -> "PeakDataset":
        """Make a set of one's own graph files.

        Parameters
        ----------
        paths : sequence of path
            Files of any format that `read_graph` knows, and folders in the layout of TUDataset.
        values : str
            The node attribute that is compared, of one column; ``x.1`` is a column of a matrix.
        hops : int, optional
            Radius of the ball in hops.
        rule : Rule, optional
            A whole rule, instead of `hops`.
        features : sequence of str, optional
            Attributes that become the columns of ``x``; by default the compared one.
        split : {"graphs", "nodes"}, default "graphs"
            Deal whole graphs to training, validation and test, or the nodes of each graph, by
            connected blocks: then each item has ``train_mask``, ``val_mask`` and ``test_mask``.
        shares : sequence of float (3,), default (0.6, 0.2, 0.2)
            Share of each part.
        seed : int, default 0
            Of the split.
        transform : callable, optional
            As everywhere in PyG.
        dtype : torch.dtype, optional
            Of ``x``; float64 by default, or int64 for integers beyond 2**53.
        **options
            Options of `read_graph`.

        Returns
        -------
        PeakDataset
            All graphs, in the order of `paths`; ``part(name)`` gives the graphs of one part,
            ``own.touching`` the share of test balls that hold a training node.

        Raises
        ------
        GraphFileError
            If a file cannot be read as a graph.
        ValueError
            If an attribute is unknown (near names are listed) or missing on some nodes, or there
            are no files; the file is named.
        """
        sources = file_sources(paths, values, features, options)
        return cls._made(
            sources, hops, rule, split, shares=shares, seed=seed, transform=transform, dtype=dtype
        )

    @classmethod
    def from_graphs(
        cls,
        graphs: Sequence[Any],
        values: Any,
        hops: int | None = None,
        *,
        rule: Rule | None = None,
        features: Any = None,
        split: str = "graphs",
        shares: Sequence[float] = (0.6, 0.2, 0.2),
        seed: int = 0,
        transform: Transform | None = None,
        dtype: torch.dtype | None = None,
    ) -> "PeakDataset":
        """Make a set of graphs in memory.

        Parameters
        ----------
        graphs : sequence of graphs
            Of any library that `local_maxima` takes: networkx, PyG, SciPy, `Graph`.
        values : str or list
            The node attribute that is compared, or one per graph: arrays, mappings, Series.
        hops : int, optional
            Radius of the ball in hops.
        rule : Rule, optional
            A whole rule, instead of `hops`.
        features : sequence of str or list, optional
            Attributes that become the columns of ``x``, or one array (num_nodes, F) per graph; by
            default the compared one.
        split : {"graphs", "nodes"}, default "graphs"
            As for `from_files`.
        shares : sequence of float (3,), default (0.6, 0.2, 0.2)
            Share of each part.
        seed : int, default 0
            Of the split.
        transform : callable, optional
            As everywhere in PyG.
        dtype : torch.dtype, optional
            Of ``x``; float64 by default, or int64 for integers beyond 2**53.

        Returns
        -------
        PeakDataset
            All graphs, in their order; ``splits`` gives the parts.

        Raises
        ------
        TypeError, ValueError
            If there are no graphs, or values or features do not fit one, which is named.

        Examples
        --------
        >>> import networkx as nx
        >>> from graphmax.datasets import PeakDataset
        >>> graphs = [nx.path_graph(4), nx.cycle_graph(5)]
        >>> made = PeakDataset.from_graphs(graphs, [[1, 3, 2, 0], {0: 5, 1: 1, 2: 2, 3: 1, 4: 1}])
        >>> made[0].y.tolist(), made[1].y.tolist()
        ([False, True, False, False], [True, False, True, False, False])
        """
        sources = memory_sources(graphs, values, features)
        return cls._made(
            sources, hops, rule, split, shares=shares, seed=seed, transform=transform, dtype=dtype
        )

    @classmethod
    def _made(
        cls,
        sources: Iterator[Source],
        hops: Any,
        rule: Rule | None,
        split: str,
        *,
        shares: Sequence[float],
        seed: int,
        transform: Transform | None,
        dtype: torch.dtype | None,
    ) -> "PeakDataset":
        own = labelled_and_split(sources, hops, rule=rule, split=split, shares=shares, seed=seed)
        weighted = all(graph.weights is not None for graph in own.graphs)
        items = [labelled_data(graph, dtype, weighted=weighted) for graph in own.graphs]
        for item, nodes in zip(items, own.nodes, strict=False):
            item.train_mask, item.val_mask, item.test_mask = map(torch.from_numpy, nodes[:3])
        made = cls.__new__(cls)
        made._begin(items, own.rule, own, (transform, None, None))
        return made

    @property
    def splits(self) -> Splits:
        """The parts of the set by name: "train", "validation" (or "val") and "test".

        Where nodes were split every part is the whole set, whose masks `fit`, its `validation` and
        `evaluate` use. A named set makes its other splits when they are asked for the first time.
        """
        if self.own is None:
            others = {name: make() for name, make in self._others.items()}
            return Splits({**others, self._split: self})
        if self.own.graph_parts is None:
            return Splits(dict.fromkeys(SPLITS, self))
        return Splits({name: self.part(name) for name in SPLITS})

    def part(self, name: str) -> "PeakDataset":
        """Return the graphs of one part of a set that was split by graphs.

        Parameters
        ----------
        name : {"train", "validation", "val", "test"}
            Which part.

        Returns
        -------
        PeakDataset
            A view of the set.

        Raises
        ------
        ValueError
            If the set was not made of files split by graphs, or there is no such part.
        """
        if self.own is None or self.own.graph_parts is None:
            raise ValueError(
                "`part` must be asked of files that were split by graphs, got another set; use "
                "split= of PeakDataset, or the masks of each item"
            )
        part = SPLITS.index(split_name(name))
        chosen: NDArray[np.int64] = np.flatnonzero(self.own.graph_parts == part)
        view: PeakDataset = self[chosen.tolist()]
        return view

    def _begin(
        self,
        items: list[Data],
        rule: Rule,
        own: Own | None,
        steps: tuple[Transform | None, Transform | None, Transform | None],
    ) -> None:
        transform, pre_transform, pre_filter = steps
        super().__init__(None, transform, pre_transform, pre_filter)
        self.rule, self.own = rule, own
        kept = [item for item in items if pre_filter is None or pre_filter(item)]
        if pre_transform is not None:
            kept = [pre_transform(item) for item in kept]
        self.data, self.slices = self.collate(kept)


def labelled_data(
    graph: Graph, dtype: torch.dtype | None = None, *, weighted: bool = False
) -> Data:
    """Turn a labelled graph into a PyG ``Data``; `dtype` is that of ``x``, None for its own."""
    columns = graph.attributes
    data = graph.replace(attributes={}).to_data()
    if not weighted and "edge_weight" in data:
        del data.edge_weight
    x = torch.from_numpy(np.array(np.ma.getdata(columns["x"])))
    data.x = x if dtype is None else x.to(dtype)
    value = np.array(np.ma.getdata(columns["value"]))
    data.value = torch.from_numpy(value.astype(np.int64) if value.dtype.kind in "mM" else value)
    data.y = torch.from_numpy(np.array(columns["is_maximum"]))
    return data
