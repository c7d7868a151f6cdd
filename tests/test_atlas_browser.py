"""The atlas in a browser: headless Chromium, driven over the pipe of its DevTools protocol."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from virtspec.cli import main

SPEC = Path(__file__).parents[1] / "spec"
CHROMIUM = next((p for p in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if p), None)

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium; apt-get install chromium"),
    # one browser for all of them
    pytest.mark.xdist_group("chromium"),
]


class Browser:
    """One tab. Commands and answers are JSON with a NUL behind each, on the descriptors 3 and 4 of the browser."""

    def __init__(self, profile: Path) -> None:
        to_browser, self._out = os.pipe()
        self._in, from_browser = os.pipe()

        def plumb() -> None:
            os.dup2(to_browser, 3)
            os.dup2(from_browser, 4)

        # the descriptors may be 3 and 4 already, and then would be closed on exec
        to_browser, from_browser = (self._above(fd) for fd in (to_browser, from_browser))
        flags = (
            "--headless --no-sandbox --disable-gpu --disable-background-networking --no-first-run --disable-extensions"
        )
        self._process = subprocess.Popen(
            [str(CHROMIUM), *flags.split(), "--remote-debugging-pipe", f"--user-data-dir={profile}", "about:blank"],
            preexec_fn=plumb,
            pass_fds=(3, 4),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        self._buffer = b""
        self._number = 0
        self._session = ""
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    @staticmethod
    def _above(fd: int) -> int:
        import fcntl

        moved = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10)
        os.close(fd)
        return moved

    def close(self) -> None:
        os.close(self._out)
        self._process.terminate()
        self._process.wait(20)
        os.close(self._in)

    def call(self, method: str, **parameters: object) -> dict[str, Any]:
        self._number += 1
        message: dict[str, object] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result
            self.events.append(answer)

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            data = os.read(self._in, 1 << 16)
            assert data, "the browser is gone"
            self._buffer += data
        text, self._buffer = self._buffer.split(b"\0", 1)
        message: dict[str, Any] = json.loads(text)
        return message

    def open(self, path: Path, anchor: str = "") -> None:
        self.events.clear()
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=path.as_uri() + (f"#{anchor}" if anchor else ""))
        self.wait("document.readyState === 'complete' && location.protocol === 'file:'")

    def evaluate(self, script: str) -> Any:
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait(self, script: str) -> None:
        poll = f"new Promise((done, fail) => {{ let n = 0; (function look() {{ if ({script}) done(true);"
        assert self.evaluate(poll + " else if (n++ > 250) fail('waited in vain'); else setTimeout(look, 20); })(); })")

    def type(self, text: str) -> None:
        self.call("Input.insertText", text=text)

    def press(self, key: str, text: str = "") -> None:
        code = {"Enter": 13, "Escape": 27, "ArrowDown": 40, "ArrowUp": 38, "/": 191}[key]
        for kind in ("keyDown", "keyUp"):
            extra = {"text": text} if text and kind == "keyDown" else {}
            self.call("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, **extra)

    def complaints(self) -> list[str]:
        """What the console says since the page was opened, and every address that is no file of the site."""
        said = []
        for event in self.events:
            match event["method"]:
                case "Runtime.exceptionThrown":
                    said.append(str(event["params"]["exceptionDetails"]))
                case "Log.entryAdded" if event["params"]["entry"]["level"] in ("error", "warning"):
                    said.append(str(event["params"]["entry"]["text"]))
                case "Runtime.consoleAPICalled":
                    said.append(str(event["params"]))
                case "Network.requestWillBeSent":
                    url = str(event["params"]["request"]["url"])
                    said += [] if url.startswith(("file:", "about:", "data:")) else [url]
                case "Network.loadingFailed":
                    said.append(str(event["params"]))
        return said


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    browser = Browser(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of the two newest releases and the draft chapter, or of the chapter alone where they are not here."""
    out = tmp_path_factory.mktemp("site")
    models = [SPEC / "models" / f"virtio-{edition}.json" for edition in ("1.3", "1.4")]
    given = [str(m) for m in models if m.is_file()]
    chapter = str(SPEC / "device-context.tex")
    assert main(["atlas", *(given and [*given, "--draft"]), chapter, "-o", str(out)]) == 0
    return out


def test_every_page_opens_without_a_complaint(browser: Browser, site: Path) -> None:
    pages = sorted(site.glob("*.html"))
    assert len(pages) > 8
    for page in pages:
        browser.open(page)
        assert browser.complaints() == [], page.name
        assert browser.evaluate("document.querySelectorAll('h1').length") == 1
        assert browser.evaluate("document.fonts.status") == "loaded"


def test_search_from_the_keyboard(browser: Browser, site: Path) -> None:
    browser.open(site / "index.html")
    browser.press("/", "/")
    assert browser.evaluate("document.activeElement.id") == "search"
    assert browser.evaluate("document.activeElement.value") == "", "the key itself is not typed"
    browser.type("dev_ctx field_tlv")
    browser.wait("document.querySelectorAll('#search-results [role=option]').length > 0")
    assert (
        browser.evaluate("document.querySelector('[aria-selected=true] .name').textContent")
        == "virtio_dev_ctx_field_tlv"
    )
    assert browser.evaluate("document.getElementById('search').getAttribute('aria-expanded')") == "true"
    browser.press("Enter")
    browser.wait("location.pathname.endsWith('device_context.html')")
    assert browser.evaluate("location.hash") == "#struct/virtio_dev_ctx_field_tlv"
    assert browser.complaints() == []


