"""`graphmax check`: the verdicts of an operator under all transformations that apply."""

import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graphmax.cli.command_options import Json
from graphmax.cli.output import print_json, print_table, progress, visible

if TYPE_CHECKING:
    from graphmax.symmetry.suite import Kind
    from graphmax.symmetry.trial import Comparison, Verdict

_SHORT = {"invariant": "inv.", "equivariant": "equiv.", "both": "both", "neither": "neither"}
_OF_VALUES = ("increasing", "offset", "scaling", "negation")


def check(
    operator: Annotated[
        str,
        typer.Argument(
            metavar="MODULE:OBJECT", help="A function, a network, or a dictionary of several."
        ),
    ],
    inputs: Annotated[
        str,
        typer.Option(
            "--inputs", help="image, graph, set, or MODULE:OBJECT that draws an input from a rng."
        ),
    ] = "auto",
    hops: Annotated[int, typer.Option("--hops", help="Radius of the ball of outside_ball.")] = 1,
    trials: Annotated[int, typer.Option("--trials", help="How often to compare.")] = 32,
    tolerance: Annotated[
        float, typer.Option("--tolerance", help="Largest error, as a share of the largest output.")
    ] = 1e-5,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the draws.")] = 0,
    examples: Annotated[
        bool, typer.Option("--examples", help="Print the counterexamples too.")
    ] = False,
    json: Json = False,
) -> None:
    """Tell whether an operator is invariant, equivariant, both or neither.

    Imports the module that you name, from the current folder first: name only code that you trust.
    An operator C is invariant under T if C(T(x)) = C(x), equivariant if C(T(x)) = T(C(x)).
    """
    named = load(operator)
    options = {"trials": trials, "tolerance": tolerance, "seed": seed}
    with progress(f"checking {operator}"):
        found = _all_verdicts(named, inputs, hops, options)
    if json:
        print_json({name: _document(*entry) for name, entry in found.items()})
    elif len(found) == 1:
        ((_, verdicts),) = found.values()
        print_table([_row(verdict) for verdict in verdicts])
    else:
        _print_matrix(found)
    if examples and not json:
        _print_examples(found)


def load(name: str) -> Any:
    """Import what MODULE:OBJECT names.

    Parameters
    ----------
    name : str
        A module, a colon, and the name of something in it, dots allowed.

    Returns
    -------
    Any
        The object.

    Raises
    ------
    ValueError
        If there is no colon, no such module, or no such object in it.
    """
    module_name, colon, path = name.partition(":")
    if not (module_name and colon and path):
        raise ValueError(f"`MODULE:OBJECT` must have a colon between two names, got {name!r}")
    found = _imported(module_name)
    for part in path.split("."):
        if not hasattr(found, part):
            from graphmax.checks import near_names

            known = [known for known in dir(found) if not known.startswith("_")]
            raise ValueError(
                f"`MODULE:OBJECT` must name something in {module_name}, got {part!r}; "
                + near_names(part, known)
            )
        found = getattr(found, part)
    return found


def _imported(name: str) -> Any:
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        return import_module(name)
    except ImportError as missing:
        raise ValueError(f"`MODULE:OBJECT` must be importable, got {name!r}: {missing}") from None
    finally:
        sys.path.remove(here)


def _all_verdicts(
    named: Any, inputs: str, hops: int, options: Mapping[str, Any]
) -> dict[str, tuple["Kind", list["Verdict"]]]:
    from graphmax.symmetry.suite import operators_in, verdicts
    from graphmax.symmetry.trial import name_of

    operators = operators_in(named)
    if operators is None:
        operators = {name_of(named): named}
    found = {}
    for name, operator in operators.items():
        kind = _kind(operator, inputs)
        found[name] = kind, verdicts(operator, kind, hops, **options)
    return found


def _kind(operator: Any, inputs: str) -> "Kind":
    import numpy as np

    from graphmax.symmetry.sample import Net, read_sample
    from graphmax.symmetry.suite import Kind, kind_for

    if ":" not in inputs:
        return kind_for(operator, inputs)
    draw = load(inputs)
    if not callable(draw):
        raise TypeError("`--inputs` must name a function of a numpy.random.Generator")
    sample = read_sample(draw(np.random.default_rng(0)))
    return Kind("graph" if isinstance(sample, Net) else "image", draw)


def _row(verdict: "Verdict") -> dict[str, Any]:
    comparison = verdict.decisive
    low, high = comparison.interval
    return {
        "transformation": verdict.transformation,
        "verdict": verdict.kind,
        "disagree": f"{comparison.disagreements}/{comparison.trials}",
        "95 % interval": f"{low:.3f} to {high:.3f}",
        "largest error": f"{comparison.errors.largest_absolute:.3g}",
        "ulps": f"{comparison.errors.largest_ulps:.3g}",
        "note": "; ".join(verdict.notes),
    }


def _print_matrix(found: Mapping[str, tuple["Kind", list["Verdict"]]]) -> None:
    """Print a row an operator: one table for moved places, one for changed values."""
    for kind in dict.fromkeys(kind.name for kind, _ in found.values()):
        own = {name: verdicts for name, (its, verdicts) in found.items() if its.name == kind}
        for what, is_wanted in (("places", False), ("values", True)):
            typer.echo(f"{kind}s, {what}")
            rows = [_line(name, verdicts, of_values=is_wanted) for name, verdicts in own.items()]
            print_table(rows)


def _line(name: str, verdicts: list["Verdict"], *, of_values: bool) -> dict[str, str]:
    cells = {
        verdict.transformation.replace("()", "").replace("(", " ("): _SHORT[verdict.kind]
        for verdict in verdicts
        if verdict.transformation.startswith(_OF_VALUES) == of_values
    }
    return {"operator": name, **cells}


def _print_examples(found: Mapping[str, tuple["Kind", list["Verdict"]]]) -> None:
    for name, (_, verdicts) in found.items():
        for verdict in verdicts:
            if verdict.counterexample is not None:
                typer.echo(visible(f"{name} is {verdict.kind} under {verdict.transformation}"))
                typer.echo(str(verdict.counterexample))


def _document(kind: "Kind", verdicts: list["Verdict"]) -> dict[str, Any]:
    return {
        "inputs": kind.name,
        "verdicts": [
            {
                "transformation": verdict.transformation,
                "verdict": verdict.kind,
                "trials": verdict.trials,
                "tolerance": verdict.tolerance,
                "notes": list(verdict.notes),
                "invariance": _compared(verdict.invariance),
                "equivariance": _compared(verdict.equivariance),
            }
            for verdict in verdicts
        ],
    }


def _compared(comparison: "Comparison | None") -> dict[str, Any] | None:
    if comparison is None:
        return None
    from dataclasses import asdict

    example = comparison.counterexample
    return {
        "equation": comparison.equation,
        "disagreements": comparison.disagreements,
        "rate": comparison.rate,
        "interval": list(comparison.interval),
        "errors": asdict(comparison.errors),
        "counterexample": None if example is None else str(example),
    }
