"""Peaks of a noisy attribute without labels: how much of what can be known does the fit get?

h is a Gaussian field of unit deviation on a graph, y = h + noise is given, nothing else. Floor: the
raw rule (average precision of y's own margin). Ceiling: P(maximum | y) under the *true* parameters,
by exact posterior sampling. Beside them the rule on a smoothed field (margin of the posterior mean)
and the shipped detector `noisy-1`. Goals: share of the ceiling at least .995 in the mean and .98 in
the worst case; expected number of peaks within 5 % on average; reliability slope .9 to 1.1.

Run: python -m tests.experiments.unlabelled [--nodes 5000] [--seeds 3] [--families Delaunay ...]
"""

import argparse
import itertools
import time
import warnings

import numpy as np
import torch
from sklearn.metrics import average_precision_score

import graphmax as gm
from graphmax.generators import (
    barabasi_albert,
    delaunay,
    erdos_renyi,
    field_precision,
    gaussian_field,
    watts_strogatz,
)
from graphmax.posterior import sample_probability

FAMILIES = {
    "Delaunay": delaunay,
    "grid": lambda nodes, generator: gm.grid_graph((nodes // 50, 50), 4),
    "Watts-Strogatz": lambda nodes, generator: watts_strogatz(nodes, 6, 0.2, generator=generator),
    "Erdos-Renyi": lambda nodes, generator: erdos_renyi(nodes, 6 / nodes, generator=generator),
    "Barabasi-Albert": lambda nodes, generator: barabasi_albert(nodes, 3, generator=generator),
}
KAPPA2, NOISE, ORDERS = (0.05, 0.3, 2.0), (0.3, 1.0, 2.0), (1, 2)


def observed(graph, kappa2, order, noise, rng):
    """Draw a field of unit deviation and its measurement; return both and the true precision."""
    field = gaussian_field(graph, kappa2**0.5, order, generator=rng)
    scale = field.std()
    once = field_precision(graph, kappa2**0.5) * scale
    precision, root = (once * scale, None) if order == 1 else (once @ once, once)
    y = field / scale + noise * rng.normal(size=field.size)
    return field / scale, y, precision, root


def figures(graph, hidden, y, precision, root, noise, *, samples=400, bayes=800, detector=None):
    """Return average precisions, expected over true number of peaks, slope and concerns."""
    truth = gm.local_maxima(graph, hidden)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        answer = gm.peak_probability(graph, y, samples=samples)
    best = sample_probability(graph, y, precision, noise, root=root, samples=bayes)
    scores = {
        "Bayes": best,
        "fitted": answer.probability,
        "raw": margin_of(graph, y),
        "smoothed": margin_of(graph, answer.mean),
    }
    if detector is not None:
        data = graph.to_data()
        data.x = torch.from_numpy(y)[:, None]
        scores["detector"] = detector.predict_proba(data).numpy()
    told = {name: average_precision_score(truth, score) for name, score in scores.items()}
    told["number"] = answer.expected_number / max(truth.sum(), 1)
    told["slope"] = reliability_slope(answer.probability, truth)
    told["order"], told["concerns"] = answer.fit.order, len(answer.checks.concerns)
    return told


def margin_of(graph, values):
    """Margin of the rule, finite."""
    return np.nan_to_num(gm.margin(graph, values), posinf=1e6)


def reliability_slope(probability, truth):
    """Slope of what happened on what was said: 1 where probabilities are right."""
    return float(np.polyfit(probability, truth.astype(float), 1)[0])


def trial(family, nodes, kappa2, order, noise, seed, **options):
    """One cell of the table."""
    rng = np.random.default_rng((seed, nodes, order))
    graph = FAMILIES[family](nodes, generator=rng)
    hidden, y, precision, root = observed(graph, kappa2, order, noise, rng)
    return figures(graph, hidden, y, precision, root, noise, **options)


def main():
    """Print a line per cell, then means and worst cases."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--nodes", type=int, default=5_000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--families", nargs="+", default=list(FAMILIES))
    parser.add_argument("--kappa2", type=float, nargs="+", default=KAPPA2)
    parser.add_argument("--noise", type=float, nargs="+", default=NOISE)
    asked = parser.parse_args()
    detector = gm.PeakDetector.from_pretrained("noisy-1")
    cells = []
    grid = itertools.product(range(asked.seeds), asked.families, asked.kappa2, ORDERS, asked.noise)
    for seed, family, kappa2, order, noise in grid:
        start = time.perf_counter()
        told = trial(family, asked.nodes, kappa2, order, noise, seed, detector=detector)
        cells.append(told)
        numbers = " ".join(f"{name} {value:.4f}" for name, value in told.items())
        share = told["fitted"] / told["Bayes"]
        taken = time.perf_counter() - start
        print(f"{family} kappa2 {kappa2} order {order} noise {noise} seed {seed}: "
              f"share {share:.4f} {numbers} ({taken:.0f} s)", flush=True)  # fmt: skip
    summary(cells)


def summary(cells):
    """Print the figures that the goals are about."""
    best = np.array([cell["Bayes"] for cell in cells])
    for name in ("fitted", "smoothed", "detector", "raw"):
        share = np.array([cell.get(name, np.nan) for cell in cells]) / best
        print(f"{name}: share of Bayes {share.mean():.4f} in the mean, {share.min():.4f} at worst")
    number = np.array([cell["number"] for cell in cells])
    slope = np.array([cell["slope"] for cell in cells])
    print(f"expected number of peaks over the true one: {number.mean():.3f} "
          f"({number.min():.3f} to {number.max():.3f}); slope {slope.mean():.3f} "
          f"({slope.min():.3f} to {slope.max():.3f})")  # fmt: skip


if __name__ == "__main__":
    main()
