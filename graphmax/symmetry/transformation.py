"""What a transformation is, and one draw of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphmax.symmetry.sample import Net, Picture, Sample

Act = Callable[[Any], Any]


@dataclass(frozen=True)
class Move:
    """One draw of a transformation.

    Parameters
    ----------
    moved : Sample
        The transformed input.
    act : callable or None
        How the transformation acts on an output that has the node axis or both pixel axes; None
        where it does not act on outputs at all.
    told : str
        The draw in words, for a counterexample.
    restrict : callable or None
        Picks the part of an output that is compared for invariance; None compares all of it.
    companion : Sample or None
        A second input whose output `act` needs: it is then called with both.
    axes : {"nodes", "pixels", "entries"}
        What an output needs to be acted on: the node axis, both pixel axes, or either and numbers.
    """

    moved: Sample
    act: Callable[..., Any] | None = None
    told: str = ""
    restrict: Act | None = None
    companion: Sample | None = None
    axes: str = "nodes"


Draw = Callable[[np.random.Generator, Sample], Move]


@dataclass(frozen=True)
class Transformation:
    """A transformation of inputs, drawn anew in every trial.

    Parameters
    ----------
    name : str
        How the verdict calls it.
    draw : callable
        From a generator and an input to a `Move`.
    on : {"graph", "image", "any"}
        Which inputs it applies to.

    Examples
    --------
    >>> from graphmax.symmetry import rotation
    >>> rotation(1).name
    'rotation(1)'
    """

    name: str
    draw: Draw
    on: str = "any"

    def applies_to(self, sample: Sample) -> bool:
        """Report whether the transformation acts on such an input.

        Parameters
        ----------
        sample : Sample
            The input, taken apart.

        Returns
        -------
        bool
            Whether it does.
        """
        if self.on == "graph":
            return isinstance(sample, Net)
        return self.on == "any" or (isinstance(sample, Picture) and sample.array.ndim >= 2)

    def __repr__(self) -> str:
        """Return the name."""
        return self.name
