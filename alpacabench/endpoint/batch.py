"""OpenAI's Batch API: half the price, an answer within a day, and no answer lost when the process ends in between.

A batch is written into the store before it is submitted, with a token that the batch carries as metadata. A later run
that misses a question of an open batch waits for that batch instead of asking again.
"""

from __future__ import annotations

import io
import json
import logging
import secrets
import time
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from alpacabench.core.errors import JudgeError
from alpacabench.core.hosts import api_key, key_headers, public_url, split_query
from alpacabench.endpoint.asking import Call, Read
from alpacabench.endpoint.openai_wire import OpenAIWire, parse
from alpacabench.endpoint.spending import Purse, account, settle_batch
from alpacabench.endpoint.wire import BrokenError, RefusedError, whole
from alpacabench.security.redact import redact
from alpacabench.store.ask_once import Reply
from alpacabench.store.batches import Batches, OpenBatch

log = logging.getLogger(__name__)

MOST_REQUESTS = 50_000
"""Of one batch, by OpenAI's rules."""
POLL_SECONDS = 30.0
FINAL = ("completed", "failed", "expired", "cancelled")


def ask_batch(url: str, calls: Sequence[Call], read: Read, purse: Purse) -> Iterator[Reply]:
    """Yield a reply for each call: from batches that are open already, the rest from new ones.

    Raises:
        JudgeError: the server refuses batches or does not answer, or there is no store to remember them in.

    """
    import openai

    paid = account()
    if paid is None:
        raise JudgeError("judge.mode=batch needs a store, which remembers what was submitted")
    variable = OpenAIWire.default_variable
    key = api_key(url, variable)
    address, query = split_query(url)
    client = openai.OpenAI(
        base_url=address, default_query=query, api_key=key, default_headers=key_headers(url, variable), max_retries=5
    )
    batches = Batches(paid.engine, public_url(url))
    missing = {call.key: call for call in calls}
    try:
        for batch in batches.open(set(missing)):
            for reply in _results(client, batches, batch, read, purse):
                if reply.payload is not None and reply.key in missing:
                    del missing[reply.key]
                    yield reply
        rest = list(missing.values())
        submitted = [
            _submit(client, batches, rest[start : start + MOST_REQUESTS], purse)
            for start in range(0, len(rest), MOST_REQUESTS)
        ]
        for batch in submitted:
            yield from _results(client, batches, batch, read, purse)
    except openai.APIStatusError as error:
        raise JudgeError(
            f"{public_url(url)} refuses the batch: HTTP {error.status_code}: {error.message}\n"
            "    use judge.mode=direct, or a server with OpenAI's Batch API"
        ) from None
    except openai.APIConnectionError as error:
        raise JudgeError(
            f"{public_url(url)} does not answer: {error.__cause__ or error}\n"
            "    what was submitted is remembered: the same command goes on with it"
        ) from None


def _submit(client: Any, batches: Batches, calls: Sequence[Call], purse: Purse) -> OpenBatch:
    import openai

    hold = purse.reserve_all(call.body for call in calls)
    lines = [
        json.dumps({"custom_id": c.key, "method": "POST", "url": "/v1/chat/completions", "body": c.body}) for c in calls
    ]
    batch = OpenBatch(secrets.token_hex(16), None, frozenset(call.key for call in calls), hold)
    batches.add(batch)
    data = io.BytesIO("\n".join(lines).encode())
    try:
        file = client.files.create(file=("requests.jsonl", data), purpose="batch")
        created = client.batches.create(
            input_file_id=file.id,
            endpoint="/v1/chat/completions",
            completion_window="24h",
            metadata={"alpacabench": batch.token},
        )
    except openai.APIStatusError:
        # Without an answer the batch may exist; a refused one does not, and costs nothing.
        batches.forget(batch)
        settle_batch(hold, 0.0)
        raise
    log.info("batch %s of %d requests submitted; this run can be stopped and started again", created.id, len(calls))
    return batches.submitted(batch, created.id)


def _results(client: Any, batches: Batches, batch: OpenBatch, read: Read, purse: Purse) -> Iterator[Reply]:
    """Wait for a batch and yield its replies; a batch that the server never got, or has no longer, has none.

    What it was billed replaces its reservation, whichever run made that.
    """
    number = batch.id or _find(client, batch.token)
    state = _state(client, number) if number else None
    while state is not None and state.status not in FINAL:
        time.sleep(POLL_SECONDS)
        done = state.request_counts.completed if state.request_counts else 0
        log.info("batch %s: %s, %d of %d", number, state.status, done, len(batch.keys))
        state = _state(client, str(number))
    if state is None:
        batches.forget(batch)
        # One that never began costs nothing; of one that is gone, nobody knows.
        settle_batch(batch.hold, None if number else 0.0)
        return
    unanswered, spent, known = set(batch.keys), 0.0, True
    for file in filter(None, (state.output_file_id, state.error_file_id)):
        # Not `splitlines`: an answer may hold other line separators.
        for line in filter(str.strip, client.files.content(file).text.split("\n")):
            reply = _reply(line, unanswered, read, purse)
            if reply is None:
                # Nobody knows for whom it was, or what it cost; who is left without an answer is asked again.
                known = False
                continue
            unanswered.discard(reply.key)
            usd = (reply.payload or reply.detail or {}).get("cost_usd", 0.0)
            spent, known = spent + (usd or 0.0), known and usd is not None
            yield reply
    settle_batch(batch.hold, spent if known else None)
    for key in unanswered:
        yield Reply(key, failure=f"the batch {state.status} without an answer")


def _state(client: Any, number: str) -> Any:
    """Return the state of a batch, None where the server knows none; an outage is waited out, for a day is long."""
    import openai

    once = client.with_options(max_retries=0)
    while True:
        try:
            return once.batches.retrieve(number)
        except openai.NotFoundError:
            return None
        except (openai.APIConnectionError, openai.InternalServerError, openai.RateLimitError) as error:
            log.warning("batch %s: no answer (%s); asking again in %.0f s", number, error, POLL_SECONDS)
            time.sleep(POLL_SECONDS)


def _find(client: Any, token: str) -> str | None:
    found = (b.id for b in client.batches.list() if (b.metadata or {}).get("alpacabench") == token)
    return next(found, None)


def _reply(line: str, wanted: Collection[str], read: Read, purse: Purse) -> Reply | None:
    """Return the reply in a line of a batch's file; None where it is for no question that waits for one."""
    try:
        row = json.loads(line)
        key, response = row["custom_id"], row.get("response") or {}
        status, body = response.get("status_code"), response.get("body")
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return None
    if key not in wanted:
        return None
    if status != 200:
        cause = redact(json.dumps(row.get("error") or body))[:500]
        return Reply(key, failure=f"refused in the batch: {cause}")
    try:
        # Whether functions were offered is not known of a batch of an earlier run; a judge that calls one was.
        completion = parse(json.dumps(body), 0.0, called=True)
        spent = purse.receipt(completion).spent() | {"seconds": 0.0}
        return Reply(key, read(key, whole(completion)) | spent)
    except (BrokenError, RefusedError) as error:
        return Reply(key, failure=str(error))
    except ValueError as error:
        return Reply(key, failure=f"unreadable: {error}", detail={"completion": completion.raw} | spent)
