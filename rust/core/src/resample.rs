//! Deals of a permutation test: which sequences are called "candidate", dealt anew many times.
//!
//! Each sequence is a row of a table of sums. A deal chooses some of the rows and adds them up; what it leaves is known from
//! the sums of the whole table. Two kinds of deals: [`shuffled_sums`] chooses a fixed number of rows, every set of that
//! size alike (two independent samples); [`swapped_sums`] chooses each row with probability 1/2 (pairs, whose two labels
//! are exchanged or not).
//!
//! # Random stream
//!
//! The `t`-th draw of deal `r` is a function of `(seed, r, t)` alone, so that deals can be computed in any order on any
//! number of threads. With `mix` the output function of `SplitMix64` (Steele, Lea and Flood 2014) and
//! `G = 0x9E3779B97F4A7C15`, all modulo 2^64:
//!
//! ```text
//! key(r)     = mix(mix(seed) + (r + 1) * G)
//! word(r, t) = mix(key(r) + (t + 1) * G)
//! ```
//!
//! So a deal is a `SplitMix64` stream of its own. A shuffle's draw among `m` is `floor(word * m / 2^64)`, with a bias of at
//! most `m / 2^64`; a swap takes the words' bits, the lowest first. The stream is pinned by a test and may only change with
//! a new major version.

use std::ops::Range;

use rayon::prelude::*;

use crate::error::{Error, Result};

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// Columns that are added up together: they fit into registers.
const BLOCK: usize = 8;

/// The sums over `chosen` rows that each of the `deals` draws without replacement, deal after deal.
///
/// # Arguments
/// * `table`: `columns` values for each row, row after row.
/// * `chosen`: at most the number of rows.
/// * `deals`: their numbers; a deal's answer does not depend on which others are asked for.
///
/// # Errors
/// A table whose length is no multiple of `columns`, more chosen rows than there are, too many deals.
pub fn shuffled_sums(table: &[f64], columns: usize, chosen: usize, deals: Range<usize>, seed: u64) -> Result<Vec<f64>> {
    let table = Table::new(table, columns)?;
    if chosen > table.rows {
        return Err(Error::Length { array: "table", length: table.rows, other: "chosen rows", expected: chosen });
    }
    // The fewer of the two sets are drawn: the sums of the others are those of the whole table less theirs.
    let drawn = chosen.min(table.rows - chosen);
    let all: Vec<u32> = (0..table.rows as u32).collect();
    let whole = table.sums(&all);
    table.each_deal(deals, |deal, order, sums| {
        order.clone_from(&all);
        shuffle(order, drawn, deal_key(seed, deal));
        table.add(&order[..drawn], sums);
        if drawn < chosen {
            sums.iter_mut().zip(&whole).for_each(|(sum, &total)| *sum = total - *sum);
        }
    })
}

/// The sums over the rows that each of the `deals` chooses, every row with probability 1/2; else as [`shuffled_sums`].
///
/// # Errors
/// A table whose length is no multiple of `columns`, too many deals.
pub fn swapped_sums(table: &[f64], columns: usize, deals: Range<usize>, seed: u64) -> Result<Vec<f64>> {
    let table = Table::new(table, columns)?;
    table.each_deal(deals, |deal, chosen, sums| {
        heads(chosen, table.rows, deal_key(seed, deal));
        table.add(chosen, sums);
    })
}

/// The rows in blocks of columns, padded by zeros: block after block, row after row.
struct Table {
    blocks: Vec<Vec<[f64; BLOCK]>>,
    rows: usize,
    columns: usize,
}

impl Table {
    fn new(values: &[f64], columns: usize) -> Result<Self> {
        let rows = values.len() / columns.max(1);
        if values.len() != rows * columns {
            let (length, expected) = (values.len(), rows * columns);
            return Err(Error::Length { array: "table", length, other: "rows x columns", expected });
        }
        let block = |first: usize| values.chunks(columns).map(|row| padded(&row[first..])).collect();
        Ok(Self { blocks: (0..columns).step_by(BLOCK).map(block).collect(), rows, columns })
    }

    fn each_deal(&self, deals: Range<usize>, deal: impl Fn(u64, &mut Vec<u32>, &mut [f64]) + Sync) -> Result<Vec<f64>> {
        let mut sums = zeros(deals.len(), self.columns)?;
        sums.par_chunks_mut(self.columns.max(1))
            .enumerate()
            .for_each_init(Vec::new, |chosen, (number, sums)| deal((deals.start + number) as u64, chosen, sums));
        Ok(sums)
    }

    fn sums(&self, chosen: &[u32]) -> Vec<f64> {
        let mut sums = vec![0.0; self.columns];
        self.add(chosen, &mut sums);
        sums
    }

    /// Writes the sums over the chosen rows, in their order.
    fn add(&self, chosen: &[u32], sums: &mut [f64]) {
        for (block, sums) in self.blocks.iter().zip(sums.chunks_mut(BLOCK)) {
            let mut total = [0.0; BLOCK];
            for &row in chosen {
                total.iter_mut().zip(&block[row as usize]).for_each(|(sum, value)| *sum += value);
            }
            sums.copy_from_slice(&total[..sums.len()]);
        }
    }
}

fn padded(row: &[f64]) -> [f64; BLOCK] {
    let mut block = [0.0; BLOCK];
    block.iter_mut().zip(row).for_each(|(slot, &value)| *slot = value);
    block
}

fn zeros(deals: usize, columns: usize) -> Result<Vec<f64>> {
    let mut zeros = Vec::new();
    let length = deals.checked_mul(columns).filter(|&length| zeros.try_reserve_exact(length).is_ok());
    zeros.resize(length.ok_or(Error::TooManyDeals { deals, columns })?, 0.0);
    Ok(zeros)
}

/// The first `drawn` steps of Fisher and Yates: `order[..drawn]` is a random choice of that size.
fn shuffle(order: &mut [u32], drawn: usize, key: u64) {
    for step in 0..drawn {
        let left = (order.len() - step) as u128;
        let other = ((u128::from(word(key, step as u64)) * left) >> 64) as usize;
        order.swap(step, step + other);
    }
}

/// The rows whose bit is set.
fn heads(chosen: &mut Vec<u32>, rows: usize, key: u64) {
    chosen.clear();
    for first in (0..rows).step_by(64) {
        let bits = word(key, first as u64 / 64);
        chosen
            .extend((first..rows.min(first + 64)).filter(|row| (bits >> (row - first)) & 1 == 1).map(|row| row as u32));
    }
}

fn deal_key(seed: u64, deal: u64) -> u64 {
    mix(mix(seed).wrapping_add(GOLDEN.wrapping_mul(deal.wrapping_add(1))))
}

fn word(key: u64, step: u64) -> u64 {
    mix(key.wrapping_add(GOLDEN.wrapping_mul(step.wrapping_add(1))))
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
        let outputs = [0, 1, 2, 3, 4].map(|step| word(1_234_567, step));

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
        let drawn =
            |seed, deal| (0..6).map(|t| (u128::from(word(deal_key(seed, deal), t)) * 1000) >> 64).collect::<Vec<_>>();

        assert_eq!(drawn(0, 0), [652, 701, 387, 656, 787, 146]);
        assert_eq!(drawn(42, 7), [813, 913, 57, 319, 859, 566]);
    }
}
