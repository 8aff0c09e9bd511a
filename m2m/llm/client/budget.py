"""Counts requests and tokens of an LLM, and stops before a request that could exceed the limit."""

import threading


class Budget:
    """Requests and tokens of one stage; `requests` and `tokens` begin with the cost of its earlier tries."""

    def __init__(self, max_requests: int, max_tokens: int, requests: int, tokens: int) -> None:
        self.max_requests, self.max_tokens = max_requests, max_tokens
        self.requests, self.tokens, self.reserved = requests, tokens, 0
        self.changed = threading.Condition()

    def reserve(self, ceiling: int) -> None:
        """Reserve one request of at most `ceiling` tokens; waits for open requests to settle. ValueError: none left."""
        with self.changed:
            while self.requests < self.max_requests and self.reserved and not self._fits(ceiling):
                self.changed.wait()
            if self.requests >= self.max_requests:
                raise ValueError(f"endpoint.max_requests is reached, {self.max_requests}{KEPT}")
            if not self._fits(ceiling):
                raise ValueError(
                    f"endpoint.max_tokens is {self.max_tokens}, of which {self.tokens} are used, and the next request "
                    f"may take {ceiling}{KEPT}"
                )
            self.requests += 1
            self.reserved += ceiling

    def settle(self, ceiling: int, tokens: int, *, paid: bool) -> None:
        """Release a reservation; `tokens` stay counted, and the request too where it may have been `paid`."""
        with self.changed:
            self.reserved -= ceiling
            self.tokens += tokens
            self.requests -= not paid
            self.changed.notify_all()

    def _fits(self, ceiling: int) -> bool:
        return self.tokens + self.reserved + ceiling <= self.max_tokens


KEPT = ": raise it and run the same command again; every reply so far is kept"
