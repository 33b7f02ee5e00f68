//! Generic variables against named ones, each other, and the release.

use std::collections::BTreeMap;

use super::*;
use crate::cassandra::Line;
use crate::config::documents::{BaseFile, Layer};
use crate::settings::Profile;

const V5: Version = Version::new(Line::V5_0, 8);

struct Applied {
    settings: Settings,
    documents: Documents,
    findings: Vec<String>,
}

fn apply_to(yaml: &str, pairs: &[(&str, &str)]) -> Applied {
    apply_for(V5, yaml, pairs)
}

fn apply_for(version: Version, yaml: &str, pairs: &[(&str, &str)]) -> Applied {
    let env: RawEnv = pairs.iter().copied().collect();
    let mut report = Report::default();
    let settings = Settings::read(&env, &Profile::named("native").unwrap(), &mut report);
    let base: BTreeMap<String, BaseFile> = [(YAML.to_owned(), BaseFile::new(yaml.to_owned(), Layer::Pristine))].into();
    let documents = Documents::parse(&base, &[], &mut report).unwrap();
    let (settings, documents) = apply(&settings, &documents, version, &mut report);
    Applied { settings, documents, findings: report.iter().map(ToString::to_string).collect() }
}

fn rendered(yaml: &str, pairs: &[(&str, &str)]) -> String {
    let applied = apply_to(yaml, pairs);
    assert_eq!(applied.findings, [""; 0]);
    applied.documents.yaml.text().to_owned()
}

#[test]
fn any_key_in_any_case_with_the_name_and_type_of_the_release() {
    assert_eq!(
        rendered("", &[("CASSANDRA_CFG_YAML_HINTED_HANDOFF_ENABLED", "false")]),
        "hinted_handoff_enabled: false\n"
    );
    assert_eq!(
        rendered("key_cache_size_in_mb: 1\n", &[("CASSANDRA_YAML_key_cache_size_in_mb", "9")]),
        "key_cache_size: 9MiB\n"
    );
    assert_eq!(rendered("cluster_name: a\n", &[("CASSANDRA_YAML_cluster_name", "on")]), "cluster_name: 'on'\n");
    assert_eq!(rendered("", &[("CASSANDRA_YAML_storage_port", "7001")]), "storage_port: 7001\n");
    assert_eq!(rendered("cdc_enabled: true\n", &[("CASSANDRA_YAML_cdc_enabled", "null")]), "");
}

#[test]
fn paths_lead_into_maps_and_lists() {
    let base = "data_file_directories:\n    - /a\nclient_encryption_options:\n  enabled: false\n";
    let text = rendered(
        base,
        &[
            ("CASSANDRA_YAML_data_file_directories__1", "/b"),
            ("CASSANDRA_CFG_YAML_CLIENT_ENCRYPTION_OPTIONS__ENABLED", "yes"),
            ("CASSANDRA_YAML_client_encryption_options__keystore_password", "0123"),
        ],
    );
    assert!(
        text.starts_with("data_file_directories:\n    - /a\n    - /b\nclient_encryption_options:\n  enabled: true\n"),
        "{text}"
    );
    assert!(text.contains("keystore_password: \"0123\"") || text.contains("keystore_password: '0123'"), "{text}");
}

#[test]
fn a_wrong_value_is_told_with_what_was_expected_and_a_secret_is_not() {
    let findings = apply_to("", &[("CASSANDRA_YAML_storage_port", "many"), ("CASSANDRA_YAML_num_token", "1")]).findings;
    assert_eq!(
        findings,
        [
            "CASSANDRA_YAML_num_token: 'num_token' is not known to Cassandra 5.0.8 (hint: did you mean num_tokens?)",
            "CASSANDRA_YAML_storage_port: 'many' is not valid, expected a whole number",
        ]
    );
    let findings = apply_to("", &[("CASSANDRA_YAML_start_rpc", "true")]).findings;
    assert!(findings[0].contains("Cassandra 3.11 was the last line to have it"), "{findings:?}");
}

