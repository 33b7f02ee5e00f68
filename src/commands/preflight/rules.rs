//! The rules of the preflight: from facts to findings. Pure.

use std::path::PathBuf;

use crate::exit;
use crate::host::kernel;
use crate::host::limits::Limit;
use crate::host::privileges::Capability;
use crate::report::{Finding, Report, Severity};

/// What Cassandra calls degraded below it (`StartupChecks.checkMaxMapCount`).
const MAPPINGS: u64 = 1_048_575;
/// Fewer open files than this are too few for any node (`SigarLibrary`, `SystemInfo`).
const OPEN_FILES: u64 = 10_000;
/// With fewer threads no node comes up: a 5.0 on two processors has 58 when it begins to serve, and was seen to die with 49.
const FEWEST_THREADS: u64 = 40;
/// Threads for which there should be room: 58 at rest, the pools of cassandra.yaml when all are busy (128 for requests, 32
/// each for reads, writes, counters and views), compaction, repair and streams, a dozen for each processor, and what runs
/// beside the JVM.
const THREADS: u64 = 1024;
/// Before this second Cassandra does not believe the clock: 2008-07-12 (`StartupChecks.checkValidLaunchDate`).
const EARLIEST: u64 = 1_215_820_800;
/// Below this the kernel made readers of /dev/random wait, before Linux 5.18.
const ENTROPY: u64 = 128;

/// What is known of the machine, the container and the JVM that will run in it.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// The limits that Cassandra will have.
    pub(super) limits: Vec<Limit>,
    /// Whether it may lock its memory whatever the limit (`CAP_IPC_LOCK`).
    pub(super) locks_memory: bool,
    /// What we lack as root beside the user that it runs as.
    pub(super) lacking: Vec<Capability>,
    pub(super) kernel: kernel::Settings,
    /// Swap that it may be moved to, in bytes.
    pub(super) swap: u64,
    /// Processors that the quota leaves; none without one.
    pub(super) cpu_quota: Option<f64>,
    /// Processes and threads that the container may still start; none without a limit.
    pub(super) tasks: Option<u64>,
    /// Seconds since 1970; none if the clock is before that.
    pub(super) clock: Option<u64>,
    /// Where JNA unpacks its library; none if it does not.
    pub(super) library: Option<Library>,
}

/// The folders that JNA tries, and whether nobody whom we cannot read names another.
#[derive(Debug)]
pub(super) struct Library {
    /// The folders in JNA's order with what is in the way of each. The last is the temporary folder.
    pub(super) candidates: Vec<(PathBuf, Option<Obstacle>)>,
    pub(super) is_certain: bool,
}

/// Why a library cannot be loaded from a folder, what hinders most first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Obstacle {
    Missing,
    ReadOnly,
    NotWritable,
    NoExec,
}

impl Obstacle {
    fn words(self) -> &'static str {
        match self {
            Self::Missing => "is not there",
            Self::ReadOnly => "is read-only",
            Self::NotWritable => "cannot be written by the Cassandra user",
            Self::NoExec => "is mounted noexec",
        }
    }
}

/// Everything that is worth a line.
pub(super) fn findings(facts: &Facts) -> Report {
    let mut report = Report::default();
    let limits = facts.limits.iter().filter_map(|limit| of_limit(limit, facts));
    let others = [
        facts.library.as_ref().and_then(of_library),
        of_clock(facts.clock),
        of_mappings(&facts.kernel),
        of_swap(facts.swap),
        of_huge_pages(&facts.kernel),
        of_entropy(&facts.kernel),
        of_quota(facts.cpu_quota),
        of_tasks(facts.tasks),
    ];
    let lacking = facts.lacking.iter().map(|capability| of_capability(*capability));
    for finding in limits.chain(lacking).chain(others.into_iter().flatten()) {
        report.add(finding);
    }
    report
}

