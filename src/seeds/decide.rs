//! The decision, as a pure function of what was read.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::settings::address::{Host, Seed};
use crate::settings::profile::OwnSeed;
use crate::settings::raw::Source;
pub use crate::settings::value::KUBERNETES_PROVIDER;

/// Which seed provider is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// One that takes a list.
    Listed,
    /// [`KUBERNETES_PROVIDER`].
    Kubernetes {
        /// Whether we run in Kubernetes (`KUBERNETES_SERVICE_HOST`).
        here: bool,
    },
}

/// Everything that the decision depends on.
#[derive(Debug)]
pub struct Question<'a> {
    /// CASSANDRA_SEEDS.
    pub given: Option<(&'a [Seed], Source)>,
    /// The seed provider asked for.
    pub provider: Provider,
    /// The seeds of the file, without the stock loopback ones.
    pub in_file: &'a [Seed],
    /// The address that other nodes know this one by.
    pub own_address: &'a Host,
    /// All addresses of this host.
    pub own_addresses: &'a [IpAddr],
    /// All names of this host: its host name and those of /etc/hosts.
    pub own_names: &'a [String],
    /// The name that this pod has within its Kubernetes cluster: `pod.service.namespace`.
    pub own_pod: Option<&'a str>,
    /// What becomes of a seed that means this node.
    pub own_seed: OwnSeed,
    /// Whether there is no data yet.
    pub empty: bool,
    /// Whether this node takes a dead one's place.
    pub replacing: bool,
}

/// What this node starts with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The list to write; none: the file's own list stays.
    pub seeds: Option<(Vec<Seed>, Source)>,
    /// Whether this node is the only seed.
    pub alone: bool,
    /// Whether this node makes a cluster of its own: it has no data, replaces nobody, and there is nobody else to ask.
    pub founds: bool,
}

/// The seeds have to come from the Kubernetes API, which cannot be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the seeds were to come from the Kubernetes API, which this version does not ask yet")]
pub struct NeedsKubernetes;

/// Decides which seeds to start with.
///
/// Whatever means this node is written as the address that others know it by: Cassandra resolves names once at start, and a
/// pod's name often does not resolve before it is ready; and a node is its own seed only under that address.
pub fn decide(question: &Question) -> Result<Decision, NeedsKubernetes> {
    let seeds = if let Some((given, source)) = &question.given {
        Some((with_own_address(given, question), source.clone()))
    } else if question.provider == (Provider::Kubernetes { here: true }) {
        return Err(NeedsKubernetes);
    } else if question.in_file.is_empty() || question.provider != Provider::Listed {
        let own = Seed { host: question.own_address.clone(), port: None };
        Some((vec![own], Source::Computed("this node's own address".into())))
    } else {
        None
    };
    let list = seeds.as_ref().map_or(question.in_file, |(list, _)| list);
    let alone = !list.is_empty() && list.iter().all(|seed| is_own(&seed.host, question));
    Ok(Decision { alone, founds: alone && question.empty && !question.replacing, seeds })
}

fn with_own_address(seeds: &[Seed], question: &Question) -> Vec<Seed> {
    let mut list: Vec<Seed> = Vec::new();
    let others = seeds.iter().any(|seed| !is_own(&seed.host, question));
    for seed in seeds {
        let own = is_own(&seed.host, question);
        // The first of the list is the same for every node that reads it: one of them must be there to be joined.
        let is_first = list.is_empty() && seeds.first().is_some_and(|first| is_own(&first.host, question));
        if own && others && !is_first && question.own_seed == OwnSeed::LeavesUnlessFirst {
            continue;
        }
        let host = if own { question.own_address } else { &seed.host };
        let seed = Seed { host: host.clone(), port: seed.port };
        if !list.contains(&seed) {
            list.push(seed);
        }
    }
    list
}

fn is_own(host: &Host, question: &Question) -> bool {
    let own = question.own_address;
    match host {
        _ if host == own => true,
        // The stock seed. Where the cluster itself lives on loopback, 127.0.0.2 is another node.
        _ if host.is_loopback() => !own.is_loopback() || (matches!(host, Host::Name(_)) && is_localhost(own)),
        Host::Address(address) => question.own_addresses.contains(address),
        Host::Name(name) => {
            question.own_names.iter().any(|own| names_agree(name, own))
                || question.own_pod.is_some_and(|pod| names_pod(name, pod))
        }
    }
}

