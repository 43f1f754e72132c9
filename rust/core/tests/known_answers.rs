//! Known answers: raw generators against their authors' vectors, streams against files that engines or their formulas
//! produced.

use std::fs;
use std::path::Path;

use serde_json::Value;
use token_difr_core::rng::gpu::Gpu;
use token_difr_core::rng::mt19937::Mt19937;
use token_difr_core::rng::murmur3::{self, DOMAIN, HIGH_DOMAIN, HashPrefix, Precision};
use token_difr_core::rng::philox::{self, PhiloxRow, PhiloxTransform, philox};
use token_difr_core::rng::sglang::{self, LogCeiling, Prime, PrimeColumns};
use token_difr_core::rng::torch_cpu::{self, TorchCpu};
use token_difr_core::rng::torch_cpu_mkl::TorchCpuMkl;
use token_difr_core::rng::torch_cuda::TorchCuda;
use token_difr_core::rng::vllm_cpu::{self, VllmCpu};
use token_difr_core::rng::{RowKey, Stream};

fn golden(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).expect("golden files are JSON")
}

fn cases(file: &Value) -> &[Value] {
    file["cases"].as_array().expect("cases")
}

/// Seeds are 64 bits; the files write the one above 2^63 as -1.
fn seed(case: &Value) -> u64 {
    let seed = &case["seed"];
    seed.as_u64().or_else(|| seed.as_i64().map(i64::cast_unsigned)).expect("seed")
}

fn integer(value: &Value) -> u64 {
    value.as_u64().expect("non-negative integer")
}

fn word(value: &Value) -> u32 {
    u32::try_from(integer(value)).expect("32 bits")
}

fn floats(value: &Value) -> Vec<f64> {
    value.as_array().expect("array").iter().map(|x| x.as_f64().expect("number")).collect()
}

fn ids(value: &Value) -> Vec<u32> {
    value.as_array().expect("array").iter().map(word).collect()
}

fn noise(stream: Stream, key: RowKey, ids: &[u32]) -> Vec<f64> {
    let mut out = vec![f64::NAN; ids.len()];
    stream.gumbel(key, ids, &mut out).expect("a valid request");
    out
}

fn assert_close(found: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (index, (a, b)) in found.iter().zip(expected).enumerate() {
        assert!((a - b).abs() <= tolerance, "{what}[{index}]: {a} instead of {b}");
    }
}

#[test]
fn mt19937_gives_the_reference_values() {
    // The default-seeded generator of C++: its first values, and the 10,000th, which the standard itself fixes.
    let mut generator = Mt19937::new(5489);
    let first: Vec<u32> = (0..5).map(|_| generator.next_u32()).collect();
    assert_eq!(first, [3_499_211_612, 581_869_302, 3_890_346_734, 3_586_334_585, 545_404_204]);

    let mut generator = Mt19937::new(5489);
    generator.skip(9_999);
    assert_eq!(generator.next_u32(), 4_123_659_995);
}

