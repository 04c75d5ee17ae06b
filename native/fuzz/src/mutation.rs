//! Mutations without coverage: for a quick look with any compiler.

/// A generator of numbers that are the same in each run (xorshift).
#[derive(Debug)]
pub struct Random(u64);

impl Random {
    /// The generator with this seed, which is not 0.
    pub fn new(seed: u64) -> Self {
        Self(seed.max(1))
    }

    /// A number below `bound`; 0 where that is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let number = usize::try_from(self.0 >> 16).unwrap_or(0);
        number.checked_rem(bound).unwrap_or(0)
    }

    fn byte(&mut self) -> u8 {
        self.below(256).to_le_bytes()[0]
    }
}

/// One of the seeds after a few changes.
pub fn mutate(seeds: &[Vec<u8>], words: &[&str], random: &mut Random) -> Vec<u8> {
    let mut data = seeds[random.below(seeds.len())].clone();
    for _ in 0..=random.below(4) {
        let at = random.below(data.len() + 1);
        let end = (at + 1 + random.below(16)).min(data.len());
        match random.below(8) {
            0 => data.insert(at, random.byte()),
            1 => drop(data.drain(at..end)),
            2 => {
                let word = words[random.below(words.len())].bytes();
                drop(data.splice(at..at, word));
            }
            3 => {
                let word = words[random.below(words.len())].bytes();
                let end = (at + word.len()).min(data.len());
                drop(data.splice(at..end, word));
            }
            4 => {
                let other = &seeds[random.below(seeds.len())];
                data.truncate(at);
                data.extend(&other[random.below(other.len() + 1)..]);
            }
            5 => {
                let copied = data[at..end].to_vec();
                let to = random.below(data.len() + 1);
                drop(data.splice(to..to, copied));
            }
            _ if at < data.len() => match random.below(3) {
                0 => data[at] = random.byte(),
                1 => data[at] ^= 1 << random.below(8),
                _ => data[at] = [0, 1, 0x7f, 0x80, 0xff][random.below(5)],
            },
            _ => {}
        }
    }
    data.truncate(MAX_INPUT);
    data
}

/// The greatest length of an input, in bytes.
pub const MAX_INPUT: usize = 16 * 1024;
