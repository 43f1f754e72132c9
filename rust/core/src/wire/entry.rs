//! The objects of chat-like lists: `{token, bytes, logprob, token_id}`, with the likeliest tokens inside.

use super::error::Result;
use super::reader::Reader;
use super::rows::{OWN_TOKEN, WireRows};
use crate::topk::UNRESOLVED;
use crate::vocabulary::Vocabulary;

/// Fields of an entry; llama.cpp's id is `id`, and `logprob` is `prob` where it was told to sample first (not read).
const ENTRY: [&str; 6] = ["token", "bytes", "logprob", "token_id", "id", "top_logprobs"];

/// One token as it is written.
#[derive(Debug, Clone, Default)]
pub(super) struct Entry {
    pub(super) token_id: Option<u32>,
    pub(super) text: String,
    bytes: Vec<u8>,
    pub(super) logprob: Option<f32>,
}

impl Entry {
    /// Reads an entry; its likeliest tokens become entries of the row that is being read.
    pub(super) fn read(reader: &mut Reader<'_>, rows: &mut WireRows, vocabulary: Option<&Vocabulary>) -> Result<Self> {
        let mut unresolved = Vec::new();
        let own = Self::read_one(reader, &mut |reader| {
            reader.array(|reader, _| {
                let other = Self::read_one(reader, &mut |reader| reader.skip())?;
                let logprob = other.logprob.ok_or_else(|| reader.form("an entry has no logprob"))?;
                let id = other.resolve(vocabulary);
                let id = if rows.names_already_as_text(&other, id) { UNRESOLVED } else { id };
                if id == UNRESOLVED {
                    unresolved.push((rows.token_ids.len(), other));
                }
                rows.push(id, logprob);
                Ok(())
            })?;
            Ok(())
        })?;
        // The same text with the same value: the row's own token, of which at most one can stand there.
        let is_own = |(_, other): &&(usize, Self)| {
            other.token_id.is_none() && other.text == own.text && other.logprob == own.logprob
        };
        if let Some((at, _)) = unresolved.iter().find(is_own) {
            rows.token_ids[*at] = OWN_TOKEN;
        }
        Ok(own)
    }

    fn read_one(reader: &mut Reader<'_>, top: &mut dyn FnMut(&mut Reader<'_>) -> Result<()>) -> Result<Self> {
        let mut entry = Self::default();
        reader.object(&ENTRY, |reader, name| {
            if reader.null()? {
                return Ok(());
            }
            match name {
                "token" => entry.text = reader.string(str::to_owned)?,
                "bytes" => entry.bytes = read_bytes(reader)?,
                "logprob" => entry.logprob = Some(reader.logprob()?),
                "top_logprobs" => top(reader)?,
                _ => entry.token_id = Some(reader.token_id()?),
            }
            Ok(())
        })?;
        if entry.token_id.is_none() {
            entry.token_id = entry.text.strip_prefix("token_id:").and_then(|id| id.parse().ok());
        }
        Ok(entry)
    }

    /// The id: as given, else by the bytes, else by the text.
    fn resolve(&self, vocabulary: Option<&Vocabulary>) -> u32 {
        let by_name = || vocabulary.map_or(UNRESOLVED, |known| known.find_entry(&self.bytes, &self.text));
        self.token_id.unwrap_or_else(by_name)
    }
}

impl WireRows {
    /// Whether an id that was found by its text stands in the row already.
    fn names_already_as_text(&self, entry: &Entry, id: u32) -> bool {
        entry.token_id.is_none() && self.names_already(id)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "checked to be a byte")]
fn read_bytes(reader: &mut Reader<'_>) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.array(|reader, _| {
        let byte = reader.token_id()?;
        if byte > 255 {
            return Err(reader.form("not a byte"));
        }
        bytes.push(byte as u8);
        Ok(())
    })?;
    Ok(bytes)
}
