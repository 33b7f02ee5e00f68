//! Our own log: lines on standard error, as text or JSON.
#![forbid(unsafe_code)]

use std::io::Write as _;
use std::panic::PanicHookInfo;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer as _;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::host::standard_error::StandardError;
use crate::report::{Report, Severity};
use crate::settings::value::LogFormat;

/// Starts the log. Called once; a second call changes nothing.
pub fn start(format: LogFormat) {
    let layer = tracing_subscriber::fmt::layer().with_writer(|| StandardError).with_target(false);
    let layer = match format {
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
        LogFormat::Text => layer.with_ansi(false).boxed(),
    };
    // Fails only where a subscriber is set already.
    let _ = tracing_subscriber::registry().with(layer.with_filter(LevelFilter::INFO)).try_init();
}

/// Tells of a panic in one line. The hook of std would wait for whoever reads standard error.
pub fn panicked(info: &PanicHookInfo<'_>) {
    let what = info.payload_as_str().unwrap_or("something that is no text");
    let place = info.location().map_or_else(String::new, |place| format!(" at {place}"));
    // Not through the log, which may be where it happened.
    let _ = StandardError.write_all(format!("cassandra-init: bug{place}: {what}\n").as_bytes());
}

/// Tells every finding of a report.
pub fn report(report: &Report) {
    for finding in report.iter() {
        match finding.severity {
            Severity::Note => tracing::info!("{finding}"),
            Severity::Warning => tracing::warn!("{finding}"),
            Severity::Error => tracing::error!("{finding}"),
        }
    }
}