fn of_limit(limit: &Limit, facts: &Facts) -> Option<Finding> {
    let Limit { name, now, wanted, .. } = *limit;
    let (why, flag) = match name {
        "nofile" if now < OPEN_FILES => ("Cassandra keeps many sstables open", "nofile=100000"),
        "nproc" if now < wanted => ("Cassandra may not get all of its threads", "nproc=32768"),
        "as" if now < wanted => ("Cassandra maps its sstables into memory", "as=-1"),
        // It matters only where there is swap to be moved to.
        "memlock" if now < wanted && !facts.locks_memory && facts.swap > 0 => {
            ("the heap cannot be kept out of swap", "memlock=-1 (or --cap-add IPC_LOCK)")
        }
        _ => return None,
    };
    let finding = Finding::warning(format!("limit {name}"), format!("{now} is less than {}: {why}", shown(wanted)));
    Some(finding.hint(format!("docker run --ulimit {flag}; in Kubernetes it is set for the container runtime")))
}

fn shown(limit: u64) -> String {
    if limit == Limit::UNLIMITED { "unlimited".into() } else { limit.to_string() }
}

/// Cassandra ends without JNA (`StartupChecks.checkJnaInitialization`). Of the folders that can be written JNA takes the first,
/// executable or not.
fn of_library(library: &Library) -> Option<Finding> {
    let taken = library.candidates.iter().position(|(_, obstacle)| matches!(obstacle, None | Some(Obstacle::NoExec)));
    let looked_at = taken.map_or(library.candidates.len(), |position| position + 1);
    let mut told = Vec::new();
    for (folder, obstacle) in library.candidates.iter().take(looked_at) {
        // None: the one that is taken, and it will do.
        told.push(format!("{} {}", folder.display(), (*obstacle)?.words()));
    }
    let message = format!("cannot be unpacked and loaded: {}", told.join(", "));
    let place = "Cassandra's native library (JNA)";
    let finding = if library.is_certain {
        Finding::error(place, format!("{message}; Cassandra does not start without it"))
    } else {
        Finding::warning(place, format!("{message}; unless cassandra-env.sh names another folder"))
    };
    Some(finding.hint("name a folder on a mount with exec: JVM_EXTRA_OPTS=-Djna.tmpdir=/folder"))
}

/// Without a way to another user there is nothing to be started; what else is missing may not be needed.
fn of_capability(missing: Capability) -> Finding {
    let consequence = match missing {
        Capability::Chown => "what root makes cannot be given to the user of Cassandra",
        Capability::DacOverride => "root can write nowhere in the folders of the user of Cassandra",
        Capability::Fowner => "root cannot set the mode of what belongs to the user of Cassandra",
        Capability::Kill => "Cassandra, which runs as another user, can get no signal, and a stop cannot drain it",
        Capability::Setgid | Capability::Setuid => "root cannot become the user of Cassandra",
    };
    let is_needed = matches!(missing, Capability::Setgid | Capability::Setuid);
    Finding {
        severity: if is_needed { Severity::Error } else { Severity::Warning },
        hint: exit::of_lack(&[missing]),
        ..Finding::error(format!("CAP_{}", missing.name()), format!("is missing: {consequence}"))
    }
}

fn of_clock(clock: Option<u64>) -> Option<Finding> {
    clock.is_none_or(|seconds| seconds < EARLIEST).then(|| {
        Finding::error("clock", "is before July 2008, and Cassandra does not start then").hint("set the host's clock")
    })
}

fn of_mappings(kernel: &kernel::Settings) -> Option<Finding> {
    let count = kernel.max_map_count.filter(|count| *count < MAPPINGS)?;
    let message = format!("{count} is less than {MAPPINGS}: a node with many sstables runs out of mappings");
    Some(
        Finding::warning("vm.max_map_count", message)
            .hint(format!("on the host: sysctl -w vm.max_map_count={MAPPINGS}")),
    )
}

fn of_swap(swap: u64) -> Option<Finding> {
    (swap > 0).then(|| {
        let message = format!("{} MiB may be used, and a heap in swap makes a node that hangs", swap >> 20);
        Finding::warning("swap", message)
            .hint("on the host: swapoff -a, or docker run --memory-swap as large as --memory")
    })
}

