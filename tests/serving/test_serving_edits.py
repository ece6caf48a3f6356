"""Answers are those of the editor itself, whatever way a request comes."""

import base64
import io
import json
import urllib.parse

import numpy as np
import pytest
from PIL import Image

from serving_here import pixels_of, png
from unweave.serving.images.pictures import write_picture
from unweave.signatures.edit import Edit, Move, Set, Swap

EDITS = (
    ([{"factor": "x", "by": 0.5}], Edit({"x": Move(0.5)}), {}),
    ([{"factor": "x", "to": 0.4}, {"factor": "y", "by": -0.5}], Edit({"x": Set(0.4), "y": Move(-0.5)}), {}),
    ([{"factor": "orientation", "by": 30}], Edit({"orientation": Move(30.0)}), {"residual": True}),
    ([{"factor": "scale", "to": "0.8"}], Edit({"scale": Set("0.8")}), {}),
)


@pytest.mark.parametrize(("asked", "edit", "options"), EDITS)
def test_an_edit_is_the_editors_own(here, small, editor, pictures, asked, edit, options):
    answer = here.edit(pictures[0], asked, **options)
    own = editor.apply(small.rows[0], edit, **options)
    assert answer.status_code == 200, answer.text
    assert answer.content == write_picture(own.images, "png")
    assert json.loads(urllib.parse.unquote(answer.headers["x-unweave-notes"])) == list(own.notes)
    assert answer.headers["x-unweave-model"] == f"sprites@{small.exported.digest[:12]}"


def test_json_in_and_out_is_the_same_edit_with_readings(here, small, editor, pictures):
    body = {"image": base64.b64encode(pictures[1]).decode(), "edits": [{"factor": "x", "by": 0.3}]}
    answer = here.client.post("/v1/edit", json=body, headers={"accept": "application/json"}).json()
    own = editor.apply(small.rows[1], Edit({"x": Move(0.3)}))
    assert np.array_equal(pixels_of(base64.b64decode(answer["image"])), own.images)
    done = own.codes["x"]
    assert answer["before"]["x"]["value"] == pytest.approx(done.before[0])
    assert answer["after"]["x"]["value"] == pytest.approx(done.after[0])
    assert set(answer["before"]) == set(editor.signatures.names)
    assert answer["digest"] == small.exported.digest


def test_a_swap_is_the_editors_own(here, small, editor, pictures):
    answer = here.post_form("/v1/swap", {"image": pictures[2], "other": pictures[3]}, {"factors": ["x", "y"]})
    own = editor.apply(small.rows[2], Edit({"x": Swap(), "y": Swap()}), others=small.rows[3])
    assert answer.content == write_picture(own.images, "png")


def test_codes_there_and_back(here, small, editor, pictures):
    code = here.post_form("/v1/encode", {"image": pictures[4]}, {}).json()
    own = editor.model.encode(small.rows[4][None])
    assert np.array_equal(np.float32(code["mean"]), own.mean[0])
    assert np.array_equal(np.float32(code["logvar"]), own.logvar[0])
    assert code["readings"]["x"]["value"] == pytest.approx(editor.signatures["x"].reader.read(own.mean)[0])
    drawn = here.client.post("/v1/decode", json={"codes": code["mean"]})
    wanted = np.rint(255 * editor.model.decode(own.mean)[0]).astype(np.uint8)
    assert np.array_equal(pixels_of(drawn.content), wanted)


@pytest.mark.parametrize(("kind", "name"), [("png", "PNG"), ("jpeg", "JPEG"), ("webp", "WEBP")])
def test_every_format_goes_in_and_comes_out(here, pictures, kind, name):
    file = io.BytesIO()
    Image.open(io.BytesIO(pictures[5])).convert("RGB").resize((80, 50)).save(file, name)
    answer = here.edit(file.getvalue(), format=kind)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == f"image/{kind}"
    assert Image.open(io.BytesIO(answer.content)).format == name
    assert Image.open(io.BytesIO(answer.content)).size == (32, 32)