#[test]
fn sources_that_disagree_are_both_named_and_equal_ones_are_fine() {
    let conflict = |pairs: &[(&str, &str)]| apply_to("num_tokens: 1\n", pairs).findings;
    let both =
        |a: &str, b: &str| format!("{a} disagrees with {b} (hint: set one of the two, or the same value in both)");
    assert_eq!(
        conflict(&[("CASSANDRA_YAML", "num_tokens: 8"), ("CASSANDRA_YAML_num_tokens", "4")]),
        [both("CASSANDRA_YAML_num_tokens:", "CASSANDRA_YAML on num_tokens")]
    );
    assert_eq!(
        conflict(&[("CASSANDRA_CFG_YAML_NUM_TOKENS", "8"), ("CASSANDRA_YAML_num_tokens", "4")]),
        [both("CASSANDRA_YAML_num_tokens:", "CASSANDRA_CFG_YAML_NUM_TOKENS on num_tokens")]
    );
    assert_eq!(
        conflict(&[("CASSANDRA_NUM_TOKENS", "8"), ("CASSANDRA_YAML_num_tokens", "4")]),
        [both("CASSANDRA_YAML_num_tokens:", "CASSANDRA_NUM_TOKENS on num_tokens")]
    );
    assert_eq!(
        conflict(&[("CASSANDRA_YAML_key_cache_size", "9MiB"), ("CASSANDRA_KEY_CACHE_SIZE_IN_MB", "8")]),
        [both("CASSANDRA_YAML_key_cache_size:", "CASSANDRA_KEY_CACHE_SIZE_IN_MB on key_cache_size")]
    );
    assert_eq!(
        conflict(&[("CASSANDRA_LISTEN_ADDRESS", "10.0.0.1"), ("CASSANDRA_YAML_listen_address", "10.0.0.2")]),
        [both("CASSANDRA_YAML_listen_address:", "CASSANDRA_LISTEN_ADDRESS on listen_address")]
    );
    assert_eq!(
        conflict(&[("CASSANDRA_DC", "a"), ("CASSANDRA_RACKDC_dc", "b")]),
        [both("CASSANDRA_RACKDC_dc:", "CASSANDRA_DC on dc")]
    );
    assert_eq!(
        conflict(&[
            ("CASSANDRA_YAML", "data_file_directories: [/a, /b]"),
            ("CASSANDRA_YAML_data_file_directories__1", "/c")
        ]),
        [both("CASSANDRA_YAML_data_file_directories__1:", "CASSANDRA_YAML on data_file_directories[1]")]
    );
    for pairs in [
        &[("CASSANDRA_YAML", "num_tokens: 8"), ("CASSANDRA_YAML_num_tokens", "8")],
        &[("CASSANDRA_NUM_TOKENS", "8"), ("CASSANDRA_YAML_num_tokens", "8")],
        &[("CASSANDRA_YAML", "data_file_directories: [/a, /b]"), ("CASSANDRA_YAML_data_file_directories__1", "/b")],
        &[("CASSANDRA_LISTEN_ADDRESS", "10.0.0.1"), ("CASSANDRA_YAML_listen_address", "10.0.0.1")],
        &[
            ("CASSANDRA_YAML", "client_encryption_options: {enabled: true}"),
            ("CASSANDRA_YAML_client_encryption_options__optional", "true"),
        ],
    ] {
        assert_eq!(conflict(pairs), [""; 0], "{pairs:?}");
    }
}

#[test]
fn keys_on_which_others_depend_take_their_variables_place() {
    let applied = apply_to(
        "listen_address: localhost\n",
        &[
            ("CASSANDRA_YAML", "listen_address: 10.0.0.9\nendpoint_snitch: Ec2Snitch\n"),
            ("CASSANDRA_RACKDC_dc", "east"),
            ("CASSANDRA_RACKDC_prefer_local", "TRUE"),
        ],
    );
    assert_eq!(applied.findings, [""; 0]);
    assert_eq!(applied.settings.listen_address.unwrap().source, Source::Environment("CASSANDRA_YAML".into()));
    assert_eq!(applied.settings.endpoint_snitch.unwrap().value.to_string(), "Ec2Snitch");
    assert_eq!(applied.settings.dc.unwrap().value.to_string(), "east");
    assert_eq!(applied.documents.rackdc.get("prefer_local"), Some("true"));
    assert_eq!(applied.documents.yaml.text(), "listen_address: localhost\n");
}

#[test]
fn an_unknown_property_is_written_and_told() {
    let applied = apply_to("", &[("CASSANDRA_RACKDC_prefer_lokal", "true")]);
    assert_eq!(applied.documents.rackdc.get("prefer_lokal"), Some("true"));
    assert_eq!(
        applied.findings,
        [
            "CASSANDRA_RACKDC_prefer_lokal: no snitch that we know reads 'prefer_lokal', it is written as it is (hint: did you mean prefer_local?)"
        ]
    );
}

