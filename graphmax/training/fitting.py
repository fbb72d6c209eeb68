"""`fit`: sensible defaults, early stopping, and training state that is never lost."""

import logging
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from graphmax.nn.detector import PeakDetector
from graphmax.training.trainer import Training, read_checkpoint, write_checkpoint

SECONDS_BETWEEN_CHECKPOINTS = 2.0


@dataclass(frozen=True)
class EpochRecord:
    """What a callback of `fit` gets after every epoch.

    ``epoch`` of at most ``epochs``; ``loss`` in nats per labelled node, in the mean of the members
    of the score; ``validation_loss`` in the same unit and ``validation_average_precision``, both
    None without validation; ``hops`` the radius in force; ``detector`` as it is now.
    """

    epoch: int
    epochs: int
    loss: float
    validation_loss: float | None
    validation_average_precision: float | None
    hops: int
    detector: PeakDetector = field(repr=False)


@dataclass(frozen=True)
class FitResult:
    """What became of a training.

    ``epochs`` that were run, ``best_epoch`` whose weights the detector has, ``stopped`` by
    ``"epochs"``, ``"validation"``, ``"callback"`` or ``"interrupt"``, ``hops`` and ``flip_rate``
    that were learned, ``seconds`` of this call, and ``history``: one dictionary per epoch with
    ``loss`` and, with validation, ``validation_loss`` and ``validation_loss_rescaled`` (all in nats
    per labelled node) and ``validation_average_precision``. ``mask`` and ``validation_mask`` name
    the masks whose nodes counted: ``"train_mask"`` and ``"val_mask"`` where the graphs
    have them, else ``"all"``.

    Examples
    --------
    >>> import torch
    >>> import graphmax as gm
    >>> data = gm.grid_graph(3).to_data()
    >>> data.x, data.y = torch.tensor([[1.0], [3.0], [2.0]]), torch.tensor([False, True, False])
    >>> gm.fit(gm.PeakDetector(hops=1), [data], epochs=2, progress=False).epochs
    2
    """

    epochs: int
    best_epoch: int
    stopped: str
    hops: int
    flip_rate: float
    seconds: float
    history: tuple[dict[str, float], ...] = field(repr=False)
    mask: str = "all"
    validation_mask: str = ""


def fit(
    detector: PeakDetector,
    graphs: Any,
    *,
    validation: Any = None,
    epochs: int | None = None,
    seed: int = 0,
    device: str | torch.device | None = None,
    checkpoint: str | PathLike[str] | None = None,
    resume: bool = False,
    progress: bool = True,
    callback: Callable[[EpochRecord], Any] | None = None,
    optimizer: Any = None,
    lr: float | None = None,
    batch_size: int | None = None,
    logger: logging.Logger | None = None,
) -> FitResult:
    """Train a detector on labelled graphs.

    The loss is the mean of -log P(label) over the labelled nodes that have a neighbor, where a
    label is wrong with a probability that is learned too.

    Parameters
    ----------
    detector : PeakDetector
        Trained in place. A new one gets weights from `seed`, a trained one goes on from its own.
    graphs : sequence of PyG Data, PeakDataset, Subset or DataLoader
        Each graph with ``x``, ``edge_index``, labels ``y`` (flags, or 1 and 0 with -1 for unknown)
        and, optionally, ``train_mask``: the nodes whose label counts. A loader is gone through in
        every epoch, one step per batch; one of `neighborhood_loader` trains on cut-out
        neighborhoods of a graph that does not fit.
    validation : as `graphs`, optional
        Training stops when the loss on these no longer falls; the best weights stay. Epochs are
        compared by their loss at the scale of the logits that suits these labels best, which a
        head with a scale keeps at the end: the plain loss would stop while the ranking still gets
        better. Of graphs that have a ``val_mask`` its nodes count.
    epochs : int, optional
        Most passes over the graphs; the default suits the detector's score.
    seed : int, default 0
        Equal seeds give equal weights on CPU.
    device : str or torch.device, optional
        Where to train; the detector moves there.
    checkpoint : path, optional
        A file that holds the state of training, written every few seconds and at the end.
    resume : bool, default False
        Go on from `checkpoint`, to the same bits as without the interruption.
    progress : bool, default True
        Show a live line with the loss and the validation average precision, on a terminal.
    callback : callable, optional
        Called with an `EpochRecord` after every epoch; training stops where it returns True.
    optimizer : torch.optim.Optimizer or callable, optional
        AdamW by default; one made of ``detector.parameters()``, or what makes one of them, for
        example ``torch.optim.SGD``. Its rate falls along a cosine to a hundredth.
    lr : float, optional
        The first rate; the default suits the detector's score.
    batch_size : int, optional
        Graphs per step, dealt anew in every epoch; by default as many as fit 2**21 entries.
    logger : logging.Logger, optional
        Gets a line per epoch at level INFO; ``logging.getLogger("graphmax")`` by default.

    Returns
    -------
    FitResult
        How it went.

    Raises
    ------
    TypeError, ValueError
        If graphs and detector do not fit, all labels are of one class, or the checkpoint is of
        another training, damaged, or there already and `resume` is False.
    FloatingPointError
        If training diverges; the detector then has the weights of its best epoch.
    OSError
        If the checkpoint cannot be written: before the first epoch, or after the last one, when
        the detector has its trained weights all the same.

    Notes
    -----
    Ctrl-C ends the training after the last complete epoch: the checkpoint is written, the best
    weights are kept and the result returned.

    Examples
    --------
    >>> import torch
    >>> from torch_geometric.data import Data
    >>> from graphmax import PeakDetector, fit
    >>> path = torch.tensor([[0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]])
    >>> x = torch.tensor([[1.0], [3.0], [2.0], [2.5]])
    >>> data = Data(x=x, edge_index=path, y=torch.tensor([False, True, False, False]))
    >>> fit(PeakDetector(hops="learn"), [data], epochs=50).hops
    2
    """
    if device is not None:
        detector.to(device)
    if not detector.trained:
        detector.reset_parameters(seed)
    training = Training.of(
        detector,
        graphs,
        validation,
        epochs=epochs,
        seed=seed,
        optimizer=optimizer,
        lr=lr,
        batch_size=batch_size,
    )
    keeper = _Keeper(checkpoint, training)
    keeper.begin(resume=resume)
    line = _Line(progress and sys.stderr.isatty())
    return _run(training, keeper, _Reporter(line, callback, logger))


