"""The virtual counter in a real browser: clicks and keys lay cards on the twin's reader."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from hardware.twin.bench import Bench, Lights
from hardware.twin.counter import serve
from hardware.twin.store import Drawer
from tests.support.browser import new_context, watch

pytestmark = pytest.mark.browser

MOST = """() => {
  const pad = document.getElementById("pad");
  const look = () => {
    window.most = Math.max(window.most ?? 0, pad.querySelectorAll("button").length);
  };
  new MutationObserver(look).observe(pad, {childList: true, subtree: true});
}"""
"""Keeps how many cards the page has shown on the reader at once."""


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    drawer = Drawer(tmp_path / "cards")
    for name in ("alice", "bob"):
        drawer.create(name)
    with Bench(drawer) as bench:
        yield bench


@pytest.fixture
def counter(browser: Browser, bench: Bench) -> Iterator[Page]:
    with serve(bench) as url, new_context(browser) as window:
        page = window.new_page()
        complaints = watch(page)
        page.goto(url)
        yield page
        assert complaints == []


def laid(bench: Bench) -> list[str]:
    return [card.name for card in bench.cards() if card.laid]


def test_a_click_lays_a_card_and_another_takes_it_away(counter: Page, bench: Bench) -> None:
    counter.get_by_role("button", name="alice: lay it on the reader").click()
    on_reader = counter.locator("#pad").get_by_role("button", name="alice: take it away")
    expect(on_reader).to_be_visible()
    assert laid(bench) == ["alice"]
    on_reader.click()
    expect(counter.locator("#pad button")).to_have_count(0)
    assert laid(bench) == []


def test_the_keyboard_lays_and_taps(counter: Page, bench: Bench) -> None:
    card = counter.get_by_role("button", name="bob: lay it on the reader")
    card.focus()
    counter.keyboard.press("Space")
    away = counter.get_by_role("button", name="bob: take it away")
    expect(away).to_be_focused()
    counter.keyboard.press("Enter")
    expect(counter.locator("#pad button")).to_have_count(0)
    counter.evaluate(MOST)
    counter.keyboard.press("1")
    counter.wait_for_function("window.most === 1")  # it lies there for less than a second
    expect(counter.locator("#pad button")).to_have_count(0)
    assert laid(bench) == []


def test_two_cards_may_lie_there_at_once(counter: Page, bench: Bench) -> None:
    for name in ("alice", "bob"):
        counter.get_by_role("button", name=f"{name}: lay it on the reader").click()
    expect(counter.locator("#pad button")).to_have_count(2)
    assert laid(bench) == ["alice", "bob"]


def test_the_lamps_follow_the_host(counter: Page, bench: Bench) -> None:
    expect(counter.locator("#panel-small")).to_contain_text("its lights are off")
    bench.show(Lights((True, True, False, False), buzzer=True))
    expect(counter.locator(".light.on")).to_have_count(2)
    expect(counter.locator("#buzzer.on")).to_have_count(1)
    bench.show(Lights((True, True, True, True), approved=True))
    expect(counter.locator("#approved.on")).to_have_count(1)
    expect(counter.locator("#spoken")).to_contain_text("Approved")
    bench.show(Lights())
    expect(counter.locator(".on")).to_have_count(0)
    expect(counter.locator("#panel-big")).to_have_text("Idle")


def test_a_new_card_appears_by_itself(counter: Page, bench: Bench) -> None:
    bench.create("carol")
    expect(counter.get_by_role("button", name="carol: lay it on the reader")).to_be_visible()


def test_a_reader_with_a_display_shows_it_and_its_buttons_are_pressed(
    counter: Page, bench: Bench
) -> None:
    held: list[frozenset[str]] = []
    bench.on_change(lambda: held.append(bench.held()))
    expect(counter.get_by_role("button", name="Cancel")).to_be_hidden()
    bench.draw((("Tap your card", 12, 0, 1), ("2 500 sat", 0, 20, 1), ("tick", 0, 14)))
    expect(counter.locator("#display text")).to_have_text(["Tap your card", "2 500 sat"])
    expect(counter.locator("#display path")).to_have_count(1)
    expect(counter.locator("#spoken")).to_contain_text("Tap your card, 2 500 sat")
    with counter.expect_response(lambda answer: '""' in (answer.request.post_data or "")):
        counter.get_by_role("button", name="Cancel").click()
    assert [one for one in held if one] == [{"cancel"}]
    assert not bench.held()
    with counter.expect_response(lambda answer: '""' in (answer.request.post_data or "")):
        counter.get_by_role("button", name="Confirm").press("Enter")
    assert [one for one in held if one] == [{"cancel"}, {"confirm"}]
