"""What went wrong with a request to a server: trouble that may pass, trouble of this request, or of them all."""

import re
from collections.abc import Callable
from email.utils import parsedate_to_datetime

from m2m.llm.client.request import Endpoint

LONGEST_RETRY_AFTER = 3600.0
NUMBER = re.compile(r"\s*\d+(\.\d+)?\s*")
PASSING = {408, 409, 425, 429}  # and 500 and above
OF_THE_REQUEST = {400, 413, 422}  # too long for the model, filtered: no other request need fail


class TransientError(Exception):
    """Trouble that may pass: to be tried again, after `wait` seconds at least."""

    def __init__(self, told: str, wait: float = 0.0, *, paid: bool = False, used: int | None = None) -> None:
        super().__init__(told)
        self.wait, self.paid, self.used = wait, paid, used


class RequestError(Exception):
    """This request will not be answered, now or later; others may be."""


def interpret_status(endpoint: Endpoint, status: int, told: str, code: str | None, wait: float) -> Exception:
    """What a status other than 200 means; `told` is the server's own words, cleaned, `code` its name for the error."""
    url, key, no_credit = endpoint.url, endpoint.key, code == "insufficient_quota"
    if status in OF_THE_REQUEST:
        return RequestError(f"refused {told}")
    if (status in PASSING or status >= 500) and not no_credit:
        return TransientError(f"{url} is busy or broken {told}", wait)
    if status in {401, 403} and key:
        return OSError(f"{url} takes no request with the key in {key} {told}: export a valid one")
    if status in {401, 403}:
        return OSError(f"{url} wants a key {told}: set key to the name of the environment variable that holds it")
    if status in {404, 405}:
        return OSError(f"{url} has no model {endpoint.model!r}, or is no such server: it mostly ends in /v1 {told}")
    what = "says that there is no credit left" if status == 402 or no_credit else "does not do what was asked"
    return OSError(f"{url} {what} {told}")


def read_retry_after(header: str, clock: Callable[[], float]) -> float:
    """Seconds to wait, from a Retry-After header: a number, or a date; 0 where it says nothing that can be read."""
    try:
        seconds = float(header) if NUMBER.fullmatch(header) else parsedate_to_datetime(header).timestamp() - clock()
    except (ValueError, TypeError, OverflowError):
        return 0.0
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER)
