"""Quantiles of step distributions, against enumeration."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgcopt.design import work_of_partition
from cgcopt.evaluation.result import Method
from cgcopt.evaluation.steps.quantile import runtime_quantile
from cgcopt.system import System
from cgcopt.workers.empirical import Empirical


@given(st.data())
def test_step_quantiles_against_enumeration(data: st.DataObject) -> None:
    workers = data.draw(st.integers(1, 4))
    values = data.draw(st.lists(st.integers(1, 9), min_size=1, max_size=4, unique=True))
    times = Empirical([float(v) for v in values])
    block = st.integers(0, 3).map(float)
    work = data.draw(
        st.lists(block, min_size=workers, max_size=workers).filter(any).map(work_of_partition)
    )
    system = System(workers, 10, times, samples=workers)
    outcomes = np.array(list(itertools.product(times.values, repeat=workers)))
    runtimes = np.sort((np.sort(outcomes, axis=1)[:, ::-1] * work).max(axis=1))
    # All outcomes are equally likely: the quantile at m / count is the m-th runtime.
    rank = data.draw(st.integers(1, len(runtimes)))
    q = rank / len(runtimes)
    if q == 1:
        return
    found = runtime_quantile(system, work, q, gradient=True)
    assert found.value == pytest.approx(runtimes[rank - 1], rel=1e-14)
    assert found.method is Method.EXACT
    assert found.gradient is not None
    assert found.gradient @ work == pytest.approx(found.value, rel=1e-14)
    above = runtime_quantile(system, work, q + 1e-6 / len(runtimes))
    assert above.value == pytest.approx(runtimes[rank], rel=1e-14)
