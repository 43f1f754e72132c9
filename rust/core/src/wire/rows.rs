//! Rows as they are read, and the output's part of them.

use super::asked::Asked;
use super::error::{Result, WireError};
use crate::topk::UNRESOLVED;

/// A candidate whose string is that of the row's own token and whose logprob is too: it is that token, whatever id the
/// string stands for elsewhere. Becomes the id sent once the rows are aligned.
pub(super) const OWN_TOKEN: u32 = UNRESOLVED - 1;

/// The arrays of one sequence's output tokens, as [`crate::TopKBatch`] takes them; rows in the order of the answer.
#[derive(Debug, Clone, PartialEq)]
pub struct WireRows {
    /// Offsets of the rows.
    pub indptr: Vec<i64>,
    /// Ids of the candidates.
    pub token_ids: Vec<u32>,
    /// Logprobs of the candidates.
    pub logprobs: Vec<f32>,
    /// Logprobs of claimed tokens that lie outside their row; NaN = inside, or unknown.
    pub claimed_logprob: Vec<f32>,
    /// Their ranks; -1 = unknown.
    pub claimed_rank: Vec<i32>,
    /// False where rows came as dictionaries of strings, in which colliding keys lose entries.
    pub contiguous: bool,
}

impl WireRows {
    /// Rows to be read.
    pub(super) fn new() -> Self {
        Self {
            indptr: vec![0],
            token_ids: Vec::new(),
            logprobs: Vec::new(),
            claimed_logprob: Vec::new(),
            claimed_rank: Vec::new(),
            contiguous: true,
        }
    }

    /// Number of rows that have been ended.
    pub(super) fn len(&self) -> usize {
        self.claimed_logprob.len()
    }

    #[inline]
    pub(super) fn push(&mut self, token_id: u32, logprob: f32) {
        self.token_ids.push(token_id);
        self.logprobs.push(logprob);
    }

    /// First entry of the row that is being read.
    #[inline]
    pub(super) fn start(&self) -> usize {
        self.indptr.last().and_then(|&offset| usize::try_from(offset).ok()).unwrap_or(0)
    }

    /// Ends the row that is being read.
    #[inline]
    pub(super) fn end_row(&mut self, claimed_logprob: f32, claimed_rank: i32) {
        // No Vec is longer than i64::MAX bytes.
        self.indptr.push(i64::try_from(self.token_ids.len()).unwrap_or(i64::MAX));
        self.claimed_logprob.push(claimed_logprob);
        self.claimed_rank.push(claimed_rank);
    }

    /// Takes back what has been read of a row.
    pub(super) fn clear_row(&mut self) {
        let start = self.start();
        self.token_ids.truncate(start);
        self.logprobs.truncate(start);
    }

    /// An id that occurs a second time in the row that is being read: two strings for one token.
    pub(super) fn names_already(&self, token_id: u32) -> bool {
        token_id != UNRESOLVED && self.token_ids[self.start()..].contains(&token_id)
    }

    /// Undoes [`OWN_TOKEN`] in the row that is being read: the token is `token_id`, if that is known.
    pub(super) fn forget_own_token(&mut self, token_id: Option<u32>) {
        let start = self.start();
        for id in self.token_ids[start..].iter_mut().filter(|id| **id == OWN_TOKEN) {
            *id = token_id.unwrap_or(UNRESOLVED);
        }
    }

    /// The rows from `first` on, as they are.
    pub(super) fn split_off(mut self, first: usize) -> Self {
        let first = first.min(self.len());
        let start = self.indptr[first];
        let entries = usize::try_from(start).unwrap_or(0);
        self.indptr.drain(..first);
        self.indptr.iter_mut().for_each(|offset| *offset -= start);
        self.token_ids.drain(..entries);
        self.logprobs.drain(..entries);
        self.claimed_logprob.drain(..first);
        self.claimed_rank.drain(..first);
        self
    }

    /// The rows of the output tokens, each settled with its claimed token.
    ///
    /// `first` is the row of the first output token, `k` the entries that a row may have without the claimed one being
    /// the odd one out.
    pub(super) fn output(&self, first: usize, asked: Asked<'_>, k: usize) -> Result<Self> {
        let mut output = Self { contiguous: self.contiguous, ..Self::new() };
        for (j, &claimed) in asked.output().iter().enumerate() {
            let (row, position) = (first + j, asked.prompt_length + j);
            // Nothing stands before the very first token; whatever its row holds means nothing.
            if position == 0 {
                output.end_row(f32::NAN, -1);
                continue;
            }
            let entries = self.entries(row);
            let chosen = self.claimed_logprob.get(row).copied().unwrap_or(f32::NAN);
            if entries.is_empty() && chosen.is_nan() {
                return Err(WireError::NoLogprobs { position });
            }
            if entries.len() > asked.topk + 1 {
                return Err(WireError::EntryCount { position, entries: entries.len(), asked: asked.topk });
            }
            output.settle(&self.token_ids[entries.clone()], &self.logprobs[entries], claimed, chosen, k);
        }
        Ok(output)
    }

    /// Adds a row. One entry too many is the claimed token, if that is the least of them: it leaves the row.
    fn settle(&mut self, token_ids: &[u32], logprobs: &[f32], claimed: u32, chosen: f32, k: usize) {
        let start = self.start();
        // Where its own text told the claimed token, another string for it tells nothing.
        let told = token_ids.contains(&OWN_TOKEN);
        for (&id, &logprob) in token_ids.iter().zip(logprobs) {
            let id = if told && id == claimed { UNRESOLVED } else { id };
            self.push(if id == OWN_TOKEN { claimed } else { id }, logprob);
        }
        let Some(at) = self.token_ids[start..].iter().position(|&id| id == claimed).map(|at| start + at) else {
            return self.end_row(chosen, -1);
        };
        let least = logprobs.iter().copied().fold(f32::INFINITY, f32::min);
        if token_ids.len() > k && self.logprobs[at] <= least {
            self.token_ids.remove(at);
            let logprob = self.logprobs.remove(at);
            self.end_row(logprob, -1);
        } else {
            self.end_row(f32::NAN, -1);
        }
    }

    /// The entries of row `j`; none where it is out of range.
    fn entries(&self, j: usize) -> std::ops::Range<usize> {
        let offset = |j: usize| self.indptr.get(j).and_then(|&offset| usize::try_from(offset).ok());
        offset(j).zip(offset(j + 1)).map_or(0..0, |(start, end)| start..end)
    }

    /// Fewest entries of any row but the first, empty ones aside: what the server made of k.
    pub(super) fn fewest_entries(&self) -> Option<usize> {
        (1..self.len()).map(|j| self.entries(j).len()).filter(|&entries| entries > 0).min()
    }
}
