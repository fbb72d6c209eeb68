"""`graphmax generate`: make a labelled set in a folder."""

from pathlib import Path
from typing import Annotated, Any

import typer

from graphmax.cli.console import announce_compilation, print_json, print_table, progress
from graphmax.cli.options import Json


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
    from graphmax.datasets.named import named_recipe

    recipe = named_recipe(name)
    announce_compilation("csr", "scan", "search", "growth", "pairsampling")
    from graphmax.datasets.folder import generate as make

    with progress(f"generating {recipe.name}"):
        manifest = make(recipe, out)
    if json:
        print_json(manifest)
        return
    typer.echo(f"{recipe.name} version {recipe.version} in {out}")
    print_table(_rows(manifest["counts"]))


def _rows(counts: dict[str, Any]) -> list[dict[str, Any]]:
    told = ("graphs", "fewest_nodes", "most_nodes", "nodes", "edges", "maxima", "ties", "isolated")
    return [
        {"split": split, **{name: count[name] for name in told}} for split, count in counts.items()
    ]
