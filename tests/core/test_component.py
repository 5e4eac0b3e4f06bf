"""Components: every mistake is reported with its key, together with the others."""

from pathlib import Path
from typing import ClassVar, Literal

import pytest

from alpacabench.core import trust
from alpacabench.core.component import Component, build, require, unused_keys
from alpacabench.core.errors import ConfigError, Problem


@pytest.fixture(autouse=True)
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(trust.VARIABLE, "tests")


class Animal(Component):
    group: ClassVar[str] = "animal"
    shared_keys: ClassVar[frozenset[str]] = frozenset({"name"})
    name: str | None = None
    legs: int | None = None
    wings: int | None = None


class Dog(Animal):
    legs: int = 4
    bark: Literal["loud", "soft"] = "loud"


class Puppy(Dog):
    age: float = 0.5


class Kennel(Component):
    group: ClassVar[str] = "kennel"
    guests: list[Dog] = []


def _build(**values: object) -> list[str]:
    problems: list[Problem] = []
    build("animal", {"_target_": f"{__name__}.Dog"} | values, problems, "dog")
    return [str(problem) for problem in problems]


def test_a_component_is_built_frozen_and_typed() -> None:
    problems: list[Problem] = []
    dog = build("animal", {"_target_": f"{__name__}.Puppy", "legs": 3, "wings": None}, problems)
    assert isinstance(dog, Puppy)
    assert (dog.legs, problems) == (3, [])
    with pytest.raises(ValueError, match="frozen"):
        dog.legs = 5  # type: ignore[misc]


def test_a_contract_key_that_an_option_does_not_use_must_stay_null() -> None:
    assert unused_keys(Dog) == unused_keys(Puppy) == {"wings"}
    assert _build(wings=2) == ["animal.wings: given 2, but animal=dog does not use it\n    leave it null"]
    assert _build(wings=None) == []


def test_an_unknown_key_is_refused_with_a_suggestion() -> None:
    (message,) = _build(lesg=4)
    assert message.startswith("animal.lesg: unknown key")
    assert "did you mean 'legs'?" in message


def test_a_wrong_type_and_a_wrong_choice_are_told_with_what_was_given_and_allowed() -> None:
    assert "given 'many'" in _build(legs="many")[0]
    assert "did you mean 'loud'? allowed: loud, soft" in _build(bark="lound")[0]


def test_all_mistakes_of_nested_components_are_found_at_once() -> None:
    problems: list[Problem] = []
    guests = [{"_target_": f"{__name__}.Dog", "legs": "x"}, {"_target_": f"{__name__}.Dog", "bark": "y"}]
    assert build("kennel", {"_target_": f"{__name__}.Kennel", "guests": guests}, problems) is None
    assert [problem.where for problem in problems] == ["kennel.guests[0].legs", "kennel.guests[1].bark"]
    with pytest.raises(ConfigError, match="2 problems"):
        require(problems)


@pytest.mark.parametrize("target", ["nowhere.Thing", f"{__name__}.Missing", "Dog", None])
def test_a_target_that_cannot_be_imported_is_a_problem_not_a_traceback(target: str | None) -> None:
    problems: list[Problem] = []
    assert build("animal", {"_target_": target}, problems) is None
    assert len(problems) == 1


class Flat(Component):
    """A component of another group."""

    group: ClassVar[str] = "furniture"


class Basket(Component):
    group: ClassVar[str] = "basket"
    labels: dict[str, str] = {}
    dog: Dog | None = None


class Beagle(Dog):
    """Declares nothing of its own."""


def a_function() -> None:
    raise AssertionError("called")


@pytest.mark.parametrize(
    ("target", "what"),
    [
        ("subprocess.Popen", "which is not trusted and was not imported; it must be a Animal"),
        ("os.system", "which is not trusted and was not imported"),
        ("testsuite.Thing", "which is not trusted"),
        ("tests.__main__.Thing", "which is not trusted"),
        (f"{__name__}.a_function", "which is a function; it must be a Animal"),
        (f"{__name__}.Flat", "which is a class of the furniture group; it must be a Animal"),
        (f"{__name__}.Literal", "it must be a Animal"),
        (f"{__name__}.Path", "which is a class, but no component"),
        (f"{__name__}.Missing", "cannot import"),
    ],
)
def test_a_component_of_the_wrong_kind_is_refused_by_name(target: str, what: str) -> None:
    problems: list[Problem] = []
    assert build("animal", {"_target_": target, "args": ["x"]}, problems, kinds=(Animal,)) is None
    (problem,) = problems
    assert problem.where == "animal._target_"
    assert target in problem.what and what in problem.what
    assert "must be a Animal" in problem.what + problem.remedy


def test_nothing_of_what_is_not_trusted_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lurking.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\nclass Dog: ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    problems: list[Problem] = []
    build("animal", {"_target_": "lurking.Dog"}, problems, kinds=(Animal,))
    assert problems and not (tmp_path / "ran").exists()
    monkeypatch.setenv(trust.VARIABLE, "other:lurking")
    build("animal", {"_target_": "lurking.Dog"}, problems, kinds=(Animal,))
    assert (tmp_path / "ran").exists() and "a class, but no component" in problems[1].what


def test_what_stands_in_a_value_is_looked_at_like_a_group() -> None:
    problems: list[Problem] = []
    values = {"labels": {"x": {"_target_": "subprocess.Popen"}}, "dog": {"_target_": f"{__name__}.Flat"}}
    assert build("basket", {"_target_": f"{__name__}.Basket", **values}, problems) is None
    assert [(problem.where, problem.what.partition(";")[0]) for problem in problems] == [
        ("basket.labels.x", "given a component ('subprocess.Popen'), but this key takes none"),
        ("basket.dog._target_", f"given '{__name__}.Flat', which is a class of the furniture group"),
    ]


def test_inheriting_counts_as_using() -> None:
    assert unused_keys(Beagle) == unused_keys(Dog)
    problems: list[Problem] = []
    assert build("animal", {"_target_": f"{__name__}.Beagle", "legs": 3}, problems) and not problems
