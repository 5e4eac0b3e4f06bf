"""A run as it really looks, made up: many lengths, slices of all sizes, failures, and text that attacks the page."""

from __future__ import annotations

import random
from dataclasses import replace

from alpacabench.analysis.compare.result import ComparisonPage, FlippedPrompt, SliceDelta
from alpacabench.analysis.estimate import Estimate, Number
from alpacabench.analysis.sweep.table import Effect, SweepRow, SweepTable
from alpacabench.core.records import Example, Generation, Outcome, Pair, Prompt, Verdict
from alpacabench.report.leaderboard_report import Leaderboard, LeaderboardRow

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
    "explain",
    "how-to",
    "ideas and lists",
    "coding",
    "professional writing",
    "summarise",
    "creative",
    "maths",
    "rewrite",
)
TASKS = (
    "Explain to a child why the moon seems to follow the car.",
    "Write a shell script that renames every .jpeg file below a folder to .jpg and says what it did.",
    "I have eggs, rice, two tomatoes and half an onion. What can I cook in twenty minutes?\n\nI have no oven.",
    "Summarise the following in two sentences.\n\nThe harbour was closed for a week because the pilots were on strike.",
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
    "win_rate": 41.2, "win_rate_ci_low": 36.1, "win_rate_ci_high": 46.4, "standard_error": 2.83,
    "length_controlled_winrate": 37.9, "lc_ci_low": 32.3, "lc_ci_high": 43.7, "lc_standard_error": 2.9, "lc_C": 21.54,
    "length_controlled_winrate_official": 38.0, "discrete_win_rate": 39.1, "win_rate_slot_balanced": 41.2,
    "order_consistency": 0.872, "position_gap": 13.0, "position_gap_se": 1.9, "len_ratio_vs_baseline": 1.04,
    "mde_80_paired": 7.1, "n_total": 233, "n_failed": 7, "n_generated": 236, "n_generated_cached": 120, "n_judged": 466,
    "n_judged_cached": 0, "prompt_tokens": 14400, "completion_tokens": 31240, "judge_prompt_tokens": 419400,
    "judge_completion_tokens": 466, "cost_usd": 0.8388, "generate_seconds": 412.5, "judge_seconds": 96.2,
    "generated_tokens_per_second": 75.7, "model_loads": 1,
    "injection_share": 0.021, "lc_w_len": -1.48, "subset_hash": "97aeec3f",
}  # fmt: skip


def rate(value: float, half: float = 3.0) -> Estimate:
    return Estimate(value, value - half, value + half)


def sweep() -> SweepTable:
    """Temperature (numeric) by perturbation (names), one job failed."""
    rng, rows = random.Random(0), []
    for style, harm in (("none", 0.0), ("typos", 3.1), ("casing", 0.4)):
        for temperature in ("0", "0.3", "0.7", "1.0"):
            name = f"decoding.temperature={temperature},perturbation={style}"
            base = name == BASE
            value = 41.0 - harm - 9 * max(0.0, float(temperature) - 0.5) + rng.gauss(0, 0.8)
            delta = None if base else rate(value - 41.3, 2.1)
            failed = style == "casing" and temperature == "1.0"
            rows.append(
                SweepRow(name, {"decoding.temperature": temperature, "perturbation": style}, failure=f"OOM {SCRIPT}")
                if failed
                else SweepRow(
                    name,
                    {"decoding.temperature": temperature, "perturbation": style},
                    win_rate=rate(41.3 if base else value),
                    lc=rate(value - 1.7, 3.4),
                    delta_wr=delta,
                    delta_lc=delta and rate(delta.value * 0.8, 2.9),
                    p_holm=None if base else min(1.0, 11 * 2.718 ** (-abs(value - 41.3) * 1.6)),
                    q_bh=None if base else min(1.0, 4 * 2.718 ** (-abs(value - 41.3) * 1.6)),
                    tied_with_best=value > 39.5,
                    n=240,
                    p_max_t=None if base else min(1.0, 9 * 2.718 ** (-abs(value - 41.3) * 1.6)),
                    p_unpaired=None if base else min(1.0, 2.718 ** (-abs(value - 41.3) * 0.6)),
                    mde_80=None if base else 3.0,
                    cost_usd=0.0,
                    seconds=3.1,
                    full_cost_usd=0.55 + 0.25 * float(temperature) + rng.random() * 0.05,
                    seconds_per_answer=4 + float(temperature),
                )
            )
    return SweepTable(
        title="decoding.temperature=0,0.3,0.7,1.0 perturbation=none,typos,casing",
        rows=tuple(rows),
        base=BASE,
        effects=(
            Effect("decoding.temperature: 0.3 against 0", rate(-0.3, 1.5), 1.0),
            Effect("decoding.temperature: 1.0 against 0", rate(-4.6, 1.6), 0.0002),
            Effect("perturbation: typos against none", rate(-3.0, 1.3), 0.0007),
            Effect("temperature 1.0 with typos", rate(0.6, 2.4), 1.0),
        ),
        variance={"prompts": 81.2, "decoding seed": 9.3, "judge": 5.1, "slot": 4.4},
        metrics={"best_minus_mean": 2.1, "expected_best_under_null": 1.6, "shrunken_best": 40.4, "mde_80_paired": 3.0},
        about=ABOUT,
        warnings=(f"One job failed. {SCRIPT}",),
    )