class _Keeper:
    """Writes the state of a training to its checkpoint now and then."""

    def __init__(self, path: str | PathLike[str] | None, training: Training) -> None:
        self.path, self.training = path, training
        self.last = time.monotonic()
        self.failure: OSError | None = None

    def begin(self, *, resume: bool) -> None:
        """Take up the checkpoint, or write a first one to find out whether that is possible."""
        if self.path is None:
            if resume:
                raise ValueError("`resume` must be False without a checkpoint, got True")
            return
        if resume:
            self.training.take_up(*read_checkpoint(self.path))
        elif Path(self.path).exists():
            raise ValueError(
                f"`checkpoint` must not exist yet, got {self.path}; "
                "pass resume=True, or another name"
            )
        else:
            write_checkpoint(self.path, *self.training.state())

    def keep(self, state: tuple[dict[str, Tensor], dict[str, Any]], *, now: bool = False) -> None:
        """Write a state if it is time; a full disk is no reason to stop training."""
        if self.path is None:
            return
        if not now and time.monotonic() - self.last < SECONDS_BETWEEN_CHECKPOINTS:
            return
        try:
            write_checkpoint(self.path, *state)
            self.failure = None
        except OSError as failure:
            self.failure = failure
        self.last = time.monotonic()


class _Line:
    """The live line on a terminal."""

    def __init__(self, wanted: bool) -> None:
        self.wanted, self.last = wanted, 0.0

    def show(self, training: Training, *, end: bool = False) -> None:
        """Tell how far the training is, ten times a second at most."""
        now = time.monotonic()
        if not self.wanted or not training.history or (now - self.last < 0.1 and not end):
            return
        self.last = now
        sys.stderr.write("\r" + _spoken(training).ljust(78) + ("\n" if end else ""))
        sys.stderr.flush()


def _spoken(training: Training) -> str:
    record = training.history[-1]
    text = f"epoch {training.epoch}/{training.epochs}  loss {record['loss']:.4f}"
    if "validation_average_precision" in record:
        text += f"  validation AP {record['validation_average_precision']:.4f}"
    return text


class _Reporter:
    """Tells the terminal, the log and the user's callback of every epoch."""

    def __init__(self, line: _Line, callback: Any, logger: logging.Logger | None) -> None:
        if callback is not None and not callable(callback):
            raise TypeError(f"`callback` must be callable, got {type(callback).__name__}")
        self.line, self.callback = line, callback
        self.logger = logging.getLogger("graphmax") if logger is None else logger

    def report(self, training: Training) -> None:
        """Report the last epoch; a callback that returns True ends the training."""
        self.line.show(training)
        if self.logger.isEnabledFor(logging.INFO):
            self.logger.info("%s", _spoken(training))
        if self.callback is not None and self.callback(_record(training)) is True:
            training.stop = "callback"


def _record(training: Training) -> EpochRecord:
    figures = training.history[-1]
    return EpochRecord(
        training.epoch,
        training.epochs,
        figures["loss"],
        figures.get("validation_loss"),
        figures.get("validation_average_precision"),
        training.detector.head.radius,
        training.detector,
    )


def _run(training: Training, keeper: _Keeper, reporter: _Reporter) -> FitResult:
    started, stopped = time.monotonic(), training.finished
    state = training.state()
    try:
        while not stopped:
            training.step()
            state = training.state()
            keeper.keep(state)
            reporter.report(training)
            stopped = training.finished
    except KeyboardInterrupt:
        stopped = "interrupt"
        training.take_up(*state)  # an epoch that was cut short never happened
    reporter.line.show(training, end=True)
    keeper.keep(state, now=True)
    training.finish()
    if keeper.failure is not None:
        raise OSError(
            f"`checkpoint` must lie where there is room, got {keeper.failure}; training is "
            "complete and the detector has its weights: call save_pretrained elsewhere"
        ) from keeper.failure
    detector = training.detector
    return FitResult(
        training.epoch,
        training.best_epoch,
        stopped,
        detector.head.radius,
        detector.flip_rate,
        time.monotonic() - started,
        tuple(training.history),
        training.source.mask,
        training.held.mask,
    )
