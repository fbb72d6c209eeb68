"""Batches of rooted subgraphs, sparse or dense, and the labels of their roots."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from graphmax.rule import FilledRule
from graphmax.ties import TIES
from graphmax.values import order_key, read_attribute


@dataclass(frozen=True, eq=False, repr=False)
class NeighborhoodBatch(ABC):
    """Neighborhoods of B roots: for each the subgraph induced by its ball, the root first.

    Within a neighborhood nodes stand by distance, then by index. Arrays are tensors on the device
    of the values where these were a tensor, NumPy arrays otherwise.

    Parameters
    ----------
    root : int64 (B,)
        The roots, node indices of the whole graph.
    degree : int64 (B,)
        How many neighbors each root has in the whole graph, by counted steps.
    cut : bool (B,)
        Whose ball is larger than `max_nodes`; its farthest nodes are missing.
    rule : Rule
        Which ball, and what "local maximum" means.

    Examples
    --------
    >>> import graphmax as gm
    >>> batch = gm.neighborhoods(gm.grid_graph(3), [1, 3, 2])
    >>> isinstance(batch, gm.NeighborhoodBatch), batch.labels().tolist()
    (True, [False, True, False])
    """

    root: Any
    degree: Any
    cut: Any
    rule: FilledRule

    @property
    @abstractmethod
    def layout(self) -> str:
        """``"sparse"`` or ``"dense"``."""

    @property
    @abstractmethod
    def values(self) -> Any:
        """The attribute of every node of every neighborhood."""

    @abstractmethod
    def _challenged(self) -> NDArray[np.bool_]:
        """Return which roots have a challenger in their neighborhood."""

    @abstractmethod
    def _root_values(self) -> NDArray[Any]:
        """Return the attribute of the roots."""

    def __len__(self) -> int:
        return len(self.root)

    def __repr__(self) -> str:
        shape = tuple(self.values.shape)
        cut = int(plain(self.cut).sum())
        content = f"{len(self)} neighborhoods, values {shape}" + f", {cut} cut" * bool(cut)
        return f"{type(self).__name__}({content}, {self.rule})"

    def labels(self, *, allow_cut: bool = False) -> Any:
        """Report, for each root, whether it is a local maximum, from its neighborhood alone.

        Parameters
        ----------
        allow_cut : bool, default False
            Answer for balls that `max_nodes` has cut from what is left of them: a "no" is right
            all the same, a "yes" may be wrong.

        Returns
        -------
        bool (B,)
            The label of each root on the whole graph.

        Raises
        ------
        ValueError
            If a ball was cut and `allow_cut` is False.

        Examples
        --------
        >>> import networkx as nx
        >>> from graphmax import neighborhoods
        >>> neighborhoods(nx.path_graph(4), [1, 3, 2, 0], hops=1).labels().tolist()
        [False, True, False, False]
        """
        cut = plain(self.cut)
        if cut.any() and not allow_cut:
            first = ", ".join(map(str, plain(self.root)[cut][:5]))
            raise ValueError(
                f"`max_nodes` must leave a ball whole to label its root, got {int(cut.sum())} cut "
                f"(first roots: {first}); raise max_nodes, or pass allow_cut=True"
            )
        mask = ~self._challenged()
        absent = order_key(self._root_values()).absent
        if absent is not None:
            mask &= ~absent
        if not self.rule.isolated:
            mask &= plain(self.degree) > 0
        return read_attribute(self.root).restore(mask)

    def _map(self, convert: Any) -> Self:
        parts = {field.name: getattr(self, field.name) for field in fields(self)}
        return type(self)(
            **{
                name: convert(part) if isinstance(part, np.ndarray) else part
                for name, part in parts.items()
            }
        )


def plain(array: Any) -> NDArray[Any]:
    """Return a tensor as a NumPy array, an array as it is."""
    if isinstance(array, np.ndarray):
        return array
    result: NDArray[Any] = array.detach().cpu().numpy()
    return result


def challengers(
    values: NDArray[Any], node: NDArray[np.int64], center: NDArray[np.int64], rule: FilledRule
) -> NDArray[np.bool_]:
    """Report which nodes challenge the one at position `center` of theirs."""
    key, absent = order_key(values)
    key = ~key if rule.extremum == "min" else key
    other = np.arange(key.size) != center
    ties = TIES[rule.ties]
    stands: NDArray[np.bool_] = ties.challenges(key[center], key, node[center], node) & other
    return stands if absent is None else stands & ~absent
