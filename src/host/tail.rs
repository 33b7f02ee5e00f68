//! The end of a file that a less privileged user writes: its log.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use nix::libc;

/// What was written to `path` since it was `from` bytes long, at most the last `most` bytes; bytes that are no UTF-8 are
/// replaced. A file that is shorter now was begun anew, and counts from its start.
///
/// Only a regular file of the user `owner` is read, who could read it himself: a link or a hard link that he planted shows
/// nobody else's file. Anything else, and whatever cannot be read, is none.
pub fn of_user(path: &Path, owner: u32, from: u64, most: u64) -> Option<String> {
    read(path, owner, from, most).ok().flatten()
}

fn read(path: &Path, owner: u32, from: u64, most: u64) -> io::Result<Option<String>> {
    // O_NONBLOCK: opening a FIFO would wait for its writer.
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC;
    let mut file = File::options().read(true).custom_flags(flags).open(path)?;
    let state = file.metadata()?;
    if !state.is_file() || state.uid() != owner {
        return Ok(None);
    }
    let from = if state.len() < from { 0 } else { from };
    file.seek(SeekFrom::Start(from.max(state.len().saturating_sub(most))))?;
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes)?;
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn only_what_is_new_and_no_more_than_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("system.log");
        fs::write(&path, "old\nnew\nlast\n").unwrap();
        let own = nix::unistd::geteuid().as_raw();
        let tail = |from, most| of_user(&path, own, from, most);
        assert_eq!(tail(0, 100).as_deref(), Some("old\nnew\nlast\n"));
        assert_eq!(tail(4, 100).as_deref(), Some("new\nlast\n"));
        assert_eq!(tail(4, 5).as_deref(), Some("last\n"));
        assert_eq!(tail(99, 100).as_deref(), Some("old\nnew\nlast\n"), "it was begun anew");
        assert_eq!(tail(13, 100).as_deref(), Some(""));
    }

    #[test]
    fn a_planted_link_a_pipe_and_somebody_elses_file_show_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (secret, link, pipe) =
            (folder.path().join("secret"), folder.path().join("link"), folder.path().join("pipe"));
        fs::write(&secret, "secret").unwrap();
        symlink(&secret, &link).unwrap();
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRUSR).unwrap();
        let own = nix::unistd::geteuid().as_raw();
        for path in [&link, &pipe, &folder.path().to_owned(), &folder.path().join("missing")] {
            assert_eq!(of_user(path, own, 0, 100), None, "{}", path.display());
        }
        assert_eq!(of_user(&secret, own + 1, 0, 100), None, "a hard link to a file of root's is owned by root");
        assert!(of_user(&secret, own, 0, 100).is_some());
    }
}
