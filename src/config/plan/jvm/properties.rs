//! System properties that variables stand for.

use crate::cassandra::{Line, Version};
use crate::config::plan::draft::Draft;
use crate::config::plan::jvm::sources;
use crate::config::plan::{Inputs, text_of};
use crate::report::Finding;

/// Writes them.
pub(super) fn plan(inputs: &Inputs, draft: &mut Draft) {
    let settings = inputs.settings;
    if let Some(given) = &settings.ring_delay {
        draft.option(&format!("-Dcassandra.ring_delay_ms={}", given.value.get()), &given.source);
    }
    if let Some(given) = &settings.migration_wait {
        if waits_for_migrations(inputs.distribution.version) {
            draft.option(&format!("-Dcassandra.migration_task_wait_in_seconds={}", given.value.get()), &given.source);
        } else if given.source.is_given() {
            let message = format!(
                "Cassandra {} does not wait for migrations that way, it has no effect",
                inputs.distribution.version
            );
            draft.report(Finding::warning("CASSANDRA_MIGRATION_WAIT", message));
        }
    }
    if let Some(given) = &settings.replace_node {
        if inputs.alone {
            let message = format!("'{}' cannot be replaced by a node whose only seed is itself", given.value);
            draft.report(
                Finding::error(given.source.to_string(), message).hint("name a living node in CASSANDRA_SEEDS"),
            );
        }
        if let Some(other) = sources::get(inputs, &draft.options, "-Dcassandra.replace_address") {
            let message =
                format!("disagrees with {other}, which Cassandra takes first and refuses at the second start");
            draft.report(Finding::error(given.source.to_string(), message).hint("leave that option out"));
        }
        // Not replace_address: with that one the second start would refuse to run (CASSANDRA-7356).
        draft.option(&format!("-Dcassandra.replace_address_first_boot={}", text_of(&given.value)), &given.source);
    }
}

/// `MigrationTask` took the property until MigrationCoordinator came (CASSANDRA-15158).
fn waits_for_migrations(version: Version) -> bool {
    match version.line() {
        Line::V3_11 => version.patch() <= 9,
        Line::V4_0 => version.patch() == 0,
        _ => false,
    }
}
