"""Attributes that know nothing of the graph: independent values, with ties or without."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from graphmax.checks import integer, node_count, one_of, random_generator

_Draw = Callable[[np.random.Generator, int], NDArray[np.float64]]

FAMILIES: dict[str, _Draw] = {
    "normal": lambda rng, n: rng.standard_normal(n),
    "uniform": lambda rng, n: rng.random(n),
    "exponential": lambda rng, n: rng.standard_exponential(n),
    "lognormal": lambda rng, n: rng.lognormal(0.0, 1.0, n),
    "cauchy": lambda rng, n: rng.standard_cauchy(n),
    "pareto": lambda rng, n: rng.pareto(1.5, n),
}


def independent_values(
    num_nodes: int, family: str = "normal", *, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Draw a value for every node, each independent of all others.

    Parameters
    ----------
    num_nodes : int
        Number of nodes.
    family : str, default "normal"
        Distribution: normal, uniform, exponential, lognormal, cauchy or pareto (shape 1.5), each
        in its standard form.
    generator : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    float64 (num_nodes,)
        The values, almost surely without ties.

    Raises
    ------
    TypeError
        If an argument is of the wrong kind.
    ValueError
        If there is no such family.

    Notes
    -----
    A node is a strict maximum with probability 1 / (nodes of its ball), whatever the family.

    Examples
    --------
    >>> import numpy as np
    >>> from graphmax.generators import independent_values
    >>> independent_values(3, "uniform", generator=np.random.default_rng(0)).round(2)
    array([0.64, 0.27, 0.04])
    """
    one_of(family, "family", FAMILIES)
    return FAMILIES[family](random_generator(generator), node_count(num_nodes))


def tied_values(
    num_nodes: int, levels: int, *, generator: np.random.Generator
) -> NDArray[np.int64]:
    """Draw integers from few levels, so that ties are the rule.

    Parameters
    ----------
    num_nodes : int
        Number of nodes.
    levels : int
        Number of different values, at least 1.
    generator : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    int64 (num_nodes,)
        Integers from 0 to ``levels - 1``, each as likely.

    Raises
    ------
    TypeError
        If an argument is of the wrong kind.
    ValueError
        If `levels` is below 1.

    Examples
    --------
    >>> import numpy as np
    >>> from graphmax.generators import tied_values
    >>> tied_values(6, 3, generator=np.random.default_rng(0))
    array([2, 1, 1, 0, 0, 0])
    """
    levels, count = integer(levels, "levels", 1), node_count(num_nodes)
    return random_generator(generator).integers(0, levels, count)
