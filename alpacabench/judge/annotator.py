"""The annotator configs that alpaca_eval ships, read without importing it."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

from alpacabench.endpoint.server import WireFormat
from alpacabench.endpoint.wire import Body
from alpacabench.judge.template import annotators_directory

NOT_SENT = {
    "model_name", "max_tokens", "max_tokens_to_sample", "max_new_tokens", "temperature", "requires_chatml",
    "batch_size", "price_per_token", "client_kwargs", "client_function_name", "model_kwargs", "is_chatml_prompt",
}  # fmt: skip
"""Arguments of alpaca_eval's client functions that are no fields of the request, or that have a field of their own."""


class Annotator(NamedTuple):
    """One annotator config."""

    template: str
    model: str
    backend: str
    """alpaca_eval's client function."""
    base_url: str | None
    temperature: float
    max_tokens: int
    body: Body
    """Other fields of the request: log probabilities, tools."""
    parser: str
    parser_arguments: dict[str, Any]
    reads_choice: bool
    """Whether the parser takes the whole choice; otherwise its text."""
    switches: bool
    """Whether the order shown is random; otherwise the reference is always first."""

    @property
    def wire(self) -> WireFormat | None:
        """The wire format; None where the backend is no API of ours."""
        return {"openai_completions": "openai", "anthropic_completions": "anthropic"}.get(self.backend)  # type: ignore[return-value]

    @property
    def plain(self) -> bool:
        """Whether the model takes a text instead of a chat; alpaca_eval's own rule by the model's name."""
        name = self.model
        old = "instruct" in name or ("gpt-3" in name and "turbo" not in name) or name.startswith("text-")
        return self.backend == "openai_completions" and old


@cache
def annotators() -> list[str]:
    """Return the names of all annotator configs, sorted."""
    return sorted(path.parent.name for path in annotators_directory().glob("*/config*.yaml"))


@cache
def load_annotator(name: str) -> Annotator:
    """Return an annotator config.

    Raises:
        ValueError: there is none of that name, or it judges several pairs in one prompt.

    """
    import yaml

    if name not in annotators():
        raise ValueError("alpaca_eval ships no annotator config of that name")
    (path,) = (annotators_directory() / name).glob("config*.yaml")
    configs = yaml.safe_load(path.read_text(encoding="utf-8"))
    if len(configs) > 1:
        raise ValueError(f"it is a pool of {len(configs)} annotators, some of which judge several pairs in one prompt")
    (config,) = configs.values()
    if config.get("batch_size", 1) != 1:
        raise ValueError(f"it judges {config['batch_size']} pairs in one prompt; only one pair a prompt is supported")
    arguments = config.get("completions_kwargs") or {}
    lengths = (arguments.get(key) for key in ("max_tokens", "max_tokens_to_sample", "max_new_tokens"))
    return Annotator(
        template=f"alpaca_eval:{config['prompt_template']}",
        model=arguments["model_name"],
        backend=config["fn_completions"],
        base_url=(arguments.get("client_kwargs") or {}).get("base_url"),
        temperature=arguments.get("temperature", 0.7),
        max_tokens=next((n for n in lengths if n), 2048),
        body={key: value for key, value in arguments.items() if key not in NOT_SENT},
        parser=config.get("fn_completion_parser", "regex_parser"),
        parser_arguments=config.get("completion_parser_kwargs") or {},
        reads_choice=config.get("completion_key") == "completions_all",
        switches=config.get("is_randomize_output_order", True),
    )
