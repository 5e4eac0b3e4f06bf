"""The annotator configs that alpaca_eval ships, and files of one's own in that form; read without importing it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from alpacabench.endpoint.server import WireFormat
from alpacabench.endpoint.wire import Body
from alpacabench.judge.template import annotators_directory

log = logging.getLogger(__name__)

NOT_SENT = {
    "model_name", "max_tokens", "max_tokens_to_sample", "max_new_tokens", "temperature", "requires_chatml",
    "batch_size", "price_per_token", "client_kwargs", "client_function_name", "model_kwargs", "is_chatml_prompt",
    "openai_api_base", "openai_api_keys", "openai_organization_ids", "client_config_path", "num_procs", "n_retries",
    "sleep_time",
}  # fmt: skip
"""Arguments of alpaca_eval's client functions that are no fields of the request, or that have a field of their own."""


SUFFIXES = (".yaml", ".yml")


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


def load_annotator(name: str) -> Annotator:
    """Return an annotator config: one that alpaca_eval ships, a YAML file, or a directory with a `configs.yaml`.

    Raises:
        ValueError: there is none of that name, it judges several pairs in one prompt, or the file is no config.

    """
    if name in annotators():
        (path,) = (annotators_directory() / name).glob("config*.yaml")
        return _load(path, path.stat().st_mtime_ns, shipped=True)
    path = own_file(name)
    if not path.is_file():
        what = (
            "there is no such file" if path.suffix in SUFFIXES else "alpaca_eval ships no annotator config of that name"
        )
        raise ValueError(what)
    return _load(path, path.stat().st_mtime_ns, shipped=False)


def own_file(name: str) -> Path:
    """Return the file that a name stands for where it is none that alpaca_eval ships."""
    path = Path(name).expanduser()
    return path / "configs.yaml" if path.is_dir() else path


@cache
def _load(path: Path, _changed: int, shipped: bool) -> Annotator:
    import yaml

    try:
        configs = yaml.safe_load(path.read_text(encoding="utf-8"))
        if not isinstance(configs, dict) or not configs:
            raise TypeError(f"it holds {type(configs).__name__}, no mapping")
        if len(configs) > 1:
            names = ", ".join(map(str, configs))
            raise ValueError(
                f"it is a pool of {len(configs)} annotators ({names}), of which alpaca_eval draws one for each pair; "
                "give each a file of its own: judge=panel averages them"
            )
        (config,) = configs.values()
        _check(config)
        return _annotator(config, path, shipped)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError) as error:
        fields = (
            "NAME: {prompt_template, fn_completions, completions_kwargs: {model_name, max_tokens, temperature}, ...}"
        )
        raise ValueError(
            f"it is no annotators_config ({type(error).__name__}: {error}): its form is {fields}"
        ) from error


TEXT, TABLE, NUMBER = (str, "a text"), (dict, "a mapping"), ((int, float), "a number")
FORM: Mapping[str, tuple[type | tuple[type, ...], str]] = {
    "prompt_template": TEXT, "fn_completions": TEXT, "completions_kwargs": TABLE, "fn_completion_parser": TEXT,
    "completion_parser_kwargs": TABLE, "completion_key": TEXT, "is_randomize_output_order": (bool, "true or false"),
}  # fmt: skip
"""What the fields of a config hold; those of `completions_kwargs` below."""
ARGUMENTS: Mapping[str, tuple[type | tuple[type, ...], str]] = {
    "model_name": TEXT, "max_tokens": (int, "a whole number"), "temperature": NUMBER, "client_kwargs": TABLE,
    "openai_api_base": TEXT,
}  # fmt: skip
OPTIONAL = ("completions_kwargs", "completion_parser_kwargs", "max_tokens", "client_kwargs", "openai_api_base")
"""Fields that may be null."""


def _check(config: Any) -> None:
    """Refuse a config of another form: the field that is wrong is named.

    Raises:
        TypeError: a field holds something else.

    """
    if not isinstance(config, dict):
        raise TypeError(f"its annotator holds {type(config).__name__}, no mapping")
    for form, fields, where in (
        (FORM, config, ""),
        (ARGUMENTS, config.get("completions_kwargs"), "completions_kwargs."),
    ):
        for name, value in fields.items() if isinstance(fields, dict) else ():
            kinds, what = form.get(name, (object, ""))
            if not isinstance(value, kinds) and not (value is None and name in OPTIONAL):
                raise TypeError(f"{where}{name} is {value!r}, which is not {what}")


def _annotator(config: dict[str, Any], path: Path, shipped: bool) -> Annotator:
    if config.get("batch_size", 1) != 1:
        raise ValueError(f"it judges {config['batch_size']} pairs in one prompt; only one pair a prompt is supported")
    arguments = config.get("completions_kwargs") or {}
    lengths = (arguments.get(key) for key in ("max_tokens", "max_tokens_to_sample", "max_new_tokens"))
    template = config["prompt_template"]
    return Annotator(
        template=f"alpaca_eval:{template}" if shipped else _template(template, path),
        model=arguments["model_name"],
        backend=config["fn_completions"],
        base_url=(arguments.get("client_kwargs") or {}).get("base_url") or arguments.get("openai_api_base"),
        temperature=arguments.get("temperature", 0.7),
        max_tokens=next((n for n in lengths if n), 2048),
        body={key: value for key, value in arguments.items() if key not in NOT_SENT},
        parser=config.get("fn_completion_parser", "regex_parser"),
        parser_arguments=config.get("completion_parser_kwargs") or {},
        reads_choice=config.get("completion_key") == "completions_all",
        switches=config.get("is_randomize_output_order", True),
    )


def _template(given: str, path: Path) -> str:
    """Return where a template of one's own lies: as alpaca_eval looks for it, else beside the config, else as shipped.

    alpaca_eval takes a relative path from the folder above the config's. An absolute one is often of the machine that
    the file was written on.
    """
    above, beside = path.absolute().parents[1] / given, path.parent / Path(given).name
    if above.is_file():
        return str(above)
    if (near := path.parent / given).is_file():
        return str(near)
    if beside.is_file():
        log.warning("%s names the template %s, which is not there: %s beside it is used", path, given, beside.name)
        return str(beside)
    return f"alpaca_eval:{given}" if (annotators_directory() / given).is_file() else str(above)
