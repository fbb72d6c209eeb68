"""Call an operator safely: the same answer twice, one array, no NaN, nothing changed in it."""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.checks import is_tensor
from graphmax.symmetry.sample import Net, Sample, as_numpy


def name_of(operator: Any) -> str:
    """Return what a verdict calls an operator."""
    inner = getattr(operator, "func", operator)
    name = getattr(inner, "__name__", type(inner).__name__)
    bound = getattr(operator, "keywords", None) or {}
    return name + ("(" + ", ".join(f"{k}={v!r}" for k, v in bound.items()) + ")" if bound else "")


def caller(operator: Any) -> Callable[[Sample], NDArray[Any]]:
    """Return what asks an operator about a sample."""
    if not callable(operator):
        raise TypeError(f"`operator` must be callable, got {type(operator).__name__}")
    splits = _wants_two(operator)

    def call(sample: Sample) -> NDArray[Any]:
        arguments = sample.with_values(_copy(sample.values)).arguments()
        if splits and isinstance(sample, Net) and len(arguments) == 1:
            arguments = arguments[0].x, arguments[0].edge_index
        return _one_array(operator(*arguments))

    return call


def _wants_two(operator: Any) -> bool:
    try:
        signature = inspect.signature(getattr(operator, "forward", operator))
    except (TypeError, ValueError):
        return False
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    required = [
        p for p in signature.parameters.values() if p.kind in kinds and p.default is p.empty
    ]
    return len(required) >= 2


def _copy(array: Any) -> Any:
    return array.clone() if is_tensor(array) else array.copy()


def _one_array(output: Any) -> NDArray[Any]:
    if isinstance(output, tuple | dict) or hasattr(output, "edge_index"):
        raise TypeError(
            f"`operator` must return one array or tensor, got {type(output).__name__}; "
            "wrap it in a function that returns the part you ask about"
        )
    array = as_numpy(output)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"`operator` must return real numbers or bool, got dtype {array.dtype}")
    return array


def refuse_nan(output: NDArray[Any]) -> None:
    """Refuse an output with NaN."""
    if output.dtype.kind == "f" and np.isnan(output).any():
        raise ValueError(
            f"`operator` must not return NaN, got {int(np.isnan(output).sum())} among "
            f"{output.size} entries; two NaN cannot be compared"
        )


def refuse_chance(operator: Any, first: NDArray[Any], second: NDArray[Any]) -> None:
    """Refuse an operator that gave two answers to one question."""
    dropping = [
        type(layer).__name__
        for layer in (operator.modules() if hasattr(operator, "modules") else ())
        if "Dropout" in type(layer).__name__ and layer.training and getattr(layer, "p", 1) > 0
    ]
    differ = (
        first.shape != second.shape or not np.array_equal(first, second, equal_nan=True)
        if first.dtype.kind == "f"
        else not np.array_equal(first, second)
    )
    if dropping or differ:
        training = getattr(operator, "training", False)
        why = "it is in train mode, call operator.eval() first" if training else "fix its seed"
        raise ValueError(
            "`operator` must not be random, got "
            + (f"{dropping[0]} in train mode" if dropping else "two answers to one question")
            + f"; {why}"
        )


@contextmanager
def left_alone(operator: Any) -> Iterator[None]:
    """Ask without gradients, and give a module its buffers back afterwards."""
    if not hasattr(operator, "named_buffers"):
        yield
        return
    import torch

    kept = {name: buffer.clone() for name, buffer in operator.named_buffers()}
    try:
        with torch.no_grad():
            yield
    finally:
        for name, buffer in operator.named_buffers():
            if name in kept:
                buffer.data.copy_(kept[name])
