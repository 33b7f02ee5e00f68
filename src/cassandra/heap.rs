//! Heap sizes: Cassandra's own formula (`conf/cassandra-env.sh`), fed with the container's limits instead of the host's.

use std::fmt;

use crate::cassandra::collector::Collector;
use crate::cassandra::version::Line;

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

/// Whose formula computes a heap that nobody set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Formula {
    /// That of the release's `cassandra-env.sh`.
    #[default]
    Cassandra,
    /// The operator's: a quarter of the limit, and a quarter of that for the new generation.
    QuarterOfLimit,
}

/// The largest heap that 6.0 computes: pointers stay compressed below it.
const LARGEST: HeapSize = HeapSize::from_mebibytes(31_744);
/// The same with CMS.
const LARGEST_WITH_CMS: HeapSize = HeapSize::from_mebibytes(15_872);
/// The new generation that 6.0 computes beside that.
const NEW_WITH_LARGEST_CMS: HeapSize = HeapSize::from_mebibytes(8192);

/// What a heap is computed from.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    /// The release line: 6.0 has rules of its own.
    pub line: Line,
    /// The collector.
    pub collector: Collector,
    /// Bytes of the container's limit where there is one, else of the host's memory.
    pub ram: u64,
    /// Processors that we may use.
    pub cores: usize,
}

impl Room {
    /// The heap: for 3.11 to 5.0 max(min(½ RAM, 1 GiB), min(¼ RAM, 8 GiB)); for 6.0 half of the RAM, to 31 GiB, or 15.5 with
    /// CMS (`cassandra-env.sh` of each).
    pub fn heap(self, formula: Formula) -> HeapSize {
        let mebibytes = self.ram / MIB;
        match (formula, self.line) {
            (Formula::QuarterOfLimit, _) => HeapSize::from_mebibytes((mebibytes / 4).max(1)),
            (Formula::Cassandra, Line::V6_0) => HeapSize::from_mebibytes(mebibytes / 2).min(self.largest()),
            (Formula::Cassandra, _) => {
                HeapSize::from_mebibytes((mebibytes / 2).min(1024).max((mebibytes / 4).min(8192)))
            }
        }
    }

    /// The new generation that CMS needs beside a heap: min(100 MiB × cores, ¼ heap), in 6.0 ¼ heap, or 8 GiB beside the
    /// largest. G1, ZGC and Shenandoah size it themselves.
    pub fn new_generation(self, formula: Formula, heap: HeapSize) -> HeapSize {
        let quarter = (heap.bytes() / MIB / 4).max(1);
        match (formula, self.line) {
            (Formula::Cassandra, Line::V6_0) if heap == LARGEST_WITH_CMS => NEW_WITH_LARGEST_CMS,
            (Formula::QuarterOfLimit, _) | (_, Line::V6_0) => HeapSize::from_mebibytes(quarter),
            (Formula::Cassandra, _) => {
                let per_core = 100 * u64::try_from(self.cores).unwrap_or(1).max(1);
                HeapSize::from_mebibytes(per_core.min(quarter))
            }
        }
    }

    /// The memory outside of the heap that 6.0 allows Java's buffers: ¼ RAM, to half of the largest heap. The lines before
    /// leave it to the JVM, which allows as much as the heap.
    pub fn direct_memory(self) -> Option<HeapSize> {
        let most = HeapSize::from_bytes(self.largest().bytes() / 2);
        (self.line == Line::V6_0).then(|| HeapSize::from_mebibytes((self.ram / MIB / 4).max(1)).min(most))
    }

    fn largest(self) -> HeapSize {
        if self.collector == Collector::Cms { LARGEST_WITH_CMS } else { LARGEST }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(line: Line, collector: Collector, mebibytes: u64) -> Room {
        Room { line, collector, ram: mebibytes * MIB, cores: 2 }
    }

    #[test]
    fn the_formula_is_that_of_cassandra_env_sh() {
        let table = [(512, 256), (1024, 512), (2048, 1024), (4096, 1024), (8192, 2048), (16384, 4096), (65536, 8192)];
        for (ram, heap) in table {
            for line in [Line::V3_11, Line::V4_0, Line::V5_0] {
                let computed = room(line, Collector::G1, ram).heap(Formula::Cassandra);
                assert_eq!(computed, HeapSize::from_mebibytes(heap), "{line}, {ram} MiB");
            }
        }
    }

    #[test]
    fn cassandra_6_takes_half_and_limits_what_lies_outside_of_the_heap() {
        let table = [
            (Collector::Z, 4096, 2048, 1024),
            (Collector::G1, 131_072, 31_744, 15_872),
            (Collector::Cms, 131_072, 15_872, 7936),
            (Collector::Cms, 8192, 4096, 2048),
        ];
        for (collector, ram, heap, direct) in table {
            let room = room(Line::V6_0, collector, ram);
            assert_eq!(room.heap(Formula::Cassandra), HeapSize::from_mebibytes(heap), "{collector}, {ram} MiB");
            assert_eq!(room.direct_memory(), Some(HeapSize::from_mebibytes(direct)), "{collector}, {ram} MiB");
        }
        assert_eq!(room(Line::V5_0, Collector::G1, 4096).direct_memory(), None);
    }

    #[test]
    fn the_operators_heap_is_a_quarter_of_the_limit() {
        let room = room(Line::V3_11, Collector::Cms, 8192);
        let heap = room.heap(Formula::QuarterOfLimit);
        assert_eq!(heap, HeapSize::from_mebibytes(2048));
        assert_eq!(room.new_generation(Formula::QuarterOfLimit, heap), HeapSize::from_mebibytes(512));
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
        let new = |line, heap| {
            let room = room(line, Collector::Cms, 65_536);
            room.new_generation(Formula::Cassandra, HeapSize::from_mebibytes(heap)).to_string()
        };
        assert_eq!(new(Line::V3_11, 512), "128M");
        assert_eq!(new(Line::V4_1, 8192), "200M");
        assert_eq!(new(Line::V6_0, 8192), "2048M");
        assert_eq!(new(Line::V6_0, 15_872), "8192M");
    }
}
