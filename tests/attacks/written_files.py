"""What the library writes with a checksum inside: how each kind is made and read again."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

import graphmax as gm
from graphmax.datasets.recipe import MANIFEST, SET
from graphmax.sealed import read_document, write_document
from graphmax.training.trainer import read_checkpoint, write_checkpoint


@dataclass(frozen=True)
class Kind:
    """How a kind of file is written into a folder, and what is read from there."""

    write: Callable
    read: Callable


def a_graph(rng):
    """Draw a graph with weights, names, gaps and text."""
    ends = rng.integers(0, 12, (2, 20))
    x = np.ma.array(rng.random(12), mask=rng.random(12) < 0.2)
    attributes = {"x": x, "count": rng.integers(-(2**62), 2**62, 12), "name": list("abcdefghijkl")}
    labels = [f"node {i} \u00e9" for i in range(12)]
    return gm.Graph.from_edges(
        *ends, 12, weights=rng.random(20), labels=labels, attributes=attributes
    )


def graph_kind(ending):
    """Return how a graph is kept in a format."""

    def read(place):
        graph = gm.read_graph(place / f"g.{ending}")
        columns = {name: np.ma.asarray(graph.attributes[name]) for name in sorted(graph.attributes)}
        parts = [graph.labels, *graph.edges(), graph.edge_weights(), graph.directed]
        for name, column in columns.items():
            parts += [name, column.dtype.str, column.filled().tolist(), column.mask.tolist()]
        return parts

    return Kind(lambda place, rng: gm.write_graph(a_graph(rng), place / f"g.{ending}"), read)


def write_detector(place, rng):
    """Write a detector with weights."""
    torch.manual_seed(0)
    gm.PeakDetector(3, head="choice").save_pretrained(place)


def read_detector(place):
    """Read it by the public door."""
    detector = gm.PeakDetector.from_pretrained(place)
    state = {name: tensor.numpy() for name, tensor in detector.state_dict().items()}
    return [detector.describe(), *state, *state.values()]


def write_a_checkpoint(place, rng):
    """Write the state of a training."""
    tensors = {"a": torch.from_numpy(rng.random(5)), "b": torch.arange(4, dtype=torch.int32)}
    write_checkpoint(place / "c.safetensors", tensors, {"epoch": 3, "losses": [0.5, 0.25]})


def read_a_checkpoint(place):
    """Read it."""
    tensors, document = read_checkpoint(place / "c.safetensors")
    names = sorted(tensors)  # where they lie in the file is nothing that is said
    return [sorted(document.items()), *names, *(tensors[name].numpy() for name in names)]


def write_manifest(place, rng):
    """Write what a folder of a data set says of itself."""
    files = {f"train/{i:06d}.npz": f"{rng.integers(2**62):064x}" for i in range(4)}
    write_document(SET, place / MANIFEST, {"name": "a", "complete": True, "files": files})


KINDS = {
    **{ending: graph_kind(ending) for ending in ("csv", "parquet", "graphml", "json", "npz")},
    "detector": Kind(write_detector, read_detector),
    "checkpoint": Kind(write_a_checkpoint, read_a_checkpoint),
    "manifest": Kind(write_manifest, lambda place: [read_document(SET, place / MANIFEST)]),
}


def same(found, expected):
    """Tell whether two lists of arrays and plain values are equal to the last bit."""
    return len(found) == len(expected) and all(map(_equal, found, expected))


def _equal(one, other):
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        if one.dtype != other.dtype or one.shape != other.shape:
            return False
        return (
            one.tolist() == other.tolist()
            if one.dtype == object
            else (one.tobytes() == other.tobytes())
        )
    return type(one) is type(other) and repr(one) == repr(other)


def read_instead(kind, place, file, content, known, tally):
    """Read with other content in a file, which is put back; only what is known may be accepted."""
    whole = file.read_bytes()
    tally.tried += 1
    file.write_bytes(content)
    try:
        found = KINDS[kind].read(place)
    except (ValueError, FileNotFoundError):
        tally.note("refused")
    except Exception as failure:  # noqa: BLE001 - that is what is looked for
        tally.fail(f"{type(failure).__name__}: {failure} ({kind}, {file.name}): {content[:200]!r}")
    else:
        if same(found, known):
            tally.note("the same all the same")
        else:
            tally.fail(f"accepted: {kind}, {file.name}: {content[:200]!r}")
    finally:
        file.write_bytes(whole)
