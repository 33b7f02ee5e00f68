//! `status`: one look at the node that runs here, for a person or in JSON, once or again and again.

mod cql;
mod facts;
mod files;
mod gather;
mod init;
mod jmx;
mod json;
mod kernel;
mod screen;
#[cfg(test)]
mod tests;

use std::io::IsTerminal as _;
use std::thread;
use std::time::Duration;

use crate::cli::StatusArguments;
use crate::commands::{Assignment, has_colour, print, run_folder};
use crate::exit::{Exit, Failure};
use facts::Facts;

/// Prints what can be known: 0 if it could look, 69 if no node runs here. A watch ends with the node, or by Ctrl-C.
pub(super) fn status(arguments: &StatusArguments, environment: &[Assignment]) -> Result<Exit, Failure> {
    let limit = arguments.timeout.get();
    let look = || gather::gather(environment, limit);
    let colours = has_colour(environment);
    let Some(mut facts) = look()? else { return Err(run_folder::nobody()) };
    let Some(pause) = arguments.watch else {
        let text = if arguments.json { json::write(&facts, false) } else { screen::screen(&facts, colours) };
        print(&text)?;
        return Ok(Exit::Success);
    };
    let mut drawn = 0;
    loop {
        let text = frame(&facts, arguments, colours);
        let on_terminal = !arguments.json && std::io::stdout().is_terminal();
        print(&if on_terminal { redrawn(&text, drawn) } else { text.clone() })?;
        drawn = text.lines().count();
        thread::sleep(pause.get().max(Duration::from_millis(100)));
        match look()? {
            Some(next) => facts = next,
            None => return Err(run_folder::nobody()),
        }
    }
}

/// What a watch prints for one look: on a terminal the screen, elsewhere a line.
fn frame(facts: &Facts, arguments: &StatusArguments, colours: bool) -> String {
    if arguments.json {
        json::write(facts, true)
    } else if std::io::stdout().is_terminal() {
        screen::screen(facts, colours)
    } else {
        screen::line(facts, colours)
    }
}

/// A text in the place of one with so many lines (ECMA-48: CUU, EL, ED). Lines are not wrapped meanwhile (DECAWM), or they would
/// be more; all of it is one write, so that whoever ends us leaves the terminal as it was.
fn redrawn(text: &str, lines: usize) -> String {
    let mut out = String::from("\x1b[?7l");
    if lines > 0 {
        out.extend(["\x1b[", &lines.to_string(), "A\r"]);
    }
    for line in text.lines() {
        out.push_str(line);
        out.push_str("\x1b[K\n");
    }
    out.push_str("\x1b[J\x1b[?7h");
    out
}
