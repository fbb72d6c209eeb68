"""What is refused, in which words, at which line."""

import gzip
import os

import numpy as np
import pytest

from graphmax import GraphFileError, read_graph


@pytest.fixture
def file(tmp_path):
    def write(content, name="graph.csv"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        ("", None, "must hold a graph, got an empty file"),
        ("# nothing\n\n", None, "must hold at least one row, got comments"),
        ("1\n2\n", None, "must have at least two columns of ids, got 1 column"),
        ("1,2\n3,4,5\n", 2, "must have 2 fields in every row, got 3"),
        ("# c\nsrc,dst\n1,2\n\n3\n", 5, "must have 2 fields in every row, got 1"),
        ("1 2\n3 4 5\n", 2, "must have 2 fields in every row, got 3"),
        ("1,2\n1.5,2\n", 2, "must have integers or text as ids, got the float 1.5"),
        ("1,2\n2,1.5\n", 2, "got the float 1.5"),
        ("1,2\n2,1e3\n", 2, "got the float 1e3"),
        ("1,2\n2,nan\n", 2, "got the float nan"),
        ("0.5,a\n1,b\n", 1, "got the float 0.5"),
        ("1,2\ntrue,2\n", 2, "got among integers the Boolean true"),
        ("1,2\n3,\n", 2, "must have two ids in every row, got an empty cell in column 'column1'"),
        ("src,dst,weight\n1,2,nan\n", 2, "not NaN, got weight nan"),
        ("src,dst,weight\n1,2,1\n1,2,heavy\n", 3, "got weight 'heavy'"),
        ("a,a\n1,2\n", 1, "must have a header of unique names, got repeated names (1: 'a')"),
        ("1,2\n3,4\x00\n", 2, "must be a UTF-8 text file, got a NUL byte"),
        (b"1,2\n\xff,4\n", 2, "must be a UTF-8 text file, got byte 0xff"),
        ("1,2\n3,\"a\n4,5\n", None, "must be well-formed delimited text, got an unterminated"),
    ],
)  # fmt: skip
def test_edge_lists(file, content, line, message):
    path = file(content)
    with pytest.raises(GraphFileError) as caught:
        read_graph(path)
    assert message in str(caught.value)
    assert str(caught.value).startswith("`path` must ")
    assert caught.value.path == str(path)
    if line is not None:
        assert caught.value.line == line
        assert f"in {path}, line {line}" in str(caught.value)


def test_late_bytes_that_are_not_text(file):
    rows = "".join(f"{i},{i + 1}\n" for i in range(100_000)).encode()
    with pytest.raises(GraphFileError, match=r"NUL byte in .*, line 100001"):
        read_graph(file(rows + b"1,\0\n"))
    with pytest.raises(GraphFileError, match=r"byte 0xe9 in .*, line 100001"):
        read_graph(file(rows + b"caf\xe9,1\n"))
    with pytest.raises(GraphFileError, match=r"UTF-8"):
        read_graph(file(rows + b"1,caf\xc3"))


class TestNames:
    """The path itself."""

    def test_a_missing_file(self, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"must name an existing file, got"):
            read_graph(tmp_path / "none.csv")

    def test_a_folder(self, tmp_path):
        with pytest.raises(GraphFileError, match=r"must name a file, got a folder"):
            read_graph(tmp_path)

    def test_a_pipe(self, tmp_path):
        os.mkfifo(tmp_path / "pipe.csv")
        with pytest.raises(GraphFileError, match=r"must name a regular file, got a device, pipe"):
            read_graph(tmp_path / "pipe.csv")

    def test_links(self, tmp_path, file):
        (tmp_path / "link.csv").symlink_to(file("1,2\n"))
        assert read_graph(tmp_path / "link.csv").num_nodes == 2
        (tmp_path / "loop.csv").symlink_to(tmp_path / "loop.csv")
        with pytest.raises(GraphFileError, match=r"must name a file, got too many levels"):
            read_graph(tmp_path / "loop.csv")
        (tmp_path / "gone.csv").symlink_to(tmp_path / "nowhere")
        with pytest.raises(FileNotFoundError, match=r"must name an existing file"):
            read_graph(tmp_path / "gone.csv")

    @pytest.mark.parametrize("name", ["a\0b.csv", "x" * 300 + ".csv"])
    def test_impossible_names(self, name):
        with pytest.raises(GraphFileError, match=r"must name a file"):
            read_graph(name)

    def test_a_file_as_a_folder(self, file):
        with pytest.raises(GraphFileError, match=r"must name a file, got not a directory"):
            read_graph(file("1,2\n") / "b.csv")

    @pytest.mark.parametrize("name", ["graph", "graph.docx", "graph.csv.zip"])
    def test_unknown_endings_list_the_known(self, file, name):
        with pytest.raises(GraphFileError, match=r"must end in one of .*\.csv, .*\.parquet"):
            read_graph(file("1,2\n", name))

    def test_an_unknown_format(self, file):
        with pytest.raises(ValueError, match=r"`format` must be one of .*\.csv.*, got 'docx'"):
            read_graph(file("1,2\n"), format="docx")

    def test_an_unknown_option(self, file):
        with pytest.raises(TypeError, match=r"`options` must be among .* did you mean 'directed'"):
            read_graph(file("1,2\n"), direct=True)


