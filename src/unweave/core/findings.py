"""What a person should know: about data, about a training, about an imported model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """One thing that a person should know, and what to do.

    Attributes:
        severity: `note` is worth knowing, `warning` costs quality, `problem` makes the result useless.
        title, detail, advice: what it is, how one sees it here, what to do.
    """

    severity: Literal["note", "warning", "problem"]
    title: str
    detail: str
    advice: str
