"""A graph of a task, and the random numbers that its name stands for."""

import hashlib
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphmax.benchmark.task_list import VERSION
from graphmax.graph import Graph


class LabelledGraph(NamedTuple):
    """A graph, what is shown of it, which nodes are maxima, and which of them are judged.

    What is shown is one row per node, for tasks of edges one per edge; a task of whole graphs has
    one label.
    """

    graph: Graph
    x: NDArray[np.float64]
    y: NDArray[np.bool_]
    judged: NDArray[np.bool_]


def seeded(*words: Any) -> np.random.Generator:
    """Return a stream of random numbers of its own for words that name it."""
    text = "/".join(map(str, ("peakbench", VERSION, *words)))
    return np.random.default_rng(list(hashlib.sha256(text.encode()).digest()))
