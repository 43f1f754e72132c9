//! Scores: how far each claimed token was from the reference's own choice.
//!
//! What each score and each status means, at temperature 0 and above, stands in one place: the tables of the Python
//! module `token_difr.scores.scoring`, which are the contract. This page says what only the core knows: how the answers
//! of those tables are had from a row that shows only the top of the distribution.
//!
//! # Words
//!
//! A *row* is the top of a reference's distribution at one position, as logprobs `l` in nats. Its *candidates* are its
//! entries and, where the row lacks the claimed token but its logprob is known, that token, which then *joins* it. The
//! *tail* is all that the row does not show. The *support* is what the engine's filters leave. At temperature T > 0, with
//! noise g, the engine takes the arg-max of `z = l + T g` over the support; at 0 that of `l` over everything.
//!
//! # From a row to a score
//!
//! | step | module | question |
//! |---|---|---|
//! | 1 | `unseen` | how much mass does the row not show, and how likely can one unseen token be? |
//! | 2 | `grid` | can an unseen token have exactly the row's last value? |
//! | 3 | `weights`, `tail` | what do row and tail weigh at temperature T, and how many unseen tokens can there be? |
//! | 4 | `survivors`, `shares` | which candidates do min-p, top-k and top-p keep, at both ends of the unknown? |
//! | 5 | `support` | so each candidate is *kept*, *dropped* or *open*: the row does not tell |
//! | 6 | `noise`, `judge` | did the claimed token win, whatever the open ones are? |
//! | 7 | `likelihood` | how probable and how surprising was it, without any noise? |
//! | 8 | `percentile` | where does it lie in the distribution, as a number that is uniform for an honest sampler? |
//! | 9 | `rivals` | could an unseen token have beaten it? |
//!
//! At temperature 0 steps 1 and 6 are enough (`greedy`). Every bound is taken so that what is *certain* is certain: a
//! decided mismatch is a mismatch of the answer that the whole distribution would give, whatever the row does not show; a
//! match is the right answer among the candidates. What the bounds leave open is `undecided`, and left out of every rate.
//!
//! # The engines' filters
//!
//! | rule | order | ties at the cut |
//! |---|---|---|
//! | vLLM | min-p, top-k, top-p | top-k keeps them; top-p cuts anywhere among them |
//! | Hugging Face | top-k, top-p, min-p | the same |
//! | `SGLang` | one sort: mass before it above p, rank at least k, min-p; shares are of the whole vocabulary | cut anywhere |
//!
//! vLLM and Hugging Face drop a token where the mass before it reaches p of what the filters before have left. With a
//! filter on, `SGLang` keys its noise by the *place* in the descending sort: among equal values nothing tells which token has
//! which place, so that a claimed token that ties is undecided unless a token elsewhere beats every place it may have.

mod candidates;
mod columns;
mod error;
mod filters;
mod greedy;
mod grid;
mod judge;
mod likelihood;
mod noise;
mod percentile;
mod position;
mod replay;
mod rivals;
mod sampled;
mod shares;
mod status;
mod support;
mod survivors;
mod tail;
mod unseen;
mod weights;

pub use columns::{SampledScores, Scores};
pub use error::SamplingError;
pub use filters::{FilterRule, Filters};
pub use greedy::score_greedy;
pub use replay::Replay;
pub use sampled::score_sampled;
pub use status::Status;
pub use unseen::Unseen;
