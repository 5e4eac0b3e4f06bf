"""Each distinct question is asked once: by template, judge model, order; also after kill -9."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from alpacabench.core.records import Example, Pair
from alpacabench.judge.template import load_template
from alpacabench.store.store import Store
from tests.helpers.fakes.openai_server import chat_server, made_up
from tests.helpers.judge_data import ROOT, load_judge, made_up_pairs

JUDGE_ONCE = """
import sys
from tests.helpers.judge_data import load_judge, made_up_pairs
from alpacabench.store.store import Store
with Store(sys.argv[2]) as store:
    judge = load_judge("gpt_4_1", f"judge.base_url={sys.argv[1]}", "judge.concurrency=16")
    print(sum(v.preference is not None for v in judge.judge(made_up_pairs(int(sys.argv[3])), store)))
"""


def test_the_same_again_asks_nothing_and_five_more_prompts_ask_five(tmp_path: Path) -> None:
    with chat_server(made_up) as server, Store(f"sqlite:///{tmp_path}/store.db") as store:
        judge = load_judge("gpt_4_1", f"judge.base_url={server.url}")
        first = judge.judge(made_up_pairs(30), store)
        assert len(server.requests) == 30
        again = judge.judge(made_up_pairs(30), store)
        assert len(server.requests) == 30
        assert [v.preference for v in first] == [v.preference for v in again]
        assert all(v.cached for v in again)
        judge.judge(made_up_pairs(35), store)
        assert len(server.requests) == 35


def test_one_byte_of_the_template_or_another_judge_model_judges_every_pair_again(tmp_path: Path) -> None:
    path = tmp_path / "template.txt"
    path.write_text(load_template("alpacabench:mM"))
    with chat_server(made_up) as server, Store(f"sqlite:///{tmp_path}/store.db") as store:
        where = f"judge.base_url={server.url}"
        first = load_judge("gpt_4_1", where, f"judge.template={path}")
        first.judge(made_up_pairs(20), store)
        load_judge("gpt_4_1", where, f"judge.template={path}", "judge.model_name=other").judge(made_up_pairs(20), store)
        assert len(server.requests) == 40
        hash_before = first.prompt_hash()
        path.write_text(path.read_text().replace("Be strict,", "Be strict;"))
        changed = load_judge("gpt_4_1", where, f"judge.template={path}")
        changed.judge(made_up_pairs(20), store)
        assert len(server.requests) == 60
        assert changed.prompt_hash() != hash_before


def test_both_orders_and_repeats_are_questions_of_their_own(tmp_path: Path) -> None:
    with chat_server(made_up) as server, Store(f"sqlite:///{tmp_path}/store.db") as store:
        where = f"judge.base_url={server.url}"
        seeded = load_judge("gpt_4_1", where).judge(made_up_pairs(10), store)
        both = load_judge("gpt_4_1", where, "judge.order=both", "judge.repeats=2").judge(made_up_pairs(10), store)
    assert len(server.requests) == 40, "the ten seeded verdicts are used again"
    assert len(both) == 40
    assert {(v.model_first, v.repeat) for v in both} == {(False, 0), (False, 1), (True, 0), (True, 1)}
    assert {v.key for v in seeded} <= {v.key for v in both}


def test_equal_answers_are_a_draw_without_a_request(tmp_path: Path) -> None:
    pair = Pair(Example(0, "Q", "same"), "Q", "same", "same")
    with chat_server(made_up) as server, Store(f"sqlite:///{tmp_path}/store.db") as store:
        verdicts = load_judge("gpt_4_1", f"judge.base_url={server.url}").judge([pair], store)
    assert [v.preference for v in verdicts] == [1.5]
    assert server.requests == []


def test_an_empty_answer_is_judged(tmp_path: Path) -> None:
    pair = Pair(Example(0, "Q", "reference"), "Q", "reference", "")
    with chat_server(made_up) as server, Store(f"sqlite:///{tmp_path}/store.db") as store:
        (verdict,) = load_judge("gpt_4_1", f"judge.base_url={server.url}").judge([pair], store)
    assert len(server.requests) == 1
    assert verdict.preference is not None


def test_after_kill_9_only_what_is_missing_is_asked(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/store.db"
    with chat_server(made_up, latency=0.1) as server:
        command = [sys.executable, "-c", JUDGE_ONCE, server.url, url, "300"]
        process = subprocess.Popen(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)})
        while len(server.requests) < 150:
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
        done = subprocess.run(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True)
    assert done.stdout.strip() == b"300", done.stderr.decode()
    assert len(server.requests) <= 300 + 16, "at most what was in flight is asked twice"


def test_longest_prefers_more_characters_and_needs_no_server(tmp_path: Path) -> None:
    pairs = [
        Pair(Example(0, "a", "long reference"), "a", "long reference", "short"),
        Pair(Example(1, "b", "ref"), "b", "ref", "longer"),
        Pair(Example(2, "c", "abc"), "c", "abc", "xyz"),
    ]
    with Store(f"sqlite:///{tmp_path}/store.db") as store:
        assert [v.preference for v in load_judge("longest").judge(pairs, store)] == [1.0, 2.0, 1.5]


@pytest.mark.parametrize("key", ["judge.model_name=x", "judge.base_url=http://x/v1", "judge.concurrency=3"])
def test_longest_refuses_by_name_what_it_does_not_use(key: str) -> None:
    from alpacabench.core.errors import ConfigError

    with pytest.raises(ConfigError, match=key.split("=")[0]):
        load_judge("longest", key)
