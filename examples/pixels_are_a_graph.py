# Are the peaks of an image the local maxima of a graph? One image, both ways, the same mask.

# %% An image of coins, 116,352 pixels, and the graph of its touching pixels
from functools import partial
from time import perf_counter

import numpy as np
from skimage import data

import graphmax as gm
from graphmax.plotting import plot_pixels

image = data.coins()
graph = gm.grid_graph(image.shape, connectivity=8)
print(f"{image.shape[0]} x {image.shape[1]} pixels: {graph.num_nodes:,} nodes", end=", ")
print(f"{graph.num_edges:,} edges")


# %% The window question of images and the ball question of graphs, under every tie rule
def timed(call):
    """Return an answer and the milliseconds of the fastest of five calls."""
    times = []
    for _ in range(6):
        start = perf_counter()
        answer = call()
        times.append(perf_counter() - start)
    return answer, 1e3 * min(times[1:])


print("    ties window hops maxima  same pixels ms graph ms")
for ties in ("strict", "weak", "plateau", "index"):
    for size in (3, 7):
        hops = (size - 1) // 2
        mask, direct = timed(partial(gm.images.peak_pixels, image, size, ties=ties))
        nodes, walked = timed(partial(gm.local_maxima, graph, image.ravel(), hops, ties=ties))
        same = "yes" if np.array_equal(mask.ravel(), nodes) else "no"
        print(f"{ties:>8} {size:>6} {hops:>4} {mask.sum():>6} {same:>5}", end="")
        print(f"{direct:>10.2f} {walked:>8.2f}")

# %% What only the graph can tell: how prominent a peak is
peaks = gm.find_peaks(graph, image.ravel(), min_prominence=60)
prominent = peaks.mask.reshape(image.shape)
masks = {
    "strict maxima of 3 x 3 windows": gm.images.peak_pixels(image),
    "strict maxima of 31 x 31 windows": gm.images.peak_pixels(image, 31),
    f"{len(peaks)} peaks of prominence 60": prominent,
}
plot_pixels(image, masks, path="pixels_are_a_graph.png")
print("Picture: pixels_are_a_graph.png")
