"""Public names of a package: imported on first use, listed by `dir`, suggested if mistyped."""

import sys
from collections.abc import Callable, Collection, Mapping
from importlib import import_module
from typing import Any

_NOTHING: Mapping[str, str] = {}


def public_names(
    package: str, homes: Mapping[str, str] = _NOTHING, modules: Collection[str] = ()
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Make ``__getattr__`` and ``__dir__`` of a package.

    `homes` says which module defines a name that is imported on first use; `modules` are the
    submodules that are public. The other names of ``__all__`` are in the package already.
    """
    known = sys.modules[package]

    def names() -> list[str]:
        return sorted({*known.__all__, *modules})

    def find(name: str) -> Any:
        if name in modules:
            return import_module(f"{package}.{name}")
        if name not in homes:
            raise AttributeError(_unknown(package, name, names()), name=name, obj=known)
        value = getattr(import_module(homes[name]), name)
        setattr(known, name, value)
        return value

    return find, names


def _unknown(package: str, name: str, names: list[str]) -> str:
    """Say that there is no such name, and which near ones there are."""
    message = f"module {package!r} has no attribute {name!r}"
    if name.startswith("_"):  # asked for by inspect, pickle and doctest, not by people
        return message
    from graphmax.checks import near_names

    return f"{message}; {near_names(name, names)}"
