//! Answers of reference servers, from their bytes to arrays, without an object a candidate.
//!
//! | dialect | list | function |
//! |---|---|---|
//! | vLLM | `choices[0].prompt_logprobs`, objects keyed by id | [`parse_vllm`] |
//! | Fireworks, chat-like | `choices[0].logprobs.content`, one object a token | [`parse_content`] |
//! | `OpenAI` completions, Together | `logprobs.{tokens, token_logprobs, top_logprobs}`, dictionaries of strings | [`parse_legacy`] |
//! | `SGLang` | `meta_info.input_top_logprobs`, triples | [`parse_sglang`] |
//! | llama.cpp | one generated token's `content` or `completion_probabilities` | [`parse_next_token`] |
//!
//! One rule for all: row j scores token j given the tokens before it, and the rows of a sequence are those of its output
//! tokens. A row is the top of the distribution without a gap; a claimed token that an API adds below it goes to
//! `claimed_logprob`. -9999.0 is -inf. The answer's own tokens must be those that were sent; one extra leading row (a
//! BOS before a text prompt) is found by them, never assumed. A string that names no token, or several, is
//! [`UNRESOLVED`](crate::UNRESOLVED), never a guess.

mod align;
mod entry;
mod error;
mod fireworks;
mod legacy;
mod llama_cpp;
mod reader;
mod rows;
mod sglang;
mod vllm;

pub use error::WireError;
pub use fireworks::parse_content;
pub use legacy::parse_legacy;
pub use llama_cpp::parse_next_token;
pub use rows::WireRows;
pub use sglang::parse_sglang;
pub use vllm::parse_vllm;

use error::Result;
use reader::Reader;

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
}

impl<'a> Asked<'a> {
    fn check(&self) -> Result<()> {
        if self.first <= self.prompt_length && self.prompt_length <= self.sent.len() {
            return Ok(());
        }
        let (prompt_length, first, sent) = (self.prompt_length, self.first, self.sent.len());
        Err(WireError::Request { prompt_length, first, sent })
    }

    /// The output tokens.
    fn output(&self) -> &'a [u32] {
        self.sent.get(self.prompt_length..).unwrap_or_default()
    }

    /// The tokens that the answer is about.
    fn echoed(&self) -> &'a [u32] {
        self.sent.get(self.first..).unwrap_or_default()
    }
}

/// Refuses an answer that reports an error beside, or in place of, what was asked for.
fn refuse_error(reader: &mut Reader<'_>) -> Result<()> {
    if reader.null()? {
        return Ok(());
    }
    let byte = reader.byte();
    reader.skip()?;
    Err(WireError::ErrorInside { byte })
}

/// A list such as `choices`: `visit` reads the first element, the others are skipped. Whether there was one.
fn first_of(reader: &mut Reader<'_>, mut visit: impl FnMut(&mut Reader<'_>) -> Result<()>) -> Result<bool> {
    if reader.peek()? != jiter::Peek::Array {
        reader.skip()?;
        return Ok(false);
    }
    let elements = reader.array(|reader, index| if index == 0 { visit(reader) } else { reader.skip() })?;
    Ok(elements > 0)
}

/// `usage.completion_tokens`, if it is told.
fn completion_tokens(reader: &mut Reader<'_>) -> Result<Option<usize>> {
    let mut tokens = None;
    if !reader.null()? {
        reader.object(&["completion_tokens"], |reader, _| {
            tokens = reader.count()?.and_then(|count| usize::try_from(count).ok());
            Ok(())
        })?;
    }
    Ok(tokens)
}
