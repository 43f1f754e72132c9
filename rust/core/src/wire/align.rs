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
            (false, true) => self.checked_lead(asked),
            (true, true) if expected == 1 => self.checked_lead(asked),
            (true, true) if expected == 0 => Ok(0),
            (true, true) => Err(WireError::Ambiguous { returned: rows, sent: sent.len() }),
            (false, false) => {
                let lead = expected.min(rows - sent.len()).min(1);
                Err(self.difference(asked, lead, differ(lead).unwrap_or(0)))
            }
        }
    }

    /// One leading row, unless it is a second special token like the one that the tokens sent begin with: a server that
    /// adds a beginning to a text which spells it reads another prompt.
    fn checked_lead(&self, asked: Asked<'_>) -> Result<usize> {
        let special = |id: &u32| asked.vocabulary.is_some_and(|known| known.is_added(*id));
        let same = self.token_ids.first() == self.token_ids.get(1) && self.texts.first() == self.texts.get(1);
        if same && asked.echoed().first().is_some_and(special) {
            return Err(WireError::SecondStart);
        }
        Ok(1)
    }

    fn first_difference(&self, lead: usize, asked: Asked<'_>) -> Option<usize> {
        let theirs = self.token_ids.iter().zip(&self.texts).skip(lead);
        let mut broken = Broken::default();
        for (at, ((&id, text), &ours)) in theirs.zip(asked.echoed()).enumerate() {
            let known = asked.vocabulary.filter(|_| id == UNRESOLVED);
            let named = id == ours || (id == UNRESOLVED && known.is_none_or(|known| known.may_show(ours, text)));
            if named && broken.is_empty() {
                continue;
            }
            let Some(part) = known.and_then(|known| known.partial_bytes(ours)) else {
                return Some(broken.start.unwrap_or(at));
            };
            broken.add(at, part, text);
            if broken.is_whole() {
                broken = Broken::default();
            }
        }
        broken.start.filter(|_| !broken.is_beginning())
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

/// Tokens that are parts of characters: their texts say nothing one by one, only together.
///
/// Servers show nothing, or U+FFFD, for all parts of a character but the last, and the whole character there.
#[derive(Debug, Default)]
struct Broken {
    /// The first of them.
    start: Option<usize>,
    ours: Vec<u8>,
    theirs: String,
}

impl Broken {
    fn is_empty(&self) -> bool {
        self.start.is_none()
    }

    fn add(&mut self, at: usize, part: &[u8], text: &str) {
        self.start.get_or_insert(at);
        self.ours.extend_from_slice(part);
        self.theirs.extend(text.chars().filter(|&character| character != char::REPLACEMENT_CHARACTER));
    }

    /// Whether the texts are those of the tokens, and no character is open.
    fn is_whole(&self) -> bool {
        self.ours == self.theirs.as_bytes()
    }

    /// Whether the texts are those of the tokens as far as their characters go.
    fn is_beginning(&self) -> bool {
        let whole = match std::str::from_utf8(&self.ours) {
            Ok(text) => text,
            Err(error) => std::str::from_utf8(&self.ours[..error.valid_up_to()]).unwrap_or_default(),
        };
        self.theirs == whole
    }
}
