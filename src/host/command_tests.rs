//! What a started program finds: codes, signals, descriptors, ids, and precise errors when it does not start.

use std::fs::{self, File};
use std::io::Read;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::host::privileges::{ipc_lock_available, is_root};
use crate::host::signals;

/// Starts the command. A file just written is busy (ETXTBSY) as long as a process that another test forks at that moment
/// holds our descriptor for writing, which ends with its exec.
fn spawn(command: &Command) -> Result<Child, SpawnError> {
    loop {
        match command.spawn() {
            Err(error) if error.error().errno() == Some(Errno::ETXTBSY) => std::thread::yield_now(),
            outcome => return outcome,
        }
    }
}

/// Runs the command and returns what it wrote to standard output.
fn output(mut command: Command) -> String {
    let (reader, writer) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC).unwrap();
    command.stdout = Stdio::Fd(writer);
    let child = spawn(&command).unwrap();
    drop(command);
    let mut text = String::new();
    File::from(reader).read_to_string(&mut text).unwrap();
    child.wait().unwrap();
    text
}

fn program(path: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(path);
    command.arguments = arguments.iter().map(OsString::from).collect();
    command
}

fn status() -> Command {
    program("/bin/cat", &["/proc/self/status"])
}

/// The value of one line of /proc/self/status.
fn field<'a>(status: &'a str, name: &str) -> &'a str {
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.unwrap_or_else(|| panic!("no {name} in {status}")).trim()
}

fn script(text: &str, mode: u32) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("script");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    (folder, path)
}

fn failure(path: impl Into<PathBuf>) -> SpawnError {
    spawn(&Command::new(path)).unwrap_err()
}

#[test]
fn a_missing_program_is_127() {
    let error = failure("/does/not/exist");
    assert_eq!(error.exit_code(), 127);
    assert_eq!(error.to_string(), "cannot execute /does/not/exist: no such file or directory");
}

#[test]
fn a_missing_interpreter_is_127_and_named_as_such() {
    let (_folder, path) = script("#!/does/not/exist\n", 0o755);
    let error = failure(path);
    assert_eq!(error.exit_code(), 127);
    assert!(error.to_string().contains("its interpreter"), "{error}");
}

#[test]
fn what_cannot_be_executed_is_126() {
    let (_plain, not_executable) = script("#!/bin/sh\n", 0o644);
    let (_text, no_format) = script("just text\n", 0o755);
    for path in [not_executable, no_format, PathBuf::from("/tmp")] {
        assert_eq!(failure(&path).exit_code(), 126, "{}", path.display());
    }
}

#[test]
fn a_relative_program_or_a_nul_is_refused() {
    assert_eq!(failure("true").exit_code(), 126);
    assert_eq!(program("/bin/true", &["a\0b"]).spawn().unwrap_err().exit_code(), 126);
}

#[test]
fn a_missing_folder_is_named() {
    let mut command = Command::new("/bin/true");
    command.directory = Some("/does/not/exist".into());
    let error = command.spawn().unwrap_err();
    assert_eq!(error.stage(), Stage::Directory);
    assert_eq!(error.to_string(), "cannot enter /does/not/exist: no such file or directory");
}

#[test]
fn arguments_environment_and_folder_arrive() {
    let mut command = program("/bin/sh", &["-c", "echo $0 $1 $A $PWD", "zero", "one"]);
    command.environment = vec![("A".into(), "b=c".into())];
    command.directory = Some("/usr".into());
    assert_eq!(output(command), "zero one b=c /usr\n");
}

#[test]
fn the_program_starts_with_clean_signals() {
    let blocked_starter = std::thread::spawn(|| {
        signals::block_all();
        output(status())
    });
    let seen = blocked_starter.join().unwrap();
    for name in ["SigBlk", "SigIgn", "SigCgt", "SigPnd", "ShdPnd"] {
        assert_eq!(field(&seen, name), "0000000000000000", "{name}");
    }
}

#[test]
fn spawning_leaves_our_own_mask_alone() {
    std::thread::spawn(|| {
        signals::SignalMask::EMPTY.restore();
        Command::new("/bin/true").spawn().unwrap().wait().unwrap();
        assert_eq!(signals::block_all(), signals::SignalMask::EMPTY);
    })
    .join()
    .unwrap();
}

#[test]
fn the_program_has_its_own_group() {
    let stat = output(program("/bin/cat", &["/proc/self/stat"]));
    let fields: Vec<_> = stat.split_whitespace().collect();
    assert_eq!(fields[0], fields[4]);
}

#[test]
fn only_the_given_descriptors_are_open() {
    // A descriptor without close-on-exec, as a careless parent might leave it.
    let (_leaked, _too) = nix::unistd::pipe().unwrap();
    let mut command = program("/bin/ls", &["/proc/self/fd"]);
    command.stdin = Stdio::Null;
    // 3 is what ls itself opens to read the folder.
    assert_eq!(output(command), "0\n1\n2\n3\n");
}

#[test]
fn mapped_descriptors_may_swap_their_numbers() {
    let write = |text: &str| {
        let (reader, writer) = nix::unistd::pipe().unwrap();
        nix::unistd::write(&writer, text.as_bytes()).unwrap();
        reader
    };
    let (first, second) = (write("first\n"), write("second\n"));
    let (one, two) = (first.as_raw_fd(), second.as_raw_fd());
    let mut command = program("/bin/sh", &["-c", &format!("cat <&{two}; cat <&{one}")]);
    command.inherit = vec![(first, two), (second, one)];
    assert_eq!(output(command), "first\nsecond\n");
}

