"""Peaks of a noisy attribute: what can be had by somebody who does not know the parameters?

The ceiling of `unlabelled` knows order, tau, kappa and noise. Here an *ideal* Bayesian does not: a
posterior of all of them by importance sampling under a prior, then samples of the field, each with
parameters of its own. With all eigenvalues of the Laplacian nothing in it is approximate. Two
priors: *flat* (the logarithms between bounds) and *weak* (that of `peak_probability`), both orders
alike. Beside them `peak_probability`, and the ceiling a second time: what is Monte-Carlo error.
Shares are of the mean of both ceilings.

Run: python -m tests.experiments.unknown_parameters --jobs 2 --out unknown_parameters.jsonl
"""

import argparse
import itertools
import warnings
from functools import lru_cache

import numpy as np
from scipy.special import gammaln, logsumexp
from sklearn.metrics import average_precision_score

import graphmax as gm
from graphmax.posterior.likelihood import (
    EvenLikelihood,
    Measure,
    Measurements,
    ParameterPrior,
    Spectrum,
)
from graphmax.posterior.sampling import Balls, FieldPrecision, Posterior, laplacian_of

from . import pool  # noqa: TID252
from .unlabelled import FAMILIES, KAPPA2, ORDERS, observed  # noqa: TID252

PAIRS, ROUNDS, DRAWS, AT_ONCE = 400, 5, 1_500, 64
FREEDOM, ANYWHERE = 4, 0.1
METHODS = ("fitted", "flat", "weak", "Bayes again")


@lru_cache(maxsize=1)
def setting(family, nodes, order, seed):
    """Return a graph, its Laplacian, all eigenvalues and vectors, and the state of the draws."""
    rng = np.random.default_rng((seed, nodes, order))
    graph = FAMILIES[family](nodes, generator=rng)
    rows = graph.adjacency("both")
    laplacian = laplacian_of(rows, np.ones(rows.indices.size))
    values, vectors = np.linalg.eigh(laplacian.toarray())
    return graph, laplacian, np.maximum(values, 0.0), vectors, rng.bit_generator.state


def chances(setting, coefficients, draws, seed):
    """Return the probability of each node, a mirrored pair of samples for each theta."""
    graph, laplacian, values, vectors, _ = setting
    rng, balls = np.random.default_rng(seed), Balls(graph.adjacency("both"), 1)
    measured, total = vectors @ coefficients, np.zeros(values.size)
    for part in (draws[k : k + AT_ONCE] for k in range(0, len(draws), AT_ONCE)):
        columns = []
        for order, theta in part:
            tau, kappa2, noise = np.exp(theta)
            prior = (values + kappa2) ** -float(order) / tau
            mean = coefficients * prior / (prior + noise)
            away = np.sqrt(prior * noise / (prior + noise)) * rng.normal(size=values.size)
            columns += [mean + away, mean - away]
        fields = vectors @ np.stack(columns, axis=1)
        for place, (order, theta) in enumerate(part):
            tau, kappa2, noise = np.exp(theta)
            precision = FieldPrecision(laplacian, tau, kappa2, order)
            posterior = Posterior(precision, np.full(values.size, 1 / noise), measured)
            pair = np.ascontiguousarray(fields[:, 2 * place : 2 * place + 2])
            given = posterior.given_the_rest(pair)
            total += posterior.chances(given, balls.highest_others(pair)).sum(axis=1)
    return total / (2 * len(draws))


def proposal(z, mean, covariance, box):
    """Return the log density of Student's t about a mean, and of anywhere in the box."""
    root = np.linalg.cholesky(covariance)
    squares = (np.linalg.solve(root, (z - mean).T) ** 2).sum(axis=0)
    size = z.shape[1]
    height = gammaln((FREEDOM + size) / 2) - gammaln(FREEDOM / 2)
    height -= size / 2 * np.log(FREEDOM * np.pi) + np.log(np.diag(root)).sum()
    height = height - (FREEDOM + size) / 2 * np.log1p(squares / FREEDOM)
    anywhere = np.log(ANYWHERE) - np.log(box[:, 1] - box[:, 0]).sum()
    return np.logaddexp(height + np.log(1 - ANYWHERE), anywhere)


def posterior_of(density, start, box, rng):
    """Return draws of theta, their weights and the log evidence: adaptive importance sampling."""
    mean, covariance = start, 0.3 * np.eye(start.size)
    for step in range(ROUNDS + 1):
        count = DRAWS if step == ROUNDS else DRAWS // 3
        t = rng.normal(size=(count, start.size)) @ np.linalg.cholesky(covariance).T
        z = mean + t / np.sqrt(rng.chisquare(FREEDOM, count) / FREEDOM)[:, None]
        far = rng.random(count) < ANYWHERE
        z[far] = rng.uniform(*box.T, (far.sum(), start.size))
        inside = ((z >= box[:, 0]) & (z <= box[:, 1])).all(axis=1)
        heights = np.full(count, -np.inf)
        heights[inside] = [density(each) for each in z[inside]]
        logs = heights - proposal(z, mean, covariance, box)
        weights = np.exp(logs - logsumexp(logs))
        if step < ROUNDS:
            soft = weights ** (0.5 if step < 2 else 1.0)
            soft /= soft.sum()
            mean = soft @ z
            covariance = (z - mean).T @ (soft[:, None] * (z - mean)) + 1e-5 * np.eye(start.size)
    return z, weights, logsumexp(logs) - np.log(count)


