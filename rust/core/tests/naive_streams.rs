//! Every stream against a plain slow twin, written from the formula alone.
#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    reason = "twins convert as plainly as they can; sizes are small"
)]

use proptest::prelude::*;
use token_difr_core::rng::gpu::Gpu;
use token_difr_core::rng::mt19937::{Mt19937, temper};
use token_difr_core::rng::murmur3::Precision;
use token_difr_core::rng::philox::PhiloxTransform;
use token_difr_core::rng::sglang::{LogCeiling, Prime};
use token_difr_core::rng::torch_cpu::{DenseRows, TorchCpu};
use token_difr_core::rng::torch_cpu_mkl::TorchCpuMkl;
use token_difr_core::rng::torch_cuda::TorchCuda;
use token_difr_core::rng::vllm_cpu::VllmCpu;
use token_difr_core::rng::{RowKey, Stream};

fn noise(stream: &Stream, key: RowKey, ids: &[u32]) -> Vec<f64> {
    let mut out = vec![f64::NAN; ids.len()];
    stream.gumbel(key, ids, &mut out).expect("a valid request");
    out
}

/// `MurmurHash3_x86_32` of whole blocks, written from its description.
fn murmur3_of_bytes(bytes: &[u8], seed: u32) -> u32 {
    let mut hash = u64::from(seed);
    let word = 1_u64 << 32;
    for block in bytes.chunks(4) {
        let block = block.iter().rev().fold(0, |sum, &byte| sum * 256 + u64::from(byte));
        let block = block * 0xCC9E_2D51 % word;
        let block = (block << 15 | block >> 17) % word * 0x1B87_3593 % word;
        let mixed = hash ^ block;
        hash = ((mixed << 13 | mixed >> 19) % word * 5 + 0xE654_6B64) % word;
    }
    hash ^= bytes.len() as u64;
    hash = (hash ^ hash >> 16) * 0x85EB_CA6B % word;
    hash = (hash ^ hash >> 13) * 0xC2B2_AE35 % word;
    u32::try_from(hash ^ hash >> 16).expect("32 bits")
}

#[test]
fn the_slow_murmur3_gives_published_values() {
    assert_eq!(murmur3_of_bytes(b"test", 0), 0xBA6B_D213);
    assert_eq!(murmur3_of_bytes(&[0; 4], 0), 0x2362_F9DE);
    assert_eq!(murmur3_of_bytes(&[0; 4], 1), 0x78ED_212D);
}

fn key_bytes(seed: u64, position: u64, id: u32) -> Vec<u8> {
    [&seed.to_le_bytes()[..], &position.to_le_bytes()[..4], &id.to_le_bytes()[..]].concat()
}

/// Philox 4x32-10 from the paper's words: multiply, split, exchange, add the round key; one recursion a round.
fn plain_philox(counter: [u32; 4], key: [u32; 2], rounds: u32) -> [u32; 4] {
    let [left, right] = [0xD251_1F53_u64 * u64::from(counter[0]), 0xCD9E_8D57_u64 * u64::from(counter[2])];
    let [upper, lower] = [|x: u64| (x / (1 << 32)) as u32, |x: u64| (x % (1 << 32)) as u32];
    let mixed = [upper(right) ^ counter[1] ^ key[0], lower(right), upper(left) ^ counter[3] ^ key[1], lower(left)];
    if rounds == 1 {
        return mixed;
    }
    plain_philox(mixed, [key[0].wrapping_add(0x9E37_79B9), key[1].wrapping_add(0xBB67_AE85)], rounds - 1)
}

fn halves(x: u64) -> [u32; 2] {
    [x & 0xFFFF_FFFF, x >> 32].map(|half| u32::try_from(half).expect("32 bits"))
}

