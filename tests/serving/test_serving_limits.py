"""What is refused before it costs anything, and what a tenant may see."""

import contextlib
import io
import json
import logging
import socket
import struct
import time
import zlib

import httpx2 as httpx
import numpy as np
import pytest
from PIL import Image

from serving_here import contrary, serving, wait_for
from unweave.serving.images.heads import read_head
from unweave.serving.logs import JsonLines
from unweave.serving.rates import Bucket
from unweave.serving.settings import Limits, Settings, Tenant, read_settings


def file_of(kind, size=(40, 30), **options):
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), np.uint8)).save(
        file, kind, **options
    )
    return file.getvalue()


def huge_png(side):
    """A PNG of a few bytes that says that it is large, and is: zeros."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(10**6))) + chunk(b"IEND", b"")
    )


def huge_webp():
    content = bytearray(file_of("WEBP", lossless=True))
    content[20 + 1 : 20 + 5] = struct.pack("<I", 0x3FFF | 0x3FFF << 14)
    return bytes(content)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (file_of("PNG"), "PNG"),
        (file_of("JPEG"), "JPEG"),
        (file_of("JPEG", progressive=True), "JPEG"),
        (file_of("WEBP"), "WEBP"),
        (file_of("WEBP", lossless=True), "WEBP"),
        (file_of("WEBP", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0"), "WEBP"),
    ],
)
def test_heads_say_what_pillow_says(data, kind):
    head = read_head(data)
    assert (head.kind, head.width, head.height) == (kind, 40, 30)
    # Cut off, it says nothing else and raises nothing.
    assert {read_head(data[:length]) for length in range(min(len(data), 700))} <= {None, head} | {
        type(head)("JPEG", 40, 30, scans) for scans in range(20)
    }


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "BMP", "PPM", "ICO", "TGA", "PDF", "EPS"])
def test_other_formats_never_reach_a_decoder(here, kind):
    answer = here.edit(file_of(kind))
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "not_an_image")


@pytest.mark.parametrize(
    "bomb", [huge_png(30_000), huge_webp(), file_of("JPEG").replace(b"\0\x1e\0\x28", b"\xff\xff\xff\xff")]
)
def test_bombs_are_refused_by_what_they_say_of_themselves(here, bomb):
    answer = here.edit(bomb)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_many_pixels")


def test_jpegs_of_very_many_scans(here):
    content = file_of("JPEG", progressive=True)
    scan = content[content.rindex(b"\xff\xda") : -2]
    answer = here.edit(content[:-2] + 200 * scan + b"\xff\xd9")
    assert answer.status_code == 422
    assert "scans" in answer.json()["error"]["message"]


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_animations_are_refused(here, kind):
    file = io.BytesIO()
    frames = [Image.new("RGB", (40, 40), (k, 0, 0)) for k in range(0, 250, 50)]
    frames[0].save(file, kind, save_all=True, append_images=frames[1:])
    answer = here.edit(file.getvalue())
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "too_many_frames")


def test_damaged_files_are_said_to_be(here):
    for kind in ("PNG", "JPEG", "WEBP"):
        content = file_of(kind)
        answer = here.edit(content[: len(content) // 3])
        assert answer.status_code == 422, kind
        assert answer.json()["error"]["where"] == "image"


def test_bodies_are_bounded_while_they_are_read(small, tmp_path):
    with serving(tmp_path, {"m": small.folder}, limits=Limits(body_bytes=10_000)) as here:
        said = here.client.post("/v1/encode", content=bytes(20_000), headers={"content-type": "application/json"})
        assert (said.status_code, said.json()["error"]["code"]) == (413, "too_large")
        sent = [0]

        def endless():
            for _ in range(10_000):
                sent[0] += 1
                yield bytes(1000)

        # The server may close before the client has sent all and read the answer.
        with contextlib.suppress(httpx.NetworkError, httpx.RemoteProtocolError):
            unsaid = here.client.post("/v1/encode", content=endless(), headers={"content-type": "application/json"})
            assert unsaid.status_code == 413
        assert sent[0] < 10_000
        wait_for(lambda: here.client.get("/healthz").status_code == 200)
        packed = here.client.post(
            "/v1/encode", content=b"x", headers={"content-type": "application/json", "content-encoding": "gzip"}
        )
        assert packed.status_code == 415


def raw(here, content, wait=15.0):
    """What comes back for bytes on a connection, until it is closed."""
    host, _, port = here.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=wait) as one:
        try:
            one.sendall(content)
        except OSError:
            return b""
        found = b""
        try:
            while part := one.recv(65536):
                found += part
        except OSError:
            pass
        return found


def test_heads_and_bodies_that_never_end_do_not_hold_a_connection(small, tmp_path):
    with serving(tmp_path, {"m": small.folder}, limits=Limits(body_s=0.5)) as here:
        began = time.monotonic()
        assert raw(here, b"") == b""
        assert raw(here, b"POST /v1/encode HTTP/1.1\r\nHost: localhost\r\nX") == b""
        head = b"POST /v1/encode HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        slow = head + b"Content-Length: 9\r\n\r\n{"
        assert b"408" in raw(here, slow).splitlines()[0]
        assert time.monotonic() - began < 10
        long = head + b"".join(b"X-%d: %s\r\n" % (k, b"a" * 900) for k in range(2000))
        assert b"200" not in raw(here, long)[:20]
        assert here.client.get("/healthz").status_code == 200


def test_names_of_hosts_that_lead_here_by_a_trick(here):
    assert here.client.get("/healthz", headers={"host": "evil.example"}).status_code == 400
    for name in ("localhost", "127.0.0.1", "127.0.0.1:8000", "[::1]:8000"):
        assert here.client.get("/healthz", headers={"host": name}).status_code == 200


def test_answers_have_safe_headers_and_no_other_origin_is_let_in(here):
    for path in ("/healthz", "/v1/models", "/nowhere"):
        answer = here.client.get(path, headers={"origin": "https://evil.example"})
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert answer.headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in answer.headers
        assert "server" not in answer.headers
    asked = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    assert "access-control-allow-origin" not in here.client.options("/v1/edit", headers=asked).headers


def test_an_origin_that_is_let_in(small, tmp_path):
    with serving(tmp_path, {"m": small.folder}, cors=("https://shop.example",)) as here:
        answer = here.client.get("/v1/models", headers={"origin": "https://shop.example"})
        assert answer.headers["access-control-allow-origin"] == "https://shop.example"
        other = here.client.get("/v1/models", headers={"origin": "https://evil.example"})
        assert "access-control-allow-origin" not in other.headers


def test_no_path_or_address_of_a_request_is_opened(here, small):
    for name in ("/etc/passwd", "file:///etc/passwd", "http://127.0.0.1:1/", "../../etc/passwd"):
        answer = here.client.post("/v1/encode", json={"image": name})
        assert answer.status_code == 422
        assert "root:" not in answer.text
        assert here.client.get(f"/v1/models/{name.replace('/', '%2F')}/card").status_code == 404
        form = here.client.post("/v1/encode", files={"image": (name, b"nothing")})
        assert form.json()["error"]["code"] == "not_an_image"


FORM = "multipart/form-data; boundary=X"
PART = b'--X\r\nContent-Disposition: form-data; name="image"\r\n\r\na\r\n'
FORMS = (
    (b"", "multipart/form-data", 400),
    (b"--X\r\n", FORM, 400),
    (b"--X--\r\n", FORM, 422),
    (PART, FORM, 400),
    (PART + PART + b"--X--\r\n", FORM, 400),
    (PART.replace(b'; name="image"', b"") + b"--X--\r\n", FORM, 400),
    (PART.replace(b"image", b"image" * 2000) + b"--X--\r\n", FORM, 400),
    (b"".join(PART.replace(b"image", b"%d" % k) for k in range(50)) + b"--X--\r\n", FORM, 400),
    (b"a=b", "application/x-www-form-urlencoded", 415),
    (b"{", "application/json", 400),
    (b"[" * 100_000, "application/json", 400),
    (b"\xff\xfe", "application/json", 400),
    (b"[]", "application/json", 422),
)


@pytest.mark.parametrize(("body", "kind", "status"), FORMS)
def test_bodies_that_are_none(here, body, kind, status):
    answer = here.client.post("/v1/edit", content=body, headers={"content-type": kind})
    assert answer.status_code == status, answer.text
    assert set(answer.json()["error"]) <= {"code", "message", "where"}


def test_a_bucket_gives_what_it_gains():
    now = [0.0]
    bucket = Bucket(2.0, 3, clock=lambda: now[0])
    assert [bucket.take() for _ in range(3)] == [0.0] * 3
    assert bucket.take() == pytest.approx(0.5)
    now[0] = 0.5
    assert bucket.take() == 0.0
    assert bucket.take() > 0
    now[0] = 100.0
    assert [bucket.take() > 0 for _ in range(4)] == [False, False, False, True]


@pytest.fixture(scope="module")
def two_tenants(small, tmp_path_factory):
    """Two models, two tenants with one each, one with a slow rate, one with a quick one, and keys."""
    folder = tmp_path_factory.mktemp("tenants")
    models = {"one": small.folder, "two": contrary(small.folder, folder / "two")}
    tenants = {
        "acme": Tenant(models=("one",)),
        "bolt": Tenant(models=("two",), body_bytes=500),
        "slow": Tenant(requests_per_s=0.001, burst=2),
        "quick": Tenant(requests_per_s=1000.0, burst=1000),
    }
    with serving(folder, models, tenants=tenants, key_s=0.05) as here:
        keys = {name: here.server.stored.store.keys.add(name) for name in (*tenants, "stranger")}
        keys["watch"] = here.server.stored.store.keys.add("ops", scopes=("metrics",))
        time.sleep(0.1)
        yield here, keys


def get(here, path, key):
    return here.client.get(path, headers={"authorization": f"Bearer {key.secret}"})


def test_tenants_see_their_own_models_alone(two_tenants, pictures):
    here, keys = two_tenants
    assert [m["name"] for m in get(here, "/v1/models", keys["acme"]).json()] == ["one"]
    assert [m["name"] for m in get(here, "/v1/models", keys["bolt"]).json()] == ["two"]
    assert [m["name"] for m in get(here, "/v1/models", keys["slow"]).json()] == ["one", "two"]
    assert get(here, "/v1/models", keys["stranger"]).json() == []
    anothers = here.edit(pictures[0], key=keys["acme"].secret, model="two")
    nobodys = here.edit(pictures[0], key=keys["acme"].secret, model="six")
    assert (anothers.status_code, anothers.json()) == (404, nobodys.json()), "it tells nothing of others' models"
    for path in ("card", "signatures", "decoder.onnx"):
        assert get(here, f"/v1/models/two/{path}", keys["acme"]).status_code == 404
        assert get(here, f"/v1/models/one/{path}", keys["acme"]).status_code == 200
    assert get(here, "/v1/factors?model=two", keys["acme"]).status_code == 404
    assert here.edit(pictures[0], key=keys["acme"].secret).headers["x-unweave-model"].startswith("one@")
    assert here.edit(pictures[0], key=keys["stranger"].secret).status_code == 404


def test_feedback_on_anothers_edit_is_feedback_on_none(two_tenants, pictures):
    here, keys = two_tenants
    edit = here.edit(pictures[0], key=keys["acme"].secret).headers["x-unweave-edit"]
    body = {"edit": edit, "verdict": "kept"}
    answers = {
        name: here.client.post("/v1/feedback", json=body, headers={"x-api-key": keys[name].secret}).status_code
        for name in ("acme", "stranger")
    }
    assert answers == {"acme": 201, "stranger": 404}


def test_keys_that_are_missing_wrong_revoked_or_for_something_else(two_tenants):
    here, keys = two_tenants
    assert here.client.get("/v1/models").status_code == 401
    assert here.client.get("/v1/models").headers["www-authenticate"] == "Bearer"
    for wrong in ("uw_", "uw_" + "0" * 12 + "_" + "0" * 64, "x" * 10_000, "uw_\xe9"):
        answer = here.client.get("/v1/models", headers={"authorization": f"Bearer {wrong}".encode("latin-1")})
        assert answer.status_code == 401, wrong
    assert get(here, "/v1/models", keys["watch"]).status_code == 403
    assert get(here, "/metrics", keys["acme"]).status_code == 403
    assert b"unweave_requests_total" in get(here, "/metrics", keys["watch"]).content
    short = here.server.stored.store.keys.add("acme")
    assert get(here, "/v1/models", short).status_code == 200
    here.server.stored.store.keys.revoke(short.key_id)
    wait_for(lambda: get(here, "/v1/models", short).status_code == 401, 5)


def test_a_tenant_that_sends_too_much_waits_alone(two_tenants, pictures):
    here, keys = two_tenants
    wait_for(lambda: get(here, "/v1/models", keys["slow"]).status_code == 429)
    answer = get(here, "/v1/models", keys["slow"])
    assert int(answer.headers["retry-after"]) > 10
    assert get(here, "/v1/models", keys["acme"]).status_code == 200
    assert [get(here, "/v1/models", keys["quick"]).status_code for _ in range(5)] == [200] * 5
    assert here.edit(bytes(1000), key=keys["bolt"].secret).status_code == 413
    assert here.edit(pictures[0], key=keys["acme"].secret).status_code == 200


def test_logs_hold_no_key_no_image_and_no_text_of_a_request(two_tenants, pictures):
    here, keys = two_tenants
    lines = []

    class Kept(logging.Handler):
        def emit(self, record):
            lines.append(JsonLines().format(record))

    handler, logger = Kept(), logging.getLogger("unweave")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        here.edit(pictures[0], [{"factor": "very-private", "by": 1}], key=keys["acme"].secret)
        here.edit(pictures[0], key=keys["acme"].secret)
        here.client.get("/v1/models?token=private-too", headers={"x-api-key": "uw_private-as-well"})
        wait_for(lambda: len(lines) >= 3, 5)
    finally:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)
    text = "\n".join(lines)
    assert "private" not in text
    assert keys["acme"].secret not in text
    edited = next(json.loads(line) for line in lines if '"status": 200' in line)
    assert (edited["tenant"], edited["key"]) == ("acme", keys["acme"].key_id)
    assert edited["model"].startswith("one@")


def test_settings_say_what_is_wrong_and_where(tmp_path):
    file = tmp_path / "serve.yaml"
    cases = {
        "models: {a: b}\nport: 99999": "port",
        "models: {a: b}\nlimits: {pixels: 0}": r"limits\.pixels",
        "models: {a: b}\ntenants: {t: {models: [c]}}": "'c' is none of a",
        "models: {a: b}\nnonsense: 1": "nonsense",
        "models: [": "cannot be read",
        "[]": "expected settings by name",
        "port: 1": "nothing to serve",
    }
    for content, words in cases.items():
        file.write_text(content)
        with pytest.raises(Exception, match=words):
            read_settings(file, {})
    file.write_text("models: {a: b}\nport: 1\nlimits: {pixels: 7}")
    found = read_settings(file, {"port": 2, "host": None})
    assert (found.port, found.host, found.limits.pixels) == (2, "127.0.0.1", 7)
    assert not Settings(models={"a": "b"}, host="0.0.0.0").decoder_shared
    assert Settings(models={"a": "b"}, host="0.0.0.0").allowed_hosts is None
