"""The one error of this package: a file that cannot be read as a graph, and where it fails."""

# How much of what was found an error shows.
_LONGEST = 160


class GraphFileError(ValueError):
    """A file does not hold what it must.

    Parameters
    ----------
    message : str
        One sentence: the rule, what was found and where, and the way out.
    path : str, optional
        The file, as the caller named it.
    line, column : int, optional
        Where in the file, counted from 1.

    Examples
    --------
    >>> from graphmax import GraphFileError
    >>> GraphFileError("`path` must hold ids", path="a.csv", line=3).line
    3
    """

    def __init__(
        self,
        message: str,
        *,
        path: str | None = None,
        line: int | None = None,
        column: int | None = None,
    ) -> None:
        super().__init__(message)
        self.path, self.line, self.column = path, line, column


def refusal(
    path: str,
    rule: str,
    got: str,
    *,
    line: int | None = None,
    column: int | None = None,
    way_out: str | None = None,
) -> GraphFileError:
    """Return the error "`path` must <rule>, got <value> in <file>, line <line>; <way out>"."""
    got, rule = shortened(got), shortened(rule)
    where = f" in {path}" + (f", line {line}" if line else "")
    where += f", column {column}" if line and column else ""
    message = f"`path` must {rule}, got {got}{where}" + (f"; {way_out}" if way_out else "")
    return GraphFileError(message, path=path, line=line, column=column)


def shortened(text: str) -> str:
    """Return a text, cut where a caller or a file made it long."""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ..."


def listed(values: list[object], count: int | None = None) -> str:
    """Write how many there are and the first five: "7: 'a', 'b', 'c', 'd', 'e', ..."."""
    total = len(values) if count is None else count
    shown = ", ".join(repr(value) for value in values[:5])
    return f"{total}: {shown}" + (", ..." if total > 5 else "")


def flawed(path: str, kind: str, error: Exception) -> GraphFileError:
    """Return the error for a file that a reader of the format gives up on."""
    reason = str(error).partition("\n")[0][:120] or type(error).__name__
    return refusal(path, f"be valid {kind}", f"a flaw ({reason})")
