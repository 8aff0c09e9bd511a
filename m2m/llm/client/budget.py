"""Counts what an LLM has cost and lets no request through that could pass the limit."""

import threading


class Budget:
    """Requests and tokens of one stage; `requests` and `tokens` begin with what its earlier tries have cost."""

    def __init__(self, max_requests: int, max_tokens: int, requests: int, tokens: int) -> None:
        self.max_requests, self.max_tokens = max_requests, max_tokens
        self.requests, self.tokens, self.reserved = requests, tokens, 0
        self.changed = threading.Condition()

    def reserve(self, most: int) -> None:
        """Set aside one request of at most `most` tokens; waits for open ones to give back. ValueError: none left."""
        with self.changed:
            while self.requests < self.max_requests and self.reserved and not self._fits(most):
                self.changed.wait()
            if self.requests >= self.max_requests:
                raise ValueError(f"max_requests, {self.max_requests}, is reached{KEPT}")
            if not self._fits(most):
                raise ValueError(
                    f"max_tokens, {self.max_tokens}, could be passed: {self.tokens} are used, "
                    f"and the next request may take {most}{KEPT}"
                )
            self.requests += 1
            self.reserved += most

    def settle(self, most: int, used: int, *, paid: bool) -> None:
        """Give back what `reserve` set aside; `used` tokens stay, and the request too where it may have been `paid`."""
        with self.changed:
            self.reserved -= most
            self.tokens += used
            self.requests -= not paid
            self.changed.notify_all()

    def _fits(self, most: int) -> bool:
        return self.tokens + self.reserved + most <= self.max_tokens


KEPT = "; every reply so far is kept: raise the limit and run again to go on"
