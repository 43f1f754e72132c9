//! The streams as a whole: against the distribution they claim, against their own past, and at their edges.
#![expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "sizes are small")]
#![expect(clippy::float_cmp, reason = "streams promise bits")]

use proptest::prelude::*;
use token_difr_core::rng::gpu::Gpu;
use token_difr_core::rng::murmur3::Precision;
use token_difr_core::rng::philox::PhiloxTransform;
use token_difr_core::rng::sglang::{LogCeiling, Prime};
use token_difr_core::rng::torch_cpu::{self, TorchCpu};
use token_difr_core::rng::torch_cpu_mkl::TorchCpuMkl;
use token_difr_core::rng::torch_cuda::{self, TorchCuda};
use token_difr_core::rng::vllm_cpu::{self, VllmCpu};
use token_difr_core::rng::{KeyedBy, RowKey, Stream, StreamError};

const VOCAB_SIZE: u32 = 3_000;
/// Small enough that a row of `VOCAB_SIZE` wraps: 256 threads, three lanes of four in use for each of three calls.
const TINY_GPU: Gpu = Gpu { multiprocessors: 1, threads_per_multiprocessor: 256 };

/// Every stream; those of torch with `batch_size` rows of `VOCAB_SIZE`.
fn streams(batch_size: u32) -> Vec<(&'static str, Stream)> {
    vec![
        ("vllm-murmur3 float32", Stream::VllmMurmur3(Precision::Single)),
        ("vllm-murmur3 float64", Stream::VllmMurmur3(Precision::Double)),
        ("vllm-philox 0.13", Stream::VllmPhilox(PhiloxTransform::V0_13)),
        ("vllm-philox 0.17", Stream::VllmPhilox(PhiloxTransform::V0_17)),
        ("vllm-philox 0.20", Stream::VllmPhilox(PhiloxTransform::V0_20)),
        ("vllm-philox 0.25", Stream::VllmPhilox(PhiloxTransform::V0_25)),
        ("vllm-cpu", Stream::VllmCpu(VllmCpu)),
        ("torch-cuda", Stream::TorchCuda(TorchCuda::new(TINY_GPU, VOCAB_SIZE, batch_size).expect("sizes"))),
        ("torch-cpu", Stream::TorchCpu(TorchCpu::new(VOCAB_SIZE, batch_size).expect("sizes"))),
        ("torch-cpu mkl", Stream::TorchCpuMkl(TorchCpuMkl::new(VOCAB_SIZE, batch_size).expect("sizes"))),
        ("sglang-murmur", Stream::SglangMurmur(LogCeiling::Absent)),
        ("sglang-murmur ceiling", Stream::SglangMurmur(LogCeiling::Present)),
        ("sglang-prime", Stream::SglangPrime(Prime)),
    ]
}

fn noise(stream: &Stream, key: RowKey, ids: &[u32]) -> Vec<f64> {
    let mut out = vec![f64::NAN; ids.len()];
    stream.gumbel(key, ids, &mut out).expect("a valid request");
    out
}

/// Largest distance between the sample's distribution and Gumbel's, F(g) = exp(-exp(-g)) (so that exp(-g) is Exp(1)).
fn kolmogorov_distance(mut sample: Vec<f64>) -> f64 {
    sample.sort_by(f64::total_cmp);
    let count = sample.len() as f64;
    let distances = sample.iter().enumerate().map(|(i, g)| {
        let share = (-(-g).exp()).exp();
        (share - i as f64 / count).max((i + 1) as f64 / count - share)
    });
    distances.fold(0.0, f64::max)
}

#[test]
fn noise_is_gumbel_across_ids_positions_and_seeds() {
    // Massart (1990): P(D > d) <= 2 exp(-2 n d^2). With 3 samples of each of 13 streams at n = 60,000 and a level of 1e-6
    // for all of them together, d = sqrt(ln(2 * 39 / 1e-6) / (2 n)) = 0.01231. The seeds are fixed: the test passes always
    // or never. Values come in steps of 2^-31 to 2^-24 of probability, far below d.
    const COUNT: u32 = 60_000;
    let critical = ((2.0_f64 * 39.0 / 1e-6).ln() / (2.0 * f64::from(COUNT))).sqrt();
    let many = u64::from(COUNT / VOCAB_SIZE);
    let ids: Vec<u32> = (0..VOCAB_SIZE).collect();
    for (name, stream) in streams(1) {
        let rows = (0..many).flat_map(|step| noise(&stream, RowKey::new(42, step), &ids)).collect();
        let seeds = (0..many).flat_map(|seed| noise(&stream, RowKey::new(seed << 27, 5), &ids)).collect();
        let keys: Vec<_> =
            (0..u64::from(COUNT)).map(|position| RowKey::new(42 + position / 60, position % 60)).collect();
        let indptr: Vec<_> = (0..=i64::from(COUNT)).collect();
        let mut positions = vec![0.0; COUNT as usize];
        stream.gumbel_rows(&keys, &indptr, &vec![77; COUNT as usize], &mut positions).expect("valid rows");
        for (kind, sample) in [("ids", rows), ("seeds", seeds), ("positions", positions)] {
            let distance = kolmogorov_distance(sample);
            assert!(distance < critical, "{name} over {kind}: {distance} >= {critical}");
        }
    }
}

