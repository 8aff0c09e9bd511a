"""Sends one request to a server with OpenAI's protocol, and retries while the error may pass."""

import os
import re
import threading
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from m2m.llm.client.budget import Budget
from m2m.llm.client.reply import Reply, is_same_model, parse_reply
from m2m.llm.client.reply_cache import ReplyCache
from m2m.llm.client.request import Endpoint, Request, bound_tokens, build_body, check_endpoint

ATTEMPTS = 8  # with the waits below about two minutes, in which a server can start again
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0  # seconds; a random share of 1, 2, 4, …
LONGEST_RETRY_AFTER = 3600.0  # seconds
TOKEN_LIMIT, NEW_TOKEN_LIMIT = "max_tokens", "max_completion_tokens"  # OpenAI's newer models refuse the old name
PATHS = {"chat": "/chat/completions", "completion": "/completions"}
NUMBER = re.compile(r"\s*\d+(\.\d+)?\s*")
PLAIN_NAME = re.compile(r"[A-Z]+(_[A-Z]+)+")
SHORTEST_SECRET = 8  # characters; what a server without secrets is given, such as EMPTY, may stand in an answer
REDACTED = "***"
PASSING = {408, 409, 425, 429}  # and 500 and above
OF_THE_REQUEST = {400, 413, 422}  # too long for the model, filtered: other requests may succeed


class TransientError(Exception):
    """An error that may pass: try again after at least `wait` seconds."""

    def __init__(self, message: str, wait: float = 0.0, *, paid: bool = False, tokens: int | None = None) -> None:
        super().__init__(message)
        self.wait, self.paid, self.tokens = wait, paid, tokens


class RequestError(Exception):
    """This request will never be answered; others may be."""


class Caller:
    """An open connection to one endpoint, for many threads; `stop` ends waits and retries."""

    def __init__(self, endpoint: Endpoint, budget: Budget, replies: ReplyCache) -> None:
        from openai import OpenAI

        self.endpoint, self.budget, self.replies, self.stop = endpoint, budget, replies, threading.Event()
        self.key, self.limit = read_key(endpoint), TOKEN_LIMIT
        self.spellings = spell_key(self.key)
        self.client = OpenAI(base_url=endpoint.url, api_key=self.key or "none", timeout=endpoint.timeout, max_retries=0)
        self.client.organization = self.client.project = None  # the environment's, which are for OpenAI alone
        self.client._custom_headers = {}

    def __call__(self, key: str, request: Request) -> tuple[str, Reply]:
        """The raw reply, and parsed. RequestError; ValueError or OSError where no other request would do better."""
        import tenacity

        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(TransientError),
            stop=tenacity.stop_any(tenacity.stop_after_attempt(ATTEMPTS), tenacity.stop_when_event_set(self.stop)),
            wait=_wait(tenacity.wait_random_exponential(multiplier=FIRST_WAIT, max=LONGEST_WAIT)),
            sleep=tenacity.sleep_using_event(self.stop),
            reraise=True,
        )
        try:
            return retrying(self._try, key, request)
        except TransientError as error:
            raise RequestError(f"{error}, {ATTEMPTS} times") from error

    def _try(self, key: str, request: Request) -> tuple[str, Reply]:
        ceiling = bound_tokens(request)
        self.replies.require_space()
        self.budget.reserve(ceiling)
        tokens, paid, number = ceiling, True, 0
        try:
            number = self.replies.begin(key, ceiling)  # after a kill, the next run counts this try in full
            if self.stop.is_set():
                raise RequestError("stopped")
            raw = self._send(request)
            reply = self._check(request, raw)
            tokens = (reply.prompt_tokens + reply.completion_tokens) or ceiling
        except TransientError as error:
            paid, tokens = error.paid, (ceiling if error.tokens is None else error.tokens) * error.paid
            raise
        except (RequestError, OSError, ValueError):
            paid, tokens = False, 0
            raise
        finally:
            self.budget.settle(ceiling, tokens, paid=paid)
            if number:
                self.replies.end(number, tokens if paid else None)
        return raw, reply

    def _send(self, request: Request) -> str:
        import httpx2
        import openai

        body = build_body(request, self.endpoint.model)
        body[self.limit] = body.pop(TOKEN_LIMIT)
        try:
            response = self.client.post(PATHS[request.form], body=body, cast_to=httpx2.Response)
            return self._hide_key(str(response.content, "utf-8", "replace"))
        except openai.APIStatusError as error:
            if f"'{NEW_TOKEN_LIMIT}' instead" in error.message and TOKEN_LIMIT in body and request.form == "chat":
                self.limit = NEW_TOKEN_LIMIT
                return self._send(request)
            message = f"(HTTP {error.status_code}: {self._clean(error.message)})"
            wait = read_retry_after(error.response.headers, time.time)
            raise interpret_status(self.endpoint, error.status_code, message, error.code, wait) from None
        except openai.APIConnectionError as error:
            paid = not isinstance(error.__cause__, httpx2.ConnectError | httpx2.ConnectTimeout)
            reason = f"{type(error).__name__}: {self._clean(str(error.__cause__))}"
            raise TransientError(f"{self.endpoint.url} gave no reply ({reason})", paid=paid) from None

    def _check(self, request: Request, raw: str) -> Reply:
        """A reply that cannot be used is a TransientError: a gateway's error page, a stand-in for the model, …"""
        try:
            reply = parse_reply(raw)
        except ValueError as error:
            raise TransientError(f"{self.endpoint.url} sent {self._clean(str(error))}", paid=True) from None
        tokens = reply.prompt_tokens + reply.completion_tokens
        if not is_same_model(self.endpoint.model, reply.model):
            name = self._clean(reply.model)
            message = (
                f"requested model {self.endpoint.model!r} but the server answered as {name!r}: "
                f"if intended, set endpoint.model to {name}"
            )
            raise TransientError(message, paid=True, tokens=tokens)
        if request.top_logprobs and request.form == "chat" and not reply.logprobs:
            message = f"{self.endpoint.url} sends no log-probabilities, which this judge needs: choose another server"
            raise TransientError(message, paid=True, tokens=tokens)
        return reply

    def _clean(self, text: str) -> str:
        """One short line of untrusted text, without the key."""
        safe = self._hide_key(text)
        return " ".join("".join(sign if sign.isprintable() else " " for sign in safe).split())[:200]

    def _hide_key(self, text: str) -> str:
        """`text` without the key, however it is spelled there: a reply that quotes it is kept and shown."""
        return self.spellings.sub(REDACTED, text) if len(self.key) >= SHORTEST_SECRET else text