class TestColumns:
    """Columns that the caller names."""

    def test_near_names(self, file):
        with pytest.raises(
            GraphFileError, match=r"must have the column 'scr', got none; did you mean 'src'"
        ):
            read_graph(file("src,dst\n1,2\n"), src="scr")
        with pytest.raises(GraphFileError, match=r"must have the column 'cost', got none"):
            read_graph(file("src,dst\n1,2\n"), weight="cost")

    def test_places(self, file):
        with pytest.raises(GraphFileError, match=r"must have the column 7, got none"):
            read_graph(file("src,dst\n1,2\n"), dst=7)


class TestGzip:
    """Compressed files and bombs."""

    def test_truncated(self, file):
        whole = gzip.compress(b"1,2\n" * 1000)
        with pytest.raises(GraphFileError, match=r"must hold complete gzip data, got a truncated"):
            read_graph(file(whole[:-9], "a.csv.gz"))

    def test_damaged(self, file):
        whole = bytearray(gzip.compress(np.random.default_rng(0).bytes(5000).hex().encode()))
        whole[2000] ^= 255
        with pytest.raises(GraphFileError, match=r"must hold valid gzip data, got damaged data"):
            read_graph(file(bytes(whole), "a.csv.gz"))

    def test_not_compressed(self, file):
        with pytest.raises(GraphFileError, match=r"must be gzip data when its name ends in .gz"):
            read_graph(file("1,2\n", "a.csv.gz"))

    def test_compressed_under_another_name(self, file):
        with pytest.raises(GraphFileError, match=r"must end in \.gz when it is compressed"):
            read_graph(file(gzip.compress(b"1,2\n"), "a.csv"))

    def test_empty_inside(self, file):
        with pytest.raises(GraphFileError, match=r"got an empty file inside the .gz"):
            read_graph(file(gzip.compress(b""), "a.csv.gz"))

    def test_bomb(self, file):
        bomb = gzip.compress(b"1,2\n" * 2**25, 9)
        assert len(bomb) < 2**19
        with pytest.raises(GraphFileError, match=r"must decompress to at most .* pass max_ratio"):
            read_graph(file(bomb, "a.csv.gz"))

    def test_limits_can_be_lowered(self, file):
        path = file(gzip.compress(b"1,2\n" * 10), "a.csv.gz")
        with pytest.raises(GraphFileError, match=r"must decompress to at most 20 bytes"):
            read_graph(path, max_bytes=20)
        with pytest.raises(GraphFileError, match=r"must be at most 3 bytes, got 4 bytes"):
            read_graph(file("1,2\n"), max_bytes=3)
        with pytest.raises(GraphFileError, match=r"must have at most 1 nodes, got 2"):
            read_graph(file("1,2\n"), max_nodes=1)


class TestNodeTable:
    """Node tables that do not fit."""

    @pytest.mark.parametrize(
        ("edges", "nodes", "message"),
        [
            ("1,2\n7,8\n", "id\n1\n2\n", r"between ids of the node table, got .* \(2: 7, 8\)"),
            ("1,2\n10000000000000,8\n", "id\n1\n2\n", r"\(2: 8, 10000000000000\)"),
            ("a,b\nc,d\n", "id\na\nb\n", r"\(2: 'c', 'd'\)"),
            ("a,b\nc,d\ne,f\ng,h\n", "id\na\nb\n", r"\(6: 'c', 'd', 'e', 'f', 'g', \.\.\.\)"),
            ("a,b\n", "id\n1\n2\n", r"\(2: 'a', 'b'\)"),
            ("1,2\n", "id\n1\n2\n1\n", r"must have every id once, got repeated ids \(1: 1\)"),
            ("1,2\n", "id,x\n1,3\n,4\n", "must have an id in every row, got an empty cell"),
            ("1,2\n", "id\n1\n2.5\n", "must have integers or text as ids, got the float 2.5"),
            ("1,2\n", "", "must hold a graph, got an empty file"),
            ("1,2\n", "id,x\n1\n", "must have 2 fields in every row, got 1"),
        ],
    )
    def test_flaws(self, file, edges, nodes, message):
        with pytest.raises(GraphFileError, match=message):
            read_graph(file(edges), nodes=file(nodes, "n.csv"))

    def test_it_must_exist_when_named(self, file, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"must name an existing file"):
            read_graph(file("1,2\n"), nodes=tmp_path / "n.csv")
        with pytest.raises(FileNotFoundError, match=r"graph\.nodes\.csv"):
            read_graph(file("1,2\n"), nodes=True)

    def test_too_many_rows(self, file):
        with pytest.raises(GraphFileError, match=r"must have at most 2 nodes, got 3"):
            read_graph(file("1,2\n"), nodes=file("id\n1\n2\n3\n", "n.csv"), max_nodes=2)


@pytest.mark.parametrize("delimiter", ["", "::", "g.gml", '"', "\n", 1])
def test_a_delimiter_is_one_character(file, delimiter):
    with pytest.raises(ValueError, match="`delimiter` must be one character"):
        read_graph(file("a,b\n", "g.csv"), delimiter=delimiter)


@pytest.mark.parametrize("option", ["missing", "src", "encoding", "relation"])
def test_halves_of_characters_are_no_option(file, option):
    with pytest.raises(ValueError, match=f"`{option}` must be text that UTF-8 can hold"):
        read_graph(file("a,b\n", "g.csv"), **{option: "\udcff"})


def test_too_many_columns(file):
    with pytest.raises(GraphFileError, match=r"must have at most 2000 columns, got 2001"):
        read_graph(file("," * 2000 + "\n1,2\n"))
