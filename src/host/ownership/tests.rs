//! The rules of the walk, each on a tree of its own. Most need root, because only root gives files away.

use std::cell::Cell;
use std::fs::{self, File};
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, lchown, symlink};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::fcntl::{AT_FDCWD, OFlag, openat};
use nix::mount::{MsFlags, mount, umount};
use nix::sys::stat::{Mode, mkdirat};

use super::*;
use crate::host::privileges::is_root;

const UID: u32 = 4242;
const GID: u32 = 4343;
/// Descriptors that a walk may have open at a time, twice: those of a deep tree that another test walks are counted, too.
/// Nine walkers have each the folder of their share, 33 of the way down from it, and one that they open or give away.
const FEW: usize = 2 * 9 * 35;

/// A folder below the system's temporary one, of user 0, removed at the end however deep it is.
struct Tree(tempfile::TempDir);

impl Tree {
    /// `None`, and a word about it, without root.
    fn new() -> Option<Self> {
        if is_root() {
            return Some(Self(tempfile::tempdir().unwrap()));
        }
        eprintln!("skipped: changing owners needs root");
        None
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn file(self, name: &str) -> Self {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        File::create(self.path(name)).unwrap();
        self
    }

    fn owner(&self, name: &str) -> (u32, u32) {
        let state = fs::symlink_metadata(self.path(name)).unwrap();
        (state.uid(), state.gid())
    }

    /// So much that threads join the walk: 600 files, which are met first, and 40 folders of 20 files.
    fn much(self) -> Self {
        let files = (0..600).map(|number| format!("file{number}"));
        let deeper = (0..800).map(|number| format!("folder{}/{number}", number % 40));
        files.chain(deeper).fold(self, |tree, name| tree.file(&name))
    }

    fn walk(&self) -> Summary {
        self.walk_as(&Walk::new(UID, GID))
    }

    /// Walks, and counts how many descriptors below this tree are open at a time.
    fn walk_counting_descriptors(&self) -> (Summary, usize) {
        let most = Cell::new(0);
        let is_ours = |link: std::io::Result<PathBuf>| match link {
            Ok(path) => path.starts_with(self.0.path()),
            // Deeper than any path can tell.
            Err(error) => error.raw_os_error() == Some(Errno::ENAMETOOLONG as i32),
        };
        let look = || {
            let open = fs::read_dir("/proc/self/fd").unwrap().flatten();
            most.set(most.get().max(open.filter(|entry| is_ours(fs::read_link(entry.path()))).count()));
            false
        };
        let summary = Walk::new(UID, GID).run(self.0.path(), look, |_| {}).unwrap();
        (summary, most.get())
    }

    fn walk_as(&self, walk: &Walk) -> Summary {
        walk.run(self.0.path(), || false, |_| {}).unwrap()
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        // The paths of the deep tree are too long for std.
        let _ = std::process::Command::new("/bin/rm").arg("-rf").arg(self.0.path()).status();
    }
}

#[test]
fn everything_is_given_and_the_second_walk_changes_nothing() {
    let Some(tree) = Tree::new() else { return };
    let tree = tree.file("a/b/c").file("a/d").file("e");
    let first = tree.walk();
    assert_eq!((first.entries, first.changed), (6, 6));
    let names = ["", "a", "a/b", "a/b/c", "a/d", "e"];
    let ctimes =
        || names.map(|name| fs::metadata(tree.path(name)).map(|state| (state.ctime(), state.ctime_nsec())).unwrap());
    let before = ctimes();
    assert!(names.iter().all(|name| tree.owner(name) == (UID, GID)));
    let second = tree.walk();
    assert_eq!((second.entries, second.changed), (6, 0));
    assert_eq!(ctimes(), before);
}

#[test]
fn a_wrong_group_alone_is_a_reason() {
    let Some(tree) = Tree::new() else { return };
    let tree = tree.file("x");
    lchown(tree.path("x"), Some(UID), Some(0)).unwrap();
    assert_eq!(tree.walk().changed, 2);
    assert_eq!(tree.owner("x"), (UID, GID));
}

#[test]
fn a_link_is_given_and_its_target_is_not() {
    let Some(outside) = Tree::new() else { return };
    let outside = outside.file("folder/secret");
    let tree = Tree::new().unwrap();
    symlink(outside.path("folder/secret"), tree.path("to_file")).unwrap();
    symlink(outside.path("folder"), tree.path("to_folder")).unwrap();
    symlink("nowhere", tree.path("dangling")).unwrap();
    assert_eq!(tree.walk().changed, 4);
    for name in ["to_file", "to_folder", "dangling"] {
        assert_eq!(tree.owner(name), (UID, GID), "{name}");
    }
    assert_eq!((outside.owner("folder"), outside.owner("folder/secret")), ((0, 0), (0, 0)));
}

#[test]
fn a_root_that_is_a_link_is_refused() {
    let Some(tree) = Tree::new() else { return };
    let tree = tree.file("real/x");
    symlink("real", tree.path("link")).unwrap();
    for name in ["link", "link/"] {
        let error = Walk::new(UID, GID).run(&tree.path(name), || false, |_| {}).unwrap_err().to_string();
        assert!(error.ends_with("a symbolic link"), "{error}");
    }
    symlink("/", tree.path("slash")).unwrap();
    let error = Walk::new(UID, GID).run(&tree.path("slash/etc"), || false, |_| {}).unwrap_err().to_string();
    assert!(error.ends_with("leads to /etc, a system folder"), "{error}");
    assert_eq!(tree.owner("real/x"), (0, 0));
}

#[test]
fn a_planted_hard_link_is_skipped_where_the_kernel_allows_planting() {
    let Some(outside) = Tree::new() else { return };
    let outside = outside.file("secret");
    let tree = Tree::new().unwrap().file("own");
    fs::hard_link(outside.path("secret"), tree.path("planted")).unwrap();
    let mut walk = Walk::new(UID, GID);
    walk.protected_hardlinks = false;
    let summary = tree.walk_as(&walk);
    assert_eq!(summary.hard_links, Skipped { count: 1, first: Some((tree.path("planted"), None)) });
    assert_eq!((outside.owner("secret"), tree.owner("own")), ((0, 0), (UID, GID)));
    walk.protected_hardlinks = true;
    assert_eq!(tree.walk_as(&walk).changed, 1);
}

#[test]
fn other_mounts_are_not_entered() {
    let Some(tree) = Tree::new() else { return };
    let tree = tree.file("mounted/x").file("bound/x").file("source/y");
    let no: Option<&str> = None;
    if mount(Some("tmpfs"), &tree.path("mounted"), Some("tmpfs"), MsFlags::empty(), no).is_err() {
        eprintln!("skipped: mounting is not allowed here");
        return;
    }
    mount(Some(&tree.path("source")), &tree.path("bound"), no, MsFlags::MS_BIND, no).unwrap();
    let summary = tree.walk();
    let mounted = tree.owner("mounted");
    umount(&tree.path("mounted")).unwrap();
    umount(&tree.path("bound")).unwrap();
    assert_eq!(summary.mounts.count, 2);
    assert_eq!(mounted, (0, 0));
    assert_eq!(tree.owner("bound"), (0, 0));
}

#[test]
fn a_stopped_walk_leaves_the_root_unmarked() {
    let Some(tree) = Tree::new() else { return };
    let tree = (0..300).fold(tree, |tree, number| tree.file(&number.to_string()));
    let asked = Cell::new(0);
    let stop = || {
        asked.set(asked.get() + 1);
        asked.get() > 2
    };
    let summary = Walk::new(UID, GID).run(tree.0.path(), stop, |_| {}).unwrap();
    assert!(summary.stopped);
    assert!((1..300).contains(&summary.changed), "{summary:?}");
    assert!(!Walk::new(UID, GID).root_is_right(tree.0.path()).unwrap());
    assert!(!tree.walk().stopped);
    assert!(Walk::new(UID, GID).root_is_right(tree.0.path()).unwrap());
}

#[test]
fn what_the_kernel_denies_is_counted_and_the_rest_goes_on() {
    let Some(tree) = Tree::new() else { return };
    let tree = tree.file("kept").file("other");
    let immutable = |flag: &str| std::process::Command::new("chattr").arg(flag).arg(tree.path("kept")).output();
    if !immutable("+i").is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: this file system has no immutable files");
        return;
    }
    let summary = tree.walk();
    immutable("-i").unwrap();
    assert_eq!(summary.denied, Skipped { count: 1, first: Some((tree.path("kept"), Some(Errno::EPERM))) });
    assert_eq!((tree.owner("other"), tree.owner("")), ((UID, GID), (UID, GID)));
}

