"""What `--probability` adds to a table: how sure it is that a node is a peak behind the noise."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer

from graphmax.cli.guard import arguments_named

if TYPE_CHECKING:
    from graphmax.cli.command_options import RuleOptions
    from graphmax.graph import Graph
    from graphmax.posterior import PeakProbability

    Columns = Mapping[str, Any]


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
    from graphmax.cli.console import say

    for fit in fitted.values():
        noise = f", noise {fit['noise']:.3g}" if "noise" in fit else ""
        field = f"field of order {fit['order']}, kappa {fit['kappa']:.3g}{noise}"
        say(f"{fit['expected']:.1f} maxima expected behind the noise; {field}")
