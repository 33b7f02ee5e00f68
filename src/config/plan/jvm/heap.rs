//! The heap: as somebody set it, else computed from the container's memory; `-Xms` and `-Xmx` are always a pair.

use crate::cassandra::Collector;
use crate::cassandra::Line;
use crate::cassandra::heap::{HeapSize, Room};
use crate::config::jvm_options::{OptionFiles, OptionKey};
use crate::config::plan::Inputs;
use crate::config::plan::draft::Draft;
use crate::config::plan::jvm::sources;
use crate::report::Finding;
use crate::settings::raw::Source;
use crate::settings::value::LaunchMode;

/// Heap, new generation, and what 6.0 sets beside them.
pub(super) fn plan(inputs: &Inputs, draft: &mut Draft) {
    let collector = sources::collector(inputs, &draft.options);
    refuse_young_size(inputs, collector, draft);
    pair(inputs, draft);
    new_generation(inputs, collector, draft);
    outside(inputs, draft);
    threads(inputs, collector, draft);
    if collector == Collector::Z && sources::get(inputs, &draft.options, "-XX:UseCompressedOops").is_none() {
        // jamm believes in compressed pointers, which ZGC does not have (jvm21-server.options of 6.0).
        draft.option("-XX:-UseCompressedOops", &Source::Computed(collector.to_string()));
    }
}

/// The memory that a heap is computed from.
pub(super) fn room(inputs: &Inputs, files: &OptionFiles) -> Room {
    Room {
        line: inputs.distribution.version.line(),
        collector: sources::collector(inputs, files),
        ram: ram(inputs).0,
        cores: inputs.host.cores,
    }
}

fn ram(inputs: &Inputs) -> (u64, &'static str) {
    match inputs.host.memory_limit {
        Some(limit) if limit < inputs.host.memory => (limit, "the container's memory limit"),
        _ => (inputs.host.memory, "the host's memory"),
    }
}

fn from_ram(inputs: &Inputs, what: &str) -> Source {
    let (ram, from) = ram(inputs);
    Source::Computed(format!("{what}{from} of {}", HeapSize::from_bytes(ram)))
}

/// `-Xms` and `-Xmx`: the variable; else what an option says, where one alone gets its twin (`cassandra-env.sh` refuses one
/// alone); else shares of the memory; else computed.
fn pair(inputs: &Inputs, draft: &mut Draft) {
    let text = |flag: &str| sources::get(inputs, &draft.options, flag);
    let size = |flag: &str| sources::size(inputs, &draft.options, flag);
    let (largest, first, source) = if let Some(given) = &inputs.settings.max_heap {
        (given.value, given.value, given.source.clone())
    } else if ["-Xmx", "-Xms"].iter().any(|flag| text(flag).is_some() && size(flag).is_none()) {
        // Nobody knows what that is meant to be: it is the user's.
        return;
    } else {
        match (size("-Xmx"), size("-Xms")) {
            (Some(largest), Some(first)) => return stands(inputs, largest, first, draft),
            (Some(size), None) | (None, Some(size)) => return stands(inputs, size, size, draft),
            (None, None) => match shares(inputs, draft) {
                Shares::Sizes(largest, first, source) => (largest, first, source),
                Shares::LeftToJava => return,
                Shares::Unset => {
                    let size = room(inputs, &draft.options).heap(inputs.profile.heap);
                    (size, size, from_ram(inputs, ""))
                }
            },
        }
    };
    fits(inputs, largest, &source, draft);
    draft.option(&format!("-Xms{first}"), &source);
    draft.option(&format!("-Xmx{largest}"), &source);
}

/// A pair, or one of a pair, that somebody set. The scripts look at `JVM_OPTS` and the files only: what `JVM_EXTRA_OPTS` says is put there, too,
/// where they would find but one of the two.
fn stands(inputs: &Inputs, largest: HeapSize, first: HeapSize, draft: &mut Draft) {
    if first > largest {
        let message = format!("a heap that begins with {first} is larger than its limit of {largest}");
        draft.report(Finding::error("-Xms", message).hint("set -Xms and -Xmx to the same size"));
    }
    let source = Source::Computed("its twin".into());
    for (flag, size) in [("-Xms", first), ("-Xmx", largest)] {
        let key = OptionKey::of(flag);
        let is = |(_, option): &(Source, String)| OptionKey::of(option) == key;
        if draft.options.get(&key).is_none() && !sources::before(inputs).iter().any(is) {
            draft.option(&format!("{flag}{size}"), &source);
        }
    }
}

fn fits(inputs: &Inputs, heap: HeapSize, source: &Source, draft: &mut Draft) {
    if let Some(limit) = inputs.host.memory_limit.filter(|limit| heap.bytes() >= *limit) {
        let limit = HeapSize::from_bytes(limit);
        let message = format!("a heap of {heap} does not fit in the container's memory limit of {limit}");
        draft.report(
            Finding::error(source.to_string(), message)
                .hint("half of the limit or less leaves room for what Cassandra keeps outside the heap"),
        );
    }
}

/// A heap that is given as a share of the memory.
enum Shares {
    Unset,
    /// The JVM itself works it out.
    LeftToJava,
    Sizes(HeapSize, HeapSize, Source),
}

