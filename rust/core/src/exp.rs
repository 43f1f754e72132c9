//! Exponentials from basic arithmetic alone.
//!
//! `f64::exp` calls the platform's C library, whose last bits differ between systems, and it cannot be vectorized.
//! These use additions, multiplications and bit shifts only: the same bits everywhere, several values at a time.
//!
//! Method (Cody and Waite): `exp(x) = 2^n * exp(r)` with `n = round(x / ln 2)` and `r = x - n * ln 2`, so that
//! `|r| <= ln 2 / 2` and a short polynomial will do.

use std::f64::consts::LOG2_E;

/// Adding 1.5 * 2^52 leaves the nearest integer in the low bits of an `f64`.
const ROUND_F64: f64 = 6_755_399_441_055_744.0;
/// ln 2 in two parts, the first with so few bits that `n * LN_2_HIGH` is exact (the split of fdlibm's `e_exp.c`).
const LN_2_HIGH: f64 = 6.931_471_803_691_238e-1;
const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;
/// Below this the result would leave the normal numbers; it counts as 0.
const SMALLEST: f64 = -708.0;
/// 1 / j! for j = 0 to 12: the Taylor series, whose remainder for `|r| <= ln 2 / 2` is under 2e-16.
const TAYLOR: [f64; 13] = [
    1.0,
    1.0,
    1.0 / 2.0,
    1.0 / 6.0,
    1.0 / 24.0,
    1.0 / 120.0,
    1.0 / 720.0,
    1.0 / 5_040.0,
    1.0 / 40_320.0,
    1.0 / 362_880.0,
    1.0 / 3_628_800.0,
    1.0 / 39_916_800.0,
    1.0 / 479_001_600.0,
];

/// `e^x` within 1e-15 of it, relatively, for x up to 709; 0 below -708; NaN for NaN.
#[inline]
pub(crate) fn exp(x: f64) -> f64 {
    let bounded = x.max(SMALLEST);
    let shifted = bounded * LOG2_E + ROUND_F64;
    let n = shifted - ROUND_F64;
    let r = (bounded - n * LN_2_HIGH) - n * LN_2_LOW;
    let (last, others) = (TAYLOR[TAYLOR.len() - 1], &TAYLOR[..TAYLOR.len() - 1]);
    let polynomial = others.iter().rev().fold(last, |sum, &c| sum * r + c);
    // Adding n to the exponent bits multiplies by 2^n.
    let value = f64::from_bits(polynomial.to_bits().wrapping_add(shifted.to_bits() << 52));
    if x >= SMALLEST {
        value
    } else if x < SMALLEST {
        0.0
    } else {
        x
    }
}

/// Adding 1.5 * 2^23 leaves the nearest integer in the low bits of an `f32`.
const ROUND_F32: f32 = 12_582_912.0;
/// Minimax coefficients of 2^f on [-1/2, 1/2].
const EXP2: [f32; 4] = [0.999_928_07, 0.693_261, 0.242_611_14, 0.055_171_67];
/// [`exp_rough`] is within this of the exponential, relatively (7.5e-5 from the polynomial, the rest rounding).
pub(crate) const ROUGH_ERROR: f64 = 1e-4;

/// `e^x` to four digits for x from -87 to 88; e^-87 below that. x must not be NaN.
#[inline]
pub(crate) fn exp_rough(x: f32) -> f32 {
    let scaled = if x > -87.0 { x } else { -87.0 } * std::f32::consts::LOG2_E;
    let shifted = scaled + ROUND_F32;
    let f = scaled - (shifted - ROUND_F32);
    let polynomial = ((EXP2[3] * f + EXP2[2]) * f + EXP2[1]) * f + EXP2[0];
    f32::from_bits(polynomial.to_bits().wrapping_add(shifted.to_bits() << 23))
}

/// 1 / j! for j = 0 to 7: the Taylor series, whose remainder for `|r| <= ln 2 / 2` is under 6e-9.
const TAYLOR_F32: [f32; 8] = [1.0, 1.0, 1.0 / 2.0, 1.0 / 6.0, 1.0 / 24.0, 1.0 / 120.0, 1.0 / 720.0, 1.0 / 5_040.0];
/// ln 2 in two parts, the first of nine bits, so that `n * LN_2_HIGH_F32` is exact.
const LN_2_HIGH_F32: f32 = 0.693_359_4;
const LN_2_LOW_F32: f32 = -2.121_944_4e-4;

/// `e^x` in f32 within 2e-7 of it, relatively, for x from -87 to 0; 0 below -87; NaN for NaN.
#[inline]
pub(crate) fn exp_single(x: f32) -> f32 {
    let shifted = x * std::f32::consts::LOG2_E + ROUND_F32;
    let n = shifted - ROUND_F32;
    let r = (x - n * LN_2_HIGH_F32) - n * LN_2_LOW_F32;
    let [c0, c1, c2, c3, c4, c5, c6, c7] = TAYLOR_F32;
    let polynomial = ((((((c7 * r + c6) * r + c5) * r + c4) * r + c3) * r + c2) * r + c1) * r + c0;
    let value = f32::from_bits(polynomial.to_bits().wrapping_add(shifted.to_bits() << 23));
    // NaN has lost its way in the bits; 0 x brings it back and adds nothing to a number.
    if x < -87.0 { 0.0 } else { value + 0.0 * x }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_equals_the_platforms_within_its_stated_error() {
        for step in -708_000..=709_000_i32 {
            let x = f64::from(step) * 1e-3;
            assert!((exp(x) / x.exp() - 1.0).abs() < 1e-15, "exp({x})");
        }
    }

    #[test]
    fn exp_at_its_edges() {
        for (x, expected) in [(0.0, 1.0), (-0.0, 1.0), (-708.1, 0.0), (f64::NEG_INFINITY, 0.0)] {
            assert_eq!(exp(x).to_bits(), f64::to_bits(expected), "exp({x})");
        }
        assert!(exp(f64::NAN).is_nan());
    }

    #[test]
    fn exp_has_the_same_bits_everywhere() {
        let bits = [-0.1, -1.0, -12.5, -700.25].map(|x| exp(x).to_bits());

        assert_eq!(
            bits,
            [4_606_325_270_462_671_674, 4_600_298_746_774_613_816, 4_525_909_737_269_159_568, 57_128_419_154_484_366]
        );
    }

    #[test]
    fn exp_single_is_within_its_stated_error() {
        for step in -870_000..=0_i32 {
            let x = (f64::from(step) * 1e-4) as f32;
            assert!((f64::from(exp_single(x)) / f64::from(x).exp() - 1.0).abs() < 2e-7, "exp_single({x})");
        }
        assert_eq!([exp_single(-87.1), exp_single(f32::NEG_INFINITY), exp_single(0.0)], [0.0, 0.0, 1.0]);
        assert!(exp_single(f32::NAN).is_nan());
    }

    #[test]
    fn exp_rough_is_within_its_stated_error() {
        for step in -8_700..=1_i16 {
            let x = f32::from(step) * 1e-2;
            let rough = f64::from(exp_rough(x));
            assert!((rough / f64::from(x).exp() - 1.0).abs() < ROUGH_ERROR, "exp_rough({x})");
        }
        assert!(exp_rough(f32::NEG_INFINITY) < 1e-37);
    }
}
