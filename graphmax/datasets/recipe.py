"""Recipes: a labelled set as a small TOML file, every refusal of one, and the graphs it gives."""

import hashlib
import json
import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.checks import near_names
from graphmax.datasets.families import ATTRIBUTES, FAMILIES, HIDDEN, Choice
from graphmax.generators import HiddenAttribute
from graphmax.graph import Graph
from graphmax.maxima import local_maxima
from graphmax.rule import Rule

SPLITS = ("train", "validation", "test")
_ALIASES = {"val": "validation"}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_TOP = {"name": str, "version": int, "seed": int, "about": str, "rule": dict}
_GROUP = {"graphs": int, "num_nodes": (int, list), "graph": dict, "attribute": dict, "noise": float}
_OPTIONAL = {"about", "noise"}


def split_name(split: Any) -> str:
    """Return the name of a split, "val" as "validation", refusing any other."""
    name = _ALIASES.get(split, split) if isinstance(split, str) else split
    if name not in SPLITS:
        raise ValueError(
            f"`split` must be 'train', 'validation' (or 'val') or 'test', got {split!r}"
        )
    return str(name)


@dataclass(frozen=True)
class Group:
    """Some graphs of a split that are made in the same way.

    Parameters
    ----------
    graphs : int
        How many.
    num_nodes : tuple of int
        Fewest and most nodes; sizes are drawn evenly on a log scale.
    family : str
        Family of graphs.
    graph : mapping
        Its options.
    kind : str
        Kind of attribute.
    attribute : mapping
        Its options.
    noise : float, default 0
        Standard deviation of what is added to the attribute before it is shown.
    """

    graphs: int
    num_nodes: tuple[int, int]
    family: str
    graph: Mapping[str, Any]
    kind: str
    attribute: Mapping[str, Any]
    noise: float = 0.0


