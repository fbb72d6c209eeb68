"""Degrees and strengths of tables: what the graph in memory says, whatever repeats and however cut."""

from fractions import Fraction
from itertools import product

import duckdb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from table_cases import ID_STYLES, batch_of, ids_of, write_tables

import graphmax as gm
from graphmax.kernels import stream, stream_rounds
from graphmax.tables import edge_stream, local_maxima_tables, stream_engine
from graphmax.tables.edge_stream import DistinctEdges

NUMBERS = st.integers(0, 6)
NONE = np.zeros(0)


def distinct(folder, edges, num_nodes, *, merged, weight=NONE, cut=10**9):
    """Give batches, and read back each edge once."""
    kept = DistinctEdges(folder, num_nodes, len(edges), merged=merged)
    ends = np.array(edges, np.int64).reshape(-1, 2)
    for start in range(0, len(ends), cut):
        rows = slice(start, start + cut)
        batch = ends[rows, 0], ends[rows, 1], *([weight[rows]] if len(weight) else [])
        assert kept.take(*batch) == stream.NO_EDGE
    kept.settle()
    return kept


def unpacked(kept):
    return {
        (int(edge) >> 32, int(edge) & 0xFFFFFFFF): w
        for packed, weight in kept.pieces()
        for edge, w in zip(packed, weight if weight.size else [None] * packed.size, strict=True)
    }


# --- each edge once


def test_repeats_loops_and_reverses_by_eye(tmp_path):
    edges, weight = [(0, 1), (1, 0), (2, 2), (0, 1), (0, 0)], np.array([5.0, 2.0, 1.0, 3.0, 1.0])
    merged = distinct(tmp_path / "a", edges, 3, merged=True, weight=weight)
    assert unpacked(merged) == {(0, 1): 2.0}
    arrows = distinct(tmp_path / "b", edges, 3, merged=False, weight=weight)
    assert unpacked(arrows) == {(0, 1): 3.0, (1, 0): 2.0}
    assert (merged.num_edges, arrows.num_edges) == (1, 2)


@given(
    edges=st.lists(st.tuples(NUMBERS, NUMBERS)), cut=st.integers(1, 9), merged=st.booleans(),
    files=st.sampled_from([1, 2, 1 << 22]),
)  # fmt: skip
def test_edges_are_a_set(tmp_path_factory, edges, cut, merged, files):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(edge_stream, "EDGES_PER_FILE", files)
        folder = tmp_path_factory.mktemp("sums") / "edges"
        found = unpacked(distinct(folder, edges, 7, merged=merged, cut=cut))
    ends = {(min(e), max(e)) if merged else e for e in edges if e[0] != e[1]}
    assert set(found) == ends


@pytest.mark.parametrize("bad", [-1, 7, 2**40, -(2**62)])
def test_an_end_outside_is_found(tmp_path, bad):
    kept = DistinctEdges(tmp_path / "edges", 7, 3, merged=True)
    assert kept.take(np.array([0, 6, bad]), np.array([6, 0, 0])) == 2
    assert kept.take(np.array([0, 6]), np.array([bad, 0])) == 0


# --- sums


@pytest.mark.compiled
@pytest.mark.parametrize("ways", [stream.FORWARD, stream.BACKWARD, stream.BOTH_WAYS])
def test_terms_are_added_along_steps(ways):
    draw = np.random.default_rng(3)
    n, m = 500, 9000
    u, v, terms = draw.integers(0, n, m), draw.integers(0, n, m), draw.normal(size=(n, 2))
    packed = u.astype(np.uint64) << np.uint64(32) | v.astype(np.uint64)
    sums, expected = np.zeros((n, 2)), np.zeros((n, 2))
    count, degree = np.zeros(n, np.uint32), np.zeros(n)
    stream_rounds.add_terms(packed, ways, terms, sums)
    stream_rounds.count_steps(packed, ways, count)
    for source, target, way in ((u, v, stream.FORWARD), (v, u, stream.BACKWARD)):
        if ways & way:
            np.add.at(expected, target, terms[source])
            np.add.at(degree, target, 1)
    assert_allclose(sums, expected, rtol=1e-12, atol=1e-12)
    assert_array_equal(count, degree)


