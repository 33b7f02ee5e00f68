//! Who a program shall run as, and what of root's belongings it needs.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;

use nix::errno::Errno;
use nix::libc;
use nix::sys::stat::{SFlag, fstat};
use nix::unistd::{Uid, fchown, geteuid, isatty};

use super::capabilities;
use super::users::{Group, Passwd, parse_id};
use super::{Error, Result};

/// A user to become, complete: nothing is looked up after this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// User id.
    pub uid: u32,
    /// Primary group id.
    pub gid: u32,
    /// All groups, the primary one included, in ascending order.
    pub groups: Vec<u32>,
    /// Login name, where the passwd file has one.
    pub name: Option<String>,
    /// Home folder; `/` where the passwd file knows none.
    pub home: PathBuf,
}

/// Why a user specification cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// The specification, or one side of its colon, is empty.
    #[error("user `{0}` is incomplete: expected name, uid, name:group or uid:gid")]
    Incomplete(String),
    /// Neither a name of the passwd file nor a number from 0 to 4294967294.
    #[error("there is no user `{0}`")]
    UnknownUser(String),
    /// Neither a name of the group file nor a number from 0 to 4294967294.
    #[error("there is no group `{0}`")]
    UnknownGroup(String),
}

/// Finds the user that `spec` (`name`, `uid`, `name:group` or `uid:gid`) means.
///
/// A uid that the passwd file does not know gets itself as gid, never the caller's gid 0. Without a group the user has all
/// groups that the group file gives; with one, only that one (the rule of Docker's `USER`).
pub fn resolve(spec: &str, passwd: &Passwd, group: &Group) -> std::result::Result<Identity, ResolveError> {
    let (user_part, group_part) = match spec.split_once(':') {
        Some((user, group)) => (user, Some(group)),
        None => (spec, None),
    };
    if user_part.is_empty() || group_part == Some("") {
        return Err(ResolveError::Incomplete(spec.to_owned()));
    }
    let unknown_user = || ResolveError::UnknownUser(user_part.to_owned());
    let user = passwd.by_name(user_part).or_else(|| passwd.by_uid(parse_id(user_part)?));
    let uid = user.map(|user| user.uid).or_else(|| parse_id(user_part)).ok_or_else(unknown_user)?;
    let (gid, mut groups) = match group_part {
        Some(part) => {
            let known = group.by_name(part).map(|group| group.gid);
            let gid = known.or_else(|| parse_id(part)).ok_or_else(|| ResolveError::UnknownGroup(part.to_owned()))?;
            (gid, Vec::new())
        }
        None => match user {
            Some(user) => (user.gid, group.of_member(&user.name)),
            None => (uid, Vec::new()),
        },
    };
    groups.push(gid);
    groups.sort_unstable();
    groups.dedup();
    let home = user.map_or_else(|| PathBuf::from("/"), |user| user.home.clone());
    Ok(Identity { uid, gid, groups, name: user.map(|user| user.name.clone()), home })
}

/// True if this process acts as root.
pub fn is_root() -> bool {
    geteuid().is_root()
}

/// True if CAP_IPC_LOCK can be handed to an unprivileged program: we have it, and the bounding set does not forbid it.
pub fn ipc_lock_available() -> bool {
    capabilities::is_permitted(capabilities::IPC_LOCK) && capabilities::is_bounding(capabilities::IPC_LOCK) == Ok(true)
}

/// A capability that a root of a container has unless it is taken away, and that root needs beside another user
/// (capabilities(7), whose numbers these are).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capability {
    /// To give files away.
    Chown = 0,
    /// To read and write what belongs to others.
    DacOverride = 1,
    /// To change the mode of what belongs to others.
    Fowner = 3,
    /// To signal the processes of others.
    Kill = 5,
    /// To become another group.
    Setgid = 6,
    /// To become another user.
    Setuid = 7,
}

impl Capability {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Chown, Self::DacOverride, Self::Fowner, Self::Kill, Self::Setgid, Self::Setuid];

    /// Its name as Docker and Kubernetes take it: without `CAP_`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Chown => "CHOWN",
            Self::DacOverride => "DAC_OVERRIDE",
            Self::Fowner => "FOWNER",
            Self::Kill => "KILL",
            Self::Setgid => "SETGID",
            Self::Setuid => "SETUID",
        }
    }
}

/// Those that this process lacks though it is root; none where it is not, and is not meant to have any.
pub fn lacking() -> Vec<Capability> {
    if !is_root() {
        return Vec::new();
    }
    let effective = capabilities::effective();
    Capability::ALL.into_iter().filter(|capability| effective & (1 << *capability as u32) == 0).collect()
}

/// Those of `lacking` that may be why the kernel refused a file to root.
pub fn behind(errno: Errno, lacking: &[Capability]) -> Vec<Capability> {
    let asked: &[Capability] = match errno {
        Errno::EACCES => &[Capability::DacOverride],
        Errno::EPERM => &[Capability::Chown, Capability::Fowner],
        _ => &[],
    };
    lacking.iter().filter(|capability| asked.contains(capability)).copied().collect()
}

