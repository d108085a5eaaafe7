"""Products of parameters of which a part is quick, and fewer examples where they are dear."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import settings


def in_turns(*, every: int, **parameters: Iterable[Any]) -> Any:
    """Mark a test to be run with all combinations, most of them slow.

    Quick are those whose places in their lists sum to a multiple of ``every``, which must let every
    value have its turn unless there is one list. A dictionary names its values.
    """
    named = [
        list(values.items()) if isinstance(values, dict) else [(str(v), v) for v in values]
        for values in parameters.values()
    ]
    cases, met = [], [set[int]() for _ in named]
    for places in itertools.product(*(range(len(values)) for values in named)):
        quick = sum(places) % every == 0
        chosen = [values[place] for values, place in zip(named, places, strict=True)]
        cases.append(
            pytest.param(
                *(value for _, value in chosen),
                id="-".join(name for name, _ in chosen),
                marks=[] if quick else pytest.mark.slow,
            )
        )
        if quick:
            for seen, place in zip(met, places, strict=True):
                seen.add(place)
    never = [
        name
        for name, seen, values in zip(parameters, met, named, strict=True)
        if len(seen) < len(values)
    ]
    assert len(named) == 1 or not never, f"not all values of {never} are ever quick"
    return pytest.mark.parametrize(tuple(parameters), cases)


#: For examples that are dear: a third of what the profile asks for.
few_examples = settings(max_examples=settings().max_examples // 3)
