"""The normal head: compiled loops against torch operations, SciPy, and the events themselves."""

import copy

import networkx as nx
import numpy as np
import pytest
import scipy.special
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_geometric.explain.algorithm.utils import clear_masks, set_masks

import graphmax as gm
from graphmax.kernels.gaussian import log_normal_cdf
from graphmax.nn.heads import NormalHead, ends
from graphmax.nn.scores import Scored
from graphmax.nn.steps import Steps, shares_within


def wanting(numbers):
    return torch.as_tensor(numbers, dtype=torch.float64).clone().requires_grad_()


def scored(mean, deviations):
    return Scored(mean[:, None], deviations)


def by_tensors(head, scores, steps, hops, share=None):
    mean, (own, other) = scores.mean[:, 0], scores.deviation
    return head._by_tensors(mean, (own, other), ends(steps, hops), share).logits[:, 0]


# --- log Phi


def test_log_phi_and_its_derivative_are_those_of_scipy():
    z = np.concatenate([np.linspace(-36, 36, 7201), -(10.0 ** np.arange(-300, 150, 7))])
    told = np.array([log_normal_cdf(number) for number in z])
    np.testing.assert_allclose(told[:, 0], scipy.special.log_ndtr(z), rtol=1e-11)
    lower = z[z < 0]
    mills = np.sqrt(2 / np.pi) / scipy.special.erfcx(-lower / np.sqrt(2))
    np.testing.assert_allclose(told[z < 0, 1], mills, rtol=1e-14)
    upper = z[z >= 0]
    density = np.exp(-(upper**2) / 2) / np.sqrt(2 * np.pi)
    np.testing.assert_allclose(told[z >= 0, 1], density / scipy.special.ndtr(upper), rtol=1e-12)


def test_log_phi_at_the_ends():
    assert log_normal_cdf(np.inf) == (0, 0)
    assert log_normal_cdf(-np.inf) == (-np.inf, np.inf)
    assert np.isnan(log_normal_cdf(np.nan)).all()
    np.testing.assert_allclose(log_normal_cdf(-1e200), (-np.inf, 1e200), rtol=1e-15)


# --- loops against torch operations


@settings(max_examples=60)
@given(
    nodes=st.integers(1, 12),
    hops=st.integers(1, 3),
    seed=st.integers(0, 10_000),
    apart=st.sampled_from([1e-3, 1.0, 30.0, 1e4]),
    spread=st.sampled_from([1e-2, 1.0, 10.0]),
    shared=st.booleans(),
)
def test_loops_give_the_logits_and_gradients_of_torch(nodes, hops, seed, apart, spread, shared):
    rng = np.random.default_rng(seed)
    graph = nx.gnp_random_graph(nodes, 2 / nodes, seed=seed, directed=True)
    steps = Steps.of(gm.as_graph(graph), nodes)
    head, answers = NormalHead(hops), []
    mean, deviations = apart * rng.normal(size=nodes), spread * rng.random((2, nodes)) + 1e-3
    mask = torch.from_numpy(rng.random(steps.edge_index.shape[1]))
    for compiled in (True, False):
        inputs = [wanting(mean), wanting(deviations)]
        here, share = steps, None
        if shared:
            inputs.append(wanting(mask))
            here = steps.replaced(mask=inputs[2])
            share = shares_within(here, hops)
        scores = scored(*inputs[:2])
        if compiled:
            logits = head.judge(scores, here, hops).logits[:, 0]
        else:
            logits = by_tensors(head, scores, here, hops, share)
        usable = logits.detach().abs() < 600  # beyond, torch's 1 - p has no gradient
        total = (logits[usable] * torch.arange(1.0, nodes + 1)[usable]).sum()
        grads = torch.autograd.grad(total, inputs, allow_unused=True)
        grads = [
            torch.zeros_like(i) if g is None else g for i, g in zip(inputs, grads, strict=True)
        ]
        answers.append((logits.detach(), usable, *grads))
    for ours, theirs in zip(*answers, strict=True):
        scale = float(theirs.double().abs().max()) if theirs.numel() else 0.0
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9 * scale + 1e-12)


def test_the_gradient_is_that_of_small_differences():
    rng = np.random.default_rng(0)
    steps = Steps.of(gm.as_graph(nx.gnp_random_graph(7, 0.5, seed=1)), 7)
    mask = wanting(rng.random(steps.edge_index.shape[1]))

    def logits(mean, deviations, mask):
        here = steps.replaced(mask=mask)
        return NormalHead(2).judge(scored(mean, deviations), here, 2).logits

    inputs = wanting(rng.normal(size=7)), wanting(rng.random((2, 7)) + 0.3), mask
    assert torch.autograd.gradcheck(logits, inputs)


