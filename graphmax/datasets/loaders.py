"""Neighborhoods for PyG's ``DataLoader``, in this process or in several, balanced if asked."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset, Sampler
from torch_geometric.data import Data

from graphmax.extract import neighborhoods
from graphmax.extract.ball_extractor import ball_extractor, node_roots, rule_of, whole
from graphmax.extract.neighborhood_batch import plain
from graphmax.graph import Graph
from graphmax.maxima import local_maxima
from graphmax.rule import Rule


class RootedNeighborhoods(Dataset[Data]):
    """The labelled neighborhoods of the nodes of a graph, cut out when they are asked for.

    Item i is a PyG ``Data`` with ``x, edge_index, node, distance, root`` of root i and its label
    ``y`` bool (1,).

    Parameters
    ----------
    graph : Graph or graph of another library
        As for `neighborhoods`.
    values : str, mapping or array (num_nodes,)
        The attribute, in any unit.
    roots : int (B,), optional
        Node indices, each once; all nodes by default.
    hops : int, optional
        Radius of the ball in hops.
    rule : Rule, optional
        A whole rule, instead of `hops`; not plateau.

    Raises
    ------
    TypeError
        As for `neighborhoods`.
    ValueError
        As for `neighborhoods`.

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
        hops: int | None = None,
        *,
        rule: Rule | None = None,
    ) -> None:
        self.rule = rule_of(hops, rule)
        balls = ball_extractor(graph, values, roots, rule=self.rule, layout="sparse", most=None)
        self.graph: Graph = balls.graph.replace(attributes={})
        self.values = balls.attribute.array
        count = self.graph.num_nodes
        self.roots = np.arange(count) if roots is None else node_roots(roots, count)
        self.labels: NDArray[np.bool_] = plain(
            local_maxima(self.graph, self.values, rule=self.rule)
        )[self.roots]

    def __len__(self) -> int:
        return int(self.roots.size)

    def __getitem__(self, i: int) -> Data:
        return self.__getitems__([i])[0]

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
    generator : numpy.random.Generator
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

    def __init__(
        self, labels: Any, num_samples: int | None = None, *, generator: np.random.Generator
    ) -> None:
        mask = np.asarray(plain(labels) if hasattr(labels, "untyped_storage") else labels, bool)
        self.maxima, self.others = np.flatnonzero(mask), np.flatnonzero(~mask)
        if not isinstance(generator, np.random.Generator):
            raise TypeError(
                f"`generator` must be a numpy.random.Generator, got {type(generator).__name__}; "
                "pass np.random.default_rng(seed)"
            )
        rarer = min(self.maxima.size, self.others.size)
        if not rarer:
            raise ValueError(
                f"`labels` must hold both maxima and others to be balanced, got {mask.sum()} "
                f"maxima of {mask.size}"
            )
        self.num_samples = 2 * rarer if num_samples is None else whole(num_samples, "num_samples")
        self.generator = generator

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
    generator: np.random.Generator,
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
    generator : numpy.random.Generator
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

    sampler = BalancedSampler(rooted.labels, generator=generator) if balanced else None
    order = torch.Generator().manual_seed(int(generator.integers(2**62)))
    return DataLoader(
        rooted, batch_size=whole(batch_size, "batch_size"), sampler=sampler,
        shuffle=sampler is None, generator=order, num_workers=num_workers,
        multiprocessing_context="spawn" if num_workers else None,
    )  # fmt: skip