/// `-XX:MaxRAMPercentage` and its like. `cassandra-env.sh` does not know them and would set a heap of its own, which wins:
/// there they become the pair that they stand for.
fn shares(inputs: &Inputs, draft: &Draft) -> Shares {
    let flags = ["-XX:MaxRAMPercentage", "-XX:InitialRAMPercentage", "-XX:MinRAMPercentage", "-XX:MaxRAMFraction"];
    let given: Vec<String> = flags.iter().filter_map(|flag| sources::get(inputs, &draft.options, flag)).collect();
    if given.is_empty() {
        return Shares::Unset;
    }
    if inputs.launch == LaunchMode::Direct {
        return Shares::LeftToJava;
    }
    let share = |flag: &str| {
        let option = given.iter().find(|option| OptionKey::of(option) == OptionKey::of(flag))?;
        let percent: f64 = option.split_once('=')?.1.parse().ok().filter(|share| *share > 0.0 && *share <= 100.0)?;
        // Hundredths of a percent are exact enough for a heap, and whole numbers do not round in surprising ways.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 10,000")]
        let hundredths = (percent * 100.0).round() as u64;
        let mebibytes = ram(inputs).0 / (1 << 20) * hundredths / 10_000;
        Some((HeapSize::from_mebibytes(mebibytes.max(1)), option.clone()))
    };
    match share("-XX:MaxRAMPercentage") {
        Some((largest, option)) => {
            let first = share("-XX:InitialRAMPercentage").map_or(largest, |(size, _)| size.min(largest));
            Shares::Sizes(largest, first, from_ram(inputs, &format!("{option} and ")))
        }
        // A first size alone says nothing of the largest, which the script computes as we do.
        None => Shares::Unset,
    }
}

/// `-Xmn`: only CMS needs it, and the scripts of 4.0 and later refuse to start with it beside G1.
fn new_generation(inputs: &Inputs, collector: Collector, draft: &mut Draft) {
    let given = inputs.settings.new_heap.as_ref();
    if collector != Collector::Cms {
        if let Some(given) = given.filter(|given| given.source.is_given()) {
            let message = format!("{} has no effect, {collector} sizes the new generation itself", given.value);
            let place = given.source.to_string();
            // Cassandra's scripts ask for both sizes or none, so whoever gives the pair did nothing wrong.
            let in_pair = inputs.settings.max_heap.as_ref().is_some_and(|heap| heap.source.is_given());
            draft.report(if in_pair {
                Finding::note(place, message)
            } else {
                Finding::warning(place, message).hint("only CMS takes it")
            });
        }
        return;
    }
    let Some(heap) = sources::size(inputs, &draft.options, "-Xmx") else { return };
    let (size, source) = if let Some(given) = given {
        (given.value, given.source.clone())
    } else if sources::get(inputs, &draft.options, "-Xmn").is_some() {
        return;
    } else {
        let size = room(inputs, &draft.options).new_generation(inputs.profile.heap, heap);
        (size, Source::Computed(format!("a heap of {heap} and {} cores", inputs.host.cores)))
    };
    if size >= heap {
        let message = format!("a new generation of {size} does not fit in a heap of {heap}");
        draft.report(Finding::error(source.to_string(), message));
    }
    draft.option(&format!("-Xmn{size}"), &source);
}

fn refuse_young_size(inputs: &Inputs, collector: Collector, draft: &mut Draft) {
    if collector != Collector::G1 || inputs.distribution.version.line() == Line::V3_11 {
        return;
    }
    let option = sources::get(inputs, &draft.options, "-Xmn");
    if let Some(option) = option {
        let place = draft.options.live().find(|(_, live)| *live == option).map(|(file, _)| file.to_owned());
        let place = draft.source_of("-Xmn").map(ToString::to_string).or(place);
        let message = format!("{option} does not go with G1, Cassandra's own script refuses to start with both");
        draft.report(
            Finding::error(place.unwrap_or_else(|| "-Xmn".into()), message)
                .hint("leave it out: G1 sizes the new generation to meet -XX:MaxGCPauseMillis"),
        );
    }
}

/// `cassandra-env.sh` of 6.0 limits the memory outside of the heap by the host's memory unless an option does.
fn outside(inputs: &Inputs, draft: &mut Draft) {
    let Some(size) = room(inputs, &draft.options).direct_memory() else { return };
    if sources::get(inputs, &draft.options, "-XX:MaxDirectMemorySize").is_none() {
        draft.option(&format!("-XX:MaxDirectMemorySize={size}"), &from_ram(inputs, ""));
    }
}

/// `cassandra-env.sh` of 6.0 gives G1 as many threads as the host has processors unless an option says how many.
fn threads(inputs: &Inputs, collector: Collector, draft: &mut Draft) {
    let flags = ["-XX:ParallelGCThreads", "-XX:ConcGCThreads"];
    let given = |flag: &&str| sources::get(inputs, &draft.options, flag).is_some();
    if inputs.distribution.version.line() != Line::V6_0 || collector != Collector::G1 || flags.iter().any(given) {
        return;
    }
    let source = Source::Computed(format!("{} cores", inputs.host.cores));
    for flag in flags {
        draft.option(&format!("{flag}={}", inputs.host.cores), &source);
    }
}
