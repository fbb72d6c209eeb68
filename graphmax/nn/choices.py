"""The usual detectors: which score and head the constructor's arguments stand for."""

from dataclasses import replace
from typing import Any

from torch import nn

from graphmax.nn.heads import ChoiceHead, Head, NormalHead, SignHead
from graphmax.nn.scores import EncoderScore, FeatureScore, GraphFilter, Identity, Score
from graphmax.question import rule_of
from graphmax.rule import FilledRule, Rule

HEADS = ("sign", "choice", "normal")


def learnable_rule(rule: Rule | None) -> FilledRule:
    """Return the rule, refusing fields that no detector takes."""
    made = rule_of("PeakDetector", None, rule)
    return replace(made, hops=None if rule is None else rule.hops)


def radius_of(hops: int | str, rule: Rule) -> int | None:
    """Return the radius that argument and rule agree on, None for "learn"."""
    if rule.hops is not None and hops not in (1, rule.hops):
        raise ValueError(f"`hops` must agree with the rule, got {hops!r} and {rule.hops}")
    if hops == "learn":
        return None
    return rule.hops if rule.hops is not None else int(hops)


def check_counts(in_channels: Any, hops: Any, max_hops: Any) -> None:
    """Refuse counts that are not whole numbers of at least 1."""
    for name, value in (("in_channels", in_channels), ("max_hops", max_hops)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ValueError(f"`{name}` must be an integer of at least 1, got {value!r}")
    if hops != "learn" and (isinstance(hops, bool) or not isinstance(hops, int) or hops < 1):
        raise ValueError(f"`hops` must be an integer of at least 1 or 'learn', got {hops!r}")


def check_combination(
    in_channels: int, radius: int | None, head: str, *, denoise: bool, encoder: nn.Module | None
) -> None:
    """Refuse a score, a head and a radius that do not go together."""
    if head not in HEADS:
        raise ValueError(f"`head` must be one of {', '.join(map(repr, HEADS))}, got {head!r}")
    if radius is None and head != "sign":
        raise ValueError(f"`hops` must be an integer with head={head!r}, got 'learn'; use 'sign'")
    if denoise and encoder is not None:
        raise ValueError("`encoder` must not be given with denoise=True; choose one score")
    if denoise and in_channels != 1:
        raise ValueError(f"`in_channels` must be 1 with denoise=True, got {in_channels}")
    if head == "normal" and not denoise:
        raise ValueError("`head` must be 'sign' or 'choice' without denoise=True, got 'normal'")
    if encoder is not None and not isinstance(encoder, nn.Module):
        raise TypeError(f"`encoder` must be a torch module, got {type(encoder).__name__}")


def score_for(in_channels: int, *, denoise: bool, encoder: nn.Module | None) -> Score:
    """Return the usual score for these arguments."""
    if encoder is not None:
        return EncoderScore(encoder, in_channels)
    if denoise:
        return GraphFilter()
    return Identity() if in_channels == 1 else FeatureScore(in_channels)


def head_for(head: str, radius: int | None, max_hops: int) -> Head:
    """Return the usual head for these arguments."""
    if head == "sign":
        return SignHead(radius, max_hops)
    return ChoiceHead(radius or 1) if head == "choice" else NormalHead(radius or 1)
