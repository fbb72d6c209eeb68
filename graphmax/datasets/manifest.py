"""A made set in a folder, sealed by its hashes, and the named sets whose recipes are shipped."""

import hashlib
import os
import re
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from graphmax.atomic import PREFIX
from graphmax.checks import near_names
from graphmax.datasets.recipe import SPLITS, Group, Recipe, read_recipe, sample_graph, split_name
from graphmax.files import read_graph, write_graph
from graphmax.graph import Graph
from graphmax.kernels.progress import tell
from graphmax.machine import dataset_path
from graphmax.sealed import Format, read_document, write_document

MANIFEST = "manifest.json"
SET = Format("graphmax-set", 1, "folder", "a set that graphmax made")
_NAME = re.compile(rf"({'|'.join(SPLITS)})/\d{{6,}}\.npz")
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
    odd = [name for name in files if not _NAME.fullmatch(name)]
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
