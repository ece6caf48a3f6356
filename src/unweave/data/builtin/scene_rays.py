"""A ray caster for one body in a room: how much of each material's colour reaches a pixel.

Light is linear: a mirror image keeps the colour of what it shows and adds to the surface's own, so what a pixel shows
is a weighted sum of the materials' colours, and the weights do not depend on the colours.

All in one file, because numba looks for changes of a cached function in that function's own file only.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from unweave.core.compiled import compiled

CUBE, CYLINDER, SPHERE, CAPSULE = range(4)
FAR = 1e9
"""Distance of a ray that meets nothing."""

Vector = tuple[float, float, float]
"""x to the right, y upwards, z away from the camera. Bodies stand on the floor y = 0 at the origin."""

# Sizes at scale 1: half an edge of the cube, radii, and heights of cylinder and capsule.
_HALF_EDGE = 0.46
_CYLINDER_RADIUS, _CYLINDER_HEIGHT = 0.46, 1.05
_SPHERE_RADIUS = 0.56
_CAPSULE_RADIUS, _CAPSULE_HEIGHT = 0.36, 1.45
_NEAR = 1e-4

FLOOR, WALL, BODY, SKY, WHITE = range(5)
"""Channels of a shade map: three coloured materials, the sky, and white light (haze, highlights)."""

_ROOM, _WALL_HEIGHT = 2.6, 3.0  # half the room's width and depth; it is open above and towards the camera
_DISTANCE, _EYE, _FOCAL, _PITCH = 4.3, 1.8, 2.75, -0.29  # camera, looking at the body from in front
_LAMP: Vector = (-0.5, 0.78, -0.3763)  # unit vector towards it
_LAMP_RADIUS = 0.11  # of its disc, seen from the floor, in radians
_RAYS = 3  # rays per pixel and axis
_REACH = 2.2  # of shadows on the floor, at scale 1
_SPREAD = 4  # rays per ray for soft shadows: 36 per pixel
_FLOOR_POLISH, _BODY_POLISH = 0.7, 0.9


def _sunflower(points: int) -> NDArray[np.float64]:
    """Points (N, 3) on the unit half-sphere above a disc that they fill evenly, each a golden angle further on."""
    at = np.arange(points)
    radius, turn = np.sqrt((at + 0.5) / points), at * np.pi * (3 - np.sqrt(5))
    return np.stack([radius * np.cos(turn), np.sqrt(1 - radius**2), radius * np.sin(turn)], 1)


_UPWARDS = _sunflower(_RAYS**2 * _SPREAD).reshape(_SPREAD, _RAYS**2, 3)  # cosine-weighted (Malley's method)


@compiled(inline="always")
def _dot(a: Vector, b: Vector) -> float:
    """Scalar product."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@compiled(inline="always")
def _along(origin: Vector, t: float, way: Vector) -> Vector:
    """The point at distance t."""
    return origin[0] + t * way[0], origin[1] + t * way[1], origin[2] + t * way[2]


@compiled(inline="always")
def _unit(a: Vector) -> Vector:
    """The vector at length 1."""
    scale = 1 / math.sqrt(_dot(a, a))
    return a[0] * scale, a[1] * scale, a[2] * scale


@compiled()
def _meet_sphere(o: Vector, d: Vector, height: float, r: float) -> float:
    y = o[1] - height
    b = o[0] * d[0] + y * d[1] + o[2] * d[2]
    q = b * b - (o[0] * o[0] + y * y + o[2] * o[2]) + r * r
    if q <= 0:
        return FAR
    t = -b - math.sqrt(q)
    return t if t > _NEAR else FAR


@compiled()
def _meet_tube(o: Vector, d: Vector, r: float, low: float, high: float) -> float:
    """The side of an upright cylinder."""
    a = d[0] * d[0] + d[2] * d[2] + 1e-12
    b = o[0] * d[0] + o[2] * d[2]
    q = b * b - a * (o[0] * o[0] + o[2] * o[2] - r * r)
    if q <= 0:
        return FAR
    t = (-b - math.sqrt(q)) / a
    return t if t > _NEAR and low <= o[1] + t * d[1] <= high else FAR


@compiled()
def _meet_lid(o: Vector, d: Vector, r: float, high: float) -> float:
    """The disc on top of a cylinder."""
    if abs(d[1]) < 1e-9:
        return FAR
    t = (high - o[1]) / d[1]
    x, z = o[0] + t * d[0], o[2] + t * d[2]
    return t if t > _NEAR and x * x + z * z < r * r else FAR


