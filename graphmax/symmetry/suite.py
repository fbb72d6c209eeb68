"""Find out what an operator takes, and which transformations apply to that."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.graph import Graph
from graphmax.kernels.compiled import tell
from graphmax.symmetry.equivariance import check
from graphmax.symmetry.sample import Transformation, read_sample
from graphmax.symmetry.transformations import (
    disjoint_union,
    edge_order,
    flip,
    increasing,
    negation,
    offset,
    outside_ball,
    permutation,
    rotation,
    scaling,
    translation,
)
from graphmax.symmetry.trial import Verdict, caller, left_alone

Draw = Callable[[np.random.Generator], Any]

SIDE = 8
NODES = 10
_WRONG_INPUT = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    NotImplementedError,
    RuntimeError,
    TypeError,
    ValueError,
)


@dataclass(frozen=True)
class Kind:
    """A kind of input: its name, and what draws one."""

    name: str
    draw: Draw


def verdicts(operator: Any, kind: Kind, hops: int, **options: Any) -> list[Verdict]:
    """Check an operator under every transformation that applies to a kind of input."""
    found: list[Verdict] = []
    sample = read_sample(kind.draw(np.random.default_rng(0)))
    wanted = [move for move in transformations(kind, hops) if move.applies_to(sample)]
    for at, transformation in enumerate(wanted):
        found.append(check(operator, transformation, kind.draw, **options))
        tell("checking", at + 1, len(wanted))
    return found


def transformations(kind: Kind, hops: int) -> list[Transformation]:
    """List the transformations of a kind of input."""
    values = [increasing(), offset(1), scaling(2), negation()]
    if kind.name == "image":
        places = [translation(1, 1), translation(1, 1, "zero"), rotation(1), flip(0), flip(1)]
        return [*places, outside_ball(hops), *values]
    if kind.name == "set":
        return [permutation(), *values]
    return [permutation(), edge_order(), disjoint_union(), outside_ball(hops), *values]


def kind_for(operator: Any, name: str = "auto") -> Kind:
    """Find the first kind of input that an operator answers."""
    if name not in ("auto", "image", "graph", "set"):
        raise ValueError(f"`inputs` must be auto, image, graph, set or MODULE:OBJECT, got {name!r}")
    if isinstance(operator, type):
        raise TypeError(
            f"`operator` must be an instance, got the class {operator.__name__}; "
            f"make one in the module and name it"
        )
    call = caller(operator)
    why = ""
    for kind in _kinds(operator):
        if name in ("auto", kind.name):
            try:
                with left_alone(operator):
                    call(read_sample(kind.draw(np.random.default_rng(0))))
            except _WRONG_INPUT as refusal:
                why = why or " ".join(str(refusal).split())
                continue
            return kind
    raise TypeError(
        "`operator` must take an image, a graph or a set of nodes, got a refusal of each "
        f"(the first: {why}); name what draws an input with --inputs MODULE:OBJECT"
    )


def _kinds(operator: Any) -> Iterator[Kind]:
    for channels in _channels(operator):
        yield Kind("graph", _tensors(channels))
    yield Kind("graph", _question)
    for channels in _channels(operator):
        yield Kind("image", _image(channels))
    yield Kind("image", _table)
    for channels in _channels(operator):
        yield Kind("graph", _data(channels))
    for channels in _channels(operator):
        yield Kind("set", _set(channels))


def _channels(operator: Any) -> list[int]:
    """List the widths that the input may have: what the first layer says, and the usual ones."""
    said = []
    for layer in operator.modules() if hasattr(operator, "modules") else ():
        for name in ("in_channels", "in_features", "num_features"):
            width = getattr(layer, name, None)
            if isinstance(width, int) and width > 0:
                said.append(width)
    return list(dict.fromkeys([*said[:1], 1, 3]))


def _pairs(rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw the edges of a random graph of some ten nodes, smaller index first."""
    return np.argwhere(np.triu(rng.random((NODES, NODES)) < 0.25, 1)).T


def _tensors(channels: int) -> Draw:
    def draw(rng: np.random.Generator) -> Any:
        import torch

        pairs = _pairs(rng)
        x = rng.standard_normal((NODES, channels)).astype(np.float32)
        edge_index = np.hstack([pairs, pairs[::-1]])
        return torch.from_numpy(x), torch.from_numpy(edge_index)

    return draw


def _data(channels: int) -> Draw:
    def draw(rng: np.random.Generator) -> Any:
        from torch_geometric.data import Data

        x, edge_index = _tensors(channels)(rng)
        return Data(x=x, edge_index=edge_index)

    return draw


def _question(rng: np.random.Generator) -> Any:
    """Draw a graph and an attribute with ties."""
    pairs = _pairs(rng)
    return Graph.from_edges(pairs[0], pairs[1], NODES), rng.integers(0, 5, NODES)


def _image(channels: int) -> Draw:
    def draw(rng: np.random.Generator) -> Any:
        import torch

        return torch.from_numpy(rng.standard_normal((1, channels, SIDE, SIDE)).astype(np.float32))

    return draw


def _table(rng: np.random.Generator) -> Any:
    """Draw an image with ties."""
    return rng.integers(0, 6, (SIDE, SIDE)).astype(np.float64)


def _set(channels: int) -> Draw:
    def draw(rng: np.random.Generator) -> Any:
        return _tensors(channels)(rng)[0]

    return draw


def operators_in(found: Any) -> Mapping[str, Any] | None:
    """Return a mapping of names to operators as such, None for a single operator."""
    if not isinstance(found, Mapping):
        return None
    if not found:
        raise ValueError("`operator` must be at least one, got an empty mapping")
    return found
