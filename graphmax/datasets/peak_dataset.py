"""`PeakDataset`: named sets and one's own files as a PyG ``InMemoryDataset``."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch_geometric.data import Data, InMemoryDataset

from graphmax.datasets.catalog import named_recipe
from graphmax.datasets.labelled_graphs import Own, own_graphs
from graphmax.datasets.manifest import generate, read_folder
from graphmax.datasets.recipe import SPLITS
from graphmax.graph import Graph
from graphmax.rule import Rule

Transform = Callable[[Data], Any]


class PeakDataset(InMemoryDataset):  # type: ignore[misc]
    """Graphs whose nodes carry the label "is it a local maximum?".

    Each item is a PyG ``Data`` with ``x`` (num_nodes, F), what is shown, in torch's default dtype,
    ``value`` (num_nodes,), the exact attribute, ``y`` bool (num_nodes,), the label, and
    ``edge_index``.

    Parameters
    ----------
    root : str or path
        Where sets are kept; a set that is not there is made in ``root/NAME-vVERSION``.
    name : str
        A named set (`recipe_names`), or a recipe file that ends in ``.toml``.
    split : {"train", "validation", "test"}, default "train"
        Which part. Test graphs are larger than training graphs, and from other families too.
    transform, pre_transform, pre_filter : callable, optional
        As everywhere in PyG.

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
    ) -> None:
        recipe = named_recipe(name)
        place = Path(root) / f"{recipe.name}-v{recipe.version}"
        generate(recipe, place)
        graphs = [labelled_data(graph) for graph in read_folder(place, split)]
        self._begin(graphs, recipe.rule, None, (transform, pre_transform, pre_filter))

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
        **options: Any,
    ) -> "PeakDataset":
        """Make a set of one's own graph files.

        Parameters
        ----------
        paths : sequence of path
            Files of any format that `read_graph` knows.
        values : str
            The node attribute that is compared.
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
        own = own_graphs(
            paths, values, hops, rule=rule, features=features, split=split, shares=shares,
            seed=seed, options=options,
        )  # fmt: skip
        weighted = all(graph.weights is not None for graph in own.graphs)
        items = [labelled_data(graph, weighted=weighted) for graph in own.graphs]
        for item, nodes in zip(items, own.nodes, strict=False):
            item.train_mask, item.val_mask, item.test_mask = map(torch.from_numpy, nodes[:3])
        made = cls.__new__(cls)
        made._begin(items, own.rule, own, (transform, None, None))
        return made

    def part(self, name: str) -> "PeakDataset":
        """Return the graphs of one part of a set that was split by graphs.

        Parameters
        ----------
        name : {"train", "validation", "test"}
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
        if name not in SPLITS:
            raise ValueError(f"`name` must be 'train', 'validation' or 'test', got {name!r}")
        chosen: NDArray[np.int64] = np.flatnonzero(self.own.graph_parts == SPLITS.index(name))
        view: PeakDataset = self[chosen.tolist()]
        return view

    def _begin(
        self, items: list[Data], rule: Rule, own: Own | None,
        steps: tuple[Transform | None, Transform | None, Transform | None],
    ) -> None:  # fmt: skip
        transform, pre_transform, pre_filter = steps
        super().__init__(None, transform, pre_transform, pre_filter)
        self.rule, self.own = rule, own
        kept = [item for item in items if pre_filter is None or pre_filter(item)]
        if pre_transform is not None:
            kept = [pre_transform(item) for item in kept]
        self.data, self.slices = self.collate(kept)


def labelled_data(graph: Graph, *, weighted: bool = False) -> Data:
    """Turn a labelled graph into a PyG ``Data``."""
    columns = graph.attributes
    data = graph.replace(attributes={}).to_data()
    if not weighted and "edge_weight" in data:
        del data.edge_weight
    shown = np.array(np.ma.getdata(columns["x"]))
    data.x = torch.from_numpy(shown).to(torch.get_default_dtype())
    data.value = torch.from_numpy(np.array(np.ma.getdata(columns["value"])))
    data.y = torch.from_numpy(np.array(columns["is_maximum"]))
    return data
