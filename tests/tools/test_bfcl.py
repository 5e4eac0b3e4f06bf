"""BFCL's notion of a right call: a small fixture of ours in its format, and the installed package where it is there."""

from __future__ import annotations

import ast
import copy
import importlib
import json
import random
import sys
import types
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from alpacabench.core.exchange import Script, Step
from alpacabench.core.records import Example
from alpacabench.dataset.bfcl import BFCL
from alpacabench.tools.bfcl import BFCLFunctions
from alpacabench.tools.bfcl_match import plain_name, right_calls
from alpacabench.tools.conversation import ToolUse
from alpacabench.tools.failures import ToolFailures
from tests.helpers.command import succeed
from tests.helpers.fakes.http_server import HttpServer, Request, Response

PACKAGE = pytest.mark.skipif(
    not (find_spec("bfcl_eval") and find_spec("mpmath")), reason="needs pip install --no-deps bfcl-eval, and mpmath"
)
AREA = {
    "name": "geo.area", "description": "The area.",
    "parameters": {"type": "dict", "required": ["base", "height"], "properties": {
        "base": {"type": "integer"}, "height": {"type": "float"}, "unit": {"type": "string"},
        "points": {"type": "array", "items": {"type": "string"}}, "form": {"type": "dict", "properties": {}}}},
}  # fmt: skip
TRUTH = [{"geo.area": {"base": [10], "height": [5.0], "unit": ["square meters", ""], "points": [["A b", "C"], ""],
                       "form": [{"kind": ["flat", "even"], "size": [1, ""]}, ""]}}]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "right"),
    [
        ({"base": 10, "height": 5}, True),
        ({"base": 10, "height": 5.0, "unit": "Square-Meters"}, True),
        ({"base": 10, "height": 5, "points": ["a b.", "c"]}, True),
        ({"base": 10, "height": 5, "form": {"kind": "FLAT"}}, True),
        ({"base": 10.0, "height": 5}, False),
        ({"base": "10", "height": 5}, False),
        ({"base": 10}, False),
        ({"base": 10, "height": 5, "unit": "feet"}, False),
        ({"base": 10, "height": 5, "colour": "red"}, False),
        ({"base": 10, "height": 5, "points": ["c", "a b"]}, False),
        ({"base": 10, "height": 5, "form": {"size": 1}}, False),
        ({"base": 10, "height": 5, "form": {"kind": "round"}}, False),
        ({"base": True, "height": 5}, False),
    ],
)
def test_a_call_is_right_by_allowed_values_types_and_optional_parameters(
    arguments: dict[str, Any], right: bool
) -> None:
    assert right_calls([AREA], [("geo_area", arguments)], TRUTH) is right
    assert not right_calls([AREA], [("area", arguments)], TRUTH)
    assert not right_calls([AREA], [("geo_area", arguments)] * 2, TRUTH)
    assert not right_calls([AREA], [], TRUTH)


def fixture(folder: Path) -> Path:
    """Write a folder in BFCL's format: a simple call, one of two, and one that no function fits."""
    other = {"name": "geo.length", "description": "The length.",
             "parameters": {"type": "dict", "required": [], "properties": {}}}  # fmt: skip
    asked = {"simple_python": [AREA], "multiple": [other, AREA], "irrelevance": [other]}
    (folder / "possible_answer").mkdir(parents=True)
    for name, functions in asked.items():
        rows = [{"id": f"{name}_{n}", "question": [[{"role": "user", "content": "The area?"}]], "function": functions}
                for n in range(2)]  # fmt: skip
        (folder / f"BFCL_v4_{name}.json").write_text("".join(json.dumps(row) + "\n" for row in rows))
        truths = [{"id": row["id"], "ground_truth": TRUTH} for row in rows]
        if name != "irrelevance":
            path = folder / "possible_answer" / f"BFCL_v4_{name}.json"
            path.write_text("".join(json.dumps(row) + "\n" for row in truths))
    return folder


def test_rows_are_read_and_prompts_that_are_equal_told_apart(tmp_path: Path) -> None:
    dataset = BFCL(path=str(fixture(tmp_path)), categories=["simple", "multiple", "irrelevance"])
    assert list(dataset.problems()) == []
    examples = dataset.load()
    assert [example.instruction for example in examples] == ["The area?" + " " * n for n in range(6)]
    assert [example.category for example in examples] == ["simple"] * 2 + ["multiple"] * 2 + ["irrelevance"] * 2
    tool = BFCLFunctions()
    offered = tool.functions(examples[2].row)
    assert [function["function"]["name"] for function in offered] == ["geo_length", "geo_area"]
    schema = offered[1]["function"]["parameters"]
    assert schema["type"] == "object" and schema["properties"]["height"] == {"type": "number"}
    assert schema["properties"]["points"] == {"type": "array", "items": {"type": "string"}}


