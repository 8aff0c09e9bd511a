"""What a server's refusal means: for this request, for all of them, or for now; and how long to wait."""

import re
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime

from m2m.llm.client.request import Endpoint

LONGEST_RETRY_AFTER = 3600.0  # seconds
NUMBER = re.compile(r"\s*\d+(\.\d+)?\s*")
PASSING = {408, 409, 425, 429}  # and 500 and above
OF_THE_REQUEST = {400, 413, 422}  # too long for the model, filtered: other requests may succeed


class TransientError(Exception):
    """An error that may pass: try again after at least `wait` seconds."""

    def __init__(self, message: str, wait: float = 0.0, *, paid: bool = False, tokens: int | None = None) -> None:
        super().__init__(message)
        self.wait, self.paid, self.tokens = wait, paid, tokens


class RequestError(Exception):
    """This request will never be answered; others may be."""


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
