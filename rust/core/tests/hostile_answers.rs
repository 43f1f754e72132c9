//! Answers from servers that are broken, or mean harm: no panic, and never rows of another shape than asked for.

use proptest::prelude::*;
use token_difr_core::wire::{Asked, WireError, WireRows, parse};
use token_difr_core::{Arrays, TopKBatch, Vocabulary};

const SENT: [u32; 4] = [10, 11, 20, 21];
const ASKED: Asked<'static> = Asked { sent: &SENT, prompt_length: 2, topk: 3, first: 0, vocabulary: None };
const ONE_ASKED: Asked<'static> = Asked { sent: &[10, 5], prompt_length: 1, ..ASKED };

const VLLM: &str = r#"{"choices":[{"prompt_token_ids":[10,11,20,21],"prompt_logprobs":[null,{"11":{"logprob":-1,"rank":1}},{"20":{"logprob":-7.5,"rank":500},"1":{"logprob":-0.5,"rank":1}},{"21":{"logprob":-0.25,"rank":1,"decoded_token":"\u00e9"}}]}],"usage":{"completion_tokens":1}}"#;
const CONTENT: &str = r#"{"choices":[{"logprobs":{"content":[{"token":"t10","bytes":[116],"token_id":10,"logprob":0,"top_logprobs":[]},{"token":"t11","logprob":-1,"top_logprobs":[{"token":"t11","logprob":-1}]},{"token":"t20","logprob":-1,"top_logprobs":[{"token":"t20","logprob":-1},{"token":"t3","logprob":-2}]},{"token_id":21,"logprob":-9999.0,"top_logprobs":[{"token_id":1,"logprob":-0.1}]}]}}]}"#;
const LEGACY: &str = r#"{"choices":[{"logprobs":{"tokens":["t10","token_id:11","t20","t21"],"token_logprobs":[null,-1,-2,-3],"token_ids":[10,11,20,21],"top_logprobs":[null,{"t11":-1},{"t1":-0.5,"t20":-2},{"t21":-3}]}}],"prompt":[]}"#;
const SGLANG: &str = r#"{"meta_info":{"input_token_logprobs":[[null,10,null],[-1,11,null],[-2,20,"x"],[-3,21,null]],"input_top_logprobs":[null,[[-1,11,null]],[[-0.5,1,null]],[[null,2,null]]]}}"#;
const NEXT: &str =
    r#"{"completion_probabilities":[{"id":9,"token":"x","logprob":-0.1,"top_logprobs":[{"id":9,"logprob":-0.1}]}]}"#;

fn vocabulary() -> Vocabulary {
    let texts: Vec<String> = (0..24).map(|id| format!("t{id}")).collect();
    Vocabulary::new(&texts, &texts, &[], false)
}

/// Every parser on one body; each result has rows of the output and of nothing else.
fn all(body: &[u8]) {
    let names = vocabulary();
    let check = |rows: Result<WireRows, WireError>, claimed: &[u32]| match rows {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(rows) => {
            assert_eq!(rows.indptr.len(), claimed.len() + 1);
            assert_eq!(rows.claimed_logprob.len(), claimed.len());
            let arrays = Arrays {
                indptr: &rows.indptr,
                token_ids: &rows.token_ids,
                logprobs: &rows.logprobs,
                claimed,
                claimed_logprob: Some(&rows.claimed_logprob),
                claimed_rank: Some(&rows.claimed_rank),
                contiguous: rows.contiguous,
                ..Arrays::default()
            };
            // Values may still be no logprobs, which is named; the shapes hold.
            let _ = TopKBatch::new(arrays);
            assert!(TopKBatch::assume_checked(arrays, 0).is_ok());
        }
    };
    check(parse("vllm", body, ASKED), &SENT[2..]);
    check(parse("sglang", body, ASKED), &SENT[2..]);
    for first in [0, 2] {
        let asked = Asked { first, ..ASKED };
        check(parse("content", body, Asked { vocabulary: Some(&names), ..asked }), &SENT[2..]);
        check(parse("legacy", body, Asked { vocabulary: Some(&names), ..asked }), &SENT[2..]);
        check(parse("legacy", body, asked), &SENT[2..]);
    }
    check(parse("next-token", body, Asked { vocabulary: Some(&names), ..ONE_ASKED }), &[5]);
}

#[test]
fn the_samples_are_answers() {
    assert!(parse("vllm", VLLM.as_bytes(), ASKED).is_ok());
    assert!(parse("content", CONTENT.as_bytes(), Asked { vocabulary: Some(&vocabulary()), ..ASKED }).is_ok());
    assert!(parse("legacy", LEGACY.as_bytes(), Asked { vocabulary: Some(&vocabulary()), ..ASKED }).is_ok());
    assert!(parse("sglang", SGLANG.as_bytes(), ASKED).is_ok());
    assert!(parse("next-token", NEXT.as_bytes(), ONE_ASKED).is_ok());
}

#[test]
fn every_truncation_is_an_error() {
    for body in [VLLM, CONTENT, LEGACY, SGLANG, NEXT] {
        for end in 0..body.len() {
            let cut = &body.as_bytes()[..end];
            all(cut);
            assert!(parse("vllm", cut, ASKED).is_err());
            assert!(parse("content", cut, ASKED).is_err());
            assert!(parse("legacy", cut, ASKED).is_err());
            assert!(parse("sglang", cut, ASKED).is_err());
            assert!(parse("next-token", cut, ONE_ASKED).is_err());
        }
    }
}

#[test]
fn deep_nesting_is_an_error() {
    for deep in ["[".repeat(100_000), r#"{"a":"#.repeat(100_000), format!(r#"{{"choices":[{}"#, "[".repeat(100_000))] {
        all(deep.as_bytes());
    }
}

/// Snippets that a mutation puts somewhere into an answer.
const SNIPPETS: [&str; 16] = [
    "null",
    "{}",
    "[]",
    "1e999",
    "-1e999",
    "-0",
    "4294967295",
    "4294967294",
    "NaN",
    "-Infinity",
    "\"\"",
    "\"\\ud800\"",
    "\u{0}",
    "[[",
    "},{",
    ",",
];

fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let body = prop::sample::select(vec![VLLM, CONTENT, LEGACY, SGLANG, NEXT]);
    let change =
        (any::<prop::sample::Index>(), 0_usize..12, prop::sample::select(SNIPPETS.to_vec()), any::<Option<u8>>());
    (body, prop::collection::vec(change, 1..4)).prop_map(|(body, changes)| {
        let mut bytes = body.as_bytes().to_vec();
        for (place, removed, snippet, byte) in changes {
            let start = place.index(bytes.len() + 1);
            let end = bytes.len().min(start + removed);
            let put = byte.map_or_else(|| snippet.as_bytes().to_vec(), |byte| vec![byte]);
            bytes.splice(start..end, put);
        }
        bytes
    })
}

proptest! {
    #[test]
    fn mutations_never_panic(body in mutated()) {
        all(&body);
    }

    #[test]
    fn any_bytes_never_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
        all(&body);
    }
}
