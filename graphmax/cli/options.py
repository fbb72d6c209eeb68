"""The options that several commands share, and the rule they spell."""

from pathlib import Path
from typing import Annotated

import typer

File = Annotated[
    Path,
    typer.Argument(help="Graph file: .csv, .tsv, .txt (plain or .gz), .parquet, .graphml, .npz."),
]
Values = Annotated[
    str, typer.Option("--values", help="Node attribute to compare.", show_default=False)
]
Hops = Annotated[
    int | None,
    typer.Option("--hops", help="Radius of the neighborhood in steps; 1 unless --radius is given."),
]
Radius = Annotated[
    float | None, typer.Option("--radius", help="Radius of the neighborhood in edge weights.")
]
Ties = Annotated[
    str,
    typer.Option("--ties", help="Who challenges a node: strict, weak, plateau or index."),
]
Direction = Annotated[str, typer.Option("--direction", help="Which arrows count: in, out or both.")]
Isolated = Annotated[
    bool,
    typer.Option("--isolated/--no-isolated", help="Is a node without neighbors a maximum?"),
]
Nan = Annotated[
    str, typer.Option("--nan", help="What to do about nodes without a value: raise or omit.")
]
Minima = Annotated[bool, typer.Option("--minima", help="Look for minima instead.")]
Directed = Annotated[
    bool, typer.Option("--directed", help="Edges are arrows from the first column to the second.")
]
Nodes = Annotated[
    Path | None,
    typer.Option(
        "--nodes",
        help="Node table: a column of ids (id, node or the first), one more for each attribute.",
    ),
]
MinProminence = Annotated[
    float | None,
    typer.Option("--min-prominence", help="Leave out peaks that stand out less."),
]
MinIsolation = Annotated[
    float | None,
    typer.Option("--min-isolation", help="Leave out peaks nearer to higher ground than this."),
]
NumPeaks = Annotated[
    int | None, typer.Option("--num-peaks", help="Keep so many of the highest peaks.")
]
Out = Annotated[
    Path | None, typer.Option("--out", help="Write the table here: .csv, .parquet or .json.")
]
Engine = Annotated[
    str,
    typer.Option(
        "--engine", help="What answers: memory, duckdb, spark, or auto (memory if it fits)."
    ),
]
MemoryLimit = Annotated[
    str | None, typer.Option("--memory-limit", help="What DuckDB or Spark may take: 1GB, 512MiB.")
]
Explain = Annotated[
    bool,
    typer.Option("--explain", help="Add the rival, the highest other node of the ball."),
]
Master = Annotated[
    str | None, typer.Option("--master", help="Spark master to start at, such as local[4].")
]
Json = Annotated[
    bool,
    typer.Option(
        "--json",
        help='Print one JSON document: missing is null, infinite "Infinity" or "-Infinity".',
    ),
]
