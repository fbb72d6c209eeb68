"""What an attack counts: how often it tried, what came of it, and each thing that went wrong."""

import json
from collections import Counter
from dataclasses import dataclass, field

# How many failures of a batch are kept in words; all are counted.
_KEPT = 20


@dataclass
class Tally:
    """Counts of one batch of one attack."""

    tried: int = 0
    outcomes: Counter = field(default_factory=Counter)
    wrong: int = 0
    words: list = field(default_factory=list)

    def note(self, outcome, count=1):
        """Count something that may happen."""
        self.outcomes[outcome] += count

    def fail(self, what):
        """Count something that must not happen, and keep the first in words."""
        self.wrong += 1
        if len(self.words) < _KEPT:
            self.words.append(" ".join(str(what).split())[:400])

    def add(self, other):
        """Take in the counts of another batch."""
        self.tried += other.tried
        self.outcomes.update(other.outcomes)
        self.wrong += other.wrong
        self.words = (self.words + other.words)[:_KEPT]

    def to_json(self):
        """Write the counts as one line."""
        fields = {"tried": self.tried, "outcomes": self.outcomes, "wrong": self.wrong}
        return json.dumps({**fields, "words": self.words})

    @classmethod
    def from_dict(cls, told):
        """Read what `to_json` wrote."""
        return cls(told["tried"], Counter(told["outcomes"]), told["wrong"], told["words"])
