"""What a foreign pair takes and gives is found out, or refused with a reason, on real ONNX graphs."""

import numpy as np
import pytest
from onnx import TensorProto, helper

from foreign_graphs import LATENT, PrincipalPair, images, save
from unweave.bundles.fit import Wanted, fit_pair
from unweave.bundles.onnx import OnnxNet
from unweave.core.errors import ConfigError, ShapeError

PIXELS = images()
RGB = images(channels=3)


def fitted(folder, pair, pixels=PIXELS, *, wanted=None, output="same", encoder=None, decoder=None, **options):
    nets = [
        OnnxNet(pair.encoder(folder / "e.onnx", **options) if encoder is None else encoder),
        OnnxNet(pair.decoder(folder / "d.onnx", output=output) if decoder is None else decoder),
    ]
    return fit_pair(*nets, pixels, wanted)


@pytest.mark.parametrize(
    ("layout", "channels"),
    [("nchw", 1), ("nchw", 3), ("nhwc", 1), ("nhwc", 3), ("nhw", 1), ("flat", 1), ("flat", 3), ("flat_hwc", 3)],
)
@pytest.mark.parametrize(
    ("values", "output"), [("unit", "image"), ("signed", "same"), ("byte", "image"), ("signed", "image")]
)
def test_layout_range_and_output_are_found(tmp_path, layout, channels, values, output):
    pixels = RGB if channels == 3 else PIXELS
    pair = PrincipalPair(pixels, layout=layout, values=values)
    found = fitted(tmp_path, pair, pixels, output="same" if output == "same" else "image")
    conventions = found.pair.conventions
    assert (conventions.layout, conventions.range, conventions.output) == (layout, values, output)
    codes = found.pair.encode(pixels)
    assert codes.logvar is None
    np.testing.assert_allclose(codes.mean, pair.codes(pixels), atol=1e-3 * np.abs(pair.codes(pixels)).max())
    assert found.pair.decode(codes.mean).shape == pixels.shape
    assert found.error < 0.5 * found.baseline
    assert found.baseline == pytest.approx((pixels[:128] / 255).var(0).mean(), rel=1e-5)


def test_logits_are_told_from_images(tmp_path):
    pair = PrincipalPair(PIXELS)
    found = fitted(tmp_path, pair, output="logits")
    assert found.pair.conventions.output == "logits"
    plain = fitted(tmp_path, pair, output="image")
    codes = pair.codes(PIXELS).astype(np.float32)
    # The graph clips at 0.01 and 0.99 before it takes logits.
    np.testing.assert_allclose(found.pair.decode(codes), np.clip(plain.pair.decode(codes), 0.01, 0.99), atol=1e-5)
    assert "logits" in found.findings[0].detail


def test_standardised_pixels_are_as_the_user_says(tmp_path):
    pair = PrincipalPair(PIXELS, values="standard")
    found = fitted(tmp_path, pair, wanted=Wanted(mean=(0.5,), std=(0.25,)))
    assert (found.pair.conventions.range, found.pair.conventions.output) == ("standard", "same")
    assert found.findings == ()
    np.testing.assert_allclose(found.pair.encode(PIXELS).mean, pair.codes(PIXELS), atol=1e-3)


def test_what_the_user_says_stays_and_a_better_convention_is_named(tmp_path):
    pair = PrincipalPair(PIXELS, values="signed")
    found = fitted(tmp_path, pair, wanted=Wanted(range="unit", output="image"))
    assert (found.pair.conventions.range, found.pair.conventions.output) == ("unit", "image")
    (warning,) = found.findings
    assert warning.severity == "warning"
    assert "--range signed --decoder-output same" in warning.advice


def test_a_decoder_of_another_encoder_is_worse_than_the_mean_image(tmp_path):
    pair, other = PrincipalPair(PIXELS), PrincipalPair(PIXELS)
    other.directions = np.random.default_rng(0).normal(size=other.directions.shape)
    found = fitted(tmp_path, pair, decoder=other.decoder(tmp_path / "o.onnx"))
    (warning,) = found.findings
    assert warning.title == "Reconstructions are worse than the mean image"
    assert found.error > found.baseline


def test_graphs_of_one_row_give_what_graphs_of_any_number_give(tmp_path):
    pair = PrincipalPair(PIXELS)
    many = fitted(tmp_path, pair).pair
    one = fit_pair(
        OnnxNet(pair.encoder(tmp_path / "e1.onnx", batch=1)),
        OnnxNet(pair.decoder(tmp_path / "d1.onnx", batch=1)),
        PIXELS,
    ).pair
    seven = fit_pair(
        OnnxNet(pair.encoder(tmp_path / "e7.onnx", batch=7)),
        OnnxNet(pair.decoder(tmp_path / "d7.onnx", batch=7)),
        PIXELS,
    ).pair
    codes = many.encode(PIXELS).mean
    for pair_of_few in (one, seven):
        np.testing.assert_allclose(pair_of_few.encode(PIXELS[:20]).mean, codes[:20], atol=1e-5)
        np.testing.assert_allclose(pair_of_few.decode(codes[:20]), many.decode(codes[:20]), atol=1e-5)


