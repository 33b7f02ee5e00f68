//! `status` for a person: the facts on a screen of less than 24 lines. What is not known is left out, and named at the end.

use std::fmt::Write as _;
use std::time::Duration;

use super::facts::{Fact, Facts, Value};

/// The screen's width where text is folded.
const WIDTH: usize = 100;
/// A blank where no line ends: between the words of what belongs together.
const HARD_BLANK: &str = "\u{a0}";
/// A part of a list is kept together if it is no longer than this.
const LONGEST_PART: usize = 60;
/// Where what is told begins.
const INDENT: usize = 14;
/// How long the bar of a share is.
const BAR: u64 = 20;
/// The units of bytes that Cassandra uses.
const UNITS: [&str; 7] = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

/// How a thing stands, and its colour (SGR of ECMA-48).
#[derive(Clone, Copy)]
enum Colour {
    Good,
    Passing,
    Bad,
    Plain,
}

/// One line: mode, whether it is ready, and why.
pub(super) fn line(facts: &Facts, colours: bool) -> String {
    let (word, colour) = headline(facts);
    let reason = text(facts, Fact::Reason).map(|reason| format!("  {reason}")).unwrap_or_default();
    format!("{}{reason}\n", painted(&word, colour, colours))
}

/// The whole screen.
pub(super) fn screen(facts: &Facts, colours: bool) -> String {
    let (word, colour) = headline(facts);
    let mut out = format!("{}\n", painted(&word, colour, colours));
    let rows: [(&str, Option<String>); 17] = [
        (
            if truth(facts, Fact::Ready) == Some(false) { "why not" } else { "why" },
            text(facts, Fact::Reason).map(str::to_owned),
        ),
        ("phase", phase(facts)),
        ("stop", stop(facts)),
        ("cluster", cluster(facts)),
        ("host id", host(facts)),
        ("addresses", addresses(facts)),
        ("seeds", seeds(facts)),
        ("versions", versions(facts)),
        ("heap", share(facts, Fact::HeapUsed, Fact::HeapMax)),
        ("memory", memory(facts)),
        ("storage", storage(facts)),
        ("work", work(facts)),
        ("jvm", jvm(facts)),
        ("boot", boot(facts)),
        ("startup", probe(facts, [Fact::StartupYes, Fact::StartupReason, Fact::StartupAgo])),
        ("liveness", probe(facts, [Fact::LivenessYes, Fact::LivenessReason, Fact::LivenessAgo])),
        ("readiness", probe(facts, [Fact::ReadinessYes, Fact::ReadinessReason, Fact::ReadinessAgo])),
    ];
    for (name, told) in rows {
        if let Some(told) = told {
            row(&mut out, name, &told);
        }
    }
    for gap in gaps(facts) {
        row(&mut out, "not known", &gap);
    }
    out
}

fn headline(facts: &Facts) -> (String, Colour) {
    let phase = text(facts, Fact::Phase).unwrap_or_default().to_uppercase();
    let stops = phase == "STOPPING";
    let mode = text(facts, Fact::Mode).filter(|_| !stops).map_or(phase, str::to_owned);
    let passing = ["PREPARING", "STARTING", "JOINING", "LEAVING", "MOVING", "DRAINING", "STOPPING"];
    match truth(facts, Fact::Ready) {
        Some(true) => (format!("{mode}, ready"), Colour::Good),
        Some(false) if passing.contains(&mode.as_str()) => (format!("{mode}, not ready"), Colour::Passing),
        Some(false) => (format!("{mode}, not ready"), Colour::Bad),
        None => (mode, Colour::Plain),
    }
}

fn painted(word: &str, colour: Colour, colours: bool) -> String {
    let code = match colour {
        Colour::Good => "32",
        Colour::Passing => "33",
        Colour::Bad => "31",
        Colour::Plain => "0",
    };
    if colours { format!("\x1b[1;{code}m{word}\x1b[0m") } else { word.to_owned() }
}

fn phase(facts: &Facts) -> Option<String> {
    let mut told = text(facts, Fact::Phase)?.to_owned();
    let mut add = |fact, before: &str, after: &str| {
        if let Some(seconds) = seconds(facts, fact) {
            let _ = write!(told, "{before}{}{after}", span(seconds));
        }
    };
    add(Fact::PhaseSeconds, " for ", "");
    add(Fact::ServedAfter, ", served ", " after its start");
    add(Fact::Drained, ", drained without a stop for ", "");
    add(Fact::Silent, ", no sign of life for ", "");
    Some(told)
}

