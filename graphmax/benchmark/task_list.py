"""Which tasks there are: what is shown, what is asked, how large, and what an entry may spend."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from graphmax.checks import near_names

# Raised whenever the content of a task changes; results of different versions do not compare.
VERSION = 1

Attribute = Literal["rule", "hidden", "noisy", "unknown", "edges", "windows", "real"]
Draw = tuple[str, Mapping[str, Any]]

EASY: tuple[Draw, ...] = (
    ("erdos_renyi", {"mean_degree": 6.0}),
    ("barabasi_albert", {"m": 3}),
    ("watts_strogatz", {"k": 6, "p": 0.2}),
    ("random_geometric", {"mean_degree": 6.0, "dimension": 2}),
    ("stochastic_block", {"blocks": 3, "mean_degree": 6.0, "inside": 0.8}),
    ("random_tree", {}),
)
MEDIUM: tuple[Draw, ...] = (EASY[0], EASY[1], EASY[3])
HARD: tuple[Draw, ...] = EASY[:1]
HELD_OUT: tuple[Draw, ...] = (
    ("delaunay", {"dimension": 2}),
    ("configuration", {"exponent": 2.5, "least": 2}),
)
DENSE: tuple[Draw, ...] = (("erdos_renyi", {"mean_degree": 30.0}),)


@dataclass(frozen=True)
class Part:
    """Some graphs that are made in the same way: families in turn, and what the values are.

    `values` names how values of the rule tasks are changed, `noise` and `hops` what a noisy task
    asks, `shift` moves the features of a hidden task, `flipped` is the share of wrong labels that
    an unknown task shows. An `optional` part is made when somebody asks for it, and predictions
    may leave it out.
    """

    graphs: int
    num_nodes: int
    families: tuple[Draw, ...] = EASY
    values: str = "normal"
    noise: float = 1.0
    hops: int = 1
    shift: float = 0.0
    flipped: tuple[float, ...] = (0.0,)
    optional: bool = False


@dataclass(frozen=True)
class TaskSpec:
    """A task: one sentence, what is shown, its parts, and what is judged in them.

    `unit` is what gets a score: each node, each edge, or each graph as a whole. `levels` are other
    families to learn from, `budgets` numbers of labelled nodes.
    """

    name: str
    about: str
    attribute: Attribute
    train: Part
    val: Part
    test: Mapping[str, Part]
    options: Mapping[str, Any] = field(default_factory=dict)
    budgets: tuple[int, ...] = ()
    levels: Mapping[str, tuple[Draw, ...]] = field(default_factory=dict)
    unit: Literal["node", "edge", "graph"] = "node"
    metric: str = "average_precision"

    @property
    def parts(self) -> dict[str, Part]:
        """Every part that can be made: training, validation, tests, and other levels."""
        made = {"train": self.train, "val": self.val, **self.test}
        for level, families in self.levels.items():
            made[f"train-{level}"] = replace(self.train, families=families, optional=True)
            made[f"val-{level}"] = replace(self.val, families=families, optional=True)
        return made


def _rule(hops: int) -> TaskSpec:
    same = Part(60, 30, hops=hops)
    test = {
        "same": same,
        "size-100": replace(same, graphs=30, num_nodes=100),
        "size-1k": replace(same, graphs=6, num_nodes=1_000),
        "size-10k": replace(same, graphs=6, num_nodes=10_000),
        "size-100k": replace(same, graphs=1, num_nodes=100_000),
        "size-1m": replace(same, graphs=1, num_nodes=1_000_000, optional=True),
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
        levels=MappingProxyType({"medium": MEDIUM, "hard": HARD}),
    )


_FORMS = {
    "quadratic": "a quadratic function of them",
    "network": "a random network of them",
    "neighborhood": "a function of those of a node and of its neighbors",
}


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
        f"Eight features are shown, not the attribute, {_FORMS[form]}: where are its maxima?",
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


def _unknown() -> TaskSpec:
    same = Part(24, 200, EASY[:4], flipped=(0.0, 0.05, 0.2))
    test = {
        f"flipped-{round(100 * share)}": replace(same, flipped=(share,))
        for share in (0.0, 0.05, 0.2)
    }
    return TaskSpec(
        "unknown/hops",
        "The attribute is shown, and labels of half of the nodes, some of them wrong; within how "
        "many hops, from 1 to 4, are the other nodes maxima?",
        "unknown",
        replace(same, graphs=96),
        same,
        MappingProxyType(test),
        metric="f1",
    )


def _edges() -> TaskSpec:
    same = Part(40, 40)
    test = {
        "same": same,
        "size-1k": replace(same, graphs=6, num_nodes=1_000),
        "size-10k": replace(same, graphs=3, num_nodes=10_000, families=EASY[:3]),
        "degree-30": replace(same, graphs=4, num_nodes=1_000, families=DENSE),
        "family-heldout": replace(same, graphs=10, num_nodes=300, families=HELD_OUT),
        "values-shifted": replace(same, values="shifted"),
    }
    return TaskSpec(
        "edges/1-hop",
        "Edge weights are shown: which edges are the maximum of the subgraph that the neighbors "
        "of both ends induce?",
        "edges",
        replace(same, graphs=160),
        same,
        MappingProxyType(test),
        unit="edge",
    )


WINDOWS: tuple[Draw, ...] = (("window", {"radius": 1}), ("window", {"radius": 2}))
BALLS: tuple[Draw, ...] = (("ball", {"hops": 1}), ("ball", {"hops": 2}))


def _windows() -> TaskSpec:
    same = Part(200, 400, WINDOWS + BALLS)
    test = {
        "window-3": replace(same, families=WINDOWS[:1]),
        "window-5": replace(same, families=WINDOWS[1:]),
        "ball-1": replace(same, families=BALLS[:1]),
        "ball-2": replace(same, families=BALLS[1:]),
        "values-shifted": replace(same, values="shifted"),
    }
    return TaskSpec(
        "windows/centered",
        "A window of an image or the adjacency matrix of a ball, its rows in random order: is the "
        "highest value in the center?",
        "windows",
        replace(same, graphs=600),
        same,
        MappingProxyType(test),
        unit="graph",
    )


_REAL = {
    "digits": "Pixels of digits are shown, not their density: which is the most typical of its "
    "nearest neighbors?",
    "les-miserables": "Structure is shown, not how often persons meet: who meets each acquaintance "
    "more often than these do theirs?",
    "countries": "Population, continent and place are shown, not the economy: which country is "
    "richer than its neighbors?",
    "terrain": "Blurred heights and slopes of a land are shown, not the heights: where are the "
    "summits?",
    "cortex": "Curvature, thickness and area of a cortical surface are shown, not its depth: where "
    "are the crests? It needs nilearn and nibabel.",
}


def _real(name: str) -> TaskSpec:
    whole = Part(1, 0, families=((name, {}),))
    return TaskSpec(
        f"real/{name}",
        _REAL[name],
        "real",
        whole,
        whole,
        MappingProxyType({"unlabelled": whole}),
    )


SPECS: Mapping[str, TaskSpec] = MappingProxyType(
    {
        spec.name: spec
        for spec in (
            _rule(1),
            _rule(2),
            _hidden("quadratic"),
            _hidden("network"),
            _hidden("neighborhood"),
            _noisy(1, "first-order"),
            _noisy(2, "second-order"),
            _unknown(),
            _edges(),
            _windows(),
            *map(_real, _REAL),
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
    "quick": Budget(trials=2, epochs=40, seeds=3, train_nodes=2_500, seconds=600),
    "full": Budget(trials=8, epochs=300, seeds=3, train_nodes=None, seconds=3_600),
}
# learning rate, layers, weight decay: the first so many are tried
SETTINGS = (
    (5e-3, 2, 0.0), (1e-2, 3, 0.0), (2e-3, 3, 0.0), (5e-3, 3, 1e-2),
    (1e-2, 2, 1e-1), (2e-3, 4, 0.0), (5e-3, 4, 1e-1), (2e-3, 2, 1.0),
)  # fmt: skip
