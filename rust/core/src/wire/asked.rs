//! What an answer should hold.

use super::error::{Result, WireError};
use crate::vocabulary::Vocabulary;

/// What was asked for.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The prompt's tokens and the output's.
    pub sent: &'a [u32],
    /// How many of them are the prompt's.
    pub prompt_length: usize,
    /// Entries a row.
    pub topk: usize,
    /// First token that the answer should be about: 0 for an echo of everything.
    pub first: usize,
    /// Names tokens that come without an id; None leaves them unresolved.
    pub vocabulary: Option<&'a Vocabulary>,
}

impl<'a> Asked<'a> {
    pub(super) fn check(&self) -> Result<()> {
        if self.first <= self.prompt_length && self.prompt_length <= self.sent.len() {
            return Ok(());
        }
        let (prompt_length, first, sent) = (self.prompt_length, self.first, self.sent.len());
        Err(WireError::Request { prompt_length, first, sent })
    }

    /// The output tokens.
    pub(super) fn output(&self) -> &'a [u32] {
        self.sent.get(self.prompt_length..).unwrap_or_default()
    }

    /// The tokens that the answer is about.
    pub(super) fn echoed(&self) -> &'a [u32] {
        self.sent.get(self.first..).unwrap_or_default()
    }
}
