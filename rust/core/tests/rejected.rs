//! Each thing that can be wrong with a batch, and the error that names it.

use token_difr_core::{Arrays, Error, TopKBatch, UNRESOLVED, shuffled_sums, swapped_sums};

/// Two valid rows, which each test then spoils.
const VALID: Arrays<'static> = Arrays {
    indptr: &[0, 2, 3],
    token_ids: &[7, 3, 5],
    logprobs: &[-0.25, -1.75, -0.5],
    claimed: &[7, 9],
    claimed_logprob: Some(&[f32::NAN, -2.0]),
    claimed_rank: Some(&[-1, 4]),
    sequence_indptr: Some(&[0, 1, 2]),
    prompt_lengths: Some(&[3, 0]),
    contiguous: true,
};

#[test]
fn each_fault_is_named_with_its_place() {
    let cases: &[(Arrays<'_>, &str)] = &[
        (
            Arrays { indptr: &[], ..VALID },
            "indptr is empty: it needs one entry more than it has rows, the first of them 0",
        ),
        (Arrays { indptr: &[1, 2, 3], ..VALID }, "indptr[0] is 1: offsets start at 0"),
        (Arrays { indptr: &[0, 4, 3], ..VALID }, "indptr[2] is 3, below the 4 before it: offsets never decrease"),
        (Arrays { indptr: &[0, -1, 3], ..VALID }, "indptr[1] is -1, below the 0 before it: offsets never decrease"),
        (Arrays { indptr: &[0, 2, 4], ..VALID }, "indptr ends at 4, but token_ids has 3 entries"),
        (
            Arrays { indptr: &[0, 2, i64::MAX], ..VALID },
            "indptr ends at 9223372036854775807, but token_ids has 3 entries",
        ),
        (Arrays { logprobs: &[-0.25], ..VALID }, "logprobs has 1 entries, but token_ids asks for 3"),
        (Arrays { claimed: &[7], ..VALID }, "claimed has 1 entries, but indptr asks for 2"),
        (Arrays { claimed_logprob: Some(&[]), ..VALID }, "claimed_logprob has 0 entries, but indptr asks for 2"),
        (Arrays { claimed_rank: Some(&[1]), ..VALID }, "claimed_rank has 1 entries, but indptr asks for 2"),
        (Arrays { sequence_indptr: Some(&[0, 1]), ..VALID }, "sequence_indptr ends at 1, but claimed has 2 entries"),
        (
            Arrays { sequence_indptr: Some(&[]), ..VALID },
            "sequence_indptr is empty: it needs one entry more than it has rows, the first of them 0",
        ),
        (
            Arrays { prompt_lengths: Some(&[3]), ..VALID },
            "prompt_lengths has 1 entries, but sequence_indptr asks for 2",
        ),
        (Arrays { prompt_lengths: Some(&[3, -1]), ..VALID }, "prompt_lengths[1] is -1: a length is at least 0"),
        (
            Arrays { logprobs: &[-0.25, -1.75, f32::NAN], ..VALID },
            "logprobs[2] (position 1) is NaN: a logprob is a number of at most 0, or -inf",
        ),
        (
            Arrays { logprobs: &[-0.25, f32::INFINITY, f32::NAN], ..VALID },
            "logprobs[1] (position 0) is inf: a logprob is a number of at most 0, or -inf",
        ),
        (
            Arrays { logprobs: &[12.5, -1.75, -0.5], ..VALID },
            "logprobs[0] (position 0) is 12.5, above 0.01: these look like raw logits: take the log-softmax first",
        ),
        (Arrays { token_ids: &[3, 3, 5], ..VALID }, "token_ids names 3 twice at position 0: a row holds an id once"),
        (Arrays { claimed: &[7, UNRESOLVED], ..VALID }, "claimed[1] is UNRESOLVED: every claimed token needs its id"),
        (
            Arrays { claimed_logprob: Some(&[3.0, -2.0]), ..VALID },
            "claimed_logprob[0] (position 0) is 3, above 0.01: these look like raw logits: take the log-softmax first",
        ),
        (
            Arrays { claimed_logprob: Some(&[f32::NAN, -0.25]), ..VALID },
            "claimed_logprob[1] is -0.25, above the smallest logprob of its row (-0.5), but the row lacks token 9: a row is \
             the contiguous top of the distribution (contiguous=False where an API may lose entries)",
        ),
        (
            Arrays { claimed_rank: Some(&[-2, 0]), ..VALID },
            "claimed_rank[0] is -2: a rank is at least 0, or -1 for unknown",
        ),
    ];
    for (arrays, message) in cases {
        let error = TopKBatch::new(*arrays).expect_err(message);

        assert_eq!(error.to_string(), *message);
    }
}

#[test]
fn what_looks_odd_but_is_allowed() {
    let cases = [
        ("valid", VALID),
        ("unresolved twice", Arrays { token_ids: &[UNRESOLVED, UNRESOLVED, 5], ..VALID }),
        ("-inf", Arrays { logprobs: &[-0.25, f32::NEG_INFINITY, -0.5], ..VALID }),
        ("claimed logprob within the tolerance", Arrays { claimed_logprob: Some(&[f32::NAN, -0.499_5]), ..VALID }),
        (
            "claimed may be the unresolved entry",
            Arrays { token_ids: &[7, 3, UNRESOLVED], claimed_logprob: Some(&[f32::NAN, -0.25]), ..VALID },
        ),
        ("rows that lose entries", Arrays { claimed_logprob: Some(&[f32::NAN, -0.25]), contiguous: false, ..VALID }),
        ("one sequence", Arrays { sequence_indptr: None, prompt_lengths: Some(&[3]), ..VALID }),
        ("empty sequences", Arrays { sequence_indptr: Some(&[0, 0, 2, 2]), prompt_lengths: None, ..VALID }),
    ];
    for (name, arrays) in cases {
        assert_eq!(TopKBatch::new(arrays).err(), None, "{name}");
    }
}

#[test]
fn the_first_of_many_faults_is_named_on_any_number_of_threads() {
    let n = 100_000;
    let indptr: Vec<i64> = (0..=n).collect();
    let token_ids = vec![1; indptr.len() - 1];
    let mut logprobs = vec![-1.0; token_ids.len()];
    (777..logprobs.len()).step_by(1000).for_each(|j| logprobs[j] = f32::NAN);
    let arrays = Arrays {
        indptr: &indptr,
        token_ids: &token_ids,
        logprobs: &logprobs,
        claimed: &token_ids,
        ..Arrays::default()
    };
    for threads in [1, 2, 7] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        let error = pool.install(|| TopKBatch::new(arrays).err());

        assert!(matches!(error, Some(Error::NotALogprob { index: 777, position: 777, .. })), "{error:?}");
    }
}

#[test]
fn arrays_that_break_their_promise_give_numbers_and_no_panic() {
    let indptr = [5, -3, i64::MAX, 1];
    let arrays = Arrays { indptr: &indptr, claimed: &[1, 2, 3], claimed_logprob: None, claimed_rank: None, ..VALID };
    let batch = TopKBatch::assume_checked(arrays, 0).expect("the lengths agree");

    assert_eq!(token_difr_core::score_greedy(&batch).status.len(), 3);
}

#[test]
fn tables_of_deals_must_agree() {
    let error = swapped_sums(&[1.0, 2.0, 3.0], 2, 0..10, 0).expect_err("half a row is missing");

    assert_eq!(error.to_string(), "table has 3 entries, but rows x columns asks for 2");
    assert!(shuffled_sums(&[1.0, 2.0], 2, 2, 0..10, 0).is_err());
    for deals in [usize::MAX / 8, usize::MAX] {
        let error = swapped_sums(&[1.0, 2.0], 2, 0..deals, 0).expect_err("no machine has so much");

        assert_eq!(error, Error::TooManyDeals { deals, columns: 2 });
    }
}
