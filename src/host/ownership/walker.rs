//! The walk itself: read, look, change, go down, come back.

use std::ffi::{CStr, CString};
use std::mem;
use std::ops::ControlFlow;
use std::os::fd::{AsFd, BorrowedFd};

use nix::errno::Errno;

use super::Walk;
use super::crew::Share;
use super::entries::{self, Stat};
use super::ledger::Ledger;
use super::trail::{Folder, Root, Trail};
use crate::host::{Error, Result};

/// How many folders of one folder may wait before reading goes on: bounds the memory that a wide folder takes.
const MOST_WAITING: usize = 1024;

/// Goes on, or has been stopped.
type Flow = ControlFlow<()>;

pub(super) struct Walker<'walk> {
    ledger: Ledger<'walk>,
    trail: Trail,
    device: (u32, u32),
    buffer: Vec<u8>,
}

impl<'walk> Walker<'walk> {
    /// For a whole tree.
    pub(super) fn of_tree(root: Root, ledger: Ledger<'walk>) -> Self {
        let device = root.stat.device;
        Self { ledger, trail: Trail::new(root), device, buffer: vec![0; entries::BUFFER] }
    }

    /// For some folders of a folder that somebody else will leave.
    pub(super) fn of_share(share: Share, ledger: Ledger<'walk>) -> Self {
        let device = share.folder.stat.device;
        Self { ledger, trail: Trail::of_share(share), device, buffer: vec![0; entries::BUFFER] }
    }

    /// Walks to the end, or to where the walk is stopped.
    pub(super) fn run(mut self) -> Result<()> {
        while let Some(last) = self.trail.last() {
            if self.ledger.is_stopped() || self.step(last)?.is_break() {
                break;
            }
        }
        self.ledger.close();
        Ok(())
    }

    /// One step in the last folder: down into one that waits, on through its entries, or up.
    fn step(&mut self, last: usize) -> Result<Flow> {
        let given_up = self.trail.reopen_last().map_err(|errno| self.failed(last, errno))?;
        if given_up > 0 {
            self.ledger.summary.vanished += given_up as u64;
            return Ok(Flow::Continue(()));
        }
        if self.ledger.crew.has_idle() {
            self.share(last);
        }
        let folder = self.trail.folder_mut(last).map_err(|errno| Error::new("walk", errno))?;
        match folder.waiting.pop() {
            Some(name) => self.enter(last, name),
            None if folder.is_read => self.leave(last),
            None => self.read(last),
        }
    }

    /// Leaves half of the folders that wait in the last one to an idle thread. Without a descriptor for it we keep them.
    fn share(&mut self, last: usize) {
        let Some(share) = self.trail.share(last) else { return };
        if let Some(share) = self.ledger.crew.offer(share)
            && let Ok(folder) = self.trail.folder_mut(last)
        {
            folder.waiting.extend(share.names);
        }
    }

    /// Goes down into the folder `name` of the last folder.
    fn enter(&mut self, last: usize, name: CString) -> Result<Flow> {
        let opened = self.trail.folder(last).and_then(Folder::fd).and_then(|above| {
            let fd = entries::open_folder(above, &name)?;
            let stat = entries::stat(fd.as_fd(), c"")?;
            Ok((fd, stat))
        });
        match opened {
            Ok((_, stat)) if is_other_mount(&stat, self.device) => {
                self.ledger.summary.mounts.add(|| self.trail.path_of(last, &name), None);
                Ok(Flow::Continue(()))
            }
            Ok((fd, stat)) => {
                self.trail.push(Folder::new(name, fd, stat));
                self.close_surplus()
            }
            Err(errno) => {
                self.ledger.forgive(errno, || self.trail.path_of(last, &name))?;
                Ok(Flow::Continue(()))
            }
        }
    }

    /// Gives the last folder, whose contents are all done, to the user, and goes up.
    fn leave(&mut self, last: usize) -> Result<Flow> {
        if last == 0 && self.trail.is_share() {
            self.trail.pop();
            return Ok(Flow::Continue(()));
        }
        if self.wait_for_shares(last).map_err(|errno| self.failed(last, errno))?.is_break() {
            return Ok(Flow::Break(()));
        }
        let walk = &self.ledger.crew.walk;
        self.ledger.summary.entries += 1;
        let folder = self.trail.folder(last).map_err(|errno| self.failed(last, errno))?;
        if !walk.is_right(&folder.stat) {
            let outcome = folder.fd().and_then(|fd| entries::chown(fd, c"", walk.uid, walk.gid));
            self.ledger.changed(outcome, || self.trail.path_of(last, c""))?;
        }
        self.trail.pop();
        Ok(Flow::Continue(()))
    }

