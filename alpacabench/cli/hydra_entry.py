"""Start Hydra and turn every expected error into one message and an exit code, never a traceback."""

from __future__ import annotations

import errno
import logging
import os
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Any

from alpacabench.cli.command_line import MULTIRUN, VERSION, read
from alpacabench.cli.exit_status import INTERRUPTED, ExitStatus, drop_output
from alpacabench.cli.hydra_mistakes import explain, mistakes, unanswered
from alpacabench.cli.hydra_typed import as_typed
from alpacabench.cli.program import program
from alpacabench.core.context import opened
from alpacabench.core.errors import AlpacabenchError, ConfigError, Problem
from alpacabench.core.version import __version__
from alpacabench.io.run_files import unwritable
from alpacabench.security.output import guard
from alpacabench.security.password import password_problem
from alpacabench.security.redact import redact, secrets

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
        if VERSION in sys.argv[1:]:
            print(f"alpacabench {__version__} (Hydra {version('hydra-core')})")
            return 0
        sys.argv[1:] = accepted(sys.argv[1:], told=True)
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


def accepted(arguments: Sequence[str], told: bool = False) -> list[str]:
    """Return the arguments of a command as Hydra takes them: texts quoted, flags behind the overrides.

    Args:
        arguments: as they were typed.
        told: whether to say what was taken as text.

    Raises:
        ConfigError: Hydra would write a secret into files, or has no words for what is wrong.

    """
    _refuse_secrets(arguments)
    flags, overrides, problems = read(arguments)
    typed = as_typed([*flags, *overrides])[len(flags) :]
    for given, quoted in zip(overrides, typed, strict=True):
        if told and given != quoted:
            print(f"Taken as text, quoted for Hydra: {quoted}", file=sys.stderr)
    problems += unanswered(typed)
    if problems:
        raise ConfigError([*problems, *mistakes(typed, _several([*flags, *overrides]))])
    return [*typed, *flags]


def all_mistakes(error: BaseException, overrides: Sequence[str]) -> ConfigError:
    """Return every mistake of a command of which Hydra told the first."""
    return ConfigError(
        mistakes([o for o in overrides if "=" in o and not o.startswith("-")], _several(overrides)) or [explain(error)]
    )


def _several(arguments: Sequence[str]) -> bool:
    """Return whether a comma may make several jobs; an experiment may be a sweep by itself."""
    return any(argument in MULTIRUN or argument.startswith("experiment=") for argument in arguments)


def _disk_full(error: OSError) -> AlpacabenchError:
    where = f"{error.filename}: " if error.filename else ""
    kept = "what was answered is in the store: free some space, and the same command goes on"
    return AlpacabenchError(f"{where}{error.strerror}; a file of the run could not be written\n    {kept}")


def _report(error: Exception) -> int:
    ours = our_error(error) or all_mistakes(error, sys.argv[1:])
    log = logging.getLogger("alpacabench")
    message = redact(str(ours))
    # Before Hydra has set logging up there is no handler: the message must be seen all the same.
    if logging.getLogger().handlers:
        log.error("%s", message)
    else:
        print(message, file=sys.stderr)
    return ours.exit_code


def our_error(error: BaseException | None) -> AlpacabenchError | None:
    """Return the first of our errors in the chain: Hydra wraps what a callback raises."""
    while error is not None:
        if isinstance(error, AlpacabenchError):
            return error
        error = error.__cause__ or error.__context__
    return None


def _refuse_secrets(arguments: Sequence[str]) -> None:
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
