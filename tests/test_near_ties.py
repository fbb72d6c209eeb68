"""Values a hair apart: around every power of two where some number format loses a bit."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal

import graphmax as gm

PAIRS = 100_000
STEPS = 3
CENTERS = {8: 2**8, 11: 2**11, 24: 2**24, 53: 2**53, 63: 2**63}
INTEGERS = ("int16", "uint16", "int32", "uint32", "int64", "uint64")
FLOATS = ("float16", "float32", "float64")
TIMES = ("datetime64[ns]", "datetime64[s]", "timedelta64[us]")


def steps():
    """For both ends of each pair, how many representable values away from the center."""
    return np.random.default_rng(0).integers(-STEPS, STEPS, (2, PAIRS), endpoint=True)


def pairs_graph():
    first = np.arange(PAIRS)
    return gm.Graph.from_edges(first, first + PAIRS, 2 * PAIRS)


GRAPH = pairs_graph()


def assert_order(values, step):
    """The order of the values of a pair is the order of their steps, and nothing else."""
    low, high = step
    strict = np.concatenate([low > high, high > low])
    assert_array_equal(np.asarray(gm.local_maxima(GRAPH, values)), strict)
    weak = np.concatenate([low >= high, high >= low])
    assert_array_equal(np.asarray(gm.local_maxima(GRAPH, values, ties="weak")), weak)
    smaller = np.concatenate([low < high, high < low])
    assert_array_equal(np.asarray(gm.local_minima(GRAPH, values)), smaller)
    sign = np.sign(np.concatenate([low - high, high - low]))
    assert_array_equal(np.sign(np.asarray(gm.margin(GRAPH, values))), sign)


def integer_cases():
    for dtype in INTEGERS:
        info = np.iinfo(dtype)
        for center in CENTERS.values():
            for middle in (center, -center, center - 1 - STEPS, STEPS - center):
                if info.min <= middle - STEPS and middle + STEPS <= info.max:
                    yield dtype, middle


@pytest.mark.parametrize(("dtype", "middle"), list(integer_cases()))
def test_integers(dtype, middle):
    step = steps()
    table = np.array([middle + s for s in range(-STEPS, STEPS + 1)], dtype)
    assert_order(table[step + STEPS].ravel(), step)


@pytest.mark.parametrize("dtype", TIMES)
@pytest.mark.parametrize("middle", [2**24, 2**53, -(2**53), 2**63 - 1 - STEPS])
def test_times(dtype, middle):
    step = steps()
    table = np.array([middle + s for s in range(-STEPS, STEPS + 1)], np.int64).view(dtype)
    assert_order(table[step + STEPS].ravel(), step)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("center", [0, 1, *CENTERS.values()])
@pytest.mark.parametrize("dtype", FLOATS)
def test_floats(dtype, center, sign):
    if center > float(np.finfo(dtype).max):
        pytest.skip(f"{dtype} ends below {center}")
    step = steps()
    table = np.full(2 * STEPS + 1, sign * center, dtype)
    for s in range(1, STEPS + 1):
        table[STEPS + s] = np.nextafter(table[STEPS + s - 1], np.array(np.inf, dtype))
        table[STEPS - s] = np.nextafter(table[STEPS - s + 1], np.array(-np.inf, dtype))
    assert (np.diff(table.astype(np.longdouble)) > 0).all()
    assert_order(table[step + STEPS].ravel(), step)


@pytest.mark.parametrize("center", CENTERS.values())
def test_bfloat16(center):
    step = steps()
    middle = torch.tensor([center], dtype=torch.float64).to(torch.bfloat16).view(torch.int16)
    table = (middle + torch.arange(-STEPS, STEPS + 1, dtype=torch.int16)).view(torch.bfloat16)
    assert_order(table[torch.from_numpy(step + STEPS)].reshape(-1), step)
