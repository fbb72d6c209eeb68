"""What a check found: verdicts, comparisons, errors and counterexamples."""

from dataclasses import dataclass
from typing import Any

from scipy.special import betaincinv

from graphmax.notebook import html_table
from graphmax.symmetry.counterexample import Counterexample

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Errors:
    """How far two outputs are apart: the largest and the mean over entries and trials.

    ``absolute`` in the unit of the output, ``relative`` to the larger of the two entries, ``ulps``
    in units in the last place of the dtype of the output (of whole numbers: their difference).
    """

    largest_absolute: float
    mean_absolute: float
    largest_relative: float
    mean_relative: float
    largest_ulps: float
    mean_ulps: float


@dataclass(frozen=True)
class Comparison:
    """One equation, asked `trials` times.

    ``worst_input`` are the arguments of the operator where the error was largest.
    """

    equation: str
    trials: int
    disagreements: int
    errors: Errors
    worst_input: Any
    counterexample: Counterexample | None

    @property
    def holds(self) -> bool:
        """Whether no trial disagreed."""
        return self.disagreements == 0

    @property
    def rate(self) -> float:
        """Share of the trials that disagreed."""
        return self.disagreements / self.trials

    @property
    def interval(self) -> tuple[float, float]:
        """Clopper and Pearson's 95 % confidence interval of the rate."""
        bad, good = self.disagreements, self.trials - self.disagreements
        tail = (1 - CONFIDENCE) / 2
        low = float(betaincinv(bad, good + 1, tail)) if bad else 0.0
        high = float(betaincinv(bad + 1, good, 1 - tail)) if good else 1.0
        return low, high

    def __str__(self) -> str:
        """Write it in a line."""
        low, high = self.interval
        return (
            f"{self.equation}: {self.disagreements} of {self.trials} trials disagree "
            f"({self.rate:.3f}, 95 % interval {low:.3f} to {high:.3f}), largest error "
            f"{self.errors.largest_absolute:.3g} ({self.errors.largest_ulps:.3g} ulps)"
        )


@dataclass(frozen=True)
class Verdict:
    """Whether an operator C is invariant, equivariant, both or neither under a transformation T.

    ``kind`` is one of "invariant", "equivariant", "both", "neither"; `invariance` compares C(T(x))
    with C(x), `equivariance` (None where T does not act on outputs) with T(C(x)). ``notes`` say
    what a reader should know: train mode, a transformation that changed nothing.
    """

    operator: str
    transformation: str
    trials: int
    tolerance: float
    invariance: Comparison
    equivariance: Comparison | None
    notes: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """Which it is."""
        equivariant = self.equivariance is not None and self.equivariance.holds
        if self.invariance.holds:
            return "both" if equivariant else "invariant"
        return "equivariant" if equivariant else "neither"

    @property
    def decisive(self) -> Comparison:
        """The comparison the kind rests on: equivariance where it was asked, unless invariant."""
        if self.equivariance is None or self.kind == "invariant":
            return self.invariance
        return self.equivariance

    @property
    def rate(self) -> float:
        """Share of the trials that disagreed in the decisive comparison."""
        return self.decisive.rate

    @property
    def interval(self) -> tuple[float, float]:
        """95 % confidence interval of the rate."""
        return self.decisive.interval

    @property
    def errors(self) -> Errors:
        """Largest and mean errors of the decisive comparison."""
        return self.decisive.errors

    @property
    def worst_input(self) -> Any:
        """Where the error of the decisive comparison was largest."""
        return self.decisive.worst_input

    @property
    def counterexample(self) -> Counterexample | None:
        """The smallest input found on which the decisive comparison fails, if it does."""
        return self.decisive.counterexample

    def _repr_html_(self) -> str:
        """Show the verdict and both comparisons in a notebook."""
        asked = [part for part in (self.invariance, self.equivariance) if part is not None]
        columns: dict[str, list[Any]] = {
            "equation": [part.equation for part in asked],
            "trials": [part.trials for part in asked],
            "disagree": [part.disagreements for part in asked],
            "rate, 95 % interval": [
                f"{part.interval[0]:.3g} to {part.interval[1]:.3g}" for part in asked
            ],
            "largest error": [part.errors.largest_absolute for part in asked],
        }
        notes = "".join(f"; {note}" for note in self.notes)
        caption = f"{self.operator} is {self.kind} under {self.transformation}{notes}"
        return html_table(columns, caption)

    def __str__(self) -> str:
        """Write the verdict, what it rests on, and the counterexample."""
        lines = [f"{self.operator} is {self.kind} under {self.transformation}"]
        lines += [f"  {part}" for part in (self.invariance, self.equivariance) if part is not None]
        lines += [f"  note: {note}" for note in self.notes]
        if self.counterexample is not None:
            lines += [f"  {line}" for line in str(self.counterexample).splitlines()]
        return "\n".join(lines)