#[test]
fn a_tree_deeper_than_any_path_is_walked_with_few_descriptors() {
    const DEPTH: u64 = 3000;
    let Some(tree) = Tree::new() else { return };
    let mut folder = openat(AT_FDCWD, tree.0.path(), OFlag::O_DIRECTORY, Mode::empty()).unwrap();
    for _ in 0..DEPTH {
        for name in ["a", "left", "right"] {
            mkdirat(folder.as_fd(), name, Mode::S_IRWXU).unwrap();
        }
        folder = openat(folder.as_fd(), "a", OFlag::O_DIRECTORY, Mode::empty()).unwrap();
    }
    let (summary, most) = tree.walk_counting_descriptors();
    assert_eq!((summary.changed, summary.vanished), (3 * DEPTH + 1, 0));
    assert!((2..FEW).contains(&most), "{most} descriptors at a time");
    assert_eq!(nix::sys::stat::fstat(&folder).unwrap().st_uid, UID);
    assert_eq!(tree.walk().changed, 0);
}

#[test]
fn a_wide_folder_is_walked_piece_by_piece() {
    let Some(tree) = Tree::new() else { return };
    for number in 0..97_000 {
        File::create(tree.path(&number.to_string())).unwrap();
    }
    for number in 0..3_000 {
        fs::create_dir(tree.path(&format!("folder{number}"))).unwrap();
    }
    let (summary, most) = tree.walk_counting_descriptors();
    assert_eq!(summary.changed, 100_001);
    assert!((1..FEW).contains(&most), "{most} descriptors at a time");
    assert_eq!(tree.walk().changed, 0);
}

