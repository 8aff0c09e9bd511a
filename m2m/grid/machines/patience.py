"""Waits for what may be away for a while: a remote, or Slurm's controller."""

from collections.abc import Callable
from time import sleep

from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_delay, wait_exponential

REMOTE_PATIENCE, LONGEST_PAUSE = 600, 30  # seconds that a remote may be away, and between two tries


class RemoteAway(OSError):
    """A remote or a controller did not answer."""


def wait_while_away(call: Callable[[], str], remedy: str) -> str:
    """What `call` returns; again while it raises RemoteAway, which in the end has its reason and the `remedy`."""
    patient = Retrying(
        sleep=sleep,
        retry=retry_if_exception_type(RemoteAway),
        wait=wait_exponential(max=LONGEST_PAUSE),
        stop=stop_after_delay(REMOTE_PATIENCE),
        before_sleep=_report_first_failure,
        reraise=True,
    )
    try:
        return str(patient(call))
    except RemoteAway as error:
        raise RemoteAway(f"{error} for {REMOTE_PATIENCE} s. {remedy}") from None


def _report_first_failure(state: RetryCallState) -> None:
    if state.attempt_number == 1 and state.outcome:
        print(f"grid: {state.outcome.exception()}, and is tried again for {REMOTE_PATIENCE} s", flush=True)
