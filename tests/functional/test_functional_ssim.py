"""SSIM against scikit-image's numbers, multi-scale SSIM against a plain NumPy version of Wang's own program."""

import numpy as np
import pytest
import torch
from scipy.ndimage import correlate, gaussian_filter

from unweave.core.errors import ShapeError
from unweave.functional.ssim import SCALE_WEIGHTS, exponents, ms_ssim, scales_of, ssim

# structural_similarity of scikit-image 0.26.0 with gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
# data_range=1.0, channel_axis=-1 for `pair(side, channels)`.
SCIKIT_IMAGE = {
    (32, 1): 0.6593062222426751,
    (45, 3): 0.6725587146086345,
    (64, 3): 0.6920138332734292,
    (256, 1): 0.6831370683271475,
}
SMALL = [(32, 1), (45, 3), (64, 3), (61, 1), (181, 1), (256, 3)]


def pair(side, channels, noise=0.3):
    rng = np.random.default_rng(side)
    a = rng.random((side, side, channels))
    return a, np.clip(a + noise * rng.standard_normal(a.shape), 0, 1)


def smooth_pair(side, channels):
    a, _ = pair(side, channels)
    a = gaussian_filter(a, (2, 2, 0)) * 3 - 1
    return a, a + 0.1 * np.random.default_rng(1).standard_normal(a.shape)


def inside(image):
    return torch.from_numpy(image).permute(2, 0, 1)[None]


def by_hand(a, b):
    """Mean SSIM and mean contrast-structure of two grey images: Wang's ssim_index.m."""
    blur = lambda image: gaussian_filter(image, 1.5, truncate=3.5)[5:-5, 5:-5]  # noqa: E731 - a window of 11
    c1, c2 = 0.01**2, 0.03**2
    ma, mb = blur(a), blur(b)
    va, vb, cov = blur(a * a) - ma * ma, blur(b * b) - mb * mb, blur(a * b) - ma * mb
    structure = (2 * cov + c2) / (va + vb + c2)
    return ((2 * ma * mb + c1) / (ma * ma + mb * mb + c1) * structure).mean(), structure.mean()


def several_by_hand(a, b, scales):
    """Wang's ssim_mscale_new.m: a 2 x 2 average with reflected borders, then every other pixel."""
    found = []
    for _ in range(scales):
        found.append(by_hand(a, b))
        # MATLAB's imfilter puts the origin of an even window at its upper left pixel.
        a, b = (correlate(image, np.full((2, 2), 0.25), mode="reflect", origin=(-1, -1))[::2, ::2] for image in (a, b))
    weights = np.array(SCALE_WEIGHTS[:scales])
    weights = weights if scales == 5 else weights / weights.sum()
    return np.prod([s for _, s in found[:-1]] ** weights[:-1]) * found[-1][0] ** weights[-1]


@pytest.mark.parametrize(("shape", "want"), SCIKIT_IMAGE.items())
def test_ssim_is_that_of_scikit_image(shape, want, device):
    a, b = (inside(image).to(device) for image in pair(*shape))
    assert ssim(a, b).item() == pytest.approx(want, abs=1e-12)


@pytest.mark.parametrize("shape", SMALL)
def test_several_scales_are_those_of_wangs_program(shape):
    a, b = smooth_pair(*shape)
    scales = scales_of(shape[0], shape[0])
    want = np.mean([several_by_hand(a[..., c], b[..., c], scales) for c in range(shape[1])])
    assert ms_ssim(inside(a), inside(b)).item() == pytest.approx(want, abs=1e-12)


def test_five_published_scales_need_more_than_160_pixels_and_smaller_images_have_fewer():
    assert [scales_of(side, 300) for side in (11, 16, 20, 21, 32, 41, 64, 81, 128, 160, 161, 256, 4096)] == [
        *(1, 1, 1, 2, 2, 3, 3, 4, 4, 4, 5, 5, 5)
    ]
    for scales in range(1, 5):
        assert sum(exponents(scales)) == pytest.approx(1)
    assert exponents(5) == SCALE_WEIGHTS
    assert exponents(2)[0] / exponents(2)[1] == pytest.approx(SCALE_WEIGHTS[0] / SCALE_WEIGHTS[1])


def test_one_scale_is_ssim():
    a, b = (inside(image) for image in smooth_pair(16, 3))
    torch.testing.assert_close(ms_ssim(a, b, scales=1), ssim(a, b))


@pytest.mark.parametrize("similarity", [ssim, ms_ssim])
def test_equal_images_are_1_and_others_less_symmetrically(similarity):
    a, b = (inside(image) for image in smooth_pair(48, 3))
    torch.testing.assert_close(similarity(a, a), torch.ones(1).double())
    assert similarity(a, b) < 0.99
    torch.testing.assert_close(similarity(a, b), similarity(b, a))


@pytest.mark.parametrize("similarity", [ssim, ms_ssim])
def test_constant_images_differ_by_their_luminance_alone(similarity):
    a, b = (torch.full((1, 1, 32, 32), grey, dtype=torch.float64) for grey in (0.2, 0.6))
    luminance = (2 * 0.2 * 0.6 + 1e-4) / (0.2**2 + 0.6**2 + 1e-4)
    power = 1 if similarity is ssim else exponents(2)[-1]
    assert similarity(a, b).item() == pytest.approx(luminance**power, rel=1e-9)


@pytest.mark.parametrize("similarity", [ssim, ms_ssim])
@pytest.mark.parametrize("channels", [1, 3])
def test_gradients(similarity, channels):
    a, b = (inside(image[:, :21]) for image in smooth_pair(22, channels))
    assert torch.autograd.gradcheck(lambda y: similarity(a, y), b.requires_grad_(), fast_mode=True)


def test_inverted_and_flat_reconstructions_keep_finite_gradients():
    a, _ = smooth_pair(64, 1)
    for y in (1 - inside(a), torch.full((1, 1, 64, 64), 0.5, dtype=torch.float64)):
        y.requires_grad_()
        similarity = ms_ssim(inside(a), y)
        similarity.sum().backward()
        assert 0 < similarity < 0.1
        assert y.grad.isfinite().all()


def test_single_precision_keeps_four_digits_of_dark_and_even_images():
    a, b = smooth_pair(64, 3)
    wide = ms_ssim(inside(0.05 * a), inside(0.05 * b))
    # Variances near 1e-4 are differences of squares near 1e-2, known to 1e-9; C2 is 9e-4.
    assert ms_ssim(inside(0.05 * a).float(), inside(0.05 * b).float()).item() == pytest.approx(wide.item(), abs=1e-4)


def test_rows_do_not_influence_each_other():
    a, b = smooth_pair(32, 3)
    x, y = torch.cat([inside(a), inside(b)]), torch.cat([inside(b), inside(a) * 0.5])
    torch.testing.assert_close(ms_ssim(x, y)[1:], ms_ssim(x[1:], y[1:]))


def test_wrong_shapes_are_explained():
    x = torch.rand(1, 1, 20, 20)
    with pytest.raises(ShapeError, match="that of x"):
        ssim(x, x[..., 1:])
    with pytest.raises(ShapeError, match="at least 11 pixels a side for 1 scale"):
        ssim(x[..., :10], x[..., :10])
    with pytest.raises(ShapeError, match="at least 21 pixels a side for 2 scale"):
        ms_ssim(x, x, scales=2)
    with pytest.raises(ShapeError, match="1 to 5"):
        ms_ssim(x, x, scales=6)
