"""Which columns of an edge table hold the ends, the weight, the direction, and which say nothing.

Names decide where they are known, in any letter case; else the values of the first rows do: a
column that only counts the rows, one that names the edge, one that names the relation, one that
holds times. Where none of this holds, the first two columns are the ends.
"""

import re
from collections.abc import Sequence
from itertools import permutations
from typing import NamedTuple

from graphmax.checks import near_names
from graphmax.files.errors import GraphFileError, refusal
from graphmax.files.opening import ReadOptions, Source

# Names of two ends, after `_stem`; where several pairs are there the first decides.
_PAIRS = (
    ("src", "dst"),
    ("source", "target"),
    ("source", "destination"),
    ("src", "dest"),
    ("source", "dest"),
    ("src", "target"),
    ("from", "to"),
    ("start", "end"),
    ("startid", "endid"),
    ("u", "v"),
    ("origin", "destination"),
    ("orig", "dest"),
    ("head", "tail"),
    ("tail", "head"),
    ("sender", "receiver"),
    ("sender", "recipient"),
    ("pre", "post"),
    ("presynaptic", "postsynaptic"),
    ("parent", "child"),
    ("follower", "followee"),
    ("citing", "cited"),
    ("buyer", "seller"),
    ("left", "right"),
    ("in", "out"),
    ("i", "j"),
    ("subject", "object"),
    ("regulator", "target"),
    ("tf", "target"),
    ("tf", "gene"),
    ("ligand", "receptor"),
    ("predator", "prey"),
    ("init", "term"),
    ("fnode", "tnode"),
    ("ego", "alter"),
    ("user", "friend"),
    ("first", "second"),
    ("start", "stop"),
)
# Words that are no names of nodes.
_CERTAIN = {"src", "dst", "source", "target", "from", "to", "destination"}
# What may stand behind the name of an end: source_id, fromNodeId, origin station, ...
_SUFFIX = re.compile(
    r"(?<=[a-z]{2})(?:nodeid|node|vertexid|vertex|identifier|id|name|label|index|idx|key|no|nr)$"
)
_PREFIX = re.compile(r"^(?:node|vertex|id)(?=(?:src|dst|source|target|from|to|a|b|i|j)$)")
# One stem, two numbers or letters: node1 and node2, bus0 and bus1, interactor A and interactor B.
_NUMBERED = re.compile(
    r"([a-z]{2,}?)[ _.-]*(?:id|name|symbol)?[ _.-]*(0|1|2|a|b|i|j|x|y)", re.IGNORECASE
)
_MOST_COMPARED = 50
_NEXT = {"0": "1", "1": "2", "a": "b", "i": "j", "x": "y"}
# Words in a name of a column: source airport, sourceIP, FROM_BUS, pre_pt_root_id.
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
# Neo4j's :START_ID(Person) and :END_ID, Neptune's ~from and ~to: their edges are arrows.
_ARROW_START, _ARROW_END = (
    re.compile(rf":{end}_ID(\(.*\))?$|^~{word}$", re.IGNORECASE)
    for end, word in (("START", "from"), ("END", "to"))
)
_INDEX = re.compile(r"|unnamed: 0|unnamed:0|index", re.IGNORECASE)
_TIMES = {"t", "time", "timestamp", "ts", "date", "datetime"}
_ID_NAMES = {"id", "node", "nodeid", "node_id", "node id"}
_NODE_NAMES = {"label", "name", "title", "timeset", "group", "class"}
_KEYS = {"id", "node", "label", "name"}
# Columns that are lengths; other numbers are strengths, and not taken unless they are asked for.
LENGTHS = ("weight", "length", "distance", "cost")
STRENGTHS = ("value", "w", "count", "score", "strength", "similarity")
_OTHER_NAMES = {
    *LENGTHS,
    *_TIMES,
    "type",
    "relation",
    "score",
    "value",
    "label",
    "id",
    "count",
    "w",
}
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|nan|[+-]?inf(inity)?", re.IGNORECASE)
ARROWS = {"directed": True, "undirected": False, "mutual": False}

Rows = Sequence[Sequence[str]]


