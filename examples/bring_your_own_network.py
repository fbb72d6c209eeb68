# How far is my own network from the best that is possible?

# %% A task of PeakBench: what is shown, and a ceiling that nobody can beat
import torch
from torch import nn
from torch_geometric.data import Batch
from torch_geometric.nn import SAGEConv

from graphmax import benchmark
from graphmax.plotting import plot_benchmark

torch.manual_seed(0)
torch.set_num_threads(1)
task = benchmark.load("hidden/quadratic")
print(task, task.ceiling["same"])


# %% Any module (x, edge_index) -> logits
class Mine(nn.Module):
    def __init__(self, width=64):
        super().__init__()
        self.first = nn.Sequential(nn.Linear(8, width), nn.ReLU(), nn.Linear(width, width))
        self.layer = SAGEConv(width, width, aggr="max")
        self.last = nn.Linear(width, 1)

    def forward(self, x, edge_index):
        return self.last(self.layer(self.first(x.float()).relu(), edge_index).relu())[:, 0]


# %% Train on 2,000 labels
network, train = Mine(), Batch.from_data_list(task.budgets[2_000])
optimizer = torch.optim.AdamW(network.parameters(), 5e-3, weight_decay=1e-1)
for _ in range(120):
    optimizer.zero_grad()
    logits = network(train.x, train.edge_index)
    nn.functional.binary_cross_entropy_with_logits(logits, train.y.float()).backward()
    optimizer.step()

# %% Score every test set, and the probe: does an answer depend on other graphs?
with torch.no_grad():
    sets = {**task.test, "probe": task.probe}
    predictions = {
        name: [network(data.x, data.edge_index).sigmoid() for data in graphs]
        for name, graphs in sets.items()
    }
mine = benchmark.evaluate(task, predictions, resamples=50)
degree = benchmark.evaluate(task, task.baselines["degree"], resamples=50)
for name, score in mine.items():
    print(f"{name:18s} average precision {score.value:.3f}, {100 * score.way:.0f} % of the way")
print("failed tests:", mine.probed.failed or "none")

# %% One picture
plot_benchmark({"mine": mine, "degree": degree}, path="bring_your_own_network.png", title=task.name)
print("Picture: bring_your_own_network.png")
