# How many kinds of handwritten digits are there, if nobody says how many to look for?

# %% Images of digits that come with scikit-learn, and the twelve most alike of each
import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import adjusted_rand_score
from sklearn.neighbors import kneighbors_graph

import graphmax as gm
from graphmax.plotting import plot_persistence

digits = load_digits()
distances = kneighbors_graph(digits.data, 12, mode="distance")
neighbors = distances.maximum(distances.T)
graph = gm.as_graph(neighbors)

# %% Density: the nearer the neighbors, the denser; its peaks are modes, their basins clusters
reach = distances.data.reshape(-1, 12)
density = -np.log(reach.mean(axis=1))
modes = gm.find_peaks(graph, density)
print(f"{len(modes)} local maxima of the density among {graph.num_nodes} images")

# %% The prominences of modes stand out from those of bumps: the widest gap says how many
prominence = np.sort(modes.prominence)[::-1]
gaps = prominence[2:20] / prominence[3:21]
count = int(np.argmax(gaps)) + 3
threshold = float(np.sqrt(prominence[count - 1] * prominence[count]))
print("largest prominences:", " ".join(f"{value:.2f}" for value in prominence[:16]))
print(f"the widest gap is after the first {count}")

# %% Every image belongs to a mode; the modes show whose digits they gather
chosen = modes[modes.prominence >= threshold]
print(f"{'mode':>5} {'digit':>5} {'images':>6} {'of that digit':>13}")
for mode in chosen:
    inside = digits.target[chosen.basins == mode.node]
    digit = int(digits.target[mode.node])
    print(f"{mode.node:>5} {digit:>5} {len(inside):>6} {np.mean(inside == digit):>13.0%}")
score = adjusted_rand_score(digits.target, chosen.basins)
raw = adjusted_rand_score(digits.target, modes.basins)
# 8 and 9 have no mode of their own: they stand on the flanks of 1 and 3
print(f"adjusted Rand index {score:.2f}; {raw:.2f} if every local maximum were a cluster")

# %% The picture: modes far from the diagonal, bumps near it
title = "Modes of the density of handwritten digits"
plot_persistence(
    modes, threshold=threshold, title=title, quantity="log density", path="density-modes.png"
)
print("Picture: density-modes.png")