def spell_key(key: str) -> re.Pattern[str]:
    r"""The key in every spelling: as it is, as JSON in any number of layers, in a URL, in HTML, in Python's quotes.

    >>> spell_key("sk+1").sub("***", r'sk+1 sk\u002B1 sk%2b1 sk&#43;1 \"sk+1\" sk-1')
    '*** *** *** *** \\"***\\" sk-1'
    """
    signs = [
        rf"(?:{sign}|\\+u{ord(sign):04x})"
        if sign.isalnum()
        else rf"(?:\\+u{ord(sign):04x}|%{ord(sign):02x}|&#?\w+;|\\*{re.escape(sign)})"
        for sign in key
    ]
    return re.compile("".join(signs), re.IGNORECASE)


def read_key(endpoint: Endpoint) -> str:
    """The key, from the environment alone. ValueError where it is not set, or where the URL is invalid or secret."""
    check_endpoint(endpoint)
    if not endpoint.key:
        return ""
    if not os.environ.get(endpoint.key):
        name = f" {endpoint.key}" if PLAIN_NAME.fullmatch(endpoint.key) else ""  # any other may be the key itself
        raise ValueError(
            f"endpoint.key names the environment variable{name}, which is not set: export it, "
            'or set endpoint.key to "" for a server that needs no key'
        )
    key = os.environ[endpoint.key]
    if any(not "!" <= sign <= "~" for sign in key):  # an error of the transport would quote it
        raise ValueError(
            f"the key in {endpoint.key} must be printable ASCII without blanks or line ends: export it without them"
        )
    return key


def interpret_status(endpoint: Endpoint, status: int, message: str, code: str | None, wait: float) -> Exception:
    """The error that a status other than 200 means; `message` is the server's, cleaned, `code` its name for it."""
    url, key, no_credit = endpoint.url, endpoint.key, code == "insufficient_quota"
    if status in OF_THE_REQUEST:
        return RequestError(f"refused {message}")
    if (status in PASSING or status >= 500) and not no_credit:
        return TransientError(f"{url} is busy or broken {message}", wait)
    if status in {401, 403} and key:
        return OSError(f"{url} refuses the key in {key} {message}: export a valid one")
    if status in {401, 403}:
        return OSError(
            f"{url} needs a key {message}: set endpoint.key to the name of the environment variable that contains it"
        )
    if status in {404, 405}:
        return OSError(
            f"{url} has no model {endpoint.model!r}, or is no such server {message}: check endpoint.model, and "
            "endpoint.url, which usually ends in /v1"
        )
    reason = "reports that there is no credit left" if status == 402 or no_credit else "refused the request"
    return OSError(f"{url} {reason} {message}")


def read_retry_after(headers: Mapping[str, str], clock: Callable[[], float]) -> float:
    """Seconds to wait, from a Retry-After header: a number, or a date; 0 where it cannot be read.

    A date is compared with the server's own clock where it sends its time, since that of this machine may be wrong.
    """
    header = headers.get("retry-after", "")
    try:
        if NUMBER.fullmatch(header):
            seconds = float(header)
        else:
            begin = parsedate_to_datetime(headers["date"]).timestamp() if "date" in headers else clock()
            seconds = parsedate_to_datetime(header).timestamp() - begin
    except (ValueError, TypeError, OverflowError):
        return 0.0
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER)


def _wait(backoff: Callable[[Any], float]) -> Callable[[Any], float]:
    """The server's wait, and a random share more, so that not all threads come back at once."""
    return lambda state: float(state.outcome.exception().wait) + backoff(state)
