"""The project of `unweave demo`: sprites at 32 pixels, trained in a few minutes on two cores."""

from __future__ import annotations

from typing import Any


def demo_project() -> dict[str, Any]:
    """Content of its project file."""
    priorities = {"y": 1, "x": 2, "scale": 3, "shape": 4, "orientation": 5}
    from unweave.data.builtin.sprites import FACTORS

    factors = [
        {**f.model_dump(mode="json", exclude_defaults=True), "priority": priorities[f.name]}
        for f in sorted(FACTORS, key=lambda f: priorities[f.name])
    ]
    return {
        "name": "sprites",
        "notes": "Beta starts high, so that position and size find a dimension each, and falls to let detail in.",
        "data": {"images": "builtin:sprites", "size": 32, "rows": 50_000},
        "factors": factors,
        "method": {"kind": "beta_vae", "beta": 4.0, "start": 12.0, "ramp": 6000, "latent": 10},
        "training": {"steps": 8000, "batch": 64, "learning_rate": 1.0e-3},
        "accept": {"mig": {"at_least": 0.05}},
        "sweep": {"share": 0.2},
        "monitoring": {"reference_rows": 2000},
    }
