"""Each check once: what it takes, in every kind of number, and the sentence with which it refuses."""

import math

import numpy as np
import pytest
import torch

import graphmax as gm
from graphmax import checks


@pytest.mark.parametrize("three", [3, np.int64(3), np.uint8(3), np.int32(3)])
def test_integers_of_any_kind(three):
    found = checks.integer(three, "hops", 1, 5)
    assert (found, type(found)) == (3, int)
    assert gm.Rule(hops=three).hops == 3
    assert gm.local_maxima(gm.grid_graph(9), np.arange(9), three).sum() == 1


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (True, TypeError, "`k` must be an integer of at least 1, got True; leave it out"),
        (np.True_, TypeError, "an integer of at least 1"),
        (1.0, TypeError, "got 1.0"),
        ("1", TypeError, "got '1'"),
        (0, ValueError, "`k` must be from 1 to 5, got 0; leave it out"),
        (6, ValueError, "`k` must be from 1 to 5, got 6"),
    ],
)
def test_what_is_no_such_integer(value, error, message):
    with pytest.raises(error, match=message):
        checks.integer(value, "k", 1, 5, hint="leave it out")


def test_bounds_of_one_side():
    with pytest.raises(ValueError, match="`k` must be at least 1, got 0"):
        checks.integer(0, "k", 1)
    with pytest.raises(ValueError, match="`k` must be at most 1, got 2"):
        checks.integer(2, "k", most=1)
    with pytest.raises(TypeError, match="`k` must be an integer, got None"):
        checks.integer(None, "k")


@pytest.mark.parametrize("half", [0.5, np.float32(0.5), np.float64(0.5)])
def test_numbers_of_any_kind(half):
    assert checks.number(half, "radius", above=0) == 0.5
    assert checks.number(np.int8(2), "radius") == 2.0
    assert checks.number(10**400, "height") == math.inf
    assert checks.number(-(10**400), "height") == -math.inf


@pytest.mark.parametrize(
    ("value", "bounds", "error", "message"),
    [
        (True, {}, TypeError, "`r` must be a number, got True"),
        ("1", {"above": 0}, TypeError, "`r` must be a number above 0, got '1'"),
        (np.timedelta64(1, "s"), {}, TypeError, "`r` must be a number"),
        (0, {"above": 0}, ValueError, "`r` must be above 0, got 0"),
        (math.nan, {"above": 0}, ValueError, "`r` must be above 0, got nan"),
        (math.nan, {}, ValueError, "`r` must be a number, got NaN"),
        (-1, {"least": 0}, ValueError, "`r` must be at least 0, got -1"),
        (2, {"least": 0, "most": 1}, ValueError, "`r` must be from 0 to 1, got 2"),
    ],
)
def test_what_is_no_such_number(value, bounds, error, message):
    with pytest.raises(error, match=message):
        checks.number(value, "r", **bounds)


def test_words():
    assert checks.one_of("weak", "ties", ("strict", "weak")) == "weak"
    with pytest.raises(
        ValueError, match="one of 'strict', 'weak', got 'weka'; did you mean 'weak'"
    ):
        checks.one_of("weka", "ties", ("strict", "weak"))
    with pytest.raises(ValueError, match="got 3; take weak"):
        checks.one_of(3, "ties", ("strict", "weak"), hint="take weak")
    assert checks.either(["a"]) == "'a'"
    assert checks.either(["a", "b", "c"]) == "'a', 'b' or 'c'"
    assert checks.boolean(np.True_, "isolated") is True
    with pytest.raises(TypeError, match="`isolated` must be True or False, got 1"):
        checks.boolean(1, "isolated")


def test_tensors_become_arrays():
    assert checks.to_numpy(torch.tensor([1, 2])).tolist() == [1, 2]
    assert checks.to_numpy([1, 2]).tolist() == [1, 2]
    assert not checks.is_tensor(np.zeros(1))


def test_sources_of_randomness():
    ours = np.random.default_rng(0)
    assert checks.random_generator(ours) is ours
    first, second = (checks.random_generator(torch.Generator().manual_seed(1)) for _ in range(2))
    assert first.random() == second.random()
    with pytest.raises(TypeError, match=r"must be a numpy.random.Generator, got int; pass np"):
        checks.random_generator(3)


def test_masks_groups_shapes_and_places():
    graph = gm.Graph.from_edges([0, 1], [1, 2], labels=["a", "b", "c"], attributes={"h": [3, 1, 2]})
    part = graph.replace(positions=np.eye(3)).subgraph(np.array([True, True, False]))
    assert part.labels.tolist() == ["a", "b"]
    assert part.attributes["h"].tolist() == [3, 1]
    assert part.positions.tolist() == [[1, 0, 0], [0, 1, 0]]
    assert graph.split(["x", "x", 1]).edges().tolist() == [[0], [1]]
    assert graph.split(np.array([1, 2, 2])).edges().tolist() == [[1], [2]]
    for call, error, message in (
        (lambda: graph.subgraph([0, 1]), TypeError, "`mask` must be bool"),
        (lambda: graph.subgraph([True]), ValueError, r"one entry per node \(3,\), got \(1,\)"),
        (lambda: graph.split(["x"]), ValueError, "`groups` must have one entry per node"),
        (
            lambda: graph.replace(shape=(2, 2)),
            ValueError,
            r"one pixel per node \(3\), got \(2, 2\)",
        ),
        (lambda: graph.replace(positions=[1, 2, 3]), ValueError, r"must have shape \(3, d\)"),
        (lambda: graph.replace(labels=["a", "a", "b"]), ValueError, "got 'a' more than once"),
    ):
        with pytest.raises(error, match=message):
            call()


def test_degrees():
    graph = gm.Graph.from_edges([0, 1, 1], [1, 2, 3], weights=[0.1, 0.2, 0.3])
    assert graph.degree().tolist() == [1, 3, 1, 1]
    assert graph.degree(weighted=True).tolist() == [0.1, math.fsum([0.1, 0.2, 0.3]), 0.2, 0.3]
    with pytest.raises(ValueError, match="weights"):
        gm.grid_graph(3).degree(weighted=True)
