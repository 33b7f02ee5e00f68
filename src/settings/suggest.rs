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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_typo_that_cost_days() {
        let known = ["CASSANDRA_BROADCAST_ADDRESS", "CASSANDRA_SEEDS", "CASSANDRA_BROADCAST_RPC_ADDRESS"];
        assert_eq!(nearest("CASSANDRA_BOADCAST_ADDRESS", known, 1), ["CASSANDRA_BROADCAST_ADDRESS"]);
        assert_eq!(nearest("CASSANDRA_SEED", known, 3), ["CASSANDRA_SEEDS"]);
        assert!(nearest("CASSANDRA_PASSWORD_SEEDER_SLEEP", known, 3).is_empty());
    }
}
