"""Adjacency rows: built, reversed, filtered, compared with their reverse; against plain loops."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from graphmax.graph import Adjacency, rows_of, symmetric_rows
from graphmax.kernels import csr
from graphmax.kernels import csr as loops

TINY = settings(max_examples=60)


@st.composite
def edge_lists(draw):
    """Ends and weights of edges with repeats and self-loops, often sorted, of either dtype."""
    num_nodes = draw(st.integers(1, 40))
    ends = st.integers(0, draw(st.sampled_from([0, 3, num_nodes])))
    edges = draw(st.lists(st.tuples(ends, ends, st.integers(0, 3)), max_size=60))
    edges = sorted(edges) if draw(st.booleans()) else edges
    table = np.array(edges, np.int64).reshape(-1, 3)
    src, dst = np.minimum(table[:, :2].T, num_nodes - 1).astype(
        draw(st.sampled_from([np.int32, np.int64]))
    )
    return num_nodes, src, dst, table[:, 2].astype(float)


def entries_of(src, dst, weights, directed):
    """The smallest weight of each entry (row, column), by hand."""
    kept = {}
    for u, v, w in zip(src.tolist(), dst.tolist(), weights.tolist(), strict=True):
        for row, column in [(v, u)] if directed else [(v, u), (u, v)]:
            if row != column:
                kept[row, column] = min(w, kept.get((row, column), w))
    return dict(sorted(kept.items()))


def entries_in(rows):
    """The entries of rows in the order they are stored."""
    row = np.repeat(np.arange(rows.indptr.size - 1), np.diff(rows.indptr)).tolist()
    weights = [0.0] * len(row) if rows.weights is None else rows.weights.tolist()
    return list(zip(zip(row, rows.indices.tolist(), strict=True), weights, strict=True))


def built(edges, directed, weighted=True):
    num_nodes, src, dst, weights = edges
    return rows_of((src, dst), weights if weighted else None, num_nodes, directed)[0]


@pytest.fixture(scope="module", params=["32 bits", "64 bits", "one bucket"])
def layout(request):
    """Buckets of few rows, entries packed into 32 bits or not; or all in one bucket."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param != "one bucket":
            patch.setattr(csr, "ENTRIES_PER_BUCKET", 4)
            patch.setattr(csr, "ENTRIES_PER_CALL", 7)
        if request.param == "64 bits":
            patch.setattr(csr, "PACKED_BITS", 0)
        yield request.param


@TINY
@given(edges=edge_lists(), directed=st.booleans(), weighted=st.booleans())
def test_build(layout, edges, directed, weighted):
    _, src, dst, weights = edges
    rows = built(edges, directed, weighted)
    expected = entries_of(src, dst, weights * weighted, directed)
    assert entries_in(rows) == list(expected.items())
    assert rows.symmetric or directed


@TINY
@given(edges=edge_lists())
def test_reversed_and_symmetric(edges):
    rows = built(edges, directed=True)
    expected = sorted(((u, v), w) for (v, u), w in entries_in(rows))
    assert entries_in(rows.reversed()) == expected
    assert rows.symmetric == (entries_in(rows) == expected)


@TINY
@given(edges=edge_lists(), flags=st.lists(st.booleans(), min_size=40, max_size=40))
def test_without_and_within(edges, flags):
    rows, absent = built(edges, directed=True), np.array(flags)[: edges[0]]
    kept = [entry for entry in entries_in(rows) if not absent[list(entry[0])].any()]
    assert entries_in(rows.without(absent)) == kept
    inside = [entry for entry in entries_in(rows) if len(set(absent[list(entry[0])])) == 1]
    assert entries_in(rows.within(absent.astype(np.int64) - 1)) == inside
    bare = Adjacency(rows.indptr, rows.indices, None)
    assert bare.without(absent).weights is None
    assert_array_equal(bare.within(np.zeros(edges[0], int)).indices, rows.indices)


@pytest.mark.parametrize("change", [None, "weight", "entry", "first", "last"])
def test_symmetric_on_many_rows(change, monkeypatch):
    """One difference among thousands of entries, wherever it is and however rows are shared."""
    monkeypatch.setattr(loops, "FIRST_LOOK", 100)
    monkeypatch.setattr(loops, "ENTRIES_PER_CALL", 1000)
    generator = np.random.default_rng(0)
    ends, weights = generator.integers(0, 5000, (2, 20_000)), generator.random(20_000)
    indptr, indices, weights = built((5000, *ends, weights), directed=False)
    weights, indices = weights.copy(), indices.copy()
    at = {"first": 0, "last": indices.size - 1}.get(change, 9_999)
    if change in ("entry", "first", "last"):  # another column, in order and no loop
        row = np.searchsorted(indptr, at, side="right") - 1
        taken = {*indices[indptr[row] : indptr[row + 1]].tolist(), int(row)}
        indices[at] = next(u for u in range(5000) if u not in taken)
        indices[indptr[row] : indptr[row + 1]].sort()
    if change == "weight":
        weights[at] += 1
    assert Adjacency(indptr, indices, weights).symmetric == (change is None)


@pytest.mark.parametrize("bad", [-1, 7, 2**31, -(2**40)])
def test_the_first_bad_edge_is_named(bad):
    src, dst = np.zeros(50, np.int64), np.ones(50, np.int64)
    src[[20, 40]] = bad
    with pytest.raises(ValueError, match=rf"`src` .* got {bad} at edge 20"):
        rows_of((src, dst), None, 7, True)


def test_rows_that_end_elsewhere_are_not_taken_as_they_are():
    indices = np.array([1, 0])
    assert symmetric_rows(np.array([0, 1, 2]), indices, None) is not None
    assert symmetric_rows(np.array([0, 1, 2, 2]), indices, None) is not None
    for indptr in ([0, 1, 2, 5], [0, 1, 1], [0, 1, 5]):
        assert symmetric_rows(np.array(indptr), indices, None) is None
