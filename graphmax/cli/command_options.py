"""The options that several commands share, each written once, and how a command takes them.

A command has parameters whose type is a group of options, a dataclass; `spelled_out` turns each
into the options of its fields. A new option of a rule is one field here and every command has it.

`--probability` adds to a table how sure it is that a node is a peak behind the noise.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, get_type_hints

import typer

from graphmax.cli.output import DEBUG, arguments_named

if TYPE_CHECKING:
    from graphmax.graph import Graph
    from graphmax.posterior import PeakProbability

    Columns = Mapping[str, Any]


File = Annotated[Path, typer.Argument(help="Graph file: ENDINGS; also with .gz.")]
Values = Annotated[
    str,
    typer.Option(
        "--values",
        help="Node attribute to compare; without one of that name degree, in_degree, out_degree, "
        "strength, core_number, clustering and neighbor_mean:NAME are measured.",
        show_default=False,
    ),
]


def number(text: str) -> int | float:
    """Read a number: an integer with all its digits, else a float."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    raise typer.BadParameter(f"{text!r} is not a number")


Device = Annotated[str | None, typer.Option("--device", help="cpu, cuda, ...")]
Json = Annotated[
    bool,
    typer.Option(
        "--json",
        help='Print one JSON document: missing is null, infinite "Infinity" or "-Infinity".',
    ),
]


@dataclass(frozen=True, kw_only=True)
class RuleOptions:
    """What a local maximum is; an option that was not given is None, the default of the call."""

    panel: ClassVar[str] = "Rule"

    hops: Annotated[
        int | None,
        typer.Option("--hops", help="Largest distance in hops; 1 unless --radius is given."),
    ] = None
    radius: Annotated[
        float | None, typer.Option("--radius", help="Largest distance in edge weights.")
    ] = None
    ties: Annotated[
        str | None,
        typer.Option(
            "--ties",
            help="Who challenges a node: strict, weak, plateau or index; strict by default, "
            "plateau in the table of peaks.",
        ),
    ] = None
    direction: Annotated[
        str | None, typer.Option("--direction", help="Which arrows count: in, out or both.")
    ] = None
    isolated: Annotated[
        bool | None,
        typer.Option("--isolated/--no-isolated", help="Is a node without neighbors a maximum?"),
    ] = None
    nan: Annotated[
        str | None,
        typer.Option(
            "--nan",
            help="Nodes without a value: raise or omit; raise by default, omit in the table of "
            "peaks.",
        ),
    ] = None
    absent: Annotated[
        str | None,
        typer.Option(
            "--absent", help="Do paths run through nodes that are left out? pass or block."
        ),
    ] = None
    minima: Annotated[bool, typer.Option("--minima", help="Look for minima instead.")] = False
    where: Annotated[
        str | None,
        typer.Option("--where", help="Node attribute, true or false: leave out the others."),
    ] = None
    groups: Annotated[
        str | None,
        typer.Option("--groups", help="Node attribute: ask each group of equal entries alone."),
    ] = None

    def said(self) -> dict[str, Any]:
        """Return the fields of `Rule` that the user gave."""
        given = {"extremum": "min"} if self.minima else {}
        for name in ("hops", "radius", "ties", "direction", "isolated", "nan", "absent"):
            if getattr(self, name) is not None:
                given[name] = getattr(self, name)
        return given

    def selection(self, graph: "Graph") -> dict[str, Any]:
        """Return the columns that say which nodes take part, and which belong together."""
        from graphmax.node_measures import node_column

        names = {"where": self.where, "groups": self.groups}
        return {
            name: node_column(graph, column, name)
            for name, column in names.items()
            if column is not None
        }


