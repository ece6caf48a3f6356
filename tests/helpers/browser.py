"""Pages in headless Chromium: what is on their canvases, and that nothing went wrong or left the machine."""

import os
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest

CHROMIUM = Path("/usr/bin/chromium")
PAINTS = """
document.addEventListener("painted", ({ detail }) => {
  Object.assign(window, { paints: (window.paints ?? 0) + 1, codes: detail });
});
"""
PIXELS = """(selector) => {
  const canvas = document.querySelector(selector);
  return Array.from(canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data);
}"""
# Contrast of text with what lies behind it (WCAG 2.2, 1.4.3): least of all elements that match.
CONTRAST = """(selectors) => {
  const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (colour) => {
    const [r, g, b] = parts(colour).map((x) => (x /= 255) <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const colour = getComputedStyle(one).backgroundColor;
      if ((parts(colour)[3] ?? 1) > 0) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const found = [...document.querySelectorAll(selectors)].filter((one) => one.checkVisibility());
  return Object.fromEntries(found.map((one) => {
    const [a, b] = [light(getComputedStyle(one).color), light(behind(one))].sort((x, y) => y - x);
    return [`${one.tagName}.${one.className} ${one.textContent.slice(0, 20)}`, (a + 0.05) / (b + 0.05)];
  }));
}"""


@contextmanager
def chromium():
    """The browser."""
    if not CHROMIUM.exists():
        if os.environ.get("CI"):
            pytest.fail(f"{CHROMIUM} is absent: .ci/run installs it")
        pytest.skip(f"{CHROMIUM} is absent (Debian: apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def open_page(browser, url, *, ready=True, **options):
    """A page in a context of its own; at the end: no error on its console, no request to another machine."""
    context = browser.new_context(**options)
    context.set_default_timeout(60_000)
    page = context.new_page()
    wrong, left = [], []
    page.on("console", lambda message: message.type == "error" and wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda request: is_here(request.url) or left.append(request.url[:200]))
    page.add_init_script(PAINTS)
    page.goto(url)
    if ready:
        page.wait_for_selector("body[data-ready]")
        settled(page)
    yield page
    assert not wrong, wrong
    assert not left, left
    context.close()


def is_here(url):
    """Whether an address is on this machine."""
    parts = urlsplit(url)
    return parts.scheme in ("file", "data", "blob") or parts.hostname == "127.0.0.1"


def settled(page):
    """Until the picture is that of the dials."""
    page.wait_for_timeout(50)
    page.wait_for_function("() => document.querySelector('.wipe-picture')?.getAttribute('aria-busy') === 'false'")


def pixels(page, selector):
    """What a canvas shows, uint8 (n, 4)."""
    return np.array(page.evaluate(PIXELS, selector), dtype=np.uint8).reshape(-1, 4)


def step(page, selector, key="ArrowRight", times=1):
    """Press a key on an element some times, and wait for the picture."""
    control = page.locator(selector)
    control.focus()
    for _ in range(times):
        control.press(key)
    settled(page)
