//! HotSpot's garbage collectors: the flag that selects each, the flags that only it knows, and the JDKs that have it.

use std::fmt;

/// A collector of HotSpot that Cassandra is run with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Collector {
    /// Concurrent mark and sweep, with `ParNew` for the young generation.
    Cms,
    /// Garbage first.
    G1,
    /// The throughput collector, also with its old name `UseParallelOldGC`.
    Parallel,
    /// One thread.
    Serial,
    /// Shenandoah.
    Shenandoah,
    /// ZGC, generational or not.
    Z,
}

/// Whether a JDK has a collector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Availability {
    /// It can be selected.
    Ready,
    /// It can be selected behind [`UNLOCK`], which must come first.
    Experimental,
    /// The JVM would not start.
    Absent,
}

/// The option that must come before an experimental one.
pub const UNLOCK: &str = "-XX:+UnlockExperimentalVMOptions";

const ALL: [Collector; 6] =
    [Collector::Cms, Collector::G1, Collector::Parallel, Collector::Serial, Collector::Shenandoah, Collector::Z];

/// Flags that one collector alone reads and whose name does not begin with the collector's.
const OWNED: &[(&str, Collector)] = &[
    ("UseParNewGC", Collector::Cms),
    ("UseCMSInitiatingOccupancyOnly", Collector::Cms),
    ("UseCMSBestFit", Collector::Cms),
    ("UseCMSCompactAtFullCollection", Collector::Cms),
    ("ParallelCMSThreads", Collector::Cms),
    ("InitiatingHeapOccupancyPercent", Collector::G1),
    ("UseParallelOldGC", Collector::Parallel),
    ("SoftMaxHeapSize", Collector::Z),
];

impl Collector {
    /// The collector that an option selects: G1 of `-XX:+UseG1GC`, nothing of `-XX:-UseG1GC`.
    pub fn selected_by(option: &str) -> Option<Self> {
        let name = option.strip_prefix("-XX:+")?;
        ALL.into_iter().find(|collector| collector.flag_name() == name).or(match name {
            "UseParallelOldGC" => Some(Self::Parallel),
            _ => None,
        })
    }

    /// The collector that an option belongs to, whether it selects it, deselects it or tunes it: nothing for a flag that
    /// several read, such as `-XX:MaxGCPauseMillis`.
    pub fn owner(option: &str) -> Option<Self> {
        let name = option.strip_prefix("-XX:")?;
        if name == "-UseCompressedOops" {
            // Cassandra 6.0 ships it beside ZGC, for jamm; to another collector it only costs memory.
            return Some(Self::Z);
        }
        let name = name.trim_start_matches(['+', '-']).split('=').next().unwrap_or_default();
        let prefixes = [("CMS", Self::Cms), ("G1", Self::G1), ("Shenandoah", Self::Shenandoah), ("Z", Self::Z)];
        let by_prefix = prefixes.iter().find_map(|(prefix, collector)| {
            name.strip_prefix(prefix)?.starts_with(|c: char| c.is_ascii_uppercase()).then_some(*collector)
        });
        let by_selection = ALL.into_iter().find(|collector| collector.flag_name() == name);
        by_selection.or(by_prefix).or_else(|| OWNED.iter().find(|(known, _)| *known == name).map(|(_, owner)| *owner))
    }

    /// The collector that HotSpot takes on a server where no option selects one (JEP 248).
    pub fn by_default(java_major: u16) -> Self {
        if java_major < 9 { Self::Parallel } else { Self::G1 }
    }

    /// The option that selects it.
    pub fn option(self) -> String {
        format!("-XX:+{}", self.flag_name())
    }