def test_known_lone_pairs_and_ties():
    steps = Steps.of(torch.tensor([[0, 1], [1, 0]]), 3)
    mean, deviations = torch.tensor([1.0, 1.0, 5.0]).double(), torch.full((2, 3), 0.7).double()
    judged = NormalHead().judge(scored(mean, deviations), steps, 1)
    assert judged.accompanied[:, 0].tolist() == [True, True, False]
    torch.testing.assert_close(judged.logits[:2, 0], torch.zeros(2).double(), atol=1e-12, rtol=0)


def test_far_apart_scores_have_finite_logits_and_gradients():
    steps = Steps.of(torch.tensor([[0, 1], [1, 0]]), 2)
    mean, deviations = wanting([0.0, 1e9]), wanting(np.full((2, 2), 1e-9))
    logits = NormalHead().judge(scored(mean, deviations), steps, 1).logits
    assert logits[0] < -1e30
    assert logits[1] > 600
    logits.sum().backward()
    assert bool(mean.grad.isfinite().all() and deviations.grad.isfinite().all())


def test_no_node_and_no_edge():
    nobody = Steps.of(torch.empty(2, 0, dtype=torch.int64), 0)
    mean, deviations = torch.empty(0).double(), torch.empty(2, 0).double()
    assert NormalHead().judge(scored(mean, deviations), nobody, 1).logits.shape == (0, 1)
    apart = Steps.of(torch.empty(2, 0, dtype=torch.int64), 3)
    mean = wanting(np.zeros(3))
    judged = NormalHead(2).judge(scored(mean, torch.ones(2, 3).double()), apart, 2)
    assert not judged.accompanied.any()
    judged.logits.sum().backward()
    assert mean.grad.tolist() == [0, 0, 0]


# --- what an edge mask tells


def explained(head, seed):
    graph = nx.gnp_random_graph(15, 0.2, seed=seed)
    data = gm.as_graph(graph).to_data()
    data.x = 1.4 * torch.from_numpy(np.random.default_rng(seed).normal(size=15))[:, None]
    if head == "normal":
        return gm.PeakDetector.from_pretrained("noisy-1"), data
    return gm.PeakDetector(head=head), data


def masked(detector, data, mask):
    detector = copy.deepcopy(detector)
    set_masks(detector, mask, data.edge_index, apply_sigmoid=False)
    logits = detector(data.x, data.edge_index)
    clear_masks(detector)
    return logits


@pytest.mark.filterwarnings("ignore:the detector is untrained")
@pytest.mark.parametrize("head", ["sign", "choice", "normal"])
def test_the_slope_of_a_mask_tells_the_edge_whose_loss_changes_most(head):
    agreed = judged = 0
    for seed in range(3):
        detector, data = explained(head, seed)
        ones = torch.ones(data.num_edges, dtype=torch.float64)
        with torch.no_grad():
            whole = masked(detector, data, ones)
            cut = [masked(detector, data, ones - torch.eye(len(ones))[e]) for e in range(len(ones))]
        lost = torch.stack(cut) - whole
        rivals, peaks = detector.rivals(data), detector.predict(data)
        for v in [v for v in range(15) if rivals[v] >= 0 and not peaks[v]]:
            mask = wanting(ones)
            (slope,) = torch.autograd.grad(masked(detector, data, mask)[v], mask)
            into = data.edge_index[1] == v
            steepest = torch.where(into, slope, torch.inf).argmin()
            assert data.edge_index[0, torch.where(into, lost[:, v], -1.0).argmax()] == rivals[v]
            agreed, judged = agreed + int(data.edge_index[0, steepest] == rivals[v]), judged + 1
    assert judged > 20
    assert agreed >= 0.95 * judged


def test_a_rival_whose_edge_is_cut_does_not_count():
    rng = np.random.default_rng(3)
    steps = Steps.of(gm.as_graph(nx.gnp_random_graph(12, 0.4, seed=3)), 12)
    scores = scored(torch.from_numpy(rng.normal(size=12)), torch.ones(2, 12).double())
    cut = torch.from_numpy(rng.random(steps.edge_index.shape[1]) < 0.4)
    told = NormalHead().judge(scores, steps.replaced(mask=(~cut).double()), 1)
    fewer = Steps.of(steps.edge_index[:, ~cut], 12)
    expected = NormalHead().judge(scores, fewer, 1)
    left = expected.accompanied[:, 0]
    assert int(left.sum()) > 5
    assert told.logits[left].tolist() == expected.logits[left].tolist()
