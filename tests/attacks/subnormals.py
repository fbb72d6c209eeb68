"""Answers where the processor takes subnormal numbers for 0, beside those of integers."""

import warnings

import numpy as np
import torch
from random_graphs import TIES, graph_of, random_network
from tally import Tally

import graphmax as gm
from graphmax import images

WIDTHS = {"float16": np.int16, "float32": np.int32, "float64": np.int64}


def attack(count, seed, folder):
    """Ask so many questions."""
    warnings.simplefilter("ignore")
    rng, tally = np.random.default_rng(seed), Tally()
    if not torch.set_flush_denormal(True):
        tally.note("this processor cannot")
        return tally
    while tally.tried < count:
        dtype = str(rng.choice(list(WIDTHS)))
        for question, found, expected in (*of_graphs(rng, dtype), *of_pixels(rng, dtype)):
            tally.tried += 1
            tally.note(question.partition(" ")[0])
            if not np.array_equal(found, expected):
                tally.fail(f"{question} of {dtype}: {found} is not {expected}")
    return tally


def least(whole, dtype):
    """Return whole numbers times the least float, by their bits."""
    bits = np.abs(whole).astype(WIDTHS[dtype])
    return np.where(whole < 0, -bits.view(dtype), bits.view(dtype))


def of_graphs(rng, dtype):
    """Yield questions about a random graph, and both answers."""
    network = random_network(rng)
    graph, ties = graph_of(network), str(rng.choice(TIES))
    whole = rng.integers(-3, 4, network.num_nodes)
    values, hops = least(whole, dtype), int(rng.integers(1, 4))
    level = int(rng.integers(-3, 4))
    height = least(np.array([level]), dtype)[0]
    for name, ask in {
        "local_maxima": lambda v, h: gm.local_maxima(graph, v, hops, ties=ties),
        "local_minima": lambda v, h: gm.local_minima(graph, v, hops, ties=ties),
        "witness": lambda v, h: gm.isolation(graph, v, ties=ties).witness,
        "rivals": lambda v, h: gm.rivals(graph, v, hops),
        "signs": lambda v, h: sign(gm.margin(graph, v, hops)),
        "suppression": lambda v, h: gm.non_maximum_suppression(
            graph, v, threshold=h, direction="both"
        ),
        "peaks": lambda v, h: gm.find_peaks(graph, v, min_height=h, direction="both").parent,
        "basins": lambda v, h: gm.basins(graph, v, direction="both"),
        "trees": lambda v, h: gm.merge_tree(graph, v, direction="both").cut(h),
    }.items():
        yield f"{name} {network} {whole.tolist()}", ask(values, height), ask(whole, level)


def sign(margin):
    """Return the sign of floats by their bits."""
    bits = margin.view(np.int64)
    return np.where(bits == 0, 0, np.where(bits < 0, -1, 1))


def of_pixels(rng, dtype):
    """Yield questions about a random image, and both answers."""
    axes = int(rng.integers(1, 4))
    shape = tuple(rng.integers(1, 8, axes).tolist())
    whole = rng.integers(-2, 3, shape)
    fields = {"ties": str(rng.choice(TIES)), "extremum": str(rng.choice(["max", "min"]))}
    where = rng.random(shape) < 0.8 if rng.random() < 0.3 else None
    size = int(rng.choice([1, 3, 5]))
    found, expected = (
        images.peak_pixels(pixels, size, where=where, volume=True, **fields)
        for pixels in (least(whole, dtype), whole)
    )
    yield f"pixels {fields} {size} {whole.tolist()}", found, expected
