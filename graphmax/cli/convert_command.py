"""`graphmax convert`: one graph file into another format."""

from pathlib import Path
from typing import Annotated

import typer

from graphmax.cli.command_options import File, FileOptions, Json, keep_apart
from graphmax.cli.console import progress, say
from graphmax.cli.guard import arguments_named

Out = Annotated[Path, typer.Argument(help="File to write: WRITTEN ENDINGS.")]


def convert(file: File, out: Out, reading: FileOptions, json: Json = False) -> None:
    """Read a graph file in any format and write it in another, with ids and attributes.

    The file appears whole or not at all. A .csv or .parquet file gets a table of the nodes beside
    it.
    """
    from graphmax.cli.documents import print_json
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
