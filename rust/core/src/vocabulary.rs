//! Token strings back to ids.
//!
//! APIs name tokens by piece (`Ġreturn`, `▁return`, `<0xE2>`), by bytes, or by the text that a token decodes to alone,
//! and do not say which. A table holds every name of every token; a name that two tokens share is ambiguous, and stands
//! for [`UNRESOLVED`] unless the claimed token has it, or the answer that it stands in shows how it writes tokens
//! ([`Form`]). No string ever becomes a wrong id.

use std::collections::HashMap;

use rayon::prelude::*;

use crate::topk::UNRESOLVED;

/// Strings that are resolved as one task.
const TASK: usize = 4096;

/// How an answer writes tokens. It does so in one way; a single telling string settles it for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Form {
    /// No string tells.
    #[default]
    Unknown,
    /// As the tokenizer's file has them: `Ġreturn`, `▁return`.
    Pieces,
    /// As text that keeps its space: ` return`.
    Texts,
}

/// The names of a tokenizer's tokens.
#[derive(Debug, Clone)]
pub struct Vocabulary {
    /// Every name of every token; [`UNRESOLVED`] where several have it.
    names: HashMap<Box<str>, u32>,
    /// Of the names that several tokens have: the one token whose piece it is.
    pieces: HashMap<Box<str>, u32>,
    /// Of the names that several tokens have: the one token whose whole text it is.
    texts: HashMap<Box<str>, u32>,
    byte_level: bool,
    /// The same of bytes.
    bytes: HashMap<Box<[u8]>, u32>,
    tokens: Vec<Token>,
}

#[derive(Debug, Clone)]
struct Token {
    /// Piece, text when decoded alone, and whole text.
    names: [Box<str>; 3],
    /// What it stands for; empty where that is not known.
    bytes: Box<[u8]>,
    added: bool,
}

impl Vocabulary {
    /// The table of a tokenizer; the arguments go by id.
    ///
    /// `pieces` are the tokens as the tokenizer's file has them, `texts` what each decodes to alone, `added` whether it
    /// stands outside the model's vocabulary (special tokens do). `byte_level`: pieces are GPT-2's characters for bytes.
    /// An id without a token has an empty piece. Missing entries count as empty and false.
    #[must_use]
    pub fn new(pieces: &[String], texts: &[String], added: &[bool], byte_level: bool) -> Self {
        let mut vocabulary = Self {
            names: HashMap::new(),
            pieces: HashMap::new(),
            texts: HashMap::new(),
            byte_level,
            bytes: HashMap::new(),
            tokens: Vec::new(),
        };
        let character_bytes = characters_of_bytes();
        for (id, piece) in pieces.iter().enumerate() {
            let text = texts.get(id).map_or("", String::as_str);
            let added = added.get(id).copied().unwrap_or(false);
            let bytes = token_bytes(piece, text, added, byte_level.then_some(&character_bytes));
            vocabulary.add(id as u32, piece, text, &bytes, added);
        }
        vocabulary.settle_shared_names();
        vocabulary
    }

    /// Fills the tables of names that several tokens have.
    fn settle_shared_names(&mut self) {
        for (id, token) in (0_u32..).zip(&self.tokens) {
            let [piece, _, whole] = &token.names;
            for (name, table) in [(piece, &mut self.pieces), (whole, &mut self.texts)] {
                if self.names.get(name) == Some(&UNRESOLVED) {
                    let entry = table.entry(name.clone()).or_insert(id);
                    *entry = if *entry == id { id } else { UNRESOLVED };
                }
            }
        }
    }

    fn add(&mut self, id: u32, piece: &str, text: &str, bytes: &[u8], added: bool) {
        let shown = String::from_utf8_lossy(bytes);
        for name in [piece, text, &shown] {
            if !name.is_empty() {
                let entry = self.names.entry(name.into()).or_insert(id);
                *entry = if *entry == id { id } else { UNRESOLVED };
            }
        }
        if !bytes.is_empty() {
            let entry = self.bytes.entry(bytes.into()).or_insert(id);
            *entry = if *entry == id { id } else { UNRESOLVED };
        }
        self.tokens.push(Token { names: [piece.into(), text.into(), shown.into()], bytes: bytes.into(), added });
    }

    /// Number of ids.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Whether there is no token.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// The one token that has this name, or [`UNRESOLVED`].
    #[must_use]
    pub fn find(&self, name: &str) -> u32 {
        self.names.get(name).copied().unwrap_or(UNRESOLVED)
    }

    /// The one token that has this name in an answer of this form, or [`UNRESOLVED`].
    #[must_use]
    pub fn find_as(&self, name: &str, form: Form) -> u32 {
        let found = self.find(name);
        let table = match form {
            _ if found != UNRESOLVED => return found,
            Form::Unknown => return UNRESOLVED,
            Form::Pieces => &self.pieces,
            Form::Texts => &self.texts,
        };
        table.get(name).copied().unwrap_or(UNRESOLVED)
    }

