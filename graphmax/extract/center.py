"""`center_is_maximum`: the dense reference, on matrices of NumPy or torch."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from graphmax.checks import is_tensor, unmasked
from graphmax.question import rule_of
from graphmax.rule import Rule, Ties
from graphmax.ties import TIES
from graphmax.values import order_key, read_attribute, takes_subnormals_for_zero

if TYPE_CHECKING:
    from torch import Tensor

Matrix = NDArray[Any] | Sequence[Any]


@overload
def center_is_maximum(
    adjacency: "Tensor",
    values: "Tensor",
    mask: "Tensor | None" = None,
    *,
    hops: int | Rule | None = None,
    rule: Rule | None = None,
    ties: Ties | None = None,
    isolated: bool | None = None,
) -> "Tensor": ...
@overload
def center_is_maximum(
    adjacency: Matrix,
    values: Matrix,
    mask: Matrix | None = None,
    *,
    hops: int | Rule | None = None,
    rule: Rule | None = None,
    ties: Ties | None = None,
    isolated: bool | None = None,
) -> NDArray[np.bool_]: ...
def center_is_maximum(
    adjacency: Any,
    values: Any,
    mask: Any = None,
    *,
    hops: int | Rule | None = None,
    rule: Rule | None = None,
    ties: Ties | None = None,
    isolated: bool | None = None,
) -> Any:
    """Report, for each matrix, whether the node in row 0 is a local maximum.

    Entry (0, 0) of the adjacency neighborhood, its attribute written on the diagonal, is compared
    with the rest of that diagonal.

    Parameters
    ----------
    adjacency : (B, M, M) or (M, M)
        Entries that are not 0 are edges. The diagonal is not looked at.
    values : (B, M) or (M,)
        The attribute, in any unit, any dtype that has an order.
    mask : bool (B, M) or (M,), optional
        Which rows hold a node; all by default. Row 0 always must.
    hops : int or Rule, optional
        Compare with the k-ball of row 0 in the matrix, arrows ignored; by default with every row
        that holds a node, whatever the edges are. A `Rule` in its place is the rule.
    rule : Rule, optional
        A whole rule, instead of `hops` and fields; without hops of its own it asks every row.
    ties : {"strict", "weak"}, default "strict"
        Whether an equal value challenges row 0 or only a higher one.
    isolated : bool, default True
        Whether row 0 is a maximum where it has no edge.

    Returns
    -------
    bool (B,) or ()
        An array or tensor like `values`.

    Raises
    ------
    TypeError
        If matrices and values are not both NumPy or both torch, or `mask` is not bool.
    ValueError
        If shapes do not fit, row 0 holds no node, values are NaN, or `hops` or `ties` has no such
        value.

    Notes
    -----
    Time and memory are those of the matrices, times `hops`.

    Examples
    --------
    >>> import numpy as np
    >>> from graphmax import center_is_maximum
    >>> path = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]])
    >>> center_is_maximum(path, np.array([5, 1, 7]))
    array(False)
    >>> center_is_maximum(path, np.array([5, 1, 7]), hops=1)
    array(True)
    """
    asked = rule_of("center_is_maximum", hops, rule, ties=ties, isolated=isolated)
    said = hops if isinstance(hops, Rule) else Rule(hops=hops) if rule is None else rule
    adjacency, values, mask = _fitting(adjacency, values, mask)
    order = _ordered(values)
    links, own, rest = adjacency != 0, order[..., :1], order[..., 1:]
    ball = mask if said.hops is None else _ball(links, mask, said.hops)
    stands = TIES[asked.ties].challenges(own, rest)
    answer = ~(stands & ball[..., 1:]).any(axis=-1)
    if not asked.isolated:
        answer = answer & ((links[..., 0, 1:] | links[..., 1:, 0]) & mask[..., 1:]).any(axis=-1)
    return answer if not isinstance(answer, np.bool_) else np.asarray(answer)


def _ordered(values: Any) -> Any:
    """Return what is compared: bits, where the processor takes subnormal numbers for 0."""
    if not takes_subnormals_for_zero():
        return values
    if not is_tensor(values):
        return order_key(values).key if values.dtype.kind == "f" else values
    if not values.is_floating_point() or values.device.type != "cpu":
        return values
    import torch

    whole = {2: torch.int16, 4: torch.int32, 8: torch.int64}[values.dtype.itemsize]
    bits = values.detach().contiguous().view(whole)
    key = torch.where(bits < 0, bits ^ torch.iinfo(whole).max, bits)
    return key + (key == -1).to(whole)


def _ball(links: Any, mask: Any, hops: int) -> Any:
    """Return the rows within `hops` steps of row 0 through rows that hold a node."""
    both_ways = (links | links.swapaxes(-1, -2)) & mask[..., None, :] & mask[..., :, None]
    ball = mask & False
    ball[..., 0] = True
    for _ in range(min(hops, links.shape[-1])):
        larger = ball | (both_ways & ball[..., None, :]).any(axis=-1)
        if (larger == ball).all():
            break
        ball = larger
    return ball


def _fitting(adjacency: Any, values: Any, mask: Any) -> tuple[Any, Any, Any]:
    adjacency = _array(adjacency, "adjacency")
    values, missing = _compared(values)
    if is_tensor(adjacency) != is_tensor(values):
        raise TypeError(
            f"`values` must be of the kind of `adjacency`, got {type(values).__name__} and "
            f"{type(adjacency).__name__}; turn both into arrays or both into tensors"
        )
    if adjacency.ndim not in (2, 3) or adjacency.shape[-1] != adjacency.shape[-2]:
        raise ValueError(
            "`adjacency` must have shape (B, M, M) or (M, M), got " + _shape(adjacency)
        )
    if tuple(values.shape) != tuple(adjacency.shape[:-1]) or values.shape[-1] == 0:
        raise ValueError(
            f"`values` must have one entry per row of `adjacency` {_shape(adjacency)}, at least "
            f"one, got shape {_shape(values)}"
        )
    known = values == values
    if missing is not None:
        known &= ~missing
    mask = known | True if mask is None else _array(mask, "mask")
    _check_mask(mask, values)
    if bool((mask & ~known).any()):
        raise ValueError(
            "`values` must not be NaN, got NaN in a row that holds a node; fill it in, or take the "
            "labels of neighborhoods under nan='omit'"
        )
    return adjacency, values, mask


def _check_mask(mask: Any, values: Any) -> None:
    if "bool" not in str(mask.dtype):
        raise TypeError(f"`mask` must be bool, got dtype {mask.dtype}; pass mask != 0")
    if tuple(mask.shape) != tuple(values.shape):
        raise ValueError(
            f"`mask` must have the shape of `values` {_shape(values)}, got {_shape(mask)}"
        )
    if not bool(mask[..., 0].all()):
        raise ValueError("`mask` must hold row 0, the center, got False there")


def _compared(values: Any) -> tuple[Any, NDArray[np.bool_] | None]:
    """Return values that have an exact order, and which of them are missing."""
    if is_tensor(values):
        return values, None
    attribute = read_attribute(values, "values")
    return attribute.array, attribute.missing


def _array(array: Any, name: str) -> Any:
    return array if is_tensor(array) else np.asarray(unmasked(array, name))


def _shape(array: Any) -> str:
    return str(tuple(array.shape))
