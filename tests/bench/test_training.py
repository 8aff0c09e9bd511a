"""The benchmark of trainings refuses a path whose loss is another one."""

import pytest

from bench.training import require_equal


@pytest.mark.parametrize("change", [0.0, 1e-3, -1e-3])
def test_a_loss_within_a_thousandth_passes(change: float) -> None:
    require_equal("kernels liger", change)


@pytest.mark.parametrize("change", [1.1e-3, -1.1e-3, float("nan")])
def test_a_loss_further_away_ends_the_run_with_an_error(change: float) -> None:
    with pytest.raises(SystemExit, match=r"the loss by kernels liger must be within 0\.001"):
        require_equal("kernels liger", change)