#[test]
fn a_stop_is_asked_for_every_16_entries_however_long_each_takes() {
    let Some(tree) = Tree::new() else { return };
    let tree = (0..1000).fold(tree, |tree, number| tree.file(&number.to_string()));
    let asked = Cell::new(0_u64);
    let stop = || {
        asked.set(asked.get() + 1);
        false
    };
    let summary = Walk::new(UID, GID).run(tree.0.path(), stop, |_| {}).unwrap();
    assert!(asked.get() >= summary.entries / 16, "{} questions for {} entries", asked.get(), summary.entries);
    // And it is the answer to one that ends the walk, with at most 16 entries more.
    let changed = |after: u64| {
        let asked = Cell::new(0);
        let stop = || {
            asked.set(asked.get() + 1);
            asked.get() > after
        };
        Walk::new(0, 0).run(tree.0.path(), stop, |_| {}).unwrap().changed
    };
    assert_eq!(changed(0), 0);
    assert!((1..=16).contains(&changed(1)));
}

#[test]
fn a_fresh_volumes_lost_and_found_is_given_like_everything_else() {
    use std::os::unix::fs::PermissionsExt as _;
    let Some(tree) = Tree::new() else { return };
    let tree = tree.file("lost+found/piece");
    fs::set_permissions(tree.path("lost+found"), fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(tree.walk().changed, 3);
    let state = fs::metadata(tree.path("lost+found")).unwrap();
    assert_eq!((state.uid(), state.mode() & 0o7777), (UID, 0o700), "owners change, modes do not");
    assert_eq!(tree.owner("lost+found/piece"), (UID, GID));
}

#[test]
fn with_and_without_threads_the_same_is_done() {
    let Some(tree) = Tree::new() else { return };
    let tree = tree.much();
    symlink("nowhere", tree.path("folder7/link")).unwrap();
    let mut walk = Walk::new(UID, GID);
    for (threads, uid) in [(8, UID), (0, UID + 1), (1, UID + 2)] {
        (walk.uid, walk.threads) = (uid, threads);
        let summary = tree.walk_as(&walk);
        assert_eq!((summary.entries, summary.changed), (1442, 1442), "{threads} threads");
        assert_eq!((tree.owner(""), tree.owner("folder7/link")), ((uid, GID), (uid, GID)), "{threads} threads");
        assert_eq!(tree.walk_as(&walk).changed, 0, "{threads} threads");
    }
}

#[test]
fn threads_take_part_and_a_stop_ends_them_and_leaves_the_root_unmarked() {
    let Some(tree) = Tree::new() else { return };
    let tree = tree.much();
    let owned = |folder: &str| {
        fs::read_dir(tree.path(folder))
            .unwrap()
            .flatten()
            .filter(|entry| entry.metadata().unwrap().uid() == UID)
            .count()
    };
    let count = || owned("") + (0..40).map(|number| owned(&format!("folder{number}"))).sum::<usize>();
    let (last, grew) = (Cell::new(0), Cell::new(false));
    // We are the caller's thread, which gives 16 files and a folder at most between two questions. All else others give.
    let stop = || {
        let deadline = std::time::Instant::now() + Duration::from_millis(if last.get() > 512 { 50 } else { 0 });
        loop {
            let now = count();
            grew.set(grew.get() || now > last.get() + 17);
            if grew.get() || std::time::Instant::now() >= deadline {
                last.set(now);
                return grew.get();
            }
        }
    };
    let summary = Walk::new(UID, GID).run(tree.0.path(), stop, |_| {}).unwrap();
    assert!(summary.stopped && grew.get(), "{summary:?}");
    assert_eq!(count() as u64, summary.changed, "every change is counted");
    assert_eq!(tree.owner(""), (0, 0));
    for folder in (0..40).map(|number| format!("folder{number}")) {
        assert!(tree.owner(&folder).0 == 0 || owned(&folder) == 20, "{folder} is given after what is in it");
    }
    assert_eq!(tree.walk().changed, 1441 - summary.changed);
    assert_eq!((count(), tree.owner("")), (1440, (UID, GID)));
}

/// An attacker exchanges a folder for a link to one outside, over and over, while root walks.
fn swap_race(tree: &Tree, walk: &Walk, rounds: usize) {
    let outside = Tree::new().unwrap().file("secret");
    symlink(outside.0.path(), tree.path("link")).unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let attacker = {
        let (done, root) = (Arc::clone(&done), tree.0.path().to_path_buf());
        std::thread::spawn(move || {
            let swap = |from: &str, to: &str| fs::rename(root.join(from), root.join(to)).unwrap();
            while !done.load(Ordering::Relaxed) {
                swap("victim", "aside");
                swap("link", "victim");
                swap("victim", "link");
                swap("aside", "victim");
            }
        })
    };
    for round in 0..rounds {
        tree.walk_as(walk);
        assert_eq!((outside.owner("secret"), outside.owner("")), ((0, 0), (0, 0)), "round {round}");
        for name in ["victim", "victim/secret", "aside", "aside/secret"] {
            let _ = lchown(tree.path(name), Some(0), Some(0));
        }
    }
    done.store(true, Ordering::Relaxed);
    attacker.join().unwrap();
}

#[test]
fn the_swap_race_cannot_be_won() {
    let Some(tree) = Tree::new() else { return };
    swap_race(&tree.file("victim/secret"), &Walk::new(UID, GID), 300);
}

#[test]
fn the_swap_race_cannot_be_won_against_threads() {
    let Some(tree) = Tree::new() else { return };
    swap_race(&tree.much().file("victim/secret"), &Walk::new(UID, GID), 300);
}

#[test]
fn a_moved_folder_on_a_closed_way_is_given_up() {
    let Some(tree) = Tree::new() else { return };
    let mut name = String::from("top");
    for _ in 0..100 {
        name.push_str("/d");
    }
    let tree = tree.file(&format!("{name}/x"));
    let (from, to) = (tree.path("top"), tree.path("moved"));
    let moved = Cell::new(false);
    let stop = || {
        // The second question comes 64 steps down, when nothing is closed yet; the third one after that.
        if !moved.get() && fs::metadata(&from).is_ok() {
            moved.set(true);
            return false;
        }
        let _ = fs::rename(&from, &to);
        false
    };
    let summary = Walk::new(UID, GID).run(tree.0.path(), stop, |_| {}).unwrap();
    assert!(summary.vanished > 0, "{summary:?}");
    assert_eq!(tree.owner(""), (UID, GID));
}

#[test]
fn refused_roots_are_left_alone() {
    for root in ["/", "/etc", "/proc/self", "data", ""] {
        let error = Walk::new(UID, GID).run(Path::new(root), || false, |_| {}).unwrap_err();
        assert!(error.to_string().starts_with("cannot change the owner of"), "{error}");
    }
}