/// Outputs that must never change: a run recorded today is replayed by every later version. Exact on every platform,
/// because the logarithms are this crate's own; rows chosen so that wrapped lanes of torch-cuda and both branches of
/// vllm-murmur3 are hit.
#[test]
fn own_outputs_are_stable() {
    let ids = [0, 1, 500, VOCAB_SIZE - 1];
    for ((name, stream), expected) in streams(1).into_iter().zip(PINNED) {
        assert_eq!(noise(&stream, RowKey::new(0x0123_4567_89AB_CDEF, 3), &ids), expected, "{name}");
    }
}

/// Noise of seed 0x0123456789ABCDEF at position 3 for the ids 0, 1, 500 and 2999, in the order of `streams`.
#[expect(clippy::unreadable_literal, reason = "printed by the test's own expression")]
const PINNED: [[f64; 4]; 13] = [
    [0.7681576013565063, -1.8774487972259521, -0.8507651090621948, -1.8878226280212402], // vllm-murmur3 float32
    [0.21718308100475214, -0.6871276756136632, 0.04126771874564747, 0.49823376318899526], // vllm-murmur3 float64
    [-0.374087929725647, -0.4736880958080292, 1.1616742610931396, -0.2612343728542328],  // vllm-philox 0.13
    [-0.37408795952796936, -0.4736880958080292, 1.1616742610931396, -0.2612344026565552], // vllm-philox 0.17
    [0.07374242671564732, -0.03998533983788678, 0.5594095355089376, -0.8577153653790746], // vllm-philox 0.20
    [1.323517084121704, 1.495982050895691, -0.27313488721847534, 1.143393635749817],     // vllm-philox 0.25
    [1.6450374595292785, 3.1322385251424043, 0.7317218578431838, 0.9938163413722503],    // vllm-cpu
    [0.18260450430578862, 0.9076952237215224, -0.49752975944240585, 0.26931240398721984], // torch-cuda
    [5.2697549234833465, 0.9843899288780246, 0.5358484434796718, 1.6739901824709154],    // torch-cpu
    [-0.03701286912190436, 1.5548209079100341, 0.23446234906298993, 1.2634729563537255], // torch-cpu mkl
    [0.008897945147013463, 6.536075414388076, 2.291295881542479, 6.604291407130924],     // sglang-murmur
    [0.008897945147013463, 6.536075414388076, 2.291295881542479, 6.604291407130924],     // sglang-murmur ceiling
    [-0.12408662587404251, 1.9641252756118774, -1.0505961179733276, 1.5403176546096802], // sglang-prime
];

#[test]
fn exponentials_keep_the_clamps_of_their_engines() {
    assert_eq!(torch_cpu::exponential(0, 0), 0.0);
    assert_eq!(torch_cpu::exponential(u32::MAX << 21, 0), 0.0, "only 53 bits count");
    assert_eq!(torch_cuda::exponential(u32::MAX), f32::EPSILON / 2.0);
    assert!((torch_cuda::exponential(0) - 33.0 * std::f32::consts::LN_2).abs() < 1e-5);
    assert_eq!(PhiloxTransform::V0_20.gumbel([u32::MAX; 2]), f64::INFINITY);
    assert!(PhiloxTransform::V0_20.gumbel([0; 2]).is_finite());
    assert_eq!(vllm_cpu::uniform((1 << 53) - 1), 1.0, "one half more rounds up");
    assert_eq!(LogCeiling::Absent.gumbel(u32::MAX), f64::INFINITY);
    assert!((LogCeiling::Present.gumbel(u32::MAX) - 32.0 * 2f64.ln()).abs() < 1e-9);
    assert!((LogCeiling::Absent.gumbel(0) + 709.78).abs() < 0.01);
}

