"""One self-contained HTML file: it opens offline, follows the reader's theme, fits a phone and prints well."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from unweave.core.files import write_text
from unweave.core.scores import Scorecard
from unweave.projects.report.charts import Line, interval_plot, line_chart
from unweave.projects.report.content import ReportContent
from unweave.projects.report.pictures import encode_png, image_grid, to_rgb
from unweave.projects.report.signatures import signature_values
from unweave.projects.report.words import IN_USE, above_chance, factors_with_own_dial, headline, verdict

_FIRST_SETTINGS = ("method", "net", "training", "data")


def render_report(content: ReportContent) -> str:
    """The report as HTML text; the same content gives the same bytes."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    here = resources.files(__package__)
    template = environment.from_string((here / "template.html.j2").read_text(encoding="utf-8"))
    return template.render(
        c=content,
        style=Markup((here / "style.css").read_text(encoding="utf-8")),
        headline=headline(content),
        verdict=verdict(content),
        tiles=list(_tiles(content)),
        warnings=_warnings(content),
        settings=list(_settings(content)),
        curves=list(_curves(content)),
        scores=_scores(content),
        reconstructions=_reconstructions(content),
        traversals=_traversals(content),
        information=_information(content),
        signatures=signature_values(content.signatures) if content.signatures is not None else None,
    )


def write_report(content: ReportContent, path: Path) -> None:
    """Write the report whole, or not at all."""
    write_text(path, render_report(content))


def _tiles(content: ReportContent) -> Iterator[dict[str, str]]:
    """Key figures for the top of the page."""
    card = content.scorecard or Scorecard()
    for name, label in (
        ("mig", "MIG"),
        ("dci.disentanglement", "DCI disentanglement"),
        ("reconstruction", "Reconstruction error"),
    ):
        score = card.get(name)
        if score is not None and score.value is not None:
            digits = ".4f" if name == "reconstruction" else ".2f"
            low_high = f"{score.interval[0]:{digits}} to {score.interval[1]:{digits}}" if score.interval else ""
            null = f"random codes {score.null:{digits}}" if score.null is not None else ""
            detail = " · ".join(filter(None, (low_high, null)))
            yield {"label": label, "value": f"{score.value:{digits}}", "detail": detail}
    seconds = content.status.get("seconds")
    if seconds:
        speed = content.series.get("train.images_per_second", ((), ()))[1]
        parts = [f"{content.status.get('step', 0):,} steps"]
        if len(speed):
            parts.append(f"{np.median(speed):,.0f} images/s")
        if "monitor_seconds" in content.status:
            parts.append(f"monitoring {content.status['monitor_seconds'] / seconds:.1%}")
        yield {"label": "Training time", "value": duration(seconds), "detail": " · ".join(parts)}


def duration(seconds: float) -> str:
    """`3 min 20 s`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _warnings(content: ReportContent) -> list[Mapping[str, Any]]:
    order = {"problem": 0, "warning": 1, "note": 2}
    found = [*content.status.get("diagnoses", ()), *content.data.get("findings", ())]
    return sorted(found, key=lambda f: order.get(f.get("severity", "note"), 2))


def _settings(content: ReportContent) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    project = content.asked.get("project", {})
    sections = {"imported model": content.imported, **{name: project.get(name) for name in _FIRST_SETTINGS}}
    for section, values in sections.items():
        if values:
            yield section, [(k, _plain(v)) for k, v in values.items() if v is not None]


def _plain(value: Any) -> str:  # noqa: ANN401 - anything that JSON holds
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {_plain(v)}" for k, v in value.items() if v is not None)
    if isinstance(value, list | tuple):
        return ", ".join(map(_plain, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _curves(content: ReportContent) -> Iterator[dict[str, Any]]:
    series = content.series

    def chart(title: str, caption: str, lines: list[Line], **options: float) -> Iterator[dict[str, Any]]:
        present = [line for line in lines if len(line.steps)]
        if present:
            legend = [(line.name, line.tone, line.dashed) for line in present] if len(present) > 1 else []
            svg = Markup(line_chart(present, title=title, **options))
            yield {"title": title, "caption": caption, "svg": svg, "legend": legend}

    def line(key: str, name: str, tone: int, *, dashed: bool = False) -> Line:
        steps, values = series.get(key, ((), ()))
        return Line(name, steps, values, tone, dashed)

    train, valid = line("train.reconstruction", "train", 1), line("valid.reconstruction", "validation", 0)
    yield from chart("Distortion", "Reconstruction loss, nats per observation; lower is better.", [train, valid])
    train, valid = line("train.kl", "train", 1), line("valid.kl", "validation", 0)
    yield from chart("Rate", "KL of the code, nats per observation: how much it says.", [train, valid], floor=0)
    mig = [line("valid.mig", "MIG", 0), line("valid.mig_null", "random codes", 1, dashed=True)]
    yield from chart("MIG", "On the validation sample, with random codes below it.", mig, floor=0)
    last = {k: series[k][1][-1] for k in series if k.startswith("valid.kl.")}
    used = sorted((k for k in last if last[k] > IN_USE), key=lambda k: -last[k])
    kl = [line(k, f"z{k.removeprefix('valid.kl.')}", min(i, 5)) for i, k in enumerate(used)]
    left_out = f" {len(last) - len(used)} that are not in use are left out." if len(used) < len(last) else ""
    caption = f"KL of each dimension, nats.{left_out}"
    yield from chart("Information per dimension", caption, kl, floor=0)


def _scores(content: ReportContent) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "score": score,
            "plot": Markup(interval_plot(score)),
            "above": above_chance(score),
        }
        for name, score in (content.scorecard or {}).items()
    ]


def _reconstructions(content: ReportContent) -> list[tuple[str, str]]:
    if content.reconstructions is None:
        return []
    pairs = zip(content.reconstructions.originals, content.reconstructions.decoded, strict=True)
    return [(_data_uri(to_rgb(a)), _data_uri(to_rgb(b))) for a, b in pairs]


def _traversals(content: ReportContent) -> dict[str, Any] | None:
    """The rows of dimensions in use, or all where none is."""
    if content.traversals is None:
        return None
    pairs = list(zip(content.traversals.rows, content.traversals.images, strict=True))
    used = [pair for pair in pairs if pair[0].used] or pairs
    rows = [{"row": row, "image": _data_uri(image_grid(images[None])), "frames": len(images)} for row, images in used]
    informed = all(row.kl is not None for row, _ in pairs)
    return {"rows": rows, "hidden": len(pairs) - len(used), "informed": informed}


def _information(content: ReportContent) -> dict[str, Any] | None:
    if content.information is None or not len(content.factors):
        return None
    shares = content.information
    order = np.argsort(-shares.max(1), kind="stable")
    rows = [(int(d), [float(v) for v in shares[d]]) for d in order if shares[d].max() >= 0.01]
    return {"rows": rows, "own": factors_with_own_dial(shares), "hidden": len(shares) - len(rows)}


def _data_uri(picture: np.ndarray) -> str:
    return "data:image/png;base64," + base64.b64encode(encode_png(picture)).decode()
