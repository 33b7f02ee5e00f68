//! Options that are laid over the option files: a mounted `jvm.options` of another line, and `CASSANDRA_JVM_OPTIONS`.

use crate::cassandra::{Line, java_flags};
use crate::config::documents::Layer;
use crate::config::jvm_options::{self, OptionKey};
use crate::config::plan::Inputs;
use crate::config::plan::draft::Draft;
use crate::config::plan::jvm::collector;
use crate::report::Finding;
use crate::settings::raw::Source;
use crate::settings::secret::{HIDDEN, hide_in_options, is_secret};

/// The file that 3.11 reads, and no later line.
const OLD_FILE: &str = "jvm.options";

/// A mounted `jvm.options` given to 4.0 or later: each of its options replaces the same one of this line's files, but for
/// those that this Java lacks. Where one of this line's files is mounted, too, that one stands.
pub(super) fn old_file(inputs: &Inputs, draft: &mut Draft) {
    if inputs.distribution.version.line() == Line::V3_11 || !is_mounted(draft, OLD_FILE) {
        return;
    }
    let file = jvm_options::JvmOptions::parse(OLD_FILE, draft.documents.base_text(OLD_FILE));
    let lines = file.text();
    let lines = lines.lines().enumerate().filter(|(_, line)| line.starts_with('-'));
    let options =
        lines.flat_map(|(at, line)| jvm_options::options_of(line).into_iter().map(move |option| (at + 1, option)));
    let java = inputs.distribution.java.major;
    let mut told: Vec<(&str, Vec<String>)> = Vec::new();
    let mut chosen = Vec::new();
    for (line, option) in options {
        if let Some(lack) = java_flags::lack(&option, java) {
            match told.iter_mut().find(|(why, _)| *why == lack.why) {
                Some((_, options)) => options.push(option),
                None => told.push((lack.why, vec![option])),
            }
        } else if !stands_in_mounted_file(&option, draft) {
            chosen.push((line, option));
        }
    }
    for (why, options) in told {
        draft.report(collector::left_out(OLD_FILE, java, &options, why));
    }
    collector::displace_for(&chosen, OLD_FILE, draft);
    for (line, option) in chosen {
        draft.option(&option, &Source::File { name: OLD_FILE.into(), line });
    }
}

/// An option of a mounted fragment holds in whichever file the same one stands below it: later files would win.
pub(super) fn fragments(draft: &mut Draft) {
    let all: Vec<(String, String)> = draft.options.live().map(|(file, option)| (file.to_owned(), option)).collect();
    let chosen = |file: &str, option: &str| draft.documents.is_chosen(file, &OptionKey::of(option).to_string());
    let mut going = Vec::new();
    for (file, option) in all.iter().filter(|(file, option)| chosen(file, option)) {
        let same = |(other, live): &&(String, String)| {
            other != file && OptionKey::of(live) == OptionKey::of(option) && !chosen(other, live)
        };
        going.extend(all.iter().filter(same).map(|(other, live)| (other.clone(), live.clone(), file.clone())));
    }
    for (file, option, by) in going {
        draft.disable_option(&file, &option, &Source::Computed(format!("the fragments of {by}")));
    }
}

fn is_mounted(draft: &Draft, file: &str) -> bool {
    matches!(draft.documents.layer(file), Layer::Overlay | Layer::Hook)
}

fn stands_in_mounted_file(option: &str, draft: &Draft) -> bool {
    let key = OptionKey::of(option);
    draft.options.live().any(|(file, live)| OptionKey::of(&live) == key && is_mounted(draft, file))
}

/// `CASSANDRA_JVM_OPTIONS`: one option a line, several where each begins with a dash.
pub(super) fn variable(inputs: &Inputs, draft: &mut Draft) {
    let Some(given) = &inputs.settings.jvm_options else { return };
    let source = &given.source;
    let mut seen: Vec<(usize, OptionKey, String)> = Vec::new();
    for (number, line) in given.value.numbered() {
        for option in options_of_line(line) {
            if !jvm_options::is_whole(&option) {
                draft.report(not_whole(source, number, &option));
                continue;
            }
            let key = OptionKey::of(&option);
            if let Some((earlier, _, other)) = seen.iter().find(|(_, known, _)| *known == key) {
                if *other != option {
                    let message =
                        format!("lines {earlier} and {number} disagree: {} and {}", quoted(other), quoted(&option));
                    draft.report(Finding::error(source.to_string(), message).hint("leave one of them out"));
                }
                continue;
            }
            draft.option(&option, source);
            seen.push((number, key, option));
        }
    }
    if let (Some(folder), Some(option)) = (
        &inputs.settings.heap_dump_dir,
        seen.iter().find(|(_, key, _)| *key == OptionKey::of("-XX:HeapDumpPath")).map(|(.., option)| option),
    ) {
        let message = format!("{option} disagrees with {}={}", folder.source, folder.value.as_path().display());
        draft.report(Finding::error(source.to_string(), message).hint("set the folder in one of them"));
    }
}

/// The options of a line: several only where each word begins with a dash or belongs to an option such as `--add-opens`.
fn options_of_line(line: &str) -> Vec<String> {
    let parted = jvm_options::options_of(line);
    if parted.iter().all(|option| jvm_options::is_whole(option)) { parted } else { vec![line.trim().to_owned()] }
}

fn not_whole(source: &Source, number: usize, option: &str) -> Finding {
    let place = source.to_string();
    if !option.starts_with('-') {
        let message = format!("line {number}: {} is no JVM option, expected it to begin with -", quoted(option));
        return Finding::error(place, message).hint("one option a line, such as -XX:MaxGCPauseMillis=200");
    }
    let message = format!("line {number}: {} holds a blank, which no option file can", quoted(option));
    Finding::error(place, message).hint("JDK_JAVA_OPTIONS takes an option in quotes (Java 9 and later)")
}

/// An option as a message quotes it, its secrets left out: all that follows the name of one.
fn quoted(option: &str) -> String {
    let name = option.split('=').next().unwrap_or_default();
    let shown = if is_secret(name) { format!("{name}={HIDDEN}") } else { hide_in_options(option).into_owned() };
    format!("'{}'", shown.escape_debug())
}
