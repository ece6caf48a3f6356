"""The four bodies of the scenes: where a ray meets them, and which way their surface looks there."""

from __future__ import annotations

import math

from numba import njit

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


@njit(cache=True, nogil=True, inline="always")  # type: ignore[misc,unused-ignore]
def dot(a: Vector, b: Vector) -> float:
    """Scalar product."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@njit(cache=True, nogil=True, inline="always")  # type: ignore[misc,unused-ignore]
def along(origin: Vector, t: float, way: Vector) -> Vector:
    """The point at distance t."""
    return origin[0] + t * way[0], origin[1] + t * way[1], origin[2] + t * way[2]


@njit(cache=True, nogil=True, inline="always")  # type: ignore[misc,unused-ignore]
def unit(a: Vector) -> Vector:
    """The vector at length 1."""
    scale = 1 / math.sqrt(dot(a, a))
    return a[0] * scale, a[1] * scale, a[2] * scale


@njit(cache=True, nogil=True)  # type: ignore[misc,unused-ignore]
def _meet_sphere(o: Vector, d: Vector, height: float, r: float) -> float:
    y = o[1] - height
    b = o[0] * d[0] + y * d[1] + o[2] * d[2]
    q = b * b - (o[0] * o[0] + y * y + o[2] * o[2]) + r * r
    if q <= 0:
        return FAR
    t = -b - math.sqrt(q)
    return t if t > _NEAR else FAR


@njit(cache=True, nogil=True)  # type: ignore[misc,unused-ignore]
def _meet_tube(o: Vector, d: Vector, r: float, low: float, high: float) -> float:
    """The side of an upright cylinder."""
    a = d[0] * d[0] + d[2] * d[2] + 1e-12
    b = o[0] * d[0] + o[2] * d[2]
    q = b * b - a * (o[0] * o[0] + o[2] * o[2] - r * r)
    if q <= 0:
        return FAR
    t = (-b - math.sqrt(q)) / a
    return t if t > _NEAR and low <= o[1] + t * d[1] <= high else FAR


@njit(cache=True, nogil=True)  # type: ignore[misc,unused-ignore]
def _meet_lid(o: Vector, d: Vector, r: float, high: float) -> float:
    """The disc on top of a cylinder."""
    if abs(d[1]) < 1e-9:
        return FAR
    t = (high - o[1]) / d[1]
    x, z = o[0] + t * d[0], o[2] + t * d[2]
    return t if t > _NEAR and x * x + z * z < r * r else FAR


@njit(cache=True, nogil=True)  # type: ignore[misc,unused-ignore]
def _meet_cube(o: Vector, d: Vector, half: float) -> float:
    near, far = -FAR, FAR
    for axis in range(3):
        low = 0.0 if axis == 1 else -half
        inverse = 1 / (d[axis] if abs(d[axis]) > 1e-9 else 1e-9)
        a, b = (low - o[axis]) * inverse, (low + 2 * half - o[axis]) * inverse
        near, far = max(near, min(a, b)), min(far, max(a, b))
    return near if near < far and near > _NEAR else FAR


@njit(cache=True, nogil=True)  # type: ignore[misc,unused-ignore]
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


@njit(cache=True, nogil=True)  # type: ignore[misc,unused-ignore]
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
