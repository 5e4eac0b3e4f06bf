"""The mistakes that newcomers make, each with the text that they see: what, where, what is allowed, and a remedy."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.cli.mistakes_files import write
from tests.helpers.command import Outcome, run
from tests.helpers.many_commands import run_all

SESSION = r"""
$ python run.py --limit 8
1 problem in the configuration:
  - --limit: given '8', but there is no such flag
    keys are set without dashes: subset=random subset.n=8; `python run.py --help` ...

$ python run.py --model gpt2 --temperature 0.3
2 problems in the configuration:
  - --model: given 'gpt2', but there is no such flag
    keys are set without dashes: model=hf model.path=gpt2; `python run.py --help` ...
  - --temperature: given '0.3', but there is no such flag
    keys are set without dashes: decoding.temperature=0.3; `python run.py --help` ...

$ python run.py subset.n=8
1 problem in the configuration:
  - subset.n: given 8, but subset=all does not use it
    leave it null, or choose an option that does: ...; most often subset=random subset.n=8

$ python run.py temperature=0.7
1 problem in the configuration:
  - temperature: unknown key
    did you mean decoding.temperature? `python run.py --help` lists ...

$ python run.py decoding.temprature=0.7
1 problem in the configuration:
  - decoding.temprature: unknown key
    did you mean 'temperature'? allowed: max_new_tokens, n, ...
    `python run.py --help` lists ...

$ python run.py model=gpt-4.1
1 problem in the configuration:
  - model: unknown option 'gpt-4.1'
    allowed: anthropic, echo, ...; any other model by its path: model=hf model.path=gpt-4.1, or ...

$ python run.py model=HF judge=longest
1 problem in the configuration:
  - model: unknown option 'HF'
    did you mean 'hf'? allowed: anthropic, echo, ...; any other model by its path: model=hf model.path=HF, or ...

$ python run.py +model=echo judge=longest
1 problem in the configuration:
  - model: given with a plus, which adds what is not there yet
    without it: model=echo

$ python run.py +temperature=0.7 model=echo judge=longest
1 problem in the configuration:
  - temperature: unknown key
    did you mean decoding.temperature? `python run.py --help` lists ...

$ python run.py ~judge model=echo
1 problem in the configuration:
  - judge: is left out, but a run has one of its options
    allowed: alpaca_eval, claude, ...

$ python run.py perturbation=[typos,casing] model=echo judge=longest
1 problem in the configuration:
  - perturbation: given [typos,casing]: it takes one option, not a list
    one job for each: `python run.py -m perturbation=typos,casing ...`; one after the other ...: perturbation=chain, ...

$ python run.py -m decoding.temperature=0.3 0.7 model=echo judge=longest
1 problem in the configuration:
  - 0.7: is no override, which is KEY=VALUE
    several values are joined by commas: -m decoding.temperature=0.3,0.7

$ python run.py decoding.temperature:0.3 model=echo judge=longest
1 problem in the configuration:
  - decoding.temperature:0.3: is no override, which is KEY=VALUE
    with an equals sign: decoding.temperature=0.3

$ python run.py seed=abc budget=5 model=echo judge=longest
2 problems in the configuration:
  - seed: given 'abc': input should be a valid integer, unable to parse string as an integer
    allowed: a whole number, as seed=0
  - budget: given 5, but it has keys of its own
    allowed: budget.usd=..., budget.account=...

$ python run.py decoding.temperature==0.7
Taken as text, quoted for Hydra: decoding.temperature='=0.7'
1 problem in the configuration:
  - decoding.temperature: given '=0.7': input should be a valid number, unable to parse string as a number
    one equals sign: decoding.temperature=0.7

$ python run.py decoding.temperature = 0.7
1 problem in the configuration:
  - decoding.temperature: a space stands beside the equals sign
    write it without: decoding.temperature=0.7

$ python run.py decoding.temperature=0.3,0.7
1 problem in the configuration:
  - decoding.temperature: given 0.3,0.7: several values are a sweep, and -m is missing
    one job for each: `python run.py -m decoding.temperature=0.3,0.7 ...`

$ python run.py decoding.max_new_tokens=many
1 problem in the configuration:
  - decoding.max_new_tokens: given 'many': input should be a valid integer, unable to parse string as an integer
    allowed: a whole number, at least 1, as decoding.max_new_tokens=512

