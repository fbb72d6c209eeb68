"""PeakDetector: a score for every node, and a head that compares it within a ball."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from os import PathLike
from typing import Any, Self

import torch
from torch import Tensor, nn

import graphmax.nn.storage as storage
from graphmax.nn.choices import (
    check_combination,
    check_counts,
    head_for,
    learnable_rule,
    radius_of,
    score_for,
)
from graphmax.nn.heads import ChoiceHead, Head, Judged, NormalHead, SignHead
from graphmax.nn.inputs import Asked, asked, check_finite, check_x
from graphmax.nn.reasons import Decision, deciding_rivals
from graphmax.nn.scores import EncoderScore, GraphFilter, Identity, Score
from graphmax.nn.steps import Steps
from graphmax.rule import FilledRule, Rule
from graphmax.ties import TIES


class PeakDetector(nn.Module):
    """Score whether each node of a graph is a local maximum, equivariantly under renumbering.

    A *score* gives every node one number, a *head* compares it with the other nodes of its ball.

    Parameters
    ----------
    in_channels : int, default 1
        Width of `x`. One: the attribute itself is compared, unless `denoise` or `encoder` says
        otherwise. More: small networks score each node from its features.
    hops : int or "learn", default 1
        Radius of the ball; "learn" finds it from labels, from 1 to `max_hops`.
    max_hops : int, default 4
        Largest radius that "learn" considers.
    denoise : bool, default False
        The attribute is noisy: compare a learned average over near nodes.
    head : {"sign", "choice", "normal"}, default "sign"
        ``sign``: the margin against the highest other node; exact, unchanged by increasing maps.
        ``choice``: Plackett-Luce over the ball, a calibrated probability. ``normal``: every score
        has a standard deviation; needs `denoise`.
    encoder : nn.Module, optional
        Any PyG module ``encoder(x, edge_index)`` in place of the score; gives one number a node,
        or ``out_channels`` of them.
    rule : Rule, optional
        Ties (strict or weak), direction, isolated, extremum; its hops, if given, are the radius.

    Raises
    ------
    TypeError
        If an argument is of the wrong kind.
    ValueError
        If score, head and radius do not go together, or the rule has a field that no detector
        takes.

    Notes
    -----
    ``forward(x, edge_index, batch=None)`` gives logits; `predict` answers for ``choice`` and
    ``normal`` whether the probability is above 1/2, for ``sign`` whether the margin is above 0
    (weak: at least 0), exactly. Scores are compared in float64, with autocast off. Scoring costs
    O(hops * edges); balls of more than one hop are listed for ``choice`` and ``normal`` only.

    Examples
    --------
    >>> import torch
    >>> from graphmax import Graph, PeakDetector
    >>> path = Graph.from_edges([0, 1, 2], [1, 2, 3])
    >>> PeakDetector(hops=2).predict((path, torch.tensor([1.0, 3.0, 2.0, 2.5])))
    tensor([False,  True, False, False])
    """

    def __init__(
        self,
        in_channels: int = 1,
        hops: int | str = 1,
        *,
        max_hops: int = 4,
        denoise: bool = False,
        head: str = "sign",
        encoder: nn.Module | None = None,
        rule: Rule | None = None,
    ) -> None:
        super().__init__()
        check_counts(in_channels, hops, max_hops)
        rule = learnable_rule(rule)
        radius = radius_of(hops, rule)
        check_combination(in_channels, radius, head, denoise=denoise, encoder=encoder)
        score = score_for(in_channels, denoise=denoise, encoder=encoder)
        self._assemble(score, head_for(head, radius, max_hops), rule)

    def _assemble(self, score: Score, head: Head, rule: FilledRule) -> None:
        self.score: Score = score
        self.head: Head = head
        self.rule = replace(rule, hops=None)
        self.columns: tuple[str, ...] = ()
        self.trained: Tensor
        self.register_buffer("trained", torch.tensor(False))
        self.doubt = nn.Parameter(torch.tensor(-6.0, dtype=torch.float64))
        self.reset_parameters(0)
        self.eval()

    @classmethod
    def composed(cls, score: Score, head: Head, rule: Rule | None = None) -> Self:
        """Build a detector from a score and a head of one's own.

        Parameters
        ----------
        score : Score
            ``score(x, steps) -> (num_nodes, members)``.
        head : Head
            ``head(scores, steps, score) -> Judged``.
        rule : Rule, optional
            As for the constructor.

        Returns
        -------
        PeakDetector
            The detector.
        """
        detector = cls.__new__(cls)
        nn.Module.__init__(detector)
        detector._assemble(score, head, learnable_rule(rule))
        return detector

    def reset_parameters(self, seed: int = 0) -> None:
        """Draw all weights anew.

        Parameters
        ----------
        seed : int, default 0
            Equal seeds give equal weights.
        """
        generator = torch.Generator().manual_seed(seed)
        self.score.reset_parameters(generator)
        self.head.reset_parameters()
        nn.init.constant_(self.doubt, -6.0)
        self.trained.fill_(False)

    @property
    def hops_(self) -> int:
        """Radius that decisions use; the learned one after `fit`."""
        return self.head.radius

    @property
    def receptive_hops(self) -> int:
        """How far a score looks: hops + filter order + encoder depth.

        While the radius is to be learned, the largest one that is considered.
        """
        head = self.head
        if isinstance(head, SignHead) and head.hops is None and not bool(self.trained):
            return head.max_hops + self.score.receptive_hops
        return self.hops_ + self.score.receptive_hops

    @property
    def flip_rate(self) -> float:
        """Learned share of training labels that are wrong, at most 1/2."""
        return float(self.doubt.detach().sigmoid() / 2)

    @property
    def device(self) -> torch.device:
        """Where the parameters are."""
        return self.doubt.device

    def forward(self, x: Tensor, edge_index: Any, batch: Tensor | None = None) -> Tensor:
        """Return the logit of every node.

        Parameters
        ----------
        x : Tensor, shape (num_nodes, in_channels) or (num_nodes,)
            Features, or the attribute; float, or integers that float64 holds.
        edge_index : int64 Tensor (2, entries), Graph or Adjacency
            The graph, as messages flow. While torch compiles or exports, without repeats.
        batch : int64 Tensor (num_nodes,), optional
            Not needed: edges already keep graphs apart.

        Returns
        -------
        Tensor, shape (num_nodes,)
            float64; +inf for a node without neighbors (-inf under ``isolated=False``).
        """
        del batch
        check_x(x, self.score.in_channels)
        steps = Steps.of(edge_index, x.shape[0], self.rule.direction)
        with _full_precision(x.device.type):
            return self._judge(self._scores(x, steps).mean(1, keepdim=True), steps)[:, 0]

    def member_logits(self, x: Tensor, steps: Steps) -> Tensor:
        """Return the logits of every member of the score, (num_nodes, members), to train on."""
        with _full_precision(x.device.type):
            return self._judge(self._scores(x, steps), steps)

    def _scores(self, x: Tensor, steps: Steps) -> Tensor:
        if not isinstance(self.score, Identity):
            check_finite(x)
        scores: Tensor = self.score(x, steps)
        return -scores if self.rule.extremum == "min" else scores

    def _judge(self, scores: Tensor, steps: Steps) -> Tensor:
        judged: Judged = self.head(scores, steps, self.score)
        alone = torch.inf if self.rule.isolated else -torch.inf
        return judged.logits.masked_fill(~judged.accompanied, alone)

    def score_nodes(self, data: Any) -> Any:
        """Return the latent score of every node, the number that is compared.

        Parameters
        ----------
        data : PyG Data, (graph, x), neighborhoods or (neighborhoods, x)
            A graph with features; for neighborhoods the answer is about their roots.

        Returns
        -------
        float64 (num_nodes,)
            NumPy where `x` was an array or a name, else a tensor.
        """
        with self._asking(data) as question:
            scores = self.score(question.x, question.steps).mean(1)
        return self._answer(question, scores)

    def predict_proba(self, data: Any) -> Any:
        """Return the probability that each node is a maximum.

        Parameters
        ----------
        data : PyG Data, (graph, x), neighborhoods or (neighborhoods, x)
            A graph with features; for neighborhoods the answer is about their roots.

        Returns
        -------
        float64 (num_nodes,)
            NumPy where `x` was an array or a name, else a tensor.
        """
        with self._asking(data) as question:
            logits = self(question.x, question.steps)
        return self._answer(question, logits.sigmoid())

    def predict(self, data: Any) -> Any:
        """Tell which nodes are maxima.

        Parameters
        ----------
        data : PyG Data, (graph, x), neighborhoods or (neighborhoods, x)
            A graph with features; for neighborhoods the answer is about their roots.

        Returns
        -------
        bool (num_nodes,)
            NumPy where `x` was an array or a name, else a tensor.
        """
        with self._asking(data) as question:
            mask = self.decide(question.x, question.steps)
        return self._answer(question, mask)

    def decide(self, x: Tensor, steps: Steps) -> Tensor:
        """Tell which nodes are maxima, unchecked; see `predict`.

        Parameters
        ----------
        x : Tensor, shape (num_nodes, in_channels)
            Features.
        steps : Steps
            The graph.

        Returns
        -------
        bool Tensor, shape (num_nodes,)
            The decisions.
        """
        if not isinstance(self.head, SignHead):
            positive: Tensor = self(x, steps) > 0
            return positive
        scores = self._scores(x, steps).mean(1, keepdim=True)
        margin, accompanied = self.head.margins(scores, steps, self.hops_)
        beaten: Tensor = TIES[self.rule.ties].challenges(margin[-1], 0)
        alone = torch.full_like(accompanied, self.rule.isolated)
        return torch.where(accompanied, ~beaten, alone)[:, 0]

    def rivals(self, data: Any) -> Any:
        """Return the rival that decided about each node; see `explain`.

        Parameters
        ----------
        data : PyG Data, (graph, x), neighborhoods or (neighborhoods, x)
            A graph with features; for neighborhoods the answer is about their roots.

        Returns
        -------
        int64 (num_nodes,)
            Nodes by their index in the whole graph, -1 where there is no other in the ball.
        """
        with self._asking(data) as question:
            scores = self._scores(question.x, question.steps).mean(1)
            found = deciding_rivals(self.score, self.head, scores, question.steps)
            if question.names is not None:
                found = torch.where(found < 0, found, question.names[found])
        return self._answer(question, found)

    def explain(self, data: Any, node: int) -> Decision:
        """Name the rival that decided about a node.

        For ``sign`` and ``choice`` the highest other node of the ball (for ``choice`` that is the
        one with the largest share), for ``normal`` the one that most likely beats the node.

        Parameters
        ----------
        data : PyG Data, (graph, x), neighborhoods or (neighborhoods, x)
            A graph with features.
        node : int
            Index of the node; for neighborhoods, which of them.

        Returns
        -------
        Decision
            Node, rival, margin and probability, nodes by their index in the whole graph.

        Raises
        ------
        ValueError
            If there is no such node.
        """
        with self._asking(data) as question:
            count = question.x.shape[0] if question.nodes is None else len(question.nodes)
            if not 0 <= node < count:
                raise ValueError(f"`node` must be from 0 to {count - 1}, got {node}")
            at = node if question.nodes is None else int(question.nodes[node])
            scores = self._scores(question.x, question.steps).mean(1)
            rival = int(deciding_rivals(self.score, self.head, scores, question.steps)[at])
            chance = float(self(question.x, question.steps)[at].sigmoid())
        margin = float(scores[at] - scores[rival]) if rival >= 0 else torch.inf
        names = question.names
        named = [n if names is None or n < 0 else int(names[n]) for n in (at, rival)]
        return Decision(named[0], named[1], margin, chance)

    def save_pretrained(self, folder: str | PathLike[str]) -> None:
        """Write ``config.json`` and ``model.safetensors``.

        Parameters
        ----------
        folder : path
            Made if it is not there; files of these names are replaced, atomically.

        Raises
        ------
        OSError
            If the folder cannot be written; what was there before is kept.
        """
        storage.save(self, folder)

    @classmethod
    def from_pretrained(
        cls, name: str | PathLike[str], *, encoder: nn.Module | None = None
    ) -> "PeakDetector":
        """Load a detector from a folder, or one of those that come with the package.

        Parameters
        ----------
        name : path or str
            A folder that `save_pretrained` wrote, or a name that `graphmax.nn.pretrained` lists.
        encoder : nn.Module, optional
            The same kind of module that the detector was saved with.

        Returns
        -------
        PeakDetector
            In evaluation mode.

        Raises
        ------
        FileNotFoundError
            If there is no such folder or name.
        ValueError
            If a file is damaged, of another version, or not what it should be; nothing in it is
            ever executed.
        """
        return storage.load(name, encoder)

    def describe(self) -> dict[str, Any]:
        """Return what a copy of this detector is built from, as JSON can hold it."""
        head, score = self.head, self.score
        kinds = {SignHead: "sign", ChoiceHead: "choice", NormalHead: "normal"}
        learned = isinstance(head, SignHead) and head.hops is None
        return {
            "in_channels": score.in_channels,
            "hops": "learn" if learned else self.hops_,
            "max_hops": int(getattr(head, "max_hops", self.hops_)),
            "denoise": isinstance(score, GraphFilter),
            "head": kinds[type(head)],
            "encoder": type(score.encoder).__name__ if isinstance(score, EncoderScore) else None,
            "rule": asdict(self.rule),
            "columns": list(self.columns),
        }

    @contextmanager
    def _asking(self, data: Any) -> Iterator[Asked]:
        question = asked(data, self.rule, self.receptive_hops, self.device)
        check_x(question.x, self.score.in_channels)
        was_training = self.training
        self.eval()
        try:
            with torch.no_grad(), _full_precision(question.x.device.type):
                yield question
        finally:
            self.train(was_training)

    @staticmethod
    def _answer(question: Asked, answer: Tensor) -> Any:
        return question.restore(answer if question.nodes is None else answer[question.nodes])


@contextmanager
def _full_precision(device: str) -> Iterator[None]:
    if torch.compiler.is_compiling() or not torch.is_autocast_enabled(device):
        yield
        return
    with torch.autocast(device, enabled=False):
        yield
