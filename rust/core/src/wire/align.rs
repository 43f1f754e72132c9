//! Which row of an echo is about which of the tokens sent.

use super::asked::Asked;
use super::error::{Result, WireError};
use crate::topk::UNRESOLVED;

/// The tokens that an answer says it is about.
#[derive(Debug, Default)]
pub(super) struct Echo {
    /// Their ids; [`UNRESOLVED`] where only a text is given.
    pub(super) token_ids: Vec<u32>,
    /// Their texts, where no id is given.
    pub(super) texts: Vec<String>,
}

impl Echo {
    pub(super) fn len(&self) -> usize {
        self.token_ids.len()
    }

    pub(super) fn push(&mut self, token_id: u32, text: &str) {
        self.token_ids.push(token_id);
        self.texts.push(if token_id == UNRESOLVED { text.to_owned() } else { String::new() });
    }

    /// Number of rows before the one that is about the first token: 0, or 1 where the answer has a leading token more.
    ///
    /// `generated` rows are expected after the echo; they decide where the tokens themselves leave it open.
    pub(super) fn align(&self, asked: Asked<'_>, generated: usize) -> Result<usize> {
        let sent = asked.echoed();
        let rows = self.len();
        if rows < sent.len() {
            return Err(WireError::RowCount { returned: rows, sent: sent.len() });
        }
        let expected = rows.saturating_sub(sent.len() + generated);
        let differ = |lead: usize| self.first_difference(lead, asked);
        let fits = |lead: usize| rows >= lead + sent.len() && differ(lead).is_none();
        match (fits(0), fits(1)) {
            (true, false) => Ok(0),
            (false, true) => Ok(1),
            (true, true) if expected <= 1 => Ok(expected),
            (true, true) => Err(WireError::Ambiguous { returned: rows, sent: sent.len() }),
            (false, false) => {
                let lead = expected.min(rows - sent.len()).min(1);
                Err(self.difference(asked, lead, differ(lead).unwrap_or(0)))
            }
        }
    }

    fn first_difference(&self, lead: usize, asked: Asked<'_>) -> Option<usize> {
        let theirs = self.token_ids.iter().zip(&self.texts).skip(lead);
        theirs.zip(asked.echoed()).position(|((&id, text), &ours)| {
            if id == UNRESOLVED {
                asked.vocabulary.is_some_and(|known| !known.may_show(ours, text))
            } else {
                id != ours
            }
        })
    }

    #[cold]
    fn difference(&self, asked: Asked<'_>, lead: usize, at: usize) -> WireError {
        let row = lead + at;
        let theirs = match (self.token_ids.get(row), self.texts.get(row)) {
            (Some(&UNRESOLVED), Some(text)) => format!("{text:?}"),
            (Some(id), _) => format!("id {id}"),
            _ => "nothing".to_owned(),
        };
        let ours = asked.echoed().get(at).map_or_else(|| "nothing".to_owned(), |id| format!("id {id}"));
        WireError::Echo { position: asked.first + at, sent: asked.sent.len(), theirs, ours }
    }
}
