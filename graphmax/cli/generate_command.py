"""`graphmax generate`: make a labelled set in a folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from graphmax.cli.command_options import Json
from graphmax.cli.console import print_table, progress, visible

COUNTS = ("graphs", "fewest_nodes", "most_nodes", "nodes", "edges", "maxima", "ties", "isolated")


def generate(
    name: Annotated[str, typer.Argument(help="A named set, or a recipe file that ends in .toml.")],
    out: Annotated[Path, typer.Option("--out", help="Folder of the set; a new one is made.")],
    json: Json = False,
) -> None:
    """Make a labelled set of graphs: files, labels, split, versions and SHA-256.

    An interrupted call goes on where it stopped. The folder of another recipe is refused.
    maxima, ties, isolated: shares of nodes that are maxima, have a neighbor of equal value, have
    no neighbor.
    """
    from graphmax.cli.documents import print_json
    from graphmax.datasets.manifest import generate as make
    from graphmax.datasets.manifest import named_recipe

    recipe = named_recipe(name)
    with progress(f"generating {recipe.name}"):
        manifest = make(recipe, out)
    if json:
        print_json(manifest)
        return
    typer.echo(visible(f"{recipe.name} version {recipe.version} in {out}"))
    print_table([_row(split, counts) for split, counts in manifest["counts"].items()])


def _row(split: str, counts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row of a split."""
    return {"split": split, **{name: counts[name] for name in COUNTS}}
