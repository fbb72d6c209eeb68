"""`fit`: how a detector comes from one epoch to the next, its checkpoints, and what came of it."""

import logging
import math
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from graphmax.checks import integer, number
from graphmax.nn.detector import PeakDetector
from graphmax.nn.heads import CERTAIN
from graphmax.sealed import Format, read_tensors, write_tensors
from graphmax.training.blocks import (
    VALIDATION,
    Asked,
    Block,
    Epochs,
    check_classes,
    epochs_of,
    items_of,
    mask_name,
)

CHECKPOINT = Format("graphmax-checkpoint", 2, "checkpoint", "a whole checkpoint of graphmax")


def write_checkpoint(
    path: str | PathLike[str], tensors: Mapping[str, Tensor], document: Mapping[str, Any]
) -> None:
    """Write the state of a training, atomically."""
    write_tensors(CHECKPOINT, Path(fspath(path)), document, tensors)


def read_checkpoint(path: str | PathLike[str]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what `write_checkpoint` wrote, refusing what was changed since."""
    file = Path(fspath(path))
    if not file.exists():
        raise FileNotFoundError(
            f"`checkpoint` must exist to resume from, got {file}; start with resume=False"
        )
    document, tensors = read_tensors(CHECKPOINT, file)
    return tensors, document


PATIENCE = 0.25
_LAST_RATE = 0.01
_LOG_FACTORS = -4.0, 4.0
MakeOptimizer = Callable[..., torch.optim.Optimizer]


@dataclass(frozen=True)
class Held:
    """Validation graphs, and the mask of the nodes that count."""

    blocks: list[Block]
    mask: str = ""

    @property
    def sizes(self) -> list[int]:
        """Number of judged nodes of each block."""
        return [int(block.mask.sum()) for block in self.blocks]


def held_out(graphs: Any, detector: PeakDetector) -> Held:
    """Check validation graphs; ``val_mask`` counts where a graph has one."""
    if graphs is None:
        return Held([])
    listed = list(items_of(graphs, "validation"))
    mask = mask_name(listed, VALIDATION)
    blocks = Asked.by(detector).blocks(listed, "validation", mask)
    check_classes(blocks, "validation")
    return Held(blocks, mask)


class Training:
    """The state of a training between two epochs, and how to get to the next."""

    def __init__(
        self,
        detector: PeakDetector,
        epochs: Epochs,
        held: Held,
        count: int,
        seed: int,
        optimizer: torch.optim.Optimizer,
    ) -> None:
        self.detector, self.source, self.held = detector, epochs, held
        self.epochs, self.seed, self.epoch = count, seed, 0
        self.optimizer = optimizer
        self.rates = [float(group["lr"]) for group in optimizer.param_groups]
        self.generator = torch.Generator().manual_seed(seed)
        self.history: list[dict[str, float]] = []
        self.best_epoch, self.best_loss = 0, math.inf
        self.best = copied(detector.state_dict())
        self.stop = ""

    @classmethod
    def of(
        cls,
        detector: PeakDetector,
        graphs: Any,
        validation: Any,
        *,
        epochs: int | None,
        seed: int,
        optimizer: Any,
        lr: float | None,
        batch_size: int | None,
    ) -> "Training":
        """Check graphs and settings, and fit scales to the data."""
        count = detector.score.epochs if epochs is None else integer(epochs, "epochs", 1)
        made = optimizer_of(detector, optimizer, lr)
        source = epochs_of(graphs, Asked.by(detector), batch_size, seed)
        held = held_out(validation, detector)
        if not detector.trained:
            adapt(detector, source.sample)
        return cls(detector, source, held, count, seed, made)

    @property
    def patience(self) -> int:
        """Epochs without a better loss on validation graphs before training stops."""
        return max(10, round(PATIENCE * self.epochs))

    @property
    def finished(self) -> str:
        """Why there is no next epoch; empty if there is one."""
        if self.stop:
            return self.stop
        if self.epoch >= self.epochs:
            return "epochs"
        waited = self.held.blocks and self.epoch - self.best_epoch >= self.patience
        return "validation" if waited else ""

    @torch.enable_grad()
    def step(self) -> None:
        """Train for one epoch."""
        self.detector.train()
        self._set_rate()
        losses = []
        for block in self.source.blocks(self.epoch, self.generator):
            self.optimizer.zero_grad()
            loss = self.detector.loss_on(block.x, block.steps, block.y, block.mask)
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimizer.step()
            losses.append(float(loss.detach()))
        self.detector.eval()
        self.epoch += 1
        self._record(sum(losses) / len(losses))

    def _set_rate(self) -> None:
        cosine = (1 + math.cos(math.pi * self.epoch / self.epochs)) / 2
        for group, rate in zip(self.optimizer.param_groups, self.rates, strict=True):
            group["lr"] = rate * (_LAST_RATE + (1 - _LAST_RATE) * cosine)

    def _record(self, loss: float) -> None:
        self._refuse_divergence(loss)
        record = {"loss": loss}
        if self.held.blocks:
            record |= judged_on(self.detector, self.held.blocks)
        self.history.append(record)
        compared = record.get("validation_loss_rescaled", -float(self.epoch))
        if compared < self.best_loss:
            self.best_loss, self.best_epoch = compared, self.epoch
            self.best = copied(self.detector.state_dict())

    def _refuse_divergence(self, loss: float) -> None:
        finite = math.isfinite(loss)
        if finite and all(bool(p.isfinite().all()) for p in self.detector.parameters()):
            return
        self.detector.load_state_dict(self.best)
        what = f"the loss is {loss}" if not finite else "weights are no longer finite"
        raise FloatingPointError(
            f"training diverged: {what} in epoch {self.epoch}; bring `x` to a smaller scale, or "
            f"pass a lower rate (lr=); the detector has the weights of epoch {self.best_epoch}"
        )

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return everything that the next epochs depend on."""
        tensors = {f"now.{name}": t for name, t in copied(self.detector.state_dict()).items()}
        tensors |= {f"best.{name}": tensor for name, tensor in self.best.items()}
        for index, moments in self.optimizer.state_dict()["state"].items():
            tensors |= {
                f"moment.{index}.{name}": torch.as_tensor(moment).clone()
                for name, moment in moments.items()
                if moment is not None
            }
        tensors["generator"] = self.generator.get_state()
        document = {
            "epoch": self.epoch,
            "best_epoch": self.best_epoch,
            "history": list(self.history),
            "best_loss": repr(self.best_loss),
            **self.identity(),
        }
        return tensors, document

    def identity(self) -> dict[str, Any]:
        """Return what must be equal for a state to be taken up again."""
        return {
            "detector": self.detector.describe(),
            "epochs": self.epochs,
            "seed": self.seed,
            "graphs": self.source.sizes,
            "validation": self.held.sizes,
            "optimizer": type(self.optimizer).__name__,
            "rates": self.rates,
        }

    def take_up(self, tensors: Mapping[str, Tensor], document: Mapping[str, Any]) -> None:
        """Go back to a state."""
        for name, value in self.identity().items():
            if document.get(name) != value:
                raise ValueError(
                    f"`checkpoint` must be of the same training, got another {name}: "
                    f"{document.get(name)!r} where this has {value!r}"
                )
        now, best = part(tensors, "now."), part(tensors, "best.")
        shapes = {name: tensor.shape for name, tensor in self.detector.state_dict().items()}
        if any(shapes != {name: t.shape for name, t in state.items()} for state in (now, best)):
            raise ValueError("`checkpoint` must be of the same architecture, got other weights")
        self.best = best
        self.detector.load_state_dict(now)
        self._take_up_optimizer(part(tensors, "moment."))
        self.generator.set_state(tensors["generator"])
        self.epoch, self.best_epoch = document["epoch"], document["best_epoch"]
        self.history, self.best_loss = list(document["history"]), float(document["best_loss"])

    def _take_up_optimizer(self, moments: Mapping[str, Tensor]) -> None:
        state: dict[int, dict[str, Tensor]] = {}
        for key, tensor in moments.items():
            index, _, name = key.partition(".")
            state.setdefault(int(index), {})[name] = tensor
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": state, "param_groups": groups})

    def finish(self) -> None:
        """Give the detector its best weights and settle what is chosen after training."""
        self.detector.load_state_dict(self.best)
        first = self.source.sample[0]
        self.detector.score.settle(first.x, first.steps)
        choose_hops(self.detector, [*self.source.sample, *self.held.blocks])
        if self.held.blocks:
            self.detector.eval()
            self.detector.head.rescale(best_scale(self.detector, self.held.blocks)[0])
        self.detector.trained.fill_(True)
        self.detector.eval()


def optimizer_of(detector: PeakDetector, optimizer: Any, lr: Any) -> torch.optim.Optimizer:
    """Return the optimizer: AdamW by default, the user's own, or one made of the parameters."""
    rate = detector.score.learning_rate if lr is None else number(lr, "lr", above=0)
    if optimizer is None:
        decay = detector.score.weight_decay
        return torch.optim.AdamW(detector.parameters(), rate, weight_decay=decay)
    if not isinstance(optimizer, torch.optim.Optimizer) and callable(optimizer):
        options = {} if lr is None else {"lr": rate}
        optimizer = optimizer(detector.parameters(), **options)
    elif lr is not None:
        raise ValueError(f"`lr` must be left out with an optimizer that has its own, got {lr!r}")
    if not isinstance(optimizer, torch.optim.Optimizer):
        raise TypeError(
            "`optimizer` must be a torch.optim.Optimizer, or a function of the parameters that "
            f"makes one, got {type(optimizer).__name__}"
        )
    mine = {id(parameter) for parameter in detector.parameters()}
    if not any(id(p) in mine for group in optimizer.param_groups for p in group["params"]):
        raise ValueError(
            "`optimizer` must be made of parameters of the detector, got one of others; pass "
            "torch.optim.Adam(detector.parameters()), or the function torch.optim.Adam"
        )
    if isinstance(optimizer, torch.optim.LBFGS):
        raise TypeError("`optimizer` must not need a closure, got LBFGS; use a loop of your own")
    return optimizer


@torch.no_grad()
def adapt(detector: PeakDetector, blocks: list[Block]) -> None:
    """Fit scales to the data: of the features, and of the margins that they lead to."""
    x = torch.cat([block.x for block in blocks])
    detector.score.adapt(x)
    features = [b.steps.edge_attr for b in blocks if b.steps.edge_attr is not None]
    if features:
        detector.score.adapt_edges(torch.cat(features), x.shape[0])
    judged = [detector.logits_to_calibrate(b.x, b.steps)[b.mask].reshape(-1) for b in blocks]
    logits = torch.cat(judged)
    usable = logits[logits.abs() < CERTAIN]
    if usable.numel():
        detector.head.calibrate(usable)


def judged_on(detector: PeakDetector, blocks: list[Block]) -> dict[str, float]:
    """Return losses and average precision on validation graphs, with the radius in force.

    The loss as it is rises while the ranking still gets better: early in a training logits grow
    too large for nodes that were not trained on, and weight decay makes them too small later. What
    epochs are compared by is the loss at the scale that suits these labels best.
    """
    from sklearn.metrics import average_precision_score

    logits, y = _validated(detector, blocks)
    usable = logits.abs() < CERTAIN
    order = torch.nan_to_num(logits, nan=0.0).cpu().numpy()
    return {
        "validation_loss": _loss_at(0.0, detector, logits[usable], y[usable]),
        "validation_loss_rescaled": best_scale(detector, blocks, (logits, y))[1],
        "validation_average_precision": float(average_precision_score(y.cpu().numpy(), order)),
    }


@torch.no_grad()
def _validated(detector: PeakDetector, blocks: list[Block]) -> tuple[Tensor, Tensor]:
    logits = torch.cat([detector(block.x, block.steps)[block.mask] for block in blocks])
    return logits, torch.cat([block.y[block.mask] for block in blocks])


@torch.no_grad()
def _loss_at(log_factor: float, detector: PeakDetector, logits: Tensor, y: Tensor) -> float:
    loss = detector.head.negative_log_likelihood(logits * math.exp(log_factor), y).mean()
    return float(loss)


def best_scale(
    detector: PeakDetector, blocks: list[Block], judged: tuple[Tensor, Tensor] | None = None
) -> tuple[float, float]:
    """Return the log of the factor of the logits that suits the labels best, and its loss."""
    from scipy.optimize import minimize_scalar

    logits, y = _validated(detector, blocks) if judged is None else judged
    usable = logits.abs() < CERTAIN
    arguments = detector, logits[usable], y[usable]
    found = minimize_scalar(
        _loss_at, args=arguments, bounds=_LOG_FACTORS, method="bounded", options={"xatol": 1e-3}
    )
    return float(found.x), float(found.fun)


@torch.no_grad()
def choose_hops(detector: PeakDetector, blocks: list[Block]) -> None:
    """Prefer the radius that contradicts the fewest labels; the smallest of equals."""
    head = detector.head
    if head.hops is not None:
        return
    shares, wrong = head.mixture.detach().clone(), {}
    for hops in head.candidates:
        head.prefer(hops)
        wrong[hops] = sum(_contradicted(detector, block) for block in blocks)
    head.mixture.copy_(shares)
    head.prefer(min(wrong, key=lambda hops: wrong[hops]))


def _contradicted(detector: PeakDetector, block: Block) -> int:
    decided = detector.eval().decide(block.x, block.steps)
    return int((decided != block.y)[block.mask].sum())


def copied(state: Mapping[str, Any]) -> dict[str, Tensor]:
    """Return a state that later steps do not change."""
    return {name: tensor.detach().clone() for name, tensor in state.items()}


def part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Return the tensors of a prefix, without it."""
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }


# --- `fit`: sensible defaults, early stopping, and training state that is never lost

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
