//! How the provider was told to filter, and by which engine's rule.

use super::error::SamplingError;

/// An engine's order of the filters and its rule for ties.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FilterRule {
    /// vLLM, and this package's server.
    Vllm,
    /// Hugging Face `generate`, TGI.
    HuggingFace,
    /// `SGLang`.
    Sglang,
}

impl FilterRule {
    /// The rules by the names that tables and the Python package use.
    pub const NAMED: [(&str, Self); 3] =
        [("vllm", Self::Vllm), ("huggingface", Self::HuggingFace), ("sglang", Self::Sglang)];

    /// The rule of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMED.iter().find(|(known, _)| *known == name).map(|&(_, rule)| rule)
    }

    /// The order in which the filters act, by the names of their parameters.
    #[must_use]
    pub fn order(self) -> [&'static str; 3] {
        match self {
            Self::Vllm => ["min_p", "top_k", "top_p"],
            Self::HuggingFace => ["top_k", "top_p", "min_p"],
            Self::Sglang => ["top_p", "top_k", "min_p"],
        }
    }

    /// Whether top-k keeps what ties with the k-th value; else exactly k tokens are left.
    #[must_use]
    pub fn keeps_ties(self) -> bool {
        self != Self::Sglang
    }

    /// Whether noise belongs to places in the descending sort instead of token ids, where a filter is on: without one
    /// there is no sort.
    #[must_use]
    pub fn draws_by_place(self) -> bool {
        self == Self::Sglang
    }
}

/// How the provider was told to sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Filters {
    pub(super) temperature: f64,
    pub(super) top_k: usize,
    pub(super) top_p: f64,
    pub(super) min_p: f64,
    pub(super) rule: FilterRule,
}

impl Filters {
    /// `top_k` 0, `top_p` 1 and `min_p` 0 are off.
    ///
    /// # Errors
    /// `OutOfRange` for a temperature that is not positive and finite, a `top_p` outside (0, 1], or a `min_p` outside
    /// [0, 1].
    pub fn new(
        temperature: f64,
        top_k: usize,
        top_p: f64,
        min_p: f64,
        rule: FilterRule,
    ) -> Result<Self, SamplingError> {
        let wrong = |name, value, range| Err(SamplingError::OutOfRange { name, value, range });
        if !(temperature > 0.0 && temperature < f64::INFINITY) {
            return wrong("temperature", temperature, "it must be above 0 and finite");
        }
        if !(top_p > 0.0 && top_p <= 1.0) {
            return wrong("top_p", top_p, "it must lie in (0, 1]");
        }
        if !(0.0..=1.0).contains(&min_p) {
            return wrong("min_p", min_p, "it must lie in [0, 1]");
        }
        Ok(Self { temperature, top_k, top_p, min_p, rule })
    }

    /// Whether noise belongs to places in the descending sort instead of token ids.
    pub(super) fn draws_by_place(&self) -> bool {
        self.rule.draws_by_place() && self.act()
    }

    /// Whether any filter is on.
    pub(super) fn act(&self) -> bool {
        self.top_k > 0 || self.top_p < 1.0 || self.min_p > 0.0
    }
}
