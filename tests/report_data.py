"""A run as it really looks, made up: many lengths, slices of all sizes, failures, and text that attacks the page."""

from __future__ import annotations

import random

from alpacabench.records import Example, Generation, Outcome, Pair, Prompt, Verdict
from alpacabench.report.estimate import Number

SCRIPT = "<script>document.title='owned'</script>"
ATTACKS = (
    SCRIPT,
    '"><img src=x onerror="alert(1)">',
    "</pre></div></details><h1>escaped</h1>",
    "</title></svg><style>body{display:none}</style>",
    "{{ 7 * 7 }} {% include 'run.html' %} & &lt;b&gt;",
)
SOURCES = ("selfinstruct", "oasst", "koala", "helpful_base", "vicuna")
CATEGORIES = (
    "explain", "how-to", "ideas and lists", "coding", "professional writing", "summarise", "creative", "maths", "rewrite",
)
TASKS = (
    "Explain to a child why the moon seems to follow the car.",
    "Write a shell script that renames every .jpeg file below a folder to .jpg and says what it did.",
    "I have eggs, rice, two tomatoes and half an onion. What can I cook in twenty minutes?\n\nI have no oven.",
    "Summarise the following in two sentences.\n\nThe harbour was closed for three days because the pilots were on strike.",
    "Schreibe eine höfliche Absage an einen Lieferanten.",
    "プログラミングを始めたばかりの友人に、再帰を説明してください。",
    "اشرح لي الفرق بين الطقس والمناخ في فقرة قصيرة.",
    "How many trailing zeros has 100! and why?",
)
ANSWER = (
    "It is far away, so your view of it hardly changes while the trees rush by. ",
    "First check what you have. Then start with the part that takes longest. ",
    "There are three things to know here, and the second one surprises most people. ",
    "```python\ndef countdown(n):\n    print(n)\n    if n:\n        countdown(n - 1)\n```\n",
)


def example(index: int, rng: random.Random) -> Example:
    task = ATTACKS[index] if index < len(ATTACKS) else f"{rng.choice(TASKS)} ({index})"
    return Example(
        index=index,
        instruction=task,
        reference="".join(rng.choices(ANSWER, k=rng.randint(3, 12))) + (SCRIPT if index < len(ATTACKS) else ""),
        source=rng.choices(SOURCES, (252, 188, 156, 129, 30))[0],
        category=rng.choices(CATEGORIES, (24, 11, 9, 8, 6, 5, 4, 4, 2))[0],
        reference_generator="gpt-4-1106-preview",
    )


def outcome(index: int, seed: int, skill: float = 0.0, both: bool = True) -> Outcome:
    rng = random.Random(f"{seed}/{index}")
    item = example(index, random.Random(index))
    text: str | None = "".join(rng.choices(ANSWER, k=rng.randint(0 if index % 40 == 7 else 1, 14)))
    failure = None
    if index < len(ATTACKS):
        text = f"{ATTACKS[index]} \ud800 \x00 {'x' * 300}"
    if index % 61 == 17:
        text, failure = None, f"endpoint: 503 after 5 tries {SCRIPT}"
    if index % 40 == 7 and text is not None:
        text = ""
    prompt = Prompt(item, item.instruction)
    finish = "error" if failure else "length" if text and len(text) > 900 else "stop"
    answer = Generation(prompt, text, finish, 60, len(text or "") // 4, 1.4, failure=failure, generator="SmolLM2-135M")
    if text is None:
        return Outcome(prompt, (answer,), ())
    pair = Pair(item, item.instruction, item.reference or "", text)
    advantage = skill + 1.4 * (len(text) - len(item.reference or "")) / 500 + rng.gauss(0, 2.4)
    slots = (True, False) if both else (rng.random() < 0.5,)
    verdicts = tuple(_verdict(pair, advantage + (-0.5 if first else 0.5), first, index) for first in slots)
    return Outcome(prompt, (answer,), verdicts)


def _verdict(pair: Pair, advantage: float, first: bool, index: int) -> Verdict:
    if index % 89 == 23:
        return Verdict(pair, None, first, "gpt-4.1", failure="the judge's answer names no winner")
    y = 0.5 if index % 33 == 5 else 1 / (1 + 2.718281828 ** (-2.2 * advantage))
    return Verdict(pair, 1 + y, first, "gpt-4.1", prompt_tokens=900, completion_tokens=1, cost_usd=0.0018)


def run(n: int = 240, seed: int = 0, skill: float = -0.4) -> list[Outcome]:
    return [outcome(index, seed, skill) for index in range(n)]


ABOUT = {
    "name": "temperature=0.7",
    "model": "SmolLM2-135M-Instruct",
    "reference": "gpt-4-1106-preview",
    "judge": "gpt-4.1, both orders",
    "data set": "alpaca_eval at revision 2edc6fa",
    "subset": "stratified, n=240, seed 0",
    "decoding": "sampling: temperature 0.7, top_p 0.9, 512 tokens, seed 0",
    "perturbation": "none",
    "weights": "sha256 9f2b6d1c0e4f7a8897aeec3f1c7de6dee6fd31fe66f1702623f4614c3efe1c6f",
    "alpacabench": "0.1.0",
}
WARNINGS = (
    "7 answers are empty and 31 were cut off at 512 tokens: raise decoding.max_new_tokens to see whether that matters.",
    f"The judge's family may be the reference's family. {SCRIPT}",
)
METRICS: dict[str, Number] = {
    "win_rate": 43.1, "win_rate_ci_low": 37.6, "win_rate_ci_high": 48.7, "standard_error": 2.83,
    "length_controlled_winrate": 39.4, "lc_ci_low": 33.8, "lc_ci_high": 45.2, "lc_standard_error": 2.9, "lc_C": 21.54,
    "length_controlled_winrate_official": 39.5, "discrete_win_rate": 42.2, "win_rate_slot_balanced": 43.1,
    "order_consistency": 0.872, "position_gap": 9.6, "position_gap_se": 1.9, "len_ratio_vs_baseline": 1.04,
    "mde_80_paired": 7.1, "n_total": 233, "n_failed": 7, "n_generated": 236, "n_generated_cached": 120, "n_judged": 466,
    "n_judged_cached": 0, "prompt_tokens": 14400, "completion_tokens": 31240, "judge_prompt_tokens": 419400,
    "judge_completion_tokens": 466, "cost_usd": 0.8388, "generate_seconds": 412.5, "judge_seconds": 96.2,
    "generated_tokens_per_second": 75.7, "model_loads": 1, "injection_share": 0.021, "lc_w_len": -1.48, "subset_hash": "97aeec3f",
}  # fmt: skip
