"""What is installed, set and reachable, each with its remedy.

    alpacabench doctor --judge http://127.0.0.1:8000/v1

Exit code 1 where something that every run needs is missing, or a server that was named does not answer; else 0. Keys
are looked for in the environment and never shown.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from http.client import HTTPException
from importlib import metadata
from pathlib import Path
from typing import Literal
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from alpacabench.core.extras import LOCAL, install_line
from alpacabench.core.hosts import NO_KEY, PROVIDERS, api_key, key_variable, provider_of, public_url
from alpacabench.inference.weights import bundled
from alpacabench.io.hub import unreachable
from alpacabench.security.password import without_login
from alpacabench.security.redact import redact, remember
from alpacabench.tracking import uri as tracking

Status = Literal["ok", "note", "problem"]
PYPROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"
DEVELOPMENT = ("dev", "docs", "notebook", "browser")
"""Extras for those who work on alpacabench itself."""
DEFAULT_KEY = "OPENAI_API_KEY"
PATHS = {
    "generativelanguage.googleapis.com": "/v1beta/openai",
    "openrouter.ai": "/api/v1",
    "api.groq.com": "/openai/v1",
}
"""Where a provider lists its models; the others do below /v1."""
MARKS: dict[Status, str] = {"ok": "[green]✓[/]", "note": "[yellow]–[/]", "problem": "[red]✗[/]"}
GIB = 2**30


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    part: str
    name: str
    status: Status
    """`note` is missing and not needed by every run."""
    found: str
    remedy: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("--judge", metavar="URL", help="a judge's server to ask (judge.base_url)")
    parser.add_argument("--tracking-uri", metavar="URI", help="where MLflow is (default: MLFLOW_TRACKING_URI)")
    parser.add_argument("--timeout", type=float, default=3.0, help="seconds that a server may take (default 3)")
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Look at everything and print it; returns 1 where a problem was found."""
    for url in filter(None, (arguments.judge, arguments.tracking_uri)):
        remember(url)
    findings = [_redacted(finding) for finding in examine(arguments.judge, arguments.tracking_uri, arguments.timeout)]
    if arguments.json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        _show(findings)
    return int(any(finding.status == "problem" for finding in findings))


def _redacted(finding: Finding) -> Finding:
    """Return the finding without what a library's message may hold of a secret."""
    name, found, remedy = map(redact, (finding.name, finding.found, finding.remedy))
    return replace(finding, name=name, found=found, remedy=remedy)


def examine(judge: str | None, tracking_uri: str | None, timeout: float) -> Iterator[Finding]:
    """Yield all findings, one part after the other."""
    yield from installed()
    yield from device()
    yield default_model()
    yield from keys()
    yield hub(timeout)
    yield mlflow_server(tracking_uri)
    yield from judges(judge, timeout)


def installed() -> Iterator[Finding]:
    """Yield every dependency with its version; only those of optional extras may be missing."""
    from packaging.requirements import Requirement

    yield Finding("installed", "Python", "ok", sys.version.split()[0])
    for text, extra in _requirements():
        requirement = Requirement(text)
        # An extra that contains others names alpacabench itself.
        if (
            extra in DEVELOPMENT
            or requirement.name == "alpacabench"
            or (requirement.marker and not requirement.marker.evaluate({"extra": extra}))
        ):
            continue
        missing: Status = "note" if extra else "problem"
        wanted = f"{requirement.name}{requirement.specifier}"
        remedy = install_line(extra) if extra else f"pip install '{wanted}'"
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            yield Finding("installed", requirement.name, missing, "not installed", remedy)
            continue
        fits = requirement.specifier.contains(version, prereleases=True)
        found = version if fits else f"{version}, needed {requirement.specifier}"
        yield Finding("installed", requirement.name, "ok" if fits else missing, found, "" if fits else remedy)


def _requirements() -> list[tuple[str, str]]:
    """Return every requirement with its extra ('' for what is always needed)."""
    import tomllib

    if PYPROJECT.is_file():
        project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
        optional = project["optional-dependencies"].items()
        return [(text, "") for text in project["dependencies"]] + [(t, e) for e, texts in optional for t in texts]
    texts = metadata.requires("alpacabench") or []
    return [(text, text.partition("extra == ")[2].strip("\"' ")) for text in texts]


def device() -> Iterator[Finding]:
    """Yield the processor and the accelerators that torch can use."""
    try:
        import torch
    except (ImportError, OSError) as error:
        remedy = f"{install_line(LOCAL)}, for models on this machine"
        yield Finding("device", "torch", "note", f"cannot be imported: {error}", remedy)
        return
    import psutil

    memory = psutil.virtual_memory()
    size = f"{memory.available / GIB:.0f} of {memory.total / GIB:.0f} GiB memory free"
    yield Finding(
        "device", "CPU", "ok", f"{psutil.cpu_count()} cores, {size}, torch uses {torch.get_num_threads()} threads"
    )
    for index in range(torch.cuda.device_count()):
        card = torch.cuda.get_device_properties(index)
        yield Finding("device", f"cuda:{index}", "ok", f"{card.name}, {card.total_memory / GIB:.0f} GiB")
    if torch.cuda.device_count() == 0 and shutil.which("nvidia-smi"):
        found = f"a driver is there, but torch {torch.__version__} sees no GPU"
        yield Finding("device", "GPU", "note", found, "install a CUDA build of torch that fits the driver")
    elif torch.backends.mps.is_available():
        yield Finding("device", "mps", "ok", "Apple GPU")
    elif torch.cuda.device_count() == 0:
        yield Finding(
            "device", "GPU", "note", "none: models run on the CPU, in float32", "small models only, or an API model"
        )


