//! Our own complete configuration files, one set per Cassandra line: the pristine layer where there is no `conf/`.

use crate::cassandra::Line;

/// The files of a line: those that every line has, those named, and for each Java the two option files of its own.
macro_rules! files {
    ($line:literal: $($name:literal),*; Java $($java:literal),*) => {
        files!(@ $line, [
            "cassandra.yaml", "cassandra-rackdc.properties", "logback.xml", "logback-tools.xml", $($name,)*
            $(concat!("jvm", $java, "-server.options"), concat!("jvm", $java, "-clients.options"),)*
        ])
    };
    (@ $line:literal, [$($name:expr,)*]) => {
        &[$( ($name, include_str!(concat!("../../config-defaults/", $line, "/", $name))) ),*]
    };
}

type Files = &'static [(&'static str, &'static str)];

const V3_11: Files = files!("3.11": "jvm.options"; Java);
const V4_0: Files = files!("4.0": "jvm-server.options", "jvm-clients.options"; Java 8, 11);
const V4_1: Files = files!("4.1": "jvm-server.options", "jvm-clients.options"; Java 8, 11);
const V5_0: Files = files!("5.0": "jvm-server.options", "jvm-clients.options"; Java 11, 17);
const V6_0: Files = files!("6.0": "jvm-server.options", "jvm-clients.options"; Java 11, 17, 21);

/// The files of `line`, by name.
pub fn files(line: Line) -> Files {
    match line {
        Line::V3_11 => V3_11,
        Line::V4_0 => V4_0,
        Line::V4_1 => V4_1,
        Line::V5_0 => V5_0,
        Line::V6_0 => V6_0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cassandra::{Version, distribution::option_files, schema};
    use crate::config::yaml::YamlDocument;

    #[test]
    fn each_line_has_the_option_files_of_each_java_that_it_runs_on() {
        for line in Line::ALL {
            for java in line.java_majors() {
                for name in option_files(line, *java) {
                    assert!(files(line).iter().any(|(known, _)| *known == name), "{} Java {java}: {name}", line.name());
                }
            }
        }
    }

    #[test]
    fn the_first_release_of_a_line_knows_every_key_that_is_set() {
        for line in Line::ALL {
            let text = files(line).iter().find(|(name, _)| *name == "cassandra.yaml").unwrap().1;
            let document = YamlDocument::parse("cassandra.yaml", text).unwrap();
            for key in document.tree().as_mapping().unwrap().keys() {
                let key = key.as_str().unwrap();
                let row = schema::row(key, Version::new(line, 0));
                let row = row.unwrap_or_else(|| panic!("{}.0 has no {key}", line.name()));
                assert_eq!(row.alias_of, None, "{}: {key} is an old name", line.name());
            }
        }
    }
}
