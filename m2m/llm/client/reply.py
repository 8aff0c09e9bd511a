"""Raw JSON of a server → a reply; text that is no usable reply is named as such."""

import json
import re
from typing import Any, NamedTuple

LATER = r"([@:].*|(-\d{2,})+)?"  # what servers add to a name: @main, :latest, -0613, -2024-08-06


class Reply(NamedTuple):
    """What came back for one request; with an `error` there is no text."""

    text: str = ""
    finish: str = ""  # stop, length (cut by reply_tokens), content_filter, …
    logprobs: list[Any] | None = None  # as sent: for each token of the reply its token, logprob and top_logprobs
    prompt_tokens: int = 0
    completion_tokens: int = 0
    model: str = ""  # the name that the server gives itself
    fingerprint: str = ""  # the server's word for its weights and settings; empty: it gives none
    error: str = ""  # why there is no reply; empty: there is one


def parse_reply(raw: str) -> Reply:
    """The reply in `raw`, a chat completion or a completion. ValueError says why it holds none."""
    try:
        record = json.loads(raw)
        choice = record["choices"][0]
        message = choice.get("message") or {"content": choice.get("text")}
        text, usage = message.get("content"), record.get("usage") or {}
        reply = Reply(
            text=text or "",
            finish=choice.get("finish_reason") or "",
            logprobs=(choice.get("logprobs") or {}).get("content"),
            prompt_tokens=max(0, int(usage.get("prompt_tokens") or 0)),
            completion_tokens=max(0, int(usage.get("completion_tokens") or 0)),
            model=record.get("model") or "",
            fingerprint=record.get("system_fingerprint") or "",
        )
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError(f"a reply that is no completion: {raw[:80]!r}") from error
    if not all(isinstance(word, str) for word in (reply.text, reply.finish, reply.model, reply.fingerprint)):
        raise ValueError(f"a reply without text: {raw[:80]!r}")
    return reply._replace(text=reply.text.encode("utf-8", "replace").decode())  # half a surrogate fits in no file


def is_same_model(asked: str, reported: str) -> bool:
    """Whether a server that reports this name gave what was asked; servers add an owner, a path, a date or version.

    Another word at the end is another model.

    >>> same_model("gpt-4", "gpt-4-0613"), same_model("nvidia/llama", "llama"), same_model("tiny", "/models/tiny@main")
    (True, True, True)
    >>> same_model("gpt-4", "gpt-4o"), same_model("llama-70b", "llama-8b"), same_model("anything", "")
    (False, False, True)
    >>> same_model("gpt-4o", "gpt-4o-2024-08-06"), same_model("gpt-4o", "gpt-4o-mini"), same_model("tiny", "tiny:1b")
    (True, False, True)
    """
    asked, reported = asked.casefold(), reported.casefold()
    name = reported if "/" in asked else reported.rsplit("/", 1)[-1]
    return not reported or asked.endswith("/" + reported) or re.fullmatch(re.escape(asked) + LATER, name) is not None
