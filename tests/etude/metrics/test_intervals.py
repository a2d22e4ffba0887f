import numpy as np
import pytest
from scipy import stats

from etude.metrics.intervals import mean_interval, share_interval


@pytest.mark.parametrize(("successes", "trials"), [(0, 10), (5, 10), (10, 10), (3, 97)])
def test_share_intervals_are_the_exact_binomial_ones(successes, trials):
    """At the lower end so many successes or more have a probability of 2.5 %, at the upper so many or fewer."""
    low, high = share_interval(successes, trials)
    if successes:
        assert stats.binom.sf(successes - 1, trials, low) == pytest.approx(0.025)
    else:
        assert low == 0
    if successes < trials:
        assert stats.binom.cdf(successes, trials, high) == pytest.approx(0.025)
    else:
        assert high == 1


def test_bootstrap_of_a_mean_agrees_with_the_normal_interval():
    values = np.random.default_rng(1).normal(3, 2, size=400)
    low, high = mean_interval(values, 4000, 0)
    half = 1.96 * values.std() / 20
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.02)
    assert mean_interval(values, 4000, 0) == (low, high)


def test_equal_values_have_no_spread():
    assert mean_interval(np.full(7, 0.25), 100, 0) == (0.25, 0.25)
