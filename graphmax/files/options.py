"""What a caller may say about a file: its columns, its direction, and how much to trust it."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from os import PathLike
from typing import Any

from graphmax.checks import near_names

MEBIBYTE = 2**20


@dataclass(frozen=True)
class ReadOptions:
    """Options of `read_graph`; the docstring there says what each means."""

    format: str | None = None
    directed: bool | None = None
    nodes: str | PathLike[str] | bool | None = None
    src: str | int | None = None
    dst: str | int | None = None
    weight: str | int | bool | None = None
    id: str | int | None = None
    header: bool | None = None
    delimiter: str | None = None
    connectivity: int | None = None
    max_bytes: int = 64 * 1024 * MEBIBYTE
    max_ratio: float = 200.0
    max_nodes: int | None = None
    max_depth: int = 100
    max_seconds: float | None = None


def read_options(given: Mapping[str, Any]) -> ReadOptions:
    """Return the options, refusing a name that is not one."""
    known = [field.name for field in fields(ReadOptions)]
    for name in given:
        if name not in known:
            raise TypeError(
                f"`options` must be among {', '.join(known)}, got {name!r}; "
                f"{near_names(name, known)}"
            )
    return ReadOptions(**given)