def test_an_encoder_of_bytes_gets_bytes(tmp_path):
    pair = PrincipalPair(PIXELS, values="byte")
    found = fitted(tmp_path, pair, elements=TensorProto.UINT8)
    assert found.pair.conventions.range == "byte"
    np.testing.assert_allclose(found.pair.encode(PIXELS).mean, pair.codes(PIXELS), rtol=1e-3, atol=0.1)
    with pytest.raises(ConfigError, match="whole numbers"):
        fitted(tmp_path, pair, elements=TensorProto.UINT8, wanted=Wanted(range="unit"))


def test_an_encoder_that_samples_is_refused(tmp_path):
    pair = PrincipalPair(PIXELS)
    noise = [helper.make_node("RandomNormalLike", ["z"], ["_n"]), helper.make_node("Add", ["z", "_n"], ["sample"])]
    encoder = pair.encoder(tmp_path / "s.onnx", extra=noise)
    with pytest.raises(ConfigError, match=r"not deterministic.*--mean-output"):
        fitted(tmp_path, pair, encoder=encoder, wanted=Wanted(mean_output="sample", spread="none"))
    # The same graph gives the mean too, and that one serves.
    found = fitted(tmp_path, pair, encoder=encoder, wanted=Wanted(mean_output="z", spread="none"))
    np.testing.assert_allclose(found.pair.encode(PIXELS).mean, pair.codes(PIXELS), atol=1e-4)


@pytest.mark.parametrize(
    ("name", "node", "kind", "expected"),
    [
        ("logvar", ("Neg", "mu"), "logvar", lambda z: -z),
        ("z_log_var", ("Neg", "mu"), "logvar", lambda z: -z),
        ("sigma", ("Softplus", "mu"), "std", lambda z: 2 * np.log(np.logaddexp(0, z))),
        ("log_std", ("Neg", "mu"), "logstd", lambda z: -2 * z),
        ("variance", ("Exp", "mu"), "variance", lambda z: z),
        ("7", ("Neg", "mu"), "logvar", lambda z: -z),
    ],
)
def test_the_second_output_is_read_by_its_name(tmp_path, name, node, kind, expected):
    pair = PrincipalPair(PIXELS)
    found = fitted(tmp_path, pair, name="mu", extra=[helper.make_node(node[0], [node[1]], [name])])
    assert (found.pair.reading.mean, found.pair.reading.spread) == ("mu", kind)
    np.testing.assert_allclose(found.pair.encode(PIXELS).logvar, expected(pair.codes(PIXELS)), atol=1e-3)
    assert any("by their order" in finding.title for finding in found.findings) == (name == "7")


def test_of_three_outputs_the_mean_is_the_one_called_so(tmp_path):
    pair = PrincipalPair(PIXELS)
    extra = [
        helper.make_node("RandomNormalLike", ["z_mean"], ["z_sample"]),
        helper.make_node("Neg", ["z_mean"], ["z_logvar"]),
    ]
    found = fitted(tmp_path, pair, name="z_mean", extra=extra)
    assert (found.pair.reading.mean, found.pair.reading.spread_output) == ("z_mean", "z_logvar")
    extra = [helper.make_node("Neg", ["one"], ["two"]), helper.make_node("Abs", ["one"], ["three"])]
    with pytest.raises(ConfigError, match=r"3 outputs.*--mean-output"):
        fitted(tmp_path, pair, name="one", extra=extra)


def test_a_negative_standard_deviation_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"'std'.*below 0"):
        fitted(tmp_path, PrincipalPair(PIXELS), extra=[helper.make_node("Neg", ["z"], ["std"])])


def test_mean_and_log_variance_in_one_output(tmp_path):
    pair = PrincipalPair(PIXELS)
    both = PrincipalPair(PIXELS)
    both.directions = np.concatenate([pair.directions, -pair.directions])
    encoder = both.encoder(tmp_path / "both.onnx")
    with pytest.raises(
        ConfigError, match=rf"codes \({2 * LATENT}\) and the decoder takes \({LATENT}\).*--spread halves"
    ):
        fitted(tmp_path, pair, encoder=encoder)
    found = fitted(tmp_path, pair, encoder=encoder, wanted=Wanted(spread="halves"))
    codes = found.pair.encode(PIXELS)
    np.testing.assert_allclose(codes.mean, pair.codes(PIXELS), atol=1e-4)
    np.testing.assert_allclose(codes.logvar, -codes.mean, atol=1e-4)


