"""`graphmax info`: what is in a graph file."""

import typer

from graphmax.cli.command_options import File, FileOptions, Json
from graphmax.cli.console import print_table, progress


def info(file: File, reading: FileOptions, json: Json = False) -> None:
    """Tell what is in a graph file, and how many maxima each attribute has.

    maxima: strict, 1 hop. expected: how many there would be on average if the values were
    shuffled over the nodes. ties: nodes with a neighbor of equal value.
    """
    from graphmax.cli.documents import print_json
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
