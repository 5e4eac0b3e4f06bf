"""Worker processes: the same text however it is split, no orphans, and nothing lost when one dies."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import psutil
import pytest

from alpacabench import inference as worker
from alpacabench.core.context import owned
from alpacabench.core.errors import AlpacabenchError
from alpacabench.core.records import digest
from alpacabench.inference import pool
from alpacabench.inference.group import Group, WorkerDied
from alpacabench.inference.spec import ChatFormat, Choice, DecodeSpec, ModelSpec, Plan, Task
from alpacabench.sharding import Sharding, refuse_launcher
from tests.helpers.mlflow_server import free_port as _free_port
from tests.helpers.tiny import build_tiny

GREEDY = DecodeSpec(16)
SAMPLED = DecodeSpec(16, temperature=0.9, top_p=0.9)
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelSpec]:
    yield ModelSpec(str(build_tiny(tmp_path_factory.mktemp("tiny"))))
    pool.close()


def tasks(count: int = 11) -> list[Task]:
    return [Task(digest(i), (("user", f"Say {'x' * (i * 7 % 90)} {i}"),)) for i in range(count)]


def texts(spec: ModelSpec, plan: Plan, decode: DecodeSpec) -> dict[str, str]:
    answers = list(worker.open_backend(spec, plan).generate(tasks(), decode, ChatFormat(), 4))
    assert len(answers) == len(tasks())
    return {answer.key: answer.text for answer in answers}


@pytest.mark.parametrize("mode", ["data_parallel", "tensor_parallel"])
def test_a_worker_that_is_killed_before_it_meets_the_others_ends_their_wait(
    spec: ModelSpec, mode: Literal["data_parallel", "tensor_parallel"], monkeypatch: pytest.MonkeyPatch
) -> None:
    connect, started = Group._connect, list[Group]()

    def killed(group: Group, listener: Any) -> Any:
        connections = connect(group, listener)
        group.ranks.processes[1].kill()
        started.append(group)
        return connections

    monkeypatch.setattr(Group, "_connect", killed)
    before = time.monotonic()
    with pytest.raises(WorkerDied, match=r"worker 1 died \(signal 9\)"):
        Group(spec, Plan(mode, 2))
    assert time.monotonic() - before < 120, "torch's own limit for ranks that do not meet is 30 minutes"
    assert all(process.poll() is not None for process in started[0].ranks.processes)


@pytest.mark.parametrize(
    "plan",
    [Plan("data_parallel", 2), Plan("data_parallel", 3), Plan("tensor_parallel", 2), Plan("zero3", 2)],
    ids=["data_parallel", "data_parallel_on_three", "tensor_parallel", "zero3"],
)
def test_every_split_gives_the_text_of_one_process(spec: ModelSpec, plan: Plan) -> None:
    for decode in (GREEDY, SAMPLED):
        assert texts(spec, plan, decode) == texts(spec, Plan(), decode)
    assert pool.group(spec, plan).loads == 1
    assert beyond_loopback(plan, spec) == []
    weighed = list(
        worker.open_backend(spec).choose([Choice(t.key, t.messages, ("A", "B")) for t in tasks()], ChatFormat())
    )
    assert len(weighed) == len(tasks())
    pool.close()


def beyond_loopback(plan: Plan, spec: ModelSpec) -> list[str]:
    """Return where the group's processes, or this one, listen for other machines."""
    pids = [os.getpid(), *(process.pid for process in pool.group(spec, plan).ranks.processes)]
    found = [c for pid in pids for c in psutil.Process(pid).net_connections("inet") if c.status == psutil.CONN_LISTEN]
    return [str(c.laddr) for c in found if c.laddr.ip not in ("127.0.0.1", "::1")]


def test_callers_that_say_nothing_or_lie_stop_nobody(spec: ModelSpec) -> None:
    port = _free_port() // 2 * 2
    ready = threading.Event()
    silent: list[socket.socket] = []

    def call() -> None:
        while not ready.is_set():
            try:
                silent.append(socket.create_connection(("127.0.0.1", port + 1), 1))
                if len(silent) % 2:
                    silent[-1].sendall(b"GET / HTTP/1.1\r\n\r\n")
                elif len(silent) > 20:
                    return
            except OSError:
                time.sleep(0.01)

    caller = threading.Thread(target=call)
    caller.start()
    try:
        group = Group(spec, Plan("data_parallel", 2, main_process_port=port))
    finally:
        ready.set()
        caller.join()
        for connection in silent:
            connection.close()
    assert silent
    group.close()


def test_a_worker_that_is_killed_is_reported_and_the_rest_is_kept(spec: ModelSpec) -> None:
    plan = Plan("data_parallel", 2)
    backend = pool.Pooled(spec, plan)
    got = []
    with pytest.raises(WorkerDied, match="worker 1 died .signal 9.*kept"):
        for answer in backend.generate(tasks(), DecodeSpec(200), ChatFormat(), 1):
            if not got:
                pool.group(spec, plan).ranks.processes[1].kill()
            got.append(answer.key)
    assert len(got) >= len(tasks()[0::2])
    assert len(set(got)) == len(got)
    again = [a.key for a in backend.generate([t for t in tasks() if t.key not in got], GREEDY, ChatFormat(), 4)]
    assert set(again) | set(got) == {t.key for t in tasks()}
    pool.close()