fn stop(facts: &Facts) -> Option<String> {
    let announced = seconds(facts, Fact::DrainAnnounced).map(|ago| format!("drain announced {} ago", span(ago)));
    let asked = text(facts, Fact::StopBy)
        .zip(seconds(facts, Fact::StopSeconds))
        .map(|(who, ago)| format!("asked by {who} {} ago", span(ago)));
    let left = seconds(facts, Fact::StopLeft).map(|left| format!("{} left", span(left)));
    joined([announced, asked, left])
}

fn cluster(facts: &Facts) -> Option<String> {
    let named = |fact, what: &str| text(facts, fact).map(|name| format!("{what}{name}"));
    let count = |fact, what: &str| number(facts, fact).map(|count| format!("{count} {what}"));
    joined([
        named(Fact::Cluster, ""),
        named(Fact::Datacenter, "data centre "),
        named(Fact::Rack, "rack "),
        count(Fact::NodesUp, "up"),
        count(Fact::NodesDown, "down").filter(|told| told != "0 down"),
    ])
}

fn host(facts: &Facts) -> Option<String> {
    joined([text(facts, Fact::HostId).map(str::to_owned), counted(facts, Fact::Tokens, "token", "tokens")])
}

fn addresses(facts: &Facts) -> Option<String> {
    let told = [
        (Fact::Listen, "listen"),
        (Fact::Broadcast, "broadcast"),
        (Fact::Rpc, "rpc"),
        (Fact::BroadcastRpc, "broadcast rpc"),
        (Fact::NativeTransport, "CQL"),
        (Fact::JmxAddress, "JMX"),
    ];
    joined(told.map(|(fact, what)| text(facts, fact).map(|address| format!("{what} {address}"))))
}

fn seeds(facts: &Facts) -> Option<String> {
    if let Some(Value::List(seeds)) = facts.get(Fact::Seeds) { Some(seeds.join(", ")) } else { None }
}

fn versions(facts: &Facts) -> Option<String> {
    let told = [
        (Fact::Release, "Cassandra"),
        (Fact::JvmVersion, "Java"),
        (Fact::InitVersion, "cassandra-init"),
        (Fact::Profile, "profile"),
    ];
    joined(told.map(|(fact, what)| text(facts, fact).map(|version| format!("{what} {version}"))))
}

fn memory(facts: &Facts) -> Option<String> {
    let of_jvm = number(facts, Fact::Resident).map(|bytes| format!("the JVM has {}", size(bytes)));
    joined([share(facts, Fact::MemoryUsed, Fact::MemoryLimit), of_jvm])
}

fn storage(facts: &Facts) -> Option<String> {
    let free = number(facts, Fact::Free).map(|free| match number(facts, Fact::Size) {
        Some(whole) => format!("{} of {} free", size(free), size(whole)),
        None => format!("{} free", size(free)),
    });
    let load = number(facts, Fact::Load).map(|load| format!("load {}", size(load)));
    joined([text(facts, Fact::DataRoot).map(str::to_owned), load, free])
}

fn work(facts: &Facts) -> Option<String> {
    joined([
        counted(facts, Fact::Compactions, "pending compaction", "pending compactions"),
        counted(facts, Fact::Hints, "hint in progress", "hints in progress"),
        counted(facts, Fact::Streams, "stream", "streams"),
    ])
}

fn jvm(facts: &Facts) -> Option<String> {
    let pid = number(facts, Fact::JvmPid).map(|pid| format!("process {pid}"));
    let up = |fact, what: &str| seconds(facts, fact).map(|up| format!("{what} {}", span(up)));
    joined([
        pid,
        text(facts, Fact::JvmState).map(str::to_owned),
        up(Fact::JvmUptime, "up"),
        up(Fact::InitUptime, "PID 1 up"),
    ])
}

/// The phases of the boot that took any time.
fn boot(facts: &Facts) -> Option<String> {
    let Some(Value::Times(phases)) = facts.get(Fact::Boot) else { return None };
    let took = |(_, took): &&(String, Duration)| *took >= Duration::from_millis(1);
    let phases: Vec<String> =
        phases.iter().filter(took).map(|(name, took)| format!("{name}{HARD_BLANK}{}", span(*took))).collect();
    (!phases.is_empty()).then(|| phases.join(", "))
}

fn probe(facts: &Facts, [yes, reason, ago]: [Fact; 3]) -> Option<String> {
    let yes = if truth(facts, yes)? { "yes" } else { "no" };
    let ago = seconds(facts, ago).map(|ago| format!(" {} ago", span(ago))).unwrap_or_default();
    Some(format!("{yes}{ago}: {}", text(facts, reason)?))
}

