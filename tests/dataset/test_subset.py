"""Subsets: seeded, stable, proportional, and refused where the data cannot give them."""

from collections import Counter
from pathlib import Path

import pytest

from alpacabench.core.errors import ConfigError
from alpacabench.core.records import Example
from alpacabench.dataset import RowFile
from alpacabench.subset import All, ByLabel, Head, Ids, Random, Stratified, subset_hash

SOURCES = ["koala"] * 50 + ["vicuna"] * 30 + ["oasst"] * 20
EXAMPLES = [
    Example(i, f"prompt {i}", "answer", source=source, category="coding" if i % 2 else "math")
    for i, source in enumerate(SOURCES)
]
DIFFICULTY = {e.instruction: float(e.index % 10) for e in EXAMPLES}


def _indices(examples: list[Example]) -> list[int]:
    return [example.index for example in examples]


def test_all_and_head_keep_the_order() -> None:
    assert All().choose(EXAMPLES) == EXAMPLES
    assert _indices(Head(n=3).choose(EXAMPLES)) == [0, 1, 2]


@pytest.mark.parametrize("subset", [Random(n=17), Stratified(n=17), Stratified(n=17, strata=["source", "difficulty"])])
def test_a_draw_is_distinct_in_order_and_the_same_every_time(subset: Random | Stratified) -> None:
    chosen = _indices(subset.choose(EXAMPLES, DIFFICULTY))
    assert len(set(chosen)) == 17
    assert chosen == sorted(chosen)
    assert chosen == _indices(subset.choose(list(reversed(EXAMPLES)), DIFFICULTY))
    other = type(subset)(**(subset.model_dump() | {"seed": 1}))
    assert chosen != _indices(other.choose(EXAMPLES, DIFFICULTY))


def test_the_draw_is_the_same_on_every_machine() -> None:
    assert _indices(Random(n=5).choose(EXAMPLES)) == [5, 23, 58, 72, 83]


@pytest.mark.parametrize("n", [10, 33, 57, 100])
def test_strata_get_their_share_to_within_one(n: int) -> None:
    counts = Counter(example.source for example in Stratified(n=n).choose(EXAMPLES))
    assert sum(counts.values()) == n
    for source, size in Counter(SOURCES).items():
        assert abs(counts[source] - n * size / 100) < 1


def test_every_prompt_is_drawn_with_the_same_chance_also_of_a_stratum_below_one() -> None:
    """Finding 12: no stratum is left out for ever, so that the mean is unbiased."""
    drawn = Counter(example.index for seed in range(2000) for example in Stratified(n=3, seed=seed).choose(EXAMPLES))
    for source in set(SOURCES):
        members = [index for index, name in enumerate(SOURCES) if name == source]
        share = sum(drawn[index] for index in members) / 2000 / len(members)
        assert share == pytest.approx(0.03, abs=0.004)


def test_difficulty_quintiles_are_balanced_and_refused_where_unknown() -> None:
    chosen = Stratified(n=50, strata=["difficulty"]).choose(EXAMPLES, DIFFICULTY)
    assert sorted(Counter(int(DIFFICULTY[e.instruction]) // 2 for e in chosen).values()) == [10] * 5
    with pytest.raises(ConfigError, match="difficulty of 100 of 100 prompts is unknown"):
        Stratified(n=5, strata=["difficulty"]).choose(EXAMPLES)


def test_labels_choose_and_an_unknown_label_is_named_with_the_known_ones() -> None:
    assert len(ByLabel(by="source", source="vicuna").choose(EXAMPLES)) == 30
    assert len(ByLabel(by="category", category=["math"], n=7).choose(EXAMPLES)) == 7
    with pytest.raises(ConfigError, match="did you mean 'vicuna'"):
        ByLabel(by="source", source=["vicunna"]).choose(EXAMPLES)
    assert [str(p) for p in ByLabel(by="source").problems()]


def test_ids_are_row_numbers_and_unknown_or_repeated_ones_are_refused() -> None:
    assert _indices(Ids(ids=[7, 3]).choose(EXAMPLES)) == [3, 7]
    with pytest.raises(ConfigError, match=r"no such row: \[100\]"):
        Ids(ids=[100]).choose(EXAMPLES)
    with pytest.raises(ConfigError, match="more than once"):
        Ids(ids=[1, 1]).choose(EXAMPLES)


@pytest.mark.parametrize("subset", [Head(n=101), Random(n=101), Stratified(n=101)])
def test_a_subset_larger_than_the_data_is_refused(subset: Head | Random | Stratified) -> None:
    with pytest.raises(ConfigError, match=r"subset\.n: given 101, but there are 100 prompts"):
        subset.choose(EXAMPLES)


def test_the_hash_follows_the_prompts() -> None:
    assert subset_hash(EXAMPLES[:5]) == subset_hash(EXAMPLES[:5]) != subset_hash(EXAMPLES[1:6])


def test_the_real_data_gives_every_source_its_share(alpaca_data: Path) -> None:
    examples = RowFile(path=str(alpaca_data / "gpt4_1106_preview.outputs.json.gz")).load()
    counts = Counter(example.source for example in Stratified(n=100).choose(examples))
    sizes = Counter(example.source for example in examples)
    assert sizes == {"helpful_base": 129, "koala": 156, "oasst": 188, "selfinstruct": 252, "vicuna": 80}
    assert sum(counts.values()) == 100
    assert all(abs(counts[source] - 100 * size / 805) < 1 for source, size in sizes.items())