/// What the CUDA kernel does: every thread walks the row in steps of the whole grid, four elements a call.
fn cuda_kernel(gpu: Gpu, elements: usize, seed: u64, step: u64) -> Vec<u32> {
    let blocks = elements.div_ceil(256).min((gpu.multiprocessors * (gpu.threads_per_multiprocessor / 256)) as usize);
    let threads = 256 * blocks;
    let offset = step * 4 * ((elements as u64 - 1) / (threads as u64 * 4) + 1);
    let mut words = vec![0; elements];
    for thread in 0..threads {
        let [key, [t0, t1]] = [halves(seed), halves(thread as u64)];
        let mut counter = offset / 4;
        let mut first = thread;
        while first < elements {
            let [c0, c1] = halves(counter);
            for (lane, word) in plain_philox([c0, c1, t0, t1], key, 10).into_iter().enumerate() {
                if let Some(slot) = words.get_mut(first + lane * threads) {
                    *slot = word;
                }
            }
            (counter, first) = (counter + 1, first + 4 * threads);
        }
    }
    words
}

/// The textbook generator: one word at a time, no blocks.
struct PlainTwister(Vec<u32>, usize);

impl PlainTwister {
    fn new(seed: u32) -> Self {
        let mut words = vec![seed];
        for i in 1..624_u32 {
            let last = words[words.len() - 1];
            words.push((last ^ last >> 30).wrapping_mul(1_812_433_253).wrapping_add(i));
        }
        Self(words, 0)
    }

    fn next(&mut self) -> u32 {
        let i = self.1;
        let joined = self.0[i] >> 31 << 31 | self.0[i + 1] << 1 >> 1;
        let mut word = self.0[i + 397] ^ joined >> 1 ^ if joined % 2 == 1 { 0x9908_B0DF } else { 0 };
        self.0.push(word);
        self.1 += 1;
        word ^= word >> 11;
        word ^= word << 7 & 0x9D2C_5680;
        word ^= word << 15 & 0xEFC6_0000;
        word ^ word >> 18
    }
}

