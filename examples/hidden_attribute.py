# Can peak labels alone teach the order of an attribute that nobody ever saw?
# %%
import numpy as np
import torch
from scipy.stats import spearmanr

import graphmax as gm
from graphmax.generators import HiddenAttribute, erdos_renyi, random_geometric

torch.set_num_threads(1)
rng = np.random.default_rng(0)
hidden = HiddenAttribute.draw("quadratic", num_features=4, generator=rng)


def labelled(graph):
    """Return features and labels; the values behind the labels are thrown away."""
    features = hidden.features(graph.num_nodes, generator=rng)
    data = graph.to_data()
    data.x = torch.from_numpy(features)
    data.y = gm.local_maxima(graph, torch.from_numpy(hidden(features)))
    return data


# %% 1,000 labelled nodes, and a test graph of another family.
train = [labelled(erdos_renyi(500, 6 / 500, generator=rng)) for _ in range(2)]
test = labelled(random_geometric(3000, 0.025, generator=rng))

# %% Train. Each node is scored from its features; the head compares scores within one hop.
detector = gm.PeakDetector(in_channels=4)
result = gm.fit(detector, train, epochs=60, progress=False)
print(f"trained for {result.epochs} epochs, loss {result.history[-1]['loss']:.3f}")

# %% The score is the hidden attribute, up to an increasing map.
found = gm.evaluate(detector, [test])
low, high = found.intervals["average_precision"]
rank = spearmanr(detector.score_nodes(test), hidden(test.x.numpy()))[0]
print(f"peaks of {test.num_nodes} unseen nodes: {found.positives}")
print(f"average precision {found.average_precision:.3f} ({low:.3f} to {high:.3f})")
print(f"rank correlation of score and hidden attribute {rank:.3f}")