#[test]
fn a_path_that_leads_nowhere_names_its_variable() {
    let findings =
        apply_to("data_file_directories:\n    - /a\n", &[("CASSANDRA_YAML_data_file_directories__5", "/b")]).findings;
    assert!(
        findings[0].starts_with("CASSANDRA_YAML_data_file_directories__5: cannot reach data_file_directories[5]"),
        "{findings:?}"
    );
}

#[test]
fn what_cassandra_6_reads_itself_is_told_and_where_nobody_reads_it_that_too() {
    let told = |line, pairs: &[(&str, &str)]| {
        let mut report = Report::default();
        find_passed_through(&pairs.iter().copied().collect(), Version::new(line, 0), &mut report);
        report.iter().map(|finding| format!("{}: {}", finding.severity, finding.message)).collect::<Vec<_>>()
    };
    let variable = ("CASSANDRA_SETTINGS_NUM_TOKENS", "4");
    let switch = ("CASSANDRA_ALLOW_CONFIG_ENVIRONMENT_VARIABLES", "true");
    assert_eq!(
        told(Line::V6_0, &[variable, switch]),
        ["note: read by Cassandra itself, it overrides what cassandra.yaml says"]
    );
    assert_eq!(
        told(Line::V6_0, &[variable]),
        ["warning: no effect without CASSANDRA_ALLOW_CONFIG_ENVIRONMENT_VARIABLES=true"]
    );
    assert!(told(Line::V5_0, &[variable, switch])[0].starts_with("warning: Cassandra 5.0.0 does not read it"));
    assert_eq!(told(Line::V6_0, &[switch]), [""; 0]);
}

#[test]
fn a_class_given_as_json_is_its_name_where_the_release_takes_no_more() {
    let v4_1 = Version::new(Line::V4_1, 10);
    let authenticator = |json: &str| apply_for(v4_1, "authenticator: A\n", &[("CASSANDRA_YAML_authenticator", json)]);
    let applied = authenticator(r#"{"class_name": "B", "parameters": {}}"#);
    assert_eq!((applied.documents.yaml.text(), applied.findings), ("authenticator: B\n", Vec::new()));
    assert_eq!(
        authenticator(r#"{"class_name": "B", "parameters": {"a": "b"}}"#).findings,
        [
            "CASSANDRA_YAML_authenticator: 'authenticator' has parameters, and Cassandra 4.1.10 takes the name of a class alone (hint: give authenticator the name of the class)"
        ]
    );
}

#[test]
fn what_is_in_a_json_map_arrives_as_it_was_typed() {
    let pairs = [
        ("CASSANDRA_YAML_client_encryption_options", r#"{"keystore_password": 0123, "enabled": true}"#),
        ("CASSANDRA_YAML_seed_provider__0__parameters__0", "{seeds: 1_000}"),
    ];
    let text = rendered("seed_provider:\n  - class_name: A\n    parameters:\n      - seeds: a\n", &pairs);
    assert!(text.contains("keystore_password: 0123\n") && text.contains("- seeds: 1_000\n"), "{text}");
}

#[test]
fn what_was_meant_to_be_a_map_is_not_shown_when_it_is_none() {
    for text in ["{keystore_password: hunter2", "hunter2", "[hunter2]"] {
        let told = apply_to("", &[("CASSANDRA_YAML_client_encryption_options", text)]).findings;
        assert!(told.len() == 1 && told[0].contains("'***' is not valid, expected a map"), "{told:?}");
    }
}

#[test]
fn a_class_given_by_its_name_is_opened_for_a_parameter() {
    let base = "authenticator: A\n";
    let named = rendered(base, &[("CASSANDRA_YAML_authenticator__class_name", "B")]);
    assert_eq!(named, "authenticator: B\n");
    let pairs = [
        ("CASSANDRA_YAML_authenticator__class_name", "B"),
        ("CASSANDRA_YAML_authenticator__parameters__x", "w"),
        ("CASSANDRA_YAML_authenticator__parameters__z", "0"),
    ];
    let opened = "authenticator:\n  class_name: B\n  parameters:\n    x: w\n    z: '0'\n";
    assert_eq!(rendered(base, &pairs), opened);
}
