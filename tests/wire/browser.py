"""A headless Chromium for tests. Every call blocks: use it from a thread. Every wait ends."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

try:
    from selenium import webdriver
    from selenium.common.exceptions import WebDriverException
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.ui import WebDriverWait
except ImportError:
    webdriver = None  # type: ignore[assignment]

__all__ = ["Browser", "ChatPage", "Page", "missing"]

T = TypeVar("T")

PATIENCE = 20.0
"""Seconds that a wait takes at most."""

ARGUMENTS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1280,800")


def missing() -> str | None:
    """Say what the tests with a browser lack here, or return None."""
    if webdriver is None:
        return "selenium is not installed"
    lacking = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
    return f"{' and '.join(lacking)} not found" if lacking else None


class Browser:
    """One browser process; its pages stand in windows of their own."""

    def __init__(self) -> None:
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium") or ""
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        for argument in ARGUMENTS:
            options.add_argument(argument)
        # A process group of its own, so that it can be ended whatever state it is in.
        self._service = webdriver.ChromeService(shutil.which("chromedriver"), popen_kw={"start_new_session": True})
        self.driver = webdriver.Chrome(options, self._service)
        self.driver.set_page_load_timeout(PATIENCE)
        self.driver.set_script_timeout(PATIENCE)
        self._fresh = True

    def window(self) -> str:
        """Open a window and return its handle."""
        if not self._fresh:
            self.driver.switch_to.new_window("window")
        self._fresh = False
        return self.driver.current_window_handle

    def complaints(self) -> list[str]:
        """Return what all pages have put into the console since the last time."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def quit(self) -> None:
        """End the process and all of its children, whatever state they are in."""
        process = self._service.process
        try:
            self.driver.quit()
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


class Page:
    """
    One page in a window of its own.

    Args:
        browser: Whose window.
        url: What to load.
    """

    def __init__(self, browser: Browser, url: str) -> None:
        self._browser = browser
        self._window = browser.window()
        browser.driver.get(url)

    @property
    def driver(self) -> Any:
        """The driver, looking at this page."""
        self._browser.driver.switch_to.window(self._window)
        return self._browser.driver

    def run(self, script: str, *arguments: object) -> Any:
        """Return what a script gives."""
        return self.driver.execute_script(script, *arguments)

    def wait(self, look: Callable[[], T], wanted: Callable[[T], object] = bool) -> T:
        """Look until what is seen is wanted, and return it; an error shows what was seen last."""
        seen: list[T] = []

        def enough(_: object) -> bool:
            seen.append(look())
            return bool(wanted(seen[-1]))

        try:
            WebDriverWait(self.driver, PATIENCE, poll_frequency=0.05).until(enough)
        except WebDriverException as error:
            raise AssertionError(f"not seen in {PATIENCE:.0f} s, but {seen[-1:]}") from error
        return seen[-1]

    def follow(self, selector: str) -> None:
        """Click a link, and wait until its page is there."""
        before = self.driver.current_url
        self.run("document.querySelector(arguments[0]).click()", selector)
        self.wait(lambda: self.driver.current_url, lambda url: bool(url != before))

    def text(self, id: str) -> str:
        """Return the text of an element."""
        text: str = self.run("return document.getElementById(arguments[0]).textContent", id)
        return text

    def visible(self, id: str) -> bool:
        """Whether an element can be seen."""
        return bool(self.run("return document.getElementById(arguments[0]).checkVisibility()", id))

    def focused(self) -> str:
        """Return the id of the element that has the focus."""
        id: str = self.run("return document.activeElement.id")
        return id

    def press(self, *keys: str) -> None:
        """Type on the keyboard, wherever the focus is."""
        ActionChains(self.driver).send_keys(*keys).perform()

    def press_shift_enter(self) -> None:
        """Press Enter while Shift is held."""
        ActionChains(self.driver).key_down(Keys.SHIFT).send_keys(Keys.ENTER).key_up(Keys.SHIFT).perform()

    def press_enter(self) -> None:
        """Press Enter."""
        self.press(Keys.ENTER)

    def paste(self, text: str) -> None:
        """Put a text into the field that has the focus as the clipboard does, its line breaks included."""
        self.driver.execute_cdp_cmd("Input.insertText", {"text": text})

    def enter(self, text: str) -> None:
        """Replace what stands in the field that has the focus, and press Enter."""
        ActionChains(self.driver).key_down(Keys.CONTROL).send_keys("a").key_up(Keys.CONTROL).perform()
        self.press(text, Keys.ENTER)

    def below(self) -> float:
        """Return how many pixels of what scrolls are below what is seen."""
        pixels: float = self.run(
            "const {scrollHeight, scrollTop, clientHeight} = document.getElementById('scroll');"
            " return scrollHeight - scrollTop - clientHeight"
        )
        return pixels

    def status(self) -> str:
        """Return the state of the page's connection."""
        state: str = self.run("return document.getElementById('status').dataset.state")
        return state


class ChatPage(Page):
    """
    The chat, in a window of its own.

    Args:
        browser: Whose window.
        url: The address of the server, without a path.
    """

    def __init__(self, browser: Browser, url: str) -> None:
        super().__init__(browser, f"{url}/chat.html")
        self.wait(self.focused, "name".__eq__)

    def join(self, name: str) -> None:
        """Join, by keyboard only."""
        self.enter(name)
        self.wait(self.focused, "text".__eq__)

    def lines(self) -> list[tuple[str, str]]:
        """Return all lines that have arrived, each with its writer."""
        pairs = self.run(
            "return Array.from(document.querySelectorAll('#lines .line'),"
            " line => ['.name', '.text'].map(part => line.querySelector(part).textContent))"
        )
        return [(name, text) for name, text in pairs]

    def unsent(self) -> list[str]:
        """Return the lines that have not arrived yet."""
        texts: list[str] = self.run("return Array.from(document.querySelectorAll('#unsent .text'), e => e.textContent)")
        return texts

    def notes(self) -> list[str]:
        """Return the notes between the lines."""
        notes: list[str] = self.run("return Array.from(document.querySelectorAll('#lines .note'), e => e.textContent)")
        return notes

    def order(self) -> list[str]:
        """Return what stands in the conversation, from the top: day, line or note."""
        kinds: list[str] = self.run("return Array.from(document.getElementById('lines').children, e => e.className)")
        return kinds

    def choices(self) -> int:
        """Return how many of the lines that have not arrived ask what to do with them."""
        count: int = self.run("return document.querySelectorAll('#unsent .line:has(button)').length")
        return count

    def choose(self, label: str, text: str) -> None:
        """Press the button of a line that has not arrived."""
        self.run(
            "for (const line of document.querySelectorAll('#unsent .line'))"
            " if (line.querySelector('.text').textContent === arguments[1])"
            "  Array.from(line.querySelectorAll('button')).find(e => e.textContent === arguments[0]).click()",
            label,
            text,
        )

    def people(self) -> list[str]:
        """Return who is here."""
        names: list[str] = self.run("return Array.from(document.querySelectorAll('#people li'), e => e.dataset.name)")
        return names

    def token(self) -> str:
        """Return the secret by which this page's name can be taken over."""
        token: str = self.run("return sessionStorage.getItem('sgcws.chat.token')")
        return token
