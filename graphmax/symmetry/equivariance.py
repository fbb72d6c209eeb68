"""`check` and its two assertions: an operator before and after a transformation."""

from collections.abc import Callable
from typing import Any

import numpy as np

from graphmax.checks import integer, number
from graphmax.symmetry.sample import Net, Sample, Transformation, is_single, read_sample
from graphmax.symmetry.trial import (
    Call,
    Comparison,
    Counterexample,
    Errors,
    OutputTransformation,
    Pair,
    Trial,
    Verdict,
    attempt,
    caller,
    left_alone,
    name_of,
    refuse_chance,
    refuse_nan,
    shrink,
)

_DRAWS = 4
_NOT_ASKED_THERE = (
    ArithmeticError,
    AssertionError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)


def check(
    operator: Any,
    transformation: Transformation,
    inputs: Any,
    *,
    output_transformation: OutputTransformation = None,
    trials: int = 32,
    tolerance: float = 1e-5,
    seed: int = 0,
) -> Verdict:
    """Report whether an operator is invariant, equivariant, both or neither.

    An operator C is **invariant** under a transformation T if ``C(T(x)) = C(x)``, **equivariant**
    if ``C(T(x)) = T(C(x))``. Each trial takes an input, draws T and compares.

    Parameters
    ----------
    operator : callable
        A function, a ``torch.nn.Module``, a network on ``Data``, or the exact rule
        (``graphmax.local_maxima``): it returns one array or tensor.
    transformation : Transformation
        What is done to the input, say ``permutation()``.
    inputs : one input, list of inputs, or callable
        An image (array or tensor; the last two axes are the pixels), ``Data``,
        ``(x, edge_index, ...)`` or ``(graph, values)``: a tuple holds the arguments of one call. A
        callable draws an input from a ``numpy.random.Generator``.
    output_transformation : Transformation or callable, optional
        How T acts on an output of another shape. Without it equivariance is asked only where the
        output has the node axis, or both pixel axes at the input's size.
    trials : int, default 32
        How often to compare.
    tolerance : float, default 1e-5
        Largest error that still counts as equal, as a share of the largest entry of the outputs of
        all trials. Whole numbers and bool are compared exactly.
    seed : int, default 0
        Seed of the draws.

    Returns
    -------
    Verdict
        ``.kind``, both comparisons with their disagreement rate, interval, errors and worst input,
        and a counterexample shrunk as far as it goes.

    Raises
    ------
    TypeError
        If the operator cannot be called, returns no single array, or the transformation does not
        act on such inputs.
    ValueError
        If the operator is random, returns NaN, or outputs whose shape changes, or `trials` or
        `tolerance` is out of range.

    Notes
    -----
    ``increasing``, ``offset``, ``scaling`` and ``negation`` change values, not places; they do not
    act on bool outputs. Three calls of the operator per trial, and some thousands on ever smaller
    inputs to shrink a counterexample. A batch norm in train mode is asked as it is; its running
    averages are given back.

    Examples
    --------
    >>> import numpy as np
    >>> from graphmax.symmetry import check, translation
    >>> image = np.random.default_rng(0).random((6, 6))
    >>> verdict = check(lambda x: np.cumsum(x, axis=1), translation(0, 1), image)
    >>> verdict.kind, verdict.counterexample.input[0].shape
    ('neither', (1, 2))
    """
    _refuse_numbers(trials, tolerance)
    call, draw = caller(operator), _source(inputs)
    with left_alone(operator):
        rng = np.random.default_rng(seed)
        done = [
            _asked(operator, call, transformation, draw(rng), rng, output_transformation)
            for _ in range(trials)
        ]

        def again(sample: Sample, salt: int) -> Trial:
            own = np.random.default_rng([seed, salt])
            return attempt(call, transformation, sample, own, output_transformation)

        invariance = _compared("C(T(x)) = C(x)", done, lambda t: t.invariance, tolerance, again)
        equivariance = None
        if all(trial.equivariance is not None for trial in done):
            equivariance = _compared(
                "C(T(x)) = T(C(x))", done, lambda t: t.equivariance, tolerance, again
            )
    return Verdict(
        name_of(operator),
        transformation.name,
        trials,
        tolerance,
        invariance,
        equivariance,
        _notes(operator, done),
    )


