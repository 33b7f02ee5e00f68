//! Addresses, and where clients reach the node.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::cassandra::schema::Value;
use crate::config::documents::Documents;
use crate::config::plan::draft::Draft;
use crate::config::plan::{HostFacts, Inputs, text_of};
use crate::config::yaml::YamlPath;
use crate::report::{Finding, Report};
use crate::settings::address::{Host, OwnAddress};
use crate::settings::contract::Given;
use crate::settings::generic::is_generic;
use crate::settings::raw::Source;
use crate::settings::value::{FromText, InterfaceName};
use crate::settings::{Profile, Settings};

/// The addresses that this node gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses {
    listen: Chosen,
    broadcast: Option<(Host, Source)>,
    rpc: Chosen,
    broadcast_rpc: Option<(Host, Source)>,
    /// The address that other nodes know this one by.
    pub own: Host,
}

/// Where one of the two listening addresses comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Chosen {
    /// Write this one.
    Write(Host, Source),
    /// The file's own stays.
    InFile(Host),
    /// An interface is named instead; its address, as far as it is known.
    Interface(Option<Host>),
}

impl Addresses {
    /// The address that clients connect to, as far as it is known.
    pub(super) fn rpc(&self) -> Option<&Host> {
        self.rpc.host()
    }
}

impl Chosen {
    fn host(&self) -> Option<&Host> {
        match self {
            Self::Write(host, _) | Self::InFile(host) => Some(host),
            Self::Interface(host) => host.as_ref(),
        }
    }
}

/// The two listening addresses, each of which can be given as an interface instead.
#[derive(Clone, Copy)]
enum Pair {
    Listen,
    Rpc,
}

impl Pair {
    /// The key that says which of an interface's addresses is taken.
    fn preference(self) -> &'static str {
        match self {
            Self::Listen => "listen_interface_prefer_ipv6",
            Self::Rpc => "rpc_interface_prefer_ipv6",
        }
    }

    fn interface_variable(self) -> &'static str {
        match self {
            Self::Listen => "CASSANDRA_LISTEN_INTERFACE",
            Self::Rpc => "CASSANDRA_RPC_INTERFACE",
        }
    }

    fn address_variable(self) -> &'static str {
        match self {
            Self::Listen => "CASSANDRA_LISTEN_ADDRESS",
            Self::Rpc => "CASSANDRA_RPC_ADDRESS",
        }
    }
}

/// Chooses the addresses: the variable, POD_IP, the file unless it says the stock loopback, the host's own.
pub fn choose(
    settings: &Settings,
    profile: &Profile,
    host: &HostFacts,
    documents: &Documents,
    report: &mut Report,
) -> Addresses {
    let chooser = Chooser { settings, profile, host, documents };
    if settings.remote_connections.as_ref().is_some_and(|given| !given.value) {
        return chooser.loopback_only(report);
    }
    let listen = chooser.listen(report);
    let broadcast = chooser.announced(settings.broadcast_address.as_ref(), "broadcast_address");
    let loopback = Host::Address(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let own = broadcast.0.as_ref().or(listen.host()).cloned().unwrap_or(loopback);
    let rpc = chooser.rpc(&own, report);
    let broadcast_rpc = settings.broadcast_rpc_address.as_ref().or(settings.host.as_ref());
    let mut broadcast_rpc = chooser.announced(broadcast_rpc, "broadcast_rpc_address").1;
    let in_file = chooser.in_file("broadcast_rpc_address").is_some();
    if broadcast_rpc.is_none() && !in_file && rpc.host().is_some_and(is_wildcard) {
        broadcast_rpc = Some((own.clone(), Source::Computed("the address that other nodes use".into())));
    }
    Addresses { listen, broadcast: broadcast.1, rpc, broadcast_rpc, own }
}

struct Chooser<'a> {
    settings: &'a Settings,
    profile: &'a Profile,
    host: &'a HostFacts,
    documents: &'a Documents,
}

