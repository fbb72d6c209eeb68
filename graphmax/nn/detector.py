"""PeakDetector: a score for every node, and a head that compares it within a ball."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from os import PathLike
from typing import Any, NamedTuple, Self

import torch
from torch import Tensor, nn

import graphmax.nn.parts as parts
from graphmax.checks import integer
from graphmax.nn.heads import CERTAIN, Head, Judged, refuse_nan
from graphmax.nn.inputs import (
    Inputs,
    check_finite,
    check_x,
    labels_of,
    read_inputs,
    with_features_of,
)
from graphmax.nn.parts import (
    agreed_hops,
    check_fit,
    described,
    learnable_rule,
    usual_head,
    usual_score,
)
from graphmax.nn.scores import Score, Scored, scored, with_edge_features
from graphmax.nn.steps import Steps, mask_given, masked, receiver
from graphmax.notebook import fact_table
from graphmax.rule import FilledRule, Rule


class Decision(NamedTuple):
    """Why a detector judges a node as it does.

    ``rival`` is the other node of the ball that decided, -1 where there is none; ``margin`` the
    node's score minus the rival's; ``probability`` that the node is a maximum.
    """

    node: int
    rival: int
    margin: float
    probability: float


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
        Any PyG module ``encoder(x, edge_index)`` in place of the score; gives one number per node,
        or ``out_channels`` of them.
    edge_channels : int, default 0
        Width of `edge_attr`, the features of edges. Above 0 small networks add up what the edges
        of a node say (`graphmax.nn.EdgeFeatureScore`), or the encoder is called as
        ``encoder(x, edge_index, edge_attr)``.
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
    ``forward(x, edge_index, batch=None)`` gives logits, finite and at most 1e30 in size: certain
    nodes (isolated ones, infinite margins) have exactly that. `predict` answers for ``choice`` and
    ``normal`` whether the probability is above 1/2, for ``sign`` whether the margin is above 0
    (weak: at least 0), exactly. Scores are compared in float64, with autocast off. Scoring costs
    O(hops * edges); balls of more than one hop are listed for ``choice`` and ``normal`` only.

    What goes together: ``sign`` and ``choice`` with any score, any direction, strict and weak ties,
    a given or a learned radius; ``normal`` with ``denoise=True`` and a given radius.

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
        edge_channels: int = 0,
        rule: Rule | None = None,
    ) -> None:
        super().__init__()
        rule = learnable_rule(rule)
        score = usual_score(
            in_channels, denoise=denoise, encoder=encoder, edge_channels=edge_channels
        )
        self._assemble(score, usual_head(head, agreed_hops(hops, rule), max_hops), rule)

    _receiver: Any

    def _assemble(self, score: Score, head: Head, rule: FilledRule) -> None:
        check_fit(score, head)
        object.__setattr__(self, "_receiver", None)  # no submodule: it is there for explainers only
        self.score: Score = score
        self.head: Head = head
        self._fields = replace(rule, hops=None)
        self.columns: tuple[str, ...] = ()
        self.trained: Tensor
        self.register_buffer("trained", torch.tensor(False))
        if self.trained.device.type != "meta":  # a skeleton has shapes and no numbers
            self.reset_parameters(0)
        self.eval()

    @classmethod
    def composed(cls, score: Score, head: Head, rule: Rule | None = None) -> Self:
        """Build a detector from a score and a head, of graphmax or of one's own.

        Parameters
        ----------
        score : Score
            ``score(x, steps)`` gives `graphmax.nn.Scored`, or (num_nodes, members).
        head : Head
            ``head(scores, steps)`` gives `graphmax.nn.heads.Judged`; it says its own hops.
        rule : Rule, optional
            As for the constructor; its hops, if given, must be those of the head.

        Returns
        -------
        PeakDetector
            The detector.

        Raises
        ------
        TypeError
            If `score` or `head` is not derived from the base class.
        ValueError
            If they do not go together, or the rule has a field that no detector takes.

        Examples
        --------
        >>> from graphmax.nn import ChoiceHead, FeatureScore, PeakDetector
        >>> PeakDetector.composed(FeatureScore(2, width=4, members=1), ChoiceHead(1)).hops_
        1
        """
        detector = cls.__new__(cls)
        nn.Module.__init__(detector)
        rule = learnable_rule(rule)
        if rule.hops is not None and isinstance(head, Head):
            agreed_hops(head.hops or "learn", rule)
        detector._assemble(score, head, rule)
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
        self.trained.fill_(False)
        self._drawn = self._fingerprint()

    def _fingerprint(self) -> float:
        return float(sum(parameter.detach().double().sum() for parameter in self.parameters()))

    @property
    def rule(self) -> FilledRule:
        """The rule that is judged by, every field filled in; a learned radius as it is now."""
        return replace(self._fields, hops=self.head.radius)

    def _repr_html_(self) -> str:
        """Show what the detector is made of in a notebook."""
        facts = {
            "score": type(self.score).__name__,
            "head": type(self.head).__name__,
            "hops": "learned" if self.hops_ is None else self.hops_,
            "channels": self.score.in_channels,
            "parameters": sum(each.numel() for each in self.parameters()),
            "training": self.training,
            "rule": self.rule,
        }
        return fact_table(facts, "PeakDetector")

    @property
    def hops_(self) -> int | None:
        """Radius that decisions use; None while a radius that is to be learned is still open."""
        head = self.head
        if head.hops is None and not self.trained and bool((head.mixture == head.mixture[0]).all()):
            return None
        return head.radius

    @property
    def receptive_hops(self) -> int:
        """How far a score looks: hops + filter order + encoder depth.

        While the radius is open or being trained, the largest one that is considered.
        """
        undecided = self.training or self.hops_ is None
        hops = max(self.head.candidates) if undecided else self.head.radius
        return hops + self.score.receptive_hops

    @property
    def flip_rate(self) -> float:
        """Learned share of training labels that are wrong, at most 1/2."""
        return self.head.flip_rate

    @property
    def device(self) -> torch.device:
        """Where the parameters are."""
        return self.trained.device

    def forward(
        self,
        x: Tensor,
        edge_index: Any,
        batch: Tensor | None = None,
        edge_attr: Tensor | None = None,
    ) -> Tensor:
        """Return the logit of every node.

        Parameters
        ----------
        x : Tensor, shape (num_nodes, in_channels) or (num_nodes,)
            Features, or the attribute; float, or integers that float64 holds.
        edge_index : int64 Tensor (2, entries), Graph or Adjacency
            The graph, as messages flow. While torch compiles or exports, without repeats.
        batch : int64 Tensor (num_nodes,), optional
            Not needed: edges already keep graphs apart.
        edge_attr : Tensor (entries, edge_channels), optional
            Features of edges, for a score that asks for them.

        Returns
        -------
        Tensor, shape (num_nodes,)
            float64, finite, from -1e30 to 1e30: the bounds mean certainty, 1e30 for a node without
            neighbors (-1e30 under ``isolated=False``).
        """
        del batch
        if getattr(x, "layout", torch.strided) != torch.strided:
            x = x.to_dense()
        check_x(x, self.score.in_channels)
        steps = self._steps(edge_index, x.shape[0])
        if self.score.edge_channels and edge_attr is not None:
            steps = with_edge_features(
                steps, edge_index, edge_attr, self._fields.direction, self.score.edge_channels
            )
        with _full_precision(x.device.type):
            return self._judge(_one(self._scores(x, steps)), steps)[:, 0]

    def _steps(self, edge_index: Any, num_nodes: int) -> Steps:
        steps = Steps.of(edge_index, num_nodes, self._fields.direction)
        if self._receiver is None or torch.compiler.is_compiling():
            return steps
        mask = mask_given(self._receiver, edge_index)
        return steps if mask is None else masked(steps, edge_index, mask, self._fields.direction)

    def named_modules(
        self,
        memo: set[nn.Module] | None = None,
        prefix: str = "",
        remove_duplicate: bool = True,
    ) -> Iterator[tuple[str, nn.Module]]:
        """Yield all modules, and the layer that explainers give an edge mask to.

        It has no weights and is no part of what is saved.

        Parameters
        ----------
        memo : set of Module, optional
            Modules that were yielded already.
        prefix : str, default ""
            What names begin with.
        remove_duplicate : bool, default True
            Yield each module once.

        Yields
        ------
        tuple of str and Module
            Its name, and the module.
        """
        yield from super().named_modules(memo, prefix, remove_duplicate)
        if self._receiver is None:
            object.__setattr__(self, "_receiver", receiver())
        if self._receiver is not None:
            yield f"{prefix}.edge_mask".lstrip("."), self._receiver

    def loss(self, data: Any, mask: Tensor | None = None) -> Tensor:
        """Return the mean of -log P(label), to be minimized in one's own loop.

        Labels are wrong with a probability that is learned too. Nodes without neighbors and with
        infinite margins, about which there is nothing to learn, are left out; so are labels of -1.

        Parameters
        ----------
        data : PyG Data or Batch
            With ``x``, ``edge_index``, ``y`` (flags, or 1 and 0 with -1 for unknown) and,
            optionally, ``train_mask``.
        mask : bool Tensor (num_nodes,), optional
            The labels that count, instead of ``train_mask``.

        Returns
        -------
        Tensor
            A float64 scalar, in nats per labelled node, with a gradient.

        Raises
        ------
        TypeError, ValueError
            If features, labels or mask are missing, or do not fit.

        Examples
        --------
        >>> import torch
        >>> from torch_geometric.data import Data
        >>> from graphmax import PeakDetector
        >>> path = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
        >>> data = Data(x=torch.tensor([1.0, 3.0, 2.0]), edge_index=path, y=torch.tensor([0, 1, 0]))
        >>> detector = PeakDetector().train()
        >>> detector.loss(data).backward()
        >>> bool(detector.head.log_scale.grad < 0)
        True
        """
        read = self._read(data)
        y, counted = labels_of(data, "data", read.x.shape[0], mask)
        return self.loss_on(read.x, read.steps, y.to(self.device), counted.to(self.device))

    def loss_on(self, x: Tensor, steps: Steps, y: Tensor, counted: Tensor) -> Tensor:
        """Return the loss of labels bool (num_nodes,) where `counted`; see `loss`."""
        with _full_precision(x.device.type):
            scores = self._scores(x, steps)
            if bool(scores.mean.isnan().any()):  # overflown: no comparison means anything
                return scores.mean.sum()
            logits = self._judge(scores, steps)
        counted = counted & ~(logits.abs() >= CERTAIN).any(1)  # NaN stays, and is noticed
        if not bool(counted.any()):
            return logits.new_zeros((), requires_grad=True)
        loss: Tensor = self.head.negative_log_likelihood(logits[counted], y[counted]).mean()
        return loss

    def member_logits(self, x: Tensor, steps: Steps) -> Tensor:
        """Return the logits of every member of the score, (num_nodes, members), to train on."""
        with _full_precision(x.device.type):
            return self._judge(self._scores(x, steps), steps)

    def logits_to_calibrate(self, x: Tensor, steps: Steps) -> Tensor:
        """Return what the head takes its scale from, (num_nodes, members)."""
        with _full_precision(x.device.type):
            return self.head.judge_to_calibrate(self._scores(x, steps), steps)

    def _scores(self, x: Tensor, steps: Steps) -> Scored:
        if self.score.finite or self.head.finite:
            check_finite(x)
        scores = scored(self.score(x, steps))
        return scores._replace(mean=-scores.mean) if self._fields.extremum == "min" else scores

    def _judge(self, scores: Scored, steps: Steps) -> Tensor:
        judged: Judged = self.head(scores, steps)
        alone = CERTAIN if self._fields.isolated else -CERTAIN
        return judged.logits.masked_fill(~judged.accompanied, alone).clamp(-CERTAIN, CERTAIN)

    def score_nodes(self, data: Any) -> Any:
        """Return the latent score of every node, the number that is compared.

        Parameters
        ----------
        data : PyG Data, graph, (graph, x), neighborhoods or (neighborhoods, x)
            A graph with features; for neighborhoods the answer is about their roots.

        Returns
        -------
        float64 (num_nodes,)
            In the library of `x`: NumPy for arrays, mappings and names, else a tensor.
        """
        with self._judging(data) as read:
            return self._answer(read, scored(self.score(read.x, read.steps)).mean.mean(1))

    def predict_proba(self, data: Any) -> Any:
        """Return the probability that each node is a maximum.

        Parameters
        ----------
        data : PyG Data, graph, (graph, x), neighborhoods or (neighborhoods, x)
            A graph with features; for neighborhoods the answer is about their roots.

        Returns
        -------
        float64 (num_nodes,)
            In the library of `x`: NumPy for arrays, mappings and names, else a tensor.
        """
        with self._judging(data) as read:
            return self._answer(read, self._logits(read).sigmoid())

    def predict(self, data: Any) -> Any:
        """Tell which nodes are maxima.

        Parameters
        ----------
        data : PyG Data, graph, (graph, x), neighborhoods or (neighborhoods, x)
            What `local_maxima` takes: a graph of any library with features in its attribute ``x``
            (or in those the detector was trained on), or with features beside it; for
            neighborhoods the answer is about their roots.

        Returns
        -------
        bool (num_nodes,)
            In the library of `x`: NumPy for arrays, mappings and names, else a tensor.
        """
        with self._judging(data) as read:
            return self._answer(read, self.decide(read.x, read.steps))

    def decide(self, x: Tensor, steps: Steps) -> Tensor:
        """Tell which nodes are maxima, bool (num_nodes,), without checks; see `predict`."""
        scores = _one(self._scores(x, steps))
        wins, accompanied = self.head.decide(scores, steps, self._fields.ties)
        alone = torch.full_like(wins, self._fields.isolated)
        return torch.where(accompanied, wins, alone)[:, 0]

    def rivals(self, data: Any) -> Any:
        """Return the rival that decided about each node; see `explain`.

        Parameters
        ----------
        data : PyG Data, graph, (graph, x), neighborhoods or (neighborhoods, x)
            A graph with features; for neighborhoods the answer is about their roots.

        Returns
        -------
        int64 (num_nodes,)
            Nodes by their index in the whole graph, -1 where there is no other in the ball.
        """
        with self._judging(data) as read:
            owner = self.head.rivals(self._scores(read.x, read.steps), read.steps)
            if read.indices is not None:
                owner = torch.where(owner < 0, owner, read.indices[owner])
            return self._answer(read, owner)

    def explain(self, data: Any, node: int) -> Decision:
        """Name the rival that decided about a node.

        For ``sign`` and ``choice`` the highest other node of the ball (for ``choice`` that is the
        one with the largest share), for ``normal`` the one that most likely beats the node.

        Parameters
        ----------
        data : PyG Data, graph, (graph, x), neighborhoods or (neighborhoods, x)
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
        with self._judging(data) as read:
            count = read.x.shape[0] if read.nodes is None else len(read.nodes)
            node = integer(node, "node", 0, count - 1)
            at = node if read.nodes is None else int(read.nodes[node])
            scores = self._scores(read.x, read.steps)
            mean, rival = scores.mean.mean(1), int(self.head.rivals(scores, read.steps)[at])
            chance = float(self._logits(read)[at].sigmoid())
        margin = float(mean[at] - mean[rival]) if rival >= 0 else torch.inf
        names = read.indices
        own, other = (n if names is None or n < 0 else int(names[n]) for n in (at, rival))
        return Decision(own, other, margin, chance)

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
        ValueError
            If a weight is NaN or infinite.

        Notes
        -----
        A score or head of one's own is named by its import path, which is *not* followed at load:
        pass the part to `from_pretrained` then. Nothing in a file is ever executed.
        """
        parts.save(self, folder)

    @classmethod
    def from_pretrained(
        cls,
        name: str | PathLike[str],
        *,
        encoder: nn.Module | None = None,
        score: Any = None,
        head: Any = None,
    ) -> "PeakDetector":
        """Load a detector from a folder, or one of those that come with the package.

        Parameters
        ----------
        name : path or str
            A folder that `save_pretrained` wrote, or a name that
            `graphmax.nn.pretrained_names` lists.
        encoder : nn.Module, optional
            The same kind of module that the detector was saved with.
        score : Score or its class, optional
            The score, where it is of one's own; a class is built from its saved ``config()``.
        head : Head or its class, optional
            The head, likewise.

        Returns
        -------
        PeakDetector
            In evaluation mode.

        Raises
        ------
        FileNotFoundError
            If there is no such folder or name.
        ValueError
            If a file is damaged, of another version, or not what it should be, or a part of one's
            own is not given; nothing in it is ever executed.
        """
        return parts.load(name, score, head, encoder)

    def describe(self) -> dict[str, Any]:
        """Return what a copy of this detector is built from, as JSON can hold it."""
        return {
            "score": described(self.score),
            "head": described(self.head),
            "rule": self._fields.said,
            "columns": list(self.columns),
        }

    def extra_repr(self) -> str:
        """Show the parameters that are not those of score and head."""
        hops = "'learn'" if self.head.hops is None else self.head.hops
        return f"hops={hops}, rule={self.rule!r}, trained={bool(self.trained)}"

    def _read(self, data: Any) -> Inputs:
        read = read_inputs(data, self._fields, self.receptive_hops, self.device, self.columns)
        if self.score.edge_channels and read.steps.edge_attr is None:
            read = with_features_of(data, read, self._fields.direction, self.score.edge_channels)
        check_x(read.x, self.score.in_channels)
        return read

    @contextmanager
    def _judging(self, data: Any) -> Iterator[Inputs]:
        was_training = self.training
        self.eval()
        try:
            read = self._read(data)
            self._warn(read)
            with torch.no_grad(), _full_precision(read.x.device.type):
                yield read
        finally:
            self.train(was_training)

    def _warn(self, read: Inputs) -> None:
        exact = self.score.exact and self.head.exact and self.head.hops is not None
        if not exact and not self.trained and self._fingerprint() == self._drawn:
            warnings.warn(
                "the detector is untrained and its weights are a random draw; train it with "
                "graphmax.fit, or load one with PeakDetector.from_pretrained",
                UserWarning,
                stacklevel=5,
            )
        complaint = self.score.complaint(read.x)
        if self.head.has_scale and not complaint:
            with torch.no_grad(), _full_precision(read.x.device.type):
                complaint = self.head.complaint(_one(self._scores(read.x, read.steps)))
        if complaint:
            warnings.warn(complaint, UserWarning, stacklevel=5)

    def _logits(self, read: Inputs) -> Tensor:
        return refuse_nan(self(read.x, read.steps))

    @staticmethod
    def _answer(read: Inputs, answer: Tensor) -> Any:
        return read.restore(answer if read.nodes is None else answer[read.nodes])


def _one(scores: Scored) -> Scored:
    """Return the mean opinion of the members."""
    return scores._replace(mean=scores.mean.mean(1, keepdim=True))


@contextmanager
def _full_precision(device: str) -> Iterator[None]:
    if torch.compiler.is_compiling() or not torch.is_autocast_enabled(device):
        yield
        return
    with torch.autocast(device, enabled=False):
        yield
