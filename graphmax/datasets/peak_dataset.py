"""`PeakDataset`: named sets and one's own files as a PyG ``InMemoryDataset``.

Labels as a step of PyG's pipelines, and neighborhoods for its ``DataLoader``.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset, Sampler
from torch_geometric.data import Data, InMemoryDataset
from torch_geometric.data.datapipes import functional_transform
from torch_geometric.transforms import BaseTransform

from graphmax.checks import integer, is_tensor, random_generator, to_numpy
from graphmax.datasets.labelled_graphs import (
    Own,
    Source,
    file_sources,
    labelled_and_split,
    memory_sources,
)
from graphmax.datasets.recipe import SPLITS, generate, named_recipe, read_folder, split_name
from graphmax.extract import neighborhoods
from graphmax.extract.extraction import Layout, ball_extractor, node_roots
from graphmax.graph import Graph
from graphmax.maxima import local_maxima
from graphmax.question import rule_of
from graphmax.rule import Absent, Direction, Extremum, Nan, Rule, Ties

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


# --- Labels as a step of PyG's pipelines, and neighborhoods for its ``DataLoader``


@functional_transform("label_local_maxima")
class LabelLocalMaxima(BaseTransform):  # type: ignore[misc]
    """Write on every graph which of its nodes are local maxima (``label_local_maxima``).

    Parameters
    ----------
    values : str, default "x"
        The node attribute that is compared, of shape (num_nodes,) or (num_nodes, 1).
    hops : int, optional
        Radius of the ball in hops.
    rule : Rule, optional
        A whole rule, instead of `hops` and the fields below.
    key : str, default "y"
        Where the label goes, a bool tensor (num_nodes,).
    radius : float, optional
        Radius of the ball in edge weights, instead of `hops`.
    ties, direction, isolated, nan, absent, extremum : optional
        Fields of `Rule`.

    Raises
    ------
    TypeError
        If `rule` stands beside `hops`; when it is applied, if the graph is heterogeneous.
    ValueError
        When it is applied, if there is no such attribute, or it has several columns.

    Examples
    --------
    >>> import torch
    >>> from torch_geometric.data import Data
    >>> from graphmax.datasets import LabelLocalMaxima
    >>> path = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
    >>> LabelLocalMaxima()(Data(x=torch.tensor([[1.0], [3.0], [2.0]]), edge_index=path)).y
    tensor([False,  True, False])
    """

    def __init__(
        self,
        values: str = "x",
        hops: int | Rule | None = None,
        *,
        rule: Rule | None = None,
        key: str = "y",
        radius: float | None = None,
        ties: Ties | None = None,
        direction: Direction | None = None,
        isolated: bool | None = None,
        nan: Nan | None = None,
        absent: Absent | None = None,
        extremum: Extremum | None = None,
    ) -> None:
        self.values, self.key = values, key
        self.rule = rule_of(
            "local_maxima",
            hops,
            rule,
            radius=radius,
            ties=ties,
            direction=direction,
            isolated=isolated,
            nan=nan,
            absent=absent,
            extremum=extremum,
        )

    def __repr__(self) -> str:
        return f"LabelLocalMaxima({self.values!r}, {self.rule!r}, key={self.key!r})"

    def forward(self, data: Data) -> Data:
        """Return the graph with its labels."""
        values: Any = self.values
        column = data.get(values, None)
        if column is not None and column.ndim == 2 and column.shape[1] == 1:
            values = column[:, 0]
        elif column is not None and column.ndim != 1:
            raise ValueError(
                f"`values` must name an attribute of one column, got {self.values!r} of shape "
                f"{tuple(column.shape)}"
            )
        data[self.key] = local_maxima(data, values, rule=self.rule)
        return data


class RootedNeighborhoods(Dataset[Data]):
    """The labelled neighborhoods of the nodes of a graph, cut out when they are asked for.

    Item i is a PyG ``Data`` with ``x, edge_index, node, distance, root`` of root i and its label
    ``y`` bool (1,).

    Parameters
    ----------
    graph : Graph or graph of another library
        PyG ``Data`` or ``edge_index``, networkx, SciPy sparse and others; see `as_graph`.
    values : str, mapping or array (num_nodes,)
        The attribute, in any unit.
    roots : int (B,), optional
        Node indices, each once; all nodes by default.
    hops : int or Rule, optional
        Radius of the ball in hops. A `Rule` in its place is the rule.
    rule : Rule, optional
        A whole rule, instead of `hops` and fields; not plateau.
    radius : float, optional
        Radius of the ball in edge weights, instead of `hops`.
    ties : {"strict", "weak", "index"}, optional
        Which nodes of equal value challenge a node; see `Rule`.
    direction : {"in", "out", "both"}, optional
        Which steps count on a directed graph.
    isolated : bool, optional
        Whether a node without any neighbor is a maximum.
    nan : {"raise", "omit"}, optional
        Refuse NaN and missing values, or let such nodes take no part.
    extremum : {"max", "min"}, optional
        Which side.

    Raises
    ------
    TypeError
        If the graph or a dtype is of no known kind, or a field stands beside a whole rule.
    ValueError
        If a root is out of range or repeated, the values do not fit the graph or hold NaN under
        ``nan="raise"``, or a field has no such value.

    Notes
    -----
    It can be sent to other processes; start these by "spawn", as `neighborhood_loader` does: the
    threads of compiled loops do not survive a fork.

    Examples
    --------
    >>> import networkx as nx
    >>> from graphmax.datasets import RootedNeighborhoods
    >>> rooted = RootedNeighborhoods(nx.path_graph(4), [1, 3, 2, 0], hops=1)
    >>> len(rooted), rooted[1].node.tolist(), rooted[1].y.tolist()
    (4, [1, 0, 2], [True])
    """

    def __init__(
        self,
        graph: Any,
        values: Any,
        roots: Any = None,
        hops: int | Rule | None = None,
        *,
        rule: Rule | None = None,
        radius: float | None = None,
        ties: Ties | None = None,
        direction: Direction | None = None,
        isolated: bool | None = None,
        nan: Nan | None = None,
        extremum: Extremum | None = None,
    ) -> None:
        balls = ball_extractor(
            graph,
            values,
            roots,
            hops,
            Layout(),
            rule=rule,
            radius=radius,
            ties=ties,
            direction=direction,
            isolated=isolated,
            nan=nan,
            extremum=extremum,
        )
        self.rule = balls.rule
        self.graph: Graph = balls.graph.replace(attributes={})
        self.values = balls.attribute.array
        count = self.graph.num_nodes
        self.roots = np.arange(count) if roots is None else node_roots(roots, count)
        labels = local_maxima(self.graph, self.values, rule=self.rule)
        self.labels: NDArray[np.bool_] = labels[self.roots]

    def __len__(self) -> int:
        return int(self.roots.size)

    def __getitem__(self, i: Any) -> Any:
        """Return an item, or the list of those of a slice, a mask or numbers."""
        chosen = np.arange(len(self))[to_numpy(i) if is_tensor(i) else i]
        items = self.__getitems__(np.atleast_1d(chosen).tolist())
        return items[0] if np.ndim(chosen) == 0 else items

    def __getitems__(self, items: Sequence[int]) -> list[Data]:
        """Cut out many at once, as PyTorch's fetcher asks for them."""
        chosen = np.asarray(items, np.int64)
        once, place = np.unique(chosen, return_inverse=True)
        batch: Any = neighborhoods(self.graph, self.values, self.roots[once], rule=self.rule)
        joined = batch.to_batch()
        return [
            self._labelled(joined.get_example(at), i) for at, i in zip(place, chosen, strict=True)
        ]

    def _labelled(self, data: Data, i: int) -> Data:
        import torch

        data.y = torch.tensor([bool(self.labels[i])])
        return data


