"""Files of codes and of labels, for scoring without a project."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unweave.core import Codes, ConfigError, DataError, Factor, FactorTable, ShapeError
from unweave.data.labels import factor_table
from unweave.data.sources.damage import reading
from unweave.metrics.inputs import factor_columns
from unweave.projects.load import load_project
from unweave.projects.score_tables import TABLES, read_table, table_column, vectors

Labels = FactorTable | NDArray[Any]
"""Labels (N, K): a table where the file names its columns."""

SUFFIXES = (".npy", ".npz", *TABLES)


def read_inputs(
    codes: Path, factors: Path | None, *, grid: Sequence[int] | None = None, project: Path | None = None
) -> tuple[Codes, Labels | None]:
    """Codes and labels of the same rows; no labels with a grid.

    Args:
        codes: file of codes.
        factors: file of labels; None takes those in the file of codes, or of the grid.
        grid: sizes of the factors when row i of the codes is cell i of their grid in C order.
        project: folder of a project whose factors say kinds, ranges and priorities of the columns of labels.

    Raises:
        ConfigError: labels are asked for twice or not at all, or the project has no factors.
        DataError: see `read_codes` and `read_factors`.
        ShapeError: the codes are not as many as the grid has cells.
    """
    given = read_codes(codes)
    if grid is not None:
        if factors is not None or project is not None:
            raise ConfigError("grid: the labels are those of the grid. Leave out the file of labels and the project.")
        if given.mean.ndim == 2 and len(given) != math.prod(grid):
            hint = "Row i is cell i of the grid in C order: the last factor varies fastest."
            raise ShapeError("codes", want=f"({math.prod(grid)}, codes) for {grid}", got=given.mean.shape, hint=hint)
        return given, None
    declared = load_project(project).factors if project is not None else ()
    if project is not None and not declared:
        raise ConfigError(f"{project}: the project declares no `factors:`. Add them, or leave the project out.")
    labels = read_factors(factors or _file_with_labels(codes), declared)
    if abs(len(labels) - len(given)) == 1:
        raise DataError(
            f"{codes} has {len(given)} rows and {factors} has {len(labels)}. Where a CSV file starts with column names "
            "that are numbers, give them words; otherwise see which row is missing."
        )
    return given, labels


def _file_with_labels(codes: Path) -> Path:
    arrays = read_arrays(codes) if codes.suffix.lower() == ".npz" else {}
    if {"factors", "labels"} & arrays.keys():
        return codes
    sizes = ",".join(str(size) for size in arrays["factor_sizes"].tolist()) if "factor_sizes" in arrays else "S,S,…"
    raise ConfigError(
        f"score: {codes} holds no labels. Give a file of labels beside it, or --grid {sizes} when its rows are all "
        "cells of a grid of factors."
    )


def read_codes(path: Path) -> Codes:
    """Codes of a file in the precision that it holds; their shape is not checked here.

    `.npy`: the array. `.npz`: `codes`, with `logvars` beside it where the file has them, or its only array. CSV and
    Parquet: every column is a code, or the only column holds lists.

    Raises:
        DataError: the file is absent, damaged, or it cannot be told which part of it holds the codes.
    """
    if _suffix(path) in TABLES:
        table = read_table(path)
        lists = vectors(table)
        return Codes(np.column_stack([table_column(table, c) for c in table.column_names]) if lists is None else lists)
    arrays = read_arrays(path)
    codes = _pick(arrays, ("codes",), path)
    logvar = arrays.get("logvars", arrays.get("logvar"))
    if logvar is not None and logvar.shape != codes.shape:
        raise DataError(f"{path}: `logvars` must have the shape of the codes, {codes.shape}; it has {logvar.shape}.")
    return Codes(codes, logvar)


def read_factors(path: Path, declared: Sequence[Factor] = ()) -> Labels:
    """Labels of a file; the shape of a plain array is not checked here.

    `.npy`: the array. `.npz`: `factors`, with `factor_names` (K,) where the file has them, or its only array. CSV and
    Parquet: every column is a factor. Words are classes, numbers are ordered classes or, with many values, a
    measurement; empty cells and NaN are missing labels.

    Args:
        path: the file.
        declared: factors with their kinds, ranges and priorities, for files that name their columns; only those
            columns are taken.

    Raises:
        DataError: the file is absent, damaged, it cannot be told which part of it holds the labels, or these do not
            fit what is declared.
        ConfigError: factors are declared, and the file does not name its columns.
    """
    if _suffix(path) in TABLES:
        table = read_table(path)
        if declared:
            return factor_table(table, declared)
        return factor_columns({name: table_column(table, name) for name in table.column_names})
    if declared:
        raise ConfigError(f"{path} does not name its columns. Give the labels as a CSV or Parquet table.")
    arrays = read_arrays(path)
    labels, names = _pick(arrays, ("factors", "labels"), path), arrays.get("factor_names")
    if names is None or labels.ndim != 2:
        return labels
    if names.shape != (labels.shape[1],) or len(set(names.tolist())) < len(names):
        raise DataError(f"{path}: `factor_names` must hold {labels.shape[1]} different names, it holds {names}.")
    return factor_columns({str(name): labels[:, place] for place, name in enumerate(names)})


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of an `.npz` file by name; the array of an `.npy` file has the name "".

    Raises:
        DataError: the file is absent or damaged, or its arrays hold Python objects.
        StorageError: it cannot be read.
    """
    suffix = _suffix(path)
    with reading(str(path)):
        if suffix == ".npy":
            with path.open("rb") as file:  # numpy.load would take another kind of file for a pickle
                return {"": np.lib.format.read_array(file, allow_pickle=False)}
        with zipfile.ZipFile(path) as archive:
            return {name.removesuffix(".npy"): _member(archive, name) for name in archive.namelist()}


def _member(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    with archive.open(name) as file:
        return np.asarray(np.lib.format.read_array(file, allow_pickle=False))


def _suffix(path: Path) -> str:
    suffix = path.suffix.lower()
    if not path.is_file():
        raise DataError(f"{path} does not exist, or is no file. Expected a {', '.join(SUFFIXES)} file.")
    if suffix not in SUFFIXES:
        raise DataError(f"{path}: expected a {', '.join(SUFFIXES)} file. Save the array with numpy.save.")
    return suffix


def _pick(arrays: dict[str, NDArray[Any]], names: Sequence[str], path: Path) -> NDArray[Any]:
    """The array of one of the names, or the only one that there is."""
    for name in (*names, *(arrays if len(arrays) == 1 else ())):
        if name in arrays:
            return arrays[name]
    found = ", ".join(f"`{name}` {array.shape}" for name, array in arrays.items())
    raise DataError(f"{path}: expected an array `{names[0]}`; the file has {found or 'no arrays'}. Rename the array.")
