# Can a network without pooling tell a window centered on its maximum from one that is not?

# %% Balanced windows of uniform pixels: half of them have their maximum in the center
import networkx as nx
import numpy as np
import torch
from skimage import data
from torch import nn

import graphmax as gm
from graphmax import images
from graphmax.nn import CenteredWindowCNN
from graphmax.plotting import plot_receptive_field

torch.manual_seed(0)
torch.set_num_threads(1)
rng = np.random.default_rng(0)
train, test = (images.window_dataset(rng.random((600, 600), np.float32), shift=None, seed=0)
               for _ in range(2))  # fmt: skip


# The same number of steps for every network: Adam, one cycle of the step size
def fit(network, logit_of, windows, labels, steps=1500):
    optimizer = torch.optim.Adam(network.parameters())
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-2, total_steps=steps)
    for _ in range(steps):
        chosen = torch.randint(len(labels), (256,))
        logits = logit_of(network, windows[chosen])
        loss = nn.functional.binary_cross_entropy_with_logits(logits, labels[chosen].float())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        cycle.step()


def ceiling(seen, count=1_000_000):
    """Return the share of right answers of whoever knows P(centered | the pixels seen)."""
    pixels, seen = rng.random((count, 9))[:, seen.ravel()], seen.ravel()
    highest, hidden = pixels.max(axis=1), 9 - seen.sum()
    chance = (1 - highest**hidden) / hidden if hidden else 0  # the center is hidden and highest
    if seen[4]:  # it beats the pixels that are seen, and must beat the hidden ones too
        chance = (pixels[:, seen[:4].sum()] == highest) * highest**hidden
    yes = chance > 1 / 9  # balanced: of nine windows one is centered
    return (np.average(yes, weights=chance) + np.average(~yes, weights=1 - chance)) / 2


# %% The network of the question: 2x2, "same", dense, read at one output; and two to compare with
question = [CenteredWindowCNN("same", channels=(128, 64)) for _ in range(4)]
whole, middle, unpadded = slice(None), slice(1, 2), CenteredWindowCNN()
for name, network, at, part in (
    ("top-left", question[0], (0, 0), whole), ("center", question[1], (1, 1), whole),
    ("last", question[2], (2, 2), whole), ("center-pixel-alone", question[3], (0, 0), middle),
    ("unpadded", unpadded, (0, 0), whole),
):  # fmt: skip
    seen = np.zeros((3, 3), bool)
    seen[part, part] = images.receptive_field(network, seen[part, part].shape)[at]

    def read(network, windows, at=at, part=part):
        return network.centered_logits(windows[:, :, part, part], at)

    fit(network, read, train.windows, train.labels)
    with torch.no_grad():
        reached = ((read(network, test.windows) > 0) == test.labels).double().mean()
    print(f"{name} sees {seen.sum()} of 9 reached {reached:.4f}", f"ceiling {ceiling(seen):.4f}")
print("Pooling was not what was missing: the output that sees all nine pixels learns the answer, "
      "and no training lifts another above what it sees.")  # fmt: skip
plot_receptive_field(images.receptive_field(question[0], (3, 3)), path="what_outputs_see.png")
print("Picture: what_outputs_see.png")

# %% From windows that are nearly centered to the exact pixel: suppress all but the best nearby
image = data.coins()[:200].astype(np.float32) + rng.random((200, 384), dtype=np.float32)
truth, found = images.centered(image), images.detect(unpadded, image, scale=1 / 255)
print(f"coins: {truth.sum()} maxima, {(found.scores > 0).sum()} windows claimed, "
      f"{len(found.pixels)} kept, {(found.mask & truth).sum()} at the exact pixel")  # fmt: skip


# %% The same question on a subgraph adjacency matrix: the order of its rows is no picture
def pooled(network, matrix, center=0):
    values = matrix.diagonal(dim1=1, dim2=2)
    hidden = network[0]((values - values[:, [center]])[..., None]).relu()
    others = (matrix[:, center] > 0) & (torch.arange(values.shape[1]) != center)
    return network[1]((hidden * others[..., None]).amax(1))[:, 0]


graph = gm.as_graph(nx.random_regular_graph(8, 4000, seed=0))
balls = gm.neighborhoods(graph, rng.random(4000), hops=1, layout="dense")
matrices = torch.from_numpy(balls.adjacency).float()
matrices = matrices + torch.diag_embed(torch.from_numpy(balls.values).float())
labels, order = torch.from_numpy(balls.labels()), [5, 2, 8, 1, 7, 4, 6, 3, 0]
cnn = nn.Sequential(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Flatten(), nn.Linear(1568, 64), nn.ReLU(),
                    nn.Linear(64, 1))  # fmt: skip
sets = nn.ModuleList([nn.Linear(1, 64), nn.Linear(64, 1)])
fit(cnn, lambda net, x: net(x[:, None])[:, 0], matrices[:3000], labels[:3000])
fit(sets, pooled, matrices[:3000], labels[:3000])
for name, rows, center in (("root first", list(range(9)), 0), ("rows shuffled", order, 8)):
    asked = matrices[3000:][:, rows][:, :, rows]
    with torch.no_grad():
        answers = cnn(asked[:, None])[:, 0] > 0, pooled(sets, asked, center) > 0
    right = [(answer == labels[3000:]).double().mean() for answer in answers]
    print(f"{name}: CNN on the matrix {right[0]:.3f}, permutation-equivariant {right[1]:.3f}")
