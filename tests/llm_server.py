"""A server on loopback that speaks OpenAI's protocol and misbehaves on request; it keeps what it was asked."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from m2m.llm.client.request import Endpoint

HERE = Endpoint(
    model="tiny", revision="main", url="", key="", concurrency=8, timeout=60, max_failed_share=0.0,
    max_requests=10_000, max_tokens=10_000_000,
)  # fmt: skip
FAULTS = ("429", "500", "slow", "drop", "no json", "wrong model", "no logprobs")
PATIENCE = 3.0  # seconds, for a client that is to meet "slow": a busy machine must not look slow
REFUSALS = {
    "400": "This model's maximum context length is 8 tokens",
    "401": "Incorrect API key provided: {key}",
    "404": "The model does not exist",
    "429": "Slow down",
    "500": "Oops",
}


class LlmServer(ThreadingHTTPServer):
    """`answer` makes the text from the request's body; `fault` names what goes wrong with the n-th request, or ""."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, answer: Callable[[dict[str, Any]], str], fault: Callable[[int], str], delay: float) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer, self.fault, self.delay = answer, fault, delay
        self.limit = "max_tokens"  # by this name it is told where to cut a reply
        self.top_logprobs = [{"token": "m", "logprob": -0.25}, {"token": "M", "logprob": -1.5}]
        self.pause_after = 10**9  # requests; those that come later wait until `go` is set
        self.go = threading.Event()
        self.lock = threading.Lock()
        self.asked: list[dict[str, Any]] = []  # every body that arrived
        self.served: list[dict[str, Any]] = []  # those that got a good reply
        self.headers: list[dict[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def handle_error(self, *_: Any) -> None:
        """A client that hung up is no news."""


@contextmanager
def llm_server(
    answer: Callable[[dict[str, Any]], str] = lambda body: f"You said: {said(body)}",
    fault: Callable[[int], str] = lambda number: "",
    delay: float = 0.0,
) -> Iterator[LlmServer]:
    """A server that runs while the block does."""
    server = LlmServer(answer, fault, delay)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def said(body: dict[str, Any]) -> str:
    """The last thing that the model was told."""
    return body["prompt"] if "prompt" in body else body["messages"][-1]["content"]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: LlmServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with self.server.lock:
            number = len(self.server.asked)
            self.server.asked.append(body)
            self.server.headers.append({name.lower(): value for name, value in self.headers.items()})
        fault = self.server.fault(number)
        time.sleep(self.server.delay)
        while fault == "slow" and not self._hung_up():
            time.sleep(0.05)
        if number >= self.server.pause_after:
            self.server.go.wait(60)
        if self._hung_up():
            self.close_connection = True
            return
        if fault in REFUSALS:
            message = REFUSALS[fault].format(key=self.headers["authorization"].split()[-1])
            self._send(int(fault), json.dumps({"error": {"message": message}}))
        elif self.server.limit not in body:
            message = "'max_tokens' is not supported with this model. Use '" + self.server.limit + "' instead."
            self._send(400, json.dumps({"error": {"message": message}}))
        elif fault == "no json":
            self._send(200, "<html>bad gateway</html>")
        elif fault == "echo":
            self._send(200, f"<html>bad gateway for {self.headers['authorization']}</html>")
        elif fault == "drop":
            self._send(200, json.dumps(self._reply(body, fault)), cut=20)
            self.close_connection = True
        else:
            if fault in ("", "no usage") or (fault == "no logprobs" and "logprobs" not in body):
                with self.server.lock:
                    self.server.served.append(body)
            self._send(200, json.dumps(self._reply(body, fault)))

    def _hung_up(self) -> bool:
        """Whether nobody waits any more: then nothing is written, and nothing paid."""
        self.connection.setblocking(False)
        try:
            return not self.connection.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except ConnectionError:
            return True
        finally:
            self.connection.setblocking(True)

    def _reply(self, body: dict[str, Any], fault: str) -> dict[str, Any]:
        text = self.server.answer(body)
        words = text.split()
        most = body[self.server.limit]
        length = len(words) > most
        text = " ".join(words[:most]) if length else text
        choice: dict[str, Any] = {"index": 0, "finish_reason": "length" if length else "stop"}
        choice |= {"text": text} if "prompt" in body else {"message": {"role": "assistant", "content": text}}
        if body.get("logprobs") and fault != "no logprobs":
            place = self.server.top_logprobs[0] | {"top_logprobs": self.server.top_logprobs}
            choice["logprobs"] = {"content": [place]}
        used = {"prompt_tokens": len(said(body).split()), "completion_tokens": min(len(words), most)}
        return {
            "id": "x",
            "model": "somebody-else" if fault == "wrong model" else body["model"],
            "system_fingerprint": "fp_1",
            "choices": [choice],
            "usage": None if fault == "no usage" else used,
        }

    def _send(self, status: int, text: str, cut: int = 0) -> None:
        payload = text.encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(payload)))
        if status == 429:
            self.send_header("retry-after", "0")
        self.end_headers()
        self.wfile.write(payload[: len(payload) - cut])

    def log_message(self, *_: Any) -> None:
        """Say nothing."""
