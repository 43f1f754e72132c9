//! Two loops over a row, integers first and logarithms second: apart, compilers vectorize each.

/// Write what `integers` makes of each id into its slot.
#[inline]
pub(super) fn per_id(ids: &[u32], out: &mut [f64], integers: impl Fn(u32) -> f64) {
    for (slot, &id) in out.iter_mut().zip(ids) {
        *slot = integers(id);
    }
}

/// Replace every slot by what `transform` makes of it.
#[inline]
pub(super) fn per_value(out: &mut [f64], transform: impl Fn(f64) -> f64) {
    for slot in out {
        *slot = transform(*slot);
    }
}
