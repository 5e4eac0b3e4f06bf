"""Files of Hub data sets at a pinned revision: from the cache where they are there, and quick to say where not."""

from __future__ import annotations

from functools import lru_cache

from alpacabench.core.errors import DataError
from alpacabench.core.hosts import public_url
from alpacabench.security.redact import redact

ALPACA_EVAL = "tatsu-lab/alpaca_eval"
ALPACA_EVAL_REVISION = "2edc6fad8be6b14ea7230aabfd08188da6b8b814"
PROBE_SECONDS = 5.0
"""The Hub client retries for 23 s where there is no network; one short question first."""


def dataset_file(repo: str, filename: str, revision: str, key: str) -> str:
    """Return the local path of a file of a Hub data set.

    Args:
        repo: the data set's id.
        filename: path inside the repository.
        revision: commit hash.
        key: the config key under which a local file could be given instead, for the message.

    Raises:
        DataError: the file is not in the cache and cannot be fetched.

    """
    from huggingface_hub import hf_hub_download, try_to_load_from_cache

    cached = try_to_load_from_cache(repo, filename, revision=revision, repo_type="dataset")
    if isinstance(cached, str):
        return cached
    reason = unreachable()
    if not reason:
        try:
            return str(hf_hub_download(repo, filename, revision=revision, repo_type="dataset"))
        # The client raises many kinds of network errors; all of them mean the same to the user.
        except Exception as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    raise DataError(
        f"{key}: cannot fetch {filename} of the Hub data set {repo} at {revision[:12]}: {reason}\n"
        f"    give a local copy by {key}=FILE, or connect to the Hub once (it is cached)"
    )


def unreachable(timeout: float = PROBE_SECONDS) -> str:
    """Return why the Hub does not answer within `timeout` seconds, or '' where it does.

    Its own client asks, so that endpoint, proxies and certificates are those of the downloads.
    """
    from huggingface_hub import constants

    return "HF_HUB_OFFLINE is set" if constants.HF_HUB_OFFLINE else _unanswered(constants.ENDPOINT, timeout)


@lru_cache(maxsize=4)
def _unanswered(endpoint: str, timeout: float) -> str:
    from huggingface_hub.utils import get_session

    try:
        get_session().head(endpoint, timeout=timeout)
    # The client raises many kinds of network errors, as in `dataset_file`.
    except Exception as error:
        return f"{public_url(endpoint)} does not answer ({redact(str(error))})"
    return ""