class BalancedSampler(Sampler[int]):
    """Draw as many maxima as other roots, in random order, afresh in every epoch.

    Parameters
    ----------
    labels : bool (B,)
        The label of each item.
    num_samples : int, optional
        Items an epoch; by default twice the number of the rarer label.
    generator : numpy.random.Generator or torch.Generator
        Source of randomness.

    Raises
    ------
    TypeError
        If `generator` is no Generator.
    ValueError
        If all labels are equal, or `num_samples` is below 1.

    Notes
    -----
    Items of the rarer label repeat where `num_samples` asks for more of them than there are.

    Examples
    --------
    >>> import numpy as np
    >>> from graphmax.datasets import BalancedSampler
    >>> labels = np.array([True, False, False, False, True, False])
    >>> drawn = list(BalancedSampler(labels, generator=np.random.default_rng(0)))
    >>> len(drawn), int(labels[drawn].sum())
    (4, 2)
    """

    def __init__(self, labels: Any, num_samples: int | None = None, *, generator: Any) -> None:
        mask = to_numpy(labels).astype(bool)
        self.maxima, self.others = np.flatnonzero(mask), np.flatnonzero(~mask)
        self.generator = random_generator(generator)
        rarer = min(self.maxima.size, self.others.size)
        if not rarer:
            raise ValueError(
                f"`labels` must hold both maxima and others to be balanced, got {mask.sum()} "
                f"maxima of {mask.size}"
            )
        self.num_samples = 2 * rarer
        if num_samples is not None:
            self.num_samples = integer(num_samples, "num_samples", 1)

    def __len__(self) -> int:
        return self.num_samples

    def __iter__(self) -> Iterator[int]:
        half = self.num_samples // 2
        drawn = [
            self._draw(self.maxima, half),
            self._draw(self.others, self.num_samples - half),
        ]
        order: list[int] = self.generator.permutation(np.concatenate(drawn)).tolist()
        return iter(order)

    def _draw(self, items: NDArray[np.int64], count: int) -> NDArray[np.int64]:
        """Draw without repeats as far as there are enough."""
        rounds = [self.generator.permutation(items) for _ in range(-(-count // items.size))]
        return np.concatenate(rounds)[:count] if rounds else items[:0]


def neighborhood_loader(
    rooted: RootedNeighborhoods,
    *,
    batch_size: int = 256,
    balanced: bool = False,
    num_workers: int = 0,
    generator: Any,
) -> Any:
    """Make a PyG ``DataLoader`` of neighborhoods in random order.

    Parameters
    ----------
    rooted : RootedNeighborhoods
        What to load.
    batch_size : int, default 256
        Neighborhoods a batch.
    balanced : bool, default False
        Draw as many maxima as others.
    num_workers : int, default 0
        Processes that cut out neighborhoods, started by "spawn".
    generator : numpy.random.Generator or torch.Generator
        Source of the order.

    Returns
    -------
    torch_geometric.loader.DataLoader
        Yields PyG ``Batch``.

    Raises
    ------
    ValueError
        If `balanced` is asked for and all labels are equal.
    """
    import torch
    from torch_geometric.loader import DataLoader

    generator = random_generator(generator)
    sampler = BalancedSampler(rooted.labels, generator=generator) if balanced else None
    order = torch.Generator().manual_seed(int(generator.integers(2**62)))
    return DataLoader(
        rooted,
        batch_size=integer(batch_size, "batch_size", 1),
        sampler=sampler,
        shuffle=sampler is None,
        generator=order,
        num_workers=num_workers,
        multiprocessing_context="spawn" if num_workers else None,
    )
