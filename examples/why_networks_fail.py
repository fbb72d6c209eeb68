# Which of the usual graph networks can tell a local maximum, and does it survive other values?
# %%
import numpy as np
import torch

import graphmax as gm
from graphmax.generators import erdos_renyi
from graphmax.nn import baselines

torch.set_num_threads(1)
rng = np.random.default_rng(0)


def labelled(num_nodes, degree, change=lambda x: x):
    """Return a random graph whose labels are computed from the values it is given."""
    graph = erdos_renyi(num_nodes, degree / num_nodes, generator=rng)
    data = graph.to_data()
    data.x = torch.from_numpy(change(rng.normal(size=num_nodes)))[:, None]
    data.y = gm.local_maxima(graph, data.x[:, 0])
    return data


# %% Train on small graphs, test on larger ones: as trained, denser, with other values.
train = [labelled(30, 3) for _ in range(40)]
tests = {
    "as trained": labelled(2000, 3),
    "degree 40": labelled(2000, 40),
    "plus 1e4": labelled(2000, 3, lambda x: x + 1e4),
    "gaps 1e-9": labelled(2000, 3, lambda x: 1 + 1e-9 * np.argsort(x)),
}
print("F1 at the fixed threshold".ljust(26), "  ".join(f"{name:>10s}" for name in tests))


def show(name, scorer):
    """Print one row."""
    scores = [gm.evaluate(scorer, [data]).f1 for data in tests.values()]
    print(name.ljust(26), "  ".join(f"{score:10.3f}" for score in scores))


# %% A generic network, on values and on ranks, which repair most of what other values break.
for name in ("SAGE max",):
    for ranks in (False, True):
        network = baselines.Baseline(name, ranks=ranks, width=32)
        baselines.train(network, train, epochs=100, learning_rate=0.01)
        show(f"{name}, {'ranks' if ranks else 'values'}", network)

# %% The detector compares a node with the *other* nodes of its ball: three numbers to learn.
detector = gm.PeakDetector(hops="learn")
gm.fit(detector, train, epochs=50, progress=False)
show(f"PeakDetector (k = {detector.hops_})", detector)
