//! Options that a JDK does not take, and why: a JVM that is given one of them does not start, or obeys another instead.
//!
//! From HotSpot's table of obsolete and expired flags (`arguments.cpp`, `special_jvm_flags`) of each release, for the flags
//! that Cassandra's files of any line hold and those that operators copy. A flag that is not here is not judged.

/// Why a JDK has no use for an option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lack {
    /// Whether the JVM refuses to start with it; else it takes the option for an older way to say something.
    pub fatal: bool,
    /// What became of it.
    pub why: &'static str,
}

const UNIFIED: &str = "unified logging (-Xlog) took its place in Java 9";
const CMS: &str = "Java 14 removed CMS";

/// Flags by name or, with `*` behind it, by the beginning of their name; the first Java that refuses them; why.
const REMOVED: &[(&str, u16, &str)] = &[
    ("UseGCLogFileRotation", 9, UNIFIED),
    ("NumberOfGCLogFiles", 9, UNIFIED),
    ("GCLogFileSize", 9, UNIFIED),
    ("PrintGCDateStamps", 9, UNIFIED),
    ("PrintGCTimeStamps", 9, UNIFIED),
    ("PrintGCCause", 9, UNIFIED),
    ("PrintGCApplicationStoppedTime", 9, UNIFIED),
    ("PrintGCApplicationConcurrentTime", 9, UNIFIED),
    ("PrintHeapAtGC", 9, UNIFIED),
    ("PrintTenuringDistribution", 9, UNIFIED),
    ("PrintPromotionFailure", 9, UNIFIED),
    ("PrintFLSStatistics", 9, UNIFIED),
    ("PrintAdaptiveSizePolicy", 9, UNIFIED),
    ("PrintReferenceGC", 9, UNIFIED),
    ("CMSIncrementalMode", 9, "Java 9 removed the incremental mode of CMS"),
    ("UseCGroupMemoryLimitForHeap", 11, "Java knows the container's limit by itself, see -XX:MaxRAMPercentage"),
    ("UseParNewGC", 10, "CMS brings it by itself"),
    ("UnlockCommercialFeatures", 11, "what it unlocked is free since Java 11"),
    ("AggressiveOpts", 13, "Java 12 took its meaning away"),
    ("UseConcMarkSweepGC", 14, CMS),
    ("CMS*", 14, CMS),
    ("UseCMS*", 14, CMS),
    ("ParallelCMSThreads", 14, CMS),
    ("ExplicitGCInvokesConcurrentAndUnloadsClasses", 14, CMS),
    ("UseParallelOldGC", 16, "the parallel collector always does it since Java 15"),
    ("MaxPermSize", 17, "the permanent generation went with Java 8"),
    ("PermSize", 17, "the permanent generation went with Java 8"),
    ("UseBiasedLocking", 19, "Java 18 removed biased locking"),
    ("ZGenerational", 25, "ZGC is always generational since Java 24"),
];

/// Flags that a Java is too old for.
const LATER: &[(&str, u16, &str)] = &[
    ("UseZGC", 11, "ZGC came with Java 11"),
    ("UseShenandoahGC", 11, "Shenandoah came with OpenJDK 11.0.9"),
    ("ZGenerational", 21, "the generational ZGC came with Java 21"),
];

/// Why a Java has no use for an option; nothing where it has, or where we do not know.
///
/// `option` is one option with its value, such as `-XX:ThreadPriorityPolicy=42`.
pub fn lack(option: &str, java_major: u16) -> Option<Lack> {
    let fatal = |why| Some(Lack { fatal: true, why });
    if let Some(name) = option.strip_prefix("-XX:") {
        let (name, value) = name.split_once('=').unwrap_or((name, ""));
        let name = name.trim_start_matches(['+', '-']);
        if name == "ThreadPriorityPolicy" && java_major >= 9 && !matches!(value, "0" | "1") {
            return fatal("Java 9 and later take 0 or 1, and 42 was a way around a check that is gone");
        }
        if matches!(name, "PrintGC" | "PrintGCDetails") && java_major >= 9 {
            return Some(Lack { fatal: false, why: UNIFIED });
        }
        let is = |known: &str| known.strip_suffix('*').map_or(known == name, |start| name.starts_with(start));
        let removed = REMOVED.iter().find(|(known, since, _)| is(known) && java_major >= *since);
        let later = || LATER.iter().find(|(known, since, _)| is(known) && java_major < *since);
        return removed.or_else(later).and_then(|(.., why)| fatal(why));
    }
    match option {
        "-d32" | "-d64" if java_major >= 10 => fatal("Java 10 removed it, there is one data model"),
        "-Xincgc" if java_major >= 9 => fatal("Java 9 removed the incremental mode of CMS"),
        _ if option.starts_with("-Xloggc:") && java_major >= 9 => Some(Lack { fatal: false, why: UNIFIED }),
        _ if java_major < 9 && option.starts_with("-Xlog:") => fatal("unified logging came with Java 9"),
        _ if java_major < 9 && is_of_modules(option) => fatal("modules came with Java 9"),
        _ => None,
    }
}

/// Options of the module system, with `=` or the next word behind them.
fn is_of_modules(option: &str) -> bool {
    let name = option.split(['=', ' ']).next().unwrap_or_default();
    [
        "--add-opens",
        "--add-exports",
        "--add-reads",
        "--add-modules",
        "--patch-module",
        "--limit-modules",
        "--illegal-access",
    ]
    .contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_java_refuses_is_known() {
        let refused = |option, java| lack(option, java).is_some_and(|lack| lack.fatal);
        for (option, last, first) in [
            ("-XX:+UseConcMarkSweepGC", 13, 14),
            ("-XX:CMSInitiatingOccupancyFraction=75", 13, 14),
            ("-XX:+UseCMSInitiatingOccupancyOnly", 13, 14),
            ("-XX:+UseParNewGC", 9, 10),
            ("-XX:ThreadPriorityPolicy=42", 8, 9),
            ("-XX:GCLogFileSize=10M", 8, 11),
            ("-d64", 9, 10),
            ("-XX:-UseBiasedLocking", 17, 21),
            ("-XX:MaxPermSize=64m", 11, 17),
        ] {
            assert!(!refused(option, last) && refused(option, first), "{option}");
        }
        for (option, last, first) in [
            ("-XX:+UseZGC", 8, 11),
            ("-XX:+ZGenerational", 17, 21),
            ("-Xlog:gc=info:stdout", 8, 11),
            ("--add-opens java.base/java.io=ALL-UNNAMED", 8, 11),
        ] {
            assert!(refused(option, last) && !refused(option, first), "{option}");
        }
        for taken in ["-XX:+UseG1GC", "-XX:ThreadPriorityPolicy=1", "-XX:+UseMyOwn", "-ea", "-Dx=y", "-Xmx1G"] {
            assert_eq!(lack(taken, 17), None, "{taken}");
        }
        assert_eq!(lack("-Xloggc:/x", 17).map(|lack| lack.fatal), Some(false));
        assert_eq!(lack("-Xloggc:/x", 8), None);
    }
}