    /// Waits until what was shared of the last folder is done, or the walk is stopped. The root waits for everything: what was
    /// shared of a folder that was given up since is nobody else's.
    fn wait_for_shares(&mut self, last: usize) -> Result<Flow, Errno> {
        let out = self.trail.folder_mut(last)?.out.take();
        if last > 0 && out.is_none() {
            return Ok(Flow::Continue(()));
        }
        let out = out.filter(|_| last > 0);
        while !self.ledger.crew.are_back(out.as_ref()) {
            self.ledger.listen();
            if self.ledger.crew.has_ended() {
                break;
            }
        }
        Ok(if self.ledger.crew.has_ended() { Flow::Break(()) } else { Flow::Continue(()) })
    }

    /// A folder that is closed must have been read to its end: where a directory stream can be taken up again after
    /// reopening is not the same in every file system.
    fn close_surplus(&mut self) -> Result<Flow> {
        if let Some(index) = self.trail.surplus() {
            while !self.trail.folder(index).is_ok_and(|folder| folder.is_read) {
                if self.read_piece(index)?.is_break() {
                    return Ok(Flow::Break(()));
                }
            }
            self.trail.close_surplus();
        }
        Ok(Flow::Continue(()))
    }

    /// Reads on in the folder at `index` until its end, or until enough folders wait in it.
    fn read(&mut self, index: usize) -> Result<Flow> {
        while self.trail.folder(index).is_ok_and(|folder| !folder.is_read && folder.waiting.len() < MOST_WAITING) {
            if self.read_piece(index)?.is_break() {
                return Ok(Flow::Break(()));
            }
        }
        Ok(Flow::Continue(()))
    }

    /// Reads one piece of a folder: folders in it wait, everything else is given to the user at once.
    fn read_piece(&mut self, index: usize) -> Result<Flow> {
        let mut buffer = mem::take(&mut self.buffer);
        let outcome = self.give_piece(index, &mut buffer);
        self.buffer = buffer;
        outcome
    }

    fn give_piece(&mut self, index: usize, buffer: &mut [u8]) -> Result<Flow> {
        let fd = self.trail.folder(index).and_then(Folder::fd).map_err(|errno| self.failed(index, errno))?;
        let length = match entries::read(fd, buffer) {
            Ok(length) => length,
            // Removed while it was open: then it is at its end.
            Err(Errno::ENOENT | Errno::ESTALE) => 0,
            Err(errno) => return Err(self.failed(index, errno)),
        };
        let mut waiting = Vec::new();
        for (name, is_folder) in entries::parse(buffer.get(..length).unwrap_or_default()) {
            if self.ledger.is_stopped() {
                return Ok(Flow::Break(()));
            }
            if is_folder {
                waiting.push(name.to_owned());
                continue;
            }
            match give(fd, name, self.device, &self.ledger.crew.walk) {
                Ok(Given::Folder) => {
                    waiting.push(name.to_owned());
                    continue;
                }
                Ok(Given::Right) => {}
                Ok(Given::Changed) => self.ledger.summary.changed += 1,
                Ok(Given::OtherMount) => self.ledger.summary.mounts.add(|| self.trail.path_of(index, name), None),
                Ok(Given::HardLink) => self.ledger.summary.hard_links.add(|| self.trail.path_of(index, name), None),
                Err(errno) => self.ledger.forgive(errno, || self.trail.path_of(index, name))?,
            }
            self.ledger.summary.entries += 1;
        }
        let folder = self.trail.folder_mut(index).map_err(|errno| Error::new("walk", errno))?;
        folder.is_read = length == 0;
        folder.waiting.append(&mut waiting);
        Ok(Flow::Continue(()))
    }

    fn failed(&self, index: usize, errno: Errno) -> Error {
        Error::at("read", self.trail.path_of(index, c""), errno)
    }
}

/// What became of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Given {
    /// It was right already.
    Right,
    Changed,
    /// It is a folder after all; some file systems do not say so in the listing.
    Folder,
    OtherMount,
    HardLink,
}

fn give(folder: BorrowedFd<'_>, name: &CStr, device: (u32, u32), walk: &Walk) -> Result<Given, Errno> {
    let stat = entries::stat(folder, name)?;
    if stat.is_folder {
        return Ok(Given::Folder);
    }
    if is_other_mount(&stat, device) {
        return Ok(Given::OtherMount);
    }
    if walk.is_right(&stat) {
        return Ok(Given::Right);
    }
    if walk.protected_hardlinks {
        entries::chown(folder, name, walk.uid, walk.gid)?;
        return Ok(Given::Changed);
    }
    // Here a link to anything may take the name's place at any time: what is looked at must be what is changed.
    let pinned = entries::pin(folder, name)?;
    let stat = entries::stat(pinned.as_fd(), c"")?;
    if stat.links > 1 && stat.uid != walk.uid {
        return Ok(Given::HardLink);
    }
    entries::chown(pinned.as_fd(), c"", walk.uid, walk.gid)?;
    Ok(Given::Changed)
}

fn is_other_mount(stat: &Stat, device: (u32, u32)) -> bool {
    stat.is_mount_root || stat.device != device
}
