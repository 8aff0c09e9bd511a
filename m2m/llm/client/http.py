"""Sends one request to a server with OpenAI's protocol, and retries while the error may pass."""

import threading
import time
from collections.abc import Callable
from typing import Any

from m2m.llm.client.api_key import hide_key, read_key
from m2m.llm.client.budget import Budget
from m2m.llm.client.failures import RequestError, TransientError, interpret_status, read_retry_after
from m2m.llm.client.reply import Reply, is_same_model, parse_reply
from m2m.llm.client.reply_cache import ReplyCache
from m2m.llm.client.request import Endpoint, Request, bound_tokens, build_body

ATTEMPTS = 8  # with the waits below about two minutes, in which a server can start again
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0  # seconds; a random share of 1, 2, 4, …
TOKEN_LIMIT, NEW_TOKEN_LIMIT = "max_tokens", "max_completion_tokens"  # OpenAI's newer models refuse the old name
PATHS = {"chat": "/chat/completions", "completion": "/completions"}


class Caller:
    """An open connection to one endpoint, for many threads; `stop` ends waits and retries."""

    def __init__(self, endpoint: Endpoint, budget: Budget, replies: ReplyCache) -> None:
        from openai import OpenAI

        self.endpoint, self.budget, self.replies, self.stop = endpoint, budget, replies, threading.Event()
        self.key, self.limit = read_key(endpoint), TOKEN_LIMIT
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
            return hide_key(str(response.content, "utf-8", "replace"), self.key)
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
        safe = hide_key(text, self.key)
        return " ".join("".join(sign if sign.isprintable() else " " for sign in safe).split())[:200]


def _wait(backoff: Callable[[Any], float]) -> Callable[[Any], float]:
    """The server's wait, and a random share more, so that not all threads come back at once."""
    return lambda state: float(state.outcome.exception().wait) + backoff(state)
