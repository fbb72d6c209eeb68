"""Hops beyond every ball are the whole component: every call answers as for the longest path."""

import duckdb
import numpy as np
import pytest
import torch

import graphmax as gm

MANY = [2**31 - 1, 2**31, 2**53 + 1, 2**63 - 1, 2**63, 10**22, 10**400]
GRAPH = gm.Graph.from_edges([0, 1, 2, 4], [1, 2, 3, 5])
VALUES = np.array([3, 1, 2, 3, 5, 5])
WEIGHTS = [4.0, 1.0, 3.0, 2.0]
GRID = gm.grid_graph((6, 8))
GRID_VALUES = (
    np.sin(np.arange(48) // 8)
    + np.cos(np.arange(48) % 8)
    + np.random.default_rng(0).normal(size=48) / 9
)
ENDS = torch.tensor([[0, 1, 1, 2, 2, 3, 4, 5], [1, 0, 2, 1, 3, 2, 5, 4]])


def answers_of(certificate):
    assert certificate.verify(GRAPH, VALUES)
    return certificate.is_maximum, certificate.witness


def listed(answer):
    return np.asarray(answer).tolist()


CALLS = {
    "local_maxima": lambda k: listed(gm.local_maxima(GRAPH, VALUES, k)),
    "local_minima": lambda k: listed(gm.local_minima(GRAPH, VALUES, k)),
    "weak": lambda k: listed(gm.local_maxima(GRAPH, VALUES, k, ties="weak")),
    "plateau": lambda k: listed(gm.local_maxima(GRAPH, VALUES, k, ties="plateau")),
    "index": lambda k: listed(gm.local_maxima(GRAPH, VALUES, k, ties="index")),
    "edge_index": lambda k: gm.local_maxima(ENDS, torch.from_numpy(VALUES), k).tolist(),
    "margin": lambda k: listed(gm.margin(GRAPH, VALUES, k)),
    "rivals": lambda k: listed(gm.rivals(GRAPH, VALUES, k)),
    "find_peaks": lambda k: gm.find_peaks(GRAPH, VALUES, k).nodes.tolist(),
    "edge_peaks": lambda k: gm.edge_peaks(GRAPH, WEIGHTS, k).nodes.tolist(),
    "edge_maxima": lambda k: listed(gm.edge_maxima(GRAPH, WEIGHTS, k)),
    "neighborhoods": lambda k: listed(gm.neighborhoods(GRAPH, VALUES, [0, 4], k).labels()),
    "center_is_maximum": lambda k: bool(gm.center_is_maximum(np.eye(3)[::-1], [3, 1, 2], hops=k)),
    "explain": lambda k: answers_of(gm.explain(GRAPH, VALUES, 0, k)),
    "explain plateau": lambda k: answers_of(gm.explain(GRAPH, VALUES, 0, k, ties="plateau")),
    "non_maximum_suppression": lambda k: listed(gm.non_maximum_suppression(GRAPH, VALUES, k)),
    "peak_probability": lambda k: listed(gm.peak_probability(GRID, GRID_VALUES, k).probability),
    "a detector": lambda k: gm.PeakDetector(hops=k)(torch.from_numpy(VALUES), ENDS).tolist(),
    "rivals of a detector": lambda k: (
        gm.PeakDetector(hops=k).rivals((ENDS, torch.from_numpy(VALUES))).tolist()
    ),
    "a choice": lambda k: gm.PeakDetector(hops=k, head="choice")(
        torch.from_numpy(VALUES), ENDS
    ).tolist(),
}


@pytest.mark.filterwarnings("ignore:the (field|noise) is not")
@pytest.mark.parametrize("name", CALLS)
def test_every_call(name):
    expected = CALLS[name](20)
    for hops in MANY:
        assert CALLS[name](hops) == expected


def test_the_rule_says_what_was_asked():
    assert gm.find_peaks(GRAPH, VALUES, 10**22).rule.hops == 10**22
    assert gm.Rule(10**22).reach == 2**31 - 1
    assert gm.Rule(10**22, ties="weak").filled().hops == 10**22


def test_what_python_cannot_write_is_refused():
    for hops in (10**5000, -(10**5000)):
        with pytest.raises(ValueError, match="`hops` must be an integer of at most 4096 bits"):
            gm.local_maxima(GRAPH, VALUES, hops)


def test_hops_of_every_node():
    each = np.array([2**64 - 1, 1, 2**63, 5, 1, 1], np.uint64)
    expected = gm.local_maxima(GRAPH, VALUES, np.array([5, 1, 5, 5, 1, 1])).tolist()
    assert gm.local_maxima(GRAPH, VALUES, each).tolist() == expected


@pytest.mark.parametrize("bits", [8, 16, 32, 64])
@pytest.mark.parametrize("kind", ["int", "uint"])
def test_hops_of_every_node_in_every_integer_type(kind, bits):
    each = np.array([5, 1, 5, 5, 1, 1], f"{kind}{bits}")
    expected = gm.local_maxima(GRAPH, VALUES, [5, 1, 5, 5, 1, 1]).tolist()
    assert gm.local_maxima(GRAPH, VALUES, each).tolist() == expected
    assert gm.find_peaks(GRAPH, VALUES, each).nodes.tolist() == [4, 0, 3]


@pytest.mark.parametrize("engine", ["memory", "stream"])
@pytest.mark.parametrize("explain", [False, True])
def test_tables(tmp_path, engine, explain):
    edges, nodes = tmp_path / "edges.parquet", tmp_path / "nodes.parquet"
    pairs = "(0, 1), (1, 2), (2, 3), (4, 5)"
    duckdb.execute(f"COPY (FROM (VALUES {pairs}) t(src, dst)) TO '{edges}'")
    rows = ", ".join(f"({i}, {h})" for i, h in enumerate(VALUES))
    duckdb.execute(f"COPY (FROM (VALUES {rows}) t(id, h)) TO '{nodes}'")

    def ask(hops):
        return gm.local_maxima_tables(
            edges, nodes, "h", hops, engine=engine, explain=explain,
            out=tmp_path / f"labels-{len(str(hops))}.parquet",
        ).labels()  # fmt: skip

    expected = ask(5)
    for hops in (2**31, 2**63, 10**400):
        assert ask(hops) == expected