def test_arrows_and_escape(browser: Browser, site: Path) -> None:
    browser.open(site / "structs.html")
    browser.press("/", "/")
    browser.type("virtio")
    browser.wait("document.querySelectorAll('#search-results [role=option]').length > 3")
    chosen = "document.getElementById('search').getAttribute('aria-activedescendant')"
    assert browser.evaluate(chosen) == "found-0"
    browser.press("ArrowDown")
    browser.press("ArrowDown")
    assert browser.evaluate(chosen) == "found-2"
    browser.press("ArrowUp")
    assert browser.evaluate(chosen) == "found-1"
    browser.press("Escape")
    assert browser.evaluate("document.getElementById('search-results').hidden")
    assert browser.evaluate("document.getElementById('search').value") == ""


def test_search_that_finds_nothing_says_so(browser: Browser, site: Path) -> None:
    browser.open(site / "index.html")
    browser.press("/", "/")
    browser.type("no_such_name_at_all")
    browser.wait("document.getElementById('search-status').textContent !== ''")
    assert browser.evaluate("document.getElementById('search-status').textContent") == "Nothing found"


def test_a_permalink_shows_its_member(browser: Browser, site: Path) -> None:
    browser.open(site / "device_context.html", "struct/virtio_dev_ctx_field_tlv/length")
    top = browser.evaluate("document.querySelector('tr:target').getBoundingClientRect().top")
    assert 50 <= top <= browser.evaluate("innerHeight"), "in view, and not under the header"


def test_light_and_dark(browser: Browser, site: Path) -> None:
    paper = "getComputedStyle(document.body).backgroundColor"
    browser.open(site / "index.html")
    seen = {}
    for scheme in ("light", "dark"):
        browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        seen[scheme] = browser.evaluate(paper)
    assert seen["light"] != seen["dark"]
    browser.evaluate("document.querySelector('.theme-button').click()")
    assert browser.evaluate(paper) == seen["light"], "the reader's choice goes before the system's"
    browser.open(site / "structs.html")
    assert browser.evaluate(paper) == seen["light"], "and lasts"
    browser.evaluate("localStorage.clear()")
    browser.call("Emulation.setEmulatedMedia", features=[])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out(browser: Browser, site: Path, scheme: str) -> None:
    """The contrast of text and links with what is behind them, by the formula of WCAG, is at least 4.5."""
    browser.open(site / "device_context.html")
    browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    colours = browser.evaluate("""(() => {
        const style = getComputedStyle(document.documentElement);
        const grounds = ['paper', 'raised', 'target', 'integer', 'bytes', 'struct', 'bits', 'reserved'];
        const names = ['ink', 'faint', 'link', ...grounds];
        return Object.fromEntries(names.map((name) => [name, style.getPropertyValue('--' + name).trim()]));
    })()""")
    browser.call("Emulation.setEmulatedMedia", features=[])
    pairs = [(text, ground) for text in ("ink", "faint", "link") for ground in ("paper", "raised", "target")]
    pairs += [("ink", ground) for ground in ("integer", "bytes", "struct", "bits")]
    pairs += [("faint", "reserved"), ("link", "struct")]
    low = {(text, ground): contrast(colours[text], colours[ground]) for text, ground in pairs}
    assert not {pair: value for pair, value in low.items() if value < 4.5}


def contrast(one: str, other: str) -> float:
    a, b = sorted((luminance(one), luminance(other)), reverse=True)
    return (a + 0.05) / (b + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_whatever_can_be_used_has_a_name(browser: Browser, site: Path) -> None:
    browser.open(site / "device_context.html")
    tree = browser.call("Accessibility.getFullAXTree")["nodes"]
    shown = [(n["role"]["value"], n.get("name", {}).get("value", "")) for n in tree if not n["ignored"] and "role" in n]
    roles = {"link", "button", "combobox", "table", "navigation"}
    assert roles <= {role for role, _ in shown}
    assert not [role for role, name in shown if role in roles and not name.strip()]


def test_a_narrow_screen_does_not_scroll_sideways(browser: Browser, site: Path) -> None:
    browser.call("Emulation.setDeviceMetricsOverride", width=390, height=800, deviceScaleFactor=1, mobile=False)
    for name in ("index", "device_context", "structs", "changes"):
        browser.open(site / f"{name}.html")
        assert browser.evaluate("document.documentElement.scrollWidth") <= 390, name
    browser.evaluate("document.querySelector('.menu-button').click()")
    assert browser.evaluate("getComputedStyle(document.querySelector('.side')).display") == "block"
    browser.press("Escape")
    assert browser.evaluate("getComputedStyle(document.querySelector('.side')).display") == "none"
    browser.call("Emulation.clearDeviceMetricsOverride")
