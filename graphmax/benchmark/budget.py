"""The stated budget of a track: what every trained entry may spend, on validation only."""

from typing import NamedTuple


class Budget(NamedTuple):
    """What each trained entry may spend on a task.

    ``trials`` settings are tried, each for ``epochs`` steps over all training graphs, and the one
    with the best average precision on validation is kept; ``seeds`` weights are trained with it.
    ``train_nodes`` limits the training graphs; no trial begins after ``seconds``.
    """

    trials: int
    epochs: int
    seeds: int
    train_nodes: int | None
    seconds: float


TRACKS = {
    "quick": Budget(trials=2, epochs=40, seeds=1, train_nodes=2_500, seconds=60),
    "full": Budget(trials=8, epochs=300, seeds=3, train_nodes=None, seconds=3_600),
}
# learning rate, layers, weight decay: the first so many are tried
SETTINGS = (
    (5e-3, 2, 0.0), (1e-2, 3, 0.0), (2e-3, 3, 0.0), (5e-3, 3, 1e-2),
    (1e-2, 2, 1e-1), (2e-3, 4, 0.0), (5e-3, 4, 1e-1), (2e-3, 2, 1.0),
)  # fmt: skip
