//! The nearest known name for one that is not known.

use crate::cassandra::schema;

/// How many names are suggested at most.
pub const SUGGESTIONS: usize = 3;

/// At most `limit` of `known` that are close enough to `typed` to be what was meant, nearest first. Case does not count.
pub fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>, limit: usize) -> Vec<&'a str> {
    let typed = typed.to_ascii_lowercase();
    let mut candidates: Vec<(usize, &str)> = known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&typed, &name.to_ascii_lowercase()), name))
        // A third of the letters wrong is another word.
        .filter(|(distance, name)| *distance * 3 <= typed.len().max(name.len()).min(24))
        .collect();
    candidates.sort_unstable();
    candidates.dedup();
    // Beside a name that is one slip away, one that is five away was not meant.
    let nearest = candidates.first().map_or(0, |(distance, _)| *distance);
    candidates.retain(|(distance, _)| *distance <= nearest.max(1) * 2);
    candidates.into_iter().take(limit).map(|(_, name)| name).collect()
}

/// Names that other images and habits give a variable, and its name here.
const ELSEWHERE: &[(&str, &str)] = &[
    ("CASSANDRA_BROADCAST_IP", "CASSANDRA_BROADCAST_ADDRESS"),
    ("CASSANDRA_CLUSTER", "CASSANDRA_CLUSTER_NAME"),
    ("CASSANDRA_HEAP_SIZE", "MAX_HEAP_SIZE"),
    ("CASSANDRA_LISTEN_IP", "CASSANDRA_LISTEN_ADDRESS"),
    ("CASSANDRA_MAX_HEAP_SIZE", "MAX_HEAP_SIZE"),
    ("CASSANDRA_NEW_HEAP", "HEAP_NEWSIZE"),
    ("CASSANDRA_RPC_IP", "CASSANDRA_RPC_ADDRESS"),
    ("CASSANDRA_SNITCH", "CASSANDRA_ENDPOINT_SNITCH"),
    ("CASSANDRA_TOKENS", "CASSANDRA_NUM_TOKENS"),
];

/// What to do about an unknown variable, `suffix` being `_FILE` or nothing: its name here where another image has it, the
/// generic variable where it is named after a key of cassandra.yaml, else the words that were likely meant.
pub fn variable<'a>(typed: &str, suffix: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    if let Some((_, here)) = ELSEWHERE.iter().find(|(name, _)| *name == typed) {
        return Some(format!("another image calls it so, its name here is {here}{suffix}"));
    }
    let key = typed.strip_prefix("CASSANDRA_").map(str::to_ascii_lowercase);
    if let Some(key) = key.filter(|key| schema::rows_of(key).next().is_some()) {
        return Some(format!("CASSANDRA_YAML_{key}{suffix} sets this key of cassandra.yaml"));
    }
    let near = nearest(typed, known, SUGGESTIONS).into_iter().map(|name| format!("{name}{suffix}"));
    let near: Vec<String> = near.collect();
    (!near.is_empty()).then(|| format!("did you mean {}?", near.join(", or ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_images_name_leads_to_ours() {
        let known = || crate::settings::contract::known_names();
        assert_eq!(
            variable("CASSANDRA_LISTEN_IP", "", known()).unwrap(),
            "another image calls it so, its name here is CASSANDRA_LISTEN_ADDRESS"
        );
        for (elsewhere, here) in ELSEWHERE {
            assert!(known().any(|name| name == *here), "{here}");
            assert!(known().all(|name| name != *elsewhere), "{elsewhere} is understood");
        }
    }

    #[test]
    fn finds_the_typo_that_cost_days() {
        let known = ["CASSANDRA_BROADCAST_ADDRESS", "CASSANDRA_SEEDS", "CASSANDRA_BROADCAST_RPC_ADDRESS"];
        assert_eq!(nearest("CASSANDRA_BOADCAST_ADDRESS", known, 1), ["CASSANDRA_BROADCAST_ADDRESS"]);
        assert_eq!(nearest("CASSANDRA_SEED", known, 3), ["CASSANDRA_SEEDS"]);
        assert!(nearest("CASSANDRA_PASSWORD_SEEDER_SLEEP", known, 3).is_empty());
    }

    #[test]
    fn a_variable_named_after_a_key_leads_to_the_generic_one() {
        let known = || crate::settings::contract::known_names();
        assert_eq!(
            variable("CASSANDRA_READ_REQUEST_TIMEOUT", "", known()).unwrap(),
            "CASSANDRA_YAML_read_request_timeout sets this key of cassandra.yaml"
        );
        assert_eq!(
            variable("CASSANDRA_KEYSTORE_PASWORD", "_FILE", known()).unwrap(),
            "did you mean CASSANDRA_KEYSTORE_PASSWORD_FILE?"
        );
    }

    #[test]
    fn names_that_are_as_near_are_suggested_together_and_never_more_than_three() {
        let known = ["BETA_A", "BETA_B", "BETA_C", "BETA_D", "BETA_LONGER"];
        assert_eq!(variable("BETA_X", "", known).unwrap(), "did you mean BETA_A, or BETA_B, or BETA_C?");
        assert_eq!(
            nearest("native_transport_prt", ["native_transport_port_ssl", "Native_Transport_Port"], 3),
            ["Native_Transport_Port"]
        );
    }
}
