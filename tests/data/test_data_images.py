import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageDraw
from PIL.PngImagePlugin import PngInfo

from unweave.data.images import Decoded, ImageOptions, Refusal, decode_image, fit_array, image_extensions

PLAIN = ImageOptions()


def _bytes(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _scene(size=(40, 30)):
    """Red left upper corner, green right upper corner, blue lower half: shows turns, flips and swapped channels."""
    image = Image.new("RGB", size, (0, 0, 255))
    draw = ImageDraw.Draw(image)
    width, height = size
    draw.rectangle((0, 0, width // 2 - 1, height // 2 - 1), fill=(255, 0, 0))
    draw.rectangle((width // 2, 0, width, height // 2 - 1), fill=(0, 255, 0))
    return image


def _corners(pixels):
    return [pixels[2, 2].tolist(), pixels[2, -3].tolist(), pixels[-3, 2].tolist()]


SCENE = [[255, 0, 0], [0, 255, 0], [0, 0, 255]]


def test_a_plain_image_comes_back_as_it_is_and_nothing_is_noted():
    decoded = decode_image(_bytes(_scene()), PLAIN, name="a.png")
    assert isinstance(decoded, Decoded)
    assert decoded.notes == ()
    assert decoded.size == (40, 30)
    assert decoded.pixels.dtype == np.uint8
    np.testing.assert_array_equal(decoded.pixels, np.asarray(_scene()))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("size", [None, 32])
def test_exif_orientation_lands_right_side_up(kind, orientation, size):
    # The stored picture is the scene moved by the inverse of what the orientation asks a reader to do.
    undo = {
        2: [Image.Transpose.FLIP_LEFT_RIGHT],
        3: [Image.Transpose.ROTATE_180],
        4: [Image.Transpose.FLIP_TOP_BOTTOM],
        5: [Image.Transpose.TRANSPOSE],
        6: [Image.Transpose.ROTATE_90],
        7: [Image.Transpose.TRANSVERSE],
        8: [Image.Transpose.ROTATE_270],
    }.get(orientation, [])
    stored = _scene((160, 120))
    for step in undo:
        stored = stored.transpose(step)
    exif = Image.Exif()
    exif[0x0112] = orientation
    lossless = {"lossless": True} if kind == "WEBP" else {"quality": 95, "subsampling": 0} if kind == "JPEG" else {}
    decoded = decode_image(_bytes(stored, kind, exif=exif, **lossless), ImageOptions(size=size, fit="stretch"))
    assert decoded.size == (160, 120)
    assert decoded.pixels.shape == ((size, size, 3) if size else (120, 160, 3))
    # JPEG moves colours of flat areas by a few levels.
    np.testing.assert_allclose(_corners(decoded.pixels), SCENE, atol=6)
    assert any("EXIF" in note for note in decoded.notes) == (orientation != 1)


def _said_elsewhere(place):
    """The scene lying on its side, as a file that says so in other places than an EXIF block before the pixels."""
    lying, xmp = _scene((160, 120)).transpose(Image.Transpose.ROTATE_90), b'<x:xmpmeta><a tiff:Orientation="6"/>'
    exif = Image.Exif()
    exif[0x0112] = 6
    block = exif.tobytes().removeprefix(b"Exif\0\0")
    if place == "XMP of WebP":
        return _bytes(lying, "WEBP", xmp=xmp, lossless=True)
    texts = PngInfo()
    if place == "XMP of PNG":
        texts.add_itxt("XML:com.adobe.xmp", xmp.decode())
    elif place == "text of PNG":
        texts.add_text("Raw profile type exif", f"\nexif\n{len(block):8d}\n{block.hex()}\n")
    plain = _bytes(lying, "PNG", pnginfo=texts)
    if place != "behind the pixels of PNG":
        return plain
    end = plain.index(b"IEND") - 4
    chunk = b"eXIf" + block
    return plain[:end] + struct.pack(">I", len(block)) + chunk + struct.pack(">I", zlib.crc32(chunk)) + plain[end:]


@pytest.mark.parametrize("place", ["XMP of WebP", "XMP of PNG", "text of PNG", "behind the pixels of PNG"])
def test_an_orientation_is_found_wherever_it_stands(place):
    decoded = decode_image(_said_elsewhere(place), PLAIN)
    assert decoded.size == (160, 120)
    np.testing.assert_array_equal(_corners(decoded.pixels), SCENE)
    assert any("EXIF" in note for note in decoded.notes)


@pytest.mark.parametrize("place", ["XMP of PNG", "text of PNG", "behind the pixels of PNG", "nowhere"])
def test_broken_pixels_are_refused_whether_or_not_an_orientation_is_said(place):
    data = bytearray(_said_elsewhere(place))
    assert isinstance(decode_image(bytes(data), PLAIN), Decoded)
    data[data.index(b"IDAT") + 30] ^= 255
    refused = decode_image(bytes(data), PLAIN)
    assert isinstance(refused, Refusal)
    assert refused.reason.startswith("it is damaged or cut off: ")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("exif", [b"Exif\0\0garbage", b"Exif\0\0", b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\1" * 40])
def test_a_damaged_exif_block_does_not_spoil_the_pixels(kind, exif):
    decoded = decode_image(_bytes(_scene(), kind, exif=exif), PLAIN)
    assert isinstance(decoded, Decoded)
    assert decoded.pixels.shape == (30, 40, 3)


def _half_transparent(mode):
    image = Image.new("RGBA", (8, 4), (255, 0, 0, 255))
    image.paste((9, 9, 9, 0), (4, 0, 8, 4))
    return image.convert("P") if mode == "P" else image.convert(mode)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparency_is_laid_on_white(mode):
    decoded = decode_image(_bytes(_half_transparent(mode)), PLAIN)
    assert decoded.pixels[0, -1].tolist() == ([255] if mode == "LA" else [255, 255, 255])
    assert decoded.pixels[0, 0].tolist() == ([76] if mode == "LA" else [255, 0, 0])
    assert any("white" in note for note in decoded.notes)


def test_half_transparent_red_becomes_pink():
    decoded = decode_image(_bytes(Image.new("RGBA", (4, 4), (255, 0, 0, 128))), PLAIN)
    np.testing.assert_allclose(decoded.pixels[0, 0], [255, 127, 127], atol=1)


def test_a_transparent_colour_of_a_plain_image_is_laid_on_white():
    decoded = decode_image(_bytes(Image.new("RGB", (4, 4), (1, 2, 3)), transparency=(1, 2, 3)), PLAIN)
    assert decoded.pixels[0, 0].tolist() == [255]
    assert decoded.pixels.shape == (4, 4, 1)


@pytest.mark.parametrize(
    ("image", "kind", "note"),
    [
        (_scene().quantize(3), "PNG", "palette"),
        (_scene().quantize(3), "GIF", "palette"),
        (_scene().convert("CMYK"), "JPEG", "CMYK"),
        (_scene().convert("CMYK"), "TIFF", "CMYK"),
        (_scene().convert("LAB"), "TIFF", "LAB"),
    ],
)
def test_colours_survive_other_modes(image, kind, note):
    decoded = decode_image(_bytes(image, kind), PLAIN)
    assert decoded.pixels.shape == (30, 40, 3)
    # Which of red, green and blue is the largest: CMYK and LAB move the exact colours.
    assert [int(np.argmax(corner)) for corner in _corners(decoded.pixels)] == [0, 1, 2]
    assert any(note in n for n in decoded.notes)


def test_black_and_white_becomes_grey():
    pixels = np.zeros((5, 7), dtype=bool)
    pixels[1, 2] = True
    decoded = decode_image(_bytes(Image.fromarray(pixels)), PLAIN)
    np.testing.assert_array_equal(decoded.pixels[:, :, 0], pixels * 255)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
def test_16_bit_grey_is_scaled_by_its_depth_and_not_cut(kind):
    levels = np.array([[0, 257, 30000, 65535]], dtype=np.uint16)
    decoded = decode_image(_bytes(Image.fromarray(levels), kind), PLAIN)
    assert decoded.pixels[0, :, 0].tolist() == [0, 1, round(30000 / 257), 255]
    assert decoded.notes == ("16-bit grey scaled to 8 bits",)


def test_pgm_of_12_bits_is_scaled_by_its_own_white():
    data = b"P5 3 1 4095\n" + b"".join(v.to_bytes(2, "big") for v in (0, 2048, 4095))
    assert decode_image(data, PLAIN).pixels[0, :, 0].tolist() == [0, 128, 255]


def test_12_bit_tiff_is_scaled_by_its_own_white():
    # Two 12-bit samples, 0xFFF and 0x800, packed into three bytes.
    entries = [(256, 3, 2), (257, 3, 1), (258, 3, 12), (259, 3, 1), (262, 3, 1), (273, 4, 122), (277, 3, 1),
               (278, 3, 1), (279, 4, 3)]  # fmt: skip
    ifd = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", t, k, 1, v) for t, k, v in entries)
    data = b"II*\0" + struct.pack("<I", 8) + ifd + b"\0" * 4
    data += b"\0" * (122 - len(data)) + bytes([0xFF, 0xF8, 0x00])
    decoded = decode_image(data, PLAIN)
    assert decoded.pixels[0, :, 0].tolist() == [255, 128]
    assert decoded.notes == ("12-bit grey scaled to 8 bits",)


def test_16_bit_colour_is_noted():
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    row = b"\0" + struct.pack(">3H", 65535, 256 * 100, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 16, 2, 0, 0, 0))
    data += chunk(b"IDAT", zlib.compress(row)) + chunk(b"IEND", b"")
    decoded = decode_image(data, PLAIN)
    assert decoded.pixels[0, 0].tolist() == [255, 100, 0]
    assert "16 bits" in decoded.notes[0]


@pytest.mark.parametrize("dtype", [np.int32, np.float32])
def test_32_bit_pixels_are_refused_because_their_range_is_unknown(dtype):
    refusal = decode_image(_bytes(Image.fromarray(np.ones((3, 3), dtype=dtype)), "TIFF"), PLAIN)
    assert isinstance(refusal, Refusal)
    assert "save it with 8 or 16 bits" in refusal.reason


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_of_an_animation_the_first_frame_is_taken_and_noted(kind):
    frames = [Image.new("RGB", (8, 8), color) for color in ((255, 0, 0), (0, 0, 255))]
    options = {"lossless": True} if kind == "WEBP" else {}
    decoded = decode_image(_bytes(frames[0], kind, save_all=True, append_images=frames[1:], **options), PLAIN)
    assert decoded.pixels[4, 4].tolist() == [255, 0, 0]
    assert any("frames" in note for note in decoded.notes)


def test_a_wrong_extension_is_read_by_content_and_noted():
    decoded = decode_image(_bytes(_scene(), "JPEG"), PLAIN, name="sub/a.png")
    assert decoded.notes == ("wrong extension: JPEG content in a .png file",)
    assert decode_image(_bytes(_scene(), "JPEG"), PLAIN, name="a.JPEG").notes == ()


def _bomb(width, height):
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunk = b"IHDR" + header
    return (
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", len(header))
        + chunk
        + struct.pack(">I", zlib.crc32(chunk))
        + b"\0\0\0\0IDAT"
    )


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"hello, I am a text file\n", "text.*hello"),
        ("größe: ein Text".encode() * 100, "text"),
        (b"\xff\xfe\0\1" * 300, "no image"),
        (_bytes(_scene())[:-60], "damaged or cut off"),
        (_bytes(_scene((400, 300)), "JPEG")[:2000], "damaged or cut off"),
        (_bytes(_scene())[:20], "damaged|head"),
        (_bomb(10_001, 10_000), "10001 x 10000.*too large"),
        (_bomb(60_000, 60_000), "far too large"),
    ],
)
def test_what_cannot_be_used_is_refused_in_words(data, reason):
    import re

    refusal = decode_image(data, PLAIN)
    assert isinstance(refusal, Refusal)
    assert re.search(reason, refusal.reason), refusal.reason


@pytest.mark.parametrize(
    ("fit", "left", "right"),
    [("crop", [255, 0, 0], [0, 255, 0]), ("stretch", [0, 0, 0], [9, 9, 9]), ("pad", [0, 0, 0], [9, 9, 9])],
)
def test_fit_of_a_wide_image(fit, left, right):
    # Four stripes of 20 pixels; the middle two are what a centre crop keeps.
    image = Image.new("RGB", (80, 40))
    for i, color in enumerate([(0, 0, 0), (255, 0, 0), (0, 255, 0), (9, 9, 9)]):
        image.paste(color, (20 * i, 0, 20 * i + 20, 40))
    pixels = decode_image(_bytes(image), ImageOptions(size=20, fit=fit)).pixels
    assert pixels.shape == (20, 20, 3)
    np.testing.assert_allclose(pixels[10, 1], left, atol=2)
    np.testing.assert_allclose(pixels[10, -2], right, atol=2)
    np.testing.assert_allclose(pixels[1, 10], [255, 255, 255] if fit == "pad" else pixels[10, 10], atol=2)


def test_resizing_averages_and_does_not_alias():
    board = (np.indices((64, 64)).sum(axis=0) % 2 * 255).astype(np.uint8)
    pixels = decode_image(_bytes(Image.fromarray(board)), ImageOptions(size=8)).pixels
    # A checkerboard of single pixels is an even grey from afar.
    np.testing.assert_allclose(pixels, 127.5, atol=2)


def test_a_jpeg_that_is_decoded_small_stays_sharp():
    # Stripes of 4 pixels at 256 are stripes of one pixel at 64: they vanish if fewer than 64 pixels are decoded.
    stripes = np.tile((np.arange(256) // 4 % 2 * 255).astype(np.uint8), (256, 1))
    data = _bytes(Image.fromarray(stripes), "JPEG", quality=95)
    assert decode_image(data, ImageOptions(size=64)).pixels.std() > 60


@pytest.mark.parametrize("channels", [None, 1, 3])
@pytest.mark.parametrize("grey", [True, False])
def test_channels(channels, grey):
    image = Image.merge("RGB", [_scene().convert("L")] * 3) if grey else _scene()
    pixels = decode_image(_bytes(image), ImageOptions(channels=channels)).pixels
    assert pixels.shape == (30, 40, channels or (1 if grey else 3))
    if channels == 1:
        np.testing.assert_array_equal(pixels[:, :, 0], np.asarray(_scene().convert("L")))


def test_colour_anywhere_is_found():
    pixels = np.full((9, 9, 3), 7, dtype=np.uint8)
    assert fit_array(pixels, PLAIN).pixels.shape == (9, 9, 1)
    pixels[0, 0, 2] = 8
    assert fit_array(pixels, PLAIN).pixels.shape == (9, 9, 3)


@pytest.mark.parametrize("shape", [(6, 6), (6, 6, 1), (6, 6, 3), (6, 8, 3), (6, 8)])
def test_arrays_pass_through(shape):
    pixels = np.random.default_rng(0).integers(0, 255, shape, dtype=np.uint8)
    decoded = fit_array(pixels, PLAIN)
    np.testing.assert_array_equal(decoded.pixels, pixels.reshape(*shape[:2], -1))
    assert decoded.size == (shape[1], shape[0])
    assert fit_array(pixels, ImageOptions(size=4, channels=3)).pixels.shape == (4, 4, 3)


def test_extensions():
    assert {".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".pgm"} <= image_extensions()
    assert not {".eps", ".pdf", ".txt", ".npz"} & image_extensions()
