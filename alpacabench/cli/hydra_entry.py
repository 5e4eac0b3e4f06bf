"""Start Hydra and turn every expected error into one message and an exit code, never a traceback."""

from __future__ import annotations

import errno
import logging
import os
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any

from alpacabench.cli.exit_status import ExitStatus
from alpacabench.cli.hydra_typed import as_typed
from alpacabench.cli.program import program
from alpacabench.core.conf import conf
from alpacabench.core.context import opened
from alpacabench.core.errors import AlpacabenchError, ConfigError, Problem, allowed
from alpacabench.core.trust import plugin_options
from alpacabench.io.run_files import unwritable
from alpacabench.security.output import guard
from alpacabench.security.password import password_problem
from alpacabench.security.redact import redact, secrets

INTERRUPTED = 130
FULL = (errno.ENOSPC, errno.EDQUOT)
READER_GONE = 141
"""What shells report for a command that a closed pipe ended: 128 + SIGPIPE."""


def run(main: Callable[[], Any]) -> int:
    """Run the Hydra application; returns the exit code.

    0: all went well. 1: a run or a job of a sweep failed. 2: the configuration or a data file is wrong.
    130: interrupted. 141: nobody reads the output any more.
    """
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    from alpacabench.cli.hydra_options import shadowed, use_own_options

    guard()
    use_own_options()
    for sentence in shadowed():
        print(sentence, file=sys.stderr)
    wants_traceback = os.environ.get("HYDRA_FULL_ERROR", "0") == "1"
    # Hydra prints errors in its own words and exits; with this set it raises them, and we print them in ours.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    try:
        _refuse_secrets(sys.argv[1:])
        _quote_texts()
        _refuse_null_options(sys.argv[1:])
        if "LOCAL_RANK" in os.environ:
            from alpacabench.sharding import refuse_launcher

            refuse_launcher(program())
        with opened() as context:
            main()
            return context.owned(ExitStatus).code
    except KeyboardInterrupt:
        print("Interrupted. What was finished is kept: the same command continues.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        drop_output()
        return READER_GONE
    except (AlpacabenchError, HydraException, OmegaConfBaseException) as error:
        if wants_traceback:
            raise
        return _report(error)
    except OSError as error:
        if not wants_traceback and error.errno in FULL:
            return _report(_disk_full(error))
        if wants_traceback or error.filename is None:
            raise
        return _report(ConfigError([unwritable(error.filename, error, "hydra.run.dir")]))


def _quote_texts() -> None:
    """Give Hydra as text what was typed as text, and say so."""
    typed, sys.argv[1:] = sys.argv[1:], as_typed(sys.argv[1:])
    for given, quoted in zip(typed, sys.argv[1:], strict=True):
        if given != quoted:
            print(f"Taken as text, quoted for Hydra: {quoted}", file=sys.stderr)


def accepted(arguments: list[str]) -> list[str]:
    """Return the arguments as Hydra takes them.

    Raises:
        ConfigError: Hydra would write a secret into files, or answer with a traceback.

    """
    _refuse_secrets(arguments)
    arguments = as_typed(arguments)
    _refuse_null_options(arguments)
    return arguments


def _disk_full(error: OSError) -> AlpacabenchError:
    where = f"{error.filename}: " if error.filename else ""
    kept = "what was answered is in the store: free some space, and the same command goes on"
    return AlpacabenchError(f"{where}{error.strerror}; a file of the run could not be written\n    {kept}")


def drop_output() -> None:
    """Let nothing more be printed: the reader (`| head`) has gone, and Python must not complain at its own exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _report(error: Exception) -> int:
    ours = our_error(error)
    log = logging.getLogger("alpacabench")
    message = redact(str(ours) if ours else explain(error))
    # Before Hydra has set logging up there is no handler: the message must be seen all the same.
    if logging.getLogger().handlers:
        log.error("%s", message)
    else:
        print(message, file=sys.stderr)
    return ours.exit_code if ours else ConfigError.exit_code


def our_error(error: BaseException | None) -> AlpacabenchError | None:
    """Return the first of our errors in the chain: Hydra wraps what a callback raises."""
    while error is not None:
        if isinstance(error, AlpacabenchError):
            return error
        error = error.__cause__ or error.__context__
    return None


def explain(error: BaseException, overrides: Sequence[str] | None = None) -> str:
    """Return Hydra's message with what is allowed and what to do.

    Args:
        error: what Hydra raised.
        overrides: what was given; None is the command line.

    """
    message = str(error).strip().split("Config search path:")[0].rstrip()
    if option := re.search(r"Could not find '([^']+)/([^'/]+)'", message):
        group, name = option.groups()
        options = re.findall(r"^\t(.+)$", message, flags=re.MULTILINE)
        return f"{group}: unknown option '{name}'\n    {allowed(name, options)}"
    if key := re.search(r"Could not override '([^']+)'", message) or re.search(r"full_key: (\S+)", message):
        return _unknown_key(key[1], sys.argv[1:] if overrides is None else overrides)
    if "LexerNoViableAltException" in message or "mismatched input" in message or "no viable alternative" in message:
        example = "'model.path=\"out/lr=1e-4/checkpoint-1\"'"
        return f"{message}\n    what Hydra would read otherwise stands in quotes: {example}"
    return f"{message}\n    `{program()} --help` lists the groups, their options and every key"


def _unknown_key(full_key: str, overrides: Sequence[str]) -> str:
    """Return a message for a misspelt key, with the keys that stand beside it."""
    if full_key.startswith("model@perturbation."):
        return f"{full_key}: only perturbation=paraphrase and perturbation=translation ask a model"
    parent, _, name = full_key.rpartition(".")
    known = _siblings(parent, overrides)
    return (
        f"{full_key}: unknown key"
        + (f"\n    {allowed(name, known)}" if known else "")
        + f"\n    `{program()} --help` lists every key; an option's own keys are in its file in conf/"
    )


def _siblings(parent: str, overrides: Sequence[str]) -> list[str]:
    """Return the keys that stand beside a misspelt one, under the options that the command chose."""
    from hydra import compose
    from omegaconf import DictConfig, OmegaConf

    from alpacabench.cli.hydra_options import composing

    chosen = [argument for argument in overrides if re.fullmatch(r"\w+=\w+", argument)]
    try:
        with composing():
            group = [c for c in chosen if c.partition("=")[0] == parent.partition(".")[0]]
            node = OmegaConf.select(compose("config", group), parent) if parent else compose("config")
    # The message is complete without the suggestion, whatever is wrong with the rest of the command.
    except Exception:
        return []
    return [str(key) for key in node if key != "_target_"] if isinstance(node, DictConfig) else []


def _refuse_null_options(arguments: list[str]) -> None:
    """Refuse null as the option of a group, which Hydra answers with a traceback."""
    from alpacabench.cli.hydra_options import own_folders

    folders = [conf(), *own_folders(), *plugin_options()]
    problems = []
    for argument in arguments:
        group, _, values = argument.partition("=")
        options = sorted({path.stem for folder in folders for path in (folder / group).glob("*.yaml")})
        if "null" in values.split(",") and group.isidentifier() and options:
            problems.append(Problem(group, "given null", f"leave it out for none; {allowed('null', options)}"))
    if problems:
        raise ConfigError(problems)


def _refuse_secrets(arguments: list[str]) -> None:
    """Refuse a password in a URL, or a key that the shell wrote out, before Hydra writes the overrides into files."""
    problems = [problem for a in arguments for problem in password_problem(a.partition("=")[0], a)]
    for argument in arguments:
        names = [name for name, value in secrets().items() if value in argument]
        if names:
            remedy = (
                f"leave it in the environment, and write ${{oc.env:{names[0]}}} in single quotes where it is needed"
            )
            problems.append(Problem(argument.partition("=")[0], f"holds the value of {names[0]}", remedy))
    if problems:
        raise ConfigError(problems)
