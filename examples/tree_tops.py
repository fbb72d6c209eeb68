# Which bumps of a canopy are tree tops, when a tall tree has a wide crown?

# %% A made-up forest: old and young trees on half a hectare, one pixel per half meter
import numpy as np

import graphmax as gm

generator = np.random.default_rng(1)
side, pixel = 140, 0.5
stem_row, stem_column = generator.uniform(4, side - 4, (2, 90))
stem_height = np.where(generator.random(90) < 0.3, 28, 7) * generator.uniform(0.85, 1.1, 90)
row, column = np.mgrid[:side, :side]
canopy = np.zeros((side, side))
for r, c, height in zip(stem_row, stem_column, stem_height, strict=True):
    away = np.hypot(row - r, column - c) * pixel
    crown = 0.5 + 0.2 * height
    np.maximum(canopy, height * (1 - 0.4 * (away / crown) ** 2), where=away < crown, out=canopy)
canopy += generator.normal(0, 0.04, canopy.shape) * canopy  # twigs and gaps
pixels = gm.grid_graph(canopy.shape)

# %% Which stems can be seen from above at all?
stems = np.stack([stem_row, stem_column], axis=1)
under_open_sky = canopy[stem_row.round().astype(int), stem_column.round().astype(int)]
under_open_sky = under_open_sky < 1.15 * stem_height


def show(name, tops):
    """Count the stems with a top within 1.5 m, and the tops that no stem needs."""
    away = np.linalg.norm(stems[:, None] - tops.coordinates[None], axis=2) * pixel
    found = (away.min(axis=1) <= 1.5) & under_open_sky
    print(
        f"radius {name:<10} {len(tops):>3} tops, {found.sum():>2} of {under_open_sky.sum()} stems "
        f"under open sky found, {len(tops) - found.sum():>3} tops too many"
    )


# %% One radius for all: a small one finds twigs on tall trees, a large one loses small trees
values = canopy.ravel()
for hops in (1, 2, 3, 5, 9):
    show(f"{hops * pixel:.1f} m", gm.find_peaks(pixels, values, hops, min_height=2))

# %% A radius that grows with the height: each pixel asks as far as a crown of its height reaches
reach = np.ceil((0.5 + 0.11 * values.clip(0)) / pixel).astype(int)
tops = gm.find_peaks(pixels, values, reach.clip(1), min_height=2)
show("by height", tops)

# %% The crowns: the basin of every top, without the ground
crowns = tops.basins[values > 2]
area = np.bincount(crowns[crowns >= 0]).max() * pixel**2
print(f"the widest crown covers {area:.0f} square meters")
