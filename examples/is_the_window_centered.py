# Can a network without pooling tell a window centered on its maximum from one moved by a pixel?

# %% Windows of random pixels: centered on their maximum, or the same window moved by one pixel
import numpy as np
import torch
from skimage import data
from sklearn.metrics import f1_score
from torch import nn

from graphmax import images
from graphmax.nn import CenteredWindowCNN
from graphmax.plotting import plot_receptive_field

torch.manual_seed(0)
torch.set_num_threads(1)
rng = np.random.default_rng(0)
noise = [rng.random((300, 300), dtype=np.float32) for _ in range(2)]
train, test = (images.window_dataset(image, shift=None, seed=0) for image in noise)
moved = images.window_dataset(noise[1], shift=1, seed=0)
print(f"trained on a {train}, tested on a {test}")


# %% The network of the question: a class for the place of the maximum, asked at every position
def fit(network, loss_of, steps):
    """Take steps of Adam with one cycle of the step size."""
    optimizer = torch.optim.Adam(network.parameters())
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-2, total_steps=steps)
    for _ in range(steps):
        loss = loss_of(torch.randint(len(train), (256,)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        cycle.step()


question = CenteredWindowCNN("same", channels=16)
place = train.windows.flatten(1).argmax(dim=1)[:, None, None].expand(-1, 3, 3)
fit(question, lambda i: nn.functional.cross_entropy(question(train.windows[i]), place[i]), 400)

seen = images.receptive_field(question, (3, 3))
with torch.no_grad():
    said = question.centered_logits(test.windows) > 0
right = (said == test.labels[:, None, None]).double().mean(dim=0)
print(f"{'output':>10} {'sees':>6} {'accuracy':>8}")
for name, (row, column) in {"top left": (0, 0), "center": (1, 1), "last": (2, 2)}.items():
    pixels = seen[row, column].sum()
    print(f"{name:>10} {pixels} of 9 {right[row, column]:>8.3f}")
title = 'Two 2x2 convolutions, "same" padding: what each of the 9 outputs sees'
plot_receptive_field(seen, path="is_the_window_centered.png", title=title)
print("Picture: is_the_window_centered.png")

# %% Two networks that answer: unpadded convolutions, and the highest other pixel
learned, exact = CenteredWindowCNN("unpadded"), CenteredWindowCNN("hop_max")
labels = train.labels.float()
binary = nn.functional.binary_cross_entropy_with_logits
fit(learned, lambda i: binary(learned(train.windows[i]).flatten(), labels[i]), 1500)
print(f"{'network':>10} {'random':>8} {'moved by 1':>10}")
for network in (learned, exact):
    shares = []
    for held_out in (test, moved):
        with torch.no_grad():
            logits = network.centered_logits(held_out.windows)
        said = logits[:, logits.shape[1] // 2, logits.shape[2] // 2] > 0
        shares.append((said == held_out.labels).double().mean())
    print(f"{network.form:>10} {shares[0]:>8.4f} {shares[1]:>10.4f}")

# %% Whole images, every pixel, against the exact rule: F1, and why the learned one errs there
print(f"{'image':>8} {'maxima':>6} {'same 0,0':>8} {'same 1,1':>8} {'unpadded':>8} {'no ties':>8} "
      f"{'hop_max':>8} {'tied':>6}")  # fmt: skip
for name in ("coins", "camera", "brick"):
    image = getattr(data, name)()
    truth = images.centered(image)
    tied = images.peak_pixels(image, ties="weak") & ~truth  # as high as a neighbor: no strict one
    scores = [images.detect(network, image).scores > 0 for network in (learned, exact)]
    inner, free = (slice(1, -1), slice(1, -1)), ~tied[1:-1, 1:-1]
    parts = [truth[inner].ravel(), scores[0][inner].ravel()]
    windows = torch.from_numpy(images.windows(image, 3) / np.float32(255)).reshape(-1, 1, 3, 3)
    with torch.no_grad():
        said = question.centered_logits(windows) > 0
    same = [f1_score(parts[0], said[:, at, at]) for at in (0, 1)]
    without = f1_score(parts[0][free.ravel()], parts[1][free.ravel()])
    print(f"{name:>8} {truth.sum():>6} {same[0]:>8.3f} {same[1]:>8.3f} {f1_score(*parts):>8.3f} "
          f"{without:>8.3f} {f1_score(truth.ravel(), scores[1].ravel()):>8.3f} "
          f"{tied.sum():>6}")  # fmt: skip
