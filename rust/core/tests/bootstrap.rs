//! What the cluster bootstrap promises about its replicates.

use token_difr_core::cluster_bootstrap;

#[test]
fn one_sequence_gives_its_own_ratio_each_time() {
    let ratios = cluster_bootstrap(&[1.0, 5.0], &[4.0, 0.0], 2, 3, 0).expect("shapes agree");

    assert_eq!(ratios.len(), 6);
    for replicate in ratios.chunks(2) {
        assert_eq!(replicate[0].to_bits(), 0.25_f64.to_bits());
        assert!(replicate[1].is_nan(), "a denominator of 0 gives no ratio");
    }
}

#[test]
fn no_sequences_or_statistics_or_resamples_are_no_error() {
    assert!(cluster_bootstrap(&[], &[], 2, 3, 0).expect("shapes agree").iter().all(|ratio| ratio.is_nan()));
    assert_eq!(cluster_bootstrap(&[], &[], 0, 3, 0).expect("shapes agree").len(), 0);
    assert_eq!(cluster_bootstrap(&[1.0], &[1.0], 1, 0, 0).expect("shapes agree").len(), 0);
}

/// The ratio of a replicate of m sequences of equal length is a mean of m independent draws: over R replicates its mean
/// has a standard error of sd / sqrt(m R), and its variance is sd^2 / m within 2 / sqrt(2 R) of it at two sigma.
#[test]
fn replicates_have_the_mean_and_the_variance_of_the_theory() {
    let (m, resamples) = (50_u32, 20_000_u32);
    let values: Vec<f64> = (0..m).map(|i| f64::from(i * i % 17)).collect();
    let ones = vec![1.0; values.len()];
    let mean = values.iter().sum::<f64>() / f64::from(m);
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / f64::from(m);

    let ratios = cluster_bootstrap(&values, &ones, 1, resamples as usize, 7).expect("shapes agree");
    let found_mean = ratios.iter().sum::<f64>() / f64::from(resamples);
    let found_variance = ratios.iter().map(|r| (r - found_mean).powi(2)).sum::<f64>() / f64::from(resamples);

    let standard_error = (variance / f64::from(m) / f64::from(resamples)).sqrt();
    assert!((found_mean - mean).abs() < 4.0 * standard_error, "{found_mean} for {mean}");
    let relative = found_variance / (variance / f64::from(m));
    assert!(
        (relative - 1.0).abs() < 4.0 / (2.0 * f64::from(resamples)).sqrt(),
        "variance off by a factor of {relative}"
    );
}
