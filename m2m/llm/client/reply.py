"""Parses the raw JSON of a server into a reply, or says why it is none."""

import json
import re
from typing import Any, NamedTuple

MOST_TOKENS = 2**40  # of one call; a database has no place for 2**63
VERSION = r"([@:].*|(-\d{2,})+)?"  # what servers add to a name: @main, :latest, -0613, -2024-08-06


class Reply(NamedTuple):
    """What came back for one request; with an `error` there is no text."""

    text: str = ""
    finish: str = ""  # stop, length (cut by reply_tokens), content_filter, …
    logprobs: list[Any] | None = None  # as sent: for each token of the reply its token, logprob and top_logprobs
    prompt_tokens: int = 0
    completion_tokens: int = 0
    model: str = ""  # the name that the server gives itself
    fingerprint: str = ""  # the server's identifier of its weights and settings; empty: it gives none
    error: str = ""  # why there is no reply; empty: there is one


def parse_reply(raw: str) -> Reply:
    """The reply in `raw`, a chat completion or a completion. ValueError: why it contains none."""
    try:
        record = json.loads(raw)
        choice = record["choices"][0]
        message = choice.get("message") or {"content": choice.get("text")}
        text, usage = message.get("content"), record.get("usage") or {}
        reply = Reply(
            text=text or "",
            finish=choice.get("finish_reason") or "",
            logprobs=(choice.get("logprobs") or {}).get("content"),
            prompt_tokens=_read_count(usage.get("prompt_tokens")),
            completion_tokens=_read_count(usage.get("completion_tokens")),
            model=record.get("model") or "",
            fingerprint=record.get("system_fingerprint") or "",
        )
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError(f"a reply that is no completion: {raw[:80]!r}") from error
    if not all(isinstance(field, str) for field in (reply.text, reply.finish, reply.model, reply.fingerprint)):
        raise ValueError(f"a reply without text: {raw[:80]!r}")
    texts = (reply.text, reply.finish, reply.model, reply.fingerprint)
    text, finish, model, fingerprint = (value.encode("utf-8", "replace").decode() for value in texts)
    return reply._replace(text=text, finish=finish, model=model, fingerprint=fingerprint)  # half surrogates fit nowhere


def _read_count(tokens: object) -> int:
    """A server's count; 0, as where it sends none, for what no call can have used."""
    return int(tokens) if isinstance(tokens, int | float) and 0 <= tokens < MOST_TOKENS else 0


def is_same_model(requested: str, reported: str) -> bool:
    """Whether the model that a server reports is the requested one; servers add an owner, a path, a date or a version.

    Another word at the end is another model.

    >>> is_same_model("gpt-4", "gpt-4-0613"), is_same_model("nvidia/llama", "llama"), is_same_model("any", "")
    (True, True, True)
    >>> is_same_model("gpt-4o", "gpt-4o-2024-08-06"), is_same_model("tiny", "tiny:1b")
    (True, True)
    >>> is_same_model("tiny", "/models/tiny@main"), is_same_model("gpt-4", "gpt-4o")
    (True, False)
    >>> is_same_model("gpt-4o", "gpt-4o-mini"), is_same_model("llama-70b", "llama-8b")
    (False, False)
    """
    requested, reported = requested.casefold(), reported.casefold()
    name = reported if "/" in requested else reported.rsplit("/", 1)[-1]
    if not reported or requested.endswith("/" + reported):
        return True
    return re.fullmatch(re.escape(requested) + VERSION, name) is not None
