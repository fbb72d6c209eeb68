"""Which tasks there are: what is shown, what is asked, and how large each part is."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal

from graphmax.checks import near_names

# Raised whenever the content of a task changes; results of different versions do not compare.
VERSION = 0

Attribute = Literal["rule", "hidden", "noisy"]
Draw = tuple[str, Mapping[str, Any]]

EASY: tuple[Draw, ...] = (
    ("erdos_renyi", {"mean_degree": 6.0}),
    ("barabasi_albert", {"m": 3}),
    ("watts_strogatz", {"k": 6, "p": 0.2}),
    ("random_geometric", {"mean_degree": 6.0, "dimension": 2}),
    ("stochastic_block", {"blocks": 3, "mean_degree": 6.0, "inside": 0.8}),
    ("random_tree", {}),
)
HELD_OUT: tuple[Draw, ...] = (
    ("delaunay", {"dimension": 2}),
    ("configuration", {"exponent": 2.5, "least": 2}),
)
DENSE: tuple[Draw, ...] = (("erdos_renyi", {"mean_degree": 30.0}),)


@dataclass(frozen=True)
class Part:
    """Some graphs that are made in the same way: families in turn, and what the values are.

    `values` names how values of the rule tasks are changed, `noise` and `hops` what a noisy task
    asks, `shift` moves the features of a hidden task.
    """

    graphs: int
    num_nodes: int
    families: tuple[Draw, ...] = EASY
    values: str = "normal"
    noise: float = 1.0
    hops: int = 1
    shift: float = 0.0


@dataclass(frozen=True)
class TaskSpec:
    """A task: one sentence, what is shown, and its parts."""

    name: str
    about: str
    attribute: Attribute
    train: Part
    val: Part
    test: Mapping[str, Part]
    options: Mapping[str, Any] = field(default_factory=dict)
    budgets: tuple[int, ...] = ()


def _rule(hops: int) -> TaskSpec:
    same = Part(60, 30, hops=hops)
    test = {
        "same": same,
        "size-100": replace(same, graphs=30, num_nodes=100),
        "size-1k": replace(same, graphs=6, num_nodes=1_000),
        "size-10k": replace(same, graphs=6, num_nodes=10_000),
        "size-100k": replace(same, graphs=1, num_nodes=100_000),
        "degree-30": replace(same, graphs=4, num_nodes=2_000 * 10 ** (hops - 1), families=DENSE),
        "family-heldout": replace(same, graphs=10, num_nodes=300, families=HELD_OUT),
        "values-shifted": replace(same, values="shifted"),
        "values-scaled": replace(same, values="scaled"),
        "values-monotone": replace(same, values="monotone"),
        "near-ties": replace(same, values="near-ties"),
        "quantized": replace(same, values="quantized"),
    }
    word = "neighbors" if hops == 1 else f"nodes within {hops} hops"
    return TaskSpec(
        f"rule/{hops}-hop",
        f"The attribute is shown: which nodes are higher than all {word}?",
        "rule",
        replace(same, graphs=240),
        same,
        MappingProxyType(test),
    )


def _hidden(form: str) -> TaskSpec:
    same = Part(40, 50)
    test = {
        "same": replace(same, num_nodes=500),
        "family-heldout": replace(same, num_nodes=500, families=HELD_OUT),
        "degree-30": replace(same, graphs=6, num_nodes=2_000, families=DENSE),
        "features-shifted": replace(same, num_nodes=500, shift=0.5),
    }
    return TaskSpec(
        f"hidden/{form}",
        f"Eight features are shown; the attribute is a {form} function of them that nobody tells.",
        "hidden",
        replace(same, graphs=200),
        same,
        MappingProxyType(test),
        MappingProxyType({"kind": form, "num_features": 8}),
        budgets=(500, 2_000, 10_000),
    )


def _noisy(order: int, word: str) -> TaskSpec:
    same = Part(20, 200, HELD_OUT[:1] + EASY[:3])
    large = replace(same, graphs=4, num_nodes=2_000)
    test = {
        "noise-0.3": replace(large, noise=0.3),
        "noise-1": large,
        "noise-2": replace(large, noise=2.0),
        "two-hops": replace(large, hops=2),
    }
    return TaskSpec(
        f"noisy/{word}",
        f"A {word} Gaussian field is seen with noise of unknown size: where are its own maxima?",
        "noisy",
        replace(same, graphs=60),
        same,
        MappingProxyType(test),
        MappingProxyType({"kappa": 0.5, "order": order}),
    )


SPECS: Mapping[str, TaskSpec] = MappingProxyType(
    {
        spec.name: spec
        for spec in (
            _rule(1),
            _rule(2),
            _hidden("quadratic"),
            _hidden("network"),
            _noisy(1, "first-order"),
            _noisy(2, "second-order"),
        )
    }
)


def tasks() -> dict[str, str]:
    """List the tasks.

    Returns
    -------
    dict of str to str
        One sentence for each name.

    Examples
    --------
    >>> from graphmax import benchmark
    >>> list(benchmark.tasks())[:2]
    ['rule/1-hop', 'rule/2-hop']
    """
    return {name: spec.about for name, spec in SPECS.items()}


def spec_of(name: Any) -> TaskSpec:
    """Return the specification of a task, refusing a name that is none."""
    if name not in SPECS:
        raise ValueError(
            f"`task` must be the name of a task, got {name!r}; {near_names(str(name), list(SPECS))}"
        )
    return SPECS[name]
