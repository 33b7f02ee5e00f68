//! The collector: choosing one puts the other out of the way, with the options that only that other one knows.

use crate::cassandra::collector::{Availability, UNLOCK};
use crate::cassandra::{Collector, java_flags};
use crate::config::documents::Layer;
use crate::config::jvm_options::OptionKey;
use crate::config::plan::Inputs;
use crate::config::plan::draft::Draft;
use crate::config::plan::jvm::sources;
use crate::report::Finding;
use crate::settings::raw::Source;

/// Somebody's choice of a collector.
struct Choice {
    collector: Collector,
    /// The option that says it.
    option: String,
    /// The variable or file that says it.
    place: String,
    /// Its layer: one of a higher layer wins, two in one are an error.
    rank: u8,
}

/// The rank of mounted files and fragments.
const MOUNTED: u8 = 1;
/// The rank of the environment, above all files.
const ENVIRONMENT: u8 = 3;

/// Leaves one collector selected, or reports that there are two, or one that this Java lacks.
pub(super) fn plan(inputs: &Inputs, draft: &mut Draft) {
    let choices = choices(inputs, draft);
    let Some(top) = choices.iter().map(|choice| choice.rank).max() else { return };
    let mut highest = choices.iter().filter(|choice| choice.rank == top);
    let Some(chosen) = highest.next() else { return };
    if let Some(other) = highest.find(|other| other.collector != chosen.collector) {
        let message =
            format!("{} and {} of {} select two collectors, Java takes one", chosen.option, other.option, other.place);
        draft.report(Finding::error(chosen.place.as_str(), message).hint("leave one of them out"));
        return;
    }
    let java = inputs.distribution.java.major;
    match chosen.collector.availability(java) {
        Availability::Absent => {
            let message = format!("{}: Java {java} has no {}", chosen.option, chosen.collector);
            let hint = format!("it is in {}; leave the choice to the release's own files", chosen.collector.javas());
            draft.report(Finding::error(chosen.place.as_str(), message).hint(hint));
        }
        Availability::Experimental => {
            displace(chosen, draft);
            unlock(inputs, chosen, draft);
        }
        Availability::Ready => displace(chosen, draft),
    }
}

fn choices(inputs: &Inputs, draft: &Draft) -> Vec<Choice> {
    let choice = |option: String, place: String, rank: u8| {
        Collector::selected_by(&option).map(|collector| Choice { collector, option, place, rank })
    };
    let in_files = draft.options.live().filter_map(|(file, option)| {
        let rank = rank(draft, file, &option);
        let place = draft.source_of(&option).map_or_else(|| file.to_owned(), ToString::to_string);
        choice(option, place, rank)
    });
    let in_variables = sources::of_environment(inputs).into_iter();
    in_files
        .chain(in_variables.filter_map(|(source, option)| choice(option, source.to_string(), ENVIRONMENT)))
        .collect()
}

/// Higher where the option is from a higher layer.
fn rank(draft: &Draft, file: &str, option: &str) -> u8 {
    match draft.source_of(option) {
        Some(Source::File { .. }) => return MOUNTED,
        Some(source) if source.is_given() => return ENVIRONMENT,
        _ => {}
    }
    match draft.documents.layer(file) {
        Layer::Pristine | Layer::Default if draft.documents.is_chosen(file, &OptionKey::of(option).to_string()) => {
            MOUNTED
        }
        Layer::Pristine | Layer::Default => 0,
        Layer::Overlay => MOUNTED,
        Layer::Hook => 2,
    }
}

/// Comments out what lower layers say of other collectors, so that nothing of the user's file is lost.
fn displace(chosen: &Choice, draft: &mut Draft) {
    let goes = |option: &str| {
        let others = Collector::owner(option).is_some_and(|owner| owner != chosen.collector);
        others || (option.starts_with("-Xmn") && !chosen.collector.takes_young_size())
    };
    let below = |file: &str, option: &str| rank(draft, file, option) < chosen.rank;
    let going: Vec<(String, String)> = draft
        .options
        .live()
        .filter(|(file, option)| goes(option) && below(file, option))
        .map(|(file, option)| (file.to_owned(), option))
        .collect();
    let source = Source::Computed(format!("{} of {}", chosen.option, chosen.place));
    for (file, option) in going {
        draft.disable_option(&file, &option, &source);
    }
}