@compiled()
def _meet_cube(o: Vector, d: Vector, half: float) -> float:
    near, far = -FAR, FAR
    for axis in range(3):
        low = 0.0 if axis == 1 else -half
        inverse = 1 / (d[axis] if abs(d[axis]) > 1e-9 else 1e-9)
        a, b = (low - o[axis]) * inverse, (low + 2 * half - o[axis]) * inverse
        near, far = max(near, min(a, b)), min(far, max(a, b))
    return near if near < far and near > _NEAR else FAR


@compiled()
def meet(shape: int, s: float, o: Vector, d: Vector) -> float:
    """Distance from `o` along the unit vector `d` to the body of scale `s`, or `FAR`."""
    if shape == CUBE:
        return _meet_cube(o, d, _HALF_EDGE * s)
    if shape == CYLINDER:
        r, high = _CYLINDER_RADIUS * s, _CYLINDER_HEIGHT * s
        return min(_meet_tube(o, d, r, 0.0, high), _meet_lid(o, d, r, high))
    if shape == SPHERE:
        return _meet_sphere(o, d, _SPHERE_RADIUS * s, _SPHERE_RADIUS * s)
    r, high = _CAPSULE_RADIUS * s, _CAPSULE_HEIGHT * s
    ends = min(_meet_sphere(o, d, r, r), _meet_sphere(o, d, high - r, r))
    return min(ends, _meet_tube(o, d, r, r, high - r))


@compiled()
def normal(shape: int, s: float, p: Vector) -> Vector:
    """Outward unit normal at a point of the body's surface."""
    if shape == CUBE:
        half = _HALF_EDGE * s
        x, y, z = p[0] / half, p[1] / half - 1, p[2] / half
        if abs(y) >= max(abs(x), abs(z)):
            return 0.0, math.copysign(1.0, y), 0.0
        return (math.copysign(1.0, x), 0.0, 0.0) if abs(x) > abs(z) else (0.0, 0.0, math.copysign(1.0, z))
    if shape == CYLINDER:
        r = _CYLINDER_RADIUS * s
        return (0.0, 1.0, 0.0) if p[1] > _CYLINDER_HEIGHT * s - 1e-6 else (p[0] / r, 0.0, p[2] / r)
    r = _SPHERE_RADIUS * s
    height = r
    if shape == CAPSULE:
        r = _CAPSULE_RADIUS * s
        height = min(max(p[1], r), _CAPSULE_HEIGHT * s - r)
    return p[0] / r, (p[1] - height) / r, p[2] / r


@compiled()
def _fresnel(cosine: float) -> float:
    """Share of light that a dielectric mirrors (Schlick 1994, eq. 15, with refractive index 1.5)."""
    return float(0.04 + 0.96 * (1 - min(max(cosine, 0.0), 1.0)) ** 5)


@compiled()
def _floor_light(shape: int, s: float, p: Vector, ray: int) -> float:
    """Light on a point of the floor: what the body leaves of the lamp and of the sky, and the walls of the sky."""
    lamp = sky = _SPREAD
    if p[0] * p[0] + p[2] * p[2] < (_REACH * s) ** 2:
        for k in range(_SPREAD):
            u, up, v = _UPWARDS[k, ray]
            sky -= meet(shape, s, p, (u, up, v)) < FAR
            towards = _unit((_LAMP[0] + _LAMP_RADIUS * u, _LAMP[1], _LAMP[2] + _LAMP_RADIUS * v))
            lamp -= meet(shape, s, p, towards) < FAR
    corner = 1 - 0.35 * math.exp(-(_ROOM - abs(p[0])) / 0.4)
    corner *= 1 - 0.35 * math.exp(-(_ROOM - p[2]) / 0.4)
    open_sky = sky / _SPREAD
    return 0.58 * lamp / _SPREAD + 0.32 * corner * open_sky * math.sqrt(open_sky)


@compiled()
def _body_light(s: float, p: Vector, n: Vector) -> float:
    """Light on a point of the body: the lamp, the sky above, and what comes back from the floor."""
    lamp = max(0.0, _dot(n, _LAMP))
    sky = 0.5 + 0.5 * n[1]
    contact = 1 - 0.75 * math.exp(-p[1] / (0.22 * s))
    return 0.78 * lamp + (0.26 * sky + 0.15) * contact


