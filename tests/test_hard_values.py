"""What a user hands in is read to the last digit and with its gaps, or refused; whatever holds it."""

from collections import UserList, deque
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

import graphmax as gm

BIG = 2**53
PATH = gm.Graph.from_edges([0, 1], [1, 2])
FULL = np.ones((3, 3))


def arrow(items, kind=None):
    pa = pytest.importorskip("pyarrow")
    return pa.array(items, kind and getattr(pa, kind)())


@pytest.mark.parametrize("kind", ["int64", "uint64"])
@pytest.mark.parametrize("parts", [1, 2])
def test_integers_of_arrow_beside_a_null(kind, parts):
    pa = pytest.importorskip("pyarrow")
    column = arrow([BIG + 1, BIG, None], kind)
    column = column if parts == 1 else pa.chunked_array([column[:2], column[2:]])
    assert gm.local_maxima(PATH, column, nan="omit").tolist() == [True, False, False]


def test_other_columns_of_arrow():
    found = gm.local_maxima(PATH, arrow([True, False, None]), nan="omit")
    assert found.tolist() == [True, False, False]
    times = arrow([BIG + 1, BIG, None]).cast(pytest.importorskip("pyarrow").timestamp("ns"))
    assert gm.local_maxima(PATH, times, nan="omit").tolist() == [True, False, False]
    floats = arrow([2.0, 1.0, None])
    assert gm.local_maxima(PATH, floats, nan="omit").tolist() == [True, False, False]


def test_polars_of_128_bits():
    pl = pytest.importorskip("polars")
    whole = pl.Series([BIG + 1, BIG, 1], dtype=pl.Int128)
    assert gm.local_maxima(PATH, whole).to_list() == [True, False, False]
    with pytest.raises(TypeError, match="fit no integer dtype"):
        gm.local_maxima(PATH, pl.Series([2**100 + 1, 2**100, 1], dtype=pl.Int128))


@pytest.mark.parametrize("kind", [list, tuple, deque, UserList])
def test_integers_beside_floats_in_any_sequence(kind):
    with pytest.raises(TypeError, match=f"such as {BIG + 1} beside floats are not exact"):
        gm.local_maxima(PATH, kind([BIG + 1, BIG, 0.5]))
    assert gm.local_maxima(PATH, kind([BIG + 1, BIG, 1])).tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([np.int64(BIG + 1), np.int64(BIG), 0.5], f"such as {BIG + 1} beside floats"),
        ({0: np.int64(BIG + 1), 1: np.int64(BIG), 2: 0.5}, f"such as {BIG + 1} beside floats"),
        ([2**64 - 1, -1, 0], "fit no integer dtype"),
        ([2**70 + 1, 2**70, -1], "fit no integer dtype"),
        ([Decimal("0.1"), Decimal("0.2"), 1], "exact fractions, first .* multiply them"),
        ([Fraction(1, 3), 0.3, 1], "exact fractions"),
        ([np.datetime64("2500", "Y"), np.datetime64("2000", "ns"), np.datetime64("1", "D")], "units"),
    ],
)  # fmt: skip
def test_what_is_not_exact_is_told_as_what_it_is(values, words):
    with pytest.raises(TypeError, match=words):
        gm.local_maxima(PATH, values)


class TestCenter:
    def test_lists_are_exact(self):
        assert gm.center_is_maximum(FULL, [BIG + 1, BIG, 1])
        with pytest.raises(TypeError, match="beside floats are not exact"):
            gm.center_is_maximum(FULL, [BIG + 1, BIG, 0.5])
        with pytest.raises(TypeError, match="rows of integers beside floats"):
            gm.center_is_maximum(np.ones((2, 2, 2)), [[BIG + 1, BIG], [0.5, 1]])

    @pytest.mark.parametrize("dtype", [complex, "U1", object, np.longdouble])
    def test_what_has_no_exact_order(self, dtype):
        with pytest.raises(TypeError, match="`values` must be"):
            gm.center_is_maximum(FULL, np.array([1, 2, 3]).astype(dtype))

    def test_gaps(self):
        gaps = np.ma.array([1, 2, 0], mask=[0, 1, 0])
        with pytest.raises(ValueError, match="NaN in a row that holds a node"):
            gm.center_is_maximum(FULL, gaps)
        assert gm.center_is_maximum(FULL, gaps, np.array([True, False, True]))
        with pytest.raises(ValueError, match="`adjacency` must be known everywhere"):
            gm.center_is_maximum(np.ma.array(FULL, mask=True), np.arange(3))
        with pytest.raises(ValueError, match="`mask` must be known everywhere"):
            gm.center_is_maximum(FULL, np.arange(3), np.ma.array([True] * 3, mask=[0, 1, 0]))


def masked(items):
    """Hide the last entry."""
    items = np.asarray(items)
    hidden = np.zeros(items.shape, bool)
    hidden[-1] = True
    return np.ma.array(items, mask=hidden)


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("src", lambda: gm.Graph.from_edges(masked([0, 1]), [1, 2])),
        ("dst", lambda: gm.Graph.from_edges([0, 1], masked([1, 2]))),
        ("weights", lambda: gm.Graph.from_edges([0, 1], [1, 2], weights=masked([1.0, 2.0]))),
        ("labels", lambda: gm.Graph.from_edges([0, 1], [1, 2], labels=masked([5, 6, 7]))),
        ("positions", lambda: PATH.replace(positions=masked(np.ones((3, 2))))),
        ("points", lambda: gm.knn_graph(masked(np.arange(8.0).reshape(4, 2)), 2)),
        ("where", lambda: gm.local_maxima(PATH, [1, 2, 3], where=masked([True] * 3))),
        ("groups", lambda: gm.local_maxima(PATH, [1, 2, 3], groups=masked([0, 0, 0]))),
        ("markers", lambda: gm.basins(PATH, [1, 2, 3], markers=masked([1, 0, 2]))),
        ("roots", lambda: gm.neighborhoods(PATH, [1, 2, 3], masked([0, 1]), hops=1)),
        ("indptr", lambda: gm.Graph(masked([0, 1, 2]), [1, 0])),
    ],
)
def test_masks_are_no_decoration(name, call):
    with pytest.raises(ValueError, match=f"`{name}` must be known"):
        call()


def test_a_mask_that_hides_nothing_is_none():
    ends = np.ma.array([0, 1]), np.ma.array([1, 2])
    assert gm.Graph.from_edges(*ends, weights=np.ma.array([1.0, 2.0])).num_edges == 2


def test_images_of_lists_are_exact():
    assert gm.images.peak_pixels([[BIG + 1, BIG], [BIG, BIG]]).tolist() == [[1, 0], [0, 0]]
    with pytest.raises(TypeError, match="not exact"):
        gm.images.peak_pixels([[BIG + 1, 0.5], [BIG, BIG]])


@pytest.mark.parametrize("kind", [list, tuple])
@pytest.mark.parametrize("item", [(1, 2), [1], {"a": 1}, np.arange(2)])
def test_groups_of_pieces_are_refused_in_words(kind, item):
    with pytest.raises(TypeError, match="`groups` must have a word, a number or a time per node"):
        gm.local_maxima(PATH, [1, 3, 2], groups=kind(["a", item, "b"]))


def test_groups_are_equal_exactly():
    groups = [BIG, BIG + 1, BIG]
    assert gm.local_maxima(PATH, [1, 3, 2], groups=groups).all()
    assert gm.local_maxima(PATH, [1, 3, 2], groups=[2**70, 2**70, 1]).tolist() == [
        False,
        True,
        True,
    ]
