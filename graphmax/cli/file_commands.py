"""`graphmax info`, `convert` and `generate`: what is in a file, another format, a labelled set."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from graphmax.cli.command_options import File, FileOptions, Json, keep_apart
from graphmax.cli.guard import arguments_named
from graphmax.cli.output import print_json, print_table, progress, say, visible


def info(file: File, reading: FileOptions, json: Json = False) -> None:
    """Tell what is in a graph file, and how many maxima each attribute has.

    maxima: strict, 1 hop. expected: how many there would be on average if the values were
    shuffled over the nodes. ties: nodes with a neighbor of equal value.
    """
    from graphmax.summary import summarize

    with progress(f"reading {file.name}"):
        graph = reading.read(file)
        summary = summarize(graph)
    if json:
        print_json({"file": str(file), "reading": graph.source.to_dict(), **summary})
        return
    attributes, measures = summary.pop("attributes"), summary.pop("measures")
    print_table([{"": name.replace("_", " "), "count": summary[name]} for name in summary])
    print_table(attributes)
    typer.echo(f"--values also takes: {', '.join(measures) or 'nothing else'}")


Out = Annotated[Path, typer.Argument(help="File to write: WRITTEN ENDINGS.")]


def convert(file: File, out: Out, reading: FileOptions, json: Json = False) -> None:
    """Read a graph file in any format and write it in another, with ids and attributes.

    The file appears whole or not at all. A .csv or .parquet file gets a table of the nodes beside
    it.
    """
    from graphmax.files import write_graph
    from graphmax.files.formats import PAIR_ENDINGS, nodes_name

    keep_apart(out, file, reading.nodes, name="OUT")
    if out.suffix.lower().removeprefix(".") in PAIR_ENDINGS:
        keep_apart(Path(nodes_name(str(out))), file, reading.nodes, name="OUT")
    with progress(f"reading {file.name}"):
        graph = reading.read(file)
    with arguments_named(path="OUT"):
        write_graph(graph, out)
    counts = {"nodes": graph.num_nodes, "edges": graph.num_edges, "directed": graph.directed}
    if json:
        read = graph.source.to_dict()
        print_json({"file": str(file), "reading": read, "out": str(out), **counts})
        return
    say(f"{graph.num_nodes} nodes and {graph.num_edges} edges written to {out}")


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
