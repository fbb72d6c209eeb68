# How sure is this peak? A terrain seen through noise: found peaks, and the true ones

# %% A terrain that comes with matplotlib: heights on land, every sixth pixel, in kilometers
import numpy as np
from matplotlib.cbook import get_sample_data

import graphmax as gm
from graphmax.plotting import plot_calibration, plot_probability

heights = get_sample_data("topobathy.npz")["topo"][::6, ::6] / 1000
pixels = gm.grid_graph(heights.shape)
truth = gm.local_maxima(pixels, heights.ravel())

# %% What an instrument with an error of 300 m sees of it
rng = np.random.default_rng(0)
y = heights.ravel() + 0.3 * rng.normal(size=heights.size)
raw = gm.local_maxima(pixels, y)
print(f"{heights.shape[0]} x {heights.shape[1]} pixels, {truth.sum()} true peaks")
print(f"{raw.sum()} peaks of what was seen, {(raw & truth).sum()} of them true")

# %% No labels: the field and its noise are fitted to what was seen
answer = gm.peak_probability(pixels, y, noise=0.3)
print(f"{answer}\nfit: order {answer.fit.order}, kappa {answer.fit.kappa.value:.2f}")
print("concerns:", *(answer.checks.concerns or ("none",)), sep="\n  ")

# %% Does it happen as often as it is said?
print("\nprobability  nodes  of them true")
for low, high in ((0, 0.02), (0.02, 0.1), (0.1, 0.3), (0.3, 0.6), (0.6, 1.01)):
    some = (answer.probability >= low) & (answer.probability < high)
    share = truth[some].mean() if some.any() else float("nan")
    print(f"{low:>5.2f}-{min(high, 1):<4.2f} {some.sum():>7} {share:>13.2f}")

# %% The ten surest peaks, and where the highest may be
print("\n  row column  seen (km)  mean (km)  probability  true")
for node in np.argsort(-answer.probability)[:10]:
    row, column = divmod(int(node), heights.shape[1])
    print(
        f"{row:>5} {column:>6} {y[node]:>10.2f} {answer.mean[node]:>10.2f} "
        f"{answer.probability[node]:>12.2f}  {'yes' if truth[node] else 'no'}"
    )
highest = answer.credible_set(0.9)
print(f"\nWith 90 % the highest point is one of {highest.size} pixels;", end=" ")
print(f"the true one {'is' if heights.argmax() in highest else 'is not'} among them")

# %% Two pictures
plot_probability(answer, path="how-sure-probability.png")
plot_calibration(answer, path="how-sure-calibration.png")
print("\nPicture: how-sure-probability.png\nPicture: how-sure-calibration.png")
