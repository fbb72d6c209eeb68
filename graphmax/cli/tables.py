"""The part of ``graphmax label`` that asks tables instead of a graph in memory."""

from __future__ import annotations

import re
from glob import has_magic
from typing import TYPE_CHECKING, Any

import typer

from graphmax.cli.console import print_csv, print_json, progress, rows

if TYPE_CHECKING:
    from pathlib import Path

    from graphmax.rule import Rule
    from graphmax.tables import TableAnswer

_SCHEME = re.compile(r"^([a-z][a-z0-9+.-]+):/(?!/)")


def are_tables(file: Path, engine: str, *asked: Any) -> bool:
    """Tell whether a call of ``label`` is about tables.

    Parameters
    ----------
    file : pathlib.Path
        The edges.
    engine : str
        The engine that was asked for.
    *asked : Any
        Options that only tables take.

    Returns
    -------
    bool
        True for another engine than memory, for several files, or with one of the options.
    """
    several = file.is_dir() or (has_magic(str(file)) and not file.exists())
    return engine != "memory" or several or any(asked)


def label_tables(
    file: Path, nodes: Path | None, values: str, rule: Rule, *, as_json: bool, **options: Any
) -> None:
    """Label tables and tell of it.

    Parameters
    ----------
    file, nodes : pathlib.Path
        Edges and nodes.
    values : str
        The column to compare.
    rule : Rule
        The rule.
    as_json : bool
        Print one JSON document.
    **options
        Arguments of `graphmax.tables.local_maxima_tables`.
    """
    from graphmax.tables import local_maxima_tables

    if nodes is None:
        raise ValueError(
            "`--nodes` must name the table of nodes when the edges are a table, got none"
        )
    options["out"] = None if options["out"] is None else _path(options["out"])
    with progress(f"reading {file.name}"):
        answer = local_maxima_tables(_path(file), _path(nodes), values, rule=rule, **options)
    _tell(answer, {"file": str(file), "values": values}, rule, options["out"], as_json=as_json)


def _path(path: Path) -> str:
    """Write a path as the user did: `pathlib` takes a slash away from ``s3a://bucket``."""
    return _SCHEME.sub(r"\1://", str(path))


def _tell(
    answer: TableAnswer, asked: dict[str, Any], rule: Rule, out: str | None, *, as_json: bool
) -> None:
    from dataclasses import asdict

    if out is not None:
        told = f"{answer.num_nodes} rows written to {out} by {answer.engine}"
        typer.echo(f"{told}, {answer.num_maxima} maxima", err=True)
    if as_json:
        found = {"labels": rows(answer.columns())} if out is None else {"out": out}
        stages = [stage._asdict() for stage in answer.stages]
        sizes = {"nodes": answer.num_nodes, "edges": answer.num_edges, "maxima": answer.num_maxima}
        document = {**asked, "rule": asdict(rule), "engine": answer.engine, **sizes}
        print_json({**document, "stages": stages, **found})
    elif out is None:
        print_csv(answer.columns())
