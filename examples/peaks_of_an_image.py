# Where are the bright spots of an image, how much do they stand out, and what is noise?

# %% An image of 25 spots on a slope, with noise
import numpy as np

import graphmax as gm

generator = np.random.default_rng(3)
row, column = np.mgrid[:120, :160]
spots = np.stack([generator.uniform(8, 112, 25), generator.uniform(8, 152, 25)], axis=1)
image = 0.2 * column + generator.normal(0, 2, row.shape)
for (r, c), bright in zip(spots, generator.uniform(30, 90, 25), strict=True):
    image += bright * np.exp(-((row - r) ** 2 + (column - c) ** 2) / 18)
image = image.clip(0, 255).astype(np.uint8)

# %% Every local maximum: most are noise
pixels = gm.grid_graph(image.shape)
peaks = gm.find_peaks(pixels, image.ravel())
print(f"{len(peaks)} local maxima (a flat top counts once)")

# %% Prominence parts them: how far must one go down before one can go higher?
spots_found = peaks[peaks.prominence >= 15]
print(spots_found[:5].to_pandas()[["row", "column", "value", "prominence", "basin_size"]])
away = np.linalg.norm(spots[:, None] - spots_found.coordinates[None], axis=2)
print(f"{len(spots_found)} stand out by 15 or more; {(away.min(axis=1) < 3).sum()} of 25 spots hit")

# %% A threshold on the value cannot do that: the slope lifts the noise on the right
for height in (30, 40, 60):
    print(f"value >= {height}: {(peaks.value >= height).sum()} maxima")

# %% h-maxima are the same thing; here the image is repaired so that only they are left
repaired = gm.merge_tree(pixels, image.ravel()).simplify(15)
left = gm.find_peaks(pixels, repaired)
print(
    f"after the repair {len(left)} maxima are left; {int((repaired != image.ravel()).sum())} "
    "pixels were lowered"
)

# %% One spot within 12 pixels, in a straight line; and spots cut off by the border
apart = gm.find_peaks(pixels, image.ravel(), min_prominence=15, min_distance=12, metric="euclidean")
border = np.ones(image.shape, bool)
border[1:-1, 1:-1] = False
print(f"{len(apart)} at least 12 pixels apart, {apart.touches(border).sum()} at the border")
