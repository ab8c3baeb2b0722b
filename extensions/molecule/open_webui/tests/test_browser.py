# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person sees who was only ever described in a file: she logs in, chooses an assistant, asks, and reads the answer and its source."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from lab import packages
from lab.service import Service
from playwright.sync_api import Page, sync_playwright

SECONDS = 60_000


@pytest.fixture
def page() -> Iterator[Page]:
    packages.provide("chromium-headless-shell")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium-headless-shell"), args=["--no-sandbox"]
        )
        # Whether the certificate is good, other tests ask: this browser has no list of authorities of its own to add ours to.
        page = browser.new_page(ignore_https_errors=True)
        page.set_default_timeout(SECONDS)
        yield page
        browser.close()


def test_a_person_asks_an_assistant_and_reads_the_answer_and_where_it_stands(page: Page, service: Service) -> None:
    sign_in(page, service)
    ask(page, service, "docexplorer", "What is the secret of the Club sandwich?")
    page.get_by_text("smoked paprika").first.wait_for()
    page.get_by_text("Source").first.wait_for()
    page.get_by_text("Source").first.click()
    page.get_by_text("signature_sandwiches.md").first.wait_for()
    # By itself the server puts the descriptions of twenty-five tools before such a question, which no small model has room for.
    ask(page, service, "brandspark", "What is your name?")
    page.get_by_text("My name is BrandSpark").or_(page.get_by_text("I am BrandSpark")).first.wait_for()


def sign_in(page: Page, service: Service) -> None:
    page.goto(f"{site(service)}/auth")
    page.locator("input[type=email]").fill(f"ana@{service.domain}")
    page.locator("input[type=password]").fill((service.secrets / "users" / "ana").read_text().strip())
    page.keyboard.press("Enter")
    page.wait_for_selector("#chat-input")


def ask(page: Page, service: Service, assistant: str, question: str) -> None:
    page.goto(f"{site(service)}/?models={assistant}")
    page.wait_for_selector("#chat-input")
    # News of the version stand before the page at the first visit.
    page.keyboard.press("Escape")
    page.locator("#chat-input").click()
    page.keyboard.type(question)
    page.keyboard.press("Enter")


def site(service: Service) -> str:
    return f"https://{service.domain}:{service.port}"
