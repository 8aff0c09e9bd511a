"""Bits per byte at several sizes → a power law that may go flat, its uncertainty, and what it says of other sizes."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

EXPONENTS = np.arange(-0.4975, 3.0, 0.005)  # near 0 bits fall by the logarithm; exactly 0 would be no power
FLATS = 12  # sizes from which on the curve may be flat
NEVER_FLAT = 2 / 3  # prior probability
FLAT_AHEAD = 4  # times the largest amount: the last of those sizes
CURVE_DRAWS = 4000
LEAST_SIZES, LEAST_CELLS = 4, 6  # a power law has three numbers, and the noise is a fourth
Draws = Float[np.ndarray, "draws"]
Amounts = Float[np.ndarray, "amounts"]


class PowerLaw(NamedTuple):
    """Draws of bits = floor + slope · ±min(amount, flat)^−exponent and of the cells' noise, given the cells.

    The sign is that of the exponent, so bits fall where the slope is above 0.
    """

    exponent: Draws
    level: Draws  # the curve at the mean of the transformed amounts
    slope: Draws  # of the transformed amounts, which have mean 0 and norm 1
    mean: Draws
    norm: Draws
    sd: Draws  # of a cell about the curve
    flat: Draws  # the amount from which on the curve is flat; infinity for never
    unit: float  # amounts are divided by it

    def draw_bits(self, amounts: Amounts) -> Float[np.ndarray, "draws amounts"]:
        """The curve at `amounts`, rows or tokens."""
        powers = _raise(np.minimum(amounts, self.flat[:, None]) / self.unit, self.exponent[:, None])
        return np.asarray(
            self.level[:, None] + self.slope[:, None] * (powers - self.mean[:, None]) / self.norm[:, None]
        )

    def draw_cells(self, amount: float, cells: int, rng: np.random.Generator) -> Draws:
        """The mean of `cells` further cells at `amount`."""
        curve = self.draw_bits(np.array([amount]))[:, 0]
        return np.asarray(curve + self.sd / np.sqrt(cells) * rng.standard_normal(len(curve)))


def fit_power_law(amounts: Amounts, bits: Amounts, rng: np.random.Generator, sizes: Amounts | None = None) -> PowerLaw:
    """bits = floor + slope · min(amount, flat)^−exponent + noise over cells of several sizes, all above 0.

    Given the exponent and where it goes flat, the law is linear. The posterior over a grid of both has flat priors on
    the exponent, from −0.5 to 3, on the level and on the slope of the standardised amounts, and 1/σ on the noise:
    its weight is RSS^(1 − n/2) times the prior of `flat`, 2/3 for never and the rest even in its logarithm, up to
    four times the largest amount. `sizes` are those that the cells were asked for; None: the amounts. ValueError below
    four sizes or six cells, and where the cells have no noise.
    """
    amounts, bits = np.asarray(amounts, float), np.asarray(bits, float)
    count = len(np.unique(amounts if sizes is None else sizes))
    if count < LEAST_SIZES or len(bits) < LEAST_CELLS:
        needs = f"a curve needs {LEAST_SIZES} sizes and {LEAST_CELLS} cells"
        raise ValueError(f"{needs}, got {count} and {len(bits)}: run more sizes or seeds")
    unit = float(np.exp(np.log(amounts).mean()))
    flats = np.append(np.inf, np.geomspace(unit, FLAT_AHEAD * amounts.max(), FLATS))
    prior = np.tile(np.append(NEVER_FLAT, np.full(FLATS, (1 - NEVER_FLAT) / FLATS)), len(EXPONENTS))
    exponents, flats = np.repeat(EXPONENTS, FLATS + 1), np.tile(flats, len(EXPONENTS))
    powers = _raise(np.minimum(amounts, flats[:, None]) / unit, exponents[:, None])
    mean = powers.mean(axis=1)
    norm = np.linalg.norm(powers - mean[:, None], axis=1)
    slope = (powers - mean[:, None]) @ bits / norm
    squares = ((bits - bits.mean()) ** 2).sum() - slope**2
    if squares.min() <= 1e-18 * (bits**2).sum():
        raise ValueError("the cells lie on one curve without any noise: run more seeds")
    df = len(bits) - 2
    logarithms = -df / 2 * np.log(squares)
    weights = prior * np.exp(logarithms - logarithms.max())
    place = rng.choice(len(exponents), size=CURVE_DRAWS, p=weights / weights.sum())
    sd = np.sqrt(squares[place] / rng.chisquare(df, CURVE_DRAWS))
    level = bits.mean() + sd / np.sqrt(len(bits)) * rng.standard_normal(CURVE_DRAWS)
    drawn_slope = slope[place] + sd * rng.standard_normal(CURVE_DRAWS)
    return PowerLaw(exponents[place], level, drawn_slope, mean[place], norm[place], sd, flats[place], unit)


def find_enough(law: PowerLaw, untuned: float, smallest: float, largest: float, share: float = 0.95) -> Draws:
    """The smallest amount from `smallest` to `largest` whose gain over `untuned` bits is `share` of that of `largest`.

    `smallest` where it reaches it already; `largest` where a draw has no gain at all.
    """
    amounts = np.geomspace(smallest, largest, 400)
    gains = untuned - law.draw_bits(amounts)
    reached = gains >= share * gains[:, -1:]
    reached[:, -1] = True
    enough = amounts[np.argmax(reached, axis=1)]
    return np.asarray(np.where(gains[:, -1] > 0, enough, largest))


def _raise(amounts: Float[np.ndarray, "laws amounts"], exponents: Float[np.ndarray, "laws 1"]) -> np.ndarray:
    """amount^−exponent, times −1 for exponents below 0, so that it falls in every case."""
    return np.asarray(np.sign(exponents) * amounts**-exponents)
