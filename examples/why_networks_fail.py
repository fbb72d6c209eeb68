# Which of the usual graph networks can tell a local maximum, and does it survive other values?
# %%
import numpy as np
import torch
from torch.nn.functional import binary_cross_entropy_with_logits
from torch_geometric.data import Batch, Data
from torch_geometric.nn import GraphSAGE

import graphmax as gm
from graphmax.generators import erdos_renyi

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
def ranked(data):
    """Return the graph with ranks from 0 to 1 for values."""
    ranks = torch.unique(data.x[:, 0], return_inverse=True)[1] / (data.num_nodes - 1)
    return Data(x=ranks.float()[:, None], edge_index=data.edge_index, y=data.y)


def trained(graphs, steps=100):
    """Return GraphSAGE with max aggregation after some steps of Adam on all graphs."""
    torch.manual_seed(0)
    network, batch = GraphSAGE(1, 32, 2, 1, aggr="max"), Batch.from_data_list(graphs)
    optimizer = torch.optim.Adam(network.parameters(), 0.01)
    for _ in range(steps):
        logits = network(batch.x.float(), batch.edge_index)[:, 0]
        loss = binary_cross_entropy_with_logits(logits, batch.y.float())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return network


network = trained(train)
show("SAGE max, values", lambda data: network(data.x.float(), data.edge_index))
network = trained([ranked(data) for data in train])
show("SAGE max, ranks", lambda data: network(ranked(data).x, data.edge_index))

# %% The detector compares a node with the *other* nodes of its ball: three numbers to learn.
detector = gm.PeakDetector(hops="learn")
gm.fit(detector, train, epochs=50, progress=False)
show(f"PeakDetector (k = {detector.hops_})", detector)