/// Whether `seed` is the pod's name, with or without `svc` and the cluster's domain behind it.
fn names_pod(seed: &str, pod: &str) -> bool {
    let seed = seed.trim_end_matches('.').to_ascii_lowercase();
    let rest = seed.strip_prefix(&pod.to_ascii_lowercase());
    rest.is_some_and(|rest| rest.is_empty() || rest == ".svc" || rest.starts_with(".svc."))
}

/// What `localhost` resolves to.
fn is_localhost(host: &Host) -> bool {
    matches!(host, Host::Address(IpAddr::V4(Ipv4Addr::LOCALHOST) | IpAddr::V6(Ipv6Addr::LOCALHOST)))
}

/// Whether `seed` is `own` or the beginning of it up to a dot: `cassandra-0` and `cassandra-0.cassandra` of
/// `cassandra-0.cassandra.default.svc.cluster.local`. The bare host name is this host, as /etc/hosts says: a pod of another
/// namespace cannot be reached by it.
fn names_agree(seed: &str, own: &str) -> bool {
    let (seed, own) = (seed.trim_end_matches('.').to_ascii_lowercase(), own.trim_end_matches('.').to_ascii_lowercase());
    seed == own || own.strip_prefix(&seed).is_some_and(|rest| rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::address::SeedList;
    use crate::settings::value::FromText;

    fn seeds(text: &str) -> Vec<Seed> {
        SeedList::from_text(text).unwrap().seeds().to_vec()
    }

    /// The host that is asked.
    struct Me {
        address: Host,
        addresses: Vec<IpAddr>,
        names: Vec<String>,
    }

    impl Me {
        fn new(address: &str) -> Self {
            Self {
                address: Host::from_text(address).unwrap(),
                addresses: ["10.244.0.10", "fd00::10", "127.0.0.1"].map(|text| text.parse().unwrap()).to_vec(),
                names: vec!["cassandra-0".into(), "cassandra-0.cassandra.default.svc.cluster.local".into()],
            }
        }

        fn ask(&self, given: Option<&str>, change: impl FnOnce(&mut Question)) -> Result<Decision, NeedsKubernetes> {
            let list = given.map(seeds);
            let mut question = Question {
                given: list.as_deref().map(|list| (list, Source::Environment("CASSANDRA_SEEDS".into()))),
                provider: Provider::Listed,
                in_file: &[],
                own_address: &self.address,
                own_addresses: &self.addresses,
                own_names: &self.names,
                own_pod: None,
                own_seed: OwnSeed::Stays,
                empty: true,
                replacing: false,
            };
            change(&mut question);
            decide(&question)
        }
    }

    fn ask(given: Option<&str>, change: impl FnOnce(&mut Question)) -> Result<Decision, NeedsKubernetes> {
        Me::new("10.244.0.10").ask(given, change)
    }

    fn written(decision: &Decision) -> String {
        let list = decision.seeds.iter().flat_map(|(list, _)| list);
        list.map(ToString::to_string).collect::<Vec<_>>().join(",")
    }

    #[test]
    fn the_first_pod_of_a_statefulset_seeds_itself_by_address() {
        for name in [
            "cassandra-0",
            "cassandra-0.cassandra",
            "cassandra-0.cassandra.default.svc.cluster.local",
            "CASSANDRA-0.cassandra",
        ] {
            let decision = ask(Some(name), |_| {}).unwrap();
            assert_eq!(written(&decision), "10.244.0.10");
            assert!(decision.founds);
        }
    }

    #[test]
    fn another_node_of_the_same_pod_name_is_not_this_one() {
        let decision = ask(Some("cassandra-0.cassandra.other.svc.cluster.local"), |_| {}).unwrap();
        assert_eq!(written(&decision), "cassandra-0.cassandra.other.svc.cluster.local");
        assert!(!decision.alone);
    }

    #[test]
    fn a_bare_host_name_is_this_host_but_no_part_of_a_label_is() {
        let names = vec!["cassandra-0.cassandra.default.svc.cluster.local".to_owned()];
        let me = Me { names, ..Me::new("10.244.0.10") };
        let alone = |name: &str| me.ask(Some(name), |_| {}).unwrap().alone;
        assert!(alone("cassandra-0"));
        assert!(!alone("cassandra"));
        assert!(!alone("cassandra-00"));
    }

    #[test]
    fn loopback_and_every_other_own_address_mean_the_address_that_others_know() {
        for seed in ["127.0.0.1", "localhost", "::1", "fd00::10"] {
            let decision = ask(Some(seed), |_| {}).unwrap();
            assert_eq!(written(&decision), "10.244.0.10", "{seed}");
            assert!(decision.founds, "{seed}");
        }
        let mixed = ask(Some("127.0.0.1:7000,10.244.0.11"), |_| {}).unwrap();
        assert_eq!(written(&mixed), "10.244.0.10:7000,10.244.0.11");
    }

    #[test]
    fn in_a_cluster_on_loopback_another_loopback_address_is_another_node() {
        let decision = Me::new("127.0.0.2").ask(Some("127.0.0.1"), |_| {}).unwrap();
        assert_eq!((written(&decision).as_str(), decision.alone), ("127.0.0.1", false));
        let decision = Me::new("127.0.0.1").ask(Some("localhost"), |_| {}).unwrap();
        assert_eq!((written(&decision).as_str(), decision.founds), ("127.0.0.1", true));
    }

    #[test]
    fn data_or_a_replacement_or_another_seed_founds_nothing() {
        assert!(!ask(Some("10.244.0.10"), |question| question.empty = false).unwrap().founds);
        assert!(!ask(Some("10.244.0.10"), |question| question.replacing = true).unwrap().founds);
        assert!(!ask(Some("10.244.0.10,10.244.0.11"), |_| {}).unwrap().founds);
    }

    #[test]
    fn without_seeds_a_node_is_its_own_and_the_files_seeds_stay() {
        assert_eq!(written(&ask(None, |_| {}).unwrap()), "10.244.0.10");
        let in_file = seeds("10.0.0.7");
        let own_address = Host::Address("10.244.0.10".parse().unwrap());
        let decision = decide(&Question {
            given: None,
            provider: Provider::Listed,
            in_file: &in_file,
            own_address: &own_address,
            own_addresses: &[],
            own_names: &[],
            own_pod: None,
            own_seed: OwnSeed::Stays,
            empty: true,
            replacing: false,
        });
        assert_eq!(decision, Ok(Decision { seeds: None, alone: false, founds: false }));
    }

    /// Asked for the pod `a-0.s.n` under the profile that lets a node leave its own seed list.
    fn leaving(list: &str) -> String {
        let decision = ask(Some(list), |question| {
            question.own_pod = Some("a-0.s.n");
            question.own_seed = OwnSeed::LeavesUnlessFirst;
        });
        written(&decision.unwrap())
    }

    #[test]
    fn a_pod_is_known_by_its_whole_name_with_or_without_the_domain_of_the_cluster() {
        for name in ["a-0.s.n", "a-0.s.n.svc", "A-0.s.n.svc.cluster.local", "a-0.s.n.svc.example.org."] {
            assert_eq!(leaving(&format!("b-0.s.n,{name},b-1.s.n")), "b-0.s.n,b-1.s.n", "{name}");
        }
        for name in ["xa-0.s.n", "a-0.s.n2", "a-0.s.n.other", "a-0.s.nsvc", "a-00.s.n"] {
            assert_eq!(leaving(&format!("b-0.s.n,{name}")), format!("b-0.s.n,{name}"));
        }
    }

    #[test]
    fn the_first_of_the_list_and_a_node_that_is_alone_stay_in_it() {
        assert_eq!(leaving("a-0.s.n,a-1.s.n"), "10.244.0.10,a-1.s.n");
        assert_eq!(leaving("a-0.s.n.svc.cluster.local"), "10.244.0.10");
    }

    #[test]
    fn the_kubernetes_provider_means_this_node_alone_outside_kubernetes_and_never_guesses_inside() {
        assert!(ask(None, |question| question.provider = Provider::Kubernetes { here: false }).unwrap().founds);
        let inside = ask(None, |question| question.provider = Provider::Kubernetes { here: true });
        assert_eq!(inside, Err(NeedsKubernetes));
    }
}
