//! What `status` tells: the facts there are, where each comes from, and why one is missing. Nothing is looked at here.

use std::collections::BTreeMap;
use std::time::Duration;

/// Where facts come from, the most trusted first: what one says is not replaced by a later one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Source {
    /// PID 1: its control socket, else what it publishes.
    Init,
    /// The kernel: processes, control groups, file systems.
    Kernel,
    /// The node, as a client sees it.
    Cql,
    /// The node, as an operator sees it.
    Jmx,
    /// The files that the node was started with.
    Files,
}

/// A fact's value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Text(String),
    Truth(bool),
    /// A count, or bytes.
    Number(u64),
    Time(Duration),
    /// Names, each with a time.
    Times(Vec<(String, Duration)>),
    List(Vec<String>),
}

/// Declares the facts: each with its name in JSON and the source that is asked for it first.
macro_rules! facts {
    ($($fact:ident, $name:literal, $source:ident;)*) => {
        /// A fact.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub(super) enum Fact { $($fact),* }

        impl Fact {
            /// Every fact, in the order in which they are told.
            pub(super) const ALL: &[Self] = &[$(Self::$fact),*];

            /// Its name: the object in JSON and the field in it.
            pub(super) fn name(self) -> (&'static str, &'static str) {
                let name = match self { $(Self::$fact => $name),* };
                name.split_once('.').unwrap_or(("", name))
            }

            /// Who is asked for it first, and whose silence explains that it is missing.
            fn source(self) -> Source {
                match self { $(Self::$fact => Source::$source),* }
            }
        }
    };
}

facts! {
    Phase, "node.phase", Init;
    PhaseSeconds, "node.phase_seconds", Init;
    Mode, "node.mode", Jmx;
    Ready, "node.ready", Cql;
    Reason, "node.reason", Cql;
    ServedAfter, "node.served_after_seconds", Init;
    Drained, "node.drained_seconds", Init;
    Silent, "node.silent_seconds", Init;
    DrainAnnounced, "stop.drain_announced_seconds", Init;
    StopBy, "stop.asked_by", Init;
    StopSeconds, "stop.seconds", Init;
    StopLeft, "stop.left_seconds", Init;
    StartupYes, "probes.startup", Init;
    StartupReason, "probes.startup_reason", Init;
    StartupAgo, "probes.startup_seconds_ago", Init;
    LivenessYes, "probes.liveness", Init;
    LivenessReason, "probes.liveness_reason", Init;
    LivenessAgo, "probes.liveness_seconds_ago", Init;
    ReadinessYes, "probes.readiness", Init;
    ReadinessReason, "probes.readiness_reason", Init;
    ReadinessAgo, "probes.readiness_seconds_ago", Init;
    InitVersion, "init.version", Init;
    InitUptime, "init.uptime_seconds", Init;
    Profile, "init.profile", Init;
    Boot, "init.boot_seconds", Init;
    JvmPid, "jvm.pid", Init;
    JvmState, "jvm.state", Kernel;
    JvmUptime, "jvm.uptime_seconds", Jmx;
    JvmVersion, "jvm.version", Jmx;
    HeapUsed, "jvm.heap_used_bytes", Jmx;
    HeapMax, "jvm.heap_max_bytes", Jmx;
    Resident, "jvm.resident_bytes", Kernel;
    MemoryUsed, "memory.used_bytes", Kernel;
    MemoryLimit, "memory.limit_bytes", Kernel;
    Release, "cassandra.version", Jmx;
    Cluster, "cassandra.cluster", Jmx;
    Datacenter, "cassandra.datacenter", Jmx;
    Rack, "cassandra.rack", Jmx;
    HostId, "cassandra.host_id", Jmx;
    Tokens, "cassandra.tokens", Jmx;
    NodesUp, "cassandra.nodes_up", Jmx;
    NodesDown, "cassandra.nodes_down", Jmx;
    Listen, "addresses.listen", Cql;
    Broadcast, "addresses.broadcast", Cql;
    Rpc, "addresses.rpc", Cql;
    BroadcastRpc, "addresses.broadcast_rpc", Files;
    NativeTransport, "addresses.native_transport", Init;
    JmxAddress, "addresses.jmx", Init;
    Seeds, "addresses.seeds", Files;
    DataRoot, "storage.data_root", Files;
    Load, "storage.load_bytes", Jmx;
    Free, "storage.free_bytes", Kernel;
    Size, "storage.size_bytes", Kernel;
    Compactions, "work.pending_compactions", Jmx;
    Hints, "work.hints_in_progress", Jmx;
    Streams, "work.streams", Jmx;
}