BASE = "decoding.temperature=0,perturbation=none"


def comparison() -> ComparisonPage:
    """Two runs on the same prompts, flips in both directions."""
    before, after = run(seed=1, skill=-0.5), run(seed=2, skill=0.1)
    pairs = [(a, b, a.preference, b.preference) for a, b in zip(before, after, strict=True)]
    flips = tuple(
        FlippedPrompt(
            a.example.index, a.example.instruction, a.example.reference, a.output, b.output, p, q,
            ("1.8 times longer", f"now holds a code block {SCRIPT}"), a.example.source, a.example.category,
        )
        for a, b, p, q in pairs
        if p is not None and q is not None and (p > 1.5) != (q > 1.5)
    )  # fmt: skip
    to_win = sum(flip.preference_b > flip.preference_a for flip in flips)
    return ComparisonPage(
        name_a="temperature=0",
        name_b="temperature=0.7",
        judge="gpt-4.1, both orders",
        reference="gpt-4-1106-preview",
        n=233,
        win_rate_a=rate(39.8),
        win_rate_b=rate(46.2),
        delta_wr=rate(6.4, 5.9),
        win_to_loss=len(flips) - to_win,
        loss_to_win=to_win,
        mcnemar_p=0.041,
        lc_a=rate(39.1, 3.3),
        lc_b=rate(43.0, 3.3),
        delta_lc=rate(3.9, 6.1),
        equivalent=False,
        established=True,
        scores=tuple(((p - 1) * 100, (q - 1) * 100) for _, _, p, q in pairs if p is not None and q is not None),
        flips=flips,
        slices={
            "source": tuple(
                SliceDelta(name, rate(6 - 3 * i, 5 + 3 * i), 90 - 20 * i) for i, name in enumerate(SOURCES)
            ),
            "category": tuple(
                SliceDelta(name, rate(4 - i, 6 + 2 * i), 75 - 8 * i) for i, name in enumerate(CATEGORIES)
            ),
        },
        metrics={"variance_reduction": 2.1, "rho": 0.52, "flip_rate": 0.31, "mde_80_paired": 8.4, "n_paired": 233},
        about={"A": "outputs/runs/2026-11-21/08-00-00", "B": "outputs/runs/2026-11-21/08-30-00", "note": SCRIPT},
        warnings=("Length control and the raw win rate disagree.",),
    )


def leaderboard() -> Leaderboard:
    """Two hundred published models without interval, one run among them."""
    rows = [
        LeaderboardRow(f"published-model-{i}", i + 1, Estimate(90 - i * 0.44), Estimate(88 - i * 0.43), 805, 1800 - i)
        for i in range(200)
    ]
    place = "place 112 (90 to 130) of 201"
    own = LeaderboardRow(f"my run {SCRIPT}", 0, rate(41.2), rate(37.9), 240, 1410, own=True, place=place)
    ordered = sorted([*rows, own], key=lambda row: -row.win_rate.value)
    ranked = [replace(row, rank=rank) for rank, row in enumerate(ordered, 1)]
    return Leaderboard("weighted_alpaca_eval_gpt4_turbo", "gpt-4-1106-preview", tuple(ranked))