/// Gives the pipes and terminals among descriptors 0 to 2 to the user, who could otherwise not open /dev/stdout.
///
/// Regular files, sockets and devices such as /dev/null stay as they are, the group too. EPERM and EROFS are
/// tolerated: a runtime may have given us streams that are not ours to change.
pub fn fix_standard_streams_owner(identity: &Identity) -> Result<()> {
    let (stdin, stdout, stderr) = (io::stdin(), io::stdout(), io::stderr());
    [stdin.as_fd(), stdout.as_fd(), stderr.as_fd()].into_iter().try_for_each(|stream| give(stream, identity.uid))
}

fn give(stream: BorrowedFd<'_>, uid: u32) -> Result<()> {
    let failed = |errno| Error::new("change the owner of a standard stream", errno);
    let state = fstat(stream).map_err(failed)?;
    let kind = SFlag::from_bits_truncate(state.st_mode & libc::S_IFMT);
    let is_ours_to_give = kind == SFlag::S_IFIFO || kind == SFlag::S_IFCHR && isatty(stream) == Ok(true);
    if !is_ours_to_give || state.st_uid == uid {
        return Ok(());
    }
    match fchown(stream, Some(Uid::from_raw(uid)), None) {
        Ok(()) | Err(Errno::EPERM | Errno::EROFS) => Ok(()),
        Err(errno) => Err(failed(errno)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> (Passwd, Group) {
        (
            Passwd::parse("root:x:0:0::/root:\nana:x:999:998::/home/ana:\n7:x:70:71::/:\n"),
            Group::parse("root:x:0:\nana:x:998:\nusers:x:100:ana\ndisk:x:6:ana\n"),
        )
    }

    fn resolved(spec: &str) -> std::result::Result<Identity, ResolveError> {
        let (passwd, group) = files();
        resolve(spec, &passwd, &group)
    }

    #[test]
    fn a_name_brings_its_groups_and_home() {
        let ana = resolved("ana").unwrap();
        assert_eq!((ana.uid, ana.gid, ana.groups.as_slice()), (999, 998, &[6, 100, 998][..]));
        assert_eq!((ana.name.as_deref(), ana.home.to_str()), (Some("ana"), Some("/home/ana")));
        assert_eq!(resolved("999").unwrap(), ana);
    }

    #[test]
    fn a_refusal_is_laid_to_a_capability_that_is_missing_and_to_no_other() {
        use Capability::{Chown, DacOverride, Fowner, Kill};
        assert_eq!(behind(Errno::EPERM, &[Chown, DacOverride, Fowner, Kill]), [Chown, Fowner]);
        assert_eq!(behind(Errno::EPERM, &[Fowner]), [Fowner]);
        assert_eq!(behind(Errno::EACCES, &[Chown, DacOverride]), [DacOverride]);
        assert_eq!(behind(Errno::EACCES, &[Chown]), []);
        assert_eq!(behind(Errno::EROFS, &Capability::ALL), []);
    }

    #[test]
    fn an_unknown_uid_does_not_get_roots_group() {
        let stranger = resolved("12345").unwrap();
        assert_eq!((stranger.uid, stranger.gid, stranger.groups.as_slice()), (12345, 12345, &[12345][..]));
        assert_eq!((stranger.name, stranger.home.to_str()), (None, Some("/")));
    }

    #[test]
    fn a_given_group_is_the_only_one() {
        let ana = resolved("ana:users").unwrap();
        assert_eq!((ana.gid, ana.groups), (100, vec![100]));
        assert_eq!(resolved("1:2").unwrap().groups, [2]);
    }

    #[test]
    fn a_name_of_digits_is_a_name() {
        assert_eq!(resolved("7").unwrap().uid, 70);
    }

    #[test]
    fn what_is_neither_name_nor_number_is_refused() {
        for bad in ["", ":", ":0", "0:"] {
            assert_eq!(resolved(bad), Err(ResolveError::Incomplete(bad.into())));
        }
        for bad in ["bogus", "0day", "-1", "4294967295", "0 "] {
            assert_eq!(resolved(bad), Err(ResolveError::UnknownUser(bad.into())));
        }
        assert_eq!(resolved("0:0day"), Err(ResolveError::UnknownGroup("0day".into())));
        assert_eq!(resolved("0:1:2"), Err(ResolveError::UnknownGroup("1:2".into())));
    }

    #[test]
    fn a_pipe_is_given_and_a_file_is_not() {
        if !is_root() {
            eprintln!("skipped: changing owners needs root");
            return;
        }
        let (reader, _writer) = nix::unistd::pipe().unwrap();
        give(reader.as_fd(), 4242).unwrap();
        assert_eq!(fstat(&reader).unwrap().st_uid, 4242);
        let file = tempfile::tempfile().unwrap();
        give(file.as_fd(), 4242).unwrap();
        assert_eq!(fstat(&file).unwrap().st_uid, 0);
    }
}
