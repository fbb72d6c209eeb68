# Where does a group of subjects have a peak that chance does not make?

# %% Twenty subjects, each a smooth noisy map on the same grid; two places are active in all
import numpy as np

import graphmax as gm
from graphmax.generators import gaussian_field
from graphmax.plotting import plot_terrain

pixels = gm.grid_graph((40, 40))
rows, columns = np.divmod(np.arange(1600), 40)
active = np.zeros(1600)
for row, column in ((10, 12), (27, 30)):
    active += np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / 8)
rng = np.random.default_rng(0)
maps = np.stack([gaussian_field(pixels, 0.5, 2, generator=rng) for _ in range(20)])
maps = maps / maps.std() + 1.2 * active

# %% The statistic is t at every node; its null comes from flipping the signs of subjects
found = gm.peak_significance(pixels, maps, "signflip", rule=gm.Rule(hops=2), max_draws=999)
print(f"{found}\n")
print("  row column     t  prominence  p (any of all)  q (among those called)")
for peak, p, q in list(zip(found.peaks, found.p_value, found.q_value, strict=True))[:6]:
    row, column = divmod(peak.node, 40)
    print(f"{row:>5} {column:>6} {peak.value:>5.1f} {peak.prominence:>11.1f} {p:>15.4f} {q:>8.4f}")
print("\nThe two active places are (10, 12) and (27, 30).")

# %% Half of the subjects against the other half: nothing differs, and nothing is found
halves = np.arange(20) % 2
same = gm.peak_significance(pixels, maps, "permute-labels", design=halves, max_draws=499)
print(f"Between two halves of the group: {same.significant().sum()} peaks with p <= 0.05")

# %% The map of t with the peaks that count
t = maps.mean(0) / (maps.std(0, ddof=1) / np.sqrt(len(maps)))
figure = plot_terrain(t.reshape(40, 40), found.peaks[found.significant()], quantity="t")
figure.savefig("peaks-of-a-group.png")
print("Picture: peaks-of-a-group.png")