proptest! {
    #[test]
    fn murmur3_streams_equal_the_byte_hash(seed: u64, position: u64, id: u32) {
        let low = murmur3_of_bytes(&key_bytes(seed, position, id), 0);
        let high = murmur3_of_bytes(&key_bytes(seed, position, id), 0x9E37_79B9);
        let key = RowKey::new(seed, position);

        let uniform = (f64::from(low) + 0.5) / 2f64.powi(32);
        let single = noise(&Stream::VllmMurmur3(Precision::Single), key, &[id])[0];
        let exact = -(-(1.0 - uniform).ln()).ln();
        // u rounded to float32 is off by at most 2^-25, and 1 - u is as far below 1 as float32 can tell.
        let steepness = 1.0 / ((1.0 - uniform) * -(1.0 - uniform).ln());
        prop_assert!(uniform > 0.999_99 || (single - exact).abs() <= 2e-6 + 4e-8 * steepness * uniform, "{single} {exact}");

        let bits = ((u128::from(high) << 32 | u128::from(low)) >> 11) as f64;
        let double = noise(&Stream::VllmMurmur3(Precision::Double), key, &[id])[0];
        let exact = -(-((bits + 0.5) / 2f64.powi(53)).min(1.0 - 2f64.powi(-53)).ln()).ln();
        prop_assert!((double - exact).abs() <= 1e-12);

        let columns = noise(&Stream::SglangMurmur(LogCeiling::Present), key, &[id])[0];
        let exact = -(-(f64::from(low) / f64::from(u32::MAX)).ln().clamp(-1.797e308, -2f64.powi(-32))).ln();
        prop_assert!((columns - exact).abs() <= 1e-9, "{columns} {exact}");
    }

    #[test]
    fn vllm_philox_equals_its_formula(seed: u64, position: u64, id: u32) {
        let [p0, p1] = halves(position);
        let row_seed = plain_philox([p0, p1, 0, 0], halves(seed), 10)[0];
        let [w0, w1, ..] = plain_philox([id, 0, 0, 0], [row_seed, 0], 10);
        let folded = if w0 >= 1 << 31 { !w0 } else { w0 };
        let rand = folded as f32 * 4.656_612_7e-10_f32;
        let noise = |transform| noise(&Stream::VllmPhilox(transform), RowKey::new(seed, position), &[id])[0];
        let close = |found: f64, exact: f64| (found - exact).abs() <= 2e-6;

        prop_assert!(close(noise(PhiloxTransform::V0_13), -(-(f64::from(rand) + 1e-20).ln() + 1e-20).ln()));
        prop_assert!(close(noise(PhiloxTransform::V0_17), f64::from(-(-rand.max(1e-7).ln()).ln())));
        prop_assert!(close(noise(PhiloxTransform::V0_25), f64::from(-(-(-rand.max(4.656_612_7e-10)).ln_1p()).ln())));
        let wide = (f64::from(w1) * 2f64.powi(32) + f64::from(w0)) / 2f64.powi(64);
        prop_assert!((noise(PhiloxTransform::V0_20) - -(-wide.ln()).ln()).abs() <= 1e-9);
    }

    #[test]
    fn sglang_prime_equals_wide_arithmetic(seed: i64, position in 0_i64..1 << 20, column: u32) {
        let step = (i128::from(seed) * 19_349_663) ^ (i128::from(position) * 73_856_093);
        let hash = (step * 8_589_934_591) ^ (i128::from(column) * 479_001_599);
        let uniform = hash.rem_euclid(1 << 24) as f32 / 16_777_216.0;
        let exact = -(-(uniform + 1e-9_f32).ln() + 1e-9_f32).ln();
        let found = noise(&Stream::SglangPrime(Prime), RowKey::new(seed.cast_unsigned(), position.cast_unsigned()), &[column])[0];
        prop_assert!((found - f64::from(exact)).abs() <= 2e-6);
    }

    #[test]
    fn cuda_random_access_equals_the_kernel(
        multiprocessors in 1_u32..4, blocks in 1_u32..4, vocab_size in 1_u32..9_000, batch_size in 1_u32..4,
        seed: u64, step in 0_u64..5,
    ) {
        let gpu = Gpu { multiprocessors, threads_per_multiprocessor: blocks * 256 };
        let stream = TorchCuda::new(gpu, vocab_size, batch_size).expect("sizes");
        let dense = cuda_kernel(gpu, (vocab_size * batch_size) as usize, seed, step);
        for (batch_row, words) in (0..).zip(dense.chunks(vocab_size as usize)) {
            let row = stream.row(seed, step, batch_row);
            prop_assert!((0..vocab_size).zip(words).all(|(id, &word)| row.word(id) == word));
        }
    }

    #[test]
    fn twister_equals_the_textbook(seed: u32, skips in prop::collection::vec(0_u64..3_000, 1..6), count in 0_usize..2_000) {
        let mut plain = PlainTwister::new(seed);
        let mut generator = Mt19937::new(seed);
        for skip in skips {
            (0..skip).for_each(|_| { plain.next(); });
            generator.skip(skip);
            let mut raw = vec![0; count];
            generator.read_raw(&mut raw);
            prop_assert!(raw.into_iter().all(|word| temper(word) == plain.next()));
            prop_assert_eq!(generator.next_u32(), plain.next());
        }
    }

    #[test]
    fn cpu_pass_equals_dense_rows(
        vocab_size in 1_u32..700, batch_size in 1_u32..4,
        rows in prop::collection::vec((0_u64..3, 0_u64..6, 0_u32..4, prop::collection::vec(any::<u32>(), 0..9)), 0..40),
    ) {
        let stream = Stream::TorchCpu(TorchCpu::new(vocab_size, batch_size).expect("sizes"));
        let keys: Vec<_> = rows.iter()
            .map(|&(seed, position, row, _)| RowKey { seed: seed << 31, position, batch_row: row % batch_size }).collect();
        let ids: Vec<u32> = rows.iter().flat_map(|row| row.3.iter().map(|id| id % vocab_size)).collect();
        let mut indptr = vec![0_i64];
        indptr.extend(rows.iter().scan(0, |end, row| { *end += row.3.len() as i64; Some(*end) }));
        let mut out = vec![0.0; ids.len()];
        stream.gumbel_rows(&keys, &indptr, &ids, &mut out).expect("valid rows");

        for (key, bounds) in keys.iter().zip(indptr.windows(2)) {
            let mut twin = PlainTwister::new((key.seed & 0xFFFF_FFFF) as u32);
            let first = (key.position * u64::from(batch_size) + u64::from(key.batch_row)) * u64::from(vocab_size);
            (0..2 * first).for_each(|_| { twin.next(); });
            let dense: Vec<f64> = (0..vocab_size).map(|_| {
                let bits = u64::from(twin.next()) << 32 | u64::from(twin.next());
                let uniform = (bits % (1 << 53)) as f64 / 2f64.powi(53);
                -f64::from(-(-uniform).ln_1p() as f32).ln()
            }).collect();
            for j in bounds[0] as usize..bounds[1] as usize {
                prop_assert!((out[j] - dense[ids[j] as usize]).abs() <= 1e-6);
            }
        }
    }

    #[test]
    fn vllm_cpu_pass_equals_one_row_at_a_time(
        rows in prop::collection::vec((any::<u32>(), 0_u64..700, any::<u32>()), 1..20), high: u32,
    ) {
        // A few seeds, each with several steps; seeds that differ above 32 bits are one.
        let keys: Vec<_> = rows.iter().map(|&(seed, step, _)| RowKey::new(u64::from(seed % 3) | u64::from(high) << 32, step)).collect();
        let ids: Vec<u32> = rows.iter().map(|row| row.2).collect();
        let indptr: Vec<i64> = (0..=rows.len() as i64).collect();
        let mut out = vec![0.0; rows.len()];
        Stream::VllmCpu(VllmCpu).gumbel_rows(&keys, &indptr, &ids, &mut out).expect("valid rows");

        let wide = 1_u128 << 64;
        let finish = |z: u128| {
            let z = (z ^ z >> 30) * 0xBF58_476D_1CE4_E5B9 % wide;
            let z = (z ^ z >> 27) * 0x94D0_49BB_1331_11EB % wide;
            z ^ z >> 31
        };
        for ((key, &id), found) in keys.iter().zip(&ids).zip(out) {
            let mut twin = PlainTwister::new((key.seed & 0xFFFF_FFFF) as u32);
            let drawn = (0..=key.position).map(|_| u64::from(twin.next()) << 32 | u64::from(twin.next())).last();
            let state = finish(u128::from(drawn.expect("a draw") % (1 << 31))) + (u128::from(id) + 1) * 0x9E37_79B9_7F4A_7C15;
            let uniform = ((finish(state % wide) >> 11) as f64 + 0.5) / 2f64.powi(53);
            prop_assert!((found - -(-uniform.ln()).ln()).abs() <= 1e-9, "{found}");
        }
    }

    #[test]
    fn mkl_jumps_equal_single_steps(seed: u64, step in 0_u64..700, batch_row in 0_u32..3, id in 0_u32..2_000) {
        let stream = TorchCpuMkl::new(2_000, 3).expect("sizes");
        let mut twister = PlainTwister::new((seed & 0xFFFF_FFFF) as u32);
        let start = (0..=step).map(|_| twister.next()).last().expect("at least one step");
        let modulus = 2_147_483_647_u128;
        let mut state = (u128::from(start) % modulus).max(1);
        for _ in 0..batch_row * 2_000 + id {
            state = state * 1_132_489_760 % modulus;
        }
        let exact = -f64::from((state as f64 / modulus as f64) as f32).ln();
        let found = f64::from(stream.row(seed, step, batch_row).exponential(id));
        prop_assert!((found - exact).abs() <= 1e-7 * exact + 1e-37);
    }
}

/// `DenseRows` is the stream that its random-access twin replays.
#[test]
fn dense_rows_equal_the_replay() {
    let width = TorchCpu::new(1_000, 1).expect("sizes");
    let mut dense = DenseRows::new(7);
    let ids: Vec<u32> = (0..1_000).collect();
    for step in 0..3 {
        let mut row = vec![0.0; 1_000];
        dense.next_row(&mut row);
        assert_eq!(row, noise(&Stream::TorchCpu(width), RowKey::new(7, step), &ids));
    }
}