/// HotSpot takes an experimental option only behind the one that unlocks it.
fn unlock(inputs: &Inputs, chosen: &Choice, draft: &mut Draft) {
    let all = sources::all(inputs, &draft.options);
    let at = |key: &str| all.iter().position(|option| OptionKey::of(option) == OptionKey::of(key));
    if at(UNLOCK).is_some_and(|unlock| at(&chosen.option).is_none_or(|selection| unlock < selection)) {
        return;
    }
    let source = Source::Computed(format!("{}, which is experimental in this Java", chosen.option));
    if sources::before(inputs).iter().any(|(_, option)| *option == chosen.option) {
        let message = format!("{} is experimental in Java {}", chosen.option, inputs.distribution.java.major);
        draft.report(Finding::error(chosen.place.as_str(), message).hint(format!("put {UNLOCK} before it")));
    } else if draft.options.get(&OptionKey::of(&chosen.option)).is_some() {
        draft.option_before(&chosen.option, UNLOCK, &source);
    } else {
        draft.option(UNLOCK, &source);
    }
}

/// Options that this Java does not take: in a file they are commented out and reported, since a file often belongs to
/// another Java; in a variable they are an error.
pub(super) fn leave_out_what_java_lacks(inputs: &Inputs, draft: &mut Draft) {
    let java = inputs.distribution.java.major;
    let all = sources::all(inputs, &draft.options);
    if all.iter().any(|option| option == "-XX:+IgnoreUnrecognizedVMOptions") {
        return;
    }
    let fatal = |option: &str| java_flags::lack(option, java).filter(|lack| lack.fatal);
    for (source, option) in sources::of_environment(inputs) {
        if let Some(lack) = fatal(&option).filter(|_| Collector::selected_by(&option).is_none()) {
            refuse(&source, &option, java, lack.why, draft);
        }
    }
    let mut lacking: Vec<(String, String, &str)> = Vec::new();
    for (file, option) in draft.options.live() {
        if let Some(lack) = fatal(&option) {
            lacking.push((file.to_owned(), option, lack.why));
        }
    }
    let mut told: Vec<(String, &str, Vec<String>)> = Vec::new();
    for (file, option, why) in lacking {
        if let Some(source) = draft.source_of(&option).filter(|source| source.variable().is_some()).cloned() {
            if Collector::selected_by(&option).is_none() {
                refuse(&source, &option, java, why, draft);
            }
            continue;
        }
        draft.disable_option(&file, &option, &Source::Computed(format!("Java {java}, which does not take it")));
        match told.iter_mut().find(|(known, reason, _)| *known == file && *reason == why) {
            Some((.., options)) => options.push(option),
            None => told.push((file, why, vec![option])),
        }
    }
    for (file, why, options) in told {
        draft.report(left_out(&file, java, &options, why));
    }
}

/// What is told of options that a file held in vain.
pub(super) fn left_out(file: &str, java: u16, options: &[String], why: &str) -> Finding {
    Finding::warning(file, format!("Java {java} does not take {}, left out: {why}", options.join(", ")))
}

fn refuse(source: &Source, option: &str, java: u16, why: &str, draft: &mut Draft) {
    draft.report(Finding::error(source.to_string(), format!("Java {java} does not take {option}: {why}")));
}

/// Makes room for the collector that options of a mounted file select, before they are laid over the files of this line.
pub(super) fn displace_for(options: &[(usize, String)], place: &str, draft: &mut Draft) {
    let selecting = options.iter().find_map(|(_, option)| Some((Collector::selected_by(option)?, option.clone())));
    if let Some((collector, option)) = selecting {
        displace(&Choice { collector, option, place: place.to_owned(), rank: MOUNTED }, draft);
    }
}
