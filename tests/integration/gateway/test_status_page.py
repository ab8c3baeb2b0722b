# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page at /status in a real browser, with a script and without, on a desk and in a hand."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from fakes.engine import Engine
from fakes.fetcher import Fetcher
from integration.gateway.description import LIMITED_KEY, Gateway, eventually
from lab import packages
from playwright.sync_api import Browser, HttpCredentials, Page, expect, sync_playwright

FETCHER = "h/run/fetcher/fetcher.sock"
WATCHER = "sk-0123456789-watcher"
PHONE = {"width": 360, "height": 740}
# What an error that is passed on might hold.
HOSTILE = "<img src=x onerror=\"document.title='taken'\"> & more"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    packages.provide("chromium-headless-shell")
    expect.set_options(timeout=30_000)
    with sync_playwright() as playwright:
        program = shutil.which("chromium-headless-shell")
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(autouse=True)
def _telling(alpha: Engine, beta: Engine) -> Iterator[None]:
    alpha.statuses = {"alpha": {"value": "loaded"}, "hasty": {"value": "unloaded"}}
    beta.models = ("beta",)
    yield
    alpha.statuses, beta.models = {}, ()


@contextmanager
def looking(browser: Browser, gateway: Gateway, key: str = WATCHER, **context: Any) -> Iterator[Page]:
    """The page, which may complain of nothing: what its policy forbids is told on the console."""
    credentials = HttpCredentials(username="anybody", password=key)
    with browser.new_context(ignore_https_errors=True, http_credentials=credentials, **context) as looked:
        page = looked.new_page()
        page.set_default_timeout(60_000)
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"https://localhost:{gateway.port}/status")
        yield page
        assert complaints == []


def row(page: Page, name: str) -> Any:
    return (
        page.get_by_role("table", name="Models").get_by_role("row").filter(has=page.get_by_role("rowheader", name=name))
    )


def test_the_page_follows_what_happens_by_itself(browser: Browser, gateway: Gateway, alpha: Engine) -> None:
    with looking(browser, gateway) as page:
        # All of them, or what is told of another one is the last news.
        for name, state in (("alpha", "Loaded"), ("beta", "Loaded"), ("gone", "Not reachable"), ("hasty", "Idle")):
            expect(row(page, name)).to_contain_text(state)
        expect(page.get_by_role("table", name="Hosts")).to_contain_text("localhost")
        row(page, "alpha").evaluate("row => row.ownerDocument.here = true")
        alpha.statuses["alpha"] = {"value": "loading"}
        expect(row(page, "alpha")).to_contain_text("Loading")
        # Who does not see it is told, politely; and the page was not loaded again.
        expect(page.get_by_role("status")).to_have_text("alpha: Loading")
        assert page.evaluate("document.here")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_whole_without_a_script_and_fits_a_phone(browser: Browser, gateway: Gateway, scheme: Any) -> None:
    with Fetcher(gateway.directory / FETCHER) as fetcher:
        fetcher.tell("hasty", "fetching", done_bytes=1, total_bytes=4, eta_seconds=90)
        fetcher.models.append({"name": "beta", "state": "failed", "why": HOSTILE})
        # Figures are a second old at most.
        eventually(lambda: "fetching" in gateway.ask("GET", "/status").body, "the fetch is told")
        look_closely(browser, gateway, scheme)


def look_closely(browser: Browser, gateway: Gateway, scheme: Any) -> None:
    with looking(browser, gateway, java_script_enabled=False, viewport=PHONE, color_scheme=scheme) as page:
        expect(row(page, "gone")).to_contain_text("Not reachable")
        expect(row(page, "hasty")).to_contain_text("25 %")
        expect(row(page, "hasty")).to_contain_text("1 min 30 s left")
        expect(row(page, "beta")).to_contain_text(HOSTILE)
        assert page.get_by_role("progressbar", name="Fetched of hasty").get_attribute("value") == "25"
        assert len(page.get_by_role("columnheader").all()) >= 8
    with looking(browser, gateway, viewport=PHONE, color_scheme=scheme) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        assert page.title() == "Models now"
        unreadable = page.evaluate(CONTRAST)
        assert unreadable == []


def test_a_key_sees_what_is_its_own(browser: Browser, gateway: Gateway) -> None:
    with looking(browser, gateway, LIMITED_KEY, java_script_enabled=False) as page:
        expect(row(page, "alpha")).to_be_visible()
        assert page.get_by_role("table", name="Models").get_by_role("rowheader").count() == 1
        expect(page.get_by_role("heading", name="Hosts")).to_be_hidden()
        expect(page.get_by_text("None at the moment.")).to_be_visible()


# Texts whose colour differs from what lies behind them by less than 4.5 to 1 (WCAG 2.2, 1.4.3).
CONTRAST = """() => {
  const parts = colour => colour.match(/[\\d.]+/g).map(Number);
  const light = colour => parts(colour).slice(0, 3).map(part => part / 255)
    .map(part => part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, place) => sum + part * [0.2126, 0.7152, 0.0722][place], 0);
  const ground = element => {
    while (element && (parts(getComputedStyle(element).backgroundColor)[3] ?? 1) === 0) element = element.parentElement;
    return getComputedStyle(element ?? document.body).backgroundColor;
  };
  return [...document.querySelectorAll("body *")]
    .filter(element => element.checkVisibility() && [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim()))
    .filter(element => {
      const [one, other] = [light(getComputedStyle(element).color), light(ground(element))].sort((a, b) => b - a);
      return (one + 0.05) / (other + 0.05) < 4.5;
    })
    .map(element => element.textContent);
}"""
