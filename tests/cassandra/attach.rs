//! What a running JVM says of itself, through HotSpot's attach protocol, which a JRE without jcmd(1) speaks, too.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use nix::sys::signal::Signal;

use crate::real::{signal, wait_until};

/// A JVM that runs, by its process id seen from here.
pub struct Jvm {
    socket: PathBuf,
}

impl Jvm {
    /// Asks it to listen (`attachListener_posix.cpp`): a file beside its working folder, then SIGQUIT.
    pub fn attach(pid: i32) -> Self {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let inner =
            status.lines().find_map(|line| line.strip_prefix("NSpid:")).unwrap().split_whitespace().last().unwrap();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap().trim();
        // Before it catches the signal it would die of it.
        assert!(u64::from_str_radix(caught, 16).unwrap() & (1 << (Signal::SIGQUIT as u64 - 1)) != 0, "{status}");
        let socket = PathBuf::from(format!("/proc/{pid}/root/tmp/.java_pid{inner}"));
        let request = PathBuf::from(format!("/proc/{pid}/cwd/.attach_pid{inner}"));
        fs::write(&request, "").unwrap();
        signal(pid, Signal::SIGQUIT);
        wait_until("the JVM's socket", || socket.exists());
        fs::remove_file(&request).unwrap();
        Self { socket }
    }

    /// The answer to a diagnostic command, as `jcmd` would print it.
    pub fn ask(&self, command: &str) -> String {
        let mut stream = UnixStream::connect(&self.socket).unwrap();
        stream.write_all(format!("1\0jcmd\0{command}\0\0\0").as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (code, text) = answer.split_once('\n').unwrap();
        assert_eq!(code, "0", "{command}: {text}");
        text.to_owned()
    }

    /// Every flag with its value.
    pub fn flags(&self) -> BTreeMap<String, String> {
        let text = self.ask("VM.flags -all");
        // `   bool UseG1GC   = true   {product} {command line}`
        let flag = |line: &str| {
            let (left, right) = line.split_once('=')?;
            let right = right.split_once('{').map_or(right, |(value, _)| value);
            Some((left.split_whitespace().nth(1)?.to_owned(), right.trim().to_owned()))
        };
        text.lines().filter_map(flag).collect()
    }

    /// Every system property with its value.
    pub fn properties(&self) -> BTreeMap<String, String> {
        let text = self.ask("VM.system_properties");
        let property = |line: &str| {
            let at = line.char_indices().find(|(at, c)| *c == '=' && !line[..*at].ends_with('\\'))?.0;
            // `Properties.store` escapes these; no other escape is in what Cassandra is given.
            let plain = |text: &str| text.replace("\\:", ":").replace("\\=", "=").replace("\\ ", " ");
            Some((plain(&line[..at]), plain(&line[at + 1..])))
        };
        text.lines().filter(|line| !line.starts_with('#')).filter_map(property).collect()
    }
}
