"""Limits of calls to remotes: none hangs, and no refused key is tried again. Nodes get this file too."""

import os
import re
import subprocess

CALL_SECONDS = 3600  # of one push or pull; what it has sent stays, so that the next try goes on there
SSH_LIMITS = "-o BatchMode=yes -o ConnectTimeout=20 -o ServerAliveInterval=15 -o ServerAliveCountMax=4"
HTTP_LIMITS = {"GIT_HTTP_LOW_SPEED_LIMIT": "1000", "GIT_HTTP_LOW_SPEED_TIME": "60"}  # bytes a second, seconds
REFUSED = re.compile(  # what git, ssh, DVC and S3 say to a wrong or missing key
    r"ermission denied|uthentication failed|Host key verification failed|could not read (?:Username|Password)"
    r"|terminal prompts disabled|AccessDenied|InvalidAccessKeyId|SignatureDoesNotMatch|locate credentials"
    r"|returned error: 40[13]|40[13] (?:Forbidden|Unauthorized)"
)


def limit_calls() -> dict[str, str]:
    """Variables by which git gives up on a silent remote after a minute, and asks for no password.

    A person's ssh command stays, with options for OpenSSH.
    """
    setting = subprocess.run(["git", "config", "core.sshCommand"], capture_output=True, text=True, check=False)
    command = os.environ.get("GIT_SSH_COMMAND") or setting.stdout.strip() or os.environ.get("GIT_SSH", "ssh")
    return HTTP_LIMITS | {"GIT_SSH_COMMAND": f"{command} {SSH_LIMITS}", "GIT_TERMINAL_PROMPT": "0"}
