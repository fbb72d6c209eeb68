# Where are the peaks on a curved surface, 25 mm apart, along it or in a straight line?

# %% A folded sheet like a piece of cortex: two banks of a fold are near, but far along the surface
import numpy as np

import graphmax as gm

u, v = np.meshgrid(np.linspace(-60, 60, 121), np.linspace(0, 80, 81), indexing="ij")
fold = np.exp(-((u / 12) ** 2))
points = np.stack([0.35 * u * (1 + 1.8 * (1 - fold)), v, -30 * fold], axis=-1).reshape(-1, 3)
sheet = gm.grid_graph(u.shape, 8)
src, dst = sheet.edges()
lengths = np.linalg.norm(points[src] - points[dst], axis=1)
mesh = gm.Graph.from_edges(src, dst, len(points), weights=lengths).replace(positions=points)
print(f"{mesh.num_nodes} vertices, edges of {lengths.min():.1f} to {lengths.max():.1f} mm")

# %% An activation with a focus on each bank of the fold, and two elsewhere
foci = [(-11, 40, 9.0), (11, 40, 8.0), (-45, 15, 7.0), (45, 65, 6.0)]
activation = sum(t * np.exp(-((u - a) ** 2 + (v - b) ** 2) / 40) for a, b, t in foci)
activation += np.random.default_rng(0).normal(0, 0.3, u.shape)
t = activation.ravel()


# %% Greedy suppression: the strongest vertex strikes out all within the radius, and so on
def show(name, nodes):
    places = ", ".join(f"{t[n]:.1f} at ({', '.join(f'{x:.0f}' for x in points[n])})" for n in nodes)
    print(f"{name}: {len(nodes)} peaks: {places}")


show("along the surface", gm.non_maximum_suppression(mesh, t, radius=25.0, threshold=4))
straight = {"radius": 25.0, "metric": "euclidean"}
show("in straight lines", gm.non_maximum_suppression(mesh, t, threshold=4, **straight))
print("A straight line jumps over the fold: the focus on the other bank is lost.")

# %% The same as a table: local maxima 25 mm apart, with their prominence
for metric in ("weight", "euclidean"):
    peaks = gm.find_peaks(mesh, t, min_height=4, min_distance=25, metric=metric)
    print(f"\nmin_distance=25, metric={metric!r}")
    print(peaks.to_pandas()[["x", "y", "z", "value", "prominence"]].round(1).to_string(index=False))

# %% Each region on its own: a focus is not struck out by one of the other bank
banks = np.where(u.ravel() < 0, "left bank", "right bank")
for node in gm.non_maximum_suppression(mesh, t, threshold=4, groups=banks, **straight):
    print(f"{banks[node]}: {t[node]:.1f}")
