"""The studio in headless Chromium, against a server that `unweave serve` runs."""

import json

import numpy as np
import pytest

from browser import CONTRAST, open_page, pixels, settled, step
from serving_here import png, serve_process, wait_for
from unweave.core.observations import at_rest
from unweave.signatures.edit import Edit, Move, Set
from unweave.stores.store import open_store

SLOW = ("--deadline", "60")


def address(folder):
    """Of a server's store."""
    return f"sqlite:///{folder}/store.db"


@pytest.fixture(scope="module")
def editor(dialled):
    return dialled.editor


@pytest.fixture(scope="module")
def files(dialled, tmp_path_factory):
    """Two pictures as files."""
    folder = tmp_path_factory.mktemp("pictures")
    for k in range(2):
        (folder / f"{k}.png").write_bytes(png(dialled.rows[k]))
    return [folder / f"{k}.png" for k in range(2)]


@pytest.fixture(scope="module")
def served(dialled, tmp_path_factory):
    """Folder and address of a server with two models."""
    folder = tmp_path_factory.mktemp("served")
    # The tests say what is answered, not how soon: machines that run them may be busy.
    models = [f"{name}={dialled.folder}" for name in ("sprites", "rival")]
    with serve_process(folder, *models, *SLOW, "--store", address(folder)) as (_, url, _log):
        yield folder, url


@pytest.fixture(scope="module")
def store(served):
    found = open_store(address(served[0]))
    yield found
    found.close()


@pytest.fixture(scope="module")
def page(browser, served):
    with open_page(browser, f"{served[1]}/", viewport={"width": 1280, "height": 900}) as opened:
        assert opened.url == f"{served[1]}/studio/"
        opened.uncheck("#tell")
        yield opened


def upload(page, path):
    paints = page.evaluate("paints")
    page.locator(".sources .tile-input").set_input_files(path)
    page.wait_for_function("before => paints > before && document.querySelector('.sources .full')", arg=paints)
    settled(page)


def by(page, factor):
    return float(page.locator(f"#dial-{factor}").input_value())


def shown(page, selector=".wipe-after"):
    return pixels(page, selector)[:, 0].astype(int)


def drawn(editor, images, edit=None):
    """What Python draws, without an edit or with it."""
    if edit is None:
        return at_rest(editor.model.decode(editor.model.encode(images).mean)).ravel().astype(int)
    return editor.apply(images, edit).images.ravel().astype(int)


def test_an_upload_and_a_dragged_slider(page, editor, dialled, files):
    assert page.locator("#decodes").inner_text() == "Decodes in the browser"
    upload(page, files[0])
    before = drawn(editor, dialled.rows[:1])
    assert np.abs(shown(page) - before).max() <= 1
    assert np.abs(shown(page, ".sources canvas") - before).max() <= 1
    box = page.locator("#dial-x").bounding_box()
    y = box["y"] + box["height"] / 2
    paints = page.evaluate("paints")
    page.mouse.move(box["x"] + box["width"] / 2, y)
    page.mouse.down()
    for k in range(1, 9):
        page.mouse.move(box["x"] + box["width"] * (0.5 + 0.04 * k), y)
        page.wait_for_timeout(50)
    assert page.evaluate("paints") > paints + 1  # while the button is down
    page.mouse.up()
    settled(page)
    assert by(page, "x") > 0
    after = drawn(editor, dialled.rows[:1], Edit({"x": Move(by(page, "x"))}))
    assert np.abs(after - before).max() > 8
    assert np.abs(shown(page) - after).max() <= 1


