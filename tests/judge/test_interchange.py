"""Files go both ways: alpaca_eval 0.6.6 reads ours and runs our judges, and we read its annotations."""

from __future__ import annotations

import json
import math
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from alpacabench.analysis.finished_run import read_run
from alpacabench.core.errors import ConfigError, DataError
from alpacabench.core.records import Example, Generation, Outcome, Pair, Prompt, Verdict
from alpacabench.io.run_files import annotation_rows
from alpacabench.judge.export import export_judge
from alpacabench.judge.recorded import Recorded
from alpacabench.store.store import Store
from tests.helpers.fakes.openai_server import chat_server, made_up, recorded
from tests.helpers.judge_data import load_judge, made_up_pairs, real_pairs, win_rate

MODEL = "alpaca-7b"


@pytest.fixture(autouse=True)
def no_client_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let alpaca_eval find a key and no file of clients."""
    monkeypatch.setenv("OPENAI_API_KEYS", "none")
    if "alpaca_eval.constants" in sys.modules:
        monkeypatch.setattr("alpaca_eval.constants.OPENAI_API_KEYS", ["none"])


def outcomes(pairs: list[Pair], verdicts: list[Verdict]) -> list[Outcome]:
    rows = []
    for pair, verdict in zip(pairs, verdicts, strict=True):
        prompt = Prompt(pair.example, pair.instruction)
        rows.append(Outcome(prompt, (Generation(prompt, pair.output, generator=MODEL),), (verdict,)))
    return rows


def test_alpaca_eval_computes_our_win_rate_from_our_annotations_and_we_from_ours(
    alpaca_data: Path, tmp_path: Path
) -> None:
    from alpaca_eval.metrics import get_winrate

    pairs = real_pairs(alpaca_data, MODEL)
    with chat_server(recorded(alpaca_data, [MODEL])) as server, Store(f"sqlite:///{tmp_path}/store.db") as store:
        judge = load_judge("weighted_alpaca_eval_gpt4_turbo", f"judge.base_url={server.url}")
        verdicts = judge.judge(pairs, store)
        path = tmp_path / "annotations.json"
        path.write_text(json.dumps(list(annotation_rows(outcomes(pairs, verdicts), judge.label))))
        theirs = get_winrate(json.loads(path.read_text()))
        again = load_judge("recorded", f"judge.path={path}").judge(pairs, store)
    rate, error = win_rate(verdicts)
    assert theirs["win_rate"] == pytest.approx(rate, abs=1e-9)
    assert theirs["standard_error"] == pytest.approx(error, abs=1e-9)
    assert theirs["n_total"] == 805
    assert [v.preference for v in again] == [v.preference for v in verdicts]


@pytest.mark.parametrize("option", ["gpt_4_1", "gpt_4_1_cot"])
def test_alpaca_eval_itself_runs_an_exported_judge_with_the_same_verdicts(tmp_path: Path, option: str) -> None:
    from alpaca_eval.annotators import PairwiseAnnotator

    pairs = made_up_pairs(12)

    def answer(body: dict) -> dict:
        choice = made_up(body)
        token = choice["message"]["content"]
        verdict = {"role": "assistant", "content": f"m is short.\n\nVerdict: {token}"}
        return choice if body.get("logprobs") else choice | {"message": verdict, "finish_reason": "stop"}

    with chat_server(answer) as server, Store(f"sqlite:///{tmp_path}/store.db") as store:
        judge = load_judge(option, f"judge.base_url={server.url}")
        ours = {v.pair.instruction: v.preference for v in judge.judge(pairs, store)}
        count = len(server.requests)
        path = export_judge(judge, tmp_path / "annotators")
        annotator = PairwiseAnnotator(annotators_config=str(path), caching_path=None)
        rows = annotator.annotate_head2head(
            outputs_1=[{"instruction": p.instruction, "output": p.reference, "generator": "ref"} for p in pairs],
            outputs_2=[{"instruction": p.instruction, "output": p.output, "generator": "me"} for p in pairs],
            num_procs=1,
        )
    mine, theirs = (
        sorted(json.dumps(request.body["messages"], sort_keys=True) for request in part)
        for part in (server.requests[:count], server.requests[count:])
    )
    assert mine == theirs
    assert {row["instruction"]: row["preference"] for row in rows} == pytest.approx(ours, abs=1e-9)


@pytest.mark.parametrize(
    ("option", "override"),
    [("longest", None), ("rubric", None), ("gpt_4_1", "judge.order=both"), ("alpaca_eval", "judge.annotator=gpt4")],
)
def test_what_alpaca_eval_cannot_express_is_refused(tmp_path: Path, option: str, override: str | None) -> None:
    with pytest.raises(ConfigError):
        export_judge(load_judge(option, *([override] if override else [])), tmp_path)
    assert list(tmp_path.iterdir()) == []


def write(path: Path, rows: list[dict]) -> Recorded:
    path.write_text(json.dumps(rows))
    return Recorded(path=str(path))


def test_recorded_rows_are_matched_by_output_and_missing_ones_are_missing(tmp_path: Path) -> None:
    pairs = made_up_pairs(4)
    rows = [
        {"instruction": p.instruction, "output_1": p.reference, "output_2": p.output, "preference": preference}
        for p, preference in zip(pairs, (2, None, 0, 1.25), strict=True)
    ]
    rows[3]["output_2"] = "another answer"
    verdicts = write(tmp_path / "a.json", rows).judge(pairs, None)
    assert [v.preference for v in verdicts] == [2.0, None, 1.5, None]
    assert [bool(v.failure) for v in verdicts] == [False, True, False, True]


def test_rows_without_outputs_are_matched_by_generator_over_several_files(tmp_path: Path) -> None:
    pair = Pair(made_up_pairs(1)[0].example, "Question 0?", "r", "a", generator="me")
    for name, preference in (("me", 1.75), ("you", 1.25)):
        row = {"instruction": "Question 0?", "generator_2": name, "preference": preference, "annotator": "x"}
        write(tmp_path / f"{name}.json", [row])
    judge = load_judge("recorded", f"judge.path='{tmp_path}/*.json'")
    (verdict,) = judge.judge([pair], None)
    assert (verdict.preference, judge.label) == (1.75, "x")


def test_compare_and_the_recorded_judge_read_the_same_preferences_from_a_csv(tmp_path: Path) -> None:
    codes = {"-1.0": None, "-1": None, "": None, "nan": None, "0.0": 1.5, "0": 1.5, "1.0": 1.0, "1.25": 1.25, "2": 2.0}
    pairs = made_up_pairs(len(codes))
    lines = [f"{pair.instruction},{pair.output},{code}" for pair, code in zip(pairs, codes, strict=True)]
    path = tmp_path / "annotations.csv"
    path.write_text("\n".join(["instruction,output_2,preference", *lines]) + "\n")
    verdicts = Recorded(path=str(path)).judge(pairs, None)
    assert [verdict.preference for verdict in verdicts] == list(codes.values())
    items = read_run(str(path)).items.values()
    assert [None if math.isnan(item.preference) else item.preference for item in items] == list(codes.values())


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([{"instruction": "q", "preference": 3}], "row 1: 'preference' is 3"),
        ([{"instruction": "q", "preference": 1}, {"preference": 1}], "row 2: no 'instruction'"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, rows: list[dict], told: str) -> None:
    judge = write(tmp_path / "bad.json", rows)
    with pytest.raises(DataError, match=told):
        judge.judge([], None)
    assert told in "".join(map(str, judge.problems()))


def annotated(*names: str | None) -> list[dict]:
    return [{"instruction": "q", "output_1": "r", "output_2": "a", "annotator": n, "preference": 1 + i % 2}
            for i, n in enumerate(names)]  # fmt: skip


def test_one_of_several_annotators_has_to_be_named(tmp_path: Path) -> None:
    (problem,) = write(tmp_path / "two.json", annotated("j", "k")).problems()
    assert "j, k" in problem.what and "judge.annotator=j" in str(problem)
    pair = Pair(Example(0, "q", "r"), "q", "r", "a")
    for name, preference in (("j", 1.0), ("k", 2.0)):
        judge = load_judge("recorded", f"judge.path={tmp_path}/two.json", f"judge.annotator={name}")
        assert judge.judge([pair], None)[0].preference == preference
        assert judge.label == name
    (problem,) = load_judge("recorded", f"judge.path={tmp_path}/two.json", "judge.annotator=x").problems()
    assert problem.where == "judge.annotator"


def test_a_name_may_be_written_as_a_number_or_an_object(tmp_path: Path) -> None:
    rows = [row | {"annotator": {7: 7, 8: {"judge": 8}}[row["annotator"]]} for row in annotated(7, 8)]
    (problem,) = write(tmp_path / "two.json", rows).problems()
    assert "7, {'judge': 8}" in problem.what
    judge = load_judge("recorded", f"judge.path={tmp_path}/two.json", 'judge.annotator="7"')
    assert [judge.judge([Pair(Example(0, "q", "r"), "q", "r", "a")], None)[0].preference] == [1.0]


@pytest.mark.parametrize("values", [[0, 1], [True, False]])
def test_another_scale_is_refused_in_compare_too(tmp_path: Path, values: list) -> None:
    rows = [{"instruction": str(i), "output_2": "a", "preference": value} for i, value in enumerate(values)]
    judge = write(tmp_path / "scale.json", rows)
    assert [problem.where for problem in judge.problems()] == ["judge.path"]
    with pytest.raises(DataError, match="'preference' is"):
        read_run(str(tmp_path / "scale.json"))


def test_a_gap_written_as_nan_is_no_annotator(tmp_path: Path) -> None:
    rows = [row | {"instruction": str(i)} for i, row in enumerate(annotated("j", math.nan))]
    assert write(tmp_path / "nan.json", rows).label == "j"
    assert read_run(str(tmp_path / "nan.json")).judge == "j"


def test_an_instruction_that_only_looks_the_same_is_said_to(tmp_path: Path) -> None:
    judge = write(tmp_path / "a.json", [{"instruction": "Cafe\u0301?", "output_2": "a", "preference": 2}])
    (verdict,) = judge.judge([Pair(Example(0, "Café?", "r"), "Café?", "r", "a")], None)
    assert verdict.preference is None and "composed" in str(verdict.failure)


def test_a_glob_that_matches_nothing_is_named(tmp_path: Path) -> None:
    (problem,) = load_judge("recorded", f"judge.path='{tmp_path}/*.json'").problems()
    assert problem.where == "judge.path"
    assert "matches no file" in problem.what


def of(pair: Pair, generator: str, reference: str = "gpt4") -> dict:
    return {
        "instruction": pair.instruction, "generator_1": reference, "generator_2": generator, "preference": 2.0,
        "annotator": "x",
    }  # fmt: skip


def test_verdicts_about_another_models_answers_are_refused_naming_both(tmp_path: Path) -> None:
    pairs = [replace(pair, generator="claude-2") for pair in made_up_pairs(4)]
    with pytest.raises(DataError, match=r"answers of gemma-7b-it, but the answers here are those of claude-2"):
        write(tmp_path / "a.json", [of(pair, "gemma-7b-it") for pair in pairs]).judge(pairs, None)
    texts = [of(p, "gemma-7b-it") | {"output_1": p.reference, "output_2": f"gemma's {p.output}"} for p in pairs]
    with pytest.raises(DataError, match=r"gemma-7b-it.*claude-2"):
        write(tmp_path / "b.json", texts).judge(pairs, None)
    own = write(tmp_path / "c.json", [of(pair, "claude-2") for pair in pairs]).judge(pairs, None)
    assert [verdict.preference for verdict in own] == [2.0] * 4


def test_verdicts_on_the_same_texts_hold_under_another_name(tmp_path: Path) -> None:
    pairs = [replace(pair, generator="a copy") for pair in made_up_pairs(4)]
    rows = [of(p, "gemma-7b-it") | {"output_1": p.reference, "output_2": p.output} for p in pairs]
    assert [v.preference for v in write(tmp_path / "a.json", rows).judge(pairs, None)] == [2.0] * 4


def test_verdicts_against_another_reference_are_refused_naming_both(tmp_path: Path) -> None:
    pairs = [
        replace(p, generator="m", example=replace(p.example, reference_generator="gpt4")) for p in made_up_pairs(3)
    ]
    with pytest.raises(DataError, match=r"references of davinci, but the references here are those of gpt4"):
        write(tmp_path / "a.json", [of(pair, "m", "davinci") for pair in pairs]).judge(pairs, None)
