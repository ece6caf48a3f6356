"""A ray caster for one object in a room: how much of each material a pixel shows, and how brightly lit it is."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

CUBE, CYLINDER, SPHERE, CAPSULE = range(4)
FLOOR, WALL, OBJECT, SKY, GLOSS = range(5)
"""Channels of a shade map: light on the three coloured materials, the sky, and white highlights."""

ROOM, WALL_HEIGHT = 2.6, 2.3
DISTANCE, EYE, FOCAL, PITCH = 3.1, 1.2, 1.7, -0.19
LIGHT = (-0.45, 0.82, -0.35)
_SAMPLES = 3  # rays per pixel and axis
_SHADOWS = 4  # rays to the lamp, for soft shadows
_FAR, _NEAR = 1e9, 1e-4


@njit(cache=True, nogil=True)  # type: ignore[misc,unused-ignore]
def _sphere(ox: float, oy: float, oz: float, dx: float, dy: float, dz: float, cy: float, r: float) -> float:
    """Distance along the ray to a sphere about (0, cy, 0)."""
    b = ox * dx + (oy - cy) * dy + oz * dz
    q = b * b - (ox * ox + (oy - cy) ** 2 + oz * oz) + r * r
    if q <= 0:
        return _FAR
    t = -b - math.sqrt(q)
    return t if t > _NEAR else _FAR


@njit(cache=True, nogil=True)  # type: ignore[misc,unused-ignore]
def _tube(ox: float, oy: float, oz: float, dx: float, dy: float, dz: float, r: float, low: float, high: float) -> float:
    """Distance along the ray to the side of an upright cylinder."""
    a = dx * dx + dz * dz + 1e-12
    b = ox * dx + oz * dz
    q = b * b - a * (ox * ox + oz * oz - r * r)
    if q <= 0:
        return _FAR
    t = (-b - math.sqrt(q)) / a
    y = oy + t * dy
    return t if t > _NEAR and low <= y <= high else _FAR


@njit(cache=True, nogil=True)  # type: ignore[misc,unused-ignore]
def _lid(ox: float, oy: float, oz: float, dx: float, dy: float, dz: float, r: float, high: float) -> float:
    """Distance along the ray to a disc at height `high`."""
    if abs(dy) < 1e-9:
        return _FAR
    t = (high - oy) / dy
    x, z = ox + t * dx, oz + t * dz
    return t if t > _NEAR and x * x + z * z < r * r else _FAR


@njit(cache=True, nogil=True)  # type: ignore[misc,unused-ignore]
def _box(ox: float, oy: float, oz: float, dx: float, dy: float, dz: float, half: float) -> float:
    """Distance along the ray to a cube that stands on the floor."""
    near, far = -_FAR, _FAR
    for o, d, low, high in ((ox, dx, -half, half), (oy, dy, 0.0, 2 * half), (oz, dz, -half, half)):
        inverse = 1 / (d if abs(d) > 1e-9 else 1e-9)
        a, b = (low - o) * inverse, (high - o) * inverse
        near, far = max(near, min(a, b)), min(far, max(a, b))
    return near if near < far and near > _NEAR else _FAR


@njit(cache=True, nogil=True)  # type: ignore[misc,unused-ignore]
def _hit(shape: int, s: float, ox: float, oy: float, oz: float, dx: float, dy: float, dz: float) -> float:
    """Distance along the ray to the object of scale `s`, which stands on the floor at the origin."""
    if shape == CUBE:
        return _box(ox, oy, oz, dx, dy, dz, 0.42 * s)
    if shape == CYLINDER:
        r, high = 0.45 * s, 0.95 * s
        return min(_tube(ox, oy, oz, dx, dy, dz, r, 0.0, high), _lid(ox, oy, oz, dx, dy, dz, r, high))
    if shape == SPHERE:
        return _sphere(ox, oy, oz, dx, dy, dz, 0.5 * s, 0.5 * s)
    r, high = 0.36 * s, 1.5 * s
    ends = min(_sphere(ox, oy, oz, dx, dy, dz, r, r), _sphere(ox, oy, oz, dx, dy, dz, high - r, r))
    return min(ends, _tube(ox, oy, oz, dx, dy, dz, r, r, high - r))


@njit(cache=True, nogil=True)  # type: ignore[misc,unused-ignore]
def _normal(shape: int, s: float, x: float, y: float, z: float) -> tuple[float, float, float]:
    """Outward unit normal of the object at a point of its surface."""
    if shape == CUBE:
        half = 0.42 * s
        u, v, w = x / half, y / half - 1, z / half
        if abs(v) >= max(abs(u), abs(w)):
            return 0.0, math.copysign(1.0, v), 0.0
        return (math.copysign(1.0, u), 0.0, 0.0) if abs(u) > abs(w) else (0.0, 0.0, math.copysign(1.0, w))
    if shape == CYLINDER:
        return (0.0, 1.0, 0.0) if y > 0.95 * s - 1e-3 else (x / (0.45 * s), 0.0, z / (0.45 * s))
    r, centre = 0.5 * s, 0.5 * s
    if shape == CAPSULE:
        r = 0.36 * s
        centre = min(max(y, r), 1.5 * s - r)
    return x / r, (y - centre) / r, z / r


@njit(cache=True, nogil=True)  # type: ignore[misc,unused-ignore]
def _lit(shape: int, s: float, x: float, z: float, light: NDArray[np.float64]) -> float:
    """Light on a point of the floor: soft shadow of the lamp, and less of the sky close to the object."""
    free = 0
    for k in range(_SHADOWS):
        turn = 2 * math.pi * k / _SHADOWS
        lx, lz = light[0] + 0.09 * math.cos(turn), light[2] + 0.09 * math.sin(turn)
        norm = math.sqrt(lx * lx + light[1] ** 2 + lz * lz)
        free += _hit(shape, s, x, 0.0, z, lx / norm, light[1] / norm, lz / norm) >= _FAR
    closeness = math.exp(-max(0.0, math.sqrt(x * x + z * z) - 0.4 * s) / (0.25 * s))
    return (0.5 + 0.5 * free / _SHADOWS) * (1 - 0.3 * closeness)


@njit(cache=True, nogil=True)  # type: ignore[misc,unused-ignore]
def _shade_ray(
    shape: int,
    s: float,
    o: tuple[float, float, float],
    d: tuple[float, float, float],
    light: NDArray[np.float64],
    out: NDArray[np.float32],
) -> None:
    """Add what one ray sees to the five channels of its pixel."""
    ox, oy, oz = o
    dx, dy, dz = d
    t = _hit(shape, s, ox, oy, oz, dx, dy, dz)
    if t < _FAR:
        x, y, z = ox + t * dx, oy + t * dy, oz + t * dz
        nx, ny, nz = _normal(shape, s, x, y, z)
        facing = nx * light[0] + ny * light[1] + nz * light[2]
        out[OBJECT] += 0.42 + 0.12 * (0.5 + 0.5 * ny) + 0.46 * max(0.0, facing) - 0.12 * math.exp(-y / (0.15 * s))
        # Where a mirror would throw the lamp's light; a highlight is seen when that is towards the eye.
        mx, my, mz = 2 * facing * nx - light[0], 2 * facing * ny - light[1], 2 * facing * nz - light[2]
        out[GLOSS] += 0.3 * max(0.0, -(mx * dx + my * dy + mz * dz)) ** 24
        return
    floor = -oy / dy if dy < 0 else _FAR
    side = (math.copysign(ROOM, dx) - ox) / dx if dx != 0 else _FAR
    back = (ROOM - oz) / dz if dz > 0 else _FAR
    wall = min(side if side > 0 else _FAR, back)
    if floor < wall:
        x, z = ox + floor * dx, oz + floor * dz
        edge = 1 - 0.25 * math.exp(-min(ROOM - abs(x), ROOM - z) / 0.35)
        depth = 1 - 0.12 * (z + ROOM) / (2 * ROOM)
        out[FLOOR] += 0.92 * _lit(shape, s, x, z, light) * edge * depth
    elif oy + wall * dy < WALL_HEIGHT:
        height = (oy + wall * dy) / WALL_HEIGHT
        out[WALL] += (0.68 if side < back else 0.9) * (0.78 + 0.22 * height)
    else:
        out[SKY] += 1


@njit(cache=True, nogil=True)  # type: ignore[misc,unused-ignore]
def shade_map(shape: int, scale: float, yaw: float, size: int) -> NDArray[np.float32]:
    """Weight times light of floor, wall, object, sky and highlight per pixel: float32 (size, size, 5).

    Args:
        shape: `CUBE`, `CYLINDER`, `SPHERE` or `CAPSULE`.
        scale: of the object, 1 is about a unit high.
        yaw: angle of the camera about the object, in radians.
        size: side of the picture in pixels.
    """
    light = np.array(LIGHT)
    light /= math.sqrt((light**2).sum())
    out = np.zeros((size, size, 5), np.float32)
    rays = size * _SAMPLES
    cos, sin = math.cos(yaw), math.sin(yaw)
    cos_p, sin_p = math.cos(PITCH), math.sin(PITCH)
    o = (-DISTANCE * sin, EYE, -DISTANCE * cos)
    for i in range(rays):
        up = 1 - (i + 0.5) / rays * 2
        for j in range(rays):
            right = (j + 0.5) / rays * 2 - 1
            dy, depth = up * cos_p + FOCAL * sin_p, FOCAL * cos_p - up * sin_p
            dx, dz = right * cos + depth * sin, depth * cos - right * sin
            norm = math.sqrt(dx * dx + dy * dy + dz * dz)
            d = (dx / norm, dy / norm, dz / norm)
            _shade_ray(shape, scale, o, d, light, out[i // _SAMPLES, j // _SAMPLES])
    return out / np.float32(_SAMPLES * _SAMPLES)
