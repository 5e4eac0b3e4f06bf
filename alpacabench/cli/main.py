"""`alpacabench COMMAND`: `run` starts a run or a sweep, the others say what to do with finished runs.

`run` takes Hydra's own arguments. Each other command is a module with `add_arguments(parser)` and `run(arguments) ->
exit code`; only the module of the given command is imported. Exit codes: 0 all went well, 1 it failed, 2 wrong
arguments or files, 130 interrupted; others are the command's own.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import traceback
from collections.abc import Sequence

from alpacabench.cli.exit_status import INTERRUPTED, drop_output
from alpacabench.core.errors import AlpacabenchError
from alpacabench.core.version import __version__
from alpacabench.security.output import guard
from alpacabench.security.redact import redact

RUN = "run"
"""The command whose arguments are Hydra's."""
COMMANDS = {
    "runs": ("alpacabench.cli.runs", "list runs and sweeps below outputs/, with their names: latest, latest-1, ..."),
    "ui": ("alpacabench.cli.ui", "show the tracked runs in MLflow's pages, opened where the newest result is"),
    "compare": ("alpacabench.cli.compare", "compare two finished runs prompt by prompt"),
    "ablation": ("alpacabench.cli.ablation", "what a change of wording does beyond chance, from finished runs"),
    "leaderboard": ("alpacabench.cli.leaderboard", "place runs among alpaca_eval's published rows"),
    "gate": ("alpacabench.cli.gate", "release or block a run by a paired test against a base, for CI"),
    "trust": ("alpacabench.cli.trust", "say how far a run's judge is to be trusted"),
    "label": ("alpacabench.cli.label", "write a blinded page on which people say which answer is better"),
    "labels": ("alpacabench.cli.labels", "read people's labels: how far they agree with each other and with the judge"),
    "plan-power": ("alpacabench.cli.plan_power", "how many prompts a difference needs, before anything is spent"),
    "drift": ("alpacabench.cli.drift", "has the judge changed? a pinned set judged again, for CI"),
    "bridge": ("alpacabench.cli.bridge", "the same answers under two judges: offset, agreement, a table to convert"),
    "serve": ("alpacabench.cli.serve", "evaluations over HTTP: a queue, workers, a page"),
    "audit": ("alpacabench.cli.audit", "the record of a run, signed off or verified against its files"),
    "sync": ("alpacabench.tracking.sync", "send runs that were spooled while the MLflow server was away"),
    "export": ("alpacabench.cli.export", "write a table or plot of a report as .csv, .md, .tex, .svg or .png"),
    "export-judge": ("alpacabench.cli.export_judge", "write a judge as an annotators_config of alpaca_eval"),
    "doctor": ("alpacabench.cli.doctor", "what is installed, set and reachable, with remedies"),
}
"""Name to module and its line in the help, for the others."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code. Expected errors are one message, never a traceback."""
    guard()
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == [RUN]:
        from alpacabench.cli.run import main as run

        sys.argv = [f"alpacabench {RUN}", *arguments[1:]]
        return run()
    parser = _parser(next((word for word in arguments if word in COMMANDS), None))
    parsed = parser.parse_args(arguments)
    try:
        return int(importlib.import_module(COMMANDS[parsed.command][0]).run(parsed))
    except AlpacabenchError as error:
        print(redact(f"alpacabench {parsed.command}: {error}"), file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        drop_output()
        return 0
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception:
        # Python's own traceback would show a secret that the message of a library holds.
        print(redact(traceback.format_exc()), file=sys.stderr)
        return 1


def _parser(chosen: str | None) -> argparse.ArgumentParser:
    """Return the parser; only the chosen command's module is imported for its arguments."""
    description = "Evaluate instruction-following models, and look at what was found."
    parser = argparse.ArgumentParser(prog="alpacabench", description=description)
    parser.add_argument("--version", action="version", version=f"alpacabench {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser(RUN, help="evaluate, or with -m sweep: `alpacabench run --help` lists groups and keys")
    for name, (module, line) in COMMANDS.items():
        command = commands.add_parser(name, help=line)
        if name == chosen:
            imported = importlib.import_module(module)
            command.description = imported.__doc__
            command.formatter_class = argparse.RawDescriptionHelpFormatter
            imported.add_arguments(command)
    return parser