@dataclass(frozen=True, kw_only=True)
class FileOptions:
    """How a graph file is read."""

    panel: ClassVar[str] = "Reading"

    nodes: Annotated[
        Path | None,
        typer.Option(
            "--nodes",
            help="Node table: a column of ids (id, node or the first), one more for each "
            "attribute.",
        ),
    ] = None
    directed: Annotated[
        bool | None,
        typer.Option(
            "--directed/--undirected", help="Are edges arrows? As the file says by default."
        ),
    ] = None
    format: Annotated[
        str | None, typer.Option("--format", help="An ending that decides instead of the name's.")
    ] = None
    src: Annotated[
        str | None, typer.Option("--src", help="Column where edges start: a name or a place.")
    ] = None
    dst: Annotated[
        str | None, typer.Option("--dst", help="Column where edges end: a name or a place.")
    ] = None
    weight: Annotated[
        str | None, typer.Option("--weight", help="Column of edge weights: a name or a place.")
    ] = None
    no_weight: Annotated[
        bool, typer.Option("--no-weight", help="Leave the weights of edges out.")
    ] = False
    id: Annotated[
        str | None, typer.Option("--key", "--id", help="Column of ids in the node table.")
    ] = None
    header: Annotated[
        bool | None, typer.Option("--header/--no-header", help="Has a text table a header?")
    ] = None
    encoding: Annotated[
        str | None, typer.Option("--encoding", help="Of text: utf-8 by default, cp1252, ...")
    ] = None
    missing: Annotated[
        str | None, typer.Option("--missing", help="Words for a missing entry: NA,N/A.")
    ] = None
    add_nodes: Annotated[
        bool, typer.Option("--add-nodes", help="Add nodes that only edges name.")
    ] = False
    bipartite: Annotated[
        bool, typer.Option("--bipartite", help="The two ends are of two separate sets.")
    ] = False
    relation: Annotated[
        str | None, typer.Option("--relation", help="Which one of several in a file.")
    ] = None
    delimiter: Annotated[
        str | None, typer.Option("--delimiter", help="What splits the fields of a text table.")
    ] = None
    connectivity: Annotated[
        int | None, typer.Option("--connectivity", help="Which pixels of an image touch: 4, 8.")
    ] = None
    max_nodes: Annotated[
        int | None, typer.Option("--max-nodes", help="Most nodes that a file may declare.")
    ] = None
    max_seconds: Annotated[
        float | None, typer.Option("--max-seconds", help="Longest time for reading.")
    ] = None
    max_bytes: Annotated[
        int | None, typer.Option("--max-bytes", help="Largest file, also when it is unpacked.")
    ] = None
    max_ratio: Annotated[
        float | None, typer.Option("--max-ratio", help="Most bytes for each compressed one: 200.")
    ] = None
    max_depth: Annotated[
        int | None, typer.Option("--max-depth", help="Deepest nesting of XML and JSON: 100.")
    ] = None

    def said(self) -> dict[str, Any]:
        """Return the options of `read_graph` that the user gave."""
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        given["weight"] = False if given.pop("no_weight") else self.weight
        return {name: _place(name, option) for name, option in given.items() if option is not None}

    def read(self, file: Path) -> "Graph":
        """Read a graph file; unless its layout is plain, say in one line how it was read."""
        from graphmax.cli.output import say
        from graphmax.files import read_graph

        with arguments_named(path="FILE"):
            graph = read_graph(file, **self.said())
        if graph.source is not None and not graph.source.plain:
            say(str(graph.source))
        return graph


def _place(name: str, option: Any) -> Any:
    """Read a column that is a number as its place, counted from 0."""
    is_place = name in ("src", "dst", "weight", "id") and str(option).isdigit()
    return int(option) if is_place else option


def keep_apart(out: Path | None, *read: Path | None, name: str = "--out") -> None:
    """Refuse to write over a file that is read, be it the node table beside one."""
    from graphmax.files.reading import nodes_name

    beside = [Path(nodes_name(str(file))) for file in read if file and file.name]
    for file in (*read, *beside):
        if out and file and out.exists() and file.exists() and out.samefile(file):
            raise ValueError(f"`{name}` must be another file than the one that is read, got {out}")


def files_of_model(model: str) -> tuple[Path, Path]:
    """Return the two files of a detector, where `model` is a folder."""
    return Path(model) / "config.json", Path(model) / "model.safetensors"


Label = Annotated[
    str | None,
    typer.Option("--label", help="Node attribute of names: a column label beside the ids."),
]


NodeNames = Annotated[
    str | None,
    typer.Option(
        "--label",
        help="Text attribute that names nodes for people to read; label or name by default. Files "
        "and JSON have the ids.",
    ),
]


def with_names(table: Mapping[str, Any], graph: "Graph", label: str | None) -> Mapping[str, Any]:
    """Return a table of all nodes with their names beside their ids, where they are asked for."""
    if label is None:
        return table
    from graphmax.summary import names_of

    rest = {name: column for name, column in table.items() if name != "id"}
    return {"id": table["id"], "label": names_of(graph, label), **rest}


@dataclass(frozen=True, kw_only=True)
class TableOutput:
    """Where a table goes: into a file, as JSON to stdout, or as text to stdout."""

    panel: ClassVar[str] = "Output"

    out: Annotated[
        Path | None, typer.Option("--out", help="Write the table here: .csv, .parquet or .json.")
    ] = None
    json: Json = False

    def deliver(
        self,
        name: str,
        table: Mapping[str, Any],
        document: Mapping[str, Any],
        show: Callable[[Mapping[str, Any]], None],
    ) -> None:
        """Write a table where it was asked for; as JSON it is called `name` in a document."""
        if self.out is not None:
            self._write(table, self.out)
        if self.json:
            from graphmax.cli.output import print_json, rows

            print_json({**document, name: rows(table)})
        elif self.out is None:
            show(table)

    @staticmethod
    def _write(table: Mapping[str, Any], out: Path) -> None:
        from graphmax.cli.output import say
        from graphmax.files import write_table

        with arguments_named(path="--out"):
            write_table(table, out)
        say(f"{len(next(iter(table.values())))} rows written to {out}")


def set_debug(ctx: typer.Context, wanted: bool) -> None:
    """Remember, for the guard, that the user wants to see where an error comes from."""
    ctx.meta[DEBUG] = ctx.meta.get(DEBUG, False) or wanted


Debug = Annotated[
    bool,
    typer.Option(
        "--debug", callback=set_debug, is_eager=True, help="Show where an error comes from."
    ),
]