WEIGHTS = {
    "tenths": lambda r, m: r.integers(1, 99, m) / 10,
    "uniform": lambda r, m: r.random(m),
    "halves of a last place": lambda r, m: r.choice([1.0, 2.0**-53, -(2.0**-53), 2.0**-106], m),
    "all sizes": lambda r, m: r.normal(size=m) * 10.0 ** r.integers(-200, 200, m),
    "cancelling": lambda r, m: r.choice([1e300, -1e300, 1.0, 1e-300, 3e-17], m),
    "overflowing": lambda r, m: r.choice([1e308, 9e307, 1.0], m),
    "infinite": lambda r, m: r.choice([np.inf, 1.0], m),
}


@pytest.mark.parametrize("name", WEIGHTS)
@pytest.mark.parametrize("directed", [True, False])
def test_strengths_are_rounded_once(tmp_path, monkeypatch, name, directed):
    monkeypatch.setattr(edge_stream, "EDGES_PER_FILE", 100)
    monkeypatch.setattr(stream_engine, "TERMS_AT_ONCE", 50)
    draw = np.random.default_rng(4)
    ends, weight = draw.integers(0, 30, (2, 700)), WEIGHTS[name](draw, 700)
    kept = distinct(tmp_path / "edges", ends.T, 30, merged=not directed, weight=weight, cut=99)
    found = stream_engine.strengths(kept, 30)
    graph = gm.Graph.from_edges(*ends, 30, weights=weight, directed=directed)
    assert_array_equal(found, graph.degree(weighted=True))


# --- tables


def check(batch, folder, style, measure, engine, rule, weights=None):
    ids = ids_of(batch.union.num_nodes, style)
    edges, nodes = write_tables(batch, folder, ids)
    ends = np.array(batch.union.edges).reshape(-1, 2)
    if weights is not None:
        for file in sorted(edges.iterdir()):
            file.unlink()
        columns = {"src": ids[ends[:, 0]], "dst": ids[ends[:, 1]], "w": weights}
        with duckdb.connect() as connection:
            connection.register("t", columns)
            connection.execute(f"COPY (FROM t) TO '{edges}/0.parquet' (FORMAT parquet)")
    answer = local_maxima_tables(
        edges, nodes, measure, rule=rule, engine=engine, directed=batch.directed, explain=True,
        weight=None if weights is None else "w",
    )  # fmt: skip
    n = batch.union.num_nodes
    graph = gm.Graph.from_edges(*ends.T, n, directed=batch.directed, weights=weights)
    values = gm.node_measures.measure(graph, measure)
    columns, rival = answer.columns(), gm.rivals(graph, values, rule.hops, direction=rule.direction, extremum=rule.extremum)  # fmt: skip
    place = {name: i for i, name in enumerate(ids.tolist())}
    at = [place[name] for name in columns["id"].tolist()]
    assert_array_equal(columns["is_maximum"], gm.local_maxima(graph, values, rule=rule)[at])
    expected = [(None, None) if u < 0 else (ids[u], values[u]) for u in rival[at].tolist()]
    assert list(zip(columns["rival"].tolist(), columns["rival_value"].tolist(), strict=True)) == expected  # fmt: skip


@pytest.mark.parametrize("engine", ["memory", "stream"])
@pytest.mark.parametrize(("directed", "style"), list(product([True, False], ID_STYLES)))
def test_degrees_of_tables(tmp_path, directed, style, engine):
    batch = batch_of(60, 5, directed=directed)
    measures = ("degree", "in_degree", "out_degree") if directed else ("degree",)
    for i, measure in enumerate(measures):
        rule = gm.Rule(1 + i % 2, direction=("in", "out", "both")[i], extremum=("max", "min")[i % 2])  # fmt: skip
        (tmp_path / measure).mkdir()
        check(batch, tmp_path / measure, style, measure, engine, rule)


