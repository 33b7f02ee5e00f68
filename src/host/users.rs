//! /etc/passwd and /etc/group, read by ourselves: a static binary has no NSS.
//!
//! The formats are those of `passwd(5)` and `group(5)`. A line that does not fit is skipped, as the C library does.

use std::io;
use std::path::{Path, PathBuf};

use super::{Error, Result};

/// One user of the passwd file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Login name.
    pub name: String,
    /// User id.
    pub uid: u32,
    /// Primary group id.
    pub gid: u32,
    /// Home folder; `/` where the field is empty.
    pub home: PathBuf,
}

/// The users of a system, in file order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Passwd(Vec<User>);

impl Passwd {
    /// Parses the text of a passwd file.
    pub fn parse(text: &str) -> Self {
        Self(text.lines().filter_map(user).collect())
    }

    /// Reads `etc/passwd` below `root`. A file that is missing is empty, as in an image built from scratch.
    pub fn read_from(root: &Path) -> Result<Self> {
        read(&root.join("etc/passwd")).map(|text| Self::parse(&text))
    }

    /// The first user of that name.
    pub fn by_name(&self, name: &str) -> Option<&User> {
        self.0.iter().find(|user| user.name == name)
    }

    /// The first user with that id.
    pub fn by_uid(&self, uid: u32) -> Option<&User> {
        self.0.iter().find(|user| user.uid == uid)
    }
}

/// One group of the group file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupEntry {
    /// Group name.
    pub name: String,
    /// Group id.
    pub gid: u32,
    /// Names of the users that have it as a supplementary group.
    pub members: Vec<String>,
}

/// The groups of a system, in file order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group(Vec<GroupEntry>);

impl Group {
    /// Parses the text of a group file.
    pub fn parse(text: &str) -> Self {
        Self(text.lines().filter_map(group).collect())
    }

    /// Reads `etc/group` below `root`. A file that is missing is empty.
    pub fn read_from(root: &Path) -> Result<Self> {
        read(&root.join("etc/group")).map(|text| Self::parse(&text))
    }

    /// The first group of that name.
    pub fn by_name(&self, name: &str) -> Option<&GroupEntry> {
        self.0.iter().find(|group| group.name == name)
    }

    /// The ids of all groups that name `user` as a member, in file order.
    pub fn of_member(&self, user: &str) -> Vec<u32> {
        let is_member = |group: &&GroupEntry| group.members.iter().any(|member| member == user);
        self.0.iter().filter(is_member).map(|group| group.gid).collect()
    }
}

/// Reads an id as strictly as the kernel means it: digits only, and not 4294967295, which stands for "unchanged"
/// (`chown(2)`).
pub fn parse_id(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten().filter(|id| *id != u32::MAX)
}

fn user(line: &str) -> Option<User> {
    let mut fields = line.split(':');
    let (name, _password) = (name(fields.next()?)?, fields.next()?);
    let (uid, gid) = (parse_id(fields.next()?)?, parse_id(fields.next()?)?);
    let home = fields.nth(1).filter(|home| !home.is_empty()).unwrap_or("/");
    Some(User { name, uid, gid, home: home.into() })
}

fn group(line: &str) -> Option<GroupEntry> {
    let mut fields = line.split(':');
    let (name, _password) = (name(fields.next()?)?, fields.next()?);
    let gid = parse_id(fields.next()?)?;
    let members = fields.next().unwrap_or_default().split(',').map(str::trim).filter(|member| !member.is_empty());
    Some(GroupEntry { name, gid, members: members.map(str::to_owned).collect() })
}

/// A name, unless the line is a comment or a NIS marker.
fn name(text: &str) -> Option<String> {
    (!text.is_empty() && !text.starts_with(['#', '+', '-'])).then(|| text.to_owned())
}

fn read(path: &Path) -> Result<String> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(Error::at("read", path, error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_by_name_and_id() {
        let passwd = Passwd::parse("root:x:0:0:root:/root:/bin/sh\nana:x:999:998:,,,:/home/ana:/bin/sh\n");
        assert_eq!(passwd.by_name("ana").unwrap().gid, 998);
        assert_eq!(passwd.by_uid(999).unwrap().home, Path::new("/home/ana"));
        assert_eq!(passwd.by_uid(7), None);
    }

    #[test]
    fn bad_lines_are_skipped() {
        let passwd = Passwd::parse("\n# x\n+::::::\nshort:x:1\nbad:x:1x:1::/:\nbig:x:4294967295:1::/:\nok:x:5:6::\n");
        assert_eq!(passwd.0, [User { name: "ok".into(), uid: 5, gid: 6, home: "/".into() }]);
    }

    #[test]
    fn supplementary_groups_come_from_the_member_lists() {
        let group = Group::parse("a:x:1:ana,bob\nb:x:2:bob\nc:x:3: ana \nd:x:4\nbad:x:-1:ana\n");
        assert_eq!(group.of_member("ana"), [1, 3]);
        assert_eq!(group.by_name("d").unwrap().gid, 4);
    }

    #[test]
    fn ids_are_digits_only() {
        for bad in ["", "-1", "+1", "0day", " 1", "4294967295", "4294967296", "1_0"] {
            assert_eq!(parse_id(bad), None, "{bad:?}");
        }
        assert_eq!(parse_id("4294967294"), Some(4_294_967_294));
    }

    #[test]
    fn a_missing_file_is_an_empty_one() {
        assert_eq!(Passwd::read_from(Path::new("/does/not/exist")).unwrap(), Passwd::default());
    }
}