/// What is known.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts {
    values: BTreeMap<Fact, Value>,
    /// What does not apply now, such as a stop where none is under way.
    absent: Vec<Fact>,
    reasons: BTreeMap<Fact, String>,
    troubles: BTreeMap<Source, String>,
}

impl Facts {
    /// Something is known.
    pub(super) fn know(&mut self, fact: Fact, value: Value) {
        self.values.entry(fact).or_insert(value);
    }

    /// [`Self::know`] words, where there are any. They may come from the JVM: none of them moves a cursor.
    pub(super) fn text(&mut self, fact: Fact, text: Option<impl AsRef<str>>) {
        let harmless = |c: char| if c.is_control() { '?' } else { c };
        if let Some(text) = text {
            self.know(fact, Value::Text(text.as_ref().chars().map(harmless).collect()));
        }
    }

    /// [`Self::know`], where there is something.
    pub(super) fn number(&mut self, fact: Fact, number: Option<u64>) {
        if let Some(number) = number {
            self.know(fact, Value::Number(number));
        }
    }

    /// [`Self::know`] of what may not apply, and then is no gap.
    pub(super) fn if_any(&mut self, fact: Fact, value: Option<Value>) {
        match value {
            Some(value) => self.know(fact, value),
            None => self.absent.push(fact),
        }
    }

    /// Why a fact is missing.
    pub(super) fn miss(&mut self, fact: Fact, reason: impl Into<String>) {
        self.reasons.insert(fact, reason.into());
    }

    /// [`Self::miss`] of several.
    pub(super) fn miss_all(&mut self, facts: &[Fact], reason: &str) {
        for fact in facts {
            self.miss(*fact, reason);
        }
    }

    /// Why everything is missing that a source does not say.
    pub(super) fn trouble(&mut self, source: Source, reason: impl Into<String>) {
        self.troubles.insert(source, reason.into());
    }

    /// Takes what a source, later in trust, has to say.
    pub(super) fn absorb(&mut self, other: Self) {
        for (fact, value) in other.values {
            self.know(fact, value);
        }
        self.absent.extend(other.absent);
        self.reasons.extend(other.reasons);
        self.troubles.extend(other.troubles);
    }

    /// A fact's value.
    pub(super) fn get(&self, fact: Fact) -> Option<&Value> {
        self.values.get(&fact)
    }

    /// The facts that nobody told, each with the reason.
    pub(super) fn gaps(&self) -> impl Iterator<Item = (Fact, &str)> {
        let missing = |fact: &&Fact| !self.values.contains_key(fact) && !self.absent.contains(fact);
        Fact::ALL.iter().filter(missing).map(|fact| {
            let trouble = || self.troubles.get(&fact.source());
            (*fact, self.reasons.get(fact).or_else(trouble).map_or("it was not told", String::as_str))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_trusted_source_counts_and_a_gap_has_its_reason() {
        let mut facts = Facts::default();
        facts.text(Fact::Release, Some("5.0.9"));
        facts.if_any(Fact::StopBy, None);
        let mut later = Facts::default();
        later.text(Fact::Release, Some("4.1.10"));
        later.miss(Fact::Profile, "the node does not say");
        later.trouble(Source::Jmx, "connection refused");
        facts.absorb(later);
        assert_eq!(facts.get(Fact::Release), Some(&Value::Text("5.0.9".into())));
        let gaps: Vec<_> = facts.gaps().collect();
        assert!(gaps.contains(&(Fact::HeapUsed, "connection refused")), "{gaps:?}");
        assert!(gaps.contains(&(Fact::Profile, "the node does not say")));
        assert!(gaps.contains(&(Fact::Free, "it was not told")));
        assert!(!gaps.iter().any(|(fact, _)| matches!(fact, Fact::Release | Fact::StopBy)));
    }

    #[test]
    fn every_fact_has_a_name_of_its_own_in_an_object() {
        let names: std::collections::BTreeSet<_> = Fact::ALL.iter().map(|fact| fact.name()).collect();
        assert_eq!(names.len(), Fact::ALL.len());
        assert!(names.iter().all(|(object, field)| !object.is_empty() && !field.is_empty()));
    }
}
