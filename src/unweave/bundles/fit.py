"""Finding out what a foreign pair takes and gives, on rows of real data, and saying what was found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unweave.bundles.outputs import reading_of
from unweave.core.conventions import Conventions, Layout, Output, Range, layouts_of
from unweave.core.errors import ConfigError, DataError, UnweaveError
from unweave.core.findings import Finding
from unweave.core.model import Observations
from unweave.core.pair import Net, Pair, Reading, Spread, run_net

ROWS = 128
"""Rows that conventions are tried on."""

_OUTPUTS: dict[Range, tuple[Output, ...]] = {
    "unit": ("image", "logits", "tanh"),
    "signed": ("same", "image", "logits"),
    "byte": ("same", "image", "logits"),
    "standard": ("same", "image", "logits"),
}
"""What decoders give, the usual first, by what their encoders take. For `signed`, `same` is `tanh`."""

_USUAL: tuple[Layout, ...] = ("nchw", "flat", "nhwc")
"""Layouts to try where a net does not say what it takes."""

_CLEARLY = 0.9
"""Another convention is better if its error is below this share: a tie keeps the usual one."""

_SAME_TWICE = 1e-4


@dataclass(frozen=True)
class Wanted:
    """What the user says about a pair; None is found out."""

    layout: Layout | None = None
    range: Range | None = None
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    output: Output | None = None
    mean_output: str | None = None
    spread_output: str | None = None
    spread: Spread | None = None

    def __post_init__(self) -> None:
        if bool(self.mean) != bool(self.std):
            raise ConfigError("--pixel-mean and --pixel-std: give both or none.")
        if self.range is not None and (self.range == "standard") != bool(self.mean):
            raise ConfigError(
                f"--range {self.range}: `standard` needs --pixel-mean and --pixel-std, and only it takes them."
            )


ALL_FOUND_OUT = Wanted()
"""Of a user who says nothing."""


@dataclass(frozen=True)
class Trial:
    """One set of conventions and what it reconstructs.

    Attributes:
        conventions: the set.
        error: mean squared error, images in [0, 1].
        misfit: the same with values that are not cut to [0, 1]: cut logits are a fair picture, yet no image.
    """

    conventions: Conventions
    error: float
    misfit: float


@dataclass(frozen=True)
class Fitted:
    """A pair ready for use, and what was found out.

    Attributes:
        pair: implements `RunModel`.
        findings: what a person should know.
        error: mean squared error of its reconstructions, or None without a decoder.
        baseline: that of the mean observation.
    """

    pair: Pair
    findings: tuple[Finding, ...]
    error: float | None = None
    baseline: float | None = None


def fit_pair(encoder: Net, decoder: Net | None, observations: Observations, wanted: Wanted | None = None) -> Fitted:
    """Find conventions and how outputs are read, and check them on rows of real data.

    Where the user leaves the range of the pixels or the kind of the decoder's output open, the combination is taken
    that reconstructs best. What the user says is never overruled, but said to be worse than another where it is.

    Args:
        encoder, decoder: the nets; without a decoder nothing can be tried, and [0, 1] is assumed.
        observations: images uint8 (N, H, W, C) or vectors float32 (N, F), at least 2 rows.
        wanted: what the user says.

    Raises:
        ConfigError: the encoder takes other observations, is not deterministic, or decoder and encoder do not fit.
    """
    wanted = wanted or ALL_FOUND_OUT
    rows = observations[:ROWS]
    shape = tuple(rows.shape[1:])
    layouts, outputs = _run_encoder(encoder, rows, shape, wanted)
    reading, said = reading_of(
        outputs, mean=wanted.mean_output, spread_output=wanted.spread_output, spread=wanted.spread
    )
    findings = (
        [Finding("note", "Outputs were taken by their order", f"{said}.", "--spread says otherwise.")] if said else []
    )
    first = Conventions(
        shape=shape, layout=layouts[0], decoder_layout=layouts[0], **_ranged(_ranges(encoder, shape, wanted)[0], wanted)
    )
    draft = Pair(encoder, decoder, first, reading)
    _check_deterministic(draft, rows)
    if decoder is None:
        findings += _unchecked(first, wanted)
        return Fitted(draft, tuple(findings))
    trials = list(_trials(draft, rows, wanted, layouts, _decoder_layouts(draft, rows)))
    asked = [t for t in trials if _is_asked(t.conventions, wanted)]
    chosen, baseline = _best(asked), _spread_of(rows)
    findings += _about(chosen, trials, baseline, wanted)
    return Fitted(replace(draft, conventions=chosen.conventions), tuple(findings), chosen.error, baseline)


def _run_encoder(
    encoder: Net, rows: Observations, shape: tuple[int, ...], wanted: Wanted
) -> tuple[tuple[Layout, ...], Mapping[str, NDArray[Any]]]:
    """Layouts that the encoder takes, the usual one first, and its outputs with that one."""
    dims = encoder.input_shape
    if dims is None:
        candidates: tuple[Layout, ...] = _USUAL if len(shape) == 3 else ("vector",)
    else:
        candidates = layouts_of(dims[1:], shape)
    if wanted.layout is not None:
        if dims is not None and wanted.layout not in candidates:
            raise ConfigError(f"--layout {wanted.layout}: {_takes(dims, shape)}")
        candidates = (wanted.layout,)
    if not candidates:
        raise ConfigError(_takes(dims or (), shape))
    failures, found = [], dict[Layout, Mapping[str, NDArray[Any]]]()
    for layout in candidates:
        ranged = _ranged(_ranges(encoder, shape, wanted)[0], wanted)
        conventions = Conventions(shape=shape, layout=layout, decoder_layout=layout, **ranged)
        try:
            found[layout] = run_net(encoder, conventions.inside(rows))
        except UnweaveError as error:
            failures.append(f"{layout}: {error}")
    if found:
        return tuple(found), next(iter(found.values()))
    raise ConfigError(
        f"the encoder takes observations of {' x '.join(map(str, shape))} in none of the layouts tried. "
        + " ".join(failures)
    )


def _takes(dims: tuple[int | None, ...], shape: tuple[int, ...]) -> str:
    shown = ", ".join("any" if d is None else str(d) for d in dims[1:])
    text = f"the encoder takes (rows, {shown}), and an observation of the data is {' x '.join(map(str, shape))}. "
    if len(shape) == 1:
        return text + "Give the data that the model was trained on."
    wanted = image_shape(dims)
    if wanted is None:
        return text + "Expected an encoder of images (rows, C, H, W), (rows, H, W, C) or (rows, C * H * W)."
    height, width, channels = wanted
    if height != width:
        return (
            text + f"Images of data are square, those of the encoder are {height} x {width}: export it for square ones."
        )
    return text + f"Write `size: {height}` and `channels: {channels}` under `data:` in unweave.yaml."


def image_shape(dims: tuple[int | None, ...]) -> tuple[int | None, int | None, int | None] | None:
    """(H, W, C) of the images that an input (rows, …) takes, None for any size; None as a whole if it is unclear."""
    if len(dims) == 3:
        return dims[1], dims[2], 1
    if len(dims) != 4:
        return None
    if dims[1] in (1, 3):
        return dims[2], dims[3], dims[1]
    if dims[3] in (1, 3):
        return dims[1], dims[2], dims[3]
    return None if all(d is not None for d in dims[1:]) else (dims[2], dims[3], dims[1])


def _ranges(encoder: Net, shape: tuple[int, ...], wanted: Wanted) -> tuple[Range, ...]:
    """Ranges to try, the one to begin with first."""
    if len(shape) == 1:
        return ("standard",) if wanted.mean else ("unit",)
    if encoder.dtype.kind in "iu":
        if wanted.range not in (None, "byte"):
            raise ConfigError(f"--range {wanted.range}: the encoder takes whole numbers ({encoder.dtype}), so bytes.")
        return ("byte",)
    first: Range = "standard" if wanted.mean else wanted.range or "unit"
    return (first, *(r for r in ("unit", "signed", "byte") if r != first))


def _ranged(range_: Range, wanted: Wanted) -> dict[str, Any]:
    return {"range": range_, **({"mean": wanted.mean, "std": wanted.std} if range_ == "standard" else {})}


def _check_deterministic(pair: Pair, rows: Observations) -> None:
    few = rows[:16]
    first, second = pair.encode(few).mean, pair.encode(few).mean
    moved = float(np.abs(first - second).max())
    if moved > _SAME_TWICE * max(float(first.std()), 1e-6):
        raise ConfigError(
            f"the encoder is not deterministic: the same images gave codes that differ by up to {moved:.3g} (output "
            f"{pair.reading.mean!r}). It returns a sample of the code, or dropout is on. Export the mean instead: call "
            "eval() first and return (mean, log-variance), or choose the output that is the mean with --mean-output."
        )


def _decoder_layouts(pair: Pair, rows: Observations) -> tuple[Layout, ...]:
    """Layouts that what the decoder gives can have, the encoder's first.

    Raises:
        ConfigError: it takes other codes, or gives other observations.
    """
    assert pair.decoder is not None
    codes, dims = pair.encode(rows[:4]).mean, pair.decoder.input_shape
    wanted, shape = pair.reading.code_shape, pair.shape
    if dims is not None and (
        len(dims) - 1 != len(wanted) or any(d not in (None, w) for d, w in zip(dims[1:], wanted, strict=True))
    ):
        raise ConfigError(_other_codes(dims, pair.reading))
    decoded = pair.decoded(codes)
    candidates = layouts_of(tuple(decoded.shape[1:]), shape)
    if not candidates:
        raise ConfigError(
            f"the decoder gives (rows, {', '.join(map(str, decoded.shape[1:]))}), expected an observation of "
            f"{' x '.join(map(str, shape))}: (rows, C, H, W), (rows, H, W, C) or all values in one row."
        )
    return tuple(sorted(candidates, key=lambda layout: layout != pair.conventions.layout))


def _other_codes(dims: tuple[int | None, ...], reading: Reading) -> str:
    takes = ", ".join("any" if d is None else str(d) for d in dims[1:])
    gives = ", ".join(map(str, reading.code_shape))
    text = f"the encoder gives codes ({gives}) and the decoder takes ({takes}): they are not a pair."
    if len(dims) == 2 and len(reading.code_shape) == 1 and dims[1] is not None and reading.code_shape[0] == 2 * dims[1]:
        return text + (
            " Twice as many: if the encoder's output holds the mean and the log-variance side by side, pass --spread "
            "halves."
        )
    return text + " Give the decoder that was trained with this encoder; --mean-output chooses another output."


def _trials(
    pair: Pair, rows: Observations, wanted: Wanted, layouts: Sequence[Layout], decoder_layouts: Sequence[Layout]
) -> Iterator[Trial]:
    """Errors of all conventions that make sense, those asked for first."""
    target = _pixels(rows)
    for layout, range_ in product(layouts, _ranges(pair.encoder, pair.shape, wanted)):
        base = Conventions(shape=pair.shape, layout=layout, decoder_layout=layout, **_ranged(range_, wanted))
        tried = replace(pair, conventions=base)
        raw = tried.decoded(tried.encode(rows).mean)
        outputs: tuple[Output, ...] = _OUTPUTS[range_] if base.images else ("same",)
        asked: tuple[Output, ...] = (wanted.output,) if wanted.output and base.images else ()
        for after, output in product(decoder_layouts, dict.fromkeys((*asked, *outputs))):
            conventions = base.model_copy(update={"output": output, "decoder_layout": after})
            values = conventions.uncut(raw)
            misfit, error = (
                float(np.nan_to_num(np.mean((x - target) ** 2, dtype=np.float64), nan=np.inf))
                for x in (values, np.clip(values, 0, 1) if conventions.images else values)
            )
            yield Trial(conventions, error, misfit)


def _is_asked(conventions: Conventions, wanted: Wanted) -> bool:
    range_ = "standard" if wanted.mean else wanted.range
    outputs = (wanted.output,) if conventions.images and wanted.output else None
    return (range_ is None or conventions.range == range_ or not conventions.images) and (
        outputs is None or conventions.output in outputs
    )


def _best(trials: list[Trial]) -> Trial:
    """The best; one that is not clearly better does not replace a more usual one."""
    best = trials[0]
    for trial in trials[1:]:
        if trial.misfit < _CLEARLY * best.misfit:
            best = trial
    return best


def _about(chosen: Trial, trials: list[Trial], baseline: float, wanted: Wanted) -> Iterator[Finding]:
    words, share = in_words(chosen.conventions), chosen.error / max(baseline, 1e-12)
    other = _best([chosen, *trials])
    told = wanted.range is not None or bool(wanted.mean) or wanted.output is not None
    measured = f"Reconstruction error {chosen.error:.4f}, the mean image's is {baseline:.4f}"
    if other is not chosen and other.misfit < baseline:
        yield Finding(
            "warning",
            "Other conventions reconstruct better than those given",
            f"With {words} the error is {chosen.misfit:.4f}, values outside [0, 1] as they come; with "
            f"{in_words(other.conventions)} it would be {other.misfit:.4f}. The mean image's is {baseline:.4f}.",
            f"Import again with {_options(other.conventions)}, or without these options.",
        )
    elif share >= 1:
        yield Finding(
            "warning",
            "Reconstructions are worse than the mean image",
            f"{measured}, with {words}. No combination of layout, range and output that was tried does better.",
            "Check that encoder and decoder belong together, that they were trained on such images, and what was done "
            "to the pixels (--layout, --range, --pixel-mean and --pixel-std, --decoder-output).",
        )
    elif not told and chosen.conventions.images:
        yield Finding(
            "note",
            "How pixels go in and come out was found by trying",
            f"{words[:1].upper()}{words[1:]}. {measured}.",
            f"If that is wrong, say so: {_options(chosen.conventions)} is what was found.",
        )


def _unchecked(conventions: Conventions, wanted: Wanted) -> list[Finding]:
    if not conventions.images or wanted.range is not None or wanted.mean:
        return []
    return [
        Finding(
            "warning",
            "The range of the pixels could not be checked",
            f"Without a decoder nothing shows what the encoder was trained on; {in_words(conventions)} is assumed.",
            "If it was another, import again with --range signed, --range byte, or --pixel-mean and --pixel-std.",
        )
    ]


def in_words(conventions: Conventions) -> str:
    """`pixels in [0, 1], decoder's output as logits`."""
    pixels = {
        "unit": "pixels in [0, 1]",
        "signed": "pixels in [-1, 1]",
        "byte": "pixels in [0, 255]",
        "standard": "pixels less their mean, over their standard deviation",
    }[conventions.range]
    output = {
        "image": "images in [0, 1]",
        "logits": "logits",
        "tanh": "values in [-1, 1]",
        "same": "what the encoder takes",
    }
    return (
        f"{pixels}, the decoder's output as {output[conventions.output]}" if conventions.images else "vectors as given"
    )


def _options(conventions: Conventions) -> str:
    pixels = "--pixel-mean … --pixel-std …" if conventions.range == "standard" else f"--range {conventions.range}"
    return f"--layout {conventions.layout} {pixels} --decoder-output {conventions.output}"


def _pixels(rows: Observations) -> NDArray[np.float32]:
    return rows.astype(np.float32) / np.float32(255 if rows.dtype == np.uint8 else 1)


def _spread_of(rows: Observations) -> float:
    """Mean squared error of the mean observation."""
    if len(rows) < 2:
        raise DataError(f"there are {len(rows)} rows to check the model on; give at least two.")
    return float(_pixels(rows).var(0, dtype=np.float64).mean())
