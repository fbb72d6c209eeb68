"""Peaks without labels where the model is wrong: what breaks, how far, and is it said?

y = h + noise as in `unlabelled` (second order, kappa^2 .3, unit deviation and noise 1, or first
order), but one assumption of `peak_probability` at a time is broken. Printed for each: average
precision of the answer over that of the raw rule and of the rule on the posterior mean, expected
over true number of peaks, reliability slope, and the share of fits that warn of something.

Run: python -m tests.experiments.misspecified --jobs 16 --seconds 200 --out misspecified.jsonl
"""

import argparse
import itertools
import warnings

import numpy as np
import scipy.sparse
import scipy.sparse.linalg
from sklearn.metrics import average_precision_score

import graphmax as gm
from graphmax.generators import delaunay, erdos_renyi, gaussian_field
from graphmax.posterior.sampling import incidence_of, laplacian_of

from . import pool  # noqa: TID252
from .unlabelled import margin_of, reliability_slope  # noqa: TID252

FAMILIES = {
    "Delaunay": delaunay,
    "Erdos-Renyi": lambda nodes, generator: erdos_renyi(nodes, 6 / nodes, generator=generator),
}
KAPPA2, ROUGH, SMOOTH = 0.3, 2.0, 0.05


def unit(field):
    """Bring a field to mean 0 and deviation 1."""
    return (field - field.mean()) / field.std()


def right(graph, order, rng):
    """Draw a field and its noise as the model has them."""
    return unit(gaussian_field(graph, KAPPA2**0.5, order, generator=rng)), rng.normal(
        size=graph.num_nodes
    )


def skewed(graph, order, rng):
    """Draw the exponential of a field: few high peaks; the maxima stay where they were."""
    field, noise = right(graph, order, rng)
    return unit(np.exp(field)), noise


def heavy(graph, order, rng):
    """Draw the cube of a field: long tails on both sides."""
    field, noise = right(graph, order, rng)
    return unit(field**3), noise


def outliers(graph, order, rng):
    """Draw noise of Student's t with 3 degrees of freedom."""
    return right(graph, order, rng)[0], rng.standard_t(3, size=graph.num_nodes) / 3**0.5


def uneven(graph, order, rng):
    """Draw noise three times as large at half of the nodes, of the same mean square."""
    field, noise = right(graph, order, rng)
    return field, noise * np.where(rng.random(field.size) < 0.5, 3.0, 1.0) / 5**0.5


def correlated(graph, order, rng):
    """Draw noise that neighbors share: a rough field of its own."""
    field = right(graph, order, rng)[0]
    return field, unit(gaussian_field(graph, 1.0, 1, generator=rng))


def jump(graph, order, rng):
    """Draw a field that is smooth in one half of the nodes and rough in the other."""
    rows = graph.adjacency("both")
    laplacian = laplacian_of(rows, np.ones(rows.indices.size))
    nodes = np.arange(graph.num_nodes)
    middle = np.median(graph.positions[:, 0]) if graph.positions is not None else nodes.size / 2
    place = graph.positions[:, 0] if graph.positions is not None else nodes
    kappa2 = np.where(place < middle, SMOOTH, ROUGH)
    base = scipy.sparse.csc_array(laplacian + scipy.sparse.diags_array(kappa2))
    white = rng.normal(size=nodes.size)
    if order == 1:
        incidence = incidence_of(laplacian)
        white = np.sqrt(kappa2) * white + incidence @ rng.normal(size=incidence.shape[1])
    field = scipy.sparse.linalg.spsolve(base, white)
    return unit(field), rng.normal(size=nodes.size)


def wrong_graph(share):
    """Return what draws a field on a graph of which a share of the edges was replaced."""

    def draw(graph, order, rng):
        edges = graph.edges()
        keep = rng.random(edges.shape[1]) >= share
        other = rng.integers(0, graph.num_nodes, (2, int((~keep).sum())))
        pairs = np.concatenate([edges[:, keep], other], axis=1)
        true = gm.Graph.from_edges(*pairs, graph.num_nodes)
        return right(true, order, rng)

    return draw


BROKEN = {
    "nothing": right, "skewed field": skewed, "long-tailed field": heavy, "outliers": outliers,
    "uneven noise": uneven, "correlated noise": correlated, "jump in kappa": jump,
    "10 % of edges wrong": wrong_graph(0.1), "30 % of edges wrong": wrong_graph(0.3),
}  # fmt: skip


def work(broken, family, order, seed, nodes=5_000):
    """Fit once, and judge by the truth."""
    rng = np.random.default_rng((seed, order))
    graph = FAMILIES[family](nodes, generator=rng)
    hidden, noise = BROKEN[broken](graph, order, rng)
    truth, y = gm.local_maxima(graph, hidden), hidden + noise
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        answer = gm.peak_probability(graph, y)
    scores = {
        "fitted": answer.probability,
        "raw": margin_of(graph, y),
        "smoothed": margin_of(graph, answer.mean),
    }
    told = {name: float(average_precision_score(truth, each)) for name, each in scores.items()}
    told["number"] = float(answer.expected_number / truth.sum())
    told["slope"] = reliability_slope(answer.probability, truth)[0]
    told["misfit"] = float(answer.checks.misfit)
    told["noise"] = answer.fit.noise.value
    return {**told, "concerns": list(answer.checks.concerns)}


def jobs(seeds=3):
    """Return all cells."""
    names = ("seed", "broken", "family", "order")
    cells = itertools.product(range(seeds), BROKEN, FAMILIES, (1, 2))
    return [dict(zip(names, cell, strict=True)) for cell in cells]


def warm():
    """Return a short cell."""
    return {**jobs()[0], "nodes": 900}


def kind(job):
    """All cells last about equally long."""
    return job["order"]


def report(rows):
    """Print a line for each broken assumption and order."""
    for broken, order in itertools.product(BROKEN, (1, 2)):
        told = [
            r["told"] for r in rows if (r["job"]["broken"], r["job"]["order"]) == (broken, order)
        ]
        if not told:
            continue
        ratio = {
            name: np.mean([t["fitted"] / t[name] for t in told]) for name in ("raw", "smoothed")
        }
        means = {
            name: np.mean([t[name] for t in told])
            for name in ("fitted", "number", "slope", "noise", "misfit")
        }
        warned = np.mean([bool(t["concerns"]) for t in told])
        print(
            f"  {broken:20} order {order}: AP {means['fitted']:.3f}, over raw {ratio['raw']:.3f}, "
            f"over smoothed {ratio['smoothed']:.3f}; number {means['number']:.3f}, slope "
            f"{means['slope']:.2f}, noise found {means['noise']:.2f} of 1, misfit "
            f"{means['misfit']:.3f}, {warned:.0%} warn"
        )


def main():
    """Run all cells."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=3)
    pool.add_options(parser)
    asked = parser.parse_args()
    pool.main(__spec__.name, jobs(asked.seeds), asked)


if __name__ == "__main__":
    main()
