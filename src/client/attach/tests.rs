//! A shell that plays a JVM, and what a stranger may have put in its way.

use std::io::BufRead as _;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::thread;

use tempfile::TempDir;

use super::*;

/// Long enough for what does come.
const LONG: Duration = Duration::from_secs(20);
/// For what never comes.
const SHORT: Duration = Duration::from_millis(100);

fn own_pid() -> i32 {
    i32::try_from(std::process::id()).unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A folder in which this process listens as a JVM would.
fn listening() -> (TempDir, UnixListener, Jvm) {
    let folder = TempDir::new().unwrap();
    let listener = UnixListener::bind(folder.path().join(format!(".java_pid{}", own_pid()))).unwrap();
    let jvm = Jvm::with_folder(own_pid(), folder.path());
    (folder, listener, jvm)
}

/// What is made of an answer, and the request that it was given to.
fn answered(answer: &[u8]) -> (Result<String, Trouble>, Vec<u8>) {
    let (folder, listener, jvm) = listening();
    let before = names(folder.path());
    let (answer, length) = (answer.to_vec(), b"1\0jcmd\0VM.uptime\0\0\0".len());
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = vec![0; length];
        stream.read_exact(&mut request).unwrap();
        // The client may have had enough.
        let _ = stream.write_all(&answer);
        request
    });
    let result = jvm.jcmd("VM.uptime", true, LONG);
    assert_eq!(names(folder.path()), before);
    (result, server.join().unwrap())
}

#[test]
fn a_listening_jvm_is_asked_with_three_arguments_and_its_text_comes_back() {
    let (result, request) = answered(b"0\n12.345 s\nmore\n");
    assert_eq!(result, Ok("12.345 s\nmore\n".to_owned()));
    assert_eq!(request, b"1\0jcmd\0VM.uptime\0\0\0");
}

#[test]
fn a_refusal_is_told_with_its_code_and_words() {
    let refused = |code: &str, message: &str| Err(Trouble::Refused { code: code.into(), message: message.into() });
    assert_eq!(answered(b"-1\nOperation x not recognized!").0, refused("-1", "Operation x not recognized!"));
    assert_eq!(answered(b"101\n").0, refused("101", ""));
}

#[test]
fn what_is_no_answer_is_told() {
    let without_code = Err(Trouble::Broken("an answer without a code".into()));
    for answer in [&b""[..], b"0", b"\n", b"zero\ntext", b"\xff\xfe\n"] {
        assert_eq!(answered(answer).0, without_code, "{answer:?}");
    }
    let endless = [b"0\n".to_vec(), vec![b'x'; 33 << 20]].concat();
    assert_eq!(answered(&endless).0, Err(Trouble::Broken("an answer of more than 32 MiB".into())));
}

#[test]
fn a_jvm_that_accepts_and_says_little_or_nothing_is_silent_in_time() {
    for says_a_little in [false, true] {
        let (_folder, listener, jvm) = listening();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            // Until the client has gone.
            while says_a_little && stream.write_all(b"0").is_ok() {
                thread::sleep(Duration::from_millis(5));
            }
            let mut request = Vec::new();
            let _ = stream.read_to_end(&mut request);
        });
        assert_eq!(jvm.jcmd("VM.uptime", true, SHORT), Err(Trouble::Silent("does not answer in time".into())));
        server.join().unwrap();
    }
}

#[test]
fn a_jvm_that_accepts_nobody_is_silent_once_its_queue_is_full() {
    let (_folder, listener, jvm) = listening();
    let mut waiting = Vec::new();
    let full = loop {
        match socket::connect(&jvm.folder.join(format!(".java_pid{}", own_pid()))) {
            Ok(stream) => waiting.push(stream),
            Err(error) => break error,
        }
    };
    assert_eq!(full.kind(), io::ErrorKind::WouldBlock);
    let silent = Err(Trouble::Silent("accepts no connection: those before ours still wait".into()));
    assert_eq!(jvm.jcmd("VM.uptime", true, LONG), silent);
    drop(listener);
}

