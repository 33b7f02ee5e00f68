//! `jcmd`: a diagnostic command of the running JVM, as jcmd(1) runs it, for images that have no JDK.

use std::time::Duration;

use crate::client::attach::{Jvm, Trouble};
use crate::commands::{Assignment, environment, passthrough, print, run_folder};
use crate::exit::{Exit, Failure};
use crate::host::command::Command;
use crate::host::privileges::{self, Identity};
use crate::report::Report;

/// Runs the command, by default `help`, and prints its answer.
pub(super) fn jcmd(words: &[String], limit: Duration, environment: &[Assignment]) -> Result<Exit, Failure> {
    let published = run_folder::of_a_node(&environment::of_process(environment, &mut Report::default()))?;
    let Some(child) = published.child else {
        return Err(Failure::message(Exit::TryAgain, "the node is being prepared, there is no JVM yet"));
    };
    let command = if words.is_empty() { "help".to_owned() } else { words.join(" ") };
    match Jvm::new(child).jcmd(&command, true, limit) {
        Ok(text) => {
            print(&text)?;
            Ok(Exit::Success)
        }
        Err(Trouble::OtherUser { uid, gid }) if privileges::is_root() => {
            Err(as_user(uid, gid, words, limit, environment))
        }
        Err(trouble) => Err(failure(trouble)),
    }
}

/// Becomes ourselves as the JVM's user: a JVM before 11 answers nobody else, and root has no business in that user's files.
fn as_user(uid: u32, gid: u32, words: &[String], limit: Duration, environment: &[Assignment]) -> Failure {
    let options = ["jcmd".into(), "--timeout".into(), format!("{}ms", limit.as_millis()).into(), "--".into()];
    let command = Command {
        argv0: Some(env!("CARGO_PKG_NAME").into()),
        arguments: options.into_iter().chain(words.iter().map(Into::into)).collect(),
        environment: environment.to_vec(),
        identity: Some(Identity { uid, gid, groups: vec![gid], name: None, home: "/".into() }),
        keep_ipc_lock: true,
        ..Command::new("/proc/self/exe")
    };
    passthrough::failure(&command.exec())
}

fn failure(trouble: Trouble) -> Failure {
    let exit = match trouble {
        Trouble::Refused { .. } => Exit::No,
        Trouble::Request(_) => Exit::Usage,
        Trouble::OtherUser { .. } => Exit::NoPermission,
        Trouble::Silent(_) | Trouble::Deaf(_) => Exit::TryAgain,
        Trouble::Place { .. } | Trouble::Broken(_) => Exit::InputOutput,
        Trouble::Gone(_) | Trouble::SwitchedOff | Trouble::NotListening => Exit::Unavailable,
    };
    let hint = match trouble {
        Trouble::Silent(_) => Some("kill -QUIT makes a JVM print its threads to its standard output"),
        Trouble::OtherUser { .. } => Some("run it as the Cassandra user, or as root"),
        _ => None,
    };
    let failure = Failure::new(exit, trouble);
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}
