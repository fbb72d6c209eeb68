"""`graphmax score`: how likely each node is a maximum, in the eyes of a trained detector."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from graphmax.cli.command_options import Device, File, FileOptions, TableOutput
from graphmax.cli.console import progress
from graphmax.cli.train_command import Features, KnownValues, available_device, column_names

if TYPE_CHECKING:
    from graphmax.nn import PeakDetector


def score(
    file: File,
    model: Annotated[
        str, typer.Option("--model", help="Folder of a detector, or the name of a shipped one.")
    ],
    reading: FileOptions,
    output: TableOutput,
    values: KnownValues = None,
    features: Features = None,
    device: Device = None,
) -> None:
    """Score every node: the columns id, probability, margin and rival.

    The attribute or features are those of the training by default. margin: the node's score minus
    that of its rival, the other node that decided; both are empty for a node without one.
    """
    from graphmax.cli.documents import print_csv
    from graphmax.nn import PeakDetector
    from graphmax.training.detector_columns import features_of, score_table

    with progress(f"scoring {file.name}"):
        detector = PeakDetector.from_pretrained(model).to(available_device(device))
        names = _names(detector, column_names(values, features))
        graph = reading.read(file)
        table = score_table(detector, graph, features_of(graph, names, file))
    document = {"file": str(file), "model": model, "hops": detector.hops_}
    output.deliver("scores", table, document, print_csv)


def _names(detector: "PeakDetector", given: list[str]) -> list[Any]:
    """Return the attributes to score by: those of the training unless others are given."""
    names = given or list(detector.columns)
    if len(names) != detector.score.in_channels:
        raise ValueError(
            f"`--values` or `--features` must name {detector.score.in_channels} for this detector, "
            f"got {len(names)}"
        )
    return names
