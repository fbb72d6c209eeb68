# Which summits of a real terrain stand alone, and on whose flank do the others lie?

# %% A terrain that comes with matplotlib: heights around Vancouver Island, two arc minutes apart
import numpy as np
from matplotlib.cbook import get_sample_data

import graphmax as gm
from graphmax.plotting import plot_merge_tree, plot_persistence, plot_terrain

sample = get_sample_data("topobathy.npz")
heights, x, y = sample["topo"], sample["longitude"] - 360, sample["latitude"]
pixels = gm.grid_graph(heights.shape)
land = heights.ravel() > 0

# %% Every bump is a local maximum; prominence tells summits from bumps
summits = gm.find_peaks(pixels, heights.ravel(), where=land)
print(f"{len(summits)} local maxima on {land.sum()} pixels of land")
for least in (0, 50, 200, 500, 1000):
    print(f"{(summits.prominence >= least).sum():>5} with a prominence of at least {least} m")

# %% The ten most prominent: height, prominence, and the summit on whose flank each lies
major = summits[summits.prominence >= 500]
order = np.argsort(-major.prominence)[:10]
print("\nlongitude latitude height prominence  parent pixels")
for row in order.tolist():
    summit = major[row]
    along, across = divmod(summit.node, heights.shape[1])
    parent = f"{heights.flat[summit.parent]:.0f} m" if summit.parent >= 0 else "none"
    print(
        f"{x[across]:>9.2f} {y[along]:>8.2f} {summit.value:>6.0f} {summit.prominence:>10.0f} "
        f"{parent:>7} {summit.basin_size:>6}"
    )

# %% Three pictures: the land with its summits, noise and signal, and who joins whom
title = "Summits around Vancouver Island with a prominence of 500 m and more"
figure = plot_terrain(
    heights, major, x=x, y=y, sea_level=0, aspect=1.5, quantity="height (m)", title=title
)
figure.axes[0].set(xlabel="longitude (degrees)", ylabel="latitude (degrees)")
figure.savefig("summits-terrain.png")
title = "Most local maxima are bumps: they lie near the diagonal"
quantity = "height (m)"
plot_persistence(summits, threshold=500, quantity=quantity, title=title, path="summits-noise.png")
plot_merge_tree(major, quantity=quantity, title="Who joins whom", path="summits-tree.png")
print("\nPicture: summits-terrain.png\nPicture: summits-noise.png\nPicture: summits-tree.png")
