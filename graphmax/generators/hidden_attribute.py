"""Attributes that nobody is shown: a function of features that are."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphmax.checks import integer, node_count, one_of, random_generator

KINDS = ("linear", "quadratic", "network")
_WIDTH = 32


@dataclass(frozen=True, eq=False)
class HiddenAttribute:
    """A random function f of features: ``values = f(x)`` is hidden, ``x`` is given.

    Draw it once with `HiddenAttribute.draw` and use it on many graphs; labels of maxima identify f
    only up to an increasing map.

    Parameters
    ----------
    kind : {"linear", "quadratic", "network"}
        ``linear``: ``a . x``. ``quadratic``: ``a . x + x . A x``. ``network``: a random network of
        32 hidden tanh units.
    linear : float64 (num_features,)
        The vector a; zeros for a network.
    matrix : float64
        The matrix A (num_features, num_features), or the inner weights (num_features, 32).
    readout : float64 (32,)
        Outer weights of the network, empty for the other kinds.
    """

    kind: str
    linear: NDArray[np.float64]
    matrix: NDArray[np.float64]
    readout: NDArray[np.float64]

    @classmethod
    def draw(
        cls, kind: str = "quadratic", num_features: int = 8, *, generator: np.random.Generator
    ) -> "HiddenAttribute":
        """Draw a function.

        Parameters
        ----------
        kind : {"linear", "quadratic", "network"}, default "quadratic"
            Its form.
        num_features : int, default 8
            Number of features.
        generator : numpy.random.Generator
            Source of randomness.

        Returns
        -------
        HiddenAttribute
            The function.

        Raises
        ------
        TypeError
            If an argument is of the wrong kind.
        ValueError
            If there is no such kind, or no feature.

        Examples
        --------
        >>> import numpy as np
        >>> from graphmax.generators import HiddenAttribute
        >>> rng = np.random.default_rng(0)
        >>> f = HiddenAttribute.draw("quadratic", generator=rng)
        >>> x = f.features(5, generator=rng)
        >>> x.shape, f(x).shape
        ((5, 8), (5,))
        """
        one_of(kind, "kind", KINDS)
        size, rng = integer(num_features, "num_features", 1), random_generator(generator)
        linear = rng.standard_normal(size) / np.sqrt(size)
        if kind == "network":
            inner = rng.standard_normal((size, _WIDTH)) * 2 / np.sqrt(size)
            return cls(kind, np.zeros(size), inner, rng.standard_normal(_WIDTH) / np.sqrt(_WIDTH))
        matrix = rng.standard_normal((size, size)) / size
        return cls(kind, linear, matrix * float(kind == "quadratic"), np.empty(0))

    def features(self, num_nodes: int, *, generator: np.random.Generator) -> NDArray[np.float64]:
        """Draw standard normal features of shape (num_nodes, num_features)."""
        return random_generator(generator).standard_normal(
            (node_count(num_nodes), self.linear.size)
        )

    def __call__(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the attribute float64 (num_nodes,) of features (num_nodes, num_features)."""
        if x.ndim != 2 or x.shape[1] != self.linear.size:
            raise ValueError(f"`x` must have shape (num_nodes, {self.linear.size}), got {x.shape}")
        values: NDArray[np.float64]
        if self.kind == "network":
            values = np.tanh(x @ self.matrix) @ self.readout
        else:
            values = x @ self.linear + ((x @ self.matrix) * x).sum(axis=1)
        return values