REFUSED = (
    ([{"factor": "z", "by": 1}], "edits[0].factor", "unknown_factor", "no signature moves 'z'"),
    ([{"factor": "x", "by": 1}, {"factor": "scale", "to": "huge"}], "edits[1].to", "unknown_value", "no value 'huge'"),
    ([{"factor": "x", "by": 1}, {"factor": "x", "by": 2}], "edits[1].factor", "twice", "named twice"),
    ([{"factor": "x", "by": 1, "to": 2}], "edits[0]", "invalid", "exactly one of"),
    ([{"factor": "x"}], "edits[0]", "invalid", "exactly one of"),
    ([{"factor": "x", "by": "much"}], "edits[0].by", "invalid", "valid number"),
    ([{"factor": "x", "by": 1e300}], "edits[0].by", "invalid", "less than or equal"),
    ([], "edits", "invalid", "at least 1"),
)


@pytest.mark.parametrize(("asked", "where", "code", "words"), REFUSED)
def test_what_is_asked_wrongly_is_said_in_words_and_where(here, pictures, asked, where, code, words):
    answer = here.edit(pictures[0], asked)
    error = answer.json()["error"]
    assert (answer.status_code, error["where"], error["code"]) == (422, where, code)
    assert words in error["message"]


def test_an_edit_that_is_refused_says_why(here, pictures):
    answer = here.edit(pictures[0], [{"factor": "x", "by": 50}], beyond="refuse")
    assert answer.status_code == 422
    assert "leaves the data" in answer.json()["error"]["message"]


def test_codes_that_no_image_has(here, small):
    short = here.client.post("/v1/decode", json={"codes": [0.0]})
    assert (short.status_code, short.json()["error"]["where"]) == (422, "codes")
    far = here.client.post("/v1/decode", json={"codes": [1e6] * small.model.latent})
    assert far.status_code in (200, 422)
    assert here.client.post("/v1/decode", content=b'{"codes": [NaN]}').status_code == 415
    nan = here.client.post("/v1/decode", content=b'{"codes": [NaN]}', headers={"content-type": "application/json"})
    assert nan.status_code in (400, 422)


def test_what_models_and_factors_are(here, small, editor):
    (model,) = here.client.get("/v1/models").json()
    assert model == {
        "name": "sprites",
        "digest": small.exported.digest,
        "shape": [32, 32, 1],
        "latent": small.model.latent,
        "default": True,
        "run": small.run.name,
    }
    factors = {line["name"]: line for line in here.client.get("/v1/factors", params={"model": "sprites"}).json()}
    assert list(factors) == list(editor.signatures.names)
    assert factors["scale"]["values"] == ["0.5", "0.6", "0.7", "0.8", "0.9", "1"]
    low, high = factors["x"]["safe_range"]
    assert 0 <= low < high <= 1
    assert here.client.get("/v1/models/sprites/card").content == (small.folder / "card.json").read_bytes()
    assert here.client.get("/v1/models/sprites/signatures").content == (small.folder / "signatures.json").read_bytes()


def test_the_decoder_is_fetched_once(here, small):
    answer = here.client.get("/v1/models/sprites/decoder.onnx")
    assert answer.content == (small.folder / "decoder.onnx").read_bytes()
    tag = answer.headers["etag"]
    assert tag.startswith('"')
    again = here.client.get("/v1/models/sprites/decoder.onnx", headers={"if-none-match": tag})
    assert (again.status_code, again.content) == (304, b"")


def test_a_picture_turned_by_its_camera_is_turned_back(here, small, editor):
    """As in training: `decode_image` reads both."""
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 3
    Image.open(io.BytesIO(png(small.rows[6][::-1, ::-1]))).save(file, "PNG", exif=exif)
    answer = here.edit(file.getvalue())
    assert np.array_equal(pixels_of(answer.content), editor.edit(small.rows[6], x=0.5))