#[test]
fn what_a_dead_jvm_left_is_no_listener() {
    let (folder, listener, jvm) = listening();
    drop(listener);
    assert_eq!(jvm.jcmd("VM.uptime", false, LONG), Err(Trouble::NotListening));
    assert_eq!(names(folder.path()).len(), 1, "it is not ours to remove");
}

#[test]
fn nobody_else_is_taken_for_the_jvm() {
    let process = ready("sleep 1000");
    let folder = TempDir::new().unwrap();
    let path = folder.path().join(format!(".java_pid{}", process.pid()));
    let jvm = Jvm::with_folder(process.pid(), folder.path());
    let what = || match jvm.jcmd("VM.uptime", true, SHORT) {
        Err(Trouble::Place { what, .. }) => what,
        other => panic!("{other:?}"),
    };
    let listener = UnixListener::bind(&path).unwrap();
    assert_eq!(what(), format!("process {} does not listen there, but somebody else", process.pid()));
    drop(listener);
    fs::rename(&path, folder.path().join("elsewhere")).unwrap();
    symlink("elsewhere", &path).unwrap();
    assert_eq!(what(), format!("expected a socket of user {}", geteuid()));
    fs::remove_file(&path).unwrap();
    fs::write(&path, "").unwrap();
    assert_eq!(what(), format!("expected a socket of user {}", geteuid()));
}

/// A process that is no JVM, and is killed at the end.
struct Process(Child);