@dataclass(frozen=True)
class Recipe:
    """A labelled set of graphs: what is drawn, what is asked, and which part is for what.

    Parameters
    ----------
    name : str
        Name of the set.
    version : int
        Raised whenever the content changes.
    seed : int
        Every graph follows from it, its split and its number.
    rule : Rule
        What "local maximum" means in this set.
    splits : mapping of str to tuple of Group
        ``train``, ``validation`` and ``test``.
    about : str
        One sentence.
    """

    name: str
    version: int
    seed: int
    rule: Rule
    splits: Mapping[str, tuple[Group, ...]]
    about: str = ""

    @property
    def digest(self) -> str:
        """SHA-256 of what the recipe says, whatever its comments and spaces."""
        said = {"name": self.name, "version": self.version, "seed": self.seed}
        rule = asdict(self.rule)
        if rule["absent"] == "pass":  # the field is younger than the sets that do not say it
            del rule["absent"]
        groups = {split: [_plain(group) for group in self.splits[split]] for split in self.splits}
        text = json.dumps({**said, "rule": rule, "splits": groups}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def num_graphs(self, split: str) -> int:
        """Return how many graphs a split has."""
        return sum(group.graphs for group in self.splits[split])


def _plain(group: Group) -> dict[str, Any]:
    said = {name: getattr(group, name) for name in group.__dataclass_fields__}
    return {**said, "graph": dict(group.graph), "attribute": dict(group.attribute)}


def read_recipe(path: str | os.PathLike[str]) -> Recipe:
    """Read a recipe.

    Parameters
    ----------
    path : str or path
        A TOML file.

    Returns
    -------
    Recipe
        The recipe.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    TypeError
        If the value of a key is of the wrong type; file and key are named.
    ValueError
        If the file is no TOML, a key is unknown or missing, a value is out of range, or the graphs
        of the test split are not larger, or not from other families too.
    """
    text = Path(path).read_bytes()
    reader = _Reader(os.fspath(path))
    try:
        document = tomllib.loads(text.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"`path` must be a TOML file, got {reader.path}: {error}") from None
    except RecursionError:
        raise ValueError(f"`path` must be a recipe, got {reader.path}, nested too deep") from None
    return reader.recipe(document)


@dataclass(frozen=True)
class _Reader:
    """Looks at the keys of one file, whose name every refusal tells."""

    path: str

    def recipe(self, document: dict[str, Any]) -> Recipe:
        known = {**_TOP, **dict.fromkeys(SPLITS, list)}
        self.keys(document, known, "")
        self.name(document["name"])
        splits = {split: self.groups(document[split], split) for split in SPLITS}
        rule = self.rule(document["rule"])
        recipe = Recipe(
            document["name"],
            document["version"],
            document["seed"],
            rule,
            MappingProxyType(splits),
            document.get("about", ""),
        )
        self.check(recipe)
        return recipe

    def name(self, name: str) -> None:
        """Refuse a name that is no plain name of a folder."""
        if not _NAME.fullmatch(name):
            raise ValueError(
                "`name` must be letters, digits, '.', '_' and '-', the first a letter or digit, "
                f"got {name!r} in {self.path}; it becomes the name of a folder"
            )

    def keys(self, table: dict[str, Any], known: Mapping[str, Any], where: str) -> None:
        for key in table:
            if key not in known:
                raise ValueError(
                    f"`{where}{key}` must not be in a recipe, got it in {self.path}; "
                    + near_names(key, list(known))
                )
        for key, kind in known.items():
            if key not in table and key not in _OPTIONAL:
                raise ValueError(f"`{where}{key}` must be given, got none in {self.path}")
            if key in table:
                self.kind(table[key], kind, where + key)

    def kind(self, value: Any, kind: Any, key: str) -> None:
        allowed = (int, float) if kind is float else kind
        if not isinstance(value, allowed) or (isinstance(value, bool) and kind is not bool):
            kinds = kind if isinstance(kind, tuple) else (kind,)
            wanted = " or ".join(_SPOKEN[one] for one in kinds)
            raise TypeError(f"`{key}` must be {wanted}, got {value!r} in {self.path}")

    def rule(self, table: dict[str, Any]) -> Rule:
        try:
            rule = Rule(**table).filled()
        except (TypeError, ValueError) as error:
            told = str(error).replace("Rule.__init__()", "a rule")
            raise type(error)(f"`rule` must hold fields of Rule: {told} in {self.path}") from None
        if rule.nan != "raise":
            raise ValueError(f"`rule.nan` must be 'raise', got {rule.nan!r} in {self.path}")
        return rule

    def groups(self, tables: list[Any], split: str) -> tuple[Group, ...]:
        if not tables:
            raise ValueError(f"`{split}` must hold at least one table, got none in {self.path}")
        return tuple(self.group(table, f"{split}[{i}]") for i, table in enumerate(tables))

    def group(self, table: Any, where: str) -> Group:
        self.kind(table, dict, where)
        self.keys(table, _GROUP, where + ".")
        family, graph = self.choice(table["graph"], "family", FAMILIES, where + ".graph")
        kind, attribute = self.choice(table["attribute"], "kind", ATTRIBUTES, where + ".attribute")
        self.least(table["graphs"], 1, where + ".graphs")
        noise = float(table.get("noise", 0.0))
        self.least(noise, 0, where + ".noise")
        sizes = self.sizes(table["num_nodes"], where + ".num_nodes")
        return Group(table["graphs"], sizes, family, graph, kind, attribute, noise)

    def sizes(self, sizes: Any, key: str) -> tuple[int, int]:
        bounds = [sizes, sizes] if isinstance(sizes, int) else sizes
        if len(bounds) != 2:
            raise ValueError(f"`{key}` must be one number or two, got {sizes} in {self.path}")
        for bound in bounds:
            self.kind(bound, int, key)
            self.least(bound, 1, key)
        if bounds[0] > bounds[1]:
            raise ValueError(f"`{key}` must not go down, got {sizes} in {self.path}")
        return bounds[0], bounds[1]

    def least(self, number: float, least: int, key: str) -> None:
        if not number >= least:
            raise ValueError(f"`{key}` must be at least {least}, got {number} in {self.path}")

    def choice(
        self, table: dict[str, Any], name: str, choices: Mapping[str, Choice], where: str
    ) -> tuple[str, Mapping[str, Any]]:
        """Read which family or kind, and its options, defaults filled in."""
        if name not in table:
            raise ValueError(f"`{where}.{name}` must be given, got none in {self.path}")
        chosen = table[name]
        if chosen not in choices:
            raise ValueError(
                f"`{where}.{name}` must be a known one, got {chosen!r} in {self.path}; "
                + near_names(str(chosen), list(choices))
            )
        options = choices[chosen].options
        given = {key: value for key, value in table.items() if key != name}
        defaults = {key: value for key, (_, value) in options.items() if value is not None}
        self.keys({**defaults, **given}, {k: kind for k, (kind, _) in options.items()}, where + ".")
        return chosen, MappingProxyType({**defaults, **given})

    def check(self, recipe: Recipe) -> None:
        """Refuse a test split that asks for no more than the training split showed."""
        train, test = recipe.splits["train"], recipe.splits["test"]
        largest = max(group.num_nodes[1] for group in train)
        if min(group.num_nodes[0] for group in test) <= largest:
            raise ValueError(
                f"`test` must hold larger graphs than `train`, which go up to {largest} nodes, "
                f"in {self.path}"
            )
        if {group.family for group in test} <= {group.family for group in train}:
            raise ValueError(f"`test` must hold another family than `train` too, in {self.path}")
        groups = [group for split in recipe.splits.values() for group in split]
        bare = [group.family for group in groups if not FAMILIES[group.family].weighted]
        if recipe.rule.radius is not None and bare:
            raise ValueError(
                f"`rule.radius` must be used with families that have weights, got {bare[0]!r} "
                f"in {self.path}"
            )


_SPOKEN = {
    str: "text",
    int: "an integer",
    float: "a number",
    dict: "a table",
    list: "a list",
}


# Streams of a recipe: the splits, then what all graphs share.
_SHARED = len(SPLITS)


def sample_graphs(recipe: Recipe, split: str) -> Iterator[Graph]:
    """Make the labelled graphs of a split, one after the other.

    Parameters
    ----------
    recipe : Recipe
        The recipe.
    split : {"train", "validation", "val", "test"}
        Which part.

    Yields
    ------
    Graph
        With the attributes ``x`` (num_nodes, F) float64, what is shown, ``value`` (num_nodes,),
        what the question is about, and ``is_maximum`` bool (num_nodes,).

    Raises
    ------
    ValueError
        If there is no such split.

    Examples
    --------
    >>> from graphmax.datasets import named_recipe, sample_graphs
    >>> first = next(sample_graphs(named_recipe("independent"), "train"))
    >>> list(first.attributes)
    ['x', 'value', 'is_maximum']
    """
    split = split_name(split)
    return (sample_graph(recipe, split, i) for i in range(recipe.num_graphs(split)))


def sample_graph(recipe: Recipe, split: str, number: int) -> Graph:
    """Make one graph of a split; it depends on no other."""
    rng = np.random.default_rng([recipe.seed, SPLITS.index(split), number])
    group = _group_of(recipe.splits[split], number)
    graph = _drawn(group, rng)
    x, values = _attribute(recipe, group, graph, rng)
    if group.noise and group.kind != HIDDEN:
        x = x + group.noise * rng.standard_normal(x.shape)
    bare = graph if recipe.rule.radius is not None else Graph(graph.indptr, graph.indices)
    mask = local_maxima(bare, values, rule=recipe.rule)
    return bare.replace(attributes={"x": x, "value": values, "is_maximum": mask})


def _group_of(groups: Sequence[Group], number: int) -> Group:
    ends = np.cumsum([group.graphs for group in groups])
    return groups[int(np.searchsorted(ends, number, side="right"))]


def _drawn(group: Group, rng: np.random.Generator) -> Graph:
    low, high = group.num_nodes
    size = int(np.clip(round(np.exp(rng.uniform(np.log(low), np.log(high)))), low, high))
    graph: Graph = FAMILIES[group.family].make(size, **group.graph, rng=rng)
    return graph


def _attribute(
    recipe: Recipe, group: Group, graph: Graph, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[Any]]:
    if group.kind == HIDDEN:
        f = _hidden_function(recipe, group)
        x = f.features(graph.num_nodes, generator=rng)
        values = f(x)
        return x, values + group.noise * rng.standard_normal(values.size)
    values = ATTRIBUTES[group.kind].make(graph, **group.attribute, rng=rng)
    return values.astype(np.float64)[:, None], values


def _hidden_function(recipe: Recipe, group: Group) -> HiddenAttribute:
    """Draw the function that all graphs of the recipe share."""
    rng = np.random.default_rng([recipe.seed, _SHARED])
    options = group.attribute
    return HiddenAttribute.draw(options["form"], options["num_features"], generator=rng)
