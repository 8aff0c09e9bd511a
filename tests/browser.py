"""Debian's Chromium without a window, spoken to over a pipe: DevTools protocol, nothing to install but the browser."""

import base64
import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
in_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium")
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
)
LONGEST = 60  # seconds that any one answer may take


class Browser:
    """One page; `said` holds messages of the console, the log and uncaught errors, `asked` the requested addresses."""

    def __init__(self, profile: Path) -> None:
        down, up = os.pipe(), os.pipe()
        command = [CHROMIUM, *FLAGS, "--remote-debugging-pipe", f"--user-data-dir={profile}", "about:blank"]
        here = f'exec "$@" 3<&{down[0]} 4>&{up[1]} 2>/dev/null'
        self.process = subprocess.Popen(["bash", "-c", here, "bash", *command], pass_fds=(down[0], up[1]))
        os.close(down[0])
        os.close(up[1])
        self.out, self.into = os.fdopen(down[1], "wb"), os.fdopen(up[0], "rb")
        self.rest, self.number, self.session = b"", 0, None
        self.said: list[str] = []
        self.asked: list[str] = []
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")

    def __enter__(self) -> "Browser":
        return self

    def __exit__(self, *_: Any) -> None:
        self.process.terminate()
        self.process.wait(LONGEST)
        self.out.close()
        self.into.close()

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command, and take in what happens until it is answered."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": params} | (
            {"sessionId": self.session} if self.session else {}
        )
        self.out.write(json.dumps(message).encode() + b"\0")
        self.out.flush()
        return self._until(lambda message: message.get("id") == self.number)["result"]

    def open(self, page: Path, width: int, dark: bool = False) -> None:
        """Load a file in a window so many pixels wide."""
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600)
        self.ask("Emulation.setEmulatedMedia", features=scheme)
        self.ask("Page.navigate", url=page.as_uri())
        self._until(lambda message: message.get("method") == "Page.loadEventFired")

    def run(self, script: str) -> Any:
        """The value of an expression in the page; an error in it is a RuntimeError."""
        reply = self.ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in reply:
            raise RuntimeError(reply["exceptionDetails"]["exception"].get("description", script))
        return reply["result"].get("value")

    def click(self, selector: str) -> None:
        """A real mouse, on the middle of the first such element."""
        place = f"document.querySelector({json.dumps(selector)})"
        self.run(f"{place}.scrollIntoView({{block: 'center', behavior: 'instant'}})")
        x, y = self.run(f"(box => [box.x + box.width / 2, box.y + box.height / 2])({place}.getBoundingClientRect())")
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def picture(self, path: Path) -> None:
        """The whole page as PNG."""
        shot = self.ask("Page.captureScreenshot", captureBeyondViewport=True, format="png")
        path.write_bytes(base64.b64decode(shot["data"]))

    def _until(self, wanted: Any) -> dict[str, Any]:
        deadline = time.monotonic() + LONGEST
        while time.monotonic() < deadline:
            message = self._next()
            self._note(message)
            if "error" in message:
                raise RuntimeError(message["error"]["message"])
            if wanted(message):
                return message
        raise TimeoutError(f"Chromium did not answer within {LONGEST} seconds")

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self.rest:
            more = os.read(self.into.fileno(), 1 << 16)
            if not more:
                raise RuntimeError("Chromium has ended")
            self.rest += more
        message, _, self.rest = self.rest.partition(b"\0")
        return json.loads(message)

    def _note(self, message: dict[str, Any]) -> None:
        params = message.get("params", {})
        if message.get("method") in {"Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"}:
            self.said.append(json.dumps(params))
        if message.get("method") == "Network.requestWillBeSent":
            self.asked.append(params["request"]["url"])
