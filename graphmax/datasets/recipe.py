"""Recipes: a labelled set as a small TOML file, every refusal of one, and the sets made of them.

A made set lies in a folder, sealed by its hashes; the recipes of the named sets are shipped.
"""

import hashlib
import json
import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.atomic import PREFIX
from graphmax.checks import near_names
from graphmax.datasets.hard_examples import ATTRIBUTES, FAMILIES, HIDDEN, Choice
from graphmax.files import read_graph, write_graph
from graphmax.generators import HiddenAttribute
from graphmax.graph import Graph
from graphmax.kernels.compiled import tell
from graphmax.machine import dataset_path
from graphmax.maxima import local_maxima
from graphmax.rule import Rule
from graphmax.sealed import Format, read_document, write_document

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


# --- A made set in a folder, sealed by its hashes, and the named sets whose recipes are shipped

MANIFEST = "manifest.json"
SET = Format("graphmax-set", 1, "folder", "a set that graphmax made")
_FILE_NAME = re.compile(rf"({'|'.join(SPLITS)})/\d{{6,}}\.npz")
_PACKAGES = ("graphmax", "numpy", "scipy", "numba")


def generate(recipe: Recipe, folder: str | os.PathLike[str]) -> dict[str, Any]:
    """Make a set in a folder; go on where an interrupted call stopped.

    The folder gets one ``.npz`` a graph in ``train/``, ``validation/`` and ``test/``, and
    ``manifest.json`` with the recipe, the versions of the packages, counts and the SHA-256 of
    every file.

    Parameters
    ----------
    recipe : Recipe
        What to make.
    folder : str or path
        Where; made if it is not there.

    Returns
    -------
    dict
        The manifest.

    Raises
    ------
    ValueError
        If the folder holds something else, or was begun with another recipe or other versions.
    OSError
        If it cannot be written; a file is there whole or not at all.

    Notes
    -----
    A complete folder is checked by its hashes and left as it is. No file is overwritten.
    """
    place = Path(folder)
    begun = _claim(recipe, place)
    if begun["complete"]:
        _verify(place, begun["files"])
        return begun
    names = [(split, number) for split in SPLITS for number in range(recipe.num_graphs(split))]
    for done, (split, number) in enumerate(names):
        tell("generating graphs", done, len(names))
        path = place / _file(split, number)
        if not path.exists():
            write_graph(sample_graph(recipe, split, number), path)
    write_document(SET, place / MANIFEST, {**begun, "complete": True, **_described(recipe, place)})
    manifest = read_manifest(place)
    tell("generating graphs", len(names), len(names))
    return manifest


def read_folder(folder: str | os.PathLike[str], split: str) -> list[Graph]:
    """Read the labelled graphs of a split of a made set.

    Parameters
    ----------
    folder : str or path
        What `generate` filled.
    split : {"train", "validation", "val", "test"}
        Which part.

    Returns
    -------
    list of Graph
        With the attributes ``x``, ``value`` and ``is_maximum``.

    Raises
    ------
    FileNotFoundError
        If the folder has no manifest.
    ValueError
        If the set is not complete, or a file is missing or does not have its SHA-256.
    """
    split = split_name(split)
    place, manifest = Path(folder), read_manifest(folder)
    if not manifest["complete"]:
        raise ValueError(f"`folder` must hold a complete set, got {place}; call generate again")
    files = {name: digest for name, digest in manifest["files"].items() if _split_of(name) == split}
    _verify(place, files)
    return [read_graph(place / name) for name in sorted(files)]


