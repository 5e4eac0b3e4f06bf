"""Each tool by itself: what it answers, and what nobody can make it do."""

from __future__ import annotations

import json
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest

from alpacabench.sandbox.program import sandbox_problem
from alpacabench.tools.base import ToolError
from alpacabench.tools.calculator import evaluate
from alpacabench.tools.database import Database
from alpacabench.tools.http import Http
from alpacabench.tools.python import Python
from alpacabench.tools.search import Search, bm25
from tests.helpers.command import run

SANDBOX = pytest.mark.skipif(sandbox_problem("x") is not None, reason="no sandbox here")
TABLES = {"people": [{"name": "Ann", "age": 31}, {"name": "Bo", "age": 25, "tags": ["x"]}],
          "empty": {"columns": ["a", "b"], "rows": []}}  # fmt: skip


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("6*7", 42), ("2 ^ 10", 1024), ("(3 + 4) * 2 - -1", 15), ("10 / 4", 2.5), ("0.1 + 0.2", 0.3), ("7 // 2", 3),
        ("sqrt(16) + max(1, 5)", 9), ("factorial(20)", 2432902008176640000), ("2**-2", 0.25), ("1e3", 1000),
        ("round(pi, 4)", 3.1416), ("6 × 7", 42), ("2**1000 % 7", 2), ("9**-999999999", 0),
    ],
)  # fmt: skip
def test_the_calculator_calculates(expression: str, value: float) -> None:
    assert evaluate(expression) == value


@pytest.mark.parametrize(
    "expression",
    [
        "9**9**9", "9**9**9**9", "10**100000", "factorial(10**9)", "factorial(501)", "1/0", "sqrt(-1)", "(-8)**0.5", "",
        "__import__('os').system('x')", "().__class__", "[1]*10**9", "'a'*10**9", "lambda: 1", "x := 3",
        "1 if 1 else 2",
        "True + 1", "1 == 1", "2 << 10**9", "(" * 300 + "1" + ")" * 300, "-" * 400 + "1", "9" * 2000, "max()",
        "max(*[1])", "round(1, ndigits=2)", "exp(1e9)", "2.0**5000", "log(0)", "1e999", "open('x')", "1;2",
        "(9**9)**(9**5)", "*".join(["9**500"] * 60),
    ],
)  # fmt: skip
def test_the_calculator_has_a_bound_and_no_names(expression: str) -> None:
    start = time.monotonic()
    with pytest.raises(ToolError):
        evaluate(expression)
    assert time.monotonic() - start < 0.5


def test_search_finds_by_words_and_is_the_formula() -> None:
    row = {"documents": ["the cat sat on the mat", {"id": "d", "title": "Dogs", "text": "a dog sat"}, "nothing"]}
    found = Search().call({"query": "Dogs sat"}, row)
    assert [document["id"] for document in found] == ["d", 1]
    assert found[0]["title"] == "Dogs" and all(document["score"] > 0 for document in found)
    assert Search().call({"query": "zebra"}, row) == []
    # By hand: two texts of 2 and 4 words, the word once in the second. idf = ln(1 + 1.5/1.5), norm = .25 + .75 * 4/3.
    idf, norm = 0.6931471805599453, 0.25 + 0.75 * 4 / 3
    assert bm25("w", ["a b", "w c d e"]) == [0.0, pytest.approx(idf * 2.2 / (1 + 1.2 * norm))]
    assert not Search().applies({}) and Search(top=1).call({"query": "sat"}, row)[0]["id"] == "d"
    for wrong in ("text", [1], [{"title": "x"}]):
        with pytest.raises(ValueError, match="document"):
            Search().check_row({"documents": wrong})


def test_the_database_answers_queries_and_says_what_it_has() -> None:
    tool = Database()
    answer = tool.call({"query": "SELECT name FROM people WHERE age > 30"}, {"tables": TABLES})
    assert answer == {"columns": ["name"], "rows": [["Ann"]]}
    assert tool.call({"query": "SELECT tags FROM people"}, {"tables": TABLES})["rows"] == [[None], ['["x"]']]
    described = tool.functions({"tables": TABLES})[0]["function"]["description"]
    assert '"people"' in described and '"age"' in described and '"empty"' in described
    many = {"t": {"columns": ["n"], "rows": [[n] for n in range(500)]}}
    cut = Database(most_rows=7).call({"query": "SELECT n FROM t"}, {"tables": many})
    assert len(cut["rows"]) == 7 and cut["cut"]


