//! The parts of a GPU that its random stream depends on.

use super::error::StreamError;

/// The parts of a GPU that decide how many threads a kernel starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Gpu {
    /// Streaming multiprocessors.
    pub multiprocessors: u32,
    /// Threads that one multiprocessor holds at once.
    pub threads_per_multiprocessor: u32,
}

/// GPUs by the name that people give them. Multiprocessors are those of the usual variant: cut-down boards (the `PCIe`
/// H100, MIG slices) have names or numbers of their own.
pub const GPUS: [(&str, Gpu); 18] = [
    ("A10", gpu(72, 1536)),
    ("A100", gpu(108, 2048)),
    ("A10G", gpu(80, 1536)),
    ("A40", gpu(84, 1536)),
    ("A6000", gpu(84, 1536)),
    ("B200", gpu(148, 2048)),
    ("GH200", gpu(132, 2048)),
    ("H100", gpu(132, 2048)),
    ("H100-PCIE", gpu(114, 2048)),
    ("H200", gpu(132, 2048)),
    ("L4", gpu(58, 1536)),
    ("L40", gpu(142, 1536)),
    ("L40S", gpu(142, 1536)),
    ("RTX3090", gpu(82, 1536)),
    ("RTX4090", gpu(128, 1536)),
    ("RTX5090", gpu(170, 1536)),
    ("T4", gpu(40, 1024)),
    ("V100", gpu(80, 2048)),
];

const fn gpu(multiprocessors: u32, threads_per_multiprocessor: u32) -> Gpu {
    Gpu { multiprocessors, threads_per_multiprocessor }
}

impl Gpu {
    /// The GPU of that name; case, spaces, underscores and hyphens are ignored.
    ///
    /// # Errors
    /// `UnknownGpu` lists the names of the table.
    pub fn named(name: &str) -> Result<Self, StreamError> {
        let plain = |text: &str| {
            text.chars()
                .filter(char::is_ascii_alphanumeric)
                .map(|letter| letter.to_ascii_lowercase())
                .collect::<String>()
        };
        let wanted = plain(name);
        let found = GPUS.iter().find(|(known, _)| plain(known) == wanted);
        found.map(|&(_, gpu)| gpu).ok_or_else(|| StreamError::UnknownGpu {
            name: name.to_owned(),
            known: GPUS.map(|(known, _)| known).join(", "),
        })
    }
}
