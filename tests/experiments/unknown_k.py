"""Which radius were these labels made with? Found from one labelled graph.

Floor: k = 1..3 from one graph of 40 nodes in 9 of 9 trials, and from 200 nodes with 5 % of the
labels flipped in 9 of 9. Ceiling: 9 of 9. Guessing among 6 radii: 1.5 of 9.

Run: python -m tests.experiments.unknown_k
"""

import numpy as np
import torch

import graphmax as gm
from graphmax.generators import erdos_renyi

RADII, SEEDS, MOST = (1, 2, 3), (0, 1, 2), 6


def labelled(num_nodes, hops, flips, seed):
    """One random graph of mean degree 2.5, its values and labels, some of them flipped."""
    rng = np.random.default_rng((seed, hops, num_nodes))
    graph = erdos_renyi(num_nodes, 2.5 / num_nodes, generator=rng)
    values = rng.normal(size=num_nodes)
    y = gm.local_maxima(graph, values, hops) ^ (rng.random(num_nodes) < flips)
    data = graph.to_data()
    data.x, data.y = torch.from_numpy(values)[:, None], torch.from_numpy(y)
    return data


def found(num_nodes, flips, radii=RADII, seeds=SEEDS):
    """Count the trials in which the right radius is found; return it with the flip rates."""
    hits, rates = 0, []
    for hops in radii:
        for seed in seeds:
            detector = gm.PeakDetector(hops="learn", max_hops=MOST)
            data = labelled(num_nodes, hops, flips, seed)
            result = gm.fit(detector, [data], seed=seed, progress=False)
            hits += result.hops == hops
            rates.append(result.flip_rate)
    return hits, rates


def main():
    """Print both figures."""
    trials = len(RADII) * len(SEEDS)
    print(f"radius found among 1..{MOST}, one labelled graph (floor 9 of 9, guessing 1.5)")
    for num_nodes, flips in ((40, 0.0), (200, 0.05)):
        hits, rates = found(num_nodes, flips)
        print(
            f"  {num_nodes:4d} nodes, {flips:.0%} flipped: {hits} of {trials}; "
            f"learned flip rate {min(rates):.3f} to {max(rates):.3f}"
        )


if __name__ == "__main__":
    main()
