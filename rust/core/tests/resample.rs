//! What deals promise about the sums over the rows that they choose.

#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "sums of small whole numbers"
)]

use token_difr_core::{shuffled_sums, swapped_sums};

#[test]
fn a_shuffle_chooses_so_many_rows_and_each_once() {
    // Powers of two: the sum tells which rows were chosen, and how often.
    let table: Vec<f64> = (0..20).flat_map(|row| [1.0, f64::from(1_u32 << row)]).collect();
    for chosen in [0, 3, 10, 17, 20] {
        for sums in shuffled_sums(&table, 2, chosen, 0..200, 5).expect("shapes agree").chunks(2) {
            assert_eq!(sums[0].to_bits(), (chosen as f64).to_bits());
            assert_eq!((sums[1] as u32).count_ones(), chosen as u32);
        }
    }
}

#[test]
fn each_row_is_chosen_as_often_as_chance_has_it() {
    // 10,000 deals: 30 % or half of them, within 5 standard deviations of at most 50.
    let rows = 10;
    let table: Vec<f64> = (0..rows * rows).map(|i| f64::from(u8::from(i % rows == i / rows))).collect();
    for (deals, expected) in [
        (shuffled_sums(&table, rows, 3, 0..10_000, 1).expect("shapes agree"), 3_000.0),
        (swapped_sums(&table, rows, 0..10_000, 1).expect("shapes agree"), 5_000.0),
    ] {
        for row in 0..rows {
            let found: f64 = deals.iter().skip(row).step_by(rows).sum();
            assert!((found - expected).abs() < 250.0, "row {row}: {found}");
        }
    }
}

#[test]
fn a_deal_does_not_depend_on_the_others() {
    let table: Vec<f64> = (0..99).map(|i| f64::from(i * i % 17)).collect();
    let shuffled = |deals| shuffled_sums(&table, 9, 4, deals, 3).expect("shapes agree");
    let swapped = |deals| swapped_sums(&table, 9, deals, 3).expect("shapes agree");

    assert_eq!(shuffled(0..30)[20 * 9..], shuffled(20..30));
    assert_eq!(swapped(0..30)[20 * 9..], swapped(20..30));
}

#[test]
fn nothing_to_deal_is_no_error() {
    assert_eq!(shuffled_sums(&[], 2, 0, 0..3, 0).expect("shapes agree"), [0.0; 6]);
    assert!(swapped_sums(&[], 0, 0..3, 0).expect("shapes agree").is_empty());
    assert!(swapped_sums(&[1.0], 1, 0..0, 0).expect("shapes agree").is_empty());
}
