//! The addresses and names of this host.

use std::ffi::CStr;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};

use nix::ifaddrs::getifaddrs;
use nix::libc;
use nix::net::if_::InterfaceFlags;
use nix::sys::socket::{SockaddrLike as _, SockaddrStorage};

use super::{Error, Result};

/// The addresses of the interfaces that are up, each with its interface's name, in the kernel's order.
pub fn own() -> Result<Vec<(String, IpAddr)>> {
    let interfaces = getifaddrs().map_err(|errno| Error::new("list the network interfaces", errno))?;
    let up = interfaces.filter(|interface| interface.flags.contains(InterfaceFlags::IFF_UP));
    Ok(up.filter_map(|interface| Some((interface.interface_name, ip(&interface.address?)?))).collect())
}

fn ip(address: &SockaddrStorage) -> Option<IpAddr> {
    let v4 = address.as_sockaddr_in().map(|address| IpAddr::V4(address.ip()));
    v4.or_else(|| address.as_sockaddr_in6().map(|address| IpAddr::V6(address.ip())))
}

/// The address under which others most likely reach this host: the first IPv4 address that is neither loopback nor
/// link-local, else the first such IPv6 address, else a loopback one.
pub fn preferred(addresses: &[(String, IpAddr)]) -> Option<IpAddr> {
    let first = |wanted: fn(&IpAddr) -> bool| addresses.iter().map(|(_, address)| *address).find(wanted);
    first(|address| address.is_ipv4() && is_reachable(address))
        .or_else(|| first(|address| address.is_ipv6() && is_reachable(address)))
        .or_else(|| first(IpAddr::is_loopback))
}

fn is_reachable(address: &IpAddr) -> bool {
    let link_local = match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    !(link_local || address.is_loopback() || address.is_unspecified() || address.is_multicast())
}

/// The name of this host, as `uname -n` tells it; in Kubernetes the pod's name.
pub fn hostname() -> Result<String> {
    let name = nix::unistd::gethostname().map_err(|errno| Error::new("read the host name", errno))?;
    Ok(name.to_string_lossy().into_owned())
}

/// The name of an address, if that name's addresses have it among them (`getnameinfo(3)`). It may take as long as a name server
/// does.
pub fn name_of(address: IpAddr) -> Option<String> {
    const LONGEST: u32 = 1025;
    let socket = SockaddrStorage::from(SocketAddr::new(address, 0));
    let mut name = [0_u8; LONGEST as usize];
    // SAFETY: the address lives and is as long as it says, the buffer lives and is as long as said; no service is asked for.
    let result = unsafe {
        libc::getnameinfo(
            socket.as_ptr(),
            socket.len(),
            name.as_mut_ptr().cast(),
            LONGEST,
            std::ptr::null_mut(),
            0,
            libc::NI_NAMEREQD,
        )
    };
    let name = CStr::from_bytes_until_nul(&name).ok().filter(|_| result == 0)?.to_str().ok()?;
    let mut addresses = (name, 0).to_socket_addrs().ok()?;
    addresses.any(|other| other.ip() == address).then(|| name.to_owned())
}

/// All names that the text of a hosts file (`hosts(5)`) gives to any of `addresses`, in file order, each once.
pub fn names_of(addresses: &[IpAddr], hosts: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for line in hosts.lines() {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        let address = words.next().and_then(|word| word.parse().ok());
        if address.is_some_and(|address| addresses.contains(&address)) {
            for name in words {
                if !names.iter().any(|known| known == name) {
                    names.push(name.to_owned());
                }
            }
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(addresses: &[&str]) -> Option<String> {
        let addresses: Vec<_> = addresses.iter().map(|text| (String::from("x"), text.parse().unwrap())).collect();
        preferred(&addresses).map(|address| address.to_string())
    }

    #[test]
    fn a_reachable_ipv4_address_comes_first() {
        let all = ["127.0.0.1", "::1", "fe80::1", "fd00::1", "169.254.1.1", "10.1.2.3", "10.9.9.9"];
        assert_eq!(chosen(&all).as_deref(), Some("10.1.2.3"));
        assert_eq!(chosen(&all[..5]).as_deref(), Some("fd00::1"));
        assert_eq!(chosen(&all[..3]).as_deref(), Some("127.0.0.1"));
        assert_eq!(chosen(&["fe80::1"]), None);
    }

    #[test]
    fn this_host_has_a_name_and_can_list_its_addresses() {
        assert!(!hostname().unwrap().is_empty());
        own().unwrap();
    }

    #[test]
    fn loopback_has_a_name() {
        assert_eq!(name_of("127.0.0.1".parse().unwrap()).as_deref(), Some("localhost"));
    }

    #[test]
    fn hosts_lines_give_all_their_names_once() {
        let hosts = "127.0.0.1 localhost\n10.0.0.5\tcs-0.cs.ns.svc cs-0 # pod\n#10.0.0.5 no\nfd00::5 cs-0 six\n";
        let own = ["10.0.0.5".parse().unwrap(), "fd00:0::5".parse().unwrap()];
        assert_eq!(names_of(&own, hosts), ["cs-0.cs.ns.svc", "cs-0", "six"]);
    }
}
