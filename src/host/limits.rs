//! Resource limits: what we may raise, raised (`getrlimit(2)`).

use std::fmt;

use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit, setrlimit};

use super::{Error, Result};

/// One resource limit after it was raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Its name as in `limits.conf(5)`: `nofile`, `nproc`, `memlock`, `as`.
    pub name: &'static str,
    /// The soft limit as we found it, in files, processes or bytes; [`Limit::UNLIMITED`] for none.
    pub before: u64,
    /// The soft limit now, which is the hard limit.
    pub now: u64,
    /// What Cassandra wants, in the same unit.
    pub wanted: u64,
}

impl Limit {
    /// No limit.
    pub const UNLIMITED: u64 = RLIM_INFINITY;
}

impl fmt::Display for Limit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.now {
            Self::UNLIMITED => write!(out, "{} unlimited", self.name),
            now => write!(out, "{} {now}", self.name),
        }
    }
}

/// What Cassandra wants of each: the values of its documentation and of its Debian package.
const RAISED: [(&str, Resource, u64); 4] = [
    ("nofile", Resource::RLIMIT_NOFILE, 100_000),
    ("nproc", Resource::RLIMIT_NPROC, 32_768),
    ("memlock", Resource::RLIMIT_MEMLOCK, Limit::UNLIMITED),
    ("as", Resource::RLIMIT_AS, Limit::UNLIMITED),
];

/// Raises the limits of open files, processes, locked memory and address space for this process and what it starts: the hard
/// ones to what Cassandra wants where we may (`CAP_SYS_RESOURCE`), the soft ones to the hard ones, which needs no privilege.
pub fn raise() -> Result<Vec<Limit>> {
    RAISED.iter().map(|(name, resource, wanted)| raise_one(name, *resource, *wanted)).collect()
}

fn raise_one(name: &'static str, resource: Resource, wanted: u64) -> Result<Limit> {
    let failed = |errno| Error::new(format!("raise the limit {name}"), errno);
    let (soft, hard) = getrlimit(resource).map_err(failed)?;
    let limit = |now| Limit { name, before: soft, now, wanted };
    if hard < wanted && setrlimit(resource, wanted, wanted).is_ok() {
        return Ok(limit(wanted));
    }
    if soft != hard {
        setrlimit(resource, hard, hard).map_err(failed)?;
    }
    Ok(limit(hard))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn soft_limits_become_the_hard_ones() {
        let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        let limits = raise().unwrap();
        assert_eq!(limits.iter().map(|limit| limit.name).collect::<Vec<_>>(), ["nofile", "nproc", "memlock", "as"]);
        // More than that only where we may raise the hard limit, too.
        assert!(limits[0].now == hard || limits[0].now == limits[0].wanted.max(hard), "{:?}", limits[0]);
        assert_eq!(getrlimit(Resource::RLIMIT_NOFILE).unwrap(), (limits[0].now, limits[0].now));
    }

    #[test]
    fn no_limit_has_a_word() {
        let limit = Limit { name: "memlock", before: 1, now: Limit::UNLIMITED, wanted: 1 };
        assert_eq!(limit.to_string(), "memlock unlimited");
        assert_eq!(Limit { now: 7, ..limit }.to_string(), "memlock 7");
    }
}
