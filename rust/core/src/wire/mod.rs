//! Answers of reference servers, from their bytes to arrays, without an object a candidate.
//!
//! | form | whose | list |
//! |---|---|---|
//! | `vllm` | vLLM | `choices[0].prompt_logprobs`, objects keyed by id |
//! | `content` | Fireworks, chat-like | `choices[0].logprobs.content`, one object a token |
//! | `legacy` | `OpenAI` completions, Together | `logprobs.{tokens, token_logprobs, top_logprobs}`, dictionaries of strings |
//! | `sglang` | `SGLang` | `meta_info.input_top_logprobs`, triples |
//! | `next-token` | llama.cpp | one generated token's `content` or `completion_probabilities` |
//!
//! One rule for all: row j scores token j given the tokens before it, and the rows of a sequence are those of its output
//! tokens. A row is the top of the distribution without a gap; a claimed token that an API adds below it goes to
//! `claimed_logprob`. What is -9999.0 or below is -inf. The answer's own tokens must be those that were sent; one extra leading row (a
//! BOS before a text prompt) is found by them, never assumed. A string that names no token, or several, is
//! [`UNRESOLVED`](crate::UNRESOLVED), never a guess.
//!
//! A new form is a module with one function, `parse`, and one line of [`FORMS`].

mod align;
mod asked;
mod entry;
mod envelope;
mod error;
mod fireworks;
mod legacy;
mod llama_cpp;
mod reader;
mod rows;
mod sglang;
mod vllm;

pub use asked::Asked;
pub use error::WireError;
pub use rows::WireRows;

/// Reads the rows of an answer's bytes.
pub type Parser = fn(&[u8], Asked<'_>) -> Result<WireRows, WireError>;

/// The forms of answers by name.
pub const FORMS: [(&str, Parser); 5] = [
    ("vllm", vllm::parse),
    ("content", fireworks::parse),
    ("legacy", legacy::parse),
    ("sglang", sglang::parse),
    ("next-token", llama_cpp::parse),
];

/// The rows of an answer of that form.
///
/// # Errors
/// What is wrong with the answer, and where; `UnknownForm` where there is no such form.
pub fn parse(form: &str, body: &[u8], asked: Asked<'_>) -> Result<WireRows, WireError> {
    match FORMS.iter().find(|(name, _)| *name == form) {
        Some((_, parser)) => parser(body, asked),
        None => Err(WireError::UnknownForm { form: form.to_owned(), known: FORMS.map(|(name, _)| name).join(", ") }),
    }
}