def test_a_decoder_of_other_codes_is_refused(tmp_path):
    pair, other = PrincipalPair(PIXELS), PrincipalPair(PIXELS, latent=3)
    with pytest.raises(ConfigError, match=r"codes \(4\) and the decoder takes \(3\): they are not a pair"):
        fitted(tmp_path, pair, decoder=other.decoder(tmp_path / "o.onnx"))


@pytest.mark.parametrize(("size", "channels"), [(16, 1), (8, 3)])
def test_other_sizes_and_channels_are_refused_with_what_to_write(tmp_path, size, channels):
    pair = PrincipalPair(images(size=size, channels=channels))
    with pytest.raises(ConfigError, match=rf"8 x 8 x 1.*`size: {size}` and `channels: {channels}`"):
        fitted(tmp_path, pair)


def test_a_decoder_of_other_pictures_is_refused(tmp_path):
    pair = PrincipalPair(PIXELS)
    with pytest.raises(ConfigError, match=r"the decoder gives \(rows, 32, 2\), expected an observation of 8 x 8 x 1"):
        fitted(tmp_path, pair, decoder=pair.decoder(tmp_path / "o.onnx", shape=(32, 2)))


def test_a_code_with_axes_is_one_row(tmp_path):
    pair = PrincipalPair(PIXELS)
    square = [helper.make_node("Reshape", ["z", "square"], ["code"])]
    encoder = pair.encoder(tmp_path / "e.onnx", extra=square, weights={"square": np.array([-1, 1, 2, 2])})
    flat = [
        helper.make_node("Reshape", ["x", "flat"], ["row"]),
        helper.make_node("MatMul", ["row", "w"], ["p"]),
        helper.make_node("Add", ["p", "b"], ["s"]),
        helper.make_node("Reshape", ["s", "shape"], ["picture"]),
    ]
    arrays = {
        "flat": np.array([-1, 4]),
        "w": pair.directions.astype(np.float32),
        "b": pair.mean.astype(np.float32),
        "shape": np.array([-1, *pair.shape]),
    }
    decoder = save(tmp_path / "d.onnx", flat, ["n", 1, 2, 2], ["picture"], arrays)
    wanted = Wanted(mean_output="code", spread="none")
    found = fit_pair(OnnxNet(encoder), OnnxNet(decoder), PIXELS, wanted)
    assert (found.pair.latent, found.pair.reading.code_shape) == (4, (1, 2, 2))
    np.testing.assert_allclose(found.pair.encode(PIXELS).mean, pair.codes(PIXELS), atol=1e-4)
    assert found.error < 0.5 * found.baseline


def test_without_a_decoder_everything_but_decoding_works(tmp_path):
    pair = PrincipalPair(PIXELS)
    found = fit_pair(OnnxNet(pair.encoder(tmp_path / "e.onnx")), None, PIXELS)
    assert found.pair.capabilities == {"encode"}
    np.testing.assert_allclose(found.pair.encode(PIXELS).mean, pair.codes(PIXELS), atol=1e-4)
    assert "could not be checked" in found.findings[0].title
    with pytest.raises(ConfigError, match="without a decoder"):
        found.pair.decode(np.zeros((1, 4), np.float32))


def test_vectors_go_in_as_they_are(tmp_path):
    rng = np.random.default_rng(0)
    vectors = (rng.normal(size=(200, 2)) @ rng.normal(size=(2, 5)) * 40).astype(np.float32)
    directions = np.linalg.svd(vectors, full_matrices=False)[2][:2]
    encoder = save(
        tmp_path / "e.onnx", [helper.make_node("MatMul", ["x", "w"], ["z"])], ["n", 5], ["z"], {"w": directions.T}
    )
    decoder = save(
        tmp_path / "d.onnx", [helper.make_node("MatMul", ["x", "w"], ["v"])], ["n", 2], ["v"], {"w": directions}
    )
    found = fit_pair(OnnxNet(encoder), OnnxNet(decoder), vectors)
    assert found.findings == ()
    np.testing.assert_allclose(found.pair.decode(found.pair.encode(vectors).mean), vectors, atol=1e-3)


def test_observations_of_another_shape_are_refused_later_too(tmp_path):
    found = fitted(tmp_path, PrincipalPair(PIXELS))
    with pytest.raises(ShapeError, match="Add a row axis"):
        found.pair.encode(PIXELS[0])
    with pytest.raises(ShapeError, match=r"codes: expected shape \(rows, 4\)"):
        found.pair.decode(np.zeros((2, 5), np.float32))
    assert found.pair.encode(PIXELS[:0]).mean.shape == (0, 4)


@pytest.mark.parametrize("options", [{"mean": (0.5,)}, {"range": "signed", "mean": (0.5,), "std": (1.0,)}])
def test_half_said_ranges_are_refused(options):
    with pytest.raises(ConfigError, match="--pixel-mean"):
        Wanted(**options)
