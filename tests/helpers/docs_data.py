"""What the documentation and the YAML headers promise: their commands, as Hydra would get them."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import NamedTuple

from tests.helpers.tiny import NO_TENSORS

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
YAMLS = sorted((ROOT / "conf").rglob("*.yaml"))

_COMMAND = re.compile(r"(?:^|[`#>]\s*|\|\s*`)(?:python run\.py|alpacabench run\b)([^`\n]*)", re.MULTILINE)
_FILE = re.compile(r"^[\w./*'-]+\.(json|jsonl|csv|txt|yaml|jinja)(\.gz)?'?$|^FILE$")
ROW = {"instruction": "Why?", "output": "So.", "output_1": "So.", "output_2": "No.", "preference": 1.2,
       "paraphrases": ["But why?"]}  # fmt: skip
TEMPLATE = "{instruction}\n{output_1}\n{output_2}\n"


class Command(NamedTuple):
    """One documented command."""

    page: str
    words: list[str]

    @property
    def overrides(self) -> list[str]:
        """The overrides, without Hydra's own flags."""
        return [word for word in self.words if "=" in word or word.startswith("~")]

    def __str__(self) -> str:
        """Return the line as it stands in the page."""
        return f"{self.page}: python run.py {' '.join(self.words)}"


def commands(path: Path) -> Iterator[Command]:
    """Yield the commands of a page or YAML file; prose behind two spaces or a # is cut off."""
    for match in _COMMAND.finditer(path.read_text(encoding="utf-8")):
        text = re.split(r"\s{2,}|\s#", match[1].strip())[0]
        words = [word for word in shlex.split(text) if word != "..."]
        yield Command(str(path.relative_to(ROOT)), words)


def tool_lines(path: Path) -> list[list[str]]:
    """Return the arguments of each `alpacabench COMMAND ...` line of a page, but for `run`, which takes Hydra's."""
    found = re.findall(r"(?:^|`)alpacabench (?!run\b)([a-z-]+[^`\n]*)", path.read_text(encoding="utf-8"), re.MULTILINE)
    return [shlex.split(re.split(r"\s{2,}|\s#", text)[0]) for text in found]


def stand_in(override: str) -> str:
    """Create the files that an override names in the working directory; return the override."""
    key, _, value = override.partition("=")
    for name in value.strip("'").split(","):
        if _FILE.match(name):
            _write(key, Path(name.replace("*", "some")))
    return override


def _write(key: str, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = {".json": json.dumps([ROW]), ".jsonl": json.dumps(ROW), ".csv": "instruction,output\nWhy?,So.\n"}
    text = TEMPLATE if key == "judge.template" else rows.get(path.suffix, "")
    path.write_text(text, encoding="utf-8")


def stand_in_model(path: Path) -> None:
    """Create a directory that looks like a chat model, under the name of a Hub id or a checkpoint."""
    path.mkdir(parents=True, exist_ok=True)
    (path / "config.json").write_text('{"model_type": "llama"}')
    (path / "tokenizer_config.json").write_text('{"chat_template": "{{ messages }}"}')
    (path / "model.safetensors").write_bytes(NO_TENSORS)
    (path / "tokenizer.json").write_text("{}")


def expand(text: str) -> list[str]:
    """Return the names that `a_{low,high}` stands for, as a shell expands it."""
    parts = re.split(r"\{([^}]*)\}", text)
    choices = [part.split(",") if i % 2 else [part] for i, part in enumerate(parts)]
    return ["".join(chosen) for chosen in product(*choices)]


def table(text: str) -> dict[str, list[str]]:
    """Return the names in the second column of the table of groups, by the group in the first."""
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| .*\|$", text, flags=re.MULTILINE)
    return {group: [n for name in re.findall(r"`([^`]+)`", cell) for n in expand(name)] for group, cell in rows}