fn ana() -> Identity {
    Identity { uid: 4242, gid: 4343, groups: vec![4343, 6, 4343], name: None, home: "/".into() }
}

#[test]
fn the_program_runs_as_the_user_and_cannot_go_back() {
    if !is_root() {
        eprintln!("skipped: changing the user needs root");
        return;
    }
    let mut command = status();
    command.identity = Some(ana());
    let seen = output(command);
    assert_eq!(field(&seen, "Uid"), "4242\t4242\t4242\t4242");
    assert_eq!(field(&seen, "Gid"), "4343\t4343\t4343\t4343");
    assert_eq!(field(&seen, "Groups"), "6 4343");
    for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        assert_eq!(field(&seen, set), "0000000000000000", "{set}");
    }
    assert_eq!(field(&seen, "NoNewPrivs"), "1");
    assert_eq!(field(&seen, "SigIgn"), "0000000000000000");
}

/// A folder of `owner` that nobody else may enter, in one that all may.
fn private_folder(owner: u32) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
    std::os::unix::fs::chown(folder.path(), Some(owner), Some(owner)).unwrap();
    folder
}

fn in_folder(folder: &tempfile::TempDir) -> Command {
    let mut command = program("/bin/readlink", &["/proc/self/cwd"]);
    command.identity = Some(ana());
    command.directory = Some(folder.path().to_owned());
    command
}

/// Does it in a thread that is root, but to the file system a user who owns nothing.
fn with_closed_doors<T: Send>(action: impl FnOnce() -> T + Send) -> T {
    let in_thread = || {
        nix::unistd::setfsuid(nix::unistd::Uid::from_raw(4444));
        action()
    };
    std::thread::scope(|scope| scope.spawn(in_thread).join().unwrap())
}

#[test]
fn a_folder_is_entered_before_root_is_given_up() {
    if !is_root() {
        eprintln!("skipped: changing the user needs root");
        return;
    }
    let folder = private_folder(0);
    assert_eq!(output(in_folder(&folder)).trim(), folder.path().to_str().unwrap());
}

#[test]
fn a_folder_that_only_the_user_may_enter_is_entered_as_the_user() {
    if !is_root() {
        eprintln!("skipped: changing the user needs root");
        return;
    }
    let folder = private_folder(4242);
    let seen = with_closed_doors(|| output(in_folder(&folder)));
    assert_eq!(seen.trim(), folder.path().to_str().unwrap());
    let folder = private_folder(0);
    let error = with_closed_doors(|| in_folder(&folder).spawn().unwrap_err());
    assert_eq!(error.stage(), Stage::Directory, "{error}");
    assert!(error.to_string().ends_with(": permission denied"), "{error}");
}

#[test]
fn ipc_lock_is_ambient_when_asked_for() {
    if !is_root() || !ipc_lock_available() {
        eprintln!("skipped: needs root with CAP_IPC_LOCK");
        return;
    }
    let mut command = status();
    command.identity = Some(ana());
    command.keep_ipc_lock = true;
    let seen = output(command);
    for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        assert_eq!(field(&seen, set), "0000000000004000", "{set}");
    }
    assert_eq!(field(&seen, "NoNewPrivs"), "1");
}

#[test]
fn a_user_we_may_not_become_is_77() {
    if !is_root() {
        eprintln!("skipped: needs root to become somebody else first");
        return;
    }
    // The child of the child tries: it is unprivileged by then.
    let mut command = program("/proc/self/exe", &["--exact", "host::command::tests::becoming_ana", "--ignored"]);
    command.program = std::env::current_exe().unwrap();
    let copy = tempfile::tempdir().unwrap();
    fs::set_permissions(copy.path(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::copy(&command.program, copy.path().join("tests")).unwrap();
    command.program = copy.path().join("tests");
    command.identity = Some(Identity { uid: 4444, ..ana() });
    let seen = output(command);
    assert!(seen.contains("1 passed"), "{seen}");
}

#[test]
#[ignore = "needs to be started without privileges: run by a_user_we_may_not_become_is_77"]
fn becoming_ana() {
    let mut command = Command::new("/bin/true");
    command.identity = Some(ana());
    let error = command.spawn().unwrap_err();
    assert_eq!((error.stage(), error.exit_code()), (Stage::Privileges, 77));
    assert_eq!(error.to_string(), "cannot set the supplementary groups: operation not permitted");
}

#[test]
fn exec_replaces_the_process() {
    // In a child of its own, since there is nobody left afterwards to report.
    let mut command = program("/x", &["--exact", "host::command::tests::exec_alone", "--ignored", "--nocapture"]);
    command.program = std::env::current_exe().unwrap();
    assert!(output(command).ends_with("replaced\n"));
}

#[test]
#[ignore = "ends in another program: run by exec_replaces_the_process"]
fn exec_alone() {
    let missing = Command::new("/does/not/exist").exec();
    assert_eq!(missing.exit_code(), 127);
    let error = program("/bin/echo", &["replaced"]).exec();
    panic!("{error}");
}
