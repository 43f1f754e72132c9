//! Cutting 64-bit numbers into the 32-bit words that the generators work on.

/// The low 32 bits.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the low half is asked for")]
pub(super) const fn low(value: u64) -> u32 {
    value as u32
}

/// The high 32 bits.
#[inline]
pub(super) const fn high(value: u64) -> u32 {
    low(value >> 32)
}

/// The number whose halves are `high` and `low`.
#[inline]
pub(super) const fn join(high: u32, low: u32) -> u64 {
    ((high as u64) << 32) | low as u64
}
