//! A pipe from a program that we start: what it writes is read without waiting, and not more than a limit of it.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::pipe2;

use super::{Error, Result};

/// The end that we read.
#[derive(Debug)]
pub struct Reader(OwnedFd);

/// What there was to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// More may come.
    Open,
    /// The other end is closed.
    Over,
    /// There is more than the limit allows.
    TooMuch,
}

/// A pipe; both ends are closed on exec. Only the end that we read never blocks.
pub fn pipe() -> Result<(Reader, OwnedFd)> {
    let failed = |errno| Error::new("create a pipe", errno);
    let (reader, writer) = pipe2(OFlag::O_CLOEXEC).map_err(failed)?;
    fcntl(&reader, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).map_err(failed)?;
    Ok((Reader(reader), writer))
}

impl Reader {
    /// Appends what is there to `bytes`, as long as those are not more than `limit`.
    pub fn read(&self, bytes: &mut Vec<u8>, limit: usize) -> Reading {
        let mut buffer = [0; 4096];
        loop {
            match nix::unistd::read(&self.0, &mut buffer) {
                Ok(0) => return Reading::Over,
                Ok(count) => {
                    if bytes.len() + count > limit {
                        return Reading::TooMuch;
                    }
                    bytes.extend_from_slice(buffer.get(..count).unwrap_or_default());
                }
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return Reading::Open,
                Err(_) => return Reading::Over,
            }
        }
    }
}

impl AsFd for Reader {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_up_to_the_limit_and_to_the_end() {
        let (reader, writer) = pipe().unwrap();
        let mut bytes = Vec::new();
        assert_eq!(reader.read(&mut bytes, 8), Reading::Open);
        nix::unistd::write(&writer, b"seen").unwrap();
        assert_eq!((reader.read(&mut bytes, 8), bytes.as_slice()), (Reading::Open, b"seen".as_slice()));
        nix::unistd::write(&writer, b"seen again").unwrap();
        assert_eq!(reader.read(&mut bytes, 8), Reading::TooMuch);
        drop(writer);
        assert_eq!((reader.read(&mut bytes, 8), bytes.as_slice()), (Reading::Over, b"seen".as_slice()));
    }
}
