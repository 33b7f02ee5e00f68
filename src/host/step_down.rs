//! The way from root to an unprivileged user, in the one order that is safe, each step checked.
//!
//! Runs between fork and exec, so nothing here allocates. Raw calls change the calling thread only, which is the only one
//! there is; the C library's own versions signal the other threads, which would be wrong after a fork.

use nix::errno::Errno;
use nix::libc;
use nix::sys::prctl;

use super::capabilities;
use super::privileges::{Identity, ipc_lock_available};

/// A step that can fail, in the order of the sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Bounding,
    KeepCapabilities,
    Groups,
    Gid,
    Uid,
    Capabilities,
    Verify,
    Ambient,
    NoNewPrivileges,
}

impl Step {
    pub(super) const ALL: [Self; 9] = [
        Self::Bounding,
        Self::KeepCapabilities,
        Self::Groups,
        Self::Gid,
        Self::Uid,
        Self::Capabilities,
        Self::Verify,
        Self::Ambient,
        Self::NoNewPrivileges,
    ];

    /// What an error says we could not do.
    pub(super) fn operation(self) -> &'static str {
        match self {
            Self::Bounding => "shrink the capability bounding set",
            Self::KeepCapabilities => "keep capabilities across setuid",
            Self::Groups => "set the supplementary groups",
            Self::Gid => "set the group id",
            Self::Uid => "set the user id",
            Self::Capabilities => "reduce the capabilities",
            Self::Verify => "give up root for good",
            Self::Ambient => "pass on CAP_IPC_LOCK",
            Self::NoNewPrivileges => "set no_new_privs",
        }
    }
}

/// The calls of the sequence, so that a test can record them and make one fail.
pub(super) trait Kernel {
    fn is_bounding(&mut self, capability: u32) -> Result<bool, Errno>;
    fn drop_bounding(&mut self, capability: u32) -> Result<(), Errno>;
    fn keep_capabilities(&mut self, keep: bool) -> Result<(), Errno>;
    fn set_groups(&mut self, groups: &[u32]) -> Result<(), Errno>;
    fn set_gid(&mut self, gid: u32) -> Result<(), Errno>;
    fn set_uid(&mut self, uid: u32) -> Result<(), Errno>;
    fn set_capabilities(&mut self, set: u64) -> Result<(), Errno>;
    /// True if real, effective and saved ids and the groups are exactly these.
    fn ids_are(&mut self, uid: u32, gid: u32, groups: &[u32]) -> Result<bool, Errno>;
    fn regain_uid_0(&mut self) -> Result<(), Errno>;
    fn regain_gid_0(&mut self) -> Result<(), Errno>;
    fn raise_ambient(&mut self, capability: u32) -> Result<(), Errno>;
    fn no_new_privileges(&mut self) -> Result<(), Errno>;
}

/// What to become, prepared before the fork.
#[derive(Debug)]
pub(super) struct StepDown {
    uid: u32,
    gid: u32,
    /// Ascending and without doubles, the form in which the kernel keeps and returns them.
    groups: Vec<u32>,
    ipc_lock: bool,
}

impl StepDown {
    /// CAP_IPC_LOCK is kept if asked for and available; where it is not, the program starts without it.
    pub(super) fn new(identity: &Identity, keep_ipc_lock: bool) -> Self {
        let mut groups = identity.groups.clone();
        groups.sort_unstable();
        groups.dedup();
        let ipc_lock = keep_ipc_lock && identity.uid != 0 && ipc_lock_available();
        Self { uid: identity.uid, gid: identity.gid, groups, ipc_lock }
    }

    pub(super) fn groups(&self) -> usize {
        self.groups.len()
    }

    /// Performs the sequence; the first failing step ends it. For uid 0 the capabilities are left alone.
    pub(super) fn run(&self, kernel: &mut impl Kernel) -> Result<(), (Step, Errno)> {
        let at = |step| move |errno| (step, errno);
        let unprivileged = self.uid != 0;
        if unprivileged {
            self.shrink_bounding(kernel).map_err(at(Step::Bounding))?;
        }
        if self.ipc_lock {
            kernel.keep_capabilities(true).map_err(at(Step::KeepCapabilities))?;
        }
        kernel.set_groups(&self.groups).map_err(at(Step::Groups))?;
        kernel.set_gid(self.gid).map_err(at(Step::Gid))?;
        kernel.set_uid(self.uid).map_err(at(Step::Uid))?;
        if unprivileged {
            // setuid clears neither the inheritable set nor, for a caller that was not root, the others.
            kernel.set_capabilities(self.kept()).map_err(at(Step::Capabilities))?;
        }
        self.verify(kernel).map_err(at(Step::Verify))?;
        if self.ipc_lock {
            kernel.raise_ambient(capabilities::IPC_LOCK).map_err(at(Step::Ambient))?;
            kernel.keep_capabilities(false).map_err(at(Step::KeepCapabilities))?;
        }
        kernel.no_new_privileges().map_err(at(Step::NoNewPrivileges))
    }

