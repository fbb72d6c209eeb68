"""The state of a training between two epochs, and how to get to the next."""

import math
from typing import Any

import torch
from torch import Tensor

from graphmax.nn.detector import PeakDetector
from graphmax.training.loss import adapt, choose_hops, judged_on, loss_on
from graphmax.training.material import Block, blocks_of, check_classes

PATIENCE = 0.25
_LAST_RATE = 0.01


class Training:
    """The state of a training between two epochs, and how to get to the next."""

    def __init__(
        self, detector: PeakDetector, blocks: list[Block], validation: list[Block], epochs: int,
        seed: int,
    ) -> None:  # fmt: skip
        self.detector, self.blocks, self.validation = detector, blocks, validation
        self.epochs, self.seed, self.epoch = epochs, seed, 0
        self.rate = float(getattr(detector.score, "learning_rate", 0.01))
        decay = float(getattr(detector.score, "weight_decay", 0.0))
        self.optimizer = torch.optim.AdamW(detector.parameters(), self.rate, weight_decay=decay)
        self.generator = torch.Generator().manual_seed(seed)
        self.history: list[dict[str, float]] = []
        self.best_epoch, self.best_loss = 0, math.inf
        self.best = copied(detector.state_dict())

    @classmethod
    def of(
        cls, detector: PeakDetector, graphs: Any, validation: Any, epochs: int | None, seed: int
    ) -> "Training":
        """Check graphs and settings, and fit scales to the data."""
        shape = detector.score.in_channels, detector.rule.direction, detector.device
        blocks = blocks_of(graphs, "graphs", *shape)
        check_classes(blocks, "graphs")
        held = (
            [] if validation is None else blocks_of(validation, "validation", *shape, masks=False)
        )
        if held:
            check_classes(held, "validation")
        count = getattr(detector.score, "epochs", 200) if epochs is None else epochs
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            raise ValueError(f"`epochs` must be an integer of at least 1, got {epochs!r}")
        if not detector.trained:
            adapt(detector, blocks)
        return cls(detector, blocks, held, count, seed)

    @property
    def patience(self) -> int:
        """Epochs without a better validation loss before training stops."""
        return max(10, round(PATIENCE * self.epochs))

    @property
    def finished(self) -> str:
        """Why there is no next epoch; empty if there is one."""
        if self.epoch >= self.epochs:
            return "epochs"
        waited = self.validation and self.epoch - self.best_epoch >= self.patience
        return "validation" if waited else ""

    @torch.enable_grad()
    def step(self) -> None:
        """Train for one epoch."""
        self.detector.train()
        self._set_rate()
        order = torch.randperm(len(self.blocks), generator=self.generator).tolist()
        losses = []
        for block in (self.blocks[i] for i in order):
            self.optimizer.zero_grad()
            loss = loss_on(self.detector, block)
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimizer.step()
            losses.append(float(loss.detach()))
        self.detector.eval()
        self.epoch += 1
        self._note(sum(losses) / len(losses))

    def _set_rate(self) -> None:
        cosine = (1 + math.cos(math.pi * self.epoch / self.epochs)) / 2
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate * (_LAST_RATE + (1 - _LAST_RATE) * cosine)

    def _note(self, loss: float) -> None:
        if not math.isfinite(loss):
            raise FloatingPointError(
                f"`graphs` must give a finite loss, got {loss} in epoch {self.epoch}; the weights "
                "of the last good epoch are in the checkpoint"
            )
        told = {"loss": loss}
        if self.validation:
            told |= judged_on(self.detector, self.validation)
        self.history.append(told)
        compared = told.get("validation_loss", -float(self.epoch))
        if compared < self.best_loss:
            self.best_loss, self.best_epoch = compared, self.epoch
            self.best = copied(self.detector.state_dict())

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return everything that the next epochs depend on."""
        tensors = {f"now.{name}": t for name, t in copied(self.detector.state_dict()).items()}
        tensors |= {f"best.{name}": tensor for name, tensor in self.best.items()}
        for index, moments in self.optimizer.state_dict()["state"].items():
            tensors |= {f"adam.{index}.{k}": torch.as_tensor(m).clone() for k, m in moments.items()}
        tensors["generator"] = self.generator.get_state()
        told = {
            "epoch": self.epoch, "best_epoch": self.best_epoch, "history": list(self.history),
            "best_loss": repr(self.best_loss), **self.identity(),
        }  # fmt: skip
        return tensors, told

    def identity(self) -> dict[str, Any]:
        """Return what must be equal for a state to be taken up again."""
        sizes = [[block.x.shape[0], int(block.y.sum())] for block in self.blocks]
        return {
            "detector": self.detector.describe(), "epochs": self.epochs, "seed": self.seed,
            "graphs": sizes, "validation": [block.x.shape[0] for block in self.validation],
        }  # fmt: skip

    def take_up(self, tensors: dict[str, Tensor], told: dict[str, Any]) -> None:
        """Go back to a state."""
        for name, value in self.identity().items():
            if told.get(name) != value:
                raise ValueError(
                    f"`checkpoint` must be of the same training, got another {name}: "
                    f"{told.get(name)!r} where this has {value!r}"
                )
        now, self.best = part(tensors, "now."), part(tensors, "best.")
        shapes = {name: tensor.shape for name, tensor in self.detector.state_dict().items()}
        if shapes != {name: tensor.shape for name, tensor in now.items()}:
            raise ValueError("`checkpoint` must be of the same architecture, got other weights")
        self.detector.load_state_dict(now)
        self._take_up_optimizer(part(tensors, "adam."))
        self.generator.set_state(tensors["generator"])
        self.epoch, self.best_epoch = told["epoch"], told["best_epoch"]
        self.history, self.best_loss = list(told["history"]), float(told["best_loss"])

    def _take_up_optimizer(self, moments: dict[str, Tensor]) -> None:
        state: dict[int, dict[str, Tensor]] = {}
        for name, tensor in moments.items():
            index, kind = name.split(".")
            state.setdefault(int(index), {})[kind] = tensor
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": state, "param_groups": groups})

    def finish(self) -> None:
        """Give the detector its best weights and settle what is chosen after training."""
        self.detector.load_state_dict(self.best)
        self.detector.score.settle(self.blocks[0].x, self.blocks[0].steps)
        choose_hops(self.detector, self.blocks)
        self.detector.trained.fill_(True)
        self.detector.eval()


def copied(state: dict[str, Any]) -> dict[str, Tensor]:
    """Return a state that later steps do not change."""
    return {name: tensor.detach().clone() for name, tensor in state.items()}


def part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Return the tensors of a prefix, without it."""
    found = {name for name in tensors if name.startswith(prefix)}
    return {name.removeprefix(prefix): tensors[name] for name in found}
