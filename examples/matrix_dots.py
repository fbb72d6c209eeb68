# Which entries of a sparse symmetric matrix are dots: larger than all around them in the graph?

# %% A contact matrix: 400 bins along a line, contacts fade with the distance, eight loops
import numpy as np
import scipy.sparse

import graphmax as gm

generator = np.random.default_rng(0)
bins, far = 400, 60
first, second = np.triu_indices(bins, 1)
near = second - first <= far
first, second = first[near], second[near]
expected = 200 / (second - first) ** 0.9
anchors = [(20, 48), (70, 95), (120, 158), (160, 201), (210, 226), (250, 299), (310, 345)]
loops = np.array([*anchors, (350, 390)])
contacts = expected.copy()
for a, b in loops:
    contacts += 40 * np.exp(-((first - a) ** 2 + (second - b) ** 2) / 4)
counts = generator.poisson(contacts)
seen = counts > 0
half = scipy.sparse.coo_array((counts[seen], (first[seen], second[seen])), shape=(bins, bins))
matrix = (half + half.T).tocsr()
print(f"{bins} bins, {matrix.nnz} entries, {len(loops)} loops")

# %% Entries as edges: which are maxima among all entries between the neighbors of their two bins?
graph = gm.as_graph(matrix)
print(f"edge maxima: {gm.edge_maxima(graph).sum()} of {graph.num_edges} edges")
backbone = gm.edge_peaks(graph, num_peaks=5)
print(
    backbone.to_pandas()[["src", "dst", "value", "prominence", "isolation"]].to_string(index=False)
)

# %% Entries as pixels: two entries are neighbors if they lie side by side; a dot stands out from
# what is expected at its distance from the diagonal
place = scipy.sparse.csr_array(
    (np.arange(seen.sum()) + 1, (first[seen], second[seen])), shape=(bins, bins)
)
score = (counts[seen] - expected[seen]) / np.sqrt(expected[seen])
ends = []
for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
    u, v = first[seen] + down, second[seen] + right
    inside = (u < bins) & (v < bins) & (u >= 0) & (v >= 0)
    other = np.asarray(place[u[inside], v[inside]]).ravel() - 1
    ends.append(np.stack([np.flatnonzero(inside)[other >= 0], other[other >= 0]]))
pixels = gm.Graph.from_edges(*np.concatenate(ends, axis=1), int(seen.sum()))
dots = gm.find_peaks(pixels, score, min_prominence=5, min_distance=3)
found = np.stack([first[seen], second[seen]], axis=1)[dots.nodes]
print(f"\n{len(dots)} dots with a prominence of 5 standard deviations, 3 steps apart")
for (u, v), peak in zip(found.tolist()[:12], dots, strict=False):
    away = np.abs(loops - [u, v]).max(axis=1).min()
    print(f"bins {u:>3} and {v:>3}: score {peak.value:>5.1f}, {away} bins from a loop")