    fn kept(&self) -> u64 {
        u64::from(self.ipc_lock) << capabilities::IPC_LOCK
    }

    /// Without CAP_SETPCAP (EPERM) the set stays as it is; no_new_privs keeps the program from using it.
    fn shrink_bounding(&self, kernel: &mut impl Kernel) -> Result<(), Errno> {
        for capability in 0..u64::BITS {
            match kernel.is_bounding(capability) {
                Ok(true) if self.kept() & (1 << capability) == 0 => match kernel.drop_bounding(capability) {
                    Err(Errno::EPERM) => return Ok(()),
                    other => other?,
                },
                Ok(_) => {}
                // The kernel's last capability was the one before.
                Err(_) => return Ok(()),
            }
        }
        Ok(())
    }

    /// The proof that OpenSSH asks for too: the ids are right, and there is no way back.
    fn verify(&self, kernel: &mut impl Kernel) -> Result<(), Errno> {
        if !kernel.ids_are(self.uid, self.gid, &self.groups)? {
            return Err(Errno::EPERM);
        }
        if self.uid != 0 && kernel.regain_uid_0().is_ok()
            || self.uid != 0 && self.gid != 0 && kernel.regain_gid_0().is_ok()
        {
            return Err(Errno::EPERM);
        }
        Ok(())
    }
}

/// The real kernel, with the buffer that reading the groups back needs.
#[derive(Debug)]
pub(super) struct ThisProcess {
    groups: Vec<u32>,
}

impl ThisProcess {
    /// Room for one group more than `groups`, so that a surplus shows.
    pub(super) fn with_room_for(groups: usize) -> Self {
        Self { groups: vec![0; groups + 1] }
    }
}

const UNCHANGED: u32 = u32::MAX;

impl Kernel for ThisProcess {
    fn is_bounding(&mut self, capability: u32) -> Result<bool, Errno> {
        capabilities::is_bounding(capability)
    }

    fn drop_bounding(&mut self, capability: u32) -> Result<(), Errno> {
        capabilities::drop_bounding(capability)
    }

    fn keep_capabilities(&mut self, keep: bool) -> Result<(), Errno> {
        prctl::set_keepcaps(keep)
    }

    fn set_groups(&mut self, groups: &[u32]) -> Result<(), Errno> {
        // SAFETY: the pointer and the length belong to one live slice of 32-bit ids.
        Errno::result(unsafe { libc::syscall(libc::SYS_setgroups, groups.len(), groups.as_ptr()) }).map(drop)
    }

    fn set_gid(&mut self, gid: u32) -> Result<(), Errno> {
        // SAFETY: plain integers.
        Errno::result(unsafe { libc::syscall(libc::SYS_setresgid, gid, gid, gid) }).map(drop)
    }

    fn set_uid(&mut self, uid: u32) -> Result<(), Errno> {
        // SAFETY: plain integers.
        Errno::result(unsafe { libc::syscall(libc::SYS_setresuid, uid, uid, uid) }).map(drop)
    }

    fn set_capabilities(&mut self, set: u64) -> Result<(), Errno> {
        capabilities::set(set)
    }

    fn ids_are(&mut self, uid: u32, gid: u32, groups: &[u32]) -> Result<bool, Errno> {
        let uids = nix::unistd::getresuid()?;
        let gids = nix::unistd::getresgid()?;
        // SAFETY: the pointer and the length belong to one live slice; the kernel answers EINVAL if it has more groups.
        let count = unsafe { libc::syscall(libc::SYS_getgroups, self.groups.len(), self.groups.as_mut_ptr()) };
        let count = usize::try_from(Errno::result(count)?).unwrap_or_default();
        Ok([uids.real, uids.effective, uids.saved].iter().all(|id| id.as_raw() == uid)
            && [gids.real, gids.effective, gids.saved].iter().all(|id| id.as_raw() == gid)
            && self.groups.get(..count) == Some(groups))
    }

    fn regain_uid_0(&mut self) -> Result<(), Errno> {
        // SAFETY: plain integers.
        Errno::result(unsafe { libc::syscall(libc::SYS_setresuid, UNCHANGED, 0_u32, UNCHANGED) }).map(drop)
    }

    fn regain_gid_0(&mut self) -> Result<(), Errno> {
        // SAFETY: plain integers.
        Errno::result(unsafe { libc::syscall(libc::SYS_setresgid, UNCHANGED, 0_u32, UNCHANGED) }).map(drop)
    }

    fn raise_ambient(&mut self, capability: u32) -> Result<(), Errno> {
        capabilities::raise_ambient(capability)
    }

    fn no_new_privileges(&mut self) -> Result<(), Errno> {
        prctl::set_no_new_privs()
    }
}

#[cfg(test)]
#[path = "step_down_tests.rs"]
mod tests;
