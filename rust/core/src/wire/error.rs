//! What can be wrong with an answer.

/// `Result` with this module's [`WireError`].
pub(super) type Result<T> = std::result::Result<T, WireError>;

/// An answer that is not JSON, not in its dialect's form, or about other tokens than those sent.
///
/// *Position* counts the tokens sent from 0, *byte* the bytes of the answer from 0.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// Bytes that are no JSON document.
    #[error("the reference's answer is not JSON: {what} at byte {byte}")]
    NotJson {
        /// What the parser met.
        what: String,
        /// Where.
        byte: usize,
    },
    /// JSON of another form.
    #[error("{path} of the reference's answer (byte {byte}): {what}")]
    Form {
        /// Where, as a JSON path.
        path: String,
        /// Where, in bytes.
        byte: usize,
        /// What was met.
        what: String,
    },
    /// An answer that reports an error.
    #[error("the reference answered with an error inside (byte {byte})")]
    ErrorInside {
        /// Where the error starts.
        byte: usize,
    },
    /// No choice.
    #[error("the reference's answer has no choices")]
    NoChoices,
    /// The list that the dialect is about is missing.
    #[error("the reference gives no {list}; does it speak {dialect} dialect?")]
    NoList {
        /// The list.
        list: &'static str,
        /// Whose dialect.
        dialect: &'static str,
    },
    /// Another number of rows than of tokens.
    #[error("the reference returned {returned} rows for {sent} tokens{}", passed_over(*returned))]
    RowCount {
        /// Rows of the answer.
        returned: usize,
        /// Tokens sent.
        sent: usize,
    },
    /// Tokens that were not sent.
    #[error(
        "the reference read other tokens than those sent: at position {position} of {sent} it had {theirs}, sent was \
         {ours}"
    )]
    Echo {
        /// Where they differ.
        position: usize,
        /// Tokens sent.
        sent: usize,
        /// The token of the answer.
        theirs: String,
        /// The token sent.
        ours: String,
    },
    /// A second token in front like the one that the prompt begins with.
    #[error(
        "the reference put a second beginning-of-text token in front of the prompt, which begins with one: leave it off \
         the text"
    )]
    SecondStart,
    /// Rows that may be about the tokens sent in two ways.
    #[error("the reference returned {returned} rows for {sent} tokens, and nothing tells whether the first is extra")]
    Ambiguous {
        /// Rows of the answer.
        returned: usize,
        /// Tokens sent.
        sent: usize,
    },
    /// A token without a row.
    #[error("the reference gives no logprobs for the token at position {position}")]
    NoLogprobs {
        /// The token's position.
        position: usize,
    },
    /// A row that lacks the token which it should be about.
    #[error(
        "the reference's row at position {position} is for another token: it lacks the id {token_id} that was sent"
    )]
    OtherToken {
        /// The token's position.
        position: usize,
        /// The token sent.
        token_id: u32,
    },
    /// More candidates than were asked for.
    #[error("the reference's row at position {position} has {entries} entries, asked were {asked}")]
    EntryCount {
        /// The row's position.
        position: usize,
        /// Its entries.
        entries: usize,
        /// The number asked for.
        asked: usize,
    },
    /// A row that is not in vLLM's form.
    #[error("the reference's row at position {position} is not in vLLM's form ({path}, byte {byte}): {what}")]
    VllmRow {
        /// The row's position.
        position: usize,
        /// Where, as a JSON path.
        path: String,
        /// Where, in bytes.
        byte: usize,
        /// What was met.
        what: String,
    },
    /// A form that does not exist: a fault of the caller.
    #[error("no form of answers is called {form:?}; known: {known}")]
    UnknownForm {
        /// The name asked for.
        form: String,
        /// The names there are.
        known: String,
    },
    /// A request whose numbers contradict each other: a fault of the caller.
    #[error(
        "{prompt_length} tokens of prompt, rows from token {first} on and {sent} tokens sent contradict each other"
    )]
    Request {
        /// Tokens before the first output token.
        prompt_length: usize,
        /// First token that the answer may be about.
        first: usize,
        /// Tokens sent.
        sent: usize,
    },
}

/// What it means that no row came at all.
fn passed_over(returned: usize) -> &'static str {
    if returned == 0 { ": the server seems to pass over the field that asks for the prompt's logprobs" } else { "" }
}