class EdgeColumns(NamedTuple):
    """The places of the edge columns; `weight` and `arrow` are None without one.

    `reason` says how the ends were found where their names did not tell.
    """

    src: int
    dst: int
    weight: int | None
    arrow: int | None = None
    directed: bool = False
    reason: str = ""

    @property
    def last(self) -> int:
        """The place of the end that stands further right."""
        return max(self.src, self.dst)

    def named(self) -> dict[str, int]:
        """Return the ends and the weight as a mapping, the weight only where there is one."""
        ends = {"src": self.src, "dst": self.dst}
        return ends if self.weight is None else {**ends, "weight": self.weight}


def is_number(text: str) -> bool:
    """Say whether a field is a number, NaN and infinities included."""
    return _NUMBER.fullmatch(text) is not None


def is_key(name: str) -> bool:
    """Say whether a column of a node table is named as keys are."""
    return name.lower() in _KEYS or bool(re.match(r"\w*:ID\b", name, re.IGNORECASE))


def _stem(name: str) -> str:
    """Return a name of a column without letter case, blanks and what says only that it is an id."""
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    short = _SUFFIX.sub("", plain)
    return _PREFIX.sub("", short) or plain


def has_end_names(names: Sequence[str], rows: Rows = ()) -> bool:
    """Say whether a row names two ends; names that return below among the ids are ids."""
    ends = _ends_by_name(names)
    if ends is None:
        return False
    if {_stem(names[end]) for end in ends} <= _CERTAIN or _arrow_pair(names) is not None:
        return True
    ids = {row[end] for row in rows for end in ends if end < len(row)}
    if ids & {names[end] for end in ends}:
        return False
    if {_shape(names[end]) for end in ends} & set(map(_shape, ids)) - {""}:
        return False
    stem = _NUMBERED.fullmatch(names[ends[0]])
    if stem is None:
        return True
    alike = re.compile(re.escape(stem[1]) + r"[ _.-]*\w{1,6}", re.IGNORECASE)
    return not ids or not all(map(alike.fullmatch, ids))


def _shape(name: str) -> str:
    """Return what names that only count have in common: n1 and n2, gene-A and gene-B; else ""."""
    plain = re.sub(r"\d+", "#", name.lower())
    plain = re.sub(r"(?<![a-z])[a-z](?![a-z])", "@", plain)
    plain = re.sub(r"[ _.-]", "", plain)
    return plain if len(plain) > 1 and ("#" in plain or "@" in plain) else ""


def looks_like_header(names: Sequence[str], rows: Rows) -> bool:
    """Say whether a row of text stands over columns of numbers, or over text as names do."""
    columns = list(zip(*rows, strict=False))
    if not rows or any(map(is_number, names)):
        return False
    if any(name.endswith(".1") and name[:-2] in names for name in names):  # as pandas writes it
        return True
    if any(
        not is_number(top) and all(map(is_number, rest))
        for top, rest in zip(names, columns, strict=False)
    ):
        return True
    known = {name.lower() for name in names} & _OTHER_NAMES
    return bool(known) and not {cell for column in columns for cell in column} & set(names)


def _ends_by_name(names: Sequence[str]) -> tuple[int, int] | None:
    return (
        _arrow_pair(names) or _known_pair(names) or _numbered_pair(names) or _pair_by_words(names)
    )


def _arrow_pair(names: Sequence[str]) -> tuple[int, int] | None:
    start = [i for i, name in enumerate(names) if _ARROW_START.search(name)]
    end = [i for i, name in enumerate(names) if _ARROW_END.search(name)]
    return (start[0], end[0]) if start and end else None


def _known_pair(names: Sequence[str]) -> tuple[int, int] | None:
    lowered = [name.lower().strip() for name in names]
    for forms in (lowered, [_stem(name) for name in names]):
        for first, second in _PAIRS:
            if first in forms and second in forms:
                return forms.index(first), forms.index(second)
    return None


def _numbered_pair(names: Sequence[str]) -> tuple[int, int] | None:
    found: dict[tuple[str, str], int] = {}
    for i, name in enumerate(names):
        match = _NUMBERED.fullmatch(name.strip())
        if match:
            found.setdefault((match[1].lower(), match[2].lower()), i)
    for (stem, mark), place in found.items():
        other = found.get((stem, _NEXT.get(mark, "")))
        if other is not None:
            return place, other
    return None


