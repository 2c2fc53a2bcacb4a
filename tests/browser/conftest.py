"""The system's Chromium, and pages in it that tell what went wrong inside them."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

PROJECT = Path(__file__).resolve().parents[2]
PROGRAMS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
FLAGS = ("--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage")
"""No graphics card is used, nothing is asked of the browser's maker, and a small /dev/shm does."""

LOCAL = ("file:", "data:", "blob:", "about:")
"""Addresses that ask nothing of a network."""


@dataclass(kw_only=True)
class Watched:
    """A page, and what it said and asked for since it was opened.

    Parameters
    ----------
    errors
        Messages of its console that are errors or warnings, and exceptions that nothing caught.
    requests
        Addresses that it asked of a network.
    """

    page: Page
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", self._request)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.errors.append(message.text)

    def _request(self, request: Request) -> None:
        if not request.url.startswith(LOCAL):
            self.requests.append(request.url)

    def picture(self, name: str, *, full_page: bool = False) -> Path:
        """Keep what the page looks like in the folder build/screenshots, where nothing compares it; return the file."""
        path = PROJECT / "build" / "screenshots" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=path, full_page=full_page)
        return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium without a window, closed when a file's tests are over: its event loop lets no other test start one."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip("no Chromium; apt-get install --no-install-recommends chromium fonts-dejavu-core")
    flags = [*FLAGS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]  # as root it refuses to start in its sandbox
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=program, args=flags)
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Watched]]:
    """Make pages in a browser profile of their own each, closed when the test is over.

    Keywords are those of playwright's `Browser.new_context`, such as ``viewport`` and ``color_scheme``.
    """
    contexts = []

    def make(**settings: Any) -> Watched:  # noqa: ANN401 - playwright checks them
        context = browser.new_context(**settings)
        contexts.append(context)
        return Watched(page=context.new_page())

    yield make
    for context in contexts:
        context.close()
