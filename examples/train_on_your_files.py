# Can a plain GraphSAGE learn local maxima from my own GraphML files?

# %% Twelve small files, as another program would have written them
from pathlib import Path
from tempfile import mkdtemp

import networkx as nx
import numpy as np
import torch
from torch_geometric.loader import DataLoader
from torch_geometric.nn import GraphSAGE

from graphmax.datasets import PeakDataset

rng = np.random.default_rng(0)
folder = Path(mkdtemp())
for number in range(12):
    G = nx.watts_strogatz_graph(int(rng.integers(150, 250)), 4, 0.2, seed=number)
    nx.set_node_attributes(G, {v: float(rng.standard_normal()) for v in G}, "gdp")
    nx.write_graphml(G, folder / f"region{number:02}.graphml")
files = sorted(folder.glob("*.graphml"))

# %% Read, labelled by the exact rule, dealt to training and test: one call
dataset = PeakDataset.from_files(files, values="gdp", hops=1, shares=(0.6, 0.2, 0.2))
for part in ("train", "validation", "test"):
    graphs = dataset.part(part)
    nodes = sum(data.num_nodes for data in graphs)
    peaks = sum(int(data.y.sum()) for data in graphs)
    print(f"{part:>10}: {len(graphs)} graphs, {nodes} nodes, {peaks} maxima")

# %% A plain PyG model and a plain training loop
torch.manual_seed(0)
model = GraphSAGE(in_channels=1, hidden_channels=32, num_layers=2, out_channels=1, aggr="max")
model = model.double()  # attributes of files are exact: float64
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
loss_of = torch.nn.BCEWithLogitsLoss()


def f1(part):
    found = right = true = 0
    for data in dataset.part(part):
        with torch.no_grad():
            answer = model(data.x, data.edge_index)[:, 0] > 0
        found += int(answer.sum())
        true += int(data.y.sum())
        right += int((answer & data.y).sum())
    return 2 * right / max(found + true, 1)


for epoch in range(1, 121):
    for batch in DataLoader(dataset.part("train"), batch_size=4, shuffle=True):
        optimizer.zero_grad()
        loss = loss_of(model(batch.x, batch.edge_index)[:, 0], batch.y.double())
        loss.backward()
        optimizer.step()
    if epoch % 40 == 0:
        print(f"epoch {epoch:>3}: F1 on validation {f1('validation'):.3f}")
print(f"F1 on test {f1('test'):.3f}")
