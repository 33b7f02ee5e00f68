//! What PID 1 knows: over its control socket, else as much as it publishes.

use std::fs;
use std::time::{Duration, SystemTime};

use super::facts::{Fact, Facts, Source, Value};
use super::gather::{Node, Told};
use crate::commands::ask::{self, Answer};
use crate::host::signals;
use crate::supervisor::control::{Given, Request, Standing};
use crate::supervisor::{Clients, Published};

/// Asks PID 1.
pub(super) fn ask(node: &Node) -> Told {
    let mut facts = Facts::default();
    match standing(node) {
        Ok(standing) => of_standing(&standing, &mut facts),
        Err(error) => {
            facts.trouble(Source::Init, format!("PID 1 cannot be asked: {error}"));
            for fact in [Fact::ServedAfter, Fact::Drained, Fact::Silent, Fact::DrainAnnounced] {
                facts.if_any(fact, None);
            }
        }
    }
    of_published(node, &mut facts);
    facts.text(Fact::InitVersion, Some(env!("CARGO_PKG_VERSION")));
    Told { facts, ..Told::default() }
}

fn standing(node: &Node) -> Result<Standing, &'static str> {
    match ask::pid1(&node.env, Request::Status, node.left()) {
        Answer::Said(answer) => Standing::parse(&answer).ok_or("its answer is not understood"),
        Answer::Late => Err("it does not answer in time"),
        Answer::Nobody => Err("it does not answer"),
    }
}

fn of_standing(standing: &Standing, facts: &mut Facts) {
    let time = |time: Option<Duration>| time.map(Value::Time);
    facts.text(Fact::Phase, Some(standing.phase.to_string()));
    facts.text(Fact::Release, Some(&standing.version).filter(|version| !version.is_empty()));
    facts.text(Fact::Profile, Some(&standing.profile).filter(|profile| !profile.is_empty()));
    facts.if_any(Fact::Boot, Some(&standing.boot).filter(|boot| !boot.is_empty()).cloned().map(Value::Times));
    facts.know(Fact::InitUptime, Value::Time(standing.up));
    facts.if_any(Fact::JvmPid, standing.child.and_then(|pid| u64::try_from(pid).ok()).map(Value::Number));
    if let Some(running) = time(standing.running) {
        facts.know(Fact::JvmUptime, running);
    }
    facts.if_any(Fact::ServedAfter, time(standing.served_after));
    facts.if_any(Fact::Drained, time(standing.drained));
    facts.if_any(Fact::Silent, time(standing.silent));
    facts.if_any(Fact::DrainAnnounced, time(standing.drain));
    facts.number(Fact::HeapMax, standing.heap);
    let stop = standing.stop.as_ref();
    facts.if_any(Fact::StopBy, stop.map(|stop| Value::Text(signals::name(stop.signal))));
    facts.if_any(Fact::StopSeconds, time(stop.map(|stop| stop.since)));
    facts.if_any(Fact::StopLeft, time(stop.and_then(|stop| Some(stop.limit?.saturating_sub(stop.since)))));
    let probes = [
        [Fact::StartupYes, Fact::StartupReason, Fact::StartupAgo],
        [Fact::LivenessYes, Fact::LivenessReason, Fact::LivenessAgo],
        [Fact::ReadinessYes, Fact::ReadinessReason, Fact::ReadinessAgo],
    ];
    for (given, [yes, reason, ago]) in standing.answers.iter().zip(probes) {
        let verdict = given.as_ref().map(|Given { verdict, .. }| verdict);
        facts.if_any(yes, verdict.map(|verdict| Value::Truth(verdict.yes)));
        facts.if_any(reason, verdict.map(|verdict| Value::Text(verdict.reason.clone())));
        facts.if_any(ago, given.as_ref().map(|given| Value::Time(given.ago)));
    }
}

fn of_published(node: &Node, facts: &mut Facts) {
    let Published { phase, child, endpoint, jmx, .. } = &node.published;
    facts.text(Fact::Phase, Some(phase.to_string()));
    facts.if_any(Fact::JvmPid, child.and_then(|pid| u64::try_from(pid).ok()).map(Value::Number));
    // It is written whenever the phase changes.
    let written = fs::metadata(Published::path(&node.run_dir)).and_then(|metadata| metadata.modified());
    match written.map(|written| SystemTime::now().duration_since(written).unwrap_or_default()) {
        Ok(since) => facts.know(Fact::PhaseSeconds, Value::Time(since)),
        Err(error) => facts.miss(Fact::PhaseSeconds, error.to_string()),
    }
    let clients = endpoint.as_ref().map(|Clients { host, port, tls, .. }| {
        let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
        Value::Text(format!("{host}:{port}{}", if *tls { " (TLS)" } else { "" }))
    });
    facts.if_any(Fact::NativeTransport, clients);
    facts.if_any(Fact::JmxAddress, jmx.map(|port| Value::Text(format!("127.0.0.1:{port}"))));
}
