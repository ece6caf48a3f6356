import colorsys
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unweave.data.builtin.registry import builtin_set
from unweave.data.builtin.scene_rays import (
    BODY,
    CAPSULE,
    CUBE,
    CYLINDER,
    FAR,
    FLOOR,
    SPHERE,
    WALL,
    meet,
    normal,
    shade_map,
)
from unweave.data.builtin.scenes import HUES, YAWS

SHAPES = (CUBE, CYLINDER, SPHERE, CAPSULE)
GEOMETRIES = np.array(list(itertools.product(range(8), range(4), range(15))))


@pytest.fixture(scope="module")
def small():
    return builtin_set("scenes", size=32)


def cells(floor, wall, body, geometries=GEOMETRIES):
    return np.concatenate([np.tile([floor, wall, body], (len(geometries), 1)), geometries], 1)


def hue(pixels):
    """Hue of the mean colour of pixels (..., 3)."""
    return colorsys.rgb_to_hsv(*(pixels.reshape(-1, 3).mean(0) / 255))[0]


def test_all_geometries_differ_to_the_eye(small):
    images = small.render(cells(0, 3, 6)).reshape(480, -1).astype(np.int16)
    for at, image in enumerate(images[:-1]):
        # Neighbours in yaw at the smallest sphere differ least, by well over a hundred grey levels in all.
        assert np.abs(images[at + 1 :] - image).sum(1).min() > 100


@pytest.mark.parametrize("size", [32, 64])
def test_hues_are_seen_where_they_belong(size):
    scenes = builtin_set("scenes", size=size)
    sphere = np.array([[7, SPHERE, 7]])
    index = np.concatenate([cells(k, (k + 3) % 10, (k + 6) % 10, sphere) for k in range(10)])
    edge, middle = size // 8, slice(size * 7 // 16, size * 9 // 16)
    for image, labels in zip(scenes.render(index), scenes.labels(index), strict=True):
        seen = hue(image[-edge:, :edge]), hue(image[:edge, middle]), hue(image[middle, middle])
        apart = np.abs(np.array(seen) - labels[:3])
        # Mirror images and highlights shift hues by less than half of the 0.1 between two classes.
        assert np.minimum(apart, 1 - apart).max() < 0.045


def test_labels_name_the_cell(small):
    index = np.array([[0, 1, 2, 0, 3, 0], [9, 5, 0, 7, 0, 14], [3, 3, 3, 1, 2, 7]])
    labels = small.labels(index)
    np.testing.assert_allclose(labels[:, :3], index[:, :3] / 10)
    np.testing.assert_allclose(labels[:, 3], 0.75 + 0.5 * index[:, 3] / 7)
    np.testing.assert_array_equal(labels[:, 4], index[:, 4])
    np.testing.assert_allclose(labels[:, 5], [-30, 30, 0], atol=1e-12)
    assert [factor.kind for factor in small.factors[:3]] == ["circular"] * 3
    assert small.factors[4].values == ("cube", "cylinder", "sphere", "capsule")


def test_a_hue_changes_its_own_material_only(small):
    geometry = np.array([[7, CUBE, 3]])
    before, other_wall = small.render(np.concatenate([cells(1, 2, 7, geometry), cells(1, 8, 7, geometry)])).astype(int)
    shade = shade_map(CUBE, 1.25, np.radians(YAWS[3]), 32)
    without_wall = shade[..., WALL] == 0
    assert 100 < without_wall.sum() < 900
    np.testing.assert_array_equal(before[without_wall], other_wall[without_wall])
    assert (before[shade[..., WALL] > 0.3] != other_wall[shade[..., WALL] > 0.3]).any(-1).all()


@pytest.mark.parametrize("shape", SHAPES)
def test_larger_bodies_cover_more(shape):
    covered = [shade_map(shape, scale, 0.1, 32)[..., BODY].sum() for scale in np.linspace(0.75, 1.25, 8)]
    assert (np.diff(covered) > 0).all()


