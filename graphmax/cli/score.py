"""`graphmax score`: how likely each node is a maximum, in the eyes of a trained detector."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graphmax.cli.console import announce_compilation, print_csv, print_json, progress, rows
from graphmax.cli.options import Directed, File, Json, Nodes

if TYPE_CHECKING:
    import numpy as np

    from graphmax.graph import Graph
    from graphmax.nn import PeakDetector


def score(
    file: File,
    model: Annotated[
        str, typer.Option("--model", help="Folder of a detector, or the name of a shipped one.")
    ],
    out: Annotated[
        Path | None, typer.Option("--out", help="Write the table here: .csv, .parquet or .json.")
    ] = None,
    values: Annotated[
        str | None, typer.Option("--values", help="The attribute; as in training by default.")
    ] = None,
    features: Annotated[
        str | None, typer.Option("--features", help="A,B,C; as in training by default.")
    ] = None,
    directed: Directed = False,
    nodes: Nodes = None,
    device: Annotated[str | None, typer.Option("--device", help="cpu, cuda, ...")] = None,
    json: Json = False,
) -> None:
    """Score every node: the columns id, probability, margin and rival.

    margin: the node's score minus that of its rival, the other node that decided; both are empty
    for a node without one.
    """
    from graphmax.cli.learning import column_names, device_of, features_of
    from graphmax.files import read_graph, write_table
    from graphmax.nn import PeakDetector

    detector = PeakDetector.from_pretrained(model).to(device_of(device))
    names = column_names(values, features) or list(detector.columns)
    if len(names) != detector.score.in_channels:
        raise ValueError(
            f"`--values` or `--features` must name {detector.score.in_channels} for this detector, "
            f"got {len(names)}"
        )
    announce_compilation("csr", "hopmax")
    with progress(f"scoring {file.name}"):
        graph = read_graph(file, nodes=nodes, directed=True if directed else None)
        table = score_table(detector, graph, features_of(graph, names, file))
    if out is not None:
        write_table(table, out)
        typer.echo(f"{graph.num_nodes} rows written to {out}", err=True)
    if json:
        print_json(
            {"file": str(file), "model": model, "hops": detector.hops_, "scores": rows(table)}
        )
    elif out is None:
        print_csv(table)


def score_table(detector: PeakDetector, graph: Graph, x: np.ndarray) -> dict[str, Any]:
    """Tell of every node how likely it is a maximum, and who speaks against it.

    Parameters
    ----------
    detector : PeakDetector
        The detector.
    graph : Graph
        The graph.
    x : float64 (num_nodes, F)
        Features.

    Returns
    -------
    dict
        ``id``, ``probability``, ``margin`` and ``rival``, the last two masked where a ball holds
        no other node.
    """
    import numpy as np

    scores, rival = detector.score_nodes((graph, x)), detector.rivals((graph, x))
    if detector.rule.extremum == "min":
        scores = -scores
    alone = rival < 0
    with np.errstate(invalid="ignore"):
        margin = np.where(scores == scores[rival], 0.0, scores - scores[rival])
    return {
        "id": graph.label_of(np.arange(graph.num_nodes)),
        "probability": detector.predict_proba((graph, x)),
        "margin": np.ma.MaskedArray(margin, alone),
        "rival": np.ma.MaskedArray(graph.label_of(rival), alone),
    }