$ python run.py longest
1 problem in the configuration:
  - longest: is no override, which is KEY=VALUE
    did you mean judge=longest?

$ python run.py name=my run
1 problem in the configuration:
  - run: is no override, which is KEY=VALUE
    where it belongs to the value before, the whole stands in quotes: 'name=my run'

$ python run.py budget.usd=-1 subset.category=[codng]
3 problems in the configuration:
  - subset.category: unknown key
    subset=category has such a key; allowed: n, seed, strata
    `python run.py --help` lists ...
  - budget.usd: given -1: input should be greater than or equal to 0
    allowed: a number, at least 0, or null
  - subset.category: given 'codng', which no prompt has
    did you mean 'coding'? allowed: advice, coding, ...

$ python run.py dataset=jsonl dataset.path=no_such.jsonl
1 problem in the configuration:
  - dataset.path: given 'no_such.jsonl': no such file
    give the path of a file; relative paths start where you run

$ python run.py dataset=jsonl dataset.path=object.json
dataset.path: object.json holds a dict; a list of objects is needed
    its rows may lie under 'data': give that list alone

$ python run.py dataset=jsonl dataset.path=comma.jsonl
dataset.path: comma.jsonl, line 1, column 36: broken JSON: Extra data
    mend the file, or name another one

$ python run.py dataset=jsonl dataset.path=bare.jsonl model=echo judge=longest
dataset.reference: 1 of 1 prompts have no reference answer:
    row 1: 'Only a question?'
    give each row an 'output', or a file of them by dataset.reference=FILE; ...

$ python run.py model=hf model.path=empty
1 problem in the configuration:
  - model.path: given 'empty': no config.json in it
    give a directory that `save_pretrained` wrote, or a Hub id

$ python run.py model=hf model.path=training
1 problem in the configuration:
  - model.path: training is a training directory: its models are in checkpoint-20
    give one of them: training/checkpoint-20

$ python run.py model=hf model.path=no/such/place
1 problem in the configuration:
  - model.path: given 'no/such/place': no such file or directory
    give a directory or a Hub id

$ python run.py model=hf model.path=prompts.jsonl judge=longest
1 problem in the configuration:
  - model.path: given 'prompts.jsonl': a file, not a model's directory
    give a directory ..., or a Hub id; answers are model=recorded model.path=prompts.jsonl, prompts dataset=jsonl ...

$ python run.py model=echo judge=longest tracking.uri=runs.db
1 problem in the configuration:
  - tracking.uri: given 'runs.db', a path and no URI
    give it as one: tracking.uri=sqlite:///runs.db

$ python run.py metrics=rouge model=echo judge=longest
1 problem in the configuration:
  - metrics: given rouge, but it has no option yet
    add one of your own: conf/metrics/NAME.yaml

$ python run.py --config-dir=nope model=echo judge=longest
1 problem in the configuration:
  - --config-dir: given '...nope': no such directory
    give a directory of your own options

$ python run.py model=openai model.path=gpt-4.1-mini model.api_key=abc judge=longest
2 problems in the configuration:
  - model.api_key: keys are read from the environment
    export OPENAI_API_KEY=...
  - model.base_url: api.openai.com needs a key, and OPENAI_API_KEY is not set
    export OPENAI_API_KEY=..., or name another server with model.base_url=http://HOST:PORT/v1

$ python run.py model=recorded model.path=answers.json
1 problem in the configuration:
  - model.path: given 'answers.json': no such file
    give the path of a file; relative paths start where you run

$ python run.py judge=gpt_4_1_mini model=echo
1 problem in the configuration:
  - judge.base_url: api.openai.com needs a key, and OPENAI_API_KEY is not set
    export OPENAI_API_KEY=..., or name another server with judge.base_url=http://HOST:PORT/v1

$ python run.py judge.annotator=chatgpt_fn
1 problem in the configuration:
  - judge.annotator: given 'chatgpt_fn', but judge=local does not use it
    leave it null, or ...; most often judge=alpaca_eval judge.annotator=chatgpt_fn

$ python run.py checks=format,secrets
1 problem in the configuration:
  - checks: given format,secrets: several values are a sweep, and -m is missing
    a list stands in brackets: 'checks=[format,secrets]'

