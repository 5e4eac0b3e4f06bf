"""What is shown: control characters as visible ones, secrets not at all, in streams, log lines and tables."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import stat
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.table import Table
from rich.text import Text

from alpacabench.core.errors import DataError
from alpacabench.core.printable import printable
from alpacabench.io.json_text import dumps, loads
from alpacabench.io.rows import read_rows
from alpacabench.io.run_files import write_json, write_jsonl
from alpacabench.security.console import Console
from alpacabench.security.output import Formatter, shown

EVIL = "gen\x1b]0;pwned\x07\x1b[2J\x1b[31m \u202etxet \x9b31m \ud800 a\rb [bold]x[/oops] :smile:"
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
anything = st.text(st.characters(exclude_categories=()), max_size=80)


@settings(max_examples=300, deadline=None)
@given(text=anything)
def test_no_text_keeps_a_control_character(text: str) -> None:
    clean = printable(text)
    assert not UNSEEN.search(clean) and clean == printable(clean)
    clean.encode("utf-8")
    assert not {unicodedata.category(c) for c in clean if c not in "\n\t"} & {"Cc", "Cs", "Zl", "Zp"}


def test_ordinary_text_of_every_script_stays() -> None:
    for text in ("Grüße, 模型 модель نموذج\u200f דגם\u200e", "a\n\tb", "👩‍💻 é", "\ufeffx\u00a0y\u200b"):
        assert printable(text) == text
    assert printable("a\r\nb\u2028c\x1b[0m") == "a\nb\nc␛[0m"


def test_a_log_line_is_clean_with_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_API_KEY", "sk-canary\n1111aaaa")
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Formatter("%(levelname)s %(message)s"))
    log = logging.Logger("one")
    log.addHandler(handler)
    try:
        raise ValueError("sk-canary\n1111aaaa")
    except ValueError:
        log.exception("said %s", EVIL)
    assert not UNSEEN.search(stream.getvalue()) and "canary" not in stream.getvalue()
    assert "␛[2J" in stream.getvalue() and "Traceback" in stream.getvalue()


@pytest.mark.parametrize("terminal", [True, False])
def test_a_table_is_clean_and_keeps_its_frame(terminal: bool) -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=terminal, width=200, color_system="standard" if terminal else None)
    table = Table(title="a\x1b[2Jtitle")
    for name in ("one", EVIL):
        table.add_column(name)
    table.add_row(EVIL, Text(EVIL, style="bold red"), style="green")
    console.print(table)
    console.print(Text(EVIL), EVIL)
    written = stream.getvalue()
    assert ("\x1b[" in written) == terminal, "rich's own colours are for terminals"
    assert not UNSEEN.search(re.sub(r"\x1b\[[\d;]*m", "", written)) and "\x1b[2J" not in written
    assert "[bold]x[/oops] :smile:" in written
    widths = {len(line) for line in re.sub(r"\x1b\[[\d;]*m", "", written).splitlines() if line[:1] in "┏┃┡│└"}
    assert len(widths) == 1


def test_a_command_shows_nothing_but_text(tmp_path: Path) -> None:
    code = (
        "import sys, warnings, logging\nfrom alpacabench.security.output import guard\nguard(); guard()\n"
        "evil = 'x\\x1b]0;t\\x07\\ud800\\u202e ' + 'sk-canary-12345678'\n"
        "print(evil); print(evil, file=sys.stderr); sys.stdout.writelines([evil])\n"
        "warnings.warn(evil); logging.warning(evil)\nsys.stderr.write('\\r50%'); open('made', 'w').close()\n"
        "raise RuntimeError(evil)\n"
    )
    env = os.environ | {"SOME_API_KEY": "sk-canary-12345678", "PYTHONIOENCODING": "ascii", "PYTHONPATH": os.getcwd()}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, cwd=tmp_path)
    assert done.returncode == 1 and "Traceback" in done.stderr and "RuntimeError" in done.stderr
    for written in (done.stdout, done.stderr):
        assert "canary" not in written and "\\u241b" in written and not UNSEEN.search(written)
    assert stat.S_IMODE((tmp_path / "made").stat().st_mode) == 0o600


def test_shown_redacts_before_it_replaces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_API_KEY", "sk-can\x1bary-1111")
    assert shown("it is sk-can\x1bary-1111") == "it is <redacted>"


@settings(max_examples=200, deadline=None)
@given(value=st.recursive(anything | st.integers() | st.none(), lambda inner: st.lists(inner, max_size=3)))
def test_json_of_any_text_is_one_line_of_utf8_and_reads_back(value: object) -> None:
    line = dumps(value)
    assert line.encode("utf-8") and loads(line) == value == json.loads(line)
    assert len(line.splitlines()) == 1 and not UNSEEN.search(line)


def test_files_of_a_run_hold_any_text_for_their_owner_alone(tmp_path: Path) -> None:
    texts = [EVIL, "a\u2028b\x0bc\x0cd\x85e", "\ud83d", "😀"]
    write_jsonl(tmp_path / "deep" / "a.jsonl", [{"output": text} for text in texts])
    write_json(tmp_path / "b.json", texts)
    lines = (tmp_path / "deep" / "a.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["output"] for line in lines] == texts
    assert json.loads((tmp_path / "b.json").read_bytes()) == texts
    assert stat.S_IMODE((tmp_path / "b.json").stat().st_mode) == 0o600


def test_json_that_no_reader_takes_is_refused() -> None:
    for text in ("[" * 100_000 + "]" * 100_000, "9" * 9000, '{"a": ' * 5000 + "1" + "}" * 5000, b"\xff", "{broken"):
        with pytest.raises(ValueError):
            loads(text)


@pytest.mark.parametrize("content", ["[" * 5000 + "]" * 5000, '[{"instruction": "a", "n": ' + "9" * 9000 + "}]"])
@pytest.mark.parametrize("suffix", [".json", ".jsonl"])
def test_a_file_that_no_reader_takes_is_refused_by_name(content: str, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"rows{suffix}"
    path.write_text(content)
    with pytest.raises(DataError, match="dataset.path: .*rows"):
        read_rows(path, "dataset.path")
