"""A headless Chromium that looks at one page, driven by its DevTools protocol through a pipe. It reaches
no host but this one."""

import base64
import contextlib
import fcntl
import json
import os
import re
import select
import shutil
import subprocess
import tempfile
import time

from .process import Timeout, _die_with_parent, _starter, poll

ANSWER_S = 30
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
         "--disable-default-apps", "--no-default-browser-check", "--metrics-recording-only", "--mute-audio",
         "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1", "--no-proxy-server", "--remote-debugging-pipe")


class Browser:
    def __init__(self):
        self._home = tempfile.mkdtemp(prefix="wb-chromium-", dir=os.environ.get("WB_TEST_TMP"))
        its_in, self._out = os.pipe()
        self._in, its_out = os.pipe()
        # Chromium reads from 3 and writes to 4: our own descriptors must not have these numbers.
        far = [fcntl.fcntl(fd, fcntl.F_DUPFD, 20) for fd in (its_in, its_out)]
        with open(os.path.join(self._home, "log"), "wb") as log:
            self._child = _starter.submit(
                subprocess.Popen, ["bash", "-c", f'exec "$@" 3<&{far[0]} 4>&{far[1]}', "chromium", "chromium", *FLAGS,
                                   f"--user-data-dir={self._home}/profile", "about:blank"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=far, cwd=self._home,
                env={**os.environ, "HOME": self._home}, preexec_fn=_die_with_parent).result()
        for fd in (its_in, its_out, *far):
            os.close(fd)
        self._rest, self._next, self._session = b"", 0, None
        self.complaints = []  # of the page's console: exceptions, what the policy has blocked
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self._call(domain + ".enable")
        # The page asks the bridge every few seconds: here ten times as often.
        self._call("Page.addScriptToEvaluateOnNewDocument", source="""
            const slow = window.setTimeout; window.setTimeout = (run, ms) => slow(run, ms / 10);""")

    def close(self):
        with contextlib.suppress(OSError, Timeout):
            self._session = None
            self._call("Browser.close")
        for fd in (self._in, self._out):
            os.close(fd)
        try:
            self._child.wait(5)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        shutil.rmtree(self._home, ignore_errors=True)

    # ---- the protocol -------------------------------------------------------------------------------

    def _call(self, method, **params):
        self._next += 1
        message = {"id": self._next, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + ANSWER_S
        while True:
            answer = self._read(deadline, method)
            if answer.get("id") == self._next:
                if "error" in answer:
                    raise AssertionError(f"{method}: {answer['error']}")
                return answer["result"]
            self._event(answer)

    def _read(self, deadline, what):
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._in], [], [], max(0, deadline - time.monotonic()))
            more = os.read(self._in, 1 << 20) if ready else b""
            if not more:
                with open(os.path.join(self._home, "log"), encoding="utf-8", errors="replace") as log:
                    raise Timeout(f"chromium: no answer to {what}\n{log.read()[-3000:]}")
            self._rest += more
        one, self._rest = self._rest.split(b"\0", 1)
        return json.loads(one)

    def _event(self, event):
        params = event.get("params", {})
        if event.get("method") == "Runtime.exceptionThrown":
            self.complaints.append(params["exceptionDetails"].get("exception", {}).get("description", "exception"))
        # A failed request is something that the page handles, not a fault of the page.
        if event.get("method") == "Log.entryAdded" and params["entry"]["source"] != "network":
            self.complaints.append(params["entry"]["text"])

    # ---- what a person does and sees ----------------------------------------------------------------

    def open(self, url, width=1000, height=1200, zone="UTC"):
        self.complaints.clear()
        self._call("Emulation.setTimezoneOverride", timezoneId=zone)
        self.resize(width, height)
        self._call("Page.navigate", url=url)

    def resize(self, width, height):
        self._call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def reload(self):
        self._call("Page.reload")

    def run(self, script):
        answer = self._call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise AssertionError(f"{script}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def text(self):
        """The visible text, without hidden parts."""
        return self.run("document.body ? document.body.innerText : ''")

    def wait_text(self, pattern, timeout=20):
        found = poll(lambda: re.search(pattern, self.text(), re.S) and self.text(), timeout,
                     f"the page shows {pattern!r}", more=self.text)
        return found

    def click(self, element):
        """Clicks with the mouse, in the element's middle."""
        box = self.run(f"""(() => {{ const e = document.getElementById({element!r}); e.scrollIntoView();
            const b = e.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2, b.width]; }})()""")
        if not box[2]:
            raise AssertionError(f"#{element} is not shown")
        for kind in ("mousePressed", "mouseReleased"):
            self._call("Input.dispatchMouseEvent", type=kind, x=box[0], y=box[1], button="left", clickCount=1)

    def type(self, element, text):
        self.run(f"document.getElementById({element!r}).focus()")
        self._call("Input.insertText", text=text)

    def picture(self):
        return base64.b64decode(self._call("Page.captureScreenshot", format="png")["data"])