@pytest.mark.parametrize("directed", [True, False])
@pytest.mark.parametrize("style", ["gaps", "text"])
def test_strengths_of_tables(tmp_path, style, directed):
    batch = batch_of(60, 6, directed=directed)
    draw = np.random.default_rng(7)
    weights = draw.integers(1, 4, len(batch.union.edges)) / 10
    check(batch, tmp_path, style, "strength", "stream", gm.Rule(2, ties="weak"), weights)


# --- means of neighbors


def by_fractions(graph, x):
    """The mean over the edges of each node, in fractions, rounded once."""
    expected = np.zeros(graph.num_nodes)
    sums = [[] for _ in range(graph.num_nodes)]
    for u, v in graph.edges().T.tolist():
        sums[v].append(Fraction(x[u]))
        sums[u].append(Fraction(x[v]))
    for v, terms in enumerate(sums):
        expected[v] = float(sum(terms) / len(terms)) if terms else 0.0
    return expected


TERMS = {
    "tenths": lambda r, n: r.integers(1, 99, n) / 10,
    "one value": lambda r, n: np.full(n, 0.1),
    "integers": lambda r, n: r.integers(-9, 9, n),
    "all sizes": lambda r, n: r.normal(size=n) * 10.0 ** r.integers(-200, 200, n),
    "cancelling": lambda r, n: r.choice([1e300, -1e300, 1.0, 1e-300, 3e-17], n),
}


@pytest.mark.parametrize("name", TERMS)
@pytest.mark.parametrize("directed", [True, False])
def test_means_of_neighbors_to_the_last_bit(tmp_path, monkeypatch, name, directed):
    """Rounded once, in memory and on a stream, whatever repeats and however cut."""
    monkeypatch.setattr(edge_stream, "EDGES_PER_FILE", 100)
    monkeypatch.setattr(stream_engine, "TERMS_AT_ONCE", 50)
    monkeypatch.setattr(stream_engine, "NODES_AT_ONCE", 7)
    draw = np.random.default_rng(4)
    ends, x = draw.integers(0, 30, (2, 200)), TERMS[name](draw, 33)
    graph = gm.Graph.from_edges(*ends, 33, directed=directed)
    expected = by_fractions(graph, x.tolist())
    assert_array_equal(gm.node_measures.neighbor_mean(graph, x), expected)
    kept = distinct(tmp_path / "edges", ends.T, 33, merged=not directed, cut=99)
    assert_array_equal(stream_engine.neighbor_means(kept, x.astype(float)), expected)


@pytest.mark.parametrize("engine", ["memory", "stream"])
@pytest.mark.parametrize("term", ["value", "degree"])
@pytest.mark.parametrize(("directed", "style", "ending"), [
    (True, "aligned", "parquet"), (False, "gaps", "parquet"), (False, "text", "csv")])  # fmt: skip
def test_means_of_tables(tmp_path, directed, style, ending, term, engine):
    batch = batch_of(60, 8, directed=directed)
    n = batch.union.num_nodes
    ids = ids_of(n, style)
    edges, nodes = write_tables(batch, tmp_path, ids, ending)
    answer = local_maxima_tables(
        edges, nodes, f"neighbor_mean:{term}", 2, engine=engine, directed=directed, explain=True,
        ties="weak",
    )  # fmt: skip
    ends = np.array(batch.union.edges).reshape(-1, 2)
    attributes = {"value": batch.all_values}
    graph = gm.Graph.from_edges(*ends.T, n, directed=directed, attributes=attributes)
    mean = gm.node_measures.node_column(graph, f"neighbor_mean:{term}")
    columns = answer.columns()
    place = {name: i for i, name in enumerate(ids.tolist())}
    at = [place[name] for name in columns["id"].tolist()]
    mask = gm.local_maxima(graph, f"neighbor_mean:{term}", 2, ties="weak")
    assert_array_equal(columns["is_maximum"], mask[at])
    rival = gm.rivals(graph, mean, 2)[at]
    expected = [None if u < 0 else mean[u] for u in rival.tolist()]
    assert columns["rival_value"].tolist() == expected