def default_model() -> Finding:
    """Return whether the default model's weights are prepared."""
    folder = bundled.bundled_dir()
    if folder.is_dir():
        return Finding("model", "smollm2_135m", "ok", str(folder))
    return Finding("model", "smollm2_135m", "note", "weights not prepared", "make setup (once, half a minute)")


def keys() -> Iterator[Finding]:
    """Yield which keys are set; never a value."""
    names = list(dict.fromkeys([*(name for provider in PROVIDERS for name in provider.variables), "HF_TOKEN"]))
    for name in names:
        if os.environ.get(name):
            yield Finding("keys", name, "ok", "set")
    missing = [name for name in names if not os.environ.get(name)]
    if missing:
        yield Finding("keys", "not set", "note", ", ".join(missing), "export NAME=... for the providers that you use")


def hub(timeout: float) -> Finding:
    """Return whether the Hugging Face Hub answers its client."""
    try:
        from huggingface_hub import constants
    except ImportError as error:
        return Finding("servers", "Hub", "note", f"cannot be asked: {error}", "pip install huggingface-hub")
    if constants.HF_HUB_OFFLINE:
        return Finding("servers", "Hub", "note", "HF_HUB_OFFLINE is set: only cached files", "unset HF_HUB_OFFLINE")
    reason = unreachable(timeout)
    if not reason:
        return Finding("servers", "Hub", "ok", f"{public_url(constants.ENDPOINT)} answers")
    remedy = "use local files: dataset.path, scoring.lc_data, model.path; dataset=demo needs none"
    return Finding("servers", "Hub", "note", reason, remedy)


def mlflow_server(given: str | None) -> Finding:
    """Return whether runs can be logged where they would go."""
    uri = tracking.tracking_uri(given)
    problem = next(tracking.check(given), None)
    if problem:
        return Finding("servers", "MLflow", "problem", problem.what, problem.remedy)
    if reason := tracking.unwritable(uri):
        remedy = "make its directory writable, or set MLFLOW_TRACKING_URI; runs are spooled meanwhile: alpacabench sync"
        return Finding("servers", "MLflow", "problem", f"{redact(uri)}: {reason}", remedy)
    if reason := tracking.unreachable(uri):
        remedy = "start it (mlflow server), or set MLFLOW_TRACKING_URI; runs are spooled meanwhile: alpacabench sync"
        return Finding("servers", "MLflow", "problem", f"{redact(uri)}: {reason}", remedy)
    return Finding("servers", "MLflow", "ok", redact(uri))


def judges(given: str | None, timeout: float) -> Iterator[Finding]:
    """Yield whether the given server answers, and each provider whose key is set; asks nothing that costs."""
    own = [
        provider for provider in PROVIDERS if provider.host[0] != "." and any(map(os.environ.get, provider.variables))
    ]
    urls = [f"https://{provider.host}{PATHS.get(provider.host, '/v1')}" for provider in own]
    for url in [*([given] if given else []), *urls]:
        answer = _ask(f"{public_url(url).rstrip('/')}/models", _headers(url), timeout)
        status: Status = "ok" if answer is None else "problem" if url == given else "note"
        remedy = ""
        if answer:
            refused = answer.startswith(("HTTP 401", "HTTP 403"))
            variable = key_variable(url, DEFAULT_KEY)
            remedy = f"check {variable}" if refused else "start it, or check the URL and the network"
        yield Finding("servers", f"judge at {public_url(url)}", status, answer or "answers", remedy)
    if not urls and not given:
        remedy = "judge=local and judge=longest need none; else export a key, or name a server with --judge URL"
        yield Finding("servers", "judge", "note", "no key is set and no server was named", remedy)


def _headers(url: str) -> dict[str, str]:
    key, provider, (_, login) = api_key(url, DEFAULT_KEY), provider_of(url), without_login(url)
    if login:
        return login
    if key == NO_KEY:
        return {}
    if provider and provider.host == "api.anthropic.com":
        return {"x-api-key": key, "anthropic-version": "2023-06-01"}
    return {"Authorization": f"Bearer {key}"}


def _ask(url: str, headers: dict[str, str], timeout: float) -> str | None:
    """Return why a URL gives no good answer; None where it does."""
    try:
        urlopen(Request(url, headers={"User-Agent": "alpacabench", **headers}), timeout=timeout).close()
    except HTTPError as error:
        return f"HTTP {error.code}: {error.reason}"
    except (OSError, ValueError, HTTPException) as error:
        return f"no answer ({getattr(error, 'reason', error)})"
    return None


def _show(findings: list[Finding]) -> None:
    from rich.markup import escape

    from alpacabench.security.console import Console

    console = Console(markup=True, highlight=False)
    part = ""
    for finding in findings:
        if finding.part != part:
            part = finding.part
            console.print(f"\n[bold]{part.capitalize()}[/]")
        console.print(f"  {MARKS[finding.status]} {escape(finding.name)}: {escape(finding.found)}")
        if finding.remedy:
            console.print(f"      [dim]{escape(finding.remedy)}[/]")
