"""Gradient codes: what is decoded is the uncoded gradient, whoever is late."""

from __future__ import annotations

import itertools
import pickle

import mpmath
import numpy as np
import pytest

import cgcopt as cg
from cgcopt.codes import Construction, Placement, arc_placement, gradient_code
from cgcopt.codes.check import TOLERANCE
from cgcopt.codes.universal import Drawing
from cgcopt.errors import DecodingError, InvalidInputError
from tests.turns import in_turns

SIZES = [(n, s) for n in range(1, 8) for s in range(n)]


@in_turns(every=2, size=SIZES, placement=[None, "cyclic"])
def test_every_survivor_set_decodes(size: tuple[int, int], placement: str | None) -> None:
    workers, stragglers = size
    code = gradient_code(workers, stragglers, placement)
    rng = np.random.default_rng(workers)
    partial = rng.standard_normal((code.pieces, 3, 5))
    whole = partial.sum(axis=0)
    sent = {i: code.encode(i, partial[code.pieces_of(i)]) for i in range(workers)}
    for count in range(workers - stragglers, workers + 1):
        for alive in itertools.combinations(range(workers), count):
            vector = code.decoding_vector(alive)
            late = sorted(set(range(workers)) - set(alive))
            assert not vector[late].any()
            np.testing.assert_allclose(vector @ code.matrix, 1.0, atol=1e-10)
            decoded = code.decode({i: sent[i] for i in alive})
            np.testing.assert_allclose(decoded, whole, atol=1e-9)


@pytest.mark.parametrize(("workers", "stragglers"), [(5, 2), (6, 4), (7, 3)])
def test_one_survivor_less_cannot_decode(workers: int, stragglers: int) -> None:
    # Least squares of another library: the ones are not in the span of N - s - 1 rows.
    code = gradient_code(workers, stragglers, "cyclic")
    alive = list(range(workers - stragglers - 1))
    rest = np.linalg.lstsq(code.matrix[alive].T, np.ones(code.pieces))[1]
    assert rest.size
    assert rest[0] > 1e-3
    assert not code.tolerates(alive)
    with pytest.raises(DecodingError, match=f"tolerates {stragglers} stragglers"):
        code.decoding_vector(alive)


def test_repetition_decodes_with_less_than_it_promises() -> None:
    code = gradient_code(6, 2)
    assert code.construction is Construction.REPETITION
    assert code.tolerates([1, 5])
    assert code.decoding_vector([1, 5]).tolist() == [0, 1, 0, 0, 0, 1]
    assert not code.tolerates([0, 1, 2])


@pytest.mark.parametrize(
    ("workers", "stragglers", "construction"),
    [
        (6, 0, Construction.UNCODED),
        (1, 0, Construction.UNCODED),
        (6, 5, Construction.REPLICATION),
        (6, 2, Construction.REPETITION),
        (12, 4, Construction.MIXED),
        (6, 3, Construction.UNIVERSAL),
    ],
)
def test_the_choice_is_explained(workers: int, stragglers: int, construction: Construction) -> None:
    code = gradient_code(workers, stragglers)
    assert code.construction is construction
    assert len(code.reason) > 20
    if construction in (Construction.UNCODED, Construction.REPLICATION, Construction.REPETITION):
        assert set(np.unique(code.matrix)) <= {0.0, 1.0}
        assert code.check().residual == 0.0
        assert code.check().amplification == 1.0


def test_high_precision_agrees() -> None:
    # The same survivors, solved with 60 digits: N - s unknowns from as many independent columns.
    code = gradient_code(8, 4, "cyclic")
    alive = [0, 2, 3, 6]
    with mpmath.workdps(60):
        rows = mpmath.matrix(code.matrix[alive].T.tolist())
        exact = mpmath.lu_solve(rows, mpmath.ones(8, 1))  # least squares
        expected = np.array([float(value) for value in exact])
    np.testing.assert_allclose(code.decoding_vector(alive)[alive], expected, rtol=1e-9)


def test_unequal_arcs() -> None:
    rng = np.random.default_rng(4)
    a = np.minimum(1.0, rng.random(9))
    a *= 4 / a.sum()
    assert a.max() <= 1
    placement, _ = arc_placement(a, 500)
    code = gradient_code(9, 3, placement)
    check = code.check(sets=200)
    assert check.exhaustive
    assert check.sets == 84
    assert check.sound
    assert check.residual < 1e-10


def test_a_worker_without_data() -> None:
    code = gradient_code(4, 1, [[0, 1], [1, 2], [0, 2], []])
    assert code.check().sound
    assert code.decoding_vector([0, 1]) @ code.matrix == pytest.approx(np.ones(3))
    with pytest.raises(InvalidInputError, match="number of partial gradients = 0"):
        code.encode(3, [])