#[test]
fn seeds_of_the_cpu_generator_are_taken_modulo_2_to_the_32() {
    for (name, stream) in streams(1) {
        let [small, large] = [7, 7 + (1 << 32)].map(|seed| noise(&stream, RowKey::new(seed, 1), &[3, 5]));
        let wraps = matches!(stream, Stream::TorchCpu(_) | Stream::TorchCpuMkl(_) | Stream::VllmCpu(_));
        // The prime hash keeps 24 bits, which no seed bit above them reaches.
        assert_eq!(small == large, wraps || stream == Stream::SglangPrime(Prime), "{name}");
    }
}

#[test]
fn answers_do_not_depend_on_the_number_of_threads() {
    for (name, stream) in streams(3) {
        let last = stream.batch_size();
        let keys: Vec<_> = (0_u64..4_000)
            .map(|i| RowKey {
                seed: i % 5,
                position: i % 7,
                batch_row: (0..last).nth((i % u64::from(last)) as usize).expect("a row"),
            })
            .collect();
        let indptr: Vec<i64> = (0..=4_000).map(|i| 3 * i).collect();
        let ids: Vec<u32> = (0..12_000).map(|i| i * 7 % VOCAB_SIZE).collect();
        let on_threads = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
            let mut out = vec![0.0; ids.len()];
            pool.install(|| stream.gumbel_rows(&keys, &indptr, &ids, &mut out)).expect("valid rows");
            out.into_iter().map(f64::to_bits).collect::<Vec<_>>()
        };
        let one = on_threads(1);
        assert_eq!(one, on_threads(2), "{name}");
        assert_eq!(one, on_threads(7), "{name}");
    }
}

#[test]
fn wrong_requests_are_named_and_leave_the_output_alone() {
    let cpu = Stream::TorchCpu(TorchCpu::new(10, 2).expect("sizes"));
    let mut out = [7.0; 2];
    let key = RowKey::new(1, 0);
    let errors = [
        cpu.gumbel(key, &[1], &mut out),
        cpu.gumbel(key, &[1, 10], &mut out),
        cpu.gumbel(RowKey { batch_row: 2, ..key }, &[1, 2], &mut out),
        cpu.gumbel(RowKey::new(1, u64::MAX), &[1, 2], &mut out),
        cpu.gumbel_rows(&[key, key], &[0, 2], &[1, 2], &mut out),
        cpu.gumbel_rows(&[key, key], &[0, 2, 1], &[1, 2], &mut out),
        cpu.gumbel_rows(&[key, key], &[0, -1, 2], &[1, 2], &mut out),
        cpu.gumbel_rows(&[key, key], &[0, 1, 1], &[1, 2], &mut out),
        cpu.gumbel_rows(&[key], &[1, 2], &[1, 2], &mut out),
        cpu.gumbel_rows(&[key, key], &[0, 1, 2], &[1, 12], &mut out),
    ];
    let expected = [
        StreamError::LengthMismatch { ids: 1, out: 2 },
        StreamError::IdOutOfRange { position: 1, id: 10, vocab_size: 10 },
        StreamError::BatchRowOutOfRange { batch_row: 2, batch_size: 2 },
        StreamError::StepOutOfRange { step: u64::MAX },
        StreamError::Offsets { position: 2, rows: 2, ids: 2 },
        StreamError::Offsets { position: 2, rows: 2, ids: 2 },
        StreamError::Offsets { position: 1, rows: 2, ids: 2 },
        StreamError::Offsets { position: 2, rows: 2, ids: 2 },
        StreamError::Offsets { position: 0, rows: 1, ids: 2 },
        StreamError::IdOutOfRange { position: 1, id: 12, vocab_size: 10 },
    ];
    assert_eq!(errors.map(Result::unwrap_err), expected);
    assert_eq!(out, [7.0; 2]);
}

#[test]
fn gpus_are_found_by_name() {
    assert_eq!(Gpu::named("rtx 4090"), Ok(Gpu { multiprocessors: 128, threads_per_multiprocessor: 1536 }));
    assert!(matches!(Gpu::named("TPU"), Err(StreamError::UnknownGpu { .. })));
    assert_eq!(TorchCuda::new(TINY_GPU, 0, 1), Err(StreamError::Zero { name: "vocab_size" }));
}

proptest! {
    #[test]
    fn noise_stays_below_its_bound_and_is_never_nan(seed: u64, position in 0_u64..1 << 33, id in 0..VOCAB_SIZE) {
        for (name, stream) in streams(1) {
            let step = if stream.facts().keyed_by == KeyedBy::Step { position % 4 } else { position };
            let found = noise(&stream, RowKey::new(seed, step), &[id])[0];
            prop_assert!(found <= stream.upper_bound(), "{name}: {found}");
        }
    }
}