def ideal(setting, data, coefficients, prior_name, rng):
    """Return draws (order, theta) of the posterior of both orders, and the weight of the first."""
    _, laplacian, values, _, _ = setting
    trace = Measure(values, np.ones(values.size))
    spectrum, degree = Spectrum(trace, Measure(values, coefficients**2)), laplacian.diagonal()
    degree = degree[degree > 0].mean()
    box = np.log([[1e-8, 1e8], [1e-4 * degree, 1e2 * degree], [1e-4, 10]])
    found = []
    for order in ORDERS:
        prior = ParameterPrior(trace, order, degree, 1.0)
        likelihood = EvenLikelihood(data, spectrum, order)
        weigh = prior.value if prior_name == "weak" else lambda theta: (0.0, theta)

        def density(theta, likelihood=likelihood, weigh=weigh):
            value = likelihood.value(theta)  # the mean is not known: it is integrated out
            return value.height + 0.5 * np.log(value.mean_variance) + weigh(theta)[0]

        tau = 2 * np.mean((values + 0.1 * degree) ** -float(order))
        found.append(posterior_of(density, np.log([tau, 0.1 * degree, 0.5]), box, rng))
    share = 1 / (1 + np.exp(found[1][2] - found[0][2]))
    draws = []
    rough = round(share * PAIRS)
    for order, size in ((1, rough), (2, PAIRS - rough)):
        z, weights, _ = found[order - 1]
        places = np.searchsorted(weights.cumsum(), (np.arange(size) + rng.random()) / max(size, 1))
        draws += [(order, z[place]) for place in places.clip(0, DRAWS - 1)]
    return draws, share


def work(family, kappa2, order, noise, seed, nodes=5_000):
    """One cell."""
    where = setting(family, nodes, order, seed)
    graph, _, values, vectors, state = where
    rng = np.random.default_rng()
    rng.bit_generator.state = state
    hidden, y, precision, _ = observed(graph, kappa2, order, noise, rng)
    truth = gm.local_maxima(graph, hidden)
    spread, count = y.std(), y.size
    standard = (y - y.mean()) / spread
    coefficients = vectors.T @ standard
    data = Measurements(standard, np.ones(count), False, float(y.mean()), float(spread))
    tau = precision.trace() / ((values + kappa2) ** order).sum()
    true = [(order, np.log([tau * spread**2, kappa2, noise**2 / spread**2]))] * PAIRS
    told, chance = {}, {name: chances(where, coefficients, true, name) for name in (1, 2)}
    chance = {"Bayes": chance[1], "Bayes again": chance[2]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        chance["fitted"] = gm.peak_probability(graph, y, samples=2 * PAIRS).probability
    for name in ("flat", "weak"):
        draws, told[f"order 1 {name}"] = ideal(where, data, coefficients, name, rng)
        chance[name] = chances(where, coefficients, draws, 1)
    for name, each in chance.items():
        told[name] = float(average_precision_score(truth, each))
        told[f"number {name}"] = float(each.sum() / truth.sum())
    return told


def jobs():
    """Return the cells in which noise is as large as the field, or larger."""
    names = ("family", "order", "kappa2", "noise", "seed")
    cells = itertools.product(FAMILIES, ORDERS, KAPPA2, (2.0, 1.0), [0])
    return [dict(zip(names, cell, strict=True)) for cell in cells]


def warm():
    """Return a short cell."""
    return {**jobs()[0], "nodes": 500}


def kind(job):
    """All cells last about equally long."""
    return "cell"


def report(rows):
    """Print shares of the ceiling, in the mean, at worst, and where."""
    told = [row["told"] for row in rows]
    ceiling = np.array([(t["Bayes"] + t["Bayes again"]) / 2 for t in told])
    for name in METHODS:
        share = np.array([t[name] for t in told]) / ceiling
        number = np.array([t[f"number {name}"] for t in told])
        print(
            f"  {name:12} share {share.mean():.4f} in the mean, {share.min():.4f} at worst; "
            f"number {number.mean():.3f} ({number.min():.3f} to {number.max():.3f})"
        )
    for row, bayes in zip(rows, ceiling, strict=True):
        cell = " ".join(f"{name} {value}" for name, value in row["job"].items())
        shares = " ".join(f"{name} {row['told'][name] / bayes:.3f}" for name in METHODS)
        print(f"  {cell}: {shares}, order 1 {row['told']['order 1 weak']:.2f}")


def main():
    """Run all cells."""
    parser = argparse.ArgumentParser()
    pool.add_options(parser)
    pool.main(__spec__.name, jobs(), parser.parse_args())


if __name__ == "__main__":
    main()
