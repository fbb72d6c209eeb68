# What are the three highest peaks of every region, without a loop over regions?

# %% A smooth field on a grid, and regions as one finds them on maps: some nodes belong to none
import numpy as np

import graphmax as gm

generator = np.random.default_rng(0)
shape = (60, 90)
waves = np.fft.fft2(generator.normal(size=shape))
frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(60), np.fft.fftfreq(90), indexing="ij"))
field = np.real(np.fft.ifft2(waves * np.exp(-((frequency / 0.06) ** 2))))
field *= 100 / np.abs(field).max()
row, column = np.mgrid[:60, :90]
region = np.array(["north-west", "north-east", "south-west", "south-east"])
region = region[2 * (row >= 30) + (column >= 45)]
known = (row - 30) ** 2 + (column - 45) ** 2 > 25  # nothing is known in the middle

# %% One call: edges between regions are not there, and `num_peaks` counts in each of them
pixels = gm.grid_graph(shape)
asked = {"where": known.ravel(), "groups": region.ravel()}
peaks = gm.find_peaks(pixels, field.ravel(), num_peaks=3, **asked)
print(peaks.to_pandas()[["group", "row", "column", "value", "prominence"]].round(1).to_string())

# %% The same by a loop over the four induced graphs
for name in np.unique(region):
    inside = known & (region == name)
    alone = gm.find_peaks(pixels, field.ravel(), num_peaks=3, where=inside.ravel())
    mine = peaks[peaks.group == name]
    print(f"{name}: {'the same' if np.array_equal(alone.nodes, mine.nodes) else 'others'}")

# %% Who is cut by a border is found on either side of it: ask which peaks touch one
border = np.zeros(shape, bool)
border[29:31], border[:, 44:46] = True, True
print(f"{peaks.touches(border).sum()} of {len(peaks)} peaks lie beside a border")

# %% By prominence instead of height: peaks that stand out, not shoulders of the highest one
by_prominence = gm.find_peaks(pixels, field.ravel(), num_peaks=3, by="prominence", **asked)
changed = len(set(by_prominence.nodes.tolist()) - set(peaks.nodes.tolist()))
print(f"{changed} of {len(peaks)} are others when the most prominent three are asked for")
