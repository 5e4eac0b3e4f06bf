"""Serve evaluations over HTTP: a queue that survives crashes, workers, the command line's own checks and errors.

    export ALPACABENCH_SERVE_TOKEN=$(openssl rand -hex 32)
    alpacabench serve --port 8080 --data /srv/alpacabench --workers 2

Further clients have tokens of their own, ALPACABENCH_SERVE_TOKEN_NAME, and --budget NAME=USD caps what each may spend
(the first is called 'default'). Without a token one is made and printed. Runs are started in the data folder, and read
files only below it. It listens on this machine alone unless --host says otherwise: docs/service.md shows a proxy.
"""

from __future__ import annotations

import argparse
import ipaddress
import os
import secrets
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path

from alpacabench.core.errors import ConfigError, Problem
from alpacabench.core.extras import missing
from alpacabench.security.password import hide_passwords
from alpacabench.service import TOKEN

DEFAULT = "default"
SHORTEST = 16
"""Characters of a token."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("--port", type=int, default=8080, help="0 is a free one (default %(default)s)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine alone)")
    parser.add_argument("--workers", type=int, default=1, help="runs at once (default %(default)s)")
    parser.add_argument("--data", type=Path, default=Path(), metavar="FOLDER", help="where runs run (default: here)")
    parser.add_argument("--store", metavar="URL", help="default: sqlite:///outputs/store.db in the data folder")
    parser.add_argument("--budget", action="append", default=[], metavar="NAME=USD", help="cap of a client's account")
    parser.add_argument("--allow", action="append", default=[], metavar="GROUP=OPTION,...",
                        help="only these options of a group, such as model=echo,hf")  # fmt: skip
    parser.add_argument("--allow-host", action="append", default=[], metavar="HOST", help="may stand in a base_url")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE",
                        help="for every run, such as tracking=none or hydra/launcher=submitit_slurm")  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Serve until it is stopped."""
    tokens = _tokens(os.environ)
    if problems := [*missing("serve", "The service", "serve"), *_problems(arguments, tokens)]:
        raise ConfigError(problems)
    from alpacabench.cli.serve_policy import Policy
    from alpacabench.service.server import Settings, serve

    made = not tokens
    tokens = tokens or {DEFAULT: secrets.token_urlsafe(32)}
    data = arguments.data.resolve()
    # What runs read by a relative path is looked for where they run.
    os.chdir(data)
    options = {group: names.split(",") for group, _, names in (one.partition("=") for one in arguments.allow)}
    store = arguments.store or f"sqlite:///{data}/outputs/store.db"
    budgets = {name: float(usd) for name, _, usd in (one.rpartition("=") for one in arguments.budget)}
    overrides = [*arguments.set, f"store.url='{store}'"]
    policy = Policy(data, options, arguments.allow_host)
    listening = _listen(arguments.host, arguments.port)
    print(f"Serving on http://{arguments.host}:{listening.getsockname()[1]} from {data}", flush=True)
    if made:
        print(f"Token (made for this start; {TOKEN} sets one): {tokens[DEFAULT]}", flush=True)
    if not _loopback(arguments.host):
        print("Others can reach it, and tokens cross the network in clear: put a proxy with TLS before it", flush=True)
    settings = Settings(data, store, overrides, budgets, tokens, arguments.workers, "alpacabench.cli")
    return serve(settings, policy.check, listening)


def _tokens(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the tokens by the client's name."""
    named = {
        name.removeprefix(TOKEN).removeprefix("_").lower() or DEFAULT: token
        for name, token in environment.items()
        if name == TOKEN or name.startswith(f"{TOKEN}_")
    }
    return {name: token for name, token in named.items() if token}


def _problems(arguments: argparse.Namespace, tokens: Mapping[str, str]) -> Iterator[Problem]:
    for name, token in tokens.items():
        if len(token) < SHORTEST or not token.isascii():
            remedy = "make one: openssl rand -hex 32"
            yield Problem(TOKEN, f"the token of '{name}' has fewer than {SHORTEST} ASCII characters", remedy)
    if len(set(tokens.values())) < len(tokens):
        yield Problem(TOKEN, "two clients have the same token", "give each its own")
    if not arguments.data.is_dir():
        yield Problem("--data", f"given '{arguments.data}': no such folder", "make it first")
    if arguments.store and hide_passwords(arguments.store, "") != arguments.store:
        yield Problem("--store", "holds a literal password", "leave it out: PGPASSWORD and ~/.pgpass are read")
    if arguments.workers < 1:
        yield Problem("--workers", f"given {arguments.workers}", "1 or more")
    clients = tokens or {DEFAULT: ""}
    for one in arguments.budget:
        name, _, usd = one.rpartition("=")
        if name not in clients or not usd.replace(".", "", 1).isdigit():
            known = ", ".join(clients)
            yield Problem("--budget", f"given '{one}'", f"NAME=USD, such as {DEFAULT}=5; clients: {known}")
    for key in ("allow", "set"):
        for one in getattr(arguments, key):
            if "=" not in one:
                yield Problem(f"--{key}", f"given '{one}'", "KEY=VALUE")


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=128)
    except (OSError, OverflowError) as error:
        what = f"{host}:{port} cannot be listened on ({error})"
        raise ConfigError(
            [Problem("--port", what, "give another --port, 0 for a free one, or another --host")]
        ) from error
