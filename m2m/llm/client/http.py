"""Sends one request to a server that speaks OpenAI's protocol, again and again while the trouble may pass."""

import os
import threading
import time
from collections.abc import Callable
from typing import Any

from m2m.llm.client.budget import Budget
from m2m.llm.client.reply import Reply, is_same_model, parse_reply
from m2m.llm.client.reply_cache import ReplyCache
from m2m.llm.client.request import Endpoint, Request, bound_tokens, build_body
from m2m.llm.client.trouble import RequestError, TransientError, interpret_status, read_retry_after

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
        """The raw reply and what it says. Failed, or ValueError/OSError where no other request would do better."""
        import tenacity

        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(TransientError),
            stop=tenacity.stop_any(tenacity.stop_after_attempt(ATTEMPTS), tenacity.stop_when_event_set(self.stop)),
            wait=_wait(tenacity.wait_random_exponential(multiplier=FIRST_WAIT, max=LONGEST_WAIT)),
            sleep=tenacity.sleep_using_event(self.stop),
            reraise=True,
        )
        try:
            return retrying(self._once, key, request)
        except TransientError as error:
            raise RequestError(f"{error}, {ATTEMPTS} times") from error

    def _once(self, key: str, request: Request) -> tuple[str, Reply]:
        most = bound_tokens(request)
        self.budget.reserve(most)
        used, paid, one = most, True, 0
        try:
            one = self.replies.begin(key, most)  # should a kill cut it short, the next run knows
            if self.stop.is_set():
                raise RequestError("stopped")
            raw = self._sent(request)
            reply = self._checked(request, raw)
            used = (reply.prompt_tokens + reply.completion_tokens) or most
        except TransientError as error:
            paid, used = error.paid, (most if error.used is None else error.used) * error.paid
            raise
        except (RequestError, OSError, ValueError):
            paid, used = False, 0
            raise
        finally:
            self.budget.settle(most, used, paid=paid)
            if one:
                self.replies.end(one, used if paid else None)
        return raw, reply

    def _sent(self, request: Request) -> str:
        import httpx2
        import openai

        sent = build_body(request, self.endpoint.model)
        sent[self.limit] = sent.pop(TOKEN_LIMIT)
        try:
            response = self.client.post(PATHS[request.form], build_body=sent, cast_to=httpx2.Response)
            return str(response.content, "utf-8", "replace")
        except openai.APIStatusError as error:
            if f"'{NEW_TOKEN_LIMIT}' instead" in error.message and TOKEN_LIMIT in sent and request.form == "chat":
                self.limit = NEW_TOKEN_LIMIT
                return self._sent(request)
            told = f"(HTTP {error.status_code}: {self._clean(error.message)})"
            wait = read_retry_after(error.response.headers.get("retry-after", ""), time.time)
            raise interpret_status(self.endpoint, error.status_code, told, error.code, wait) from None
        except openai.APIConnectionError as error:
            never_sent = isinstance(error.__cause__, httpx2.ConnectError | httpx2.ConnectTimeout)
            told = f"{self.endpoint.url} gave no reply ({type(error).__name__}: {self._clean(str(error.__cause__))})"
            raise TransientError(told, paid=not never_sent) from None

    def _checked(self, request: Request, raw: str) -> Reply:
        """ValueErrors of a reply become Passing: a gateway's error page, another model that stands in, …"""
        try:
            reply = parse_reply(raw)
        except ValueError as error:
            raise TransientError(f"{self.endpoint.url} sent {self._clean(str(error))}", paid=True) from None
        used = reply.prompt_tokens + reply.completion_tokens
        if not is_same_model(self.endpoint.model, reply.model):
            told = (
                f"asked {self.endpoint.model!r}, {self._clean(reply.model)!r} answered: if that is right, set model so"
            )
            raise TransientError(told, paid=True, used=used)
        if request.top_logprobs and request.form == "chat" and not reply.logprobs:
            told = f"{self.endpoint.url} sends no log-probabilities, which this judge reads: choose a server that does"
            raise TransientError(told, paid=True, used=used)
        return reply

    def _clean(self, text: str) -> str:
        """One short line of untrusted text, without the key."""
        shown = text.replace(self.key, "***") if self.key else text
        return " ".join("".join(one if one.isprintable() else " " for one in shown).split())[:200]


def read_key(endpoint: Endpoint) -> str:
    """The key, from the environment alone. ValueError when it is not there, or when the URL is none or has a secret."""
    if "@" in endpoint.url or not endpoint.url.startswith(("http://", "https://")):
        raise ValueError("url must begin with http:// or https:// and hold no name or password, which belong into key")
    if not endpoint.key:
        return ""
    if not endpoint.key.isidentifier():
        raise ValueError("key must be the name of an environment variable that holds the key, not the key itself")
    if not os.environ.get(endpoint.key):
        raise ValueError(
            f"key names the environment variable {endpoint.key}, which is not set: export it, "
            'or set key to "" for a server that needs none'
        )
    key = os.environ[endpoint.key]
    if any(not "!" <= sign <= "~" for sign in key):  # an error of the transport would quote it
        raise ValueError(
            f"the key in {endpoint.key} must be printable ASCII without blanks or line ends: export it without them"
        )
    return key


def _wait(backoff: Callable[[Any], float]) -> Callable[[Any], float]:
    """What the server asks for, and a random share on top, so that not all come back at once."""
    return lambda state: float(state.outcome.exception().wait) + backoff(state)