def server(answer: Any) -> HttpServer:
    def handle(request: Request) -> Response:
        said = len(request.body["messages"])
        calls = [{"id": f"c{said}{n}", "function": {"name": name, "arguments": json.dumps(given)}}
                 for n, (name, given) in enumerate(answer(request.body))]  # fmt: skip
        message = {"content": None if calls else "Done.", "tool_calls": calls}
        return Response({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                         "usage": {"prompt_tokens": 9, "completion_tokens": 3}})  # fmt: skip

    return HttpServer(handle)


def score(folder: Path, answer: Any, *more: str) -> dict[str, float]:
    folder.mkdir(exist_ok=True)
    with server(answer) as running:
        return succeed(
            folder, "dataset=bfcl", "tools=[bfcl]", "judge=none", "tracking=none", "model=openai_compatible",
            "model.path=m", f"model.base_url={running.url}", "max_steps=20", *more,
        )  # fmt: skip


@PACKAGE
def test_right_calls_score_100_and_others_0_on_the_fixture(tmp_path: Path) -> None:
    data = fixture(tmp_path / "data")
    own = [f"dataset.path={data}", "dataset.categories=[simple,multiple]"]
    right = [("geo_area", {"base": 10, "height": 5})]
    assert score(tmp_path / "a", lambda _: right, *own)["task_success"] == 100
    assert score(tmp_path / "b", lambda _: [], *own)["task_success"] == 0
    assert score(tmp_path / "c", lambda _: [("geo_area", {"base": 11, "height": 5})], *own)["task_success"] == 0
    none = [f"dataset.path={data}", "dataset.categories=[irrelevance]"]
    assert score(tmp_path / "d", lambda _: [], *none)["task_success"] == 100
    found = score(tmp_path / "e", lambda _: [("geo_length", {})], *none)
    assert found["task_success"] == 0 and found["n_generated"] == 2 and found["tool_calls"] == 1


def first_allowed(values: list[Any]) -> Any:
    """Return the first value of a ground truth that is one; of a dictionary that of each of its keys."""
    value = next(one for one in values if one != "")
    plain = value if isinstance(value, list) else [value]
    found = [
        {key: first_allowed(inner) for key, inner in one.items() if any(i != "" for i in inner)}
        if isinstance(one, dict) else one
        for one in plain
    ]  # fmt: skip
    return found if isinstance(value, list) else found[0]


def truth_calls(row: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (plain_name(name), {key: first_allowed(each) for key, each in given.items() if any(v != "" for v in each)})
        for one in row["bfcl"]["ground_truth"] for name, given in one.items()
    ]  # fmt: skip


