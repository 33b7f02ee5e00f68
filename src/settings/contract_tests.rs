//! The contract as a whole: every problem at once, names that agree, names that are nobody's.

use super::*;

fn read(profile: &str, pairs: &[(&str, &str)]) -> (Settings, Vec<String>) {
    let env: RawEnv = pairs.iter().copied().collect();
    let mut report = Report::default();
    let settings = Settings::read(&env, &Profile::named(profile).unwrap(), &mut report);
    (settings, report.iter().map(ToString::to_string).collect())
}

#[test]
fn all_problems_are_told_at_once_with_what_was_expected() {
    let (_, findings) = read(
        "native",
        &[
            ("CASSANDRA_NUM_TOKENS", "many"),
            ("CASSANDRA_SEEDS", " , "),
            ("MAX_HEAP_SIZE", "512"),
            ("CASSANDRA_BOADCAST_ADDRESS", "10.0.0.1"),
            ("CASSANDRA_AUTO_BOOTSTRAP", "maybe"),
        ],
    );
    insta::assert_snapshot!(findings.join("\n"));
}

#[test]
fn two_names_of_one_setting_must_agree_unless_the_profile_says_which_wins() {
    let pairs = [("MAX_HEAP_SIZE", "512M"), ("CASSANDRA_MAX_HEAP", "1G")];
    let (_, findings) = read("native", &pairs);
    assert_eq!(
        findings,
        ["CASSANDRA_MAX_HEAP: '1G' disagrees with MAX_HEAP_SIZE='512M', another name of the same setting"]
    );
    let (settings, findings) = read("kubernetes-examples", &pairs);
    assert_eq!(findings, [""; 0]);
    assert_eq!(settings.max_heap.map(|given| given.value), Some(HeapSize::from_mebibytes(1024)));
}

#[test]
fn service_links_and_other_peoples_variables_are_no_findings() {
    let names = [
        "CASSANDRA_SERVICE_HOST",
        "CASSANDRA_SERVICE_PORT",
        "CASSANDRA_SERVICE_PORT_CQL",
        "CASSANDRA_PORT",
        "CASSANDRA_PORT_9042_TCP",
        "CASSANDRA_PORT_9042_TCP_ADDR",
        "CASSANDRA_VERSION",
        "CASSANDRA_SETTINGS_CLUSTER_NAME",
        "PATH",
    ];
    let (_, findings) = read("native", &names.map(|name| (name, "x")));
    assert_eq!(findings, [""; 0]);
}

#[test]
fn generic_variables_and_files_are_no_findings_and_a_misspelled_file_names_the_right_one() {
    let known = ["CASSANDRA_YAML_num_tokens", "CASSANDRA_CFG_RACKDC_DC", "CASSANDRA_SEEDS_FILE", "CASSANDRA_YAML_FILE"];
    assert!(known.iter().all(|name| is_known(name)));
    let (_, findings) = read("native", &[("CASSANDRA_SEED_FILE", "/x"), ("CASSANDRA_YAML_num_tokens", "1")]);
    assert_eq!(
        findings,
        ["CASSANDRA_SEED_FILE: unknown variable, it has no effect (hint: did you mean CASSANDRA_SEEDS_FILE?)"]
    );
}

#[test]
fn every_name_is_described_once() {
    let mut names: Vec<&str> = known_names().collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
    assert!(CONTRACT.iter().all(|variable| variable.doc.ends_with('.')));
}