def assert_invariant(
    operator: Any,
    transformation: Transformation,
    inputs: Any,
    *,
    output_transformation: OutputTransformation = None,
    trials: int = 32,
    tolerance: float = 1e-5,
    seed: int = 0,
) -> None:
    """Fail unless C(T(x)) = C(x), with a message that shows the counterexample.

    Parameters
    ----------
    operator : callable
        A function, a ``torch.nn.Module`` or the exact rule: it returns one array or tensor.
    transformation : Transformation
        What is done to the input.
    inputs : one input, list of inputs, or callable
        An image, ``Data``, ``(x, edge_index, ...)`` or ``(graph, values)``; a callable draws one
        from a ``numpy.random.Generator``.
    output_transformation : Transformation or callable, optional
        How the transformation acts on an output of another shape.
    trials : int, default 32
        How often to compare.
    tolerance : float, default 1e-5
        Largest error that still counts as equal, as a share of the largest entry of the outputs.
    seed : int, default 0
        Seed of the draws.

    Raises
    ------
    AssertionError
        If a trial disagrees.

    Examples
    --------
    >>> import numpy as np
    >>> from graphmax.symmetry import assert_invariant, translation
    >>> assert_invariant(np.max, translation(1, 2), np.eye(5))
    """
    verdict = check(
        operator,
        transformation,
        inputs,
        output_transformation=output_transformation,
        trials=trials,
        tolerance=tolerance,
        seed=seed,
    )
    if not verdict.invariance.holds:
        raise AssertionError(_failed(verdict, "invariant", verdict.invariance))


def assert_equivariant(
    operator: Any,
    transformation: Transformation,
    inputs: Any,
    *,
    output_transformation: OutputTransformation = None,
    trials: int = 32,
    tolerance: float = 1e-5,
    seed: int = 0,
) -> None:
    """Fail unless C(T(x)) = T(C(x)), with a message that shows the counterexample.

    Parameters
    ----------
    operator : callable
        A function, a ``torch.nn.Module`` or the exact rule: it returns one array or tensor.
    transformation : Transformation
        What is done to the input.
    inputs : one input, list of inputs, or callable
        An image, ``Data``, ``(x, edge_index, ...)`` or ``(graph, values)``; a callable draws one
        from a ``numpy.random.Generator``.
    output_transformation : Transformation or callable, optional
        How the transformation acts on an output of another shape.
    trials : int, default 32
        How often to compare.
    tolerance : float, default 1e-5
        Largest error that still counts as equal, as a share of the largest entry of the outputs.
    seed : int, default 0
        Seed of the draws.

    Raises
    ------
    AssertionError
        If a trial disagrees.
    ValueError
        If the transformation does not act on the output.

    Examples
    --------
    >>> import numpy as np
    >>> from graphmax.symmetry import assert_equivariant, flip
    >>> assert_equivariant(np.abs, flip(0), np.eye(5))
    """
    verdict = check(
        operator,
        transformation,
        inputs,
        output_transformation=output_transformation,
        trials=trials,
        tolerance=tolerance,
        seed=seed,
    )
    if verdict.equivariance is None:
        raise ValueError(
            f"`output_transformation` must say how {transformation.name} acts on this output, "
            "which has neither the node axis nor both pixel axes at the input's size"
        )
    if not verdict.equivariance.holds:
        raise AssertionError(_failed(verdict, "equivariant", verdict.equivariance))


def _failed(verdict: Verdict, wanted: str, comparison: Comparison) -> str:
    return (
        f"{verdict.operator} is not {wanted} under {verdict.transformation}\n{comparison}\n"
        f"{comparison.counterexample}"
    )


