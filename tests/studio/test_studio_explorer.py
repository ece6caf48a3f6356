"""The explorer: one file, opened from disk with the network off."""

import json
import re

import numpy as np
import pytest

from browser import open_page, pixels, step
from unweave.bundles.schema import BundleCard
from unweave.core.errors import ConfigError
from unweave.core.observations import at_rest
from unweave.signatures.apply import edit_codes
from unweave.signatures.edit import Edit, Move
from unweave.studio.explorer import write_explorer
from unweave.studio.inline import import_map
from unweave.studio.starts import STARTS, start_rows


@pytest.fixture(scope="module")
def explorer(dialled, tmp_path_factory):
    path = tmp_path_factory.mktemp("explorer") / "explorer.html"
    size = write_explorer(path, dialled.folder, dialled.rows[:3])
    assert path.stat().st_size == size
    return path


@pytest.fixture(scope="module")
def page(browser, explorer):
    with open_page(browser, explorer.as_uri(), offline=True) as opened:
        yield opened


def test_a_dial_changes_the_picture_as_python_does(page, dialled):
    editor = dialled.editor
    codes = editor.model.encode(dialled.rows[:1]).mean
    before = at_rest(editor.model.decode(codes))[0]
    assert np.abs(pixels(page, ".wipe-after")[:, 0].astype(int) - before.ravel()).max() <= 1
    step(page, "#dial-x", times=40)
    by = float(page.locator("#dial-x").input_value())
    assert by > 0
    wanted = edit_codes(editor.signatures, codes, Edit({"x": Move(by)})).codes
    assert np.abs(np.array(page.evaluate("codes")) - wanted).max() < 1e-4
    after = at_rest(editor.model.decode(wanted))[0]
    assert np.abs(after.astype(int) - before).max() > 8
    assert np.abs(pixels(page, ".wipe-after")[:, 0].astype(int) - after.ravel()).max() <= 1
    assert np.abs(pixels(page, ".wipe-before")[:, 0].astype(int) - before.ravel()).max() <= 1


def test_other_pictures_start_anew(page):
    step(page, "#dial-y", times=10)
    codes = page.evaluate("codes")
    page.locator(".start").nth(1).click()
    page.wait_for_function("before => window.codes[0] !== before", arg=codes[0])
    assert float(page.locator("#dial-y").input_value()) == pytest.approx(0, abs=1e-9)
    assert page.locator(".start").nth(1).get_attribute("aria-pressed") == "true"
    assert page.locator("#actions button", has_text="Undo").is_disabled()


def test_strips_and_card_are_there(page, small):
    page.click("#tab-strips")
    page.wait_for_function("() => document.querySelectorAll('.strip-cell canvas[width=\"32\"]').length >= 31")
    rows = page.locator(".strip")
    assert rows.count() == 5
    first, last = (pixels(page, f".strip:nth-child(4) .strip-cell:nth-child({k}) canvas") for k in (1, 7))
    assert np.abs(first.astype(int) - last).max() > 8
    page.click("#tab-card")
    assert small.exported.card.run in page.locator("#card").inner_text()
    page.click("#tab-edit")


def test_equal_bundles_give_equal_files(dialled, explorer, tmp_path):
    write_explorer(tmp_path / "again.html", dialled.folder, dialled.rows[:3])
    assert (tmp_path / "again.html").read_bytes() == explorer.read_bytes()


def test_no_text_of_a_project_becomes_markup(dialled, small, tmp_path, monkeypatch):
    name = "</script><script>alert(1)</script>"
    card = small.exported.card.model_copy(update={"name": name})
    monkeypatch.setattr(BundleCard, "model_validate_json", lambda _: card)
    write_explorer(tmp_path / "e.html", dialled.folder, dialled.rows[:1])
    text = (tmp_path / "e.html").read_text()
    assert "<script>alert" not in text
    content = re.search(r'<script type="application/json" id="content">(.*?)</script>', text, re.S)
    assert json.loads(content[1])["card"]["name"] == name


def test_vectors_have_no_explorer(dialled, small, tmp_path, monkeypatch):
    card = small.exported.card.model_copy(update={"shape": (6,)})
    monkeypatch.setattr(BundleCard, "model_validate_json", lambda _: card)
    with pytest.raises(ConfigError, match="grey or colour pictures"):
        write_explorer(tmp_path / "e.html", dialled.folder, dialled.rows[:1])
    assert not (tmp_path / "e.html").exists()


def test_it_starts_from_rows_that_training_did_not_see(small):
    rows = start_rows(small.dataset)
    assert len(rows) == STARTS
    assert not set(rows) & set(small.dataset.splits.train)
    assert start_rows(small.dataset).tolist() == rows.tolist()


def test_the_import_map_holds_all_modules_and_no_relative_address():
    found = json.loads(import_map("explorer.js"))["imports"]
    assert {"unweave/explorer.js", "unweave/arithmetic/edit.js", "unweave/vendor/ort.mjs"} <= set(found)
    assert all(address.startswith("data:text/javascript;base64,") for address in found.values())
    assert "unweave/api.js" not in found