def test_several_dials_at_once_undo_and_redo(page, editor, dialled, files):
    upload(page, files[0])
    first = shown(page)
    step(page, "#dial-x", times=12)
    one = shown(page)
    step(page, "#dial-y", "ArrowLeft", times=12)
    both = Edit({name: Move(by(page, name)) for name in ("x", "y")})
    assert np.abs(shown(page) - drawn(editor, dialled.rows[:1], both)).max() <= 1
    buttons = {name: page.locator("#actions button", has_text=name) for name in ("Undo", "Redo", "Reset")}
    undone = 0
    while by(page, "y") < -1e-9:  # a burst of a key is one step, and a busy machine may see several bursts
        buttons["Undo"].click()
        undone += 1
    settled(page)
    assert 0 < undone < 12
    assert np.array_equal(shown(page), one)
    assert by(page, "x") > 0
    for _ in range(undone):
        buttons["Redo"].click()
    settled(page)
    assert by(page, "y") == pytest.approx(both.changes["y"].amount)
    buttons["Reset"].click()
    settled(page)
    assert np.array_equal(shown(page), first)


def test_a_class_is_chosen_and_leakage_is_shown(page, editor, dialled, files):
    upload(page, files[0])
    assert page.locator(".leak:visible").count() == 0
    own = editor.signatures["shape"].reader.read(editor.model.encode(dialled.rows[:1]).mean)[0]
    values = editor.signatures["shape"].factor.values
    wanted = values[(int(own) + 1) % len(values)]
    page.locator(f".pill:has(input[value='{wanted}'])").click()
    settled(page)
    made = editor.apply(dialled.rows[:1], Edit({"shape": Set(wanted)}), budget=1e9)
    assert np.abs(shown(page) - made.images.ravel().astype(int)).max() <= 1
    assert page.locator(".leak:visible").count() == 4
    assert f"{round(100 * made.codes.leakage[0])} %" in page.locator("#effects").inner_text()
    page.locator(".dial[data-factor=shape] .dial-back").click()
    settled(page)
    assert page.locator(".leak:visible").count() == 0


def test_the_wipe_shows_what_was_before(page, files):
    upload(page, files[0])
    step(page, ".wipe-range", "ArrowRight", times=30)
    at = page.locator(".wipe-picture").evaluate("one => one.style.getPropertyValue('--at')")
    assert at == "30%"
    assert page.locator("img.wipe-before").is_visible()
    page.click("text=Wipe >> nth=1")
    assert page.locator("img.wipe-before").is_hidden()
    page.locator("#dial-x").focus()
    page.keyboard.down("b")
    assert page.locator(".wipe-range").input_value() == "100"
    page.keyboard.up("b")
    assert page.locator(".wipe-range").input_value() == "30"


def test_feedback_is_stored(page, store, files):
    upload(page, files[0])
    step(page, "#dial-x", "PageUp")
    page.click("text=Keep >> nth=0")  # it is not told, unless that is ticked
    page.check("#tell")
    upload(page, files[0])
    step(page, "#dial-x", "PageUp")
    first = [{"factor": "x", "by": by(page, "x")}]
    page.click("text=Keep >> nth=0")
    assert page.locator("#kept .start").count() == 2
    step(page, "#dial-y", "PageUp")
    both = [*first, {"factor": "y", "by": by(page, "y")}]
    page.click("text=Keep >> nth=0")
    page.locator("#dial-x").focus()
    page.keyboard.press("Control+z")
    settled(page)
    assert by(page, "y") == pytest.approx(0, abs=1e-9)
    wait_for(lambda: len(store.feedback.list("default")) >= 4)
    page.uncheck("#tell")
    found = store.feedback.list("default")
    told = [(one.verdict, [dict(edit) for edit in one.edit.edits], [dict(edit) for edit in one.edits]) for one in found]
    wanted = [("kept", first, []), ("kept", both, []), ("adjusted", first, both), ("undone", both, [])]
    assert sorted(told, key=str) == sorted(wanted, key=str)