def read_manifest(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """Read what a folder says of itself."""
    path = Path(folder) / MANIFEST
    if not path.is_file():
        raise FileNotFoundError(f"`folder` must hold a {MANIFEST}, got {folder}")
    manifest = read_document(SET, path)
    files = manifest.get("files")
    if not isinstance(manifest.get("complete"), bool) or not isinstance(files, dict):
        raise SET.refusal(path, "without a list of files", "delete the folder, generate it again")
    odd = [name for name in files if not _FILE_NAME.fullmatch(name)]
    if odd or (manifest["complete"] and not files):
        raise SET.refusal(path, f"with the files {odd[:5]}", "delete the folder, generate it again")
    return manifest


def _file(split: str, number: int) -> str:
    return f"{split}/{number:06d}.npz"


def _split_of(name: str) -> str:
    return name.partition("/")[0]


def _claim(recipe: Recipe, place: Path) -> dict[str, Any]:
    """Begin a folder, or check that it was begun by the same recipe and versions."""
    asked = {
        "name": recipe.name,
        "version": recipe.version,
        "recipe_sha256": recipe.digest,
        "recipe": _spoken(recipe),
        "versions": {name: version(name) for name in _PACKAGES},
    }
    if (place / MANIFEST).exists():
        begun = read_manifest(place)
        _refuse_other(begun, asked, place)
    else:
        place.mkdir(parents=True, exist_ok=True)
        if any(not path.name.startswith(PREFIX) for path in place.iterdir()):
            raise ValueError(
                f"`folder` must be new, empty or begun by generate, got {place} with other files"
            )
        begun = {**asked, "complete": False, "files": {}}
        write_document(SET, place / MANIFEST, begun)
    for split in SPLITS:
        (place / split).mkdir(exist_ok=True)
    return begun


def _refuse_other(begun: dict[str, Any], asked: dict[str, Any], place: Path) -> None:
    if begun.get("recipe_sha256") != asked["recipe_sha256"]:
        raise ValueError(
            f"`folder` must not hold another recipe's set, got {begun.get('name')!r} version "
            f"{begun.get('version')} in {place}; take another folder"
        )
    if not begun["complete"] and begun.get("versions") != asked["versions"]:
        raise ValueError(
            f"`folder` must be finished by the versions that began it, got {begun.get('versions')} "
            f"in {place}; delete it, or take another folder"
        )


def _spoken(recipe: Recipe) -> dict[str, Any]:
    said = {name: value for name, value in vars(recipe).items() if name not in ("rule", "splits")}
    splits = {name: [_spoken_group(group) for group in recipe.splits[name]] for name in SPLITS}
    return {**said, "rule": vars(recipe.rule), **splits}


def _spoken_group(group: Group) -> dict[str, Any]:
    return {**vars(group), "graph": dict(group.graph), "attribute": dict(group.attribute)}


def _described(recipe: Recipe, place: Path) -> dict[str, Any]:
    files, counts = {}, {}
    for split in SPLITS:
        names = [_file(split, number) for number in range(recipe.num_graphs(split))]
        files.update({name: _digest(place / name) for name in names})
        counts[split] = counted(read_graph(place / name) for name in names)
    return {"files": files, "counts": counts}


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _verify(place: Path, files: dict[str, str]) -> None:
    for name, digest in files.items():
        path = place / name
        if not path.is_file():
            raise ValueError(f"`folder` must hold every file of its manifest, got no {path}")
        if _digest(path) != digest:
            raise ValueError(
                f"`folder` must hold the files of its manifest, got other content in {path}; "
                "delete the folder and generate it again"
            )


def counted(graphs: Iterator[Graph]) -> dict[str, Any]:
    """Count what a card tells of a split.

    The entries are ``graphs``, fewest and most nodes, sums of ``nodes`` and ``edges``, the
    shares of nodes that are maxima, have a neighbor of equal value, and have no neighbor; and
    ``content``, the SHA-256 of edges and labels.
    """
    sizes, totals, content = [], np.zeros(4, np.int64), hashlib.sha256()
    for graph in graphs:
        mask = graph.attributes["is_maximum"]
        sizes.append(graph.num_nodes)
        degree = np.diff(graph.indptr)
        totals += [graph.num_edges, mask.sum(), _tied(graph), (degree == 0).sum()]
        for array in (graph.indptr, graph.indices, mask):
            content.update(np.ascontiguousarray(array).tobytes())
    nodes = sum(sizes)
    shares = {
        name: round(int(total) / max(nodes, 1), 4)
        for name, total in zip(("maxima", "ties", "isolated"), totals[1:], strict=True)
    }
    return {
        "graphs": len(sizes),
        "fewest_nodes": min(sizes),
        "most_nodes": max(sizes),
        "nodes": nodes,
        "edges": int(totals[0]),
        **shares,
        "content": content.hexdigest(),
    }


def _tied(graph: Graph) -> int:
    """Count the nodes that have a neighbor of equal value."""
    values, (src, dst) = graph.attributes["value"], graph.edges()
    equal = values[src] == values[dst]
    return int(np.unique(np.concatenate([src[equal], dst[equal]])).size)


FILE = "recipe.toml"


def recipe_names() -> list[str]:
    """List the named sets.

    Returns
    -------
    list of str
        Names, sorted.

    Examples
    --------
    >>> from graphmax.datasets import recipe_names
    >>> "independent" in recipe_names()
    True
    """
    shelf = dataset_path("CHECKSUMS").parent
    return sorted(path.parent.name for path in shelf.glob(f"*/{FILE}"))


def named_recipe(name: str) -> Recipe:
    """Read the recipe of a named set, or of a TOML file.

    Parameters
    ----------
    name : str
        A name, or a path that ends in ``.toml``.

    Returns
    -------
    Recipe
        The recipe.

    Raises
    ------
    ValueError
        If there is no set of this name (near names are listed), or the recipe is wrong.

    Examples
    --------
    >>> from graphmax.datasets import named_recipe
    >>> named_recipe("independent").version
    1
    """
    if name.endswith(".toml"):
        return read_recipe(name)
    names = recipe_names()
    if name not in names:
        raise ValueError(
            f"`name` must be a named set or a recipe that ends in .toml, got {name!r}; "
            + near_names(name, names)
        )
    return read_recipe(dataset_path(f"{name}/{FILE}"))
