"""Does augmentation by edits break a spurious correlation? Scenes at 32 pixels whose shape and wall hue vary together.

    python benchmarks/augment.py --out augment --seeds 3 --strengths 0.1 0.2 0.4

In training the hue of the wall goes with the shape of the object (Träuble et al. 2021, eq. 1), in the test it does not.
A beta-VAE learns from the correlated images, 1,000 of them with labels; `unweave.signatures` finds signatures from the
same 1,000 labels, and the walls of these 1,000 images are set to hues that are drawn without regard to the shape. A
small convolutional net then learns the shape from the 1,000 images, from them with weights that make shape and hue
independent, and from them with their edited copies. Differences are paired: same images, same seed. A run that is done
is read from its folder.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from unweave.core.files import write_text
from unweave.projects.config import Project
from unweave.projects.data import load_data
from unweave.projects.pipeline import Trained, train

LABELS, STEPS = 1_000, 2_000
READ, SPURIOUS = "shape", "wall_hue"
METHOD = {
    "kind": "beta_vae",
    "beta": 2.0,
    "latent": 16,
    "supervision": {"labels": LABELS, "classes": "logits", "weight": 20.0},
    "correlated": {"reweight": True},
}


def project_of(strength: float, seed: int, steps: int) -> Project:
    """The correlated set and the model that learns from it."""
    return Project.model_validate(
        {
            "name": "augment",
            "data": {
                "images": "builtin:scenes",
                "size": 32,
                "rows": 12_000,
                "split": {"seed": seed},
                "correlate": {"factors": [READ, SPURIOUS], "strength": strength},
            },
            "method": METHOD,
            "net": {"kind": "conv", "width": 16},
            "training": {
                "steps": steps,
                "batch": 64,
                "seed": seed,
                "learning_rate": 2e-3,
                "schedule": "cosine",
                "monitor_every": steps,
                "checkpoint_every": steps,
            },
            "tracking": {"uri": "off"},
        }
    )
