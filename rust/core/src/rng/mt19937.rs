//! Mersenne Twister MT19937, the generator behind torch's CPU random numbers.
//!
//! ```text
//! seeding:  x_0 = seed;  x_i = 1812433253 (x_{i-1} ^ x_{i-1} >> 30) + i                              i < 624
//! twist:    x_{i+624} = x_{i+397} ^ (y >> 1) ^ (y odd ? 9908B0DF : 0),  y = top bit of x_i, rest of x_{i+1}
//! temper:   y ^= y >> 11;  y ^= y << 7 & 9D2C5680;  y ^= y << 15 & EFC60000;  y ^= y >> 18
//! ```
//!
//! Matsumoto and Nishimura, ACM Transactions on Modeling and Computer Simulation 8 (1998). The stream is sequential,
//! and tempering maps single words: so bulk readers copy *raw* words and temper only those that they use.

const LENGTH: usize = 624;
const MIDDLE: usize = 397;

/// The generator: 624 raw words, of which the first `used` are spent.
#[derive(Debug, Clone)]
pub struct Mt19937 {
    state: [u32; LENGTH],
    used: usize,
}

impl Mt19937 {
    /// The generator under a 32-bit seed.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "indices stay below 624")]
    pub fn new(seed: u32) -> Self {
        let mut state = [seed; LENGTH];
        for i in 1..LENGTH {
            let previous = state[i - 1];
            state[i] = 1_812_433_253_u32.wrapping_mul(previous ^ (previous >> 30)).wrapping_add(i as u32);
        }
        Self { state, used: LENGTH }
    }

    /// The next word of the stream.
    pub fn next_u32(&mut self) -> u32 {
        if self.used == LENGTH {
            self.refill();
        }
        let word = temper(self.state[self.used]);
        self.used += 1;
        word
    }

    /// Pass over `count` words.
    pub fn skip(&mut self, mut count: u64) {
        loop {
            let left = LENGTH - self.used;
            if let Ok(count) = usize::try_from(count)
                && count <= left
            {
                self.used += count;
                return;
            }
            count -= left as u64;
            self.refill();
        }
    }

    /// The next `raw.len()` words, untempered: `temper` gives the stream's word.
    pub fn read_raw(&mut self, mut raw: &mut [u32]) {
        while !raw.is_empty() {
            if self.used == LENGTH {
                self.refill();
            }
            let count = raw.len().min(LENGTH - self.used);
            let (head, tail) = raw.split_at_mut(count);
            head.copy_from_slice(&self.state[self.used..self.used + count]);
            self.used += count;
            raw = tail;
        }
    }

    /// Replace the state by the next 624 words. Each loop reads only words that it has not yet replaced or replaced at
    /// least 227 words before, so that it can be vectorized.
    fn refill(&mut self) {
        let state = &mut self.state;
        for i in 0..LENGTH - MIDDLE {
            state[i] = state[i + MIDDLE] ^ twist(state[i], state[i + 1]);
        }
        for i in LENGTH - MIDDLE..LENGTH - 1 {
            state[i] = state[i - (LENGTH - MIDDLE)] ^ twist(state[i], state[i + 1]);
        }
        state[LENGTH - 1] = state[MIDDLE - 1] ^ twist(state[LENGTH - 1], state[0]);
        self.used = 0;
    }
}

#[inline]
const fn twist(upper: u32, lower: u32) -> u32 {
    let joined = (upper & 0x8000_0000) | (lower & 0x7FFF_FFFF);
    (joined >> 1) ^ ((joined & 1).wrapping_neg() & 0x9908_B0DF)
}

/// The stream's word of a raw word.
#[inline]
#[must_use]
pub const fn temper(mut word: u32) -> u32 {
    word ^= word >> 11;
    word ^= (word << 7) & 0x9D2C_5680;
    word ^= (word << 15) & 0xEFC6_0000;
    word ^ (word >> 18)
}