@pytest.mark.parametrize(
    ("nodes", "columns", "term", "match"),
    [
        (
            "(1, 2.5::double), (2, NULL)",
            "id, h",
            "h",
            "that every node has, got one missing in 'h'",
        ),
        ("(1, 2), (2, 9007199254740993)", "id, h", "h", "one beyond 2\\*\\*53 in 'h'"),
        ("(1, 'a'), (2, 'b')", "id, h", "h", "of one number a node, got VARCHAR in 'h'"),
        ("(1, 2.5::double), (2, 1)", "id, h", "hh", "have the column 'hh', got none"),
    ],
)
def test_means_refused(tmp_path, nodes, columns, term, match):
    edges = table(tmp_path / "edges.parquet", "(1, 2), (2, 1)", "src, dst")
    nodes = table(tmp_path / "nodes.parquet", nodes, columns)
    for engine in ("stream", "memory"):
        with pytest.raises((ValueError, TypeError), match=match):
            local_maxima_tables(edges, nodes, f"neighbor_mean:{term}", engine=engine, out=tmp_path / "o.csv")  # fmt: skip
    assert sorted(file.name for file in tmp_path.iterdir()) == ["edges.parquet", "nodes.parquet"]


def test_a_limit_without_room_for_sums(tmp_path, monkeypatch):
    monkeypatch.setattr("graphmax.tables.table_question.BYTES_OF_A_MEAN", 10**9)
    edges = table(tmp_path / "edges.parquet", "(1, 2), (2, 1)", "src, dst")
    nodes = table(tmp_path / "nodes.parquet", "(1, 2.5::double), (2, 1)", "id, h")
    with pytest.raises(MemoryError, match=r"at least \d+MB for 'neighbor_mean:h' of 2 nodes"):
        local_maxima_tables(edges, nodes, "neighbor_mean:h", engine="stream", memory_limit="1GB")


def table(path, rows, columns):
    duckdb.execute(f"COPY (FROM (VALUES {rows}) t({columns})) TO '{path}' (FORMAT parquet)")
    return path


def test_a_column_of_the_name_goes_first(tmp_path):
    edges = table(tmp_path / "edges.parquet", "(1, 2), (2, 3)", "src, dst")
    nodes = table(tmp_path / "nodes.parquet", "(1, 9), (2, 0), (3, 0)", "id, degree")
    assert local_maxima_tables(edges, nodes, "degree").labels() == {1: True, 2: False, 3: False}


@pytest.mark.parametrize(
    ("edges", "columns", "more", "match"),
    [
        ("(1, 2)", "src, dst", {}, "`strength` must be asked of edges with weights, got none"),
        ("(1, 2, NULL::double)", "src, dst, w", {"weight": "w"}, "have a weight in every row"),
        ("(1, 2, 'nan'::double)", "src, dst, w", {"weight": "w"}, "have a weight in every row"),
        ("(1, 5, 2.5)", "src, dst, weight", {}, r"ids that it lacks \(1: 5\)"),
        ("(1, 2, 2.5)", "src, dst, w", {"weight": "ww"}, "have the column 'ww', got none"),
    ],
)
def test_refusals_leave_nothing(tmp_path, edges, columns, more, match):
    paths = table(tmp_path / "edges.parquet", edges, columns), table(tmp_path / "nodes.parquet", "(1), (2)", "id")  # fmt: skip
    with pytest.raises(ValueError, match=match):
        local_maxima_tables(*paths, "strength", out=tmp_path / "o.parquet", engine="stream", **more)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["edges.parquet", "nodes.parquet"]


def test_weights_are_for_strength(tmp_path):
    paths = table(tmp_path / "edges.parquet", "(1, 2)", "src, dst"), table(tmp_path / "nodes.parquet", "(1, 3), (2, 4)", "id, h")  # fmt: skip
    with pytest.raises(ValueError, match="`weight` must be left out unless `values` is 'strength'"):
        local_maxima_tables(*paths, "h", weight="w")
