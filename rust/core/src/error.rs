//! What can be wrong with the arrays that are passed in.

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An array that cannot be used: each variant names the array and the place in it.
///
/// *Position* counts rows (claimed tokens) from 0, *index* counts the entries of a flat array from 0.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An offset array without a single entry.
    #[error("{array} is empty: it needs one entry more than it has rows, the first of them 0")]
    NoOffsets {
        /// Name of the array.
        array: &'static str,
    },
    /// An offset array that starts elsewhere than at 0.
    #[error("{array}[0] is {first}: offsets start at 0")]
    OffsetsStart {
        /// Name of the array.
        array: &'static str,
        /// Its first entry.
        first: i64,
    },
    /// Offsets that go down.
    #[error("{array}[{index}] is {value}, below the {previous} before it: offsets never decrease")]
    OffsetsDecrease {
        /// Name of the array.
        array: &'static str,
        /// Index of the smaller entry.
        index: usize,
        /// The entry before it.
        previous: i64,
        /// The entry.
        value: i64,
    },
    /// Offsets that do not end at the length of what they cut into rows.
    #[error("{array} ends at {last}, but {target} has {length} entries")]
    OffsetsEnd {
        /// Name of the array.
        array: &'static str,
        /// Its last entry.
        last: i64,
        /// The array that it cuts.
        target: &'static str,
        /// Length of that array.
        length: usize,
    },
    /// Two arrays whose lengths contradict each other.
    #[error("{array} has {length} entries, but {other} asks for {expected}")]
    Length {
        /// Name of the array.
        array: &'static str,
        /// Its length.
        length: usize,
        /// What fixes the expected length.
        other: &'static str,
        /// That length.
        expected: usize,
    },
    /// NaN or +inf where a logprob is due.
    #[error("{array}[{index}] (position {position}) is {value}: a logprob is a number of at most 0, or -inf")]
    NotALogprob {
        /// Name of the array.
        array: &'static str,
        /// Index of the value.
        index: usize,
        /// Row of the value.
        position: usize,
        /// The value.
        value: f32,
    },
    /// A value that no logprob can have.
    #[error(
        "{array}[{index}] (position {position}) is {value}, above 0.01: these look like raw logits: \
         take the log-softmax first"
    )]
    LooksLikeLogit {
        /// Name of the array.
        array: &'static str,
        /// Index of the value.
        index: usize,
        /// Row of the value.
        position: usize,
        /// The value.
        value: f32,
    },
    /// The same id twice in one row.
    #[error("token_ids names {token_id} twice at position {position}: a row holds an id once")]
    DuplicateId {
        /// Row with the two entries.
        position: usize,
        /// The id.
        token_id: u32,
    },
    /// A claimed token without an id.
    #[error("claimed[{position}] is UNRESOLVED: every claimed token needs its id")]
    ClaimedUnresolved {
        /// Row of the claimed token.
        position: usize,
    },
    /// A claimed token that should be in its row by its logprob, and is not.
    #[error(
        "claimed_logprob[{position}] is {value}, above the smallest logprob of its row ({lowest}), \
         but the row lacks token {token_id}: a row is the contiguous top of the distribution \
         (contiguous=False where an API may lose entries)"
    )]
    ClaimedAboveRow {
        /// Row of the claimed token.
        position: usize,
        /// The claimed token.
        token_id: u32,
        /// Its logprob.
        value: f32,
        /// The smallest logprob of the row.
        lowest: f32,
    },
    /// A rank below -1.
    #[error("claimed_rank[{position}] is {value}: a rank is at least 0, or -1 for unknown")]
    ClaimedRank {
        /// Row of the claimed token.
        position: usize,
        /// The rank.
        value: i32,
    },
    /// A negative prompt length.
    #[error("prompt_lengths[{sequence}] is {value}: a length is at least 0")]
    PromptLength {
        /// The sequence.
        sequence: usize,
        /// The length.
        value: i64,
    },
    /// A token that the logits have no column for.
    #[error("token_ids[{position}] is {id}: an id is at least 0 and below the width of the logits, {width}")]
    TokenId {
        /// Its row.
        position: usize,
        /// The id.
        id: i64,
        /// Columns of a row.
        width: usize,
    },
    /// Deals whose sums cannot be allocated.
    #[error("{deals} deals of {columns} columns do not fit into memory")]
    TooManyDeals {
        /// Number of deals.
        deals: usize,
        /// Values in each.
        columns: usize,
    },
}
