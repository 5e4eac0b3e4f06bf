"""Compare our greedy text of tiny random models with plain `generate`, prompt by prompt; one JSON line per kind.

python -m tests.helpers.compare_kinds FOLDER KIND ...
"""

from __future__ import annotations

import json
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

from tests.helpers.causal_kinds import build, stand_in

PROMPTS = (
    "Hi",
    "Why is the sky blue?",
    "Name three things, please.",
    "Say a word that begins with the letter q, and say why.",
)
LIMIT = 8
SECONDS = 120


def compare(kind: str, folder: Path) -> dict[str, Any]:
    """Return how a kind fares: `equal`, `refused` with the cause, or `differs`."""
    from transformers import AutoModelForCausalLM

    from alpacabench.core.errors import AlpacabenchError
    from alpacabench.core.records import digest
    from alpacabench.inference.engine import Engine
    from alpacabench.inference.loading import load
    from alpacabench.inference.prompt import Encoder
    from alpacabench.inference.spec import ChatFormat, DecodeSpec, ModelSpec, Task

    try:
        build(kind, folder)
    except Exception:
        shutil.rmtree(folder, ignore_errors=True)
        stand_in(kind, folder)
    try:
        model = AutoModelForCausalLM.from_pretrained(folder).eval()
        model.generate(_tensor([1, 40, 50]), max_new_tokens=2, do_sample=False)
    except Exception as error:
        model, why = None, f"{type(error).__name__}: {error}"
    tasks = [Task(digest(i), (("user", text),)) for i, text in enumerate(PROMPTS)]
    try:
        loaded = load(ModelSpec(str(folder), device="cpu"))
        written = [
            {
                answer.key: answer.text
                for answer in Engine(loaded).generate(tasks, DecodeSpec(LIMIT), ChatFormat(), size)
            }
            for size in (None, 8)
        ]
    except AlpacabenchError as error:
        return {"kind": kind, "result": "refused", "cause": str(error)}
    if model is None:
        return {"kind": kind, "result": "differs", "cause": f"transformers itself says {why}"}
    encoder = Encoder(loaded.tokenizer, ChatFormat(), loaded.eos, None)
    expected = {}
    for task in tasks:
        ids = encoder.encode(task.messages).ids
        output = model.generate(
            _tensor(ids), attention_mask=_tensor([1] * len(ids)), max_new_tokens=LIMIT, do_sample=False,
            eos_token_id=sorted(encoder.stop_ids), pad_token_id=0,
        )  # fmt: skip
        expected[task.key] = encoder.decode([t for t in output[0, len(ids) :].tolist() if t not in encoder.stop_ids])
    way = next(iter(loaded.ways.values())).name
    same = [texts == expected for texts in written]
    return {"kind": kind, "result": "equal" if all(same) else "differs", "way": way}


def _tensor(ids: list[int]) -> Any:
    import torch

    return torch.tensor([ids])


def main() -> None:
    """Compare the kinds that the command line names."""
    import torch

    torch.set_num_threads(1)
    folder, *kinds = sys.argv[1:]
    for kind in kinds:
        place = Path(folder, kind)
        signal.signal(signal.SIGALRM, _late)
        signal.alarm(SECONDS)
        try:
            found = compare(kind, place)
        except Exception as error:
            found = {"kind": kind, "result": "error", "cause": f"{type(error).__name__}: {error}"[:300]}
        signal.alarm(0)
        print(json.dumps(found), flush=True)
        shutil.rmtree(place, ignore_errors=True)


def _late(*_: object) -> None:
    raise TimeoutError(f"longer than {SECONDS} s")


if __name__ == "__main__":
    main()