#[test]
fn philox_gives_the_known_answers_of_random123() {
    // Lines "philox4x32 10" of Random123's tests/kat_vectors: all zero, all ones, digits of pi.
    let table = [
        ([0; 4], [0; 2], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
        ([u32::MAX; 4], [u32::MAX; 2], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
        (
            [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
            [0xa409_3822, 0x299f_31d0],
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
        ),
    ];
    for (counter, key, expected) in table {
        assert_eq!(philox(counter, key), expected);
    }
}

#[test]
fn murmur3_finalizer_gives_the_known_answers() {
    // fmix32 of Appleby's MurmurHash3.cpp; it is a bijection that keeps 0.
    for (input, expected) in [(0, 0), (1, 0x514E_28B7), (2, 0x30F4_C306), (u32::MAX, 0x81F1_6F39)] {
        assert_eq!(murmur3::finalize(input), expected, "{input:#x}");
    }
}

#[test]
fn vllm_murmur3_gives_the_golden_noise() {
    let file = golden("vllm_murmur3.json");
    let ids = ids(&file["token_ids"]);
    for case in cases(&file) {
        let (seed, position) = (seed(case), integer(&case["position"]));
        let prefix = HashPrefix::new(DOMAIN, seed, position);
        let high = HashPrefix::new(HIGH_DOMAIN, seed, position);
        for (i, &id) in ids.iter().enumerate() {
            assert_eq!(prefix.hash(id), word(&case["hash"][i]));
            assert_eq!(Some(f64::from(murmur3::uniform_f32(prefix.hash(id)))), case["uniform_f32"][i].as_f64());
            assert_eq!(Some(murmur3::uniform_f64(high.hash(id), prefix.hash(id))), case["uniform_f64"][i].as_f64());
        }
        let key = RowKey::new(seed, position);
        let single = noise(Stream::VllmMurmur3(Precision::Single), key, &ids);
        assert_close(&single, &floats(&case["gumbel_f32"]), 1e-6, "gumbel_f32");
        let double = noise(Stream::VllmMurmur3(Precision::Double), key, &ids);
        let expected: Vec<f64> = floats(&case["uniform_f64"]).iter().map(|u| -(-u.ln()).ln()).collect();
        assert_close(&double, &expected, 1e-12, "float64 form");
    }
}

#[test]
fn vllm_philox_gives_the_golden_noise() {
    let file = golden("vllm_philox.json");
    let ids = ids(&file["token_ids"]);
    let transforms = [
        (PhiloxTransform::V0_13, "gumbel_0_13", 1e-6),
        (PhiloxTransform::V0_17, "gumbel_0_17", 1e-6),
        (PhiloxTransform::V0_20, "gumbel_f64_0_20", 1e-12),
        (PhiloxTransform::V0_25, "gumbel_0_25", 1e-6),
    ];
    for case in cases(&file) {
        let key = RowKey::new(seed(case), integer(&case["position"]));
        let row = PhiloxRow::new(PhiloxTransform::V0_13, key.seed, key.position);
        assert_eq!(u64::from(row.gumbel_seed()), integer(&case["gumbel_seed"]));
        for (i, &id) in ids.iter().enumerate() {
            assert_eq!(Some(f64::from(philox::rand(row.words(id)[0]))), case["rand_f32"][i].as_f64());
            assert_eq!(Some(philox::uniform_f64(row.words(id))), case["uniform_f64_0_20"][i].as_f64());
        }
        for (transform, name, tolerance) in transforms {
            assert_close(&noise(Stream::VllmPhilox(transform), key, &ids), &floats(&case[name]), tolerance, name);
        }
    }
}

#[test]
fn vllm_cpu_gives_the_golden_noise_and_the_kernels_order() {
    for case in cases(&golden("vllm_cpu.json")) {
        let key = RowKey::new(seed(case), integer(&case["step"]));
        assert_eq!(vllm_cpu::step_seed(key.seed, key.position), word(&case["step_seed"]));
        let found = noise(Stream::VllmCpu(VllmCpu), key, &ids(&case["token_ids"]));
        assert_close(&found, &floats(&case["gumbel_f64"]), 1e-12, "gumbel_f64");
        for (vocab_size, winners) in case["winners"].as_object().expect("widths") {
            let mut order: Vec<u32> = (0..vocab_size.parse().expect("a width")).collect();
            let row = noise(Stream::VllmCpu(VllmCpu), key, &order);
            order.sort_by(|&a, &b| row[b as usize].total_cmp(&row[a as usize]));
            let expected = ids(winners);
            assert_eq!(order[..expected.len()], expected, "{key:?} over {vocab_size}");
        }
    }
}

#[test]
fn sglang_gives_the_golden_noise() {
    let file = golden("sglang.json");
    let ids = ids(&file["token_ids"]);
    for case in cases(&file) {
        let key = RowKey::new(seed(case), integer(&case["position"]));
        let prime = PrimeColumns::new(key.seed, key.position);
        let prefix = HashPrefix::new(DOMAIN, key.seed, key.position);
        for (i, &id) in ids.iter().enumerate() {
            assert_eq!(Some(f64::from(prime.uniform(id))), case["prime_uniform_f32"][i].as_f64());
            assert_eq!(Some(sglang::murmur_uniform(prefix.hash(id))), case["murmur_uniform_f64"][i].as_f64());
        }
        assert_close(&noise(Stream::SglangPrime(Prime), key, &ids), &floats(&case["prime_gumbel_f32"]), 2e-6, "prime");
        for ceiling in [LogCeiling::Absent, LogCeiling::Present] {
            let found = noise(Stream::SglangMurmur(ceiling), key, &ids);
            assert_close(&found, &floats(&case["murmur_gumbel_f64"]), 1e-12, "murmur");
        }
    }
}

#[test]
fn torch_cpu_gives_the_golden_values_to_the_bit() {
    for case in cases(&golden("torch_cpu.json")) {
        let vocab_size = word(&case["vocab_size"]);
        let ids = ids(&case["token_ids"]);
        let stream = Stream::TorchCpu(TorchCpu::new(vocab_size, 1).expect("sizes"));
        let mut generator = Mt19937::new(u32::try_from(seed(case) & 0xFFFF_FFFF).expect("low word"));
        for (step, row) in case["exponential_f32_by_step"].as_array().expect("steps").iter().enumerate() {
            let expected = floats(row);
            let dense: Vec<f32> = (0..vocab_size)
                .map(|_| {
                    let high = generator.next_u32();
                    torch_cpu::exponential(high, generator.next_u32())
                })
                .collect();
            let found: Vec<f64> = ids.iter().map(|&id| f64::from(dense[id as usize])).collect();
            assert_eq!(found, expected, "step {step}");

            let gumbel: Vec<f64> = expected.iter().map(|q| -q.ln()).collect();
            assert_close(&noise(stream, RowKey::new(seed(case), step as u64), &ids), &gumbel, 1e-14, "noise");
        }
    }
}

#[test]
fn torch_cpu_of_the_mkl_era_gives_what_mkl_gives() {
    for case in cases(&golden("torch_cpu_mkl.json")) {
        let stream = TorchCpuMkl::new(word(&case["vocab_size"]), 1).expect("sizes");
        let ids = ids(&case["token_ids"]);
        for (step, row) in case["exponential_f32_by_step"].as_array().expect("steps").iter().enumerate() {
            let found = stream.row(seed(case), step as u64, 0);
            for (&id, expected) in ids.iter().zip(floats(row)) {
                assert_close(&[f64::from(found.exponential(id))], &[expected], 1.2e-7 * expected, "exponential");
            }
        }
    }
}

fn cuda(case: &Value) -> TorchCuda {
    let gpu = Gpu {
        multiprocessors: word(&case["multiprocessors"]),
        threads_per_multiprocessor: word(&case["max_threads_per_multiprocessor"]),
    };
    TorchCuda::new(gpu, word(&case["vocab_size"]), 1).expect("sizes")
}

#[test]
fn torch_cuda_gives_the_golden_words_to_the_bit() {
    for case in cases(&golden("torch_cuda_philox.json")) {
        let stream = cuda(case);
        assert_eq!(stream.offset_increment(), integer(&case["offset_increment"]));
        let ids = ids(&case["token_ids"]);
        for (step, words) in case["philox_u32_by_step"].as_array().expect("steps").iter().enumerate() {
            let row = stream.row(seed(case), step as u64, 0);
            let found: Vec<u32> = ids.iter().map(|&id| row.word(id)).collect();
            assert_eq!(found, self::ids(words), "step {step}");
        }
    }
}

/// Thread t = i mod T draws four words a call; Box-Muller makes four normals of them, lane by lane.
fn normal(stream: TorchCuda, seed: u64, threads: u32, element: u32) -> f64 {
    let uniform = |lane: u32| {
        let first_of_call = element % threads + element / (4 * threads) * 4 * threads;
        f64::from(stream.row(seed, 0, 0).word(first_of_call + lane * threads)) / 2f64.powi(32) + 2f64.powi(-33)
    };
    let lane = element / threads % 4;
    let pair = lane / 2 * 2;
    let radius = (-2.0 * uniform(pair).ln()).sqrt();
    let angle = 2.0 * std::f64::consts::PI * uniform(pair + 1);
    radius * if lane.is_multiple_of(2) { angle.sin() } else { angle.cos() }
}

#[test]
fn torch_cuda_layout_gives_what_real_gpus_printed() {
    for case in cases(&golden("torch_cuda_published.json")) {
        // Any GPU of that many threads will do: the layout knows only their number. Whole calls show every lane.
        let threads = word(&case["threads"]);
        let gpu = Gpu { multiprocessors: threads / 256, threads_per_multiprocessor: 256 };
        let elements = word(&case["numel"]).div_ceil(4 * threads) * 4 * threads;
        let stream = TorchCuda::new(gpu, elements, 1).expect("sizes");
        for (element, expected) in case["values"].as_object().expect("values") {
            let found = normal(stream, seed(case), threads, element.parse().expect("an index"));
            assert_close(&[found], &[expected.as_f64().expect("number")], 5e-5, case["source"].as_str().unwrap_or(""));
        }
    }
}
