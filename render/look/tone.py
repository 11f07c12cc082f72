"""Skin colour from what colours skin: melanin above, blood below. Not RGB noise.

Light goes twice through the epidermis (Beer and Lambert's law) and is scattered back by the dermis (diffuse
reflectance of a half space: Flock et al., IEEE Trans. Biomed. Eng. 36, 1989). Absorption and scattering:
Jacques, "Optical properties of biological tissues: a review", Phys. Med. Biol. 58, 2013; haemoglobin: Prahl's
table (omlc.org/spectra/hemoglobin). Colour matching: Wyman, Sloan and Shirley, JCGT 2(2), 2013. numpy only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# fmt: off
# ruff: noqa: E501
WAVELENGTHS = np.arange(400.0, 701.0, 10.0)  # nm
_OXYGENATED = np.array([  # molar extinction, 1/(cm M)
    266232, 466840, 480360, 246072, 102580, 62816, 44480, 33209, 26629, 23684, 20932, 20035, 24202, 39957, 53236,
    43016, 32613, 44496, 50104, 14400, 3200, 1506, 942, 610, 442, 368, 319, 294, 277, 276, 290.0])
_REDUCED = np.array([
    223296, 303956, 407560, 528600, 413280, 103292, 23388, 16156, 14550, 16684, 20862, 25773, 31589, 39036, 46592,
    53412, 53788, 45072, 37020, 28324, 14677, 9443, 6509, 5148, 4345, 3750, 3226, 2795, 2407, 2051, 1794.0])
_D65 = np.array([
    82.75, 91.49, 93.43, 86.68, 104.86, 117.01, 117.81, 114.86, 115.92, 108.81, 109.35, 107.80, 104.79, 107.69,
    104.41, 104.05, 100.0, 96.33, 95.79, 88.69, 90.01, 89.60, 87.70, 83.29, 83.70, 80.03, 80.21, 82.28, 78.28,
    69.72, 71.61])
# fmt: on
_XYZ_TO_RGB = np.array(
    [
        [3.2404542, -1.5371385, -0.4985314],
        [-0.9692660, 1.8760108, 0.0415560],
        [0.0556434, -0.2040259, 1.0572252],
    ]
)
_WHITE = np.array([0.95047, 1.0, 1.08883])
_EPIDERMIS = 0.0060  # cm
_SATURATION = 0.75
_ABOVE = 0.016  # sent back by the epidermis before melanin takes it

# Individual typology angle (Chardon et al. 1991), degrees, from very light to dark; one name a bin.
ITA_BINS: tuple[tuple[str, float], ...] = (
    ("light", 41.0),
    ("intermediate", 28.0),
    ("tan", 10.0),
    ("brown", -30.0),
    ("dark", -180.0),
)


@dataclass(frozen=True, slots=True)
class Tone:
    """A person's skin.

    Attributes
    ----------
    melanin: volume share of melanosomes in the epidermis: 0.01 very fair .. 0.43 very dark (Jacques).
    blood: volume share of blood in the dermis: 0.003 pale .. 0.03 flushed.
    """

    melanin: float
    blood: float


def reflectance(tone: Tone) -> Floats:
    """Diffuse reflectance (31,) at WAVELENGTHS."""
    nm = WAVELENGTHS
    tissue = 0.244 + 85.3 * np.exp(-(nm - 154) / 66.2)
    melanosome = 6.6e11 * nm**-3.33
    extinction = _SATURATION * _OXYGENATED + (1 - _SATURATION) * _REDUCED
    blood = 2.303 * extinction * 150 / 64500
    epidermis = tone.melanin * melanosome + (1 - tone.melanin) * tissue
    through = np.exp(-2 * epidermis * _EPIDERMIS)
    absorbed = tone.blood * blood + (1 - tone.blood) * tissue
    scattered = 2e5 * nm**-1.5 + 2e12 * nm**-4.0
    albedo = scattered / (scattered + absorbed)
    inner = 3.25  # (1 + r) / (1 - r), r the inner reflection of skin against air, refractive index 1.4
    dermis = albedo / (1 + 2 * inner * (1 - albedo) + (1 + 2 * inner / 3) * np.sqrt(3 * (1 - albedo)))
    whole: Floats = _ABOVE + through * dermis
    return whole


def linear_rgb(spectrum: Floats) -> Floats:
    """Linear sRGB (3,) of a reflectance under daylight (D65)."""
    matching = _colour_matching(WAVELENGTHS) * _D65
    xyz = matching @ spectrum / matching[1].sum()
    rgb: Floats = np.maximum(_XYZ_TO_RGB @ xyz, 1e-4)
    return rgb


def colour(tone: Tone) -> Floats:
    """Linear sRGB (3,) of the skin."""
    return linear_rgb(reflectance(tone))


def log_change(tone: Tone) -> tuple[Floats, Floats]:
    """What log RGB (3,) gains where melanin, and where blood, is twice the person's own.

    Absorption adds up in the exponent, so a place with m times the melanin and b times the blood has about
    the colour `colour(tone) * exp((m - 1) * melanin + (b - 1) * blood)`.
    """
    step = 0.25
    base = np.log(colour(tone))
    more_melanin = np.log(colour(Tone(tone.melanin * (1 + step), tone.blood)))
    more_blood = np.log(colour(Tone(tone.melanin, tone.blood * (1 + step))))
    return (more_melanin - base) / step, (more_blood - base) / step


def ita(rgb: Floats) -> float:
    """Individual typology angle in degrees: atan((L* - 50) / b*); high for fair, negative for dark skin."""
    xyz = np.linalg.solve(_XYZ_TO_RGB, rgb) / _WHITE
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    lightness, b = 116 * f[1] - 16, 200 * (f[1] - f[2])
    return float(np.degrees(np.arctan2(lightness - 50, b)))


def ita_bin(angle: float) -> str:
    """The name of an angle's bin in ITA_BINS."""
    return next(name for name, least in ITA_BINS if angle > least)


def sample_tone(rng: np.random.Generator, melanin: tuple[float, float], blood: tuple[float, float]) -> Tone:
    """A person's skin drawn over the given ranges, evenly in the logarithm: nearly even in ITA, too."""
    shares = np.exp(rng.uniform(np.log([melanin[0], blood[0]]), np.log([melanin[1], blood[1]])))
    return Tone(float(shares[0]), float(shares[1]))


def _colour_matching(nm: Floats) -> Floats:
    def lobe(centre: float, below: float, above: float) -> Floats:
        t = (nm - centre) * np.where(nm < centre, below, above)
        bell: Floats = np.exp(-0.5 * t * t)
        return bell

    x = (
        0.362 * lobe(442.0, 0.0624, 0.0374)
        + 1.056 * lobe(599.8, 0.0264, 0.0323)
        - 0.065 * lobe(501.1, 0.0490, 0.0382)
    )
    y = 0.821 * lobe(568.8, 0.0213, 0.0247) + 0.286 * lobe(530.9, 0.0613, 0.0322)
    z = 1.217 * lobe(437.0, 0.0845, 0.0278) + 0.681 * lobe(459.0, 0.0385, 0.0725)
    return np.stack([x, y, z])