impl Process {
    fn pid(&self) -> i32 {
        i32::try_from(self.0.id()).unwrap()
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        io::BufReader::new(self.0.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        line
    }

    fn status(&self, field: &str) -> String {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        status.lines().find_map(|line| line.strip_prefix(field)).unwrap().trim_start_matches(':').trim().to_owned()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A shell that runs this, in an empty environment and with an argument of its own, once it has said that it is ready.
fn shell(script: &str, argument: &str) -> Process {
    let script = format!("{script}\necho ready\nwhile :; do sleep 0.01; done");
    // A shell cannot trap what it was started to ignore, as this process may have been.
    let mut command = Command::new("env");
    command.args(["-i", "--default-signal=QUIT", "sh", "-c", &script, "sh", argument]).stdout(Stdio::piped());
    let mut process = Process(command.spawn().unwrap());
    assert_eq!(process.line(), "ready\n");
    process
}

/// The same for a script that needs no signal.
fn ready(script: &str) -> Process {
    let mut process = Process(
        Command::new("sh").args(["-c", &format!("echo ready; exec {script}")]).stdout(Stdio::piped()).spawn().unwrap(),
    );
    assert_eq!(process.line(), "ready\n");
    process
}

/// What becomes of SIGQUIT says what it found in the folder.
fn tells_of_sigquit(folder: &Path) -> String {
    format!("trap 'echo $(ls -A {})' QUIT", folder.display())
}

#[test]
fn a_process_that_sigquit_would_end_gets_none() {
    let folder = TempDir::new().unwrap();
    for script in ["sleep 1000", "sh -c 'trap \"\" QUIT; exec sleep 1000'"] {
        let mut process = ready(script);
        let jvm = Jvm::with_folder(process.pid(), folder.path());
        assert_eq!(jvm.jcmd("VM.uptime", true, SHORT), Err(Trouble::Deaf(process.pid())));
        assert_eq!(process.0.try_wait().unwrap(), None, "it lives");
        assert_eq!(names(folder.path()), [""; 0]);
    }
}

#[test]
fn a_jvm_that_does_not_listen_is_asked_to_once_and_no_file_stays() {
    let folder = TempDir::new().unwrap();
    let mut process = shell(&tells_of_sigquit(folder.path()), "");
    let jvm = Jvm::with_folder(process.pid(), folder.path());
    assert_eq!(jvm.jcmd("VM.uptime", false, SHORT), Err(Trouble::NotListening));
    let asking = thread::spawn(move || jvm.jcmd("VM.uptime", true, LONG));
    assert_eq!(process.line(), format!(".attach_pid{}\n", process.pid()), "it was there when the signal came");
    // Somebody else's socket ends the waiting at once.
    let path = folder.path().join(format!(".java_pid{}", process.pid()));
    let _other = UnixListener::bind(&path).unwrap();
    assert!(matches!(asking.join().unwrap(), Err(Trouble::Place { .. })));
    fs::remove_file(&path).unwrap();
    assert_eq!(names(folder.path()), [""; 0]);
    kill(Pid::from_raw(process.pid()), Signal::SIGKILL).unwrap();
    assert_eq!(process.line(), "", "there was one signal");
}

#[test]
fn what_a_killed_process_of_ours_left_is_used_and_removed() {
    let folder = TempDir::new().unwrap();
    let process = shell(&tells_of_sigquit(folder.path()), "");
    let trigger = folder.path().join(format!(".attach_pid{}", process.pid()));
    let jvm = Jvm::with_folder(process.pid(), folder.path());
    fs::write(&trigger, "").unwrap();
    assert!(matches!(jvm.jcmd("VM.uptime", true, SHORT), Err(Trouble::Silent(_))));
    assert_eq!(names(folder.path()), [""; 0]);
    // What somebody else has put there is neither followed nor removed.
    symlink("target", &trigger).unwrap();
    let taken = Err(Trouble::Place { path: trigger.clone(), what: "file exists".into() });
    assert_eq!(jvm.jcmd("VM.uptime", true, SHORT), taken);
    assert_eq!(names(folder.path()).len(), 1, "and nothing was made at its target");
}

#[test]
fn a_stopped_jvm_is_silent_and_gets_no_signal() {
    let folder = TempDir::new().unwrap();
    let process = shell(&tells_of_sigquit(folder.path()), "");
    kill(Pid::from_raw(process.pid()), Signal::SIGSTOP).unwrap();
    while !process.status("State").starts_with('T') {
        thread::yield_now();
    }
    let jvm = Jvm::with_folder(process.pid(), folder.path());
    assert_eq!(jvm.jcmd("VM.uptime", true, LONG), Err(Trouble::Silent("is stopped by a signal".into())));
    assert_eq!(names(folder.path()), [""; 0]);
    assert_eq!(u64::from_str_radix(&process.status("ShdPnd"), 16).unwrap() & 0b100, 0, "no SIGQUIT waits for it");
}

#[test]
fn a_jvm_to_which_nobody_may_attach_gets_no_signal() {
    let folder = TempDir::new().unwrap();
    let mut process = shell("trap 'echo signal' QUIT; trap 'echo end' TERM", "-XX:+DisableAttachMechanism");
    let jvm = Jvm::with_folder(process.pid(), folder.path());
    assert_eq!(jvm.jcmd("VM.uptime", true, SHORT), Err(Trouble::SwitchedOff));
    kill(Pid::from_raw(process.pid()), Signal::SIGTERM).unwrap();
    assert_eq!(process.line(), "end\n", "nothing came before it");
    assert_eq!(names(folder.path()), [""; 0]);
}

#[test]
fn only_the_jvms_own_user_asks_it() {
    if !geteuid().is_root() {
        eprintln!("skipped: needs root for a process of another user");
        return;
    }
    let child = Command::new("sleep").arg("1000").uid(4242).gid(4243).spawn().unwrap();
    let process = Process(child);
    let jvm = Jvm::with_folder(process.pid(), "/nowhere");
    assert_eq!(jvm.jcmd("VM.uptime", true, LONG), Err(Trouble::OtherUser { uid: 4242, gid: 4243 }));
    assert_eq!(Jvm::new(i32::MAX).jcmd("help", true, LONG), Err(Trouble::Gone(i32::MAX)));
}

#[test]
fn a_request_that_would_become_another_is_not_sent() {
    let jvm = Jvm::new(own_pid());
    assert_eq!(jvm.jcmd("x\0load", false, LONG), Err(Trouble::Request("it contains a zero byte")));
    assert_eq!(jvm.jcmd(&"x".repeat(1025), false, LONG), Err(Trouble::Request("it is longer than 1024 bytes")));
}
