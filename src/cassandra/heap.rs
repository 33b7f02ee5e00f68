//! Heap sizes: Cassandra's own formula (`conf/cassandra-env.sh`), fed with the container's limits instead of the host's.

use std::fmt;

const MIB: u64 = 1 << 20;

/// A heap size in whole mebibytes, as `-Xmx` takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct HeapSize {
    bytes: u64,
}

impl HeapSize {
    /// The smallest heap that is accepted; Cassandra does not come up with less.
    pub const MINIMUM: Self = Self { bytes: 64 * MIB };

    /// A size in bytes.
    pub const fn from_bytes(bytes: u64) -> Self {
        Self { bytes }
    }

    /// A size in mebibytes.
    pub const fn from_mebibytes(mebibytes: u64) -> Self {
        Self { bytes: mebibytes * MIB }
    }

    /// Reads the value of `-Xmx`, `-Xms` or `-Xmn` as HotSpot does: bytes, or with the unit k, m, g or t.
    pub fn from_option(text: &str) -> Option<Self> {
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let unit: u64 = match text.get(digits.len()..)? {
            "" => 1,
            "k" | "K" => 1 << 10,
            "m" | "M" => 1 << 20,
            "g" | "G" => 1 << 30,
            "t" | "T" => 1 << 40,
            _ => return None,
        };
        digits.parse::<u64>().ok()?.checked_mul(unit).map(Self::from_bytes)
    }

    /// The size in bytes.
    pub const fn bytes(self) -> u64 {
        self.bytes
    }
}

impl fmt::Display for HeapSize {
    /// `512M`, or kibibytes where it is not a whole number of mebibytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.bytes.is_multiple_of(MIB) {
            write!(f, "{}M", self.bytes / MIB)
        } else {
            write!(f, "{}k", self.bytes.div_ceil(1024))
        }
    }
}

/// Cassandra's formula for 3.11 to 5.0: max(min(½ RAM, 1 GiB), min(¼ RAM, 8 GiB)).
///
/// `ram` is in bytes: the container's limit where there is one, else the host's memory.
pub fn computed(ram: u64) -> HeapSize {
    let mebibytes = ram / MIB;
    HeapSize::from_mebibytes((mebibytes / 2).min(1024).max((mebibytes / 4).min(8192)))
}

/// The new generation that CMS needs beside a heap: min(100 MiB × cores, ¼ heap). G1, ZGC and Shenandoah size it
/// themselves.
pub fn computed_new_generation(heap: HeapSize, cores: usize) -> HeapSize {
    let per_core = 100 * u64::try_from(cores).unwrap_or(1).max(1);
    HeapSize::from_mebibytes(per_core.min(heap.bytes() / MIB / 4).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_formula_is_that_of_cassandra_env_sh() {
        let table = [(512, 256), (1024, 512), (2048, 1024), (4096, 1024), (8192, 2048), (16384, 4096), (65536, 8192)];
        for (ram, heap) in table {
            assert_eq!(computed(ram * MIB), HeapSize::from_mebibytes(heap), "{ram} MiB");
        }
    }

    #[test]
    fn a_files_heap_is_read_as_hotspot_reads_it() {
        let mebibytes = |text: &str| HeapSize::from_option(text).map(|size| size.bytes() / MIB);
        for text in ["4294967296", "4194304k", "4096m", "4096M", "4g"] {
            assert_eq!(mebibytes(text), Some(4096), "{text}");
        }
        for text in ["", "4GB", "0x10", "-1", "half", "99999999999999999999"] {
            assert_eq!(mebibytes(text), None, "{text}");
        }
    }

    #[test]
    fn cms_gets_a_new_generation() {
        assert_eq!(computed_new_generation(HeapSize::from_mebibytes(512), 2).to_string(), "128M");
        assert_eq!(computed_new_generation(HeapSize::from_mebibytes(8192), 2).to_string(), "200M");
    }
}
