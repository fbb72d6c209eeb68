"""`LabelLocalMaxima`: the label as a step of any PyG pipeline."""

from typing import Any

from torch_geometric.data import Data
from torch_geometric.data.datapipes import functional_transform
from torch_geometric.transforms import BaseTransform

from graphmax.maxima import local_maxima
from graphmax.question import rule_of
from graphmax.rule import Absent, Direction, Extremum, Nan, Rule, Ties


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
