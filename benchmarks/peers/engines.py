"""Two engines that other people run without a GPU, for benchmarks/generation.py: llama.cpp's server, and vLLM.

llama.cpp reads a GGUF file, which its own `convert_hf_to_gguf.py` makes of the model's folder (`--outtype f32`).
"""

from __future__ import annotations

import importlib
import json
import os
import re
import socket
import subprocess
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

Written = list[tuple[int, str]]
"""For each prompt, the answer's tokens, its end included, and its text."""


class LlamaServer:
    """llama.cpp's server with so many slots, all of which are asked at once over HTTP, as its users do."""

    def __init__(self, program: str, gguf: str, slots: int, ids: list[list[int]], limit: int) -> None:
        self.ids, self.limit, self.slots = ids, limit, slots
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self.port = found.getsockname()[1]
        room = slots * (max(map(len, ids)) + limit + 8)
        command = [
            program, "-m", gguf, "--host", "127.0.0.1", "--port", str(self.port), "--parallel", str(slots), "-c",
            str(room), "--threads", str(os.cpu_count()), "--threads-batch", str(os.cpu_count()), "--no-webui",
        ]  # fmt: skip
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not self._ready():
            time.sleep(0.2)

    def __call__(self) -> Written:
        """Let it write all answers."""
        with ThreadPoolExecutor(self.slots) as pool:
            return list(pool.map(self._ask, self.ids))

    def peak_bytes(self) -> int:
        """Return the most memory that the server's process has held."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) * 1024

    def close(self) -> None:
        """End the server."""
        self.process.kill()
        self.process.wait()

    def _ready(self) -> bool:
        if self.process.poll() is not None:
            raise SystemExit(f"llama.cpp's server ended with exit code {self.process.returncode}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def _ask(self, ids: list[int]) -> tuple[int, str]:
        body = {"prompt": ids, "n_predict": self.limit, "temperature": 0.0, "cache_prompt": False}
        url, headers = f"http://127.0.0.1:{self.port}/completion", {"Content-Type": "application/json"}
        request = urllib.request.Request(url, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=3600) as answer:
            told = json.loads(answer.read())
        return int(told["tokens_predicted"]), str(told["content"])


class Vllm:
    """vLLM's engine in this process, with all prompts at once."""

    def __init__(self, folder: str, dtype: str, ids: list[list[int]], limit: int) -> None:
        os.environ |= {
            "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
            "VLLM_HOST_IP": "127.0.0.1",
            "VLLM_CPU_KVCACHE_SPACE": "4",
        }
        vllm: Any = importlib.import_module("vllm")
        self.prompts = [{"prompt_token_ids": one} for one in ids]
        self.values = vllm.SamplingParams(temperature=0.0, max_tokens=limit)
        self.engine = vllm.LLM(model=folder, dtype=dtype, max_model_len=max(map(len, ids)) + limit + 8)

    def __call__(self) -> Written:
        """Let it write all answers."""
        outputs = self.engine.generate(self.prompts, self.values, use_tqdm=False)
        return [(len(one.outputs[0].token_ids), one.outputs[0].text) for one in outputs]
