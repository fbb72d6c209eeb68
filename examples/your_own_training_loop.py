# How does a detector fit into a training loop of my own, or into any trainer?
# %%
import numpy as np
import torch
from torch_geometric.loader import DataLoader

import graphmax as gm
from graphmax.generators import barabasi_albert, erdos_renyi
from graphmax.symmetry import assert_equivariant, permutation

torch.set_num_threads(1)
torch.manual_seed(0)
rng = np.random.default_rng(0)
weights = rng.normal(size=4)


def labelled(graph):
    """Four features are shown; the attribute that makes the maxima is a function of them."""
    x = rng.normal(size=(graph.num_nodes, 4))
    hidden = x @ weights + np.abs(x[:, 0])
    data = graph.to_data()
    data.x, data.y = torch.from_numpy(x), torch.from_numpy(gm.local_maxima(graph, hidden))
    return data


train = [labelled(erdos_renyi(60, 6 / 60, generator=rng)) for _ in range(40)]
val = [labelled(erdos_renyi(60, 6 / 60, generator=rng)) for _ in range(8)]
test = [labelled(barabasi_albert(2_000, 3, generator=rng))]

# %% A plain loop. `detector.loss` is all that a trainer needs: Lightning's `training_step`,
# Ignite's engine or Accelerate call it the same way.
detector = gm.PeakDetector(4)
optimizer = torch.optim.Adam(detector.parameters(), lr=1e-2)
schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 30)
best, kept = np.inf, {}
for epoch in range(30):
    detector.train()
    for batch in DataLoader(train, batch_size=10, shuffle=True):
        optimizer.zero_grad()
        detector.loss(batch).backward()
        optimizer.step()
    schedule.step()
    detector.eval()
    with torch.no_grad():
        loss = float(np.mean([detector.loss(data) for data in val]))
    if loss < best:
        best, kept = loss, {name: each.clone() for name, each in detector.state_dict().items()}
    if epoch % 10 == 9:
        print(f"epoch {epoch + 1:2d}: validation loss {loss:.4f}")
detector.load_state_dict(kept)

# %% Beside `fit`, which does the same with its defaults
other = gm.PeakDetector(4)
gm.fit(other, train, validation=val, epochs=30, progress=False)
for name, each in (("own loop", detector), ("gm.fit", other)):
    found = gm.evaluate(each, test, resamples=0)
    print(
        f"{name:>8}: average precision {found.average_precision:.3f} on 2,000 nodes, another family"
    )

# %% Parts of one's own are tested like this: nodes renumbered, answers renumbered.
graph, x = gm.as_graph(test[0]), test[0].x[:, 0].numpy()
one = gm.PeakDetector()
assert_equivariant(lambda graph, x: one.predict((graph, x)), permutation(), (graph, x))
print("renumbering the nodes renumbers the answers, and changes none")
