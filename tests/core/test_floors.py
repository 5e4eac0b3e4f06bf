"""The house stands: rooms import only from floors below, no circles, few modules at the door, files that fit a head."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "alpacabench"
TABLE = ROOT / "docs" / "architecture.md"
MOST_MODULES, MOST_LINES, MOST_LINES_OF_A_FUNCTION = 6, 300, 60


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


@cache
def tree(name: str) -> ast.Module:
    return ast.parse(MODULES[name].read_text(encoding="utf-8"))


def floors() -> dict[str, int]:
    """Return each room's floor by the table in docs/architecture.md, the one place where it stands."""
    rows = re.findall(r"^\| (\d+) \| ([^|]+) \|", TABLE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    named = [(room, int(floor)) for floor, rooms in rows for room in re.findall(r"`(\w+)`", rooms)]
    assert len(named) == len(dict(named)), f"{TABLE.name} names a room twice"
    return dict(named)


def room(name: str) -> str:
    """Return the room of a module; the package's own `__init__` and `__main__` belong to the ways in."""
    parts = name.split(".")
    return parts[1] if len(parts) > 1 and parts[1] != "__main__" else ""


def imports(name: str, source: ast.Module, modules: set[str], is_package: bool = False) -> set[str]:
    """Return the modules of the package that a module imports: at its top, in functions, for types, by string."""
    found: set[str] = set()
    by_string = any("import_module" in (getattr(n, "attr", ""), getattr(n, "id", "")) for n in ast.walk(source))
    for node in ast.walk(source):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(name, node, is_package)
            # `from package import name` is the module of that name where there is one.
            found |= {full if (full := f"{base}.{alias.name}") in modules else base for alias in node.names}
        elif isinstance(node, ast.Constant) and by_string and "." in str(node.value):
            found.add(str(node.value))
        elif isinstance(node, ast.List | ast.Tuple):
            words = [item.value if isinstance(item, ast.Constant) else "" for item in node.elts]
            found |= {str(module) for flag, module in zip(words, words[1:], strict=False) if flag == "-m"}
    return (found & modules) - {name}


def _absolute(name: str, node: ast.ImportFrom, is_package: bool) -> str:
    if not node.level:
        return node.module or ""
    parts = name.split(".")
    parts = parts[: len(parts) - node.level + is_package]
    return ".".join([*parts, *filter(None, [node.module])])


@cache
def edges() -> dict[str, set[str]]:
    known = set(MODULES)
    return {name: imports(name, tree(name), known, path.stem == "__init__") for name, path in MODULES.items()}


def pointing_up(graph: dict[str, set[str]], floor: dict[str, int]) -> Iterator[str]:
    top = max(floor.values())
    for name, targets in graph.items():
        for target in sorted(targets):
            ours, theirs = room(name), room(target)
            # Nobody imports the package's own module: it offers what the ways in do.
            if ours != theirs and floor.get(theirs, top + 1) >= floor.get(ours, top + 2):
                yield f"{name} imports {target}"


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Return the groups of modules that import each other: what is left when modules that cannot be in one are gone."""
    left = {name: set(targets) for name, targets in graph.items()}
    while True:
        imported = set().union(*left.values()) if left else set()
        ends = {name for name, targets in left.items() if not targets or name not in imported}
        if not ends:
            break
        left = {name: targets - ends for name, targets in left.items() if name not in ends}
    groups: dict[frozenset[str], list[str]] = defaultdict(list)
    for name in left:
        reached, waiting = {name}, [name]
        while waiting:
            new = left[waiting.pop()] - reached
            reached |= new
            waiting += new
        groups[frozenset(reached)].append(name)
    return [sorted(group) for group in groups.values() if len(group) > 1]


def test_every_room_has_a_floor() -> None:
    rooms = {room(name) for name in MODULES} - {""}
    missing = sorted(rooms - set(floors()))
    assert not missing, f"on no floor, add to the table in docs/{TABLE.name}: {missing}"


def test_every_import_points_to_a_floor_below() -> None:
    assert list(pointing_up(edges(), floors())) == []


def test_no_files_import_each_other_around_a_circle() -> None:
    assert circles(edges()) == []


def test_few_modules_lie_directly_in_the_package() -> None:
    found = [path.name for path in PACKAGE.glob("*.py") if path.name != "__init__.py"]
    assert len(found) <= MOST_MODULES, found


def test_files_and_functions_fit_a_head() -> None:
    long = []
    for name, path in MODULES.items():
        lines = len(path.read_text(encoding="utf-8").splitlines())
        long += [f"{name}: {lines} lines"] if lines > MOST_LINES else []
        for node in ast.walk(tree(name)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                size = (node.end_lineno or 0) - node.lineno + 1
                long += [f"{name}.{node.name}: {size} lines"] if size > MOST_LINES_OF_A_FUNCTION else []
    assert long == []


ALONE = {
    "from hydra.core import x": (r"from hydra\b|import hydra\b|\bsys\.argv\b", "alpacabench.cli."),
    "from mlflow.tracing import x": (
        r"mlflow\.(tracing|system_metrics|store|utils|protos)\b.* import", "alpacabench.tracking.mlflow_internals"
    ),
    "from transformers.cache_utils import x": (
        r"from transformers\.(cache_utils|masking_utils|integrations\.\w+)|\b_attn_implementation\b",
        "alpacabench.inference.transformers_internals",
    ),
    "from torch._dynamo import x": (r"(from|import) torch\._|\btorch\._[a-z]", "alpacabench.inference.torch_internals"),
}  # fmt: skip
"""What knows Hydra, or reaches past a library's documented interface, and the modules that alone may do so."""


@pytest.mark.parametrize("example", ALONE)
def test_what_may_change_with_another_version_of_a_library_stands_in_one_place(example: str) -> None:
    reach, allowed = ALONE[example]
    assert re.search(reach, example)
    found = [
        f"{name}: {line.strip()}"
        for name, path in MODULES.items()
        if not name.startswith(allowed)
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.search(reach, line)
    ]
    assert found == []


NEVER_FORGOTTEN = {"alpacabench.security.redact"}
"""A secret that was seen once is hidden for as long as the process lives, whatever call it belonged to."""


def test_no_module_keeps_state_of_its_own() -> None:
    """What a call owns is in its context (core/context.py); a module may hold constants, and caches of what is pure."""
    found = []
    for name in MODULES:
        found += [f"{name}: global {n.names[0]}" for n in ast.walk(tree(name)) if isinstance(n, ast.Global)]
        if name not in NEVER_FORGOTTEN:
            values = [n.value for n in tree(name).body if isinstance(n, ast.Assign | ast.AnnAssign) and n.value]
            found += [f"{name}: {ast.unparse(v)}" for v in values if ast.unparse(v) in ("{}", "[]", "set()", "dict()")]
    assert found == []


SOURCE = """
from __future__ import annotations
import alpacabench.at_top
from alpacabench.room import inside, word
from . import beside
from .beside import name
if TYPE_CHECKING:
    from alpacabench.types import Only
def function():
    from alpacabench.late import thing
    subprocess.run([sys.executable, "-m", "alpacabench.process"])
    importlib.import_module("alpacabench.by_string")
"""


def test_every_kind_of_import_is_seen() -> None:
    names = ("at_top", "room", "room.inside", "a.beside", "types", "late", "process", "by_string", "a.b", "unused")
    known = {f"alpacabench.{name}" for name in names}
    found = imports("alpacabench.a.b", ast.parse(SOURCE), known)
    assert found == known - {"alpacabench.a.b", "alpacabench.unused"}


@pytest.mark.parametrize(
    ("graph", "expected"),
    [
        ({"a": {"b"}, "b": {"c"}, "c": set()}, []),
        ({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}, [["b", "c"]]),
        ({"a": {"b"}, "b": {"a", "c"}, "c": {"d"}, "d": {"c"}}, [["a", "b"], ["c", "d"]]),
    ],
)
def test_circles_are_found(graph: dict[str, set[str]], expected: list[list[str]]) -> None:
    assert sorted(circles(graph)) == expected


def test_an_import_from_above_or_beside_is_found() -> None:
    graph = {"alpacabench.high.x": {"alpacabench.low.y"}, "alpacabench.low.y": {"alpacabench.beside.z", "alpacabench"}}
    floor = {"low": 1, "beside": 1, "high": 2}
    assert list(pointing_up(graph, floor)) == [
        "alpacabench.low.y imports alpacabench", "alpacabench.low.y imports alpacabench.beside.z"
    ]  # fmt: skip
    assert list(pointing_up({"alpacabench": {"alpacabench.high.x"}}, floor)) == []
    assert list(pointing_up({"alpacabench.low.y": {"alpacabench.high.x"}}, floor))
