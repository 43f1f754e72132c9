//! The objects of chat-like lists: `{token, bytes, logprob, token_id}`, with the likeliest tokens inside.

use super::error::Result;
use super::reader::Reader;
use super::rows::{OWN_TOKEN, WireRows};
use crate::topk::UNRESOLVED;
use crate::vocabulary::{Form, Vocabulary};

/// Fields of an entry; llama.cpp's id is `id`, and `logprob` is `prob` where it was told to sample first (not read).
const ENTRY: [&str; 6] = ["token", "bytes", "logprob", "token_id", "id", "top_logprobs"];

/// What tokens are called in an answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Named<'a> {
    /// None leaves tokens without an id unresolved.
    pub(super) vocabulary: Option<&'a Vocabulary>,
    pub(super) form: Form,
}

/// One token as it is written.
#[derive(Debug, Clone, Default)]
pub(super) struct Entry {
    pub(super) token_id: Option<u32>,
    pub(super) text: String,
    bytes: Vec<u8>,
    pub(super) logprob: Option<f32>,
}

impl Entry {
    /// Reads an entry; its likeliest tokens, if there are to be any, become entries of the row that is being read.
    pub(super) fn read(reader: &mut Reader<'_>, rows: &mut WireRows, named: Named<'_>, with_top: bool) -> Result<Self> {
        let mut unresolved = Vec::new();
        let own = Self::read_one(reader, true, named.vocabulary.is_some(), |reader| {
            if !with_top {
                return reader.skip_brackets();
            }
            reader.array(|reader, _| {
                let with_text = named.vocabulary.is_some();
                let other = Self::read_one(reader, with_text, with_text, Reader::skip)?;
                let logprob = other.logprob.ok_or_else(|| reader.form("an entry has no logprob"))?;
                let id = other.resolve(named);
                let id = if other.token_id.is_none() && rows.names_already(id) { UNRESOLVED } else { id };
                rows.push(id, logprob);
                if id == UNRESOLVED {
                    unresolved.push((rows.token_ids.len() - 1, other));
                }
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

    /// Reads one object; its text and its bytes only if they are needed, for nine in ten entries come with an id.
    #[inline]
    fn read_one<'j>(
        reader: &mut Reader<'j>,
        with_text: bool,
        with_bytes: bool,
        mut top: impl FnMut(&mut Reader<'j>) -> Result<()>,
    ) -> Result<Self> {
        let mut entry = Self::default();
        let mut written = None;
        reader.object(&ENTRY, |reader, name| {
            match name {
                "token" if !reader.null()? => {
                    reader.string(|text| {
                        written = text.strip_prefix("token_id:").and_then(|id| id.parse().ok());
                        if with_text {
                            text.clone_into(&mut entry.text);
                        }
                    })?;
                }
                "bytes" if with_bytes && !reader.null()? => entry.bytes = read_bytes(reader)?,
                "logprob" => entry.logprob = reader.optional_logprob()?,
                "top_logprobs" if !reader.null()? => top(reader)?,
                "token_id" | "id" if !reader.null()? => entry.token_id = Some(reader.token_id()?),
                "bytes" if !with_bytes => reader.skip_brackets()?,
                // A null, which has been read.
                _ => {}
            }
            Ok(())
        })?;
        entry.token_id = entry.token_id.or(written.filter(|&id| id < OWN_TOKEN));
        Ok(entry)
    }

    /// The id: as given, else by the bytes, else by the text.
    fn resolve(&self, named: Named<'_>) -> u32 {
        let by_name =
            || named.vocabulary.map_or(UNRESOLVED, |known| known.find_entry(&self.bytes, &self.text, named.form));
        self.token_id.unwrap_or_else(by_name)
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