@compiled()
def _add_room(shape: int, s: float, o: Vector, d: Vector, ray: int, weight: float, out: NDArray[np.float32]) -> None:
    """Add what a ray sees that misses the body: floor, wall or sky."""
    floor = -o[1] / d[1] if d[1] < -1e-9 else FAR
    side = (math.copysign(_ROOM, d[0]) - o[0]) / d[0] if abs(d[0]) > 1e-9 else FAR
    back = (_ROOM - o[2]) / d[2] if d[2] > 1e-9 else FAR
    wall = min(side, back)
    if floor < wall:
        out[FLOOR] += weight * _floor_light(shape, s, _along(o, floor, d), ray)
        return
    p = _along(o, wall, d)
    if wall < FAR and p[1] < _WALL_HEIGHT:
        facing = -math.copysign(_LAMP[0], _LAMP[0] * d[0]) if side < back else -_LAMP[2]
        corner = _ROOM - p[2] if side < back else _ROOM - abs(p[0])
        shade = (1 - 0.3 * math.exp(-corner / 0.35)) * (1 - 0.4 * math.exp(-p[1] / 0.35))
        out[WALL] += weight * (0.5 + 0.45 * max(0.0, facing)) * shade
        return
    haze = math.exp(-3.5 * max(d[1], 0.0))
    out[SKY] += weight * (1 - haze)
    out[WHITE] += weight * haze


@compiled()
def _mirror(d: Vector, n: Vector) -> Vector:
    twice = 2 * _dot(d, n)
    return d[0] - twice * n[0], d[1] - twice * n[1], d[2] - twice * n[2]


@compiled()
def _add_body(
    shape: int, s: float, p: Vector, d: Vector, ray: int, weight: float, mirrors: bool, out: NDArray[np.float32]
) -> None:
    """Add what a ray sees that meets the body at `p`: its colour, the lamp's highlight and the room mirrored."""
    n = normal(shape, s, p)
    mirrored = _mirror(d, n)
    share = _BODY_POLISH * _fresnel(-_dot(d, n))
    out[BODY] += weight * (1 - share) * _body_light(s, p, n)
    out[WHITE] += weight * 0.55 * max(0.0, _dot(mirrored, _LAMP)) ** 60
    if mirrors:
        _add_room(shape, s, p, mirrored, ray, weight * share, out)


@compiled()
def _add_ray(shape: int, s: float, o: Vector, d: Vector, ray: int, out: NDArray[np.float32]) -> None:
    """Add what one ray from the eye sees."""
    t = meet(shape, s, o, d)
    if t < FAR:
        _add_body(shape, s, _along(o, t, d), d, ray, 1.0, True, out)
        return
    floor = -o[1] / d[1] if d[1] < -1e-9 else FAR
    p = _along(o, floor, d)
    if floor >= FAR or max(abs(p[0]), p[2]) >= _ROOM:
        _add_room(shape, s, o, d, ray, 1.0, out)
        return
    share = _FLOOR_POLISH * _fresnel(-d[1])
    out[FLOOR] += (1 - share) * _floor_light(shape, s, p, ray)
    mirrored = (d[0], -d[1], d[2])
    t = meet(shape, s, p, mirrored)
    if t < FAR:
        _add_body(shape, s, _along(p, t, mirrored), mirrored, ray, share, False, out)
    else:
        _add_room(shape, s, p, mirrored, ray, share, out)


@compiled()
def shade_map(shape: int, scale: float, yaw: float, size: int) -> NDArray[np.float32]:
    """Light that each material sends to each pixel: float32 (size, size, 5), channels `FLOOR` to `WHITE`.

    Args:
        shape: `CUBE`, `CYLINDER`, `SPHERE` or `CAPSULE`.
        scale: of the body; at 1 it is about a unit high.
        yaw: of the camera about the body, in radians.
        size: side of the picture in pixels.
    """
    out = np.zeros((size, size, 5), np.float32)
    side = size * _RAYS
    cos, sin = math.cos(yaw), math.sin(yaw)
    tilt_cos, tilt_sin = math.cos(_PITCH), math.sin(_PITCH)
    eye = (-_DISTANCE * sin, _EYE, -_DISTANCE * cos)
    for i in range(side):
        up = 1 - (i + 0.5) / side * 2
        y, depth = up * tilt_cos + _FOCAL * tilt_sin, _FOCAL * tilt_cos - up * tilt_sin
        for j in range(side):
            right = (j + 0.5) / side * 2 - 1
            way = _unit((right * cos + depth * sin, y, depth * cos - right * sin))
            ray = (i % _RAYS) * _RAYS + j % _RAYS
            _add_ray(shape, scale, eye, way, ray, out[i // _RAYS, j // _RAYS])
    return out / np.float32(_RAYS * _RAYS)