    /// The form of an answer with these strings.
    ///
    /// A space ahead of a word is a text's, if no token decodes to that string when its own first space is dropped; `Ġ` and
    /// `▁` are a piece's, if it is a token's and not a text. A space tells more than a letter that a text may hold.
    #[must_use]
    pub fn form_of<S: AsRef<str>>(&self, strings: &[S]) -> Form {
        let mut form = Form::Unknown;
        for name in strings.iter().map(AsRef::as_ref).filter(|name| name.starts_with([' ', '\u{120}', '\u{2581}'])) {
            let token = usize::try_from(self.find(name)).ok().and_then(|id| self.tokens.get(id));
            let Some([piece, text, whole]) = token.map(|token| &token.names) else { continue };
            if name.starts_with(' ') {
                if &**whole == name && (self.byte_level || &**text != name) {
                    return Form::Texts;
                }
            } else if &**piece == name && &**whole != name {
                form = Form::Pieces;
            }
        }
        form
    }

    /// The one token of these bytes, or [`UNRESOLVED`].
    #[must_use]
    pub fn find_bytes(&self, bytes: &[u8]) -> u32 {
        self.bytes.get(bytes).copied().unwrap_or(UNRESOLVED)
    }

    /// The one token that an API describes by bytes and a text.
    ///
    /// Bytes of a U+FFFD are those of a text that lost the token's own: then the text has the word. So it has where the
    /// bytes are the text's and texts may lose their first space: they say no more than it.
    #[must_use]
    pub fn find_entry(&self, bytes: &[u8], text: &str, form: Form) -> u32 {
        let lossy = bytes.windows(3).any(|three| three == "\u{FFFD}".as_bytes());
        let of_text = !self.byte_level && bytes == text.as_bytes();
        let found = if lossy || of_text { UNRESOLVED } else { self.find_bytes(bytes) };
        if found == UNRESOLVED { self.find_as(text, form) } else { found }
    }

    /// The bytes of a token that are no text without its neighbors': a part of a character; None for all others.
    #[must_use]
    pub fn partial_bytes(&self, token_id: u32) -> Option<&[u8]> {
        let token = self.tokens.get(usize::try_from(token_id).ok()?)?;
        std::str::from_utf8(&token.bytes).is_err().then_some(&*token.bytes)
    }

    /// Whether the token stands outside the model's vocabulary, as special tokens do.
    #[must_use]
    pub fn is_added(&self, token_id: u32) -> bool {
        usize::try_from(token_id).ok().and_then(|id| self.tokens.get(id)).is_some_and(|token| token.added)
    }

    /// Whether the token has this name.
    #[must_use]
    pub fn has_name(&self, token_id: u32, name: &str) -> bool {
        let token = usize::try_from(token_id).ok().and_then(|id| self.tokens.get(id));
        token.is_some_and(|token| token.names.iter().any(|own| &**own == name))
    }

    /// Whether an API may show the token so. Special tokens it may show in any way, or not at all.
    #[must_use]
    pub fn may_show(&self, token_id: u32, text: &str) -> bool {
        self.is_added(token_id) || self.has_name(token_id, text)
    }

    /// The ids of many strings, in parallel. Where several tokens have a string, `claimed` (one a string) wins if it has;
    /// else `form` decides, if they are of one answer.
    #[must_use]
    pub fn resolve<S: AsRef<str> + Sync>(&self, strings: &[S], claimed: Option<&[u32]>, form: Form) -> Vec<u32> {
        let mut ids = vec![UNRESOLVED; strings.len()];
        ids.par_chunks_mut(TASK).enumerate().for_each(|(task, ids)| {
            for (at, id) in ids.iter_mut().enumerate() {
                let place = task * TASK + at;
                let name = strings[place].as_ref();
                *id = self.find(name);
                let claimed = claimed.and_then(|claimed| claimed.get(place)).copied();
                if *id == UNRESOLVED {
                    let claimed = claimed.filter(|&claimed| self.has_name(claimed, name));
                    *id = claimed.unwrap_or_else(|| self.find_as(name, form));
                }
            }
        });
        ids
    }
}

/// The bytes that a token stands for.
fn token_bytes(piece: &str, text: &str, added: bool, byte_level: Option<&HashMap<char, u8>>) -> Vec<u8> {
    if added {
        return text.as_bytes().to_vec();
    }
    if let Some(table) = byte_level {
        // A character outside GPT-2's table makes the piece one that no bytes are known of.
        return piece
            .chars()
            .map(|character| table.get(&character).copied())
            .collect::<Option<_>>()
            .unwrap_or_default();
    }
    let hexadecimal = piece.strip_prefix("<0x").and_then(|rest| rest.strip_suffix('>'));
    match hexadecimal.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
        Some(byte) => vec![byte],
        None => piece.replace('\u{2581}', " ").into_bytes(),
    }
}

/// GPT-2's table: printable bytes stand for themselves, the others for the characters from 256 on.
fn characters_of_bytes() -> HashMap<char, u8> {
    let printable = |byte: u8| matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    let mut others = (256_u32..).filter_map(char::from_u32);
    let character = |byte: u8| if printable(byte) { Some(char::from(byte)) } else { others.next() };
    (0..=u8::MAX).zip((0..=u8::MAX).map(character).collect::<Vec<_>>()).filter_map(|(b, c)| Some((c?, b))).collect()
}
