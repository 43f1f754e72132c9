//! Logarithms whose last bit is the same on every platform, in a form that compilers vectorize.
//!
//! `f32::ln` and `f64::ln` call the platform's C library, which differs in the last bit between glibc, musl and macOS;
//! and a call a value keeps a loop scalar. Here x = 2^k (1 + f) with 1 + f between sqrt(1/2) and sqrt 2, and
//!
//! ```text
//! s = f / (2 + f)
//! ln(1 + f) = f - f^2/2 + s (f^2/2 + R(s^2)),   R of degree 7 in s^2, minimax, from fdlibm's e_log.c: error below 2^-58
//! ```
//!
//! without a branch; the error is below one unit in the last place. Engines compute float32 logarithms with libraries
//! that are right to about one unit in the last place; the value taken here is the float64 logarithm rounded once,
//! which is the correctly rounded one but for about one argument in 2^28.

const LN_2_HIGH: f64 = f64::from_bits(0x3FE6_2E42_FEE0_0000);
const LN_2_LOW: f64 = f64::from_bits(0x3DEA_39EF_3579_3C76);
/// Coefficients of R, of s^2 first.
const SERIES: [f64; 7] = [
    f64::from_bits(0x3FE5_5555_5555_5593),
    f64::from_bits(0x3FD9_9999_9997_FA04),
    f64::from_bits(0x3FD2_4924_9422_9359),
    f64::from_bits(0x3FCC_71C5_1D8E_78AF),
    f64::from_bits(0x3FC7_4664_96CB_03DE),
    f64::from_bits(0x3FC3_9A09_D078_C69F),
    f64::from_bits(0x3FC2_F112_DF3E_5244),
];
/// Bits of sqrt(1/2), and of 1.
const ROOT: u64 = 0x3FE6_A09E_667F_3BCD;
const ONE: u64 = 0x3FF0_0000_0000_0000;
const MANTISSA: u64 = 0x000F_FFFF_FFFF_FFFF;

/// Natural logarithm of 0 (-inf, whatever its sign) or of a positive, finite, normal number. Of others the value means
/// nothing.
#[inline]
pub(super) fn ln(x: f64) -> f64 {
    let shifted = x.to_bits().wrapping_add(ONE - ROOT);
    // 2^52 + biased exponent, made in the mantissa: SSE2 converts no 64-bit integers.
    let exponent = f64::from_bits(0x4330_0000_0000_0000 | (shifted >> 52)) - (4_503_599_627_370_496.0 + 1023.0);
    let fraction = f64::from_bits((shifted & MANTISSA) + ROOT) - 1.0;
    let ratio = fraction / (2.0 + fraction);
    let square = ratio * ratio;
    let [c1, c2, c3, c4, c5, c6, c7] = SERIES;
    let fourth = square * square;
    let even = fourth * (c2 + fourth * (c4 + fourth * c6));
    let odd = square * (c1 + fourth * (c3 + fourth * (c5 + fourth * c7)));
    let half_square = 0.5 * fraction * fraction;
    let correction = ratio * (half_square + (even + odd)) + exponent * LN_2_LOW;
    let logarithm = exponent * LN_2_HIGH - ((half_square - correction) - fraction);
    if x == 0.0 { f64::NEG_INFINITY } else { logarithm }
}

/// ln(1 + x) for x in (-1, 1]: ln w x / (w - 1) with w = 1 + x, in which the rounding of w cancels.
#[inline]
#[expect(clippy::float_cmp, reason = "exactly 1 is where the quotient is 0 / 0")]
pub(super) fn ln_1p(x: f64) -> f64 {
    let sum = 1.0 + x;
    let quotient = ln(sum) * (x / (sum - 1.0));
    if sum == 1.0 { x } else { quotient }
}

/// Natural logarithm of a float32, rounded once to float32.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the rounding to float32 is the point")]
pub(super) fn ln_f32(x: f32) -> f32 {
    ln(f64::from(x)) as f32
}

/// ln(1 + x) of a float32, rounded once to float32.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the rounding to float32 is the point")]
pub(super) fn ln_1p_f32(x: f32) -> f32 {
    ln_1p(f64::from(x)) as f32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{ln, ln_1p};

    fn units_apart(a: f64, b: f64) -> u64 {
        a.to_bits().abs_diff(b.to_bits())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn logarithms_are_right_to_the_last_units(
            exponent in -1022_i32..1023, fraction in 1.0_f64..2.0, near in -60_i32..-1,
        ) {
            let x = fraction * 2f64.powi(exponent);
            prop_assert!(units_apart(ln(x), x.ln()) <= 1);
            let close = 1.0 - fraction * 2f64.powi(near.max(-52));
            prop_assume!(close > 0.0);
            prop_assert!(units_apart(ln(close), close.ln()) <= 1);
            let small = -(fraction - 0.999) * 2f64.powi(near);
            prop_assert!(units_apart(ln_1p(small), small.ln_1p()) <= 4, "{small}");
        }
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "infinities")]
    fn zero_one_and_the_extremes() {
        assert_eq!([ln(0.0), ln(-0.0)], [f64::NEG_INFINITY; 2]);
        assert_eq!(ln(1.0).to_bits(), 0);
        for x in [f64::MIN_POSITIVE, f64::MAX] {
            assert!(units_apart(ln(x), x.ln()) <= 1);
        }
        assert_eq!(ln_1p(0.0).to_bits(), 0);
    }
}