def written_call(text: str, functions: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return a call that the package's ground truth writes as Python."""
    node = ast.parse(text, mode="eval").body
    assert isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    names = list(functions[node.func.id]["parameters"]["properties"])
    given = {name: ast.literal_eval(value) for name, value in zip(names, node.args, strict=False)}
    return node.func.id, given | {str(k.arg): ast.literal_eval(k.value) for k in node.keywords}


def played(row: dict[str, Any], truth: list[list[str]]) -> tuple[bool, ...]:
    """Return whether each turn is right where the model calls what is given, one call an answer."""
    functions = {f["function"]["name"]: f["function"] for f in BFCLFunctions().functions(row)}
    example = Example(0, "x", None, turns=tuple(row["turns"]), row={k: v for k, v in row.items() if k != "turns"})
    use, script = ToolUse([BFCLFunctions()], example, ToolFailures(), 20), Script((), example.turns)
    steps: list[Step] = []
    for turn, texts in enumerate(truth, start=1):
        for name, arguments in (written_call(text, functions) for text in texts):
            assert use.next(script, steps) is not None
            steps.append(Step((), "", turn, ({"id": "", "name": name, "arguments": json.dumps(arguments)},)))
        steps.append(Step((), "Done.", turn))
    assert use.next(script, steps) is None
    return use.right(use.completed(script, steps), len(truth))


@PACKAGE
def test_the_packages_own_right_calls_score_100_and_altered_ones_0() -> None:
    rows, _ = BFCL().rows()
    rng, right, altered, empty = random.Random(0), 0, 0, 0
    single = [row for row in rows if row["category"] in ("simple", "multiple")]
    for row in single:
        calls, truth = truth_calls(row), row["bfcl"]["ground_truth"]
        right += right_calls(row["functions"], calls, truth)
        empty += right_calls(row["functions"], [], truth)
        ((name, given),) = calls
        changed = rng.choice(sorted(given)) if given else "x"
        altered += right_calls(row["functions"], [(name, given | {changed: "no such value"})], truth)
    assert (len(single), right, altered, empty) == (600, 600, 0, 0)
    dialogues = [row for row in rows if row["category"] == "multi_turn_base"]
    found = [played(row, row["bfcl"]["ground_truth"]) for row in dialogues]
    assert len(found) == 200 and all(map(all, found))
    assert not any(all(played(row, [[] for _ in row["turns"]])) for row in dialogues[:50])
    for row in dialogues[:50]:
        truth = copy.deepcopy(row["bfcl"]["ground_truth"])
        turn = next(n for n, texts in enumerate(truth) if texts)
        truth[turn].pop()
        by_turn = played(row, truth)
        assert not all(by_turn) and not by_turn[turn] and all(by_turn[:turn])


@PACKAGE
def test_calls_are_judged_as_the_packages_own_checker_does(monkeypatch: pytest.MonkeyPatch) -> None:
    check, python = own_checker(monkeypatch)
    rows, _ = BFCL(categories=["simple", "multiple"]).rows()
    rng, compared = random.Random(1), 0
    for row in rows:
        truth, functions = row["bfcl"]["ground_truth"], row["functions"]
        for calls in variants(truth_calls(row), rng):
            kind = "multiple" if row["category"] == "multiple" else "simple_python"
            try:
                theirs = check(functions, [{name: given} for name, given in calls], truth, python, kind, "m")["valid"]
            except Exception:  # theirs raises on some values that it does not foresee
                theirs = False
            assert right_calls(functions, calls, truth) is theirs, (row["bfcl"]["id"], calls)
            compared += 1
    assert compared == 600 * 9


def variants(calls: list[tuple[str, Any]], rng: random.Random) -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """Yield calls, and how they may be wrong."""
    ((name, given),) = calls
    key = rng.choice(sorted(given)) if given else "x"
    yield from ([(name, given)], [], [(name, given)] * 2, [("other", given)])
    for value in ("zzz", 12345, [given.get(key)], str(given.get(key)).upper() + " "):
        yield [(name, given | {key: value})]
    yield [(name, {k: v for k, v in given.items() if k != key})]


def own_checker(monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Any]:
    """Return the package's checker, without what it imports for every model and for Java."""
    place = "bfcl_eval.eval_checker.ast_eval.type_convertor"
    settings = types.ModuleType("bfcl_eval.constants.model_config")
    # Every model that it knows is asked by names without dots.
    settings.MODEL_CONFIG_MAPPING = {"m": types.SimpleNamespace(underscore_to_dot=True)}  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, settings.__name__, settings)
    for name in ("java_type_converter", "js_type_converter"):
        module = types.ModuleType(f"{place}.{name}")
        setattr(module, name, None)
        monkeypatch.setitem(sys.modules, module.__name__, module)
    checker = importlib.import_module("bfcl_eval.eval_checker.ast_eval.ast_checker")
    return checker.ast_checker, importlib.import_module("bfcl_eval.constants.enums").Language.PYTHON


@PACKAGE
@pytest.mark.slow
def test_the_whole_of_bfcl_over_http(tmp_path: Path) -> None:
    rows, _ = BFCL().rows()
    single = {row["instruction"]: truth_calls(row) for row in rows if row["category"] in ("simple", "multiple")}
    dialogues = [row for row in rows if "turns" in row]

    def truth(body: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
        said = [message for message in body["messages"] if message["role"] == "user"]
        texts, offered = [message["content"] for message in said], body["tools"]
        begun = (row for row in dialogues if row["turns"][: len(texts)] == texts)
        row = next((row for row in begun if BFCLFunctions().functions(row) == offered), None)
        if row is None:
            return [] if any(m["role"] == "assistant" for m in body["messages"]) else single.get(said[0]["content"], [])
        if body["messages"][-1]["role"] != "user":
            return []
        functions = {tool["function"]["name"]: tool["function"] for tool in body["tools"]}
        return [written_call(text, functions) for text in row["bfcl"]["ground_truth"][len(said) - 1]]

    found = score(tmp_path / "right", truth)
    assert found["task_success"] == found["turn_success"] == 100 and found["n_failed"] == 0
    found = score(tmp_path / "none", lambda _: [], "dataset.categories=[simple,multiple,multi_turn_base]")
    assert found["task_success"] == 0
