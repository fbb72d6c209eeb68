# What does a network see of a local maximum, and what one step beside it?

# %% A smooth random landscape on a random graph in the plane
import numpy as np
from matplotlib.figure import Figure

from graphmax import local_maxima
from graphmax.datasets import centered_pairs
from graphmax.generators import gaussian_field, random_geometric

rng = np.random.default_rng(7)
graph = random_geometric(400, 0.075, generator=rng)
values = gaussian_field(graph, kappa=0.4, generator=rng).round(2)
print(f"{graph.num_nodes} nodes, {local_maxima(graph, values, 2).sum()} maxima of two hops")

# %% For each maximum its own neighborhood, and those of its neighbors: the question moved by a step
pairs = [
    pair
    for pair in centered_pairs(graph, values, hops=2, layout="dense")
    if 8 <= pair.batch.mask[0].sum() <= 16
][:3]
for center, batch, labels in pairs:
    print(f"maximum {center}: value {batch.values[0, 0]:.2f}, neighbors {batch.root[1:].tolist()}")
    print(f"  labels {labels.astype(int).tolist()}, nodes {batch.mask.sum(axis=1).tolist()}")

# %% Node-centered adjacency neighborhoods: ones beside the diagonal, the attribute on it
figure = Figure(figsize=(3 * len(pairs), 6.2), dpi=150, layout="constrained")
axes = figure.subplots(2, len(pairs))
shown = np.concatenate([pair.batch.values[pair.batch.mask] for pair in pairs])
for column, (_, batch, _) in enumerate(pairs):
    for which in (0, 1):
        size = int(batch.mask[which].sum())
        matrix = batch.as_matrix()[which, :size, :size]
        on, off = np.eye(size, dtype=bool), batch.adjacency[which, :size, :size] > 0
        panel = axes[which, column]
        panel.imshow(off, cmap="Greys", vmin=0, vmax=3)
        picture = panel.imshow(
            np.where(on, matrix, np.nan), cmap="viridis", vmin=shown.min(), vmax=shown.max()
        )
        wins = "beats" if batch.labels()[which] else "does not beat"
        panel.set_title(f"node {batch.root[which]} {wins} the rest", fontsize=8)
        panel.set_xticks([])
        panel.set_yticks([])
axes[0, 0].set_ylabel("centered on the maximum")
axes[1, 0].set_ylabel("shifted by one step")
figure.colorbar(picture, ax=axes, label="attribute (on the diagonal)", shrink=0.5)
figure.savefig("centered_and_shifted.png")
print("Picture: centered_and_shifted.png")
