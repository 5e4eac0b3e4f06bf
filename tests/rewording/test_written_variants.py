"""What becomes of a writer's and a checker's answers, and what a translation must keep."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hydra import compose

from alpacabench.cli.hydra_options import composing
from alpacabench.core.component import build
from alpacabench.core.errors import GenerationError, Problem
from alpacabench.core.language import in_language
from alpacabench.core.records import Example, Generation, Prompt
from alpacabench.model.base import Model
from alpacabench.perturbation.translation import Translation
from alpacabench.perturbation.validity.facts import changed_facts
from alpacabench.perturbation.written import WrittenVariants, clean
from alpacabench.rewording.by_model import write
from alpacabench.run import experiment as config
from alpacabench.sharding import Sharding
from alpacabench.store.store import Store
from tests.helpers.perturbation_options import perturbation
from tests.helpers.tiny import build_tiny

ECHO: dict[str, Any] = {"_target_": "alpacabench.model.echo.Echo"}
EXAMPLE = Example(4, "Explain tea.", None)


def option(stem: str = "paraphrase", **keys: Any) -> WrittenVariants:
    found = perturbation(stem, **{"writer": ECHO, "decoding": {"_target_": "alpacabench.decoding.Decoding"}} | keys)
    assert isinstance(found, WrittenVariants)
    return found


def said(text: str | None, **fields: Any) -> Generation:
    return Generation(Prompt(EXAMPLE, "asked"), text, **fields)


@pytest.mark.parametrize(
    "answer",
    [
        "Describe tea.", " Describe tea.\n", '"Describe tea."', "“Describe tea.”", "Reworded request: Describe tea.",
        "Sure, here is the reworded request:\n\nDescribe tea.", 'Here you go:\n"Describe tea."',
        "Paraphrase: Describe tea.",
    ],
)  # fmt: skip
def test_what_a_model_puts_around_its_answer_is_no_part_of_the_variant(answer: str) -> None:
    assert clean(answer, "Explain tea.") == "Describe tea."


def test_the_quotes_of_a_request_that_is_a_quote_stay() -> None:
    assert clean('"To be or not to be"', '"To be, or not to be"') == '"To be or not to be"'


def test_strength_chooses_among_what_the_writer_wrote_and_zero_asks_nothing() -> None:
    answers = [said("Please describe what tea is."), said("Explain tea!"), said("Explain tea!")]
    texts = [option(strength=strength).written(EXAMPLE, answers).text for strength in (0.5, 1.0)]
    assert texts == ["Explain tea!", "Please describe what tea is."]
    assert not option(strength=0.0).writes


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (said(None, failure="HTTP 500"), "HTTP 500"), (said(" "), "an empty answer"),
        (said("Describe", finish_reason="length", completion_tokens=1), "cut at 1 tokens"),
    ],
)  # fmt: skip
def test_a_prompt_without_a_usable_variant_stays_and_is_rejected_with_the_cause(answer: Generation, cause: str) -> None:
    prompt = option().written(EXAMPLE, [answer])
    assert (prompt.text, prompt.same_task, prompt.unchanged) == ("Explain tea.", False, True)
    assert prompt.gate_reasons == (f"no variant was written: {cause}",)


def test_with_a_checker_rules_decide_facts_and_the_checker_the_wording() -> None:
    before, after = "How do I reach Porto with 3 children?", "What is the way for me and 3 kids to get to Porto?"
    assert not option().gate(before, after).same_task
    family = option(checker=ECHO)
    assert family.gate(before, after).same_task
    assert family.gate(before, after.replace("3", "4")).reasons == ("number '3' is missing", "number '4' is added")
    assert "the name 'porto' is missing" in family.gate(before, after.replace("Porto", "Faro")).reasons


@pytest.mark.parametrize(
    ("answers", "same", "reason"),
    [
        (("Yes.", "yes, it would"), True, ""),
        (("Yes.", "No."), False, "an answer to the variant need not answer the original"),
        (("I think no.", "Yes"), False, "an answer to the original need not answer the variant"),
        (("Yes", "Perhaps."), False, "gave neither yes nor no: 'Perhaps.'"),
    ],
)
def test_both_directions_must_be_confirmed(answers: tuple[str, ...], same: bool, reason: str) -> None:
    family = option(checker=ECHO)
    prompt = family.checked(Prompt(EXAMPLE, "Describe tea."), [said(text) for text in answers])
    assert prompt.same_task is same and reason in " ".join(prompt.gate_reasons)
    first, second = family.questions(prompt)
    assert first.text.index("Explain tea.") < first.text.index("Describe tea.")
    assert second.text.index("Describe tea.") < second.text.index("Explain tea.")


@pytest.mark.parametrize("kind", ["echo", "tiny"])
def test_any_model_writes_and_its_answers_are_kept(kind: str, tmp_path: Any) -> None:
    tiny = {"_target_": "alpacabench.model.hf.HuggingFace", "path": str(tmp_path / "tiny"), "device": "cpu"}
    if kind == "tiny":
        build_tiny(tmp_path / "tiny", max_position_embeddings=4096)
    keys = {"writer": tiny if kind == "tiny" else ECHO, "checker": ECHO}
    family = option(**keys, decoding={"_target_": "alpacabench.decoding.Decoding", "max_new_tokens": 200})
    prompts = family.apply([EXAMPLE, Example(5, "Name 3 birds.", None)])
    with Store(f"sqlite:///{tmp_path}/store.db") as store:
        one = write(family, prompts, Sharding(), store, 0.0)
        two = write(family, prompts, Sharding(), store, 0.0)
    assert [p.text for p in one.prompts] == [p.text for p in two.prompts]
    assert all(g.cached for g in two.generations) and not any(g.cached for g in one.generations)


def test_more_missing_variants_than_allowed_stop_the_run(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    family = option()
    monkeypatch.setattr(Model, "generate", lambda self, prompts, *rest: [replace(said(None), failure="HTTP 400")] * 2)
    with (
        Store(f"sqlite:///{tmp_path}/store.db") as store,
        pytest.raises(GenerationError, match=r"2 of 2 variants were not written.*\n    row 4: HTTP 400"),
    ):
        write(family, family.apply([EXAMPLE, Example(5, "Name 3 birds.", None)]), Sharding(), store, 0.02)


def test_a_chain_takes_written_variants_from_a_file_only() -> None:
    problems: list[Problem] = []
    step = {"_target_": "alpacabench.perturbation.paraphrase.Paraphrase", "writer": ECHO}
    chain = build("perturbation", {"_target_": "alpacabench.perturbation.chain.Chain", "steps": [step]}, problems)
    assert chain is not None
    assert next(iter(chain.problems())).what == "a step of a chain cannot be written by echo"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Erkläre, warum der Himmel blau ist.", "de"), ("Explique pourquoi le ciel est bleu.", "fr"),
        ("Explica por qué el cielo es azul.", "es"), ("Spiega perché il cielo è blu.", "it"),
        ("Leg uit waarom de lucht blauw is.", "nl"), ("Wyjaśnij, dlaczego niebo jest niebieskie.", "pl"),
        ("Explique por que o céu é azul.", "pt"), ("Gökyüzünün neden mavi olduğunu açıkla.", "tr"),
        ("Eleza kwa nini anga ni bluu.", "sw"), ("Explain why the sky is blue.", "en"),
        ("Объясни, почему небо голубое.", "ru"), ("Поясни, чому небо блакитне, і де воно синє.", "uk"),
        ("解释天空为什么是蓝色的。", "zh"), ("空が青い理由を説明してください。", "ja"),
        ("하늘이 왜 파란지 설명해 줘.", "ko"),
        ("اشرح لماذا السماء زرقاء.", "ar"), ("समझाइए कि आसमान नीला क्यों है।", "hi"),
    ],
)  # fmt: skip
def test_a_text_is_in_its_own_language_and_in_no_other(text: str, language: str) -> None:
    languages = ("de", "fr", "es", "it", "nl", "pl", "pt", "tr", "sw", "en", "ru", "uk", "zh", "ja", "ko", "ar", "hi")
    assert [name for name in languages if in_language(text, name)] == [language]


@pytest.mark.parametrize(
    ("original", "variant", "reason"),
    [
        ("Explain tea.", "Erkläre Tee.", ""),
        ("Name three birds.", "Nenne 3 Vögel.", ""),
        ("How much is 3.5 km?", "Wie viel sind 3,5 km?", ""),
        ('What does "late" mean?', "Was bedeutet „spät“?", ""),
        ("Explain tea.", "Explain tea.", "it is not translated"),
        ("What is the price of the tea?", "What is the cost of the tea?", "it is not in German"),
        ("Name 3 birds.", "Nenne 4 Vögel.", "number '3' is missing"),
        ('What does "late" mean?', "Was bedeutet es?", "quoted text is missing"),
        ("What does `x = 1` do?", "Was macht `x = 2`?", "code changed: '`x = 1`'"),
        ("Name a bird.", "Nenne einen Vogel. " * 9, "times as long"),
    ],
)
def test_a_translation_keeps_facts_and_is_in_the_language_asked_for(original: str, variant: str, reason: str) -> None:
    found = Translation(language="de", path="x").gate(original, variant)
    assert found.same_task == (not reason), found.reasons
    assert reason in " ".join(found.reasons)


def test_a_writer_of_translations_is_told_the_language() -> None:
    family = option("translation", language="fr")
    assert "into French" in family.request(Prompt(EXAMPLE, EXAMPLE.instruction)).text
    assert family.gated and family.kind == "task_changing"


@pytest.mark.parametrize(
    ("original", "variant"),
    [
        ("Her 80th birthday is in twenty-one days.", "In 21 days she turns 80."),
        ("Ask Maria's brother.", "Ask the brother of Maria."),
        ("I'm in Rome for two days.", "For two days I'm in Rome."),
    ],
)
def test_facts_in_other_places_and_forms_are_kept(original: str, variant: str) -> None:
    assert changed_facts(original, variant) == ()


def test_the_identity_of_a_run_includes_who_writes_and_who_checks() -> None:
    def identity(*overrides: str) -> str:
        cfg = compose("config", ["model=echo", "judge=longest", "perturbation=paraphrase", *overrides])
        return config.load(cfg, {}).identity

    writes, checks = "model@perturbation.writer=echo", "model@perturbation.checker=echo"
    with composing():
        found = [(writes,), (writes, checks), (writes, "perturbation.writer.system_prompt=Be brief."),
                 (writes, "decoding@perturbation.decoding=greedy"), (writes, "perturbation.seed=1")]  # fmt: skip
        assert len({identity(*overrides) for overrides in found}) == len(found)
        assert identity(writes) == identity(writes, "name=other")
