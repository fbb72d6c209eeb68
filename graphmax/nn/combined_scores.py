"""Scores made of scores: their sum, and the highest of them."""

from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from graphmax.nn.scores import Score, Scored, scored
from graphmax.nn.steps import Steps


class _Combined(Score):
    """Several scores of the same features, each with a factor of its own that is learned."""

    def __init__(self, parts: Sequence[Score]) -> None:
        super().__init__()
        parts = list(parts)
        if len(parts) < 2 or not all(isinstance(part, Score) for part in parts):
            raise TypeError(f"`parts` must be at least two scores, got {parts!r}")
        widths = {part.in_channels for part in parts}
        if len(widths) > 1:
            raise ValueError(f"`parts` must take features of one width, got {sorted(widths)}")
        self.scores = nn.ModuleList(parts)
        self.in_channels = parts[0].in_channels
        self.members = max(part.members for part in parts)
        self.receptive_hops = max(part.receptive_hops for part in parts)
        self.finite = any(part.finite for part in parts)
        self.learning_rate = min(part.learning_rate for part in parts)
        self.weight_decay = min(part.weight_decay for part in parts)
        self.epochs = max(part.epochs for part in parts)
        self.log_factors = nn.Parameter(torch.zeros(len(parts), dtype=torch.float64))

    def _each(self) -> list[Score]:
        return cast("list[Score]", list(self.scores))

    def reset_parameters(self, generator: torch.Generator) -> None:
        """Draw the weights of every part, and start with factors of 1."""
        nn.init.zeros_(self.log_factors)
        for part in self._each():
            part.reset_parameters(generator)

    def adapt(self, x: Tensor) -> None:
        """Take the scale of the features for every part."""
        for part in self._each():
            part.adapt(x)

    def complaint(self, x: Tensor) -> str:
        """Say the first thing that a part finds wrong."""
        return next(filter(None, (part.complaint(x) for part in self._each())), "")

    def config(self) -> dict[str, Any]:
        """Return the descriptions of the parts."""
        from graphmax.nn.parts import described

        return {"parts": [described(part) for part in self._each()]}

    def _opinions(self, x: Tensor, steps: Steps) -> Tensor:
        """Return what each part says times its factor, (parts, num_nodes, members)."""
        means = [scored(part(x, steps)).mean.double() for part in self._each()]
        several = self.members
        full = [mean if mean.shape[1] == several else mean.mean(1, keepdim=True) for mean in means]
        stacked = torch.stack([mean.expand(-1, several) for mean in full])
        return self.log_factors.exp()[:, None, None] * stacked


class Sum(_Combined):
    """The sum of scores, each times a positive factor that is learned.

    Parameters
    ----------
    parts : sequence of Score
        At least two, of features of one width.

    Examples
    --------
    >>> from graphmax.nn import FeatureScore, PeakDetector, SignHead, Sum
    >>> score = Sum([FeatureScore(3, width=8), FeatureScore(3, width=4, members=1)])
    >>> PeakDetector.composed(score, SignHead(2)).hops_
    2
    """

    def forward(self, x: Tensor, steps: Steps) -> Scored:
        """Return the sum, (num_nodes, members)."""
        return Scored(self._opinions(x, steps).sum(0))


class Max(_Combined):
    """The highest of scores, each times a positive factor that is learned.

    Parameters
    ----------
    parts : sequence of Score
        At least two, of features of one width.
    """

    def forward(self, x: Tensor, steps: Steps) -> Scored:
        """Return the highest, (num_nodes, members)."""
        return Scored(self._opinions(x, steps).amax(0))
