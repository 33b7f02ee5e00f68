//! The nearest known name for one that is not known.

/// At most `limit` of `known` that are close enough to `typed` to be what was meant, nearest first.
pub fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>, limit: usize) -> Vec<&'a str> {
    let mut candidates: Vec<(usize, &str)> = known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(typed, name), name))
        // A third of the letters wrong is another word.
        .filter(|(distance, name)| *distance * 3 <= typed.len().max(name.len()).min(24))
        .collect();
    candidates.sort_unstable();
    candidates.dedup();
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

/// What to do about an unknown variable, `suffix` being `_FILE` or nothing: its name here where another image has it, else the word that was likely meant.
pub fn variable<'a>(typed: &str, suffix: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    if let Some((_, here)) = ELSEWHERE.iter().find(|(name, _)| *name == typed) {
        return Some(format!("its name here is {here}{suffix}"));
    }
    nearest(typed, known, 1).first().map(|name| format!("did you mean {name}{suffix}?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_images_name_leads_to_ours() {
        let known = || crate::settings::contract::known_names();
        assert_eq!(variable("CASSANDRA_LISTEN_IP", "", known()).unwrap(), "its name here is CASSANDRA_LISTEN_ADDRESS");
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
}
