//! The collector's log: standard output where that is asked for, else the file in the log folder.

use crate::cassandra::Line;
use crate::cassandra::java::{self, GcLog};
use crate::config::jvm_options::OptionKey;
use crate::config::plan::Inputs;
use crate::config::plan::draft::Draft;
use crate::settings::raw::Source;
use crate::settings::value::LaunchMode;

/// What Java 8 rotates its log with, which makes no sense of standard output.
const ROTATION: [&str; 3] = ["-XX:UseGCLogFileRotation", "-XX:NumberOfGCLogFiles", "-XX:GCLogFileSize"];

/// Writes the option where a variable says something; without one the file's stands, else the scripts' own or the direct
/// launch's. 3.11 always logs below CASSANDRA_HOME, where the user may not write, unless an option that comes later says
/// otherwise.
pub(super) fn plan(inputs: &Inputs, draft: &mut Draft) {
    let major = inputs.distribution.java.major;
    let to_stdout = inputs.settings.gc_stdout.as_ref().filter(|given| given.value);
    let verbose = inputs.settings.gc_verbose.as_ref().filter(|given| given.value);
    let file = inputs.logs.join("gc.log");
    if let Some(given) = to_stdout {
        for flag in ROTATION {
            draft.remove_option(flag);
        }
        draft.option(&java::gc_log(major, &GcLog { file: None, verbose: verbose.is_some() }), &given.source);
    } else if let Some(given) = verbose.filter(|_| major >= 9) {
        draft.option(&java::gc_log(major, &GcLog { file: Some(&file), verbose: true }), &given.source);
    } else if inputs.distribution.version.line() == Line::V3_11
        && inputs.launch == LaunchMode::Script
        && draft.options.get(&OptionKey::of("-Xloggc:")).is_none()
    {
        let option = java::gc_log(major, &GcLog { file: Some(&file), verbose: false });
        draft.option(&option, &Source::Computed("the log folder".into()));
    }
    if let Some(given) = verbose.filter(|_| major < 9) {
        draft.option("-XX:PrintFLSStatistics=1", &given.source);
    }
}