def test_workers_that_crash_in_native_code_start_again_once(spec: ModelSpec) -> None:
    plan = Plan("data_parallel", 2)
    backend, loads = pool.Pooled(spec, plan), pool.loads()
    answers = []
    for answer in backend.generate(tasks(), DecodeSpec(60), ChatFormat(), 1):
        if not answers:
            pool.group(spec, plan).ranks.processes[1].send_signal(signal.SIGABRT)
        answers.append(answer)
    assert sorted(answer.key for answer in answers) == sorted(task.key for task in tasks())
    assert pool.loads() == loads + 2
    pool.close()


def test_workers_that_crash_again_and_again_are_reported(spec: ModelSpec) -> None:
    plan = Plan("data_parallel", 2)
    with pytest.raises(WorkerDied, match="signal 11"):
        for _ in pool.Pooled(spec, plan).generate(tasks(40), DecodeSpec(200), ChatFormat(), 1):
            pool.group(spec, plan).ranks.processes[1].send_signal(signal.SIGSEGV)
    pool.close()


def test_no_worker_outlives_a_parent_that_is_killed(spec: ModelSpec) -> None:
    script = (
        "from alpacabench.inference import pool\nfrom alpacabench.inference.spec import *\n"
        f"group = pool.group(ModelSpec({spec.source!r}), Plan('data_parallel', 2))\n"
        "print(*(p.pid for p in group.ranks.processes), flush=True)\n"
        "tasks = [Task(f'{i:064x}', (('user', 'x'),)) for i in range(200)]\n"
        "list(group.generate(tasks, DecodeSpec(400), ChatFormat(), 1))\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        workers = [int(pid) for pid in parent.stdout.readline().split()]
        assert len(workers) == 2 and all(_alive(pid) for pid in workers)
        parent.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 20
    while any(_alive(pid) for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(_alive(pid) for pid in workers)


@pytest.mark.cluster
def test_two_machines_join_into_one_group(spec: ModelSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALPACABENCH_WORKER_SECRET", "ab" * 16)
    port = _free_port() // 2 * 2
    options = {"num_machines": 2, "num_processes": 2, "main_process_port": port, "machine_rank": 1}
    command = [sys.executable, "-m", "alpacabench.inference.other_machine", "--main_process_ip", "127.0.0.1"]
    command += [part for name, value in options.items() for part in (f"--{name}", str(value))]
    plan = Plan("data_parallel", 2, 2, "127.0.0.1", port)
    with subprocess.Popen(command, cwd=ROOT) as other:
        assert texts(spec, plan, GREEDY) == texts(spec, Plan(), GREEDY)
        pool.close()
        assert other.wait(timeout=60) == 0


def test_a_model_that_cannot_be_loaded_is_reported_with_the_last_lines(tmp_path: Path) -> None:
    broken = build_tiny(tmp_path / "broken")
    (broken / "model.safetensors").write_bytes(b"not weights")
    with pytest.raises(WorkerDied, match="Its last lines:"):
        pool.group(ModelSpec(str(broken)), Plan("data_parallel", 2))


def test_a_caller_that_stops_listening_ends_the_group(spec: ModelSpec) -> None:
    plan = Plan("data_parallel", 1)
    answers = pool.Pooled(spec, plan).generate(tasks(), GREEDY, ChatFormat(), 1)
    next(iter(answers))
    answers.close()  # type: ignore[attr-defined]
    assert not owned(pool.Groups).up[spec, plan].alive
    assert len(list(pool.Pooled(spec, plan).generate(tasks(), GREEDY, ChatFormat(), 4))) == len(tasks())


def test_workers_import_no_mlflow_hydra_or_alpaca_eval() -> None:
    code = (
        "import sys, alpacabench.inference.rank, alpacabench.inference.engine, alpacabench.inference.placement\n"
        "print([m for m in ('mlflow', 'hydra', 'alpaca_eval', 'omegaconf', 'sqlalchemy') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_a_tensor_parallel_degree_that_does_not_divide_the_heads_names_those_that_do() -> None:
    config = {"num_attention_heads": 9, "num_key_value_heads": 3}
    problem = next(Sharding(mode="tensor_parallel", num_processes=2).check_heads(config))
    assert "9 attention and 3 key-value heads" in problem.what
    assert problem.remedy.endswith("1, 3")
    assert not list(Sharding(mode="tensor_parallel", num_processes=3).check_heads(config))
    assert not list(Sharding(mode="data_parallel", num_processes=2).check_heads(config))


@pytest.mark.parametrize(
    "values",
    [
        {"mode": "none", "num_processes": 2},
        {"batch_size": 0},
        {"mode": "zero3", "num_processes": 3, "num_machines": 2, "main_process_port": 9000},
        {"mode": "zero3", "num_processes": 2, "num_machines": 2},
        {"mode": "zero3", "num_processes": 2, "offload": "nvme"},
    ],
    ids=str,
)
def test_sharding_values_that_make_no_sense_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        Sharding(**values)


def test_a_launcher_is_refused_with_the_command_to_use() -> None:
    with pytest.raises(AlpacabenchError, match="sharding=data_parallel sharding.num_processes=4"):
        refuse_launcher("python run.py", {"LOCAL_RANK": "0", "WORLD_SIZE": "4"})
    refuse_launcher("python run.py", {})


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"
