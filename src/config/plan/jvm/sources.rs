//! The options of one start wherever they stand: `JVM_OPTS`, the option files, `JVM_EXTRA_OPTS`, in the order of the command
//! line, on which the last of two wins.

use crate::cassandra::Collector;
use crate::cassandra::heap::HeapSize;
use crate::cassandra::java::JmxServer;
use crate::config::jvm_options::{OptionFiles, OptionKey, options_of};
use crate::config::plan::Inputs;
use crate::config::plan::draft::Finished;
use crate::settings::contract::Given;
use crate::settings::raw::Source;
use crate::settings::value::Words;

/// The options of a variable that goes to the command line as it is, each with the variable's source.
fn of_variable(given: Option<&Given<Words>>) -> Vec<(Source, String)> {
    let Some(given) = given else { return Vec::new() };
    let options = options_of(&given.value.as_slice().join(" "));
    options.into_iter().map(|option| (given.source.clone(), option)).collect()
}

/// The options of `JVM_OPTS`, which the files win over.
pub(super) fn before(inputs: &Inputs) -> Vec<(Source, String)> {
    of_variable(inputs.settings.jvm_opts.as_ref())
}

/// The options of `JVM_EXTRA_OPTS`, which win over the files.
pub(super) fn after(inputs: &Inputs) -> Vec<(Source, String)> {
    of_variable(inputs.settings.jvm_extra_opts.as_ref())
}

/// The options of both variables.
pub(super) fn of_environment(inputs: &Inputs) -> Vec<(Source, String)> {
    let mut all = before(inputs);
    all.extend(after(inputs));
    all
}

/// Every option that reaches java, each with the place where it can be changed, in the order in which the last of two wins
/// (`cassandra-env.sh` sets JMX up between the files and JVM_EXTRA_OPTS, and so does a direct launch).
pub(in crate::config::plan) fn command_line(
    inputs: &Inputs,
    finished: &Finished,
    jmx: &JmxServer,
) -> Vec<(String, String)> {
    let variable = |(source, option): (Source, String)| (source.to_string(), option);
    let mut all = inputs.other_options.before.clone();
    all.extend(before(inputs).into_iter().map(variable));
    all.extend(finished.documents.options.live().map(|(file, option)| {
        let key = OptionKey::of(&option).to_string();
        let decision = finished.decisions.iter().rfind(|known| known.file == file && known.key == key);
        (decision.map_or_else(|| file.to_owned(), |known| known.source.to_string()), option)
    }));
    all.extend(jmx.properties().into_iter().map(|option| ("JMX".to_owned(), option)));
    all.extend(after(inputs).into_iter().map(variable));
    all.extend(inputs.other_options.after.iter().cloned());
    all
}

/// Every option of the files and the variables in the order of the command line.
pub(super) fn all(inputs: &Inputs, files: &OptionFiles) -> Vec<String> {
    let text = |(_, option): (Source, String)| option;
    let mut all: Vec<String> = before(inputs).into_iter().map(text).collect();
    all.extend(files.live().map(|(_, option)| option));
    all.extend(after(inputs).into_iter().map(text));
    all
}

/// The option with the key of `option` that counts on the command line.
pub(super) fn get(inputs: &Inputs, files: &OptionFiles, option: &str) -> Option<String> {
    let key = OptionKey::of(option);
    all(inputs, files).into_iter().rfind(|option| OptionKey::of(option) == key)
}

/// The size that `-Xmx` or its like counts with; nothing where it is not set or not a size that we can read.
pub(super) fn size(inputs: &Inputs, files: &OptionFiles, flag: &str) -> Option<HeapSize> {
    HeapSize::from_option(get(inputs, files, flag)?.strip_prefix(flag)?)
}

/// The collector of this start: the one that an option selects, else HotSpot's own choice.
pub(super) fn collector(inputs: &Inputs, files: &OptionFiles) -> Collector {
    let selected = all(inputs, files).iter().rev().find_map(|option| Collector::selected_by(option));
    selected.unwrap_or_else(|| Collector::by_default(inputs.distribution.java.major))
}
