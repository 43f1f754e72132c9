//! The cluster bootstrap: whole sequences are drawn with replacement, since the tokens of one sequence depend on each
//! other (Cameron, Gelbach and Miller 2008, section 3.1: the pairs cluster bootstrap).
//!
//! Each statistic is a ratio of sums over sequences, for instance mismatches over tokens. Replicate `r` draws `m`
//! of the `m` sequences and takes the ratio of the sums over those that were drawn.
//!
//! # Random stream
//!
//! The `t`-th draw of replicate `r` is a function of `(seed, r, t)` alone, so that replicates can be computed in any
//! order on any number of threads. With `mix` the output function of `SplitMix64` (Steele, Lea and Flood 2014) and
//! `G = 0x9E3779B97F4A7C15`, all modulo 2^64:
//!
//! ```text
//! key(r)     = mix(mix(seed) + (r + 1) * G)
//! draw(r, t) = floor(mix(key(r) + (t + 1) * G) * m / 2^64)
//! ```
//!
//! So a replicate is a `SplitMix64` stream of its own. The largest bias of a draw is `m / 2^64`. The stream is pinned by a
//! test and may only change with a new major version.

use rayon::prelude::*;

use crate::error::{Error, Result};

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// `resamples` rows of one ratio of sums per statistic, row after row; NaN where a denominator is 0.
///
/// `numerators` and `denominators` hold `statistics` values for each sequence, sequence after sequence.
///
/// # Errors
/// Two arrays of different lengths, or of a length that is no multiple of `statistics`; too many `resamples`.
pub fn cluster_bootstrap(
    numerators: &[f64],
    denominators: &[f64],
    statistics: usize,
    resamples: usize,
    seed: u64,
) -> Result<Vec<f64>> {
    let sequences = numerators.len() / statistics.max(1);
    for (array, length) in [("numerators", numerators.len()), ("denominators", denominators.len())] {
        let expected = sequences * statistics;
        if length != expected {
            return Err(Error::Length { array, length, other: "sequences x statistics", expected });
        }
    }
    let mut ratios = zeros(resamples, statistics)?;
    ratios.par_chunks_mut(statistics.max(1)).enumerate().for_each_init(
        || vec![0.0; statistics],
        |denominator_sums, (replicate, numerator_sums)| {
            denominator_sums.fill(0.0);
            for sequence in draws(seed, replicate as u64, sequences) {
                let row = sequence * statistics..(sequence + 1) * statistics;
                add(numerator_sums, &numerators[row.clone()]);
                add(denominator_sums, &denominators[row]);
            }
            for (ratio, &denominator) in numerator_sums.iter_mut().zip(&*denominator_sums) {
                *ratio = if denominator == 0.0 { f64::NAN } else { *ratio / denominator };
            }
        },
    );
    Ok(ratios)
}

fn zeros(resamples: usize, statistics: usize) -> Result<Vec<f64>> {
    let mut zeros = Vec::new();
    let length = resamples.checked_mul(statistics).filter(|&length| zeros.try_reserve_exact(length).is_ok());
    zeros.resize(length.ok_or(Error::TooManyResamples { resamples, statistics })?, 0.0);
    Ok(zeros)
}

fn add(sums: &mut [f64], values: &[f64]) {
    sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
}

/// The sequences that one replicate draws.
fn draws(seed: u64, replicate: u64, sequences: usize) -> impl Iterator<Item = usize> {
    let key = mix(mix(seed).wrapping_add(GOLDEN.wrapping_mul(replicate.wrapping_add(1))));
    (1..=sequences as u64).map(move |t| {
        let random = mix(key.wrapping_add(GOLDEN.wrapping_mul(t)));
        ((u128::from(random) * sequences as u128) >> 64) as usize
    })
}

/// The output function of `SplitMix64`: a bijection of the 64-bit integers that scatters neighbours.
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// First outputs of `SplitMix64` seeded with 1234567, as Rosetta Code lists them ("Pseudo-random numbers/Splitmix64").
    #[test]
    fn mix_is_splitmix64() {
        let outputs = [1, 2, 3, 4, 5].map(|t| mix(1_234_567_u64.wrapping_add(GOLDEN.wrapping_mul(t))));

        assert_eq!(
            outputs,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423,
                4_593_380_528_125_082_431,
                16_408_922_859_458_223_821,
            ]
        );
    }

    #[test]
    fn the_stream_is_pinned() {
        let drawn = |seed, replicate| draws(seed, replicate, 1000).take(6).collect::<Vec<_>>();

        assert_eq!(drawn(0, 0), [652, 701, 387, 656, 787, 146]);
        assert_eq!(drawn(42, 7), [813, 913, 57, 319, 859, 566]);
    }
}