    fn flag_name(self) -> &'static str {
        match self {
            Self::Cms => "UseConcMarkSweepGC",
            Self::G1 => "UseG1GC",
            Self::Parallel => "UseParallelGC",
            Self::Serial => "UseSerialGC",
            Self::Shenandoah => "UseShenandoahGC",
            Self::Z => "UseZGC",
        }
    }

    /// Whether a JDK has it. CMS went with 14 (JEP 363); ZGC came with 11 (JEP 333) and Shenandoah with 12 (JEP 189),
    /// which OpenJDK 11.0.9 took over; both were experimental up to 14.
    pub fn availability(self, java_major: u16) -> Availability {
        match (self, java_major) {
            (Self::Cms, 14..) | (Self::Z | Self::Shenandoah, ..11) => Availability::Absent,
            (Self::Z | Self::Shenandoah, 11..=14) => Availability::Experimental,
            _ => Availability::Ready,
        }
    }

    /// The JDKs that have it, in words.
    pub fn javas(self) -> &'static str {
        match self {
            Self::Cms => "Java 8 to 13",
            Self::Z => "Java 11 and later",
            Self::Shenandoah => "OpenJDK 11.0.9 and later",
            Self::G1 | Self::Parallel | Self::Serial => "every Java",
        }
    }

    /// Whether it takes the size of the young generation from `-Xmn`.
    pub fn takes_young_size(self) -> bool {
        matches!(self, Self::Cms | Self::Parallel | Self::Serial)
    }
}

impl fmt::Display for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cms => "CMS",
            Self::G1 => "G1",
            Self::Parallel => "the parallel collector",
            Self::Serial => "the serial collector",
            Self::Shenandoah => "Shenandoah",
            Self::Z => "ZGC",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_belongs_to_the_collector_that_alone_reads_it() {
        let table = [
            ("-XX:+UseConcMarkSweepGC", Some(Collector::Cms)),
            ("-XX:-UseConcMarkSweepGC", Some(Collector::Cms)),
            ("-XX:CMSInitiatingOccupancyFraction=75", Some(Collector::Cms)),
            ("-XX:+UseCMSInitiatingOccupancyOnly", Some(Collector::Cms)),
            ("-XX:+UseParNewGC", Some(Collector::Cms)),
            ("-XX:G1HeapRegionSize=16m", Some(Collector::G1)),
            ("-XX:InitiatingHeapOccupancyPercent=70", Some(Collector::G1)),
            ("-XX:+ZGenerational", Some(Collector::Z)),
            ("-XX:-UseCompressedOops", Some(Collector::Z)),
            ("-XX:+UseCompressedOops", None),
            ("-XX:ShenandoahGCHeuristics=compact", Some(Collector::Shenandoah)),
            ("-XX:MaxGCPauseMillis=300", None),
            ("-XX:MaxTenuringThreshold=1", None),
            ("-XX:+ZeroTLAB", None),
            ("-XX:+ParallelRefProcEnabled", None),
            ("-Xmx1G", None),
        ];
        for (option, owner) in table {
            assert_eq!(Collector::owner(option), owner, "{option}");
        }
    }

    #[test]
    fn only_the_flag_with_a_plus_selects() {
        assert_eq!(Collector::selected_by("-XX:+UseZGC"), Some(Collector::Z));
        assert_eq!(Collector::selected_by("-XX:+UseParallelOldGC"), Some(Collector::Parallel));
        for other in ["-XX:-UseZGC", "-XX:+ZGenerational", "-XX:+UseParNewGC", "-XX:UseG1GC"] {
            assert_eq!(Collector::selected_by(other), None, "{other}");
        }
        for collector in ALL {
            assert_eq!(Collector::selected_by(&collector.option()), Some(collector));
        }
    }

    #[test]
    fn each_jdk_has_its_collectors() {
        let has = |java| ALL.into_iter().filter(|c| c.availability(java) != Availability::Absent).count();
        assert_eq!([8, 11, 13, 14, 17, 21].map(has), [4, 6, 6, 5, 5, 5]);
        assert_eq!(Collector::Z.availability(11), Availability::Experimental);
        assert_eq!(Collector::Shenandoah.availability(17), Availability::Ready);
    }
}
