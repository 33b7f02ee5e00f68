//! Resource limits: what we may raise without asking anybody, raised (`getrlimit(2)`).

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

const RAISED: [(&str, Resource); 4] = [
    ("nofile", Resource::RLIMIT_NOFILE),
    ("nproc", Resource::RLIMIT_NPROC),
    ("memlock", Resource::RLIMIT_MEMLOCK),
    ("as", Resource::RLIMIT_AS),
];

/// Raises the soft limits of open files, processes, locked memory and address space to their hard limits, which needs no
/// privilege, for this process and what it starts.
pub fn raise() -> Result<Vec<Limit>> {
    RAISED.iter().map(|(name, resource)| raise_one(name, *resource)).collect()
}

fn raise_one(name: &'static str, resource: Resource) -> Result<Limit> {
    let failed = |errno| Error::new(format!("raise the limit {name}"), errno);
    let (soft, hard) = getrlimit(resource).map_err(failed)?;
    if soft != hard {
        setrlimit(resource, hard, hard).map_err(failed)?;
    }
    Ok(Limit { name, before: soft, now: hard })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn soft_limits_become_the_hard_ones() {
        let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        let limits = raise().unwrap();
        assert_eq!(limits.iter().map(|limit| limit.name).collect::<Vec<_>>(), ["nofile", "nproc", "memlock", "as"]);
        assert_eq!(limits[0].now, hard);
        assert_eq!(getrlimit(Resource::RLIMIT_NOFILE).unwrap(), (hard, hard));
    }

    #[test]
    fn no_limit_has_a_word() {
        let limit = Limit { name: "memlock", before: 1, now: Limit::UNLIMITED };
        assert_eq!(limit.to_string(), "memlock unlimited");
        assert_eq!(Limit { now: 7, ..limit }.to_string(), "memlock 7");
    }
}
