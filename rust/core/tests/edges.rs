//! One case a row of the edge table: what a row shows, and what is said of the claimed token.

use token_difr_core::{Arrays, Status, TopKBatch, UNRESOLVED, score_greedy};

const INF: f32 = f32::INFINITY;
const NAN: f32 = f32::NAN;

/// A row, its claimed token, and the scores that it must get.
struct Case {
    name: &'static str,
    row: &'static [(u32, f32)],
    claimed: u32,
    claimed_logprob: f32,
    claimed_rank: i32,
    contiguous: bool,
    status: Status,
    exact_match: bool,
    prob: f32,
    margin: f32,
    margin_bound: f32,
    logit_rank: f32,
}

/// A claimed token of which nothing is known but its id; the other cases change what they are about.
const PLAIN: Case = Case {
    name: "",
    row: &[],
    claimed: 7,
    claimed_logprob: NAN,
    claimed_rank: -1,
    contiguous: true,
    status: Status::Scored,
    exact_match: false,
    prob: NAN,
    margin: NAN,
    margin_bound: NAN,
    logit_rank: NAN,
};

const UNKNOWN: Case = Case { status: Status::Unscored, ..PLAIN };
const MATCH: Case = Case { exact_match: true, margin: 0.0, margin_bound: 0.0, logit_rank: 0.0, ..PLAIN };
const ABSENT: Case = Case { status: Status::Censored, prob: 0.0, margin: INF, ..PLAIN };

const CASES: &[Case] = &[
    Case { name: "empty row", ..UNKNOWN },
    Case { name: "empty row, logprob known", claimed_logprob: -1.0, ..UNKNOWN },
    Case { name: "every value -inf", row: &[(7, -INF), (9, -INF)], ..UNKNOWN },
    Case { name: "unresolved on top, claimed absent", row: &[(UNRESOLVED, -0.5), (9, -2.0)], ..UNKNOWN },
    Case { name: "unresolved ties the top, claimed absent", row: &[(9, -1.0), (UNRESOLVED, -1.0)], ..UNKNOWN },
    Case { name: "one candidate, claimed", row: &[(7, -0.25)], prob: 0.778_800_8, ..MATCH },
    Case {
        name: "one candidate, not claimed: an unseen token has at most what is left",
        row: &[(9, -0.25)],
        margin_bound: 1.258_647,
        logit_rank: 1.0,
        ..ABSENT
    },
    Case {
        name: "second choice",
        row: &[(9, -0.5), (7, -1.25)],
        prob: 0.286_504_8,
        margin: 0.75,
        margin_bound: 0.75,
        logit_rank: 1.0,
        ..PLAIN
    },
    Case { name: "equal maxima, claimed has the lower id", row: &[(9, -0.7), (7, -0.7)], prob: 0.496_585_3, ..MATCH },
    Case {
        name: "equal maxima, claimed has the higher id: a mismatch without a margin",
        row: &[(5, -0.7), (7, -0.7)],
        prob: 0.496_585_3,
        margin: 0.0,
        margin_bound: 0.0,
        logit_rank: 0.0,
        ..PLAIN
    },
    Case {
        name: "claimed -inf",
        row: &[(9, -0.5), (7, -INF)],
        prob: 0.0,
        margin: INF,
        margin_bound: INF,
        logit_rank: 1.0,
        ..PLAIN
    },
    Case {
        name: "absent: the row's end caps it",
        row: &[(9, -1.5), (3, -2.5), (4, -3.5)],
        margin_bound: 2.0,
        logit_rank: 3.0,
        ..ABSENT
    },
    Case {
        name: "absent from a row that ends at -inf",
        row: &[(9, -1.5), (3, -INF)],
        margin_bound: INF,
        logit_rank: 1.0,
        ..ABSENT
    },
    Case {
        name: "absent from a row with too much mass",
        row: &[(9, 0.0), (3, -0.5)],
        margin_bound: 11.512_925,
        logit_rank: 2.0,
        ..ABSENT
    },
    Case {
        name: "absent, but it may be the unresolved entry",
        row: &[(9, -0.5), (UNRESOLVED, -3.0), (3, -5.0)],
        margin_bound: 2.5,
        logit_rank: 3.0,
        ..ABSENT
    },
    Case {
        name: "joined below the row",
        row: &[(9, -0.5), (3, -2.0)],
        claimed_logprob: -4.0,
        prob: 0.018_315_64,
        margin: 3.5,
        margin_bound: 3.5,
        logit_rank: 2.0,
        ..PLAIN
    },
    Case {
        name: "joined, rank known",
        row: &[(9, -0.5), (3, -2.0)],
        claimed_logprob: -4.0,
        claimed_rank: 11,
        prob: 0.018_315_64,
        margin: 3.5,
        margin_bound: 3.5,
        logit_rank: 11.0,
        ..PLAIN
    },
    Case {
        name: "joined within the tolerance above a row of one",
        row: &[(9, -0.7)],
        claimed_logprob: -0.699_5,
        prob: 0.496_833_7,
        ..MATCH
    },
    Case {
        name: "joined at the top value, lower id",
        row: &[(9, -0.7)],
        claimed_logprob: -0.7,
        prob: 0.496_585_3,
        ..MATCH
    },
    Case {
        name: "joined at the top value, higher id",
        row: &[(3, -0.7)],
        claimed_logprob: -0.7,
        prob: 0.496_585_3,
        margin: 0.0,
        margin_bound: 0.0,
        logit_rank: 0.0,
        ..PLAIN
    },
    Case {
        name: "joined at -inf",
        row: &[(9, -0.5)],
        claimed_logprob: -INF,
        prob: 0.0,
        margin: INF,
        margin_bound: INF,
        logit_rank: 1.0,
        ..PLAIN
    },
    Case {
        name: "the row's own value and rank count where it has the claimed token",
        row: &[(9, -0.5), (7, -1.25)],
        claimed_logprob: -1.249,
        claimed_rank: 5,
        prob: 0.286_504_8,
        margin: 0.75,
        margin_bound: 0.75,
        logit_rank: 1.0,
        ..PLAIN
    },
    Case {
        name: "an unresolved rival wins",
        row: &[(UNRESOLVED, -0.5), (7, -1.25)],
        prob: 0.286_504_8,
        margin: 0.75,
        margin_bound: 0.75,
        logit_rank: 1.0,
        ..PLAIN
    },
    Case {
        name: "joined at the value of the unresolved top: it is that entry",
        row: &[(UNRESOLVED, -0.5), (3, -1.25)],
        claimed_logprob: -0.5,
        prob: 0.606_530_7,
        ..MATCH
    },
    Case { name: "rounded above 0", row: &[(7, 0.005)], prob: 1.0, ..MATCH },
    Case {
        name: "not contiguous, absent: only the mass caps it",
        row: &[(9, -0.1), (3, -5.0)],
        contiguous: false,
        margin_bound: 2.325_491_7,
        logit_rank: 2.0,
        ..ABSENT
    },
    Case {
        name: "not contiguous, absent, and a lost entry may have won",
        row: &[(9, -2.0), (3, -5.0)],
        contiguous: false,
        status: Status::Undecided,
        ..PLAIN
    },
    Case {
        name: "not contiguous, joined above the row",
        row: &[(9, -2.0), (3, -5.0)],
        contiguous: false,
        claimed_logprob: -0.25,
        prob: 0.778_800_8,
        ..MATCH
    },
];