impl Chooser<'_> {
    fn pod_ip(&self) -> Option<(Host, Source)> {
        self.settings.pod_ip.as_ref().map(|given| (Host::Address(given.value), given.source.clone()))
    }

    fn preferred(&self) -> (Host, Source) {
        let address = self.host.preferred_address.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
        (Host::Address(address), Source::Computed("the host's addresses".into()))
    }

    /// The file's value, unless it is one of the stock loopback ones, which count as unset.
    fn in_file(&self, key: &str) -> Option<Host> {
        let text = self.documents.yaml.text_at(&YamlPath::key(key))?.to_owned();
        let stock = matches!(text.as_str(), "localhost" | "127.0.0.1");
        (!stock).then(|| Host::from_text(&text).unwrap_or(Host::Name(text)))
    }

    /// The variable and POD_IP, in the profile's order.
    fn given(&self, variable: Option<&Given<OwnAddress>>) -> Option<(Host, Source)> {
        let own = variable.map(|given| match &given.value {
            OwnAddress::Auto => self.preferred(),
            OwnAddress::Host(host) => (host.clone(), given.source.clone()),
        });
        // The profile orders the variables that its image knows.
        let generic = variable.is_some_and(|given| is_generic(&given.source));
        if self.profile.pod_ip_wins && !generic { self.pod_ip().or(own) } else { own.or_else(|| self.pod_ip()) }
    }

    /// CASSANDRA_ENABLE_REMOTE_CONNECTIONS=no: everything on loopback; whoever names an address beside it means something else.
    fn loopback_only(&self, report: &mut Report) -> Addresses {
        const VARIABLE: &str = "CASSANDRA_ENABLE_REMOTE_CONNECTIONS";
        let settings = self.settings;
        let others = [
            &settings.listen_address,
            &settings.broadcast_address,
            &settings.rpc_address,
            &settings.broadcast_rpc_address,
            &settings.host,
        ];
        let elsewhere = |given: &&Given<OwnAddress>| {
            given.source.is_given() && !matches!(&given.value, OwnAddress::Host(host) if host.is_loopback())
        };
        for given in others.into_iter().flatten().filter(elsewhere) {
            let message = format!("disagrees with {VARIABLE}, which keeps the node on loopback");
            report.add(Finding::error(given.source.to_string(), message).hint("leave one of the two out"));
        }
        let own = Host::Address(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let source = settings.remote_connections.as_ref().map(|given| given.source.clone());
        let source = source.unwrap_or_else(|| Source::Computed(VARIABLE.into()));
        let chosen = Chosen::Write(own.clone(), source.clone());
        let announced = Some((own.clone(), source));
        Addresses { listen: chosen.clone(), broadcast: None, rpc: chosen, broadcast_rpc: announced, own }
    }

    /// The address of an interface that Cassandra takes: the first of IPv4, or of IPv6 where that is preferred, else the first
    /// (`DatabaseDescriptor.getNetworkInterfaceAddress`).
    fn interface(&self, pair: Pair, name: &str) -> Option<Host> {
        let preference = self.documents.yaml.get(&YamlPath::key(pair.preference()));
        let wants_ipv6 = preference.and_then(serde_yaml::Value::as_bool) == Some(true);
        let addresses =
            || self.host.addresses.iter().filter(|(interface, _)| interface == name).map(|(_, address)| *address);
        addresses().find(|address| address.is_ipv6() == wants_ipv6).or_else(|| addresses().next()).map(Host::Address)
    }

    fn interface_in_file(&self, key: &str) -> Option<String> {
        Some(self.documents.yaml.text_at(&YamlPath::key(key))?.to_owned())
    }

    /// The interface that a variable names: it must be there, and nobody may have set the address too.
    fn given_interface(
        &self,
        pair: Pair,
        interface: Option<&Given<InterfaceName>>,
        address: Option<&Given<OwnAddress>>,
        report: &mut Report,
    ) -> Option<Chosen> {
        let name = interface?.value.as_str();
        let found = self.interface(pair, name);
        if found.is_none() {
            let known: Vec<&str> = self.host.addresses.iter().map(|(interface, _)| interface.as_str()).collect();
            let message = format!("no interface '{name}' with an address here, there are: {}", known.join(", "));
            report.add(Finding::error(pair.interface_variable(), message));
        }
        if address.is_some_and(|given| given.source.is_given()) {
            let other = pair.interface_variable();
            let message = format!("set together with {other}, and Cassandra takes only one of them");
            report.add(Finding::error(pair.address_variable(), message));
        }
        Some(Chosen::Interface(found))
    }

    fn listen(&self, report: &mut Report) -> Chosen {
        let (interface, address) = (&self.settings.listen_interface, &self.settings.listen_address);
        if let Some(chosen) = self.given_interface(Pair::Listen, interface.as_ref(), address.as_ref(), report) {
            return chosen;
        }
        if let Some((host, source)) = self.given(address.as_ref().or(self.settings.host.as_ref())) {
            return Chosen::Write(host, source);
        }
        if let Some(name) = self.interface_in_file("listen_interface") {
            return Chosen::Interface(self.interface(Pair::Listen, &name));
        }
        if let Some(host) = self.in_file("listen_address") {
            return Chosen::InFile(host);
        }
        let (host, source) = self.preferred();
        Chosen::Write(host, source)
    }

    /// An address that others are told: what it is, and what to write for it.
    fn announced(&self, variable: Option<&Given<OwnAddress>>, key: &str) -> (Option<Host>, Option<(Host, Source)>) {
        match self.given(variable) {
            Some((host, source)) => (Some(host.clone()), Some((host, source))),
            None => (self.in_file(key), None),
        }
    }

    fn rpc(&self, own: &Host, report: &mut Report) -> Chosen {
        let variable = self.settings.rpc_address.as_ref();
        let interface = self.settings.rpc_interface.as_ref();
        if let Some(chosen) = self.given_interface(Pair::Rpc, interface, variable, report) {
            return chosen;
        }
        if let Some(given) = variable.filter(|given| given.source.is_given()) {
            return match &given.value {
                OwnAddress::Auto => Chosen::Write(self.preferred().0, given.source.clone()),
                OwnAddress::Host(host) => Chosen::Write(host.clone(), given.source.clone()),
            };
        }
        if let Some(name) = self.interface_in_file("rpc_interface") {
            return Chosen::Interface(self.interface(Pair::Rpc, &name));
        }
        if let Some(host) = self.in_file("rpc_address") {
            return Chosen::InFile(host);
        }
        let every = match own {
            Host::Address(IpAddr::V6(_)) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
            _ => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        };
        Chosen::Write(Host::Address(every), Source::Profile(self.profile.name.clone()))
    }
}