def test_swap_takes_factors_from_another_picture(page, editor, dialled, files):
    upload(page, files[0])
    page.click("#tab-swap")
    page.locator("#swap .tile-input").set_input_files(files[1])
    page.locator("#swap-x").check()
    page.locator("#swap-y").check()
    settled(page)
    wanted = editor.swap(dialled.rows[:1], dialled.rows[1:2], ["x", "y"]).ravel().astype(int)
    assert np.abs(shown(page, "#swap figure:last-child canvas") - wanted).max() <= 1
    page.click("#tab-edit")
    assert page.locator(".dial.changed").count() == 2


def test_strips_lead_to_edits(page, files):
    upload(page, files[0])
    page.click("#tab-strips")
    page.wait_for_function("() => document.querySelectorAll('.strip-cell canvas[width=\"32\"]').length >= 31")
    page.locator(".strip:nth-child(4) .strip-cell").last.click()
    settled(page)
    assert page.locator("#edit").is_visible()
    assert by(page, "x") > 0


def test_the_card_shows_scores(page, small):
    page.click("#tab-card")
    words = page.locator("#card").inner_text()
    assert small.exported.card.run in words
    assert f"{small.exported.card.scores['mig'].value:.3f}" in words
    page.click("#tab-edit")


def test_ratings_are_stored(page, store, files):
    page.click("#tab-rate")
    page.set_input_files("#study-files", files[:1])
    page.fill("#study", "natural")
    page.click("text=Start")
    for k in range(3):
        page.wait_for_selector(f"text={k + 1} of 3")
        page.keyboard.press(str(k + 2))
    page.wait_for_selector("text=Done, thank you")
    assert sorted(one.rating.score for one in store.ratings.list("natural", "default")) == [2, 3, 4]
    page.click("text=Another round")
    page.check("[name=study-kind][value=ab]")
    page.set_input_files("#study-files", files[:1])
    page.fill("#study", "blind")
    page.click("text=Start")
    for k in range(3):
        page.wait_for_selector(f"text={k + 1} of 3")
        assert "rival" not in page.locator("#rate").inner_text()
        page.click(f".rate-answers [data-key='{'102'[k]}']")
    page.wait_for_selector("text=Done, thank you")
    found = store.ratings.list("blind", "default")
    assert sorted(one.rating.chosen for one in found) == ["left", "neither", "right"]
    assert len({one.rating.rater for one in found}) == 1
    page.click("#tab-edit")


def test_what_the_server_refuses_is_said(browser, served, tmp_path):
    (tmp_path / "none.png").write_bytes(b"no picture")
    context = browser.new_context()  # the browser writes a refused request to its console by itself
    page = context.new_page()
    page.goto(f"{served[1]}/studio/?decode=server")
    page.wait_for_selector("body[data-ready]")
    page.locator(".sources .tile-input").set_input_files(tmp_path / "none.png")
    page.wait_for_selector(".status.wrong")
    assert "PNG" in page.locator("#status").inner_text()
    context.close()


def test_it_works_by_keyboard_alone(browser, served, editor, dialled, files):
    with open_page(browser, f"{served[1]}/studio/", viewport={"width": 1280, "height": 900}) as page:
        page.on("filechooser", lambda chooser: chooser.set_files(files[0]))
        page.keyboard.press("Tab")
        reached = []
        for _ in range(40):
            reached.append(page.evaluate("document.activeElement.id || document.activeElement.className"))
            if reached[-1] == "tile-input":
                page.keyboard.press("Space")
                page.wait_for_function("() => document.querySelector('.sources .full')")
                settled(page)
            if reached[-1] == "dial-x":
                break
            page.keyboard.press("Tab")
        assert {"tab-edit", "wipe-range", "tile-input", "dial-x"} <= set(reached)
        ring = page.evaluate("getComputedStyle(document.activeElement, '::-webkit-slider-thumb').boxShadow || 'none'")
        assert ring is not None
        for _ in range(20):
            page.keyboard.press("ArrowRight")
        settled(page)
        wanted = drawn(editor, dialled.rows[:1], Edit({"x": Move(by(page, "x"))}))
        assert np.abs(shown(page) - wanted).max() <= 1
        said = page.locator("#dial-x").get_attribute("aria-valuetext")
        assert "→" in said
        page.keyboard.press("0")
        settled(page)
        assert np.abs(shown(page) - drawn(editor, dialled.rows[:1])).max() <= 1
        page.keyboard.press("Control+z")
        settled(page)
        assert page.locator("#actions button", has_text="Redo").is_enabled()
        page.locator("#tab-edit").focus()
        page.keyboard.press("ArrowRight")
        assert page.locator("#strips").is_visible()