$ python run.py subset=head subset.n=500 model=echo judge=longest
1 problem in the configuration:
  - subset.n: given 500, but there are 96 prompts
    allowed: 1 to 96

$ python run.py judge.model_name=gpt-4.1-mini
1 problem in the configuration:
  - judge.model_name: given 'gpt-4.1-mini': no such file or directory, and not found on the Hub: ...
    check the spelling ...; a model behind an API is asked by another option, such as judge=gpt_4_1_mini

$ python run.py model=openai model.path=gpt-4.1-mini judge=longest
1 problem in the configuration:
  - model.base_url: api.openai.com needs a key, and OPENAI_API_KEY is not set
    export OPENAI_API_KEY=..., or name another server with model.base_url=http://HOST:PORT/v1
"""
"""What is typed, and all that is printed; `...` stands for any text. Each ends with exit code 2."""

PARTS = [part.strip().partition("\n") for part in SESSION.split("$ python run.py ") if part.strip()]
MISTAKES = {command: text for command, _, text in PARTS}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """What each command does, in one directory in which none of them leaves anything."""
    directory = tmp_path_factory.mktemp("mistakes")
    write(directory)
    before = sorted(file for file in directory.rglob("*") if file.is_file())
    env = {"OPENAI_API_KEY": "", "HF_HUB_OFFLINE": "1"}
    outcomes = run_all(directory, [shlex.split(command) for command in MISTAKES], env)
    assert sorted(file for file in directory.rglob("*") if file.is_file()) == before
    assert not any(directory.glob("outputs/*/*"))
    return dict(zip(MISTAKES, outcomes, strict=True))


@pytest.mark.parametrize("command", MISTAKES)
def test_a_mistake_is_told_with_what_is_allowed_and_what_to_do(command: str, found: dict[str, Outcome]) -> None:
    outcome, text = found[command], MISTAKES[command]
    assert outcome.code == 2
    pattern = re.escape(text).replace(re.escape("..."), ".*")
    assert re.fullmatch(pattern, outcome.text.strip()), outcome.text


def test_there_are_at_least_twenty() -> None:
    assert len(MISTAKES) >= 20


FAST = ("model=echo", "judge=longest", "tracking=none", "plan=true")


def test_dash_m_may_stand_anywhere(tmp_path: Path) -> None:
    done = run(tmp_path, "perturbation=none,typos", "-m", *FAST)
    assert done.code == 0 and "192" in done.stdout, done.text
    assert not (tmp_path / "outputs" / "sweeps").exists()


def test_all_mistakes_of_a_sweep_are_told_together(tmp_path: Path) -> None:
    done = run(tmp_path, "-m", "decodng.temperature=0,1", "judge=longst", "decoding.top_p=0.5,3", "budget.usd=-1")
    assert done.code == 2
    for word in ("4 problems", "did you mean 'longest'", "did you mean decoding.temperature?", "top_p", "budget.usd"):
        assert word in done.text, done.text
    assert not list(tmp_path.iterdir())


def test_the_version_is_ours(tmp_path: Path) -> None:
    done = run(tmp_path, "--version")
    assert done.code == 0 and re.fullmatch(r"alpacabench \d\S* \(Hydra 1\.\S+\)", done.stdout.strip())


@pytest.mark.parametrize(("swept", "told"), [("typos,casing", True), ("none,typos", False)])
def test_a_sweep_without_the_unchanged_prompts_says_how_to_add_them(tmp_path: Path, swept: str, told: bool) -> None:
    done = run(tmp_path, "-m", *FAST, f"perturbation={swept}")
    assert done.code == 0
    assert (f"perturbation=none,{swept}" in done.text) is told


@pytest.mark.parametrize("given", ["plan=true", "subset=head"])
def test_a_directory_that_stood_before_is_never_removed(tmp_path: Path, given: str) -> None:
    (tmp_path / "mine").mkdir()
    size = ["subset.n=5000"] if "head" in given else []
    for place in ("mine", "mine/own"):
        done = run(tmp_path, "model=echo", "judge=longest", "tracking=none", given, *size, f"hydra.run.dir={place}")
        assert done.code == (2 if size else 0)
        assert (tmp_path / "mine").is_dir() and not list((tmp_path / "mine").iterdir())
