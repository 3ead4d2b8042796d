"""The interval that bin/bench prints with the median of its ratios."""

import random
import statistics

import pytest

from benchmarks.gateway.beside import interval


def test_of_twenty_samples_it_leaves_out_five_on_each_side():
    assert interval([float(number) for number in range(20, 0, -1)]) == (6.0, 15.0)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_of_few_samples_it_is_all_of_them(count: int):
    samples = [float(number) for number in range(count)]
    assert interval(samples) == (0.0, count - 1.0)


@pytest.mark.parametrize("count", [6, 10, 20, 33])
def test_it_holds_the_true_median_in_about_95_of_100_series(count: int):
    draw = random.Random(count)
    hits = 0
    for _ in range(2000):
        low, high = interval([draw.expovariate(1.0) for _ in range(count)])
        hits += low <= 0.6931 <= high
    assert 0.94 < hits / 2000 < 0.99


def test_it_has_the_median():
    samples = [0.97, 1.02, 1.0, 0.99, 1.01, 1.05, 0.95]
    low, high = interval(samples)
    assert low <= statistics.median(samples) <= high
