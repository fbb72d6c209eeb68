# What becomes of equal values? The four tie rules on one skyline, in one picture.

# %% A path whose heights hold a peak, a shoulder, a lower peak and a flat top
import numpy as np
from matplotlib.figure import Figure

import graphmax as gm
from graphmax.plotting import plot_maxima

heights = np.array([1, 4, 1, 2, 2, 3, 1, 3, 3, 1])
skyline = gm.Graph.from_edges(np.arange(9), np.arange(1, 10))
positions = np.column_stack([np.arange(len(heights)), 0.8 * heights])
meaning = {
    "strict": "higher than every neighbor",
    "weak": "no neighbor is higher (shoulders count)",
    "plateau": "no neighbor of the whole plateau is higher",
    "index": "of equal neighbors, the first one",
}

# %% Ask four times
masks = {ties: gm.local_maxima(skyline, heights, ties=ties) for ties in meaning}
print(f"{'heights':>8}", *heights)
for ties, mask in masks.items():
    print(f"{ties:>8}", *("^" if is_maximum else "." for is_maximum in mask))

# %% Draw the answers
figure = Figure(figsize=(9.6, 4.4), dpi=150, layout="constrained")
for axes, (ties, mask) in zip(figure.subplots(2, 2).flat, masks.items(), strict=True):
    title = f"{ties}: {meaning[ties]}"
    plot_maxima(skyline, heights, mask, axes=axes, positions=positions, title=title)
figure.savefig("ties_and_plateaus.png")
print("Picture: ties_and_plateaus.png")
