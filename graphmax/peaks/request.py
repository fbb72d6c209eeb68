"""What the calls about peaks take: one column, no arrows, a rule that a merge tree can follow."""

from graphmax.question import Question


def one_column(question: Question, name: str, purpose: str) -> None:
    """Refuse values with columns."""
    shape = question.attribute.array.shape
    if len(shape) == 2:
        raise ValueError(
            f"`{name}` must have shape (num_nodes,) to {purpose}, got {shape}; pass one column"
        )


def undirected(question: Question, call: str) -> None:
    """Refuse arrows: a walk that cannot be walked back has no saddle."""
    if not question.is_symmetric:
        raise ValueError(
            f"`graph` must be undirected for {call}, got a directed graph with "
            f"direction={question.rule.direction!r}; pass direction='both' to drop the arrows"
        )
