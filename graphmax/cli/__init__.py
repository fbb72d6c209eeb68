"""The command ``graphmax``: every command is one call of the library.

Here is the list of commands, and what stands before any of them. Modules that compute are imported
by the command that needs them, so that ``--help`` is immediate and no command on files waits for
torch.
"""

from typing import TYPE_CHECKING, Annotated

import typer

from graphmax.cli.check_command import check
from graphmax.cli.command_options import set_debug, spelled_out
from graphmax.cli.detector_commands import bench, score, train
from graphmax.cli.maxima_commands import convert, generate, info, label, peaks
from graphmax.cli.output import Command, Commands, end_on_sigterm, prepare_streams
from graphmax.cli.report_command import demo, report
from graphmax.lazy_imports import public_names

__all__ = ["app", "main"]

COMMANDS = (info, peaks, label, report, demo, convert, generate, train, score, check, bench)

app = typer.Typer(
    cls=Commands,
    name="graphmax",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run the command line."""
    prepare_streams()
    end_on_sigterm()
    app()


def _print_version(wanted: bool) -> None:
    """Print the version and stop."""
    if wanted:
        from importlib.metadata import version

        typer.echo(f"graphmax {version('graphmax')}")
        raise typer.Exit


@app.callback()
def front(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and stop."
        ),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", callback=set_debug, help="Show where an error comes from.")
    ] = False,
) -> None:
    """Find the local maxima of a node attribute on a graph, exactly.

    Exit code 0: fine. Exit code 2: bad input, with one sentence on stderr.
    """


for command in COMMANDS:
    app.command(cls=Command)(spelled_out(command))


if not TYPE_CHECKING:  # to a type checker a name that is not there stays an error
    __getattr__, __dir__ = public_names(__name__)