def _refuse_numbers(trials: int, tolerance: float) -> None:
    integer(trials, "trials", 1)
    number(tolerance, "tolerance", least=0)


def _source(inputs: Any) -> Callable[[np.random.Generator], Sample]:
    if callable(inputs) and not is_single(inputs):
        return lambda rng: read_sample(inputs(rng))
    samples = [read_sample(given) for given in ([inputs] if is_single(inputs) else inputs)]
    if not samples:
        raise ValueError("`inputs` must hold at least one input, got an empty list")
    turn = iter(range(1 << 62))
    return lambda _: samples[next(turn) % len(samples)]


def _asked(
    operator: Any,
    call: Call,
    transformation: Transformation,
    sample: Sample,
    rng: np.random.Generator,
    output_transformation: OutputTransformation,
) -> Trial:
    first = call(sample)
    refuse_nan(first)
    refuse_chance(operator, first, call(sample))
    trial = attempt(call, transformation, sample, rng, output_transformation)
    refuse_nan(trial.invariance.found)
    if trial.equivariance is not None:
        refuse_nan(trial.equivariance.found)
    return trial


def _notes(operator: Any, trials: list[Trial]) -> tuple[str, ...]:
    notes = []
    if getattr(operator, "training", False):
        notes.append("the operator is in train mode")
    if all(_unmoved(trial) for trial in trials):
        notes.append("the transformation changed none of the inputs: the verdict is empty")
    return tuple(notes)


def _unmoved(trial: Trial) -> bool:
    before, after = trial.sample, trial.move.moved
    same = before.values.shape == after.values.shape and bool((before.values == after.values).all())
    if isinstance(before, Net) and isinstance(after, Net):
        return same and np.array_equal(before.edges, after.edges)
    return same


def _compared(
    equation: str,
    trials: list[Trial],
    pick: Callable[[Trial], Pair | None],
    tolerance: float,
    again: Callable[[Sample, int], Trial],
) -> Comparison:
    pairs = [pair for pair in map(pick, trials) if pair is not None]
    scale = max(pair.scale() for pair in pairs)
    largest = [pair.largest() for pair in pairs]
    bad = [at for at, error in enumerate(largest) if error > tolerance * scale]
    worst = int(np.argmax(largest))
    example = None
    if bad:
        start = min(bad, key=lambda at: trials[at].sample.size)
        example = _shrunk(equation, trials[start], pick, (tolerance, scale), again)
    return Comparison(
        equation, len(pairs), len(bad), _errors(pairs), trials[worst].sample.arguments(), example
    )


def _errors(pairs: list[Pair]) -> Errors:
    numbers: list[float] = []
    for measure in (Pair.absolute, Pair.relative, Pair.ulps):
        entries = np.concatenate([measure(pair).ravel() for pair in pairs])
        numbers += [float(entries.max(initial=0.0)), float(entries.mean()) if entries.size else 0.0]
    return Errors(*numbers)


def _shrunk(
    equation: str,
    trial: Trial,
    pick: Callable[[Trial], Pair | None],
    limits: tuple[float, float],
    again: Callable[[Sample, int], Trial],
) -> Counterexample:
    tolerance, scale = limits

    def fails(sample: Sample) -> Trial | None:
        for salt in range(_DRAWS):
            try:
                tried = again(sample, salt)
            except _NOT_ASKED_THERE:
                return None  # the operator does not take so small an input
            pair = pick(tried)
            if pair is None or np.isnan(pair.largest()):
                continue
            if pair.largest() > tolerance * max(pair.scale(), 1e-3 * scale):
                return tried
        return None

    _, small = shrink(trial.sample, trial, fails)
    pair = pick(small)
    assert pair is not None  # noqa: S101  # `fails` keeps only trials that have it
    return Counterexample(
        small.sample.arguments(),
        small.move.moved.arguments(),
        pair.found,
        pair.expected,
        small.move.told,
        small.sample.describe(),
        equation,
    )
