"""`hop_max`: the highest other node within k hops, compiled and composed of scatters."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from oracles import ball
from strategies import graph_of, networks

import graphmax as gm
from graphmax.nn import hop_max
from graphmax.nn.heads import approximate_log_normal_cdf
from graphmax.nn.steps import Steps, by_scatter

PATH = torch.tensor([[0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]])
BOTH = [hop_max, by_scatter]


def step_entries(network):
    """Entries (u, v) of the steps against the arrow, repeats and loops as they were drawn."""
    pairs = list(network.edges)
    if not network.directed:
        pairs += [(v, u) for u, v in network.edges]
    return torch.tensor(pairs, dtype=torch.int64).reshape(-1, 2).T


# --- known cases


@pytest.mark.parametrize("operator", BOTH)
def test_rivals_of_a_path(operator):
    value, owner = operator(torch.tensor([3.0, 1.0, 2.0, 5.0]), PATH, 3)
    assert owner.tolist() == [[1, 0, 3, 2], [2, 3, 3, 2], [3, 3, 3, 0]]
    assert value.tolist() == [[1, 3, 5, 2], [2, 5, 5, 2], [5, 5, 5, 3]]


@pytest.mark.parametrize("operator", BOTH)
def test_a_node_without_neighbors_has_no_rival_whatever_its_value(operator):
    value, owner = operator(torch.tensor([-1.0, 0.0]), torch.tensor([[0], [0]]), 2)
    assert owner.tolist() == [[-1, -1], [-1, -1]]
    assert value.tolist() == [[-np.inf, -np.inf]] * 2


@pytest.mark.parametrize("operator", BOTH)
def test_an_infinitely_low_rival_is_a_rival(operator):
    value, owner = operator(torch.tensor([-np.inf, -np.inf]), torch.tensor([[0, 1], [1, 0]]), 1)
    assert owner.tolist() == [[1, 0]]
    assert value.tolist() == [[-np.inf, -np.inf]]


@pytest.mark.parametrize("operator", BOTH)
def test_of_equal_scores_the_lowest_index_is_the_rival(operator):
    _, owner = operator(torch.zeros(4), PATH, 2)
    assert owner.tolist() == [[1, 0, 1, 2], [1, 0, 0, 1]]


def test_columns_are_answered_one_by_one():
    scores = torch.randn(4, 3)
    together = hop_max(scores, PATH, 2)
    for column in range(3):
        alone = hop_max(scores[:, column].contiguous(), PATH, 2)
        assert torch.equal(together.value[..., column], alone.value)
        assert torch.equal(together.owner[..., column], alone.owner)


def test_a_graph_and_its_edge_index_give_the_same():
    graph = gm.Graph.from_edges([0, 1, 2], [1, 2, 3])
    scores = torch.randn(4)
    assert torch.equal(hop_max(scores, graph, 2).owner, hop_max(scores, PATH, 2).owner)
    rows = graph.adjacency("in")
    assert torch.equal(hop_max(scores, rows, 2).owner, hop_max(scores, PATH, 2).owner)


@pytest.mark.parametrize("nodes", [0, 1])
def test_graphs_without_edges(nodes):
    value, owner = hop_max(torch.zeros(nodes), torch.zeros(2, 0, dtype=torch.int64), 2)
    assert value.shape == owner.shape == (2, nodes)


def test_more_nodes_than_one_thread_takes_at_once():
    rng = np.random.default_rng(0)
    entries = torch.from_numpy(rng.integers(0, 20_000, (2, 100_000)))
    scores = torch.from_numpy(rng.integers(0, 50, 20_000).astype(float))
    fast, plain = hop_max(scores, entries, 3), by_scatter(scores, entries, 3)
    assert torch.equal(fast.owner, plain.owner)
    assert torch.equal(fast.value, plain.value)


# --- oracle


@given(st.data())
def test_both_ways_equal_brute_force(data):
    network = data.draw(networks())
    levels = st.sampled_from([-np.inf, -1.0, 0.0, 1.0, 2.0])
    scores = data.draw(st.lists(levels, min_size=network.num_nodes, max_size=network.num_nodes))
    tensor = torch.tensor(scores, dtype=torch.float64)
    entries = step_entries(network)
    answers = [hop_max(tensor, entries, 3), by_scatter(tensor, entries, 3)]
    answers.append(hop_max(tensor, graph_of(network), 3))
    for hops in (1, 2, 3):
        for v in range(network.num_nodes):
            others = ball(network, v, hops=hops) - {v}
            owner = min(others, key=lambda u: (-scores[u], u), default=-1)
            for value, found in answers:
                assert int(found[hops - 1, v]) == owner
                assert float(value[hops - 1, v]) == (scores[owner] if others else -np.inf)


# --- gradients


@pytest.mark.parametrize("operator", BOTH)
def test_the_gradient_goes_to_the_owner(operator):
    scores = torch.tensor([3.0, 1.0, 2.0, 5.0], requires_grad=True)
    (scores - operator(scores, PATH, 1).value[0])[3].backward()
    assert scores.grad.tolist() == [0, 0, -1, 1]


@pytest.mark.parametrize("shape", [(8,), (8, 3)])
def test_gradients_are_right(shape):
    torch.manual_seed(0)
    entries = torch.randint(0, 8, (2, 16))
    scores = torch.randn(shape, dtype=torch.float64, requires_grad=True)

    def highest(scores):
        return torch.nan_to_num(hop_max(scores, entries, 2).value, neginf=0.0) ** 2

    assert torch.autograd.gradcheck(highest, (scores,))
    assert torch.autograd.gradgradcheck(highest, (scores,))


# --- dtypes


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_every_float_is_compared_as_it_is(dtype):
    scores = torch.tensor([3.0, 1.0, 2.0, 5.0], dtype=dtype)
    value, owner = hop_max(scores, PATH, 2)
    assert value.dtype == dtype
    assert owner.tolist() == [[1, 0, 3, 2], [2, 3, 3, 2]]


def test_compiled_into_one_graph_for_any_size():
    compiled = torch.compile(
        lambda s, e: tuple(hop_max(s, e, 2)), fullgraph=True, dynamic=True, backend="eager"
    )
    for nodes in (5, 9):
        entries, scores = torch.randint(0, nodes, (2, 2 * nodes)), -torch.rand(nodes)
        value, owner = compiled(scores, entries)
        expected = hop_max(scores, entries, 2)
        assert torch.equal(value, expected.value)
        assert torch.equal(owner, expected.owner)


# --- hops beyond every ball


@pytest.mark.parametrize("operator", BOTH)
def test_rows_beyond_the_longest_path_repeat_the_last(operator):
    scores = torch.tensor([[3.0, 1.0], [1.0, 2.0], [2.0, 2.0], [5.0, 0.0]], requires_grad=True)
    value, owner = operator(scores, PATH, 100)
    assert value.shape == owner.shape == (100, 4, 2)
    assert torch.equal(owner, operator(scores, PATH, 3).owner[[0, 1] + [2] * 98])
    value[[2, 99]].sum().backward()
    assert scores.grad.sum(0).tolist() == [8, 8]


@pytest.mark.parametrize("nodes", [0, 4])
@pytest.mark.parametrize("hops", [2**40, 2**63 - 1, 2**63, 10**400])
def test_more_rows_than_fit_are_refused(hops, nodes):
    with pytest.raises(MemoryError, match="`hops` must be at most .* repeat the last"):
        hop_max(torch.zeros(nodes), PATH[:, :0], hops)


# --- refusals


@pytest.mark.parametrize(
    ("scores", "entries", "hops", "error", "words"),
    [
        (torch.zeros(4, dtype=torch.int64), PATH, 1, TypeError, "`scores` must be floating"),
        (torch.zeros(4, 1, 1), PATH, 1, ValueError, r"got \(4, 1, 1\)"),
        (torch.tensor([0.0, np.nan, 0, 0]), PATH, 1, ValueError, "got NaN at node 1"),
        (torch.zeros(3), PATH, 1, ValueError, r"from 0 to 2 \(num_nodes - 1\), got \[2, 3\]"),
        (torch.zeros(4), -PATH, 1, ValueError, r"got \[0, -1\] at entry 0"),
        (torch.zeros(4), PATH.T, 1, ValueError, r"`edge_index` must have shape \(2, entries\)"),
        (torch.zeros(4), PATH.double(), 1, TypeError, "`edge_index` must be int64 or int32"),
        (torch.zeros(4), PATH, 0, ValueError, "`hops` must be at least 1, got 0"),
        (torch.zeros(3), gm.Graph.from_edges([0], [1]), 1, ValueError, "one row a node"),
    ],
)
def test_what_is_refused(scores, entries, hops, error, words):
    with pytest.raises(error, match=words):
        hop_max(scores, entries, hops)


def test_balls_beyond_the_budget_are_refused(monkeypatch):
    monkeypatch.setattr("graphmax.nn.steps.MOST_PAIRS", 3)
    with pytest.raises(MemoryError, match="use head='sign'"):
        Steps.of(PATH, 4).pairs(2)


@given(st.data())
def test_pairs_are_the_other_nodes_of_every_ball(data):
    network = data.draw(networks())
    hops = data.draw(st.integers(1, 3))
    source, target = Steps.of(step_entries(network), network.num_nodes).pairs(hops)
    expected = [
        (u, v) for v in range(network.num_nodes) for u in sorted(ball(network, v, hops=hops) - {v})
    ]
    assert list(zip(source.tolist(), target.tolist(), strict=True)) == expected


def test_the_normal_distribution_function_keeps_its_digits_far_out():
    z = torch.linspace(-30, 8, 501, dtype=torch.float64)
    torch.testing.assert_close(
        approximate_log_normal_cdf(z), torch.special.log_ndtr(z), rtol=2e-7, atol=0
    )