@pytest.mark.parametrize(
    "query",
    [
        "INSERT INTO people VALUES (1, 2, 3)", "DROP TABLE people", "DELETE FROM people", "CREATE TABLE x (a)",
        "ATTACH DATABASE '/etc/passwd' AS x", "ATTACH ':memory:' AS x", "PRAGMA table_info(people)",
        "PRAGMA writable_schema=1", "SELECT load_extension('x')", "VACUUM INTO '/tmp/x.db'", "SELECT 1; SELECT 2",
        "SELECT readfile('/etc/passwd')", "BEGIN", "DETACH main", "", "not SQL", "SELECT zeroblob(1000000000)",
        "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM t) SELECT count(*) FROM t",
        "SELECT replace(hex(zeroblob(400000)), '00', hex(zeroblob(400000)))",
        "SELECT count(*) FROM people a, people b" + ", people" * 40,
        "REPLACE INTO people VALUES (1,2,3)", "CREATE TEMP TABLE x (a)", "EXPLAIN DROP TABLE people",
        "SELECT * FROM pragma_database_list",
    ],
)  # fmt: skip
def test_the_database_reads_and_does_nothing_else(query: str, tmp_path: Path) -> None:
    file = tmp_path / "shop.sqlite"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE people (name)")
        connection.execute("INSERT INTO people VALUES ('Ann'), ('Bo')")
    connection.close()
    before, start = file.read_bytes(), time.monotonic()
    for tool, row in ((Database(seconds=0.3), {"tables": TABLES}), (Database(seconds=0.3, path=str(file)), {})):
        with pytest.raises(ToolError):
            tool.call({"query": query}, row)
    assert time.monotonic() - start < 2
    assert file.read_bytes() == before and [path.name for path in tmp_path.iterdir()] == ["shop.sqlite"]


def test_the_database_reads_a_file(tmp_path: Path) -> None:
    file = tmp_path / "it's #1?.sqlite"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE t (a)")
        connection.execute("INSERT INTO t VALUES (x'00ff')")
    connection.close()
    tool = Database(path=str(file))
    assert list(tool.problems()) == []
    assert tool.call({"query": "SELECT * FROM t"}, {})["rows"] == [["00ff"]]
    assert [p.where for p in Database(path=str(tmp_path / "none")).problems()] == ["tools.database.path"]
    (tmp_path / "text").write_text("no database, but a text that is long enough to be looked at" * 20)
    assert [p.where for p in Database(path=str(tmp_path / "text")).problems()] == ["tools.database.path"]


def test_http_looks_up_what_the_row_recorded(tmp_path: Path) -> None:
    row = {"responses": [{"url": "https://Api.test/a?x=1&y=2", "body": {"t": 21}},
                         {"url": "https://api.test/a", "method": "POST", "status": 201, "body": "made"}]}  # fmt: skip
    tool = Http()
    assert tool.call({"url": "https://api.test/a/?y=2&x=1"}, row) == {"status": 200, "body": {"t": 21}}
    assert tool.call({"url": "https://api.test/a", "method": "POST"}, row)["status"] == 201
    with pytest.raises(ToolError, match="no host answers GET"):
        tool.call({"url": "https://api.test/a"}, row)
    file = tmp_path / "responses.jsonl"
    file.write_text(json.dumps({"url": "http://x/", "body": 1}) + "\n")
    assert Http(path=str(file)).call({"url": "http://x"}, {})["body"] == 1
    assert [p.where for p in Http(path=str(tmp_path / "none")).problems()] == ["tools.http.path"]
    for wrong in ("text", [1], [{"body": 1}]):
        with pytest.raises(ValueError, match="response"):
            tool.check_row({"responses": wrong})


@SANDBOX
@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("print(6*7)", "42"),
        ("print(undefined)", "it ended with an error\n"),
        ("while True: pass", "it did not end in time"),
        ("bytearray(3 * 1024**3)", "it needs more memory"),
        ("while True: print('x' * 1000)", "it prints without end"),
        ("import socket; socket.create_connection(('1.1.1.1', 53), 1)", "it ended with an error"),
        ("print(open('/etc/shadow').read())", "it ended with an error"),
        ("import os; print(os.environ.get('OPENAI_API_KEY'))", "None"),
    ],
)
def test_python_runs_in_the_sandbox(code: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    tool = Python(seconds=2)
    try:
        answer: Any = tool.call({"code": code}, {})
    except ToolError as error:
        answer = str(error)
    assert said in answer and "sk-secret" not in answer


def test_python_without_a_sandbox_is_refused(tmp_path: Path) -> None:
    empty = tmp_path / "bin"
    empty.mkdir()
    outcome = run(tmp_path, "tools=[python]", "model=echo", "judge=none", "tracking=none", env={"PATH": str(empty)})
    assert outcome.code == 2
    assert "tools.python: no sandbox" in outcome.text and "apt-get install bubblewrap" in outcome.text
    assert outcome.text.count("tools.python") == 1 and "Traceback" not in outcome.text