/// What is missing, by reason.
fn gaps(facts: &Facts) -> Vec<String> {
    let mut by_reason: Vec<(&str, Vec<String>)> = Vec::new();
    for (fact, reason) in facts.gaps() {
        let (group, field) = fact.name();
        let field = ["_bytes", "_seconds"].iter().fold(field, |field, unit| field.trim_end_matches(unit));
        let field = match group {
            "node" | "cassandra" | "addresses" => field.replace('_', " "),
            _ => format!("{group} {}", field.replace('_', " ")),
        };
        match by_reason.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, fields)) => fields.push(field),
            None => by_reason.push((reason, vec![field])),
        }
    }
    let told = |(reason, fields): &(&str, Vec<String>)| {
        let more = fields.len().saturating_sub(3);
        let mut told = fields.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
        if more > 0 {
            let _ = write!(told, " and {more} more");
        }
        format!("{told}: {reason}")
    };
    by_reason.iter().map(told).collect()
}

/// A name and what is told of it, folded at blanks.
fn row(out: &mut String, name: &str, told: &str) {
    let _ = write!(out, "  {name:<width$}", width = INDENT - 2);
    let mut column = INDENT;
    for (at, word) in told.split(' ').enumerate() {
        let length = word.chars().count();
        if at > 0 && column + 1 + length > WIDTH {
            let _ = write!(out, "\n{:INDENT$}", "");
            column = INDENT;
        } else if at > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(&word.replace(HARD_BLANK, " "));
        column += length;
    }
    out.push('\n');
}

/// How much of a whole is used, with a bar.
fn share(facts: &Facts, used: Fact, whole: Fact) -> Option<String> {
    let used = number(facts, used);
    let Some(whole) = number(facts, whole).filter(|whole| *whole > 0) else { return used.map(size) };
    let Some(used) = used else { return Some(format!("limit {}", size(whole))) };
    let filled = used.saturating_mul(BAR) / whole;
    let bar: String = (0..BAR).map(|at| if at < filled { '#' } else { '.' }).collect();
    let percent = used.saturating_mul(100) / whole;
    Some(format!("[{bar}] {percent} %, {} of {}", size(used), size(whole)))
}

/// Bytes with three digits.
fn size(bytes: u64) -> String {
    let (mut unit, mut of_unit) = (UNITS[0], 1_u64);
    for next in UNITS.iter().skip(1) {
        if bytes / of_unit < 1024 {
            break;
        }
        (unit, of_unit) = (next, of_unit * 1024);
    }
    let hundredths = u128::from(bytes) * 100 / u128::from(of_unit);
    let (whole, rest) = (hundredths / 100, hundredths % 100);
    match whole {
        _ if of_unit == 1 => format!("{whole} {unit}"),
        0..10 => format!("{whole}.{rest:02} {unit}"),
        10..100 => format!("{whole}.{} {unit}", rest / 10),
        _ => format!("{whole} {unit}"),
    }
}

/// A time in the two largest units that say something.
fn span(time: Duration) -> String {
    let whole = time.as_secs();
    match (whole / 86_400, whole / 3600 % 24, whole / 60 % 60) {
        (0, 0, 0) if whole == 0 => format!("{} ms", time.as_millis()),
        (0, 0, 0) => format!("{:.1} s", time.as_secs_f64()),
        (0, 0, minutes) => format!("{minutes} min {} s", whole % 60),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

fn counted(facts: &Facts, fact: Fact, one: &str, many: &str) -> Option<String> {
    number(facts, fact).map(|count| format!("{count} {}", if count == 1 { one } else { many }))
}

fn joined<const N: usize>(parts: [Option<String>; N]) -> Option<String> {
    let whole = |part: String| if part.len() <= LONGEST_PART { part.replace(' ', HARD_BLANK) } else { part };
    let parts: Vec<String> = parts.into_iter().flatten().map(whole).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn text(facts: &Facts, fact: Fact) -> Option<&str> {
    if let Some(Value::Text(text)) = facts.get(fact) { Some(text) } else { None }
}

fn truth(facts: &Facts, fact: Fact) -> Option<bool> {
    if let Some(Value::Truth(truth)) = facts.get(fact) { Some(*truth) } else { None }
}

fn number(facts: &Facts, fact: Fact) -> Option<u64> {
    if let Some(Value::Number(number)) = facts.get(fact) { Some(*number) } else { None }
}

fn seconds(facts: &Facts, fact: Fact) -> Option<Duration> {
    if let Some(Value::Time(time)) = facts.get(fact) { Some(*time) } else { None }
}