def spelled_out(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of the groups among its parameters, and ``--debug``."""
    hints = get_type_hints(command, include_extras=True)
    groups: dict[str, Any] = {name: hint for name, hint in hints.items() if is_dataclass(hint)}
    parameters = _parameters(inspect.signature(command).parameters.values(), hints)

    def call(**given: Any) -> None:
        del given["debug"]  # its callback has seen it
        for name, group in groups.items():
            of_group = {field.name: given.pop(field.name) for field in fields(group)}
            given[name] = group(**of_group)
        command(**given)

    call.__name__, call.__doc__ = command.__name__, command.__doc__
    call.__annotations__ = {name: parameter.annotation for name, parameter in parameters.items()}
    call.__signature__ = inspect.Signature(list(parameters.values()))  # type: ignore[attr-defined]
    return call


def _parameters(
    own: Iterable[inspect.Parameter], hints: Mapping[str, Any]
) -> dict[str, inspect.Parameter]:
    """Return the parameters of a command with those of its groups in their places."""
    found: dict[str, inspect.Parameter] = {}
    for parameter in own:
        hint = hints[parameter.name]
        if is_dataclass(hint):
            of_group, panel = get_type_hints(hint, include_extras=True), _panel(hint)
            for field in fields(hint):
                of_group[field.name].__metadata__[0].rich_help_panel = panel
                found[field.name] = _parameter(field.name, field.default, of_group[field.name])
        else:
            found[parameter.name] = _parameter(parameter.name, parameter.default, hint)
    return found | {"debug": _parameter("debug", False, Debug)}


def _panel(group: Any) -> str:
    """Return the heading of a group in the help."""
    return str(group.panel)


def _parameter(name: str, default: Any, hint: Any) -> inspect.Parameter:
    """Return a parameter that is given by name."""
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(name, kind, default=default, annotation=hint)


@dataclass(frozen=True, kw_only=True)
class ProbabilityOptions:
    """Whether values are taken as measurements with noise."""

    panel: ClassVar[str] = "Noise"

    probability: Annotated[
        bool,
        typer.Option(
            "--probability",
            help="Take the values as measurements with noise: add the probability that the node "
            "is a maximum of what was measured, its mean and its deviation.",
        ),
    ] = False
    noise: Annotated[
        float | None,
        typer.Option(
            "--noise", help="With --probability: standard deviation of a measurement, if known."
        ),
    ] = None

    def refuse_tables(self) -> None:
        """Refuse to be asked of tables that are not read into memory."""
        for option, said in (("--probability", self.probability), ("--noise", self.noise)):
            if said not in (False, None):
                raise ValueError(f"`{option}` must be used with a graph in memory, got tables")

    def columns(
        self,
        graph: "Graph",
        values: str,
        rule: "RuleOptions",
        selection: Mapping[str, Any],
    ) -> tuple["Columns", Mapping[str, Any]]:
        """Return the columns that are added, one entry per node, and the fit as a document."""
        if not self.probability:
            if self.noise is not None:
                raise ValueError("`--noise` must be given with --probability, got it alone")
            return {}, {}
        import numpy as np

        from graphmax.posterior import peak_probability

        _refuse_what_has_none(rule)
        y, sign = graph.attributes[values], 1.0
        if rule.minima and y.dtype.kind in "biuf":
            y, sign = y * -1.0, -1.0
        direction: Any = rule.direction or "in"  # checked by the call
        with arguments_named(y="--values", noise="--noise"):
            answer = peak_probability(
                graph,
                y,
                rule.hops or 1,
                noise=self.noise,
                direction=direction,
                where=selection.get("where"),
            )
        probability = answer.probability
        if rule.isolated is False:
            alone = np.diff(graph.adjacency(direction).indptr) == 0
            probability = np.where(alone, 0.0, probability)
        columns = {
            "probability": probability,
            "mean": sign * answer.mean,
            "deviation": answer.deviation,
        }
        return columns, _fitted(answer, float(probability.sum()))


def _refuse_what_has_none(rule: "RuleOptions") -> None:
    for option, name in (("--radius", "radius"), ("--groups", "groups")):
        if getattr(rule, name) is not None:
            raise ValueError(
                f"`{option}` must be left out with --probability, got one; it counts --hops, and "
                "--where asks one group"
            )


def _fitted(answer: "PeakProbability", expected: float) -> Mapping[str, Any]:
    fit = answer.fit
    noise = {} if fit.noise is None else {"noise": fit.noise.value}
    field = {"order": fit.order, "kappa": fit.kappa.value, **noise}
    return {"probability": {"expected": expected, **field}}


def tell(fitted: Mapping[str, Any]) -> None:
    """Say in one line on stderr what was fitted, if anything was."""
    from graphmax.cli.output import say

    for fit in fitted.values():
        noise = f", noise {fit['noise']:.3g}" if "noise" in fit else ""
        field = f"field of order {fit['order']}, kappa {fit['kappa']:.3g}{noise}"
        say(f"{fit['expected']:.1f} maxima expected behind the noise; {field}")
