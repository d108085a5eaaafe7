"""Plans in files: one npz archive of plain arrays, readable with numpy alone (docs/plan.md)."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cgcopt._writing import replacing
from cgcopt.codes.code import GradientCode
from cgcopt.codes.placement import Placement
from cgcopt.codes.plan import Plan, PlannedBlock
from cgcopt.errors import CgcoptError, InvalidInputError
from cgcopt.instance import problem_from_dict, standalone_tables
from cgcopt.problem import Problem

__all__ = ["load_plan", "save_plan"]

FORMAT = "cgcopt-plan"
VERSION = 1


def save_plan(plan: Plan, path: str | Path) -> None:
    """Write a plan as one file of named arrays, without pickle.

    Parameters
    ----------
    plan : Plan
    path : path-like
        The file (``.npz``); an existing one is replaced.

    Raises
    ------
    InvalidInputError
        If the file cannot be written.
    """
    arrays: dict[str, NDArray[Any]] = {
        "format": np.array(FORMAT),
        "version": np.array(VERSION),
        "title": np.array(plan.title),
        "problem": np.array(_problem_text(plan)),
        "workers": np.array(plan.workers),
        "coordinates": np.array(plan.coordinates),
        "samples": np.array(plan.samples),
        "cells": np.array(plan.cells),
        "partition": plan.partition,
        "fractions": plan.fractions,
        "levels": np.array([block.level for block in plan.blocks]),
    }
    for b, block in enumerate(plan.blocks):
        arrays |= {
            f"block{b}_cuts": block.cuts,
            f"block{b}_order": block.order,
            f"block{b}_pieces": block.pieces,
            f"block{b}_holds": block.code.placement.holds,
            f"block{b}_matrix": block.code.matrix,
        }
    try:
        with replacing(Path(path)) as unfinished, unfinished.open("wb") as stream:
            np.savez_compressed(stream, allow_pickle=False, **arrays)
    except OSError as error:
        reason = (error.strerror or "not writable").lower()
        raise InvalidInputError(
            "plan", str(path), f"a file that can be written ({reason})"
        ) from None


def load_plan(path: str | Path) -> Plan:
    """Read a plan that :func:`save_plan` wrote.

    Raises
    ------
    InvalidInputError
        If the file cannot be read or is not a plan.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except OSError as error:
        reason = (error.strerror or "not an npz archive").lower()
        raise InvalidInputError("plan", str(path), f"a readable npz file ({reason})") from None
    except (ValueError, AttributeError, TypeError, zipfile.BadZipFile):
        raise InvalidInputError("plan", str(path), "an npz file without pickled objects") from None
    if str(arrays.get("format")) != FORMAT or int(arrays.get("version", -1)) != VERSION:
        found = f"format {arrays.get('format')}, version {arrays.get('version')}"
        raise InvalidInputError(f"plan {path}", found, f"{FORMAT}, version {VERSION}")
    try:
        blocks = tuple(_block(arrays, b) for b in range(arrays["levels"].size))
        return Plan(
            int(arrays["samples"]),
            blocks,
            arrays["partition"],
            arrays["fractions"],
            int(arrays["cells"]),
            str(arrays["title"]),
            _problem(str(arrays.get("problem", ""))),
        )
    except KeyError as error:
        raise InvalidInputError(f"plan {path}", str(error), "an array of the file") from None
    except CgcoptError as error:
        raise InvalidInputError(
            "plan", str(path), f"a plan in itself consistent ({error})"
        ) from error


def _problem_text(plan: Plan) -> str:
    return "" if plan.problem is None else json.dumps(standalone_tables(plan.problem))


def _problem(text: str) -> Problem | None:
    if not text:
        return None
    try:
        tables = json.loads(text)
        return problem_from_dict(tables, title=tables.pop("title", ""))
    except (ValueError, AttributeError, RecursionError) as error:
        raise InvalidInputError("problem", text[:60], f"tables in JSON ({error})") from None


def _block(arrays: dict[str, NDArray[Any]], b: int) -> PlannedBlock:
    code = GradientCode(Placement(arrays[f"block{b}_holds"]), arrays[f"block{b}_matrix"])
    return PlannedBlock(
        arrays[f"block{b}_cuts"], arrays[f"block{b}_order"], arrays[f"block{b}_pieces"], code
    )