@in_turns(every=2, workers=[20, 50, 100], placement=[None, "cyclic"])
def test_large_codes_are_sound(workers: int, placement: str | None) -> None:
    for stragglers in (1, 2, workers // 2, workers - 2):
        check = gradient_code(workers, stragglers, placement).check(sets=60)
        assert check.residual < 1e-9
        assert not check.exhaustive or stragglers == 1


@pytest.mark.parametrize(
    ("stragglers", "placement"),
    [
        (3, "cyclic"),
        (50, None),
        pytest.param(1, "cyclic", marks=pytest.mark.slow),
        pytest.param(3, None, marks=pytest.mark.slow),
        pytest.param(100, "cyclic", marks=pytest.mark.slow),
        pytest.param(150, "cyclic", marks=pytest.mark.slow),
        pytest.param(198, None, marks=pytest.mark.slow),
    ],
)
def test_two_hundred_workers(stragglers: int, placement: str | None) -> None:
    # More straggler sets, and both placements each time: the benchmark of codes.
    check = gradient_code(200, stragglers, placement).check(sets=24)
    assert check.residual < TOLERANCE


def test_the_check_sees_a_bad_code() -> None:
    # Real Fourier rows: contiguous stragglers leave nearly dependent rows.
    n, s = 30, 12
    angle = 2 * np.pi * np.arange(n) / n
    rows = [np.ones(n)]
    for k in range(1, s // 2 + 1):
        rows += [np.cos(k * angle), np.sin(k * angle)]
    carrier = np.array(rows)
    placement = Placement.cyclic(n, s + 1)
    matrix = np.zeros((n, n))
    for j in range(n):
        held = placement.holders(j)
        matrix[held, j] = np.linalg.solve(carrier[:, held], np.ones(s + 1))
    code = cg.GradientCode(placement, matrix)
    check = code.check(sets=100)
    assert not check.sound
    assert len(check.worst) == s
    alive = [i for i in range(n) if i not in check.worst]
    with pytest.raises(DecodingError, match="wait for one more worker"):
        code.decoding_vector(alive)


def test_large_amplification_is_drawn_again() -> None:
    once = gradient_code(20, 1, "cyclic", drawing=Drawing(most=1), seed=3)
    many = gradient_code(20, 1, "cyclic", drawing=Drawing(most=30, growth=0.0), seed=3)
    assert many.check().amplification < once.check().amplification


def test_single_precision() -> None:
    code = gradient_code(10, 4, "cyclic")
    rng = np.random.default_rng(0)
    partial = rng.standard_normal((10, 2000)).astype(np.float32)
    whole = partial.astype(float).sum(axis=0)
    alive = [0, 2, 3, 5, 8, 9]
    sent = {i: code.encode(i, partial[code.pieces_of(i)]) for i in alive}
    assert sent[0].dtype == np.float32
    decoded = code.decode(sent)
    assert decoded.dtype == np.float32
    scale = np.abs(partial).max()
    bound = code.check().single_precision * scale * np.sqrt(code.pieces)
    assert 0 < np.abs(decoded - whole).max() < bound
    double = {i: code.encode(i, partial[code.pieces_of(i)], dtype=np.float64) for i in alive}
    np.testing.assert_allclose(code.decode(double), whole, atol=1e-10)


def test_gradients_come_as_array_list_or_mapping() -> None:
    code = gradient_code(5, 2, "cyclic")
    rng = np.random.default_rng(1)
    parts = rng.standard_normal((3, 40_000))  # more than a chunk
    held = code.pieces_of(4).tolist()
    expected = sum(code.matrix[4, j] * part for j, part in zip(held, parts, strict=True))
    for given in (parts, list(parts), dict(zip(held, parts, strict=True))):
        np.testing.assert_allclose(code.encode(4, given), expected, rtol=1e-12, atol=1e-13)
    with pytest.raises(InvalidInputError, match="partial_gradients"):
        code.encode(4, {0: parts[0]})
    with pytest.raises(InvalidInputError, match="number of partial gradients = 2"):
        code.encode(4, parts[:2])


def test_vectors_are_remembered_and_codes_are_pickled() -> None:
    code = gradient_code(6, 3)
    assert code.decoding_vector([0, 1, 2]) is code.decoding_vector([2, 1, 0])
    with pytest.raises(ValueError, match="read-only"):
        code.decoding_vector([0, 1, 2])[0] = 1.0
    copy = pickle.loads(pickle.dumps(code))
    assert copy.placement == code.placement
    assert np.array_equal(copy.matrix, code.matrix)
    assert np.array_equal(copy.decoding_vector([0, 1, 2]), code.decoding_vector([0, 1, 2]))
    assert np.array_equal(gradient_code(6, 3).matrix, code.matrix)
    assert not np.array_equal(gradient_code(6, 3, seed=1).matrix, code.matrix)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"workers": 0, "stragglers": 0}, "workers = 0"),
        ({"workers": 3, "stragglers": 3}, "stragglers = 3: must be less than 3"),
        ({"workers": 3, "stragglers": 1, "placement": "random"}, "placement = 'random'"),
        ({"workers": 3, "stragglers": 1, "placement": [[0], [0]]}, "must be 3 workers"),
        ({"workers": 2, "stragglers": 0, "placement": [[0], [0]]}, "holders of every piece"),
    ],
)
def test_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        gradient_code(**arguments)  # type: ignore[arg-type]


def test_a_survivor_that_does_not_exist() -> None:
    with pytest.raises(InvalidInputError, match="survivors = 5"):
        gradient_code(4, 1).decoding_vector([0, 1, 5])
    with pytest.raises(InvalidInputError, match="vectors of one shape"):
        gradient_code(2, 0).decode({0: np.ones(2), 1: np.ones(3)})
    with pytest.raises(InvalidInputError, match=r"matrix\[0, 1\]"):
        cg.GradientCode(Placement.cyclic(2, 1), np.ones((2, 2)))