fn is_wildcard(host: &Host) -> bool {
    matches!(host, Host::Address(address) if address.is_unspecified())
}

/// Writes the addresses.
pub(super) fn write(inputs: &Inputs, draft: &mut Draft) {
    let addresses = inputs.addresses;
    write_chosen(&addresses.listen, "listen", draft);
    write_chosen(&addresses.rpc, "rpc", draft);
    for (key, announced) in
        [("broadcast_address", &addresses.broadcast), ("broadcast_rpc_address", &addresses.broadcast_rpc)]
    {
        if let Some((host, source)) = announced {
            draft.yaml(YamlPath::key(key), &Value::Text(text_of(host)), source);
        }
    }
    let told = [
        ("listen_address", addresses.listen.host()),
        ("broadcast_address", addresses.broadcast.as_ref().map(|(host, _)| host)),
        ("broadcast_rpc_address", addresses.broadcast_rpc.as_ref().map(|(host, _)| host)),
    ];
    for (key, host) in told {
        if host.is_some_and(is_wildcard) {
            let message = "an address of this node is expected, others cannot connect to 0.0.0.0 or ::";
            draft.report(Finding::error(format!("CASSANDRA_{}", key.to_uppercase()), message));
        }
    }
    // The stock options switch IPv6 off in the JVM, where a pod that has nothing else could not listen.
    if matches!(addresses.own, Host::Address(IpAddr::V6(_))) {
        draft.remove_option("-Djava.net.preferIPv4Stack");
    }
}

fn write_chosen(chosen: &Chosen, name: &str, draft: &mut Draft) {
    let (address, interface) = (format!("{name}_address"), format!("{name}_interface"));
    match chosen {
        Chosen::Write(host, source) => {
            // A stock loopback in a mounted file counts as unset, so the profile's default reaches it.
            let source = match source {
                Source::Profile(name) => Source::Computed(format!("the defaults of the profile {name}")),
                other => other.clone(),
            };
            draft.remove_yaml(&interface);
            draft.yaml(YamlPath::key(address), &Value::Text(text_of(host)), &source);
        }
        Chosen::Interface(_) => draft.remove_yaml(&address),
        Chosen::InFile(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::documents::{BaseFile, Layer, YAML};

    #[test]
    fn an_interface_means_its_first_address_of_the_preferred_kind() {
        let both = ["fd00::1", "10.0.0.1", "fd00::2"];
        for (preference, addresses, chosen) in [
            ("", &both[..], "10.0.0.1"),
            ("rpc_interface_prefer_ipv6: false\n", &both, "10.0.0.1"),
            ("rpc_interface_prefer_ipv6: true\n", &both, "fd00::1"),
            ("listen_interface_prefer_ipv6: true\n", &both, "10.0.0.1"),
            ("", &both[..1], "fd00::1"),
            ("rpc_interface_prefer_ipv6: true\n", &both[1..2], "10.0.0.1"),
        ] {
            let file = BaseFile::new(format!("rpc_interface: eth0\n{preference}"), Layer::Overlay);
            let mut report = Report::default();
            let documents = Documents::parse(&[(YAML.to_owned(), file)].into(), &[], &mut report).unwrap();
            let of = |name: &str, address: &&str| (name.to_owned(), address.parse().unwrap());
            let others = std::iter::once(of("lo", &"127.0.0.1")).chain(std::iter::once(of("lo", &"::1")));
            let host = HostFacts {
                addresses: others.chain(addresses.iter().map(|address| of("eth0", address))).collect(),
                preferred_address: None,
                memory_limit: None,
                memory: 1 << 30,
                cores: 1,
            };
            let profile = Profile::named("native").unwrap();
            let rpc = choose(&Settings::default(), &profile, &host, &documents, &mut report).rpc;
            assert_eq!(rpc.host().map(ToString::to_string).as_deref(), Some(chosen), "{preference}{addresses:?}");
        }
    }
}