@pytest.mark.parametrize("shape", SHAPES)
def test_turning_left_mirrors_turning_right(shape):
    # Light comes from one side, but what is seen of a body and of its mirror image on the floor is symmetric.
    left, right = (shade_map(shape, 1.0, yaw, 64)[..., BODY] > 0 for yaw in (-0.4, 0.4))
    np.testing.assert_array_equal(left, right[:, ::-1])
    assert left.any()


@pytest.mark.parametrize("shape", SHAPES)
def test_the_shadow_falls_away_from_the_lamp(shape):
    light = shade_map(shape, 1.0, 0.0, 64)
    floor = np.where((light[..., BODY] == 0) & (light[:, ::-1, BODY] == 0), light[..., FLOOR], 0)
    assert floor[:, 32:].sum() < floor[:, :32].sum() - 10
    darkest = np.where(floor > 0, floor, 1).min()
    assert darkest < 0.5 * floor.max()


def test_pixels_are_the_srgb_of_the_sum_of_lights(small):
    index = np.array([[4, 6, 1, 3, CYLINDER, 2]])
    shade = shade_map(CYLINDER, small.labels(index)[0, 3], np.radians(YAWS[2]), 32).astype(float)
    shown = small.render(index)[0].astype(float) / 255
    light = np.where(shown <= 0.04045, shown / 12.92, ((shown + 0.055) / 1.055) ** 2.4)
    # Five materials explain all pixels by one colour each: unknown colours, solved for by least squares.
    flat, lit = shade.reshape(-1, 5), light.reshape(-1, 3)
    dim = (lit < 1).all(1)
    colours, *_ = np.linalg.lstsq(flat[dim], lit[dim], rcond=None)
    # One byte is at most 1/110 of linear light, half of it rounded away.
    assert np.abs(flat @ colours - lit)[dim].max() < 0.006
    for at, channel in zip(index[0, :3], (FLOOR, WALL, BODY), strict=True):
        assert colorsys.rgb_to_hsv(*_to_srgb(colours[channel]))[0] == pytest.approx(HUES[at], abs=0.01)


def _to_srgb(light):
    return 1.055 * np.clip(light, 0.004, None) ** (1 / 2.4) - 0.055


coordinates = st.floats(-2, 2)


@settings(max_examples=300, deadline=None)
@given(
    shape=st.sampled_from(SHAPES),
    scale=st.floats(0.75, 1.25),
    start=st.tuples(coordinates, st.floats(0, 3), coordinates).filter(lambda o: o[0] ** 2 + o[2] ** 2 > 1.3),
    height=st.floats(0.05, 0.8),
)
def test_rays_towards_the_axis_meet_the_surface(shape, scale, start, height):
    target = np.array([0, height * scale, 0])
    way = target - start
    distance = np.linalg.norm(way)
    way = tuple(map(float, way / distance))
    t = meet(shape, scale, start, way)
    assert 0 < t < distance
    p = np.array(start) + t * np.array(way)
    n = np.array(normal(shape, scale, tuple(map(float, p))))
    assert np.linalg.norm(n) == pytest.approx(1, abs=1e-6)
    assert n @ way < 1e-9
    # Bodies are convex: along the normal lies nothing, and the way back is as short as the way out.
    # A step of 1/1000 inwards keeps clear of the cube's edges.
    outside = tuple(map(float, p + 0.001 * (target - p) + 0.01 * n))
    assert meet(shape, scale, outside, tuple(map(float, n))) >= FAR
    assert meet(shape, scale, outside, tuple(map(float, -n))) == pytest.approx(0.01, abs=0.003)


@pytest.mark.parametrize("shape", SHAPES)
def test_rays_beside_and_away_from_a_body_miss(shape):
    assert meet(shape, 1.0, (0.0, 0.5, -3.0), (0.0, 0.0, 1.0)) < FAR
    assert meet(shape, 1.0, (0.0, 0.5, -3.0), (0.0, 0.0, -1.0)) >= FAR
    assert meet(shape, 1.0, (1.0, 0.5, -3.0), (0.0, 0.0, 1.0)) >= FAR
    assert meet(shape, 1.0, (0.0, 1.6, -3.0), (0.0, 0.0, 1.0)) >= FAR