fn of_huge_pages(kernel: &kernel::Settings) -> Option<Finding> {
    let chosen = kernel.huge_page_defrag.as_deref().filter(|chosen| *chosen == "always")?;
    let message = format!("'{chosen}' makes threads wait for memory to be moved together");
    let hint = "on the host: echo madvise > /sys/kernel/mm/transparent_hugepage/defrag";
    Some(Finding::warning("transparent_hugepage/defrag", message).hint(hint))
}

fn of_entropy(kernel: &kernel::Settings) -> Option<Finding> {
    let bits = kernel.entropy.filter(|bits| *bits < ENTROPY)?;
    let message = format!("{bits} bits: the JVM may wait for random numbers");
    Some(Finding::warning("entropy", message).hint("JVM_EXTRA_OPTS=-Djava.security.egd=file:/dev/urandom"))
}

fn of_quota(quota: Option<f64>) -> Option<Finding> {
    let quota = quota.filter(|quota| *quota < 1.0)?;
    let message = format!("{quota:.2} processors: while it is used up the node answers nobody, its peers included");
    Some(Finding::warning("cpu limit", message).hint("give it at least one, or a request without a limit"))
}

/// A JVM that gets no thread ends with an `OutOfMemoryError`, whatever memory there is.
fn of_tasks(left: Option<u64>) -> Option<Finding> {
    let left = left.filter(|left| *left < THREADS)?;
    let place = "limit of processes (pids.max)";
    let finding = if left < FEWEST_THREADS {
        let message = format!(
            "leaves {left} processes and threads, and Cassandra does not come up with fewer than {FEWEST_THREADS}"
        );
        Finding::error(place, message)
    } else {
        let message =
            format!("leaves {left} processes and threads, less than {THREADS}: under load Cassandra gets no more");
        Finding::warning(place, message)
    };
    Some(finding.hint("docker run --pids-limit 4096; in Kubernetes podPidsLimit of the kubelet, for all of a pod"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine about which there is nothing to say.
    fn good() -> Facts {
        let limit = |name, wanted| Limit { name, before: 0, now: wanted, wanted };
        Facts {
            limits: vec![
                limit("nofile", 100_000),
                limit("nproc", 32_768),
                limit("memlock", Limit::UNLIMITED),
                limit("as", Limit::UNLIMITED),
            ],
            kernel: kernel::Settings {
                max_map_count: Some(MAPPINGS),
                huge_page_defrag: Some("madvise".into()),
                entropy: Some(256),
            },
            cpu_quota: Some(1.0),
            tasks: Some(THREADS),
            clock: Some(EARLIEST),
            library: Some(library(&[None, Some(Obstacle::NoExec)], true)),
            ..Facts::default()
        }
    }

    fn library(obstacles: &[Option<Obstacle>], is_certain: bool) -> Library {
        let folder = |(number, obstacle): (usize, &Option<Obstacle>)| (PathBuf::from(format!("/{number}")), *obstacle);
        Library { candidates: obstacles.iter().enumerate().map(folder).collect(), is_certain }
    }

    /// Each finding as its severity, its place and its text.
    fn told(facts: &Facts) -> Vec<String> {
        findings(facts).iter().map(|finding| format!("{} {finding}", finding.severity)).collect()
    }

    #[test]
    fn nothing_is_said_of_a_good_machine_or_of_one_that_tells_nothing() {
        assert_eq!(told(&good()), Vec::<String>::new());
        let silent = Facts { clock: Some(EARLIEST), ..Facts::default() };
        assert_eq!(told(&silent), Vec::<String>::new());
    }

    #[test]
    fn each_fact_has_its_line_and_each_line_its_way_out() {
        type Change = fn(&mut Facts);
        let table: &[(Change, &str)] = &[
            (|facts| facts.limits[0].now = 9_999, "warning limit nofile: 9999 is less than 100000"),
            (|facts| facts.limits[1].now = 4_096, "warning limit nproc: 4096 is less than 32768"),
            (|facts| facts.limits[3].now = 1 << 40, "warning limit as: 1099511627776 is less than unlimited"),
            (|facts| facts.kernel.max_map_count = Some(65_530), "warning vm.max_map_count: 65530 is less than 1048575"),
            (|facts| facts.lacking = vec![Capability::Kill], "warning CAP_KILL: is missing"),
            (|facts| facts.lacking = vec![Capability::Chown], "warning CAP_CHOWN: is missing"),
            (|facts| facts.lacking = vec![Capability::Setuid], "error CAP_SETUID: is missing"),
            (|facts| facts.lacking = vec![Capability::Setgid], "error CAP_SETGID: is missing"),
            (|facts| facts.swap = 1 << 30, "warning swap: 1024 MiB may be used"),
            (
                |facts| facts.kernel.huge_page_defrag = Some("always".into()),
                "warning transparent_hugepage/defrag: 'always'",
            ),
            (|facts| facts.kernel.entropy = Some(40), "warning entropy: 40 bits"),
            (|facts| facts.cpu_quota = Some(0.5), "warning cpu limit: 0.50 processors"),
            (|facts| facts.tasks = Some(1_023), "warning limit of processes (pids.max): leaves 1023 processes"),
            (|facts| facts.tasks = Some(40), "warning limit of processes (pids.max): leaves 40 processes"),
            (|facts| facts.tasks = Some(39), "error limit of processes (pids.max): leaves 39 processes"),
            (|facts| facts.clock = Some(EARLIEST - 1), "error clock: is before July 2008"),
            (|facts| facts.clock = None, "error clock: is before July 2008"),
        ];
        for (change, expected) in table {
            let mut facts = good();
            change(&mut facts);
            let told = told(&facts);
            assert_eq!(told.len(), 1, "{expected}: {told:?}");
            assert!(told[0].starts_with(expected) && told[0].contains("(hint: "), "{expected}: {told:?}");
        }
    }

    #[test]
    fn a_limit_of_locked_memory_matters_only_with_swap_and_without_the_capability() {
        let memlock = |swap, locks_memory| {
            let mut facts = Facts { locks_memory, swap, ..good() };
            facts.limits[2].now = 65_536;
            told(&facts).iter().any(|line| line.starts_with("warning limit memlock"))
        };
        assert!(memlock(1, false));
        assert!(!memlock(0, false) && !memlock(1, true));
    }

    #[test]
    fn the_native_library_needs_one_folder_that_can_be_written_and_executed() {
        use Obstacle::{Missing, NoExec, NotWritable, ReadOnly};
        let judged = |obstacles: &[Option<Obstacle>], is_certain| {
            told(&Facts { library: Some(library(obstacles, is_certain)), ..good() }).pop().unwrap_or_default()
        };
        for fine in [&[None][..], &[None, Some(Missing)], &[Some(ReadOnly), None], &[Some(NotWritable), None]] {
            assert_eq!(judged(fine, true), "", "{fine:?}");
        }
        let dead = [&[Some(NoExec)][..], &[Some(Missing)], &[Some(ReadOnly), Some(NoExec)], &[Some(NoExec), None]];
        for dead in dead {
            assert!(judged(dead, true).starts_with("error Cassandra's native library (JNA)"), "{dead:?}");
            assert!(judged(dead, false).starts_with("warning "), "{dead:?}: a script may know better");
        }
        let told = judged(&[Some(NotWritable), Some(NoExec)], true);
        assert!(told.contains("/0 cannot be written by the Cassandra user, /1 is mounted noexec"), "{told}");
        assert!(told.contains("-Djna.tmpdir="), "{told}");
        let misled = judged(&[Some(NoExec), None], true);
        assert!(misled.contains("/0 is mounted noexec;") && !misled.contains("/1"), "JNA looks no further: {misled}");
    }
}
