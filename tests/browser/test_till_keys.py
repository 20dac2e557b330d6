"""The till's keys where a wrong one would cost a sale, and what its screen says beside a state."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from host.ledger import sales
from host.ledger.codes import Code
from host.ledger.records import SaleState
from tests.support.browser import barriers, overflow
from tests.support.shop import Shop
from tests.support.till_page import charge, heard, keys, ready, stage

pytestmark = pytest.mark.browser


def current(shop: Shop) -> tuple[SaleState, int] | None:
    sale = sales.current(shop.db, "till-1")
    return (sale.state, sale.amount_msat // 1000) if sale else None


def test_enter_and_space_and_digits_leave_an_armed_sale_alone(till: Page, shop: Shop) -> None:
    charge(till, "21")
    expect(till.locator("#stage")).to_be_focused()
    for key in ("Enter", "Enter", "Space", "5"):
        till.keyboard.press(key)
    till.evaluate("fetch('/till/state')")
    assert current(shop) == (SaleState.READY, 21)
    stage(till, "ready")


def test_a_person_who_goes_to_cancel_with_tab_cancels(till: Page) -> None:
    charge(till, "21")
    till.keyboard.press("Tab")
    expect(till.locator("#stage-extra")).to_be_focused()
    till.keyboard.press("Tab")
    expect(till.locator("#stage-other")).to_be_focused()
    till.keyboard.press("Enter")
    stage(till, "cancelled")


def test_enter_in_a_second_tab_does_not_touch_the_sale_of_the_first(
    till: Page, window: BrowserContext, site: str, shop: Shop
) -> None:
    other = window.new_page()
    other.goto(f"{site}/till")
    ready(other)
    keys(other, "7")
    charge(till, "21")
    stage(other, "ready")
    keys(other, "5")
    other.keyboard.press("Enter")
    other.evaluate("fetch('/till/state')")
    assert current(shop) == (SaleState.READY, 21)


def test_a_tab_that_has_not_heard_yet_shows_the_armed_sale_and_does_not_cancel_it(
    till: Page, window: BrowserContext, site: str, shop: Shop
) -> None:
    deaf = window.new_page()
    deaf.route("**/live?**", lambda route: None)
    deaf.goto(f"{site}/till")
    keys(deaf, "7")
    charge(till, "21")
    expect(deaf.locator("#entry")).to_be_visible()
    deaf.keyboard.press("Enter")
    expect(stage(deaf, "ready")).to_contain_text("21 sats")
    assert current(shop) == (SaleState.READY, 21)


def test_a_digit_on_the_paid_screen_begins_the_next_amount(till: Page, shop: Shop) -> None:
    ann = shop.card("Ann")
    charge(till, "21")
    shop.tap(ann)
    stage(till, "approved")
    keys(till, "75")
    expect(till.locator("#entry")).to_be_visible()
    expect(till.locator("#amount-text")).to_have_text("75")


def test_enter_on_the_paid_screen_leaves_an_empty_keypad(till: Page, shop: Shop) -> None:
    ann = shop.card("Ann")
    charge(till, "21")
    shop.tap(ann)
    stage(till, "approved")
    till.keyboard.press("Enter")
    expect(till.locator("#amount-text")).to_have_text("0")
    till.keyboard.press("Enter")
    expect(till.locator("#hint")).to_have_text("Enter an amount first")
    assert current(shop) is None


def test_a_digit_on_the_cancelled_screen_begins_a_new_amount(till: Page) -> None:
    charge(till, "12+34")
    till.keyboard.press("Escape")
    stage(till, "cancelled")
    keys(till, "75")
    expect(till.locator("#amount-text")).to_have_text("75")
    expect(till.locator("#lines")).to_be_hidden()


@pytest.mark.parametrize("reload", [False, True])
def test_the_amount_kept_from_a_cancelled_sale_is_replaced_and_never_added_to(
    till: Page, reload: bool
) -> None:
    charge(till, "21")
    till.keyboard.press("Escape")
    stage(till, "cancelled")
    till.keyboard.press("Enter")
    expect(till.locator("#amount-text")).to_have_text("21")
    if reload:
        till.reload()
        heard(till)
        stage(till, "cancelled")
        till.keyboard.press("Enter")
    keys(till, "75")
    expect(till.locator("#amount-text")).to_have_text("75")


@pytest.mark.parametrize(("key", "amount"), [("Backspace", "2"), ("+", "21")])
def test_the_kept_amount_can_be_changed_on_purpose(till: Page, key: str, amount: str) -> None:
    charge(till, "21")
    till.keyboard.press("Escape")
    stage(till, "cancelled")
    till.keyboard.press("Enter")
    till.keyboard.press(key)
    expect(till.locator("#amount-text")).to_have_text(amount)


def test_a_card_that_lies_there_already_is_told_until_it_is_lifted(till: Page, shop: Shop) -> None:
    charge(till, "21")
    data = {"terminal_id": "till-1", "sale_state": "ready", "lying": True}
    shop.db.transaction(
        lambda tx: tx.event("card.seen", store_id="main", subject="till-1", data=data)
    )
    more = till.locator("#stage-more")
    words = "A card is already on the reader Lift it and lay it down again."
    expect(more).to_have_text(words)
    expect(till.locator("#announce")).to_contain_text("on the reader. Lift it and lay it")
    till.reload()
    expect(more).to_have_text(words)
    sale = sales.current(shop.db, "till-1")
    assert sale
    sales.move(shop.db, sale.sale_id, SaleState.READING)
    stage(till, "reading")
    expect(more).to_be_empty()


@pytest.mark.parametrize("width", [320, 360, 1024])
@pytest.mark.parametrize("state", [SaleState.READY, SaleState.DECLINED])
def test_the_largest_amount_fits_on_one_line_without_a_scrollbar(
    till: Page, shop: Shop, width: int, state: SaleState
) -> None:
    till.set_viewport_size({"width": width, "height": 600 if width == 1024 else 740})
    sale = shop.arm(999_999_999)
    if state is SaleState.DECLINED:
        sales.move(shop.db, sale.sale_id, state, code=Code.LIMIT_DAY)
    stage(till, state.value)
    till.evaluate("document.fonts.ready.then(() => true)")
    inside = """() => {
      const stage = document.getElementById("stage-body");
      const amount = document.getElementById("stage-amount");
      const unit = amount.querySelector(".unit").getBoundingClientRect();
      const box = amount.getBoundingClientRect();
      const size = parseFloat(getComputedStyle(amount).fontSize);
      return {
        wide: stage.scrollWidth - stage.clientWidth,
        high: stage.scrollHeight - stage.clientHeight,
        lines: Math.round(box.height / (size * 1.05)),
        out: Math.max(0, Math.ceil(unit.right - innerWidth)),
      };
    }"""
    assert till.evaluate(inside) == {"wide": 0, "high": 0, "lines": 1, "out": 0}


@pytest.mark.parametrize("size", [(320, 568), (360, 740), (1024, 600)])
def test_however_much_is_said_the_keys_stay_in_sight_and_the_words_can_be_scrolled(
    till: Page, shop: Shop, size: tuple[int, int]
) -> None:
    till.set_viewport_size({"width": size[0], "height": size[1]})
    sale = shop.arm(999_999_999)
    data = {"words": "Ask at the desk of the bank that gave it to you. " * 12}
    declined, code = SaleState.DECLINED, Code.FOREIGN_REFUSED
    sales.move(shop.db, sale.sale_id, declined, code=code, data=data)
    stage(till, "declined")
    for key in ("main", "extra", "other"):
        expect(till.locator(f"#stage-{key}")).to_be_in_viewport(ratio=1)
    expect(till.locator("#stage-do")).to_be_in_viewport(ratio=1)
    expect(till.locator("#stage-body")).to_have_attribute("tabindex", "0")
    assert overflow(till) <= 0
    assert barriers(till) == []


@pytest.mark.parametrize("width", [360, 1024])
def test_the_second_click_of_a_double_click_is_not_for_the_next_screen(
    till: Page, shop: Shop, width: int
) -> None:
    till.set_viewport_size({"width": width, "height": 740})
    keys(till, "21")
    for key, before, after in (
        ("#charge", None, "ready"),
        ("#stage-other", "ready", "cancelled"),
        ("#stage-main", "cancelled", None),
    ):
        if before:
            stage(till, before)
        box = till.locator(key).bounding_box()
        assert box
        x, y = box["x"] + box["width"] * 0.7, box["y"] + box["height"] / 2
        till.mouse.click(x, y)
        if after is None:
            expect(till.locator("#entry")).to_be_visible()
        else:
            stage(till, after)
        till.mouse.down(click_count=2)
        till.mouse.up(click_count=2)
        till.evaluate("fetch('/till/state')")
        expect(till.locator("#till")).not_to_have_attribute("aria-busy", "true")
    expect(till.locator("#entry")).to_be_visible()
    expect(till.locator("#amount-text")).to_have_text("21")
    assert current(shop) is None


@pytest.mark.parametrize(
    ("code", "main", "other"),
    [
        (Code.SUN_INVALID, "Try again", "Cancel sale"),
        (Code.CARD_BLOCKED, "Another card", "Cancel sale"),
        (Code.LIMIT_DAY, "Another card", "Change amount"),
        (Code.AMOUNT_LOW, "Change amount", "Cancel sale"),
        (Code.QR_UNPAID, "Use a card", "Cancel sale"),
    ],
)
def test_the_keys_of_a_refusal_say_what_helps(
    till: Page, shop: Shop, code: Code, main: str, other: str
) -> None:
    charge(till, "21")
    sale = sales.current(shop.db, "till-1")
    assert sale
    sales.move(shop.db, sale.sale_id, SaleState.DECLINED, code=code)
    stage(till, "declined")
    expect(till.locator("#stage-main")).to_contain_text(main)
    expect(till.locator("#stage-other")).to_contain_text(other)
    changes = "Enter" if main.startswith("Change") else "Escape" if other.startswith("Ch") else None
    if changes is None:
        return
    till.evaluate("performance.now = () => 1")  # the moment lasts
    till.keyboard.press(changes)
    expect(till.locator("#entry")).to_be_visible()
    assert current(shop) is None
    till.keyboard.press("Enter")  # one too many: it charges nothing
    till.evaluate("fetch('/till/state')")
    assert current(shop) is None
    keys(till, "5")
    expect(till.locator("#amount-text")).to_have_text("5")


@pytest.mark.parametrize("code", [Code.LIMIT_TAP, Code.CARD_BLOCKED, Code.SUN_INVALID])
def test_what_is_spoken_has_one_full_stop_at_a_time(till: Page, shop: Shop, code: Code) -> None:
    sale = shop.arm(5)
    sales.move(
        shop.db, sale.sale_id, SaleState.DECLINED, code=code, data={"words": "Ask at the desk."}
    )
    said = till.locator("#announce")
    expect(said).to_contain_text(code.words.says + ".")
    text = said.inner_text()
    assert ".." not in text
    assert text.endswith("Ask at the desk.")


def test_volume_and_mute_are_kept_on_the_device_and_a_test_sound_plays(till: Page) -> None:
    till.evaluate(
        """() => document.addEventListener("taptill-sound", ({detail}) => {
             (window.heard ??= []).push(detail.name);
             document.documentElement.dataset.heard = window.heard.length;
           })"""
    )
    expect(till.locator("#sound")).to_have_attribute("aria-label", "Sound: 60 %")
    till.locator("#sound").click()
    for _ in range(100):  # a browser's audio needs a moment to start
        till.get_by_role("button", name="Test").click()
        if till.locator("html[data-heard]").count():
            break
    expect(till.locator("html")).to_have_attribute("data-heard", "1")
    till.get_by_label("Volume").fill("30")
    expect(till.locator("#sound")).to_have_attribute("aria-label", "Sound: 30 %")
    till.get_by_role("button", name="Mute").click()
    heard = till.evaluate("window.heard.length")
    till.get_by_role("button", name="Test").click()
    assert till.evaluate("window.heard.length") == heard
    till.keyboard.press("Escape")
    expect(till.locator("#volume")).to_be_hidden()
    till.reload()
    expect(till.locator("#sound")).to_have_attribute("aria-label", "Sound: off")
