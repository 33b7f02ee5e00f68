//! The order of the command line, and what replaces what on it.

use super::*;
use crate::cassandra::distribution::Java;
use crate::cassandra::version::Version;

fn distribution() -> Distribution {
    Distribution {
        home: "/opt/cassandra".into(),
        version: Version::new(Line::V5_0, 8),
        jars: vec!["/opt/cassandra/lib/apache-cassandra-5.0.8.jar".into(), "/opt/cassandra/lib/jamm-0.4.0.jar".into()],
        script: None,
        java: Java { program: "/usr/bin/java".into(), major: 17 },
    }
}

fn line(options: &[&str], jmx: Jmx) -> Vec<String> {
    let distribution = distribution();
    let options: Vec<String> = options.iter().map(ToString::to_string).collect();
    let server = Server {
        distribution: &distribution,
        conf: Path::new("/etc/cassandra"),
        storage: Path::new("/var/lib/cassandra"),
        logs: Path::new("/var/log/cassandra"),
        heap_dumps: None,
        before: &["-Dbefore=1".to_owned()],
        options: &options,
        after: &["-Dafter=1".to_owned()],
        unwritten: &["-Dunwritten=1".to_owned()],
        jmx: &JmxServer { access: jmx, host: Some("10.0.0.1".into()), port: JMX_PORT },
        jemalloc: None,
        compile_commands: None,
        native_libraries: None,
        on_out_of_memory: None,
        extra_class_path: None,
    };
    server.arguments().into_iter().map(|word| word.into_string().unwrap()).collect()
}

#[test]
fn the_server_line_keeps_the_order_of_the_scripts() {
    insta::assert_snapshot!(line(&["-ea", "-Xms512M", "-Xmx512M"], Jmx::Local).join("\n"));
}

#[test]
fn an_own_gc_log_replaces_the_default() {
    let words = line(&["-Xlog:gc=info:stdout"], Jmx::Local);
    assert_eq!(words.iter().filter(|word| word.starts_with("-Xlog:gc")).count(), 1);
}

#[test]
fn open_jmx_has_no_password_and_names_its_host() {
    let words = line(&[], Jmx::Open);
    assert!(words.contains(&"-Dcassandra.jmx.remote.port=7199".to_owned()));
    assert!(words.contains(&"-Dcom.sun.management.jmxremote.authenticate=false".to_owned()));
    assert!(words.contains(&"-Djava.rmi.server.hostname=10.0.0.1".to_owned()));
    assert!(!words.iter().any(|word| word.contains("local.port")));
}

#[test]
fn cms_gets_card_marks_unless_somebody_said() {
    let marks = |options: &[&str]| {
        let words = line(options, Jmx::Local);
        words.into_iter().filter(|word| word.contains("UseCondCardMark")).collect::<Vec<_>>()
    };
    assert_eq!(marks(&["-XX:+UseConcMarkSweepGC"]), ["-XX:+UseCondCardMark"]);
    assert_eq!(marks(&["-XX:+UseConcMarkSweepGC", "-XX:-UseCondCardMark"]), ["-XX:-UseCondCardMark"]);
    assert_eq!(marks(&["-XX:+UseG1GC"]), [""; 0]);
}

#[test]
fn a_place_that_somebody_set_is_theirs() {
    let set = "-Dcassandra.config=file:///elsewhere.yaml";
    let words = line(&[set, "-Dcassandra.storagedir=/elsewhere"], Jmx::Local);
    let of = |name: &str| words.iter().filter(|word| word.starts_with(name)).map(String::as_str).collect::<Vec<_>>();
    assert_eq!(of("-Dcassandra.config="), [set]);
    assert_eq!(of("-Dcassandra.storagedir="), ["-Dcassandra.storagedir=/elsewhere"]);
    assert_eq!(of("-Dcassandra.logdir="), ["-Dcassandra.logdir=/var/log/cassandra"]);
}

#[test]
fn the_nodetool_of_old_lines_may_write_its_urls() {
    let asks = |line| {
        let distribution = Distribution { version: Version::new(line, 4), ..distribution() };
        let words = nodetool(&distribution, Path::new("/c"), Path::new("/d"), &[], JMX_PORT, &["info".into()]);
        words.contains(&"-Dcom.sun.jndi.rmiURLParsing=legacy".into())
    };
    assert_eq!(Line::ALL.map(asks), [true, true, false, false, false]);
}