def _pair_by_words(names: Sequence[str]) -> tuple[int, int] | None:
    """Return two names of the same words but one, which says which end it is."""
    words = [[word.lower() for word in _WORD.findall(name)] for name in names]
    known = {*_PAIRS, *_NEXT.items()}
    for i, j in permutations(range(min(len(names), _MOST_COMPARED)), 2):
        apart = [pair for pair in zip(words[i], words[j], strict=False) if pair[0] != pair[1]]
        if len(words[i]) == len(words[j]) > 1 and len(apart) == 1 and apart[0] in known:
            return i, j
    return None


def edge_columns(
    source: Source,
    names: Sequence[str],
    options: ReadOptions,
    sample: Rows = (),
    header: bool = True,
) -> EdgeColumns:
    """Return where the ends, the weight and the direction of an edge stand."""
    if len(names) < 2:
        raise refusal(
            source.name, "have at least two columns of ids", "1 column", way_out="pass delimiter"
        )
    src = found_column(source, names, options.src, usual=(), otherwise=None)
    dst = found_column(source, names, options.dst, usual=(), otherwise=None)
    reason = ""
    if src is None or dst is None:
        guess, reason = _guessed_ends(source, names, sample, header)
        left = [end for end in guess if end not in (src, dst)] + [
            i for i in range(len(names)) if i not in (src, dst)
        ]
        src = left.pop(0) if src is None else src
        dst = next(end for end in left if end != src) if dst is None else dst
    weight = weight_column(source, names, options, taken=(src, dst))
    return EdgeColumns(
        src,
        dst,
        weight,
        _arrow_column(names, sample, header),
        _arrow_pair(names) is not None,
        reason,
    )


def _guessed_ends(
    source: Source, names: Sequence[str], sample: Rows, header: bool
) -> tuple[tuple[int, int], str]:
    """Return the ends, and how they were found where the names did not tell."""
    if header:
        by_name = _ends_by_name(names)
        if by_name is not None:
            return by_name, ""
        one = _one_end(names)
        if one is not None:
            return one, ""
        if _is_node_table(names, sample):
            raise refusal(
                source.name,
                "hold edges",
                f"what looks like a table of nodes ({names[0]}, {names[1]})",
                way_out="pass the table of edges, this one as nodes (--nodes), or src and dst "
                "(--src 0 --dst 1) if its rows are edges",
            )
    first = 1 if header and len(names) > 2 and _INDEX.fullmatch(names[0]) else 0
    if first == 0 and header and len(names) > 2 and names[0] == "column0":
        first = 1
    if first:
        return (1, 2), "the first column counts the rows"
    if header and len(names) > 2 and names[0].lower() in _TIMES:
        return (1, 2), "the first column holds times"
    return _ends_by_values(source, names, sample)


def _is_node_table(names: Sequence[str], sample: Rows) -> bool:
    """Say whether the first column is named as ids, names each row once, and the next no others."""
    rows = [row for row in sample if len(row) >= 2]
    first, second = [row[0] for row in rows], [row[1] for row in rows]
    if names[0].lower() not in _ID_NAMES or not rows or len(set(first)) < len(first):
        return False
    if names[1].lower() in _NODE_NAMES or first == second:
        return True
    third = {row[2] for row in rows if len(row) > 2}
    return not set(first) & set(second) and not set(second) & third and len(rows) > 1


def _one_end(names: Sequence[str]) -> tuple[int, int] | None:
    """Return the ends where only one of them has a usual name."""
    stems = [_stem(name) for name in names]
    for word in ("src", "source", "from"):
        if word in stems:
            place = stems.index(word)
            return place, 0 if place else 1
    for word in ("dst", "target", "to"):
        if word in stems:
            place = stems.index(word)
            return 0 if place else 1, place
    return None


def _ends_by_values(
    source: Source, names: Sequence[str], sample: Rows
) -> tuple[tuple[int, int], str]:
    rows = [row for row in sample if len(row) >= 3]
    if len(names) < 3 or len(rows) < 2:
        return (0, 1), ""
    first, second, third = ([row[i] for row in rows] for i in range(3))
    a, b, c = set(first), set(second), set(third)
    if b & c and not a & b and not a & c:
        if len(a) == len(first):
            return (1, 2), "the first column names the edges"
        if _are_times(first):
            raise refusal(
                source.name,
                "say which columns are the ends",
                "what looks like contacts, a time and two ids in each row",
                way_out="pass src and dst (--src 1 --dst 2, or --src 0 --dst 1 for edges)",
            )
    if a & c and not b & a and not b & c and not all(map(is_number, third)):
        return (0, 2), "the second column names relations"
    return (0, 1), ""


