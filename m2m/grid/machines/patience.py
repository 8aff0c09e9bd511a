"""Waits for what may be away for a while: a remote, or Slurm's controller."""

from collections.abc import Callable
from time import monotonic, sleep

REMOTE_PATIENCE, LONGEST_PAUSE = 600, 30  # seconds that a remote may be away, and between two tries
MOST_ABSENCES = 8  # an absence begins after each try longer than the patience; a remote that hangs has no other tries


class RemoteAway(OSError):
    """A remote or a controller did not answer."""


def wait_while_away(call: Callable[[], str], remedy: str) -> str:
    """What `call` returns; again while it raises RemoteAway, which in the end has its reason and the `remedy`.

    An absence begins with the first failure. A try longer than REMOTE_PATIENCE reached the remote, or hung: its failure
    begins another absence, up to MOST_ABSENCES.
    """
    absences, absence_start, pause = 0, 0.0, 1
    while True:
        try_start = monotonic()
        try:
            return call()
        except RemoteAway as error:
            failure = monotonic()
            is_new = not absences or failure - try_start > REMOTE_PATIENCE
            if is_new:
                absences, absence_start, pause = absences + 1, failure, 1
            if failure - absence_start >= REMOTE_PATIENCE:
                raise RemoteAway(f"{error} for {failure - absence_start:.0f} s. {remedy}") from None
            if absences == MOST_ABSENCES:
                raise RemoteAway(f"{error}, {absences} times after more than {REMOTE_PATIENCE} s. {remedy}") from None
            if is_new:
                print(f"grid: {error}, and is tried again for {REMOTE_PATIENCE} s", flush=True)
        sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)