def test_every_control_has_a_name(page):
    names = page.evaluate("""() => [...document.querySelectorAll("button, input, select")].map((one) => {
      const words = one.getAttribute("aria-label") || one.labels?.[0]?.textContent || one.textContent;
      return [one.outerHTML.slice(0, 80), words.trim()];
    })""")
    assert len(names) > 20
    assert [html for html, name in names if not name] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark(browser, served, files, scheme):
    with open_page(browser, f"{served[1]}/studio/?decode=server", ready=False, color_scheme=scheme) as page:
        page.wait_for_selector("body[data-ready]")
        upload(page, files[0])
        step(page, "#dial-x", "PageUp")
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        level = sum(map(int, json.loads(ground.replace("rgb(", "[").replace(")", "]"))))
        assert level < 120 if scheme == "dark" else level > 650
        texts = ".dial-name, .dial-value *, .dial-ends span, .leak-text, .effects p, figcaption, footer *, .quiet"
        found = page.evaluate(CONTRAST, f"{texts}, button:not(:disabled)")
        assert len(found) > 10
        assert {name: ratio for name, ratio in found.items() if ratio < 4.5} == {}


def test_the_server_decodes_where_the_browser_does_not(browser, served, editor, dialled, files):
    with open_page(browser, f"{served[1]}/studio/?decode=server") as page:
        assert page.locator("#decodes").inner_text() == "Decodes on the server"
        upload(page, files[0])
        step(page, "#dial-x", times=10)
        wanted = drawn(editor, dialled.rows[:1], Edit({"x": Move(by(page, "x"))}))
        assert np.abs(shown(page) - wanted).max() <= 1


def test_it_fits_a_phone(browser, served, files):
    phone = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
    with open_page(browser, f"{served[1]}/studio/?decode=server", **phone) as page:
        upload(page, files[0])
        for tab in ("strips", "swap", "rate", "card", "edit"):
            page.tap(f"#tab-{tab}")
            assert page.evaluate("document.documentElement.scrollWidth") <= 360, tab
        before = shown(page)
        dial = page.locator("#dial-y")
        dial.scroll_into_view_if_needed()
        box = dial.bounding_box()
        assert box["height"] >= 24  # WCAG 2.2, 2.5.8
        page.touchscreen.tap(box["x"] + 0.85 * box["width"], box["y"] + box["height"] / 2)
        settled(page)
        assert not np.array_equal(shown(page), before)
        picture = page.locator(".wipe-picture").bounding_box()  # stays in sight while the last dial is moved
        assert picture["y"] >= 0
        assert picture["y"] + picture["height"] <= box["y"] + 1


def test_a_key_is_asked_for_and_sent(browser, dialled, tmp_path):
    store = open_store(address(tmp_path))
    _, secret = store.keys.add("acme")
    store.close()
    with serve_process(tmp_path, f"sprites={dialled.folder}", *SLOW, "--store", address(tmp_path)) as (_, url, _log):
        context = browser.new_context()
        page = context.new_page()
        page.goto(f"{url}/studio/?decode=server")
        page.wait_for_selector("#key-dialog[open]")
        page.fill("#key", secret)
        page.keyboard.press("Enter")
        page.wait_for_selector("body[data-ready]")
        assert page.locator(".dial").count() == 5
        assert secret not in page.content()
        context.close()