def _are_times(column: Sequence[str]) -> bool:
    """Say whether numbers ascend and repeat."""
    if not all(map(is_number, column)):
        return False
    numbers = [float(cell) for cell in column]
    return numbers == sorted(numbers) and len(set(numbers)) < len(numbers)


def _arrow_column(names: Sequence[str], sample: Rows, header: bool) -> int | None:
    """Return the column ``Type`` of Gephi, if the first rows say directed or undirected there."""
    place = next((i for i, name in enumerate(names) if name.lower() == "type"), None)
    if place is None or not header or not sample:
        return None
    cells = {row[place].lower() for row in sample if place < len(row)}
    return place if cells and cells <= set(ARROWS) else None


def weight_column(
    source: Source, names: Sequence[str], options: ReadOptions, taken: Sequence[int] = ()
) -> int | None:
    """Return where the weight stands; None without one or with ``weight=False``."""
    if options.weight is False:
        return None
    asked = None if options.weight is True else options.weight
    place = found_column(source, names, asked, usual=LENGTHS, otherwise=None)
    return None if asked is None and place in taken else place


def found_column(
    source: Source,
    names: Sequence[str],
    asked: str | int | None,
    *,
    usual: tuple[str, ...],
    otherwise: int | None,
) -> int | None:
    """Return the place of a column: the one asked for, else a usual name, else `otherwise`."""
    if isinstance(asked, bool):
        raise TypeError(f"a column must be a name or a place, got {asked}")
    if isinstance(asked, int):
        if 0 <= asked < len(names):
            return asked
        raise _unknown_column(source, names, asked)
    if asked is not None:
        if asked in names:
            return list(names).index(asked)
        if asked.isdigit() and int(asked) < len(names):
            return int(asked)
        raise _unknown_column(source, names, asked)
    lowered = [name.lower().partition(":")[0] for name in names]  # weight:float is Neo4j's
    return next((lowered.index(name) for name in usual if name in lowered), otherwise)


def _unknown_column(source: Source, names: Sequence[str], asked: str | int) -> GraphFileError:
    return refusal(
        source.name, f"have the column {asked!r}", f"none; {near_names(str(asked), list(names))}"
    )


def _stands_apart(sample: Rows, columns: EdgeColumns) -> bool:
    """Say whether the first row names two nodes that appear nowhere else, as a header would."""
    ends = [(row[columns.src], row[columns.dst]) for row in sample if len(row) > columns.last]
    others = {end for pair in ends[1:] for end in pair}
    if len(others) == 2 * len(ends[1:]) or any(map(is_number, ends[0])):
        return False
    return not others & set(ends[0])


def told_columns(
    source: Source,
    names: Sequence[str],
    columns: EdgeColumns,
    *,
    header: bool,
    delimiter: str,
    sample: Rows = (),
) -> None:
    """Leave in the facts of the source how its columns were read."""
    used = {columns.src, columns.dst, columns.weight, columns.arrow}
    left_out = [i for i in range(len(names)) if i not in used]
    facts = source.facts
    facts["source"] = _shown(names, columns.src, header)
    facts["target"] = _shown(names, columns.dst, header)
    if columns.weight is not None:
        facts["length"] = _shown(names, columns.weight, header)
    if columns.arrow is not None:
        facts["direction"] = _shown(names, columns.arrow, header)
    if left_out:
        facts["left out"] = [_shown(names, i, header) for i in left_out]
    facts["header"] = header
    facts["delimiter"] = {
        ",": "comma",
        "\t": "tab",
        " ": "blank",
        ";": "semicolon",
        "|": "bar",
    }.get(delimiter, delimiter)
    if columns.reason:
        source.remark(columns.reason)
    if sample and not header and _stands_apart(sample, columns):
        source.remark("the first row is an edge (--header if it names the columns)")
    source.facts["plain"] = (
        (columns.src, columns.dst) == (0, 1)
        and not left_out
        and columns.arrow is None
        and not columns.directed
        and (columns.weight is None or names[columns.weight].lower() == "weight")
    )


def _shown(names: Sequence[str], place: int, header: bool) -> str:
    return f"column {place + 1}" + (f" {names[place]!r}" if header else "")
