//! Does a row name an id twice?

use super::arrays::UNRESOLVED;

/// Ids that differ in their low bits cannot be equal: a table of so many slots tells most rows clean in one pass.
const SLOTS: usize = 8192;
/// Up to so many ids are compared with each other; sorting is faster for more.
const SHORT: usize = 64;

/// Scratch space that tells rows without duplicates in one pass, shared by the rows of a task.
pub(super) struct DuplicateFinder {
    /// Which row last touched the slot.
    touched_by: Box<[u16; SLOTS]>,
    row: u16,
    /// The ids of a row that needs a closer look.
    sorted: Vec<u32>,
}

impl DuplicateFinder {
    pub(super) fn new() -> Self {
        Self { touched_by: Box::new([0; SLOTS]), row: 0, sorted: Vec::new() }
    }

    /// An id that occurs twice in the row, [`UNRESOLVED`] aside.
    #[inline]
    pub(super) fn find(&mut self, token_ids: &[u32]) -> Option<u32> {
        if self.slots_differ(token_ids) || token_ids.len() <= SHORT && all_differ(token_ids) {
            return None;
        }
        self.find_by_sorting(token_ids)
    }

    /// Whether all ids fall into different slots, so that none occurs twice.
    #[inline]
    fn slots_differ(&mut self, token_ids: &[u32]) -> bool {
        if self.row == u16::MAX {
            self.touched_by.fill(0);
            self.row = 0;
        }
        self.row += 1;
        let mut differ = true;
        for &id in token_ids {
            let slot = &mut self.touched_by[id as usize % SLOTS];
            differ &= *slot != self.row;
            *slot = self.row;
        }
        differ
    }

    #[cold]
    fn find_by_sorting(&mut self, token_ids: &[u32]) -> Option<u32> {
        self.sorted.clear();
        self.sorted.extend_from_slice(token_ids);
        self.sorted.sort_unstable();
        let mut pairs = self.sorted.windows(2);
        pairs.find(|pair| pair[0] == pair[1] && pair[0] != UNRESOLVED).map(|pair| pair[0])
    }
}

/// Whether no two of a few ids are equal.
fn all_differ(token_ids: &[u32]) -> bool {
    let mut repeated = false;
    for (k, &id) in token_ids.iter().enumerate() {
        repeated |= token_ids[..k].iter().fold(false, |found, &earlier| found | (earlier == id));
    }
    !repeated
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_duplicates_and_nothing_else_however_many_rows_went_before() {
        let mut finder = DuplicateFinder::new();
        for _ in 0..3 * usize::from(u16::MAX) {
            assert_eq!(finder.find(&[5, 8192 + 5, 1]), None, "the same slot is not the same id");
            assert_eq!(finder.find(&[]), None);
        }
        assert_eq!(finder.find(&[5, 1, 7, 1, 9]), Some(1));
        assert_eq!(finder.find(&[UNRESOLVED, 3, UNRESOLVED]), None);
    }
}
