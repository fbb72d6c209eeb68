"""Detectors on tables: the same columns as in memory, whatever the features."""

import duckdb
import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from table_cases import batch_of

import graphmax as gm
from graphmax.nn import FeatureScore, SignHead
from graphmax.tables.score_stream import score_tables
from graphmax.training.scorers import score_table

BATCH = batch_of(60, 31, directed=True)


@pytest.fixture
def tables(tmp_path):
    """Write edges and nodes with two features; return paths, graph and features."""
    union = BATCH.union
    ends, n = np.array(union.edges).T, union.num_nodes
    draw = np.random.default_rng(2)
    x = np.stack([BATCH.all_values.astype(float), draw.normal(size=n)], 1)
    columns = {
        "edges": {"src": ends[0] + 5, "dst": ends[1] + 5},
        "nodes": {
            "id": np.arange(n) + 5,
            "a": BATCH.all_values,
            "b": np.ascontiguousarray(x[:, 1]),
        },
    }
    with duckdb.connect() as connection:
        for name, table in columns.items():
            connection.register("t", {k: np.ascontiguousarray(v) for k, v in table.items()})
            connection.execute(f"COPY (FROM t) TO '{tmp_path / name}.parquet' (FORMAT parquet)")
    graph = gm.Graph.from_edges(*ends, n, directed=True, labels=np.arange(n) + 5)
    return (tmp_path / "edges.parquet", tmp_path / "nodes.parquet"), graph, x


def read(path):
    names = "id, probability, margin, rival"
    rows = duckdb.execute(f"SELECT {names} FROM '{path}' ORDER BY id").fetchnumpy()
    return {name: np.ma.asarray(column) for name, column in rows.items()}


def plain(column, fill):
    return np.ma.filled(np.ma.asarray(column).astype(float), fill)


@pytest.mark.parametrize("isolated", [True, False])
@pytest.mark.parametrize("extremum", ["max", "min"])
@pytest.mark.parametrize("hops", [1, 3])
def test_the_attribute_itself_to_the_last_bit(tables, tmp_path, hops, extremum, isolated):
    paths, graph, x = tables
    detector = gm.PeakDetector(hops=hops, rule=gm.Rule(isolated=isolated, extremum=extremum))
    answer = score_tables(*paths, detector, ["a"], out=tmp_path / "o.parquet", directed=True)
    expected, found = score_table(detector, graph, x[:, :1]), read(tmp_path / "o.parquet")
    assert_array_equal(found["probability"], expected["probability"])
    for name in ("margin", "rival"):
        assert_array_equal(plain(found[name], -7.5), plain(expected[name], -7.5))
    predicted = detector.predict((graph, x[:, :1]))
    assert answer.num_maxima == predicted.sum()


@pytest.mark.parametrize("hops", [1, 2, 3])
def test_a_radius_that_was_learned(tables, tmp_path, hops):
    """What the shipped detectors are: the radius is what the weights say."""
    paths, graph, x = tables
    detector = gm.PeakDetector.from_pretrained(f"attribute-{hops}-hop{'s' * (hops > 1)}")
    assert (detector.head.hops, detector.hops_) == (None, hops)
    answer = score_tables(*paths, detector, ["a"], out=tmp_path / "o.parquet", directed=True)
    expected, found = score_table(detector, graph, x[:, :1]), read(tmp_path / "o.parquet")
    for name in ("margin", "rival"):
        assert_array_equal(plain(found[name], -7.5), plain(expected[name], -7.5))
    # A logistic of torch may end in another digit where it stands elsewhere in an array.
    assert_allclose(found["probability"], expected["probability"], rtol=1e-12)
    assert answer.num_maxima == detector.predict((graph, x[:, :1])).sum()


@pytest.mark.parametrize("name", ["noisy-0.5", "noisy-1", "noisy-2"])
def test_a_head_without_one_rival_is_refused(tables, tmp_path, name):
    detector = gm.PeakDetector.from_pretrained(name)
    with pytest.raises(ValueError, match="its probability is no comparison with one rival"):
        score_tables(*tables[0], detector, ["b"], out=tmp_path / "o.parquet")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["edges.parquet", "nodes.parquet"]