#[test]
fn each_edge_gets_its_written_answer() {
    for case in CASES {
        let (ids, logprobs): (Vec<u32>, Vec<f32>) = case.row.iter().copied().unzip();
        let (claimed_logprob, claimed_rank) = ([case.claimed_logprob], [case.claimed_rank]);
        let arrays = Arrays {
            indptr: &[0, i64::try_from(case.row.len()).expect("a short row")],
            token_ids: &ids,
            logprobs: &logprobs,
            claimed: &[case.claimed],
            claimed_logprob: Some(&claimed_logprob),
            claimed_rank: Some(&claimed_rank),
            contiguous: case.contiguous,
            ..Arrays::default()
        };
        let scores = score_greedy(&TopKBatch::new(arrays).expect(case.name));

        assert_eq!(scores.status, [case.status as u8], "{}: status", case.name);
        assert_eq!(scores.exact_match, [case.exact_match], "{}: exact match", case.name);
        for (column, expected, what) in [
            (&scores.prob, case.prob, "prob"),
            (&scores.margin, case.margin, "margin"),
            (&scores.margin_bound, case.margin_bound, "margin bound"),
            (&scores.logit_rank, case.logit_rank, "logit rank"),
        ] {
            let close = (column[0] - expected).abs() < 1e-6 || column[0].to_bits() == expected.to_bits();
            let both_nan = column[0].is_nan() && expected.is_nan();
            assert!(close || both_nan, "{}: {what} is {}, not {expected}", case.name, column[0]);
        }
    }
}

#[test]
fn no_positions_give_empty_columns() {
    let batch = TopKBatch::new(Arrays::default()).expect("nothing is wrong with nothing");

    assert!(batch.is_empty());
    assert!(score_greedy(&batch).status.is_empty());
}

#[test]
fn improper_rows_are_counted_with_their_joined_token() {
    let batch = TopKBatch::new(Arrays {
        indptr: &[0, 2, 3, 5, 7],
        token_ids: &[1, 2, 1, 1, 2, UNRESOLVED, 3],
        logprobs: &[-0.1, -0.2, -0.69, -0.1, -2.5, -0.1, -4.0],
        claimed: &[1, 2, 1, 4],
        claimed_logprob: Some(&[-0.1, -0.69, -0.1, -0.1]),
        ..Arrays::default()
    });

    assert_eq!(batch.map(|batch| batch.improper_rows()), Ok(1), "only the first row has a mass above 1.01");
}
