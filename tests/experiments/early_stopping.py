"""Early stopping: does `fit` with validation ever cost average precision?

Three tasks: a hidden attribute whose radius (2 hops) is learned too, a hidden attribute of a random
network, a noisy field. Floor: what `fit` reaches without validation. Goal: never more than .01
below it in the mean of the seeds. The validation graphs are drawn apart and are never trained on.

Run: python -m tests.experiments.early_stopping --jobs 16 --seconds 300 --out early.jsonl
     [--seeds 5] [--nodes 10000]
"""

import argparse
from itertools import product

import numpy as np
import torch
from sklearn.metrics import average_precision_score

import graphmax as gm
from graphmax.generators import HiddenAttribute, erdos_renyi, gaussian_field

from . import pool  # noqa: TID252


def hidden(kind, hops, graph, attribute, rng):
    """Data of a hidden attribute."""
    features = attribute.features(graph.num_nodes, generator=rng)
    data = graph.to_data()
    data.x = torch.from_numpy(features)
    data.y = torch.from_numpy(gm.local_maxima(graph, attribute(features), hops))
    return data


def noisy(graph, rng):
    """Data of a field of unit deviation, seen with as much noise."""
    field = gaussian_field(graph, 0.5, generator=rng)
    field /= field.std()
    data = graph.to_data()
    data.x = torch.from_numpy(field + rng.normal(size=field.size))[:, None]
    data.y = torch.from_numpy(gm.local_maxima(graph, field))
    return data


def task(name, seed, nodes):
    """Return a new detector, training graphs, a validation set and a test graph."""
    rng = np.random.default_rng(seed)
    sizes = {"train": [500] * 2, "validation": [500], "test": [nodes]}
    graphs = {
        part: [erdos_renyi(n, 5 / n, generator=rng) for n in sizes[part]] for part in sizes
    }  # fmt: skip
    if name == "noisy":
        sets = {part: [noisy(g, rng) for g in graphs[part]] for part in graphs}
        return gm.PeakDetector(denoise=True, head="normal"), sets
    kind, hops = ("quadratic", 2) if name == "hidden, 2 hops to be learned" else ("network", 1)
    attribute = HiddenAttribute.draw(kind, generator=rng)
    sets = {
        part: [hidden(kind, hops, g, attribute, rng) for g in graphs[part]] for part in graphs
    }  # fmt: skip
    return gm.PeakDetector(8, "learn" if hops == 2 else 1), sets


TASKS = ("hidden, 2 hops to be learned", "hidden network", "noisy")


@torch.no_grad()
def reached(name, seed, *, validation, nodes, epochs=None):
    """Return the average precision on the test graph, the epochs run and the radius."""
    detector, sets = task(name, seed, nodes)
    held = sets["validation"] if validation else None
    found = gm.fit(
        detector, sets["train"], validation=held, seed=seed, epochs=epochs, progress=False
    )
    (data,) = sets["test"]
    chance = detector.predict_proba(data).numpy()
    precision = float(average_precision_score(data.y.numpy(), chance))
    return {"AP": precision, "epochs": found.epochs, "best": found.best_epoch, "hops": found.hops}


def jobs(seeds=5, nodes=10_000, epochs=None):
    """Return every task with and without validation."""
    return [
        {"name": name, "seed": seed, "validation": held, "nodes": nodes, "epochs": epochs}
        for seed, name, held in product(range(seeds), TASKS, (False, True))
    ]


def work(**job):
    """Train once."""
    return reached(**job)


def warm():
    """Return a short training."""
    return {**jobs()[0], "nodes": 500, "epochs": 2}


def kind(job):
    """Trainings of one task last about equally long."""
    return job["name"]


def report(rows):
    """Print a line a task."""
    print("average precision without and with validation (goal: at most .01 below)")
    for name in TASKS:
        line(name, [row for row in rows if row["job"]["name"] == name])


def main():
    """Run every task with and without validation."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--nodes", type=int, default=10_000)
    parser.add_argument("--epochs", type=int)
    pool.add_options(parser)
    asked = parser.parse_args()
    pool.main(__spec__.name, jobs(asked.seeds, asked.nodes, asked.epochs), asked)


def line(name, rows):
    """Print the mean over the seeds that both arms have."""
    arms = [
        {row["job"]["seed"]: row["told"] for row in rows if row["job"]["validation"] is held}
        for held in (False, True)
    ]
    seeds = sorted(set(arms[0]) & set(arms[1]))
    if not seeds:
        return
    without, with_it = (np.array([arm[seed]["AP"] for seed in seeds]) for arm in arms)
    told = [arms[1][seed] for seed in seeds]
    print(
        f"  {name:30s} without {without.mean():.4f} with {with_it.mean():.4f} difference "
        f"{(with_it - without).mean():+.4f} (seeds {np.round(with_it - without, 3).tolist()}; best "
        f"of epochs {[(t['best'], t['epochs']) for t in told]}, radii {[t['hops'] for t in told]})",
        flush=True,
    )


if __name__ == "__main__":
    main()