@pytest.mark.filterwarnings("ignore:the detector is untrained")
def test_learned_features(tables, tmp_path):
    paths, graph, x = tables
    detector = gm.PeakDetector.composed(FeatureScore(2, width=4, members=3), SignHead(2))
    detector.reset_parameters(seed=1)
    score_tables(*paths, detector, ["a", "b"], out=tmp_path / "o.parquet", directed=True)
    expected, found = score_table(detector, graph, x), read(tmp_path / "o.parquet")
    assert_allclose(found["probability"], expected["probability"], rtol=1e-12)
    assert_array_equal(plain(found["rival"], -1), plain(expected["rival"], -1))


@pytest.mark.filterwarnings("ignore:the detector is untrained")
@pytest.mark.filterwarnings("ignore:`x` has median")
@pytest.mark.parametrize("files", [7, 1 << 22])
@pytest.mark.parametrize(
    ("directed", "direction"), [(True, "in"), (True, "out"), (True, "both"), (False, "in")]
)
def test_a_filter_of_noise(tables, tmp_path, monkeypatch, directed, direction, files):
    """Eight passes of sums, whatever repeats, loops and the number of files."""
    monkeypatch.setattr("graphmax.tables.edge_stream.EDGES_PER_FILE", files)
    paths, graph, x = tables
    if not directed:
        graph = gm.Graph.from_edges(*graph.edges(), len(x), labels=graph.labels)
    detector = gm.PeakDetector(hops=2, denoise=True, rule=gm.Rule(direction=direction))
    detector.reset_parameters(seed=3)
    with torch.no_grad():
        for weight in (detector.score.own, detector.score.passed):
            weight += torch.linspace(-0.4, 0.5, weight.numel()).reshape(weight.shape)
    detector.score.adapt(torch.from_numpy(x[:, 1]))
    score_tables(*paths, detector, ["b"], out=tmp_path / "o.parquet", directed=directed)
    expected, found = score_table(detector, graph, x[:, 1:]), read(tmp_path / "o.parquet")
    assert_allclose(found["probability"], expected["probability"], rtol=1e-12)
    assert_allclose(plain(found["margin"], -7.5), plain(expected["margin"], -7.5), rtol=1e-11, atol=1e-12)  # fmt: skip
    assert_array_equal(plain(found["rival"], -1), plain(expected["rival"], -1))


@pytest.mark.parametrize("wide", [2**53 + 1, -(2**53) - 1, 2**62])
def test_features_beyond_what_floats_hold_are_refused(tables, tmp_path, wide):
    """2**53 + 1 becomes 2**53 as a float: the integer is asked."""
    nodes = tmp_path / "wide.parquet"
    rows = f"SELECT id, CASE id WHEN 7 THEN {wide} ELSE 1 END::BIGINT AS a FROM '{tables[0][1]}'"
    duckdb.execute(f"COPY ({rows}) TO '{nodes}' (FORMAT parquet)")
    with pytest.raises(ValueError, match=r"must be exact in float64, got a number beyond 2\*\*53"):
        score_tables(tables[0][0], nodes, gm.PeakDetector(), ["a"], out=tmp_path / "o.parquet")


def test_a_filter_needs_room_for_its_rounds(tables, tmp_path, monkeypatch):
    monkeypatch.setattr("graphmax.tables.table_question.BYTES_A_FILTERED_NODE", 10**7)
    detector = gm.PeakDetector(denoise=True)
    with pytest.raises(MemoryError, match="`memory_limit` must be at least .*MB for a filter over"):
        score_tables(*tables[0], detector, ["b"], out=tmp_path / "o.parquet", memory_limit="500MB")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["edges.parquet", "nodes.parquet"]


@pytest.mark.parametrize(
    ("detector", "features", "match"),
    [
        ({"head": "choice"}, ["a"], "must have the head 'sign' and a fixed radius"),
        ({"hops": "learn"}, ["a"], "must have the head 'sign' and a fixed radius"),
        ({}, ["a", "b"], "must name 1 columns for this detector, got 2"),
        ({}, ["aa"], "have the column 'aa', got none"),
    ],
)
def test_refusals(tables, tmp_path, detector, features, match):
    with pytest.raises(ValueError, match=match):
        score_tables(*tables[0], gm.PeakDetector(**detector), features, out=tmp_path / "o.parquet")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["edges.parquet", "nodes.parquet"]
