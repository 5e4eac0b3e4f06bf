"""`judge.mode=batch`: half the price, and nothing is paid for twice when the run is stopped in between."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from alpacabench.core.errors import BudgetExceeded, JudgeError
from alpacabench.endpoint import batch
from alpacabench.endpoint.spending import paying
from alpacabench.store.bill import Bound
from alpacabench.store.budget import Ledger
from alpacabench.store.store import Store
from tests.helpers.fakes.http_server import HttpServer, Request, Response, error
from tests.helpers.fakes.openai_server import made_up
from tests.helpers.judge_data import load_judge, made_up_pairs


class BatchApi:
    """Files and batches as OpenAI has them; a batch is done after it was looked at `looks` times."""

    def __init__(self, looks: int = 2) -> None:
        self.looks = looks
        self.files: dict[str, str] = {}
        self.batches: dict[str, dict] = {}

    def __call__(self, request: Request) -> Response:
        path = request.path.partition("?")[0].removeprefix("/v1")
        if path == "/files":
            content = re.search(rb"\r\n\r\n(\{.*?)\r\n--", request.data, re.DOTALL)
            return self._file(content.group(1).decode() if content else "")
        if path.endswith("/content"):
            return Response(self.files[path.split("/")[2]])
        if path == "/batches" and request.method == "POST":
            state = {"id": f"batch_{len(self.batches)}", "object": "batch", "status": "in_progress", "looks": 0}
            self.batches[state["id"]] = state | request.body
            return Response(self.batches[state["id"]])
        if path == "/batches":
            return Response({"object": "list", "data": list(self.batches.values()), "has_more": False})
        if path.startswith("/batches/"):
            return Response(self._look(self.batches[path.split("/")[2]]))
        return error(404, path)

    def _file(self, content: str) -> Response:
        name = f"file_{len(self.files)}"
        self.files[name] = content
        return Response(
            {"id": name, "object": "file", "bytes": 1, "created_at": 0, "filename": "x", "purpose": "batch"}
        )

    def _look(self, state: dict) -> dict:
        state["looks"] += 1
        if state["looks"] >= self.looks and state["status"] == "in_progress":
            lines = map(json.loads, self.files[state["input_file_id"]].splitlines())
            answers = [
                {"custom_id": line["custom_id"], "response": {"status_code": 200, "body": {
                    "choices": [made_up(line["body"])], "usage": {"prompt_tokens": 1000, "completion_tokens": 1}}}}
                for line in lines
            ]  # fmt: skip
            self._file("\n".join(map(json.dumps, answers)))
            state |= {"status": "completed", "output_file_id": f"file_{len(self.files) - 1}"}
        return state


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "POLL_SECONDS", 0.01)


def test_a_batch_gives_every_verdict_at_half_the_price(tmp_path: Path) -> None:
    api = BatchApi()
    with HttpServer(api) as server, Store(f"sqlite:///{tmp_path}/store.db") as store:
        judge = load_judge("gpt_4_1", f"judge.base_url={server.url}", "judge.mode=batch")
        verdicts = judge.judge(made_up_pairs(10), store)
        count = len(server.requests)
        judge.judge(made_up_pairs(10), store)
    assert len(server.requests) == count, "a second run asks nothing"
    assert all(v.preference is not None for v in verdicts)
    assert verdicts[0].cost_usd == pytest.approx((1000 * 2.0 + 8.0) / 1e6 / 2)
    assert len(api.batches) == 1


def test_a_run_that_was_stopped_after_submitting_takes_up_its_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = BatchApi(looks=2)

    def killed(seconds: float) -> None:
        raise KeyboardInterrupt

    with HttpServer(api) as server:
        judge = load_judge("gpt_4_1", f"judge.base_url={server.url}", "judge.mode=batch")
        with Store(f"sqlite:///{tmp_path}/store.db") as store, monkeypatch.context() as patch:
            patch.setattr(batch.time, "sleep", killed)
            with pytest.raises(KeyboardInterrupt):
                judge.judge(made_up_pairs(10), store)
        with Store(f"sqlite:///{tmp_path}/store.db") as store:
            verdicts = judge.judge(made_up_pairs(12), store)
    assert all(v.preference is not None for v in verdicts)
    sizes = [len(api.files[b["input_file_id"]].splitlines()) for b in api.batches.values()]
    assert sizes == [10, 2], "only the two new pairs are submitted anew"


def test_a_batch_whose_id_was_never_written_down_is_found_by_its_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = BatchApi()

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with HttpServer(api) as server:
        judge = load_judge("gpt_4_1", f"judge.base_url={server.url}", "judge.mode=batch")
        with Store(f"sqlite:///{tmp_path}/store.db") as store, monkeypatch.context() as patch:
            patch.setattr(batch.Batches, "submitted", killed)
            with pytest.raises(KeyboardInterrupt):
                judge.judge(made_up_pairs(5), store)
        with Store(f"sqlite:///{tmp_path}/store.db") as store:
            assert all(v.preference is not None for v in judge.judge(made_up_pairs(5), store))
    assert len(api.batches) == 1


def test_a_batch_that_could_break_the_cap_is_not_submitted(tmp_path: Path) -> None:
    api = BatchApi()
    with HttpServer(api) as server, Store(f"sqlite:///{tmp_path}/store.db") as store, paying(store, "run", 0.001):
        judge = load_judge("gpt_4_1", f"judge.base_url={server.url}", "judge.mode=batch")
        with pytest.raises(BudgetExceeded):
            judge.judge(made_up_pairs(10), store)
    assert api.batches == {}


def test_a_server_without_batches_is_named(tmp_path: Path) -> None:
    with HttpServer(lambda request: error(404, "what?")) as server, Store(f"sqlite:///{tmp_path}/s.db") as store:
        judge = load_judge("gpt_4_1", f"judge.base_url={server.url}", "judge.mode=batch")
        with paying(store, "run", 1.0):
            with pytest.raises(JudgeError, match="judge.mode=direct"):
                judge.judge(made_up_pairs(3), store)
            ledger = Ledger(store.engine, store.heart, "run", 1.0)
            assert ledger.reserve(Bound(1.0, 1.0), "m"), "nothing is spent, and nothing held"


def test_an_outage_while_waiting_is_waited_out(tmp_path: Path) -> None:
    api, failures = BatchApi(), iter([500, 503, 429])

    def flaky(request: Request) -> Response:
        if request.method == "GET" and "/batches/" in request.path and (status := next(failures, None)):
            return error(status, "come back later")
        return api(request)

    with HttpServer(flaky) as server, Store(f"sqlite:///{tmp_path}/store.db") as store:
        judge = load_judge("gpt_4_1", f"judge.base_url={server.url}", "judge.mode=batch")
        assert all(v.preference is not None for v in judge.judge(made_up_pairs(3), store))
    assert next(failures, None) is None


def test_a_server_that_is_gone_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with HttpServer(BatchApi()) as server:
        gone = server.url
    monkeypatch.setattr("openai._base_client.BaseClient._calculate_retry_timeout", lambda *_, **__: 0.0)
    with Store(f"sqlite:///{tmp_path}/store.db") as store:
        judge = load_judge("gpt_4_1", f"judge.base_url={gone}", "judge.mode=batch")
        with pytest.raises(JudgeError, match="does not answer"):
            judge.judge(made_up_pairs(3), store)


def test_lines_of_a_batch_that_are_no_answers_cost_their_own_verdicts_only(tmp_path: Path) -> None:
    api = BatchApi(looks=1)

    def spoilt(request: Request) -> Response:
        response = api(request)
        if request.path.endswith("/content"):
            first, second, third, *rest = str(response.body).split("\n")
            odd = json.loads(second) | {"response": {"status_code": 200, "body": None}}
            foreign = json.dumps(json.loads(third) | {"custom_id": "0" * 64})
            lines = ["{broken", "[]", "{}", "9" * 5000, json.dumps(odd), foreign, *rest, rest[0], "", first + "\u2028"]
            return Response("\n".join(lines))
        return response

    with HttpServer(spoilt) as server, Store(f"sqlite:///{tmp_path}/store.db") as store:
        judge = load_judge("gpt_4_1", f"judge.base_url={server.url}", "judge.mode=batch")
        verdicts = judge.judge(made_up_pairs(10), store)
    assert sum(verdict.preference is not None for verdict in verdicts) == 7
    assert all(verdict.preference is not None or verdict.failure for verdict in verdicts)
