//! Our own complete configuration files, one set per Cassandra line: the pristine layer where there is no `conf/`.

use crate::cassandra::Line;

macro_rules! files {
    ($line:literal: $($name:literal),* $(,)?) => {
        &[$( ($name, include_str!(concat!("../../config-defaults/", $line, "/", $name))) ),*]
    };
}

const V3_11: &[(&str, &str)] = files!("3.11":
    "cassandra.yaml",
    "cassandra-rackdc.properties",
    "jvm.options",
    "logback.xml",
    "logback-tools.xml",
);

const V4_0: &[(&str, &str)] = files!("4.0":
    "cassandra.yaml",
    "cassandra-rackdc.properties",
    "jvm-server.options",
    "jvm8-server.options",
    "jvm11-server.options",
    "jvm-clients.options",
    "jvm8-clients.options",
    "jvm11-clients.options",
    "logback.xml",
    "logback-tools.xml",
);

const V4_1: &[(&str, &str)] = files!("4.1":
    "cassandra.yaml",
    "cassandra-rackdc.properties",
    "jvm-server.options",
    "jvm8-server.options",
    "jvm11-server.options",
    "jvm-clients.options",
    "jvm8-clients.options",
    "jvm11-clients.options",
    "logback.xml",
    "logback-tools.xml",
);

const V5_0: &[(&str, &str)] = files!("5.0":
    "cassandra.yaml",
    "cassandra-rackdc.properties",
    "jvm-server.options",
    "jvm11-server.options",
    "jvm17-server.options",
    "jvm-clients.options",
    "jvm11-clients.options",
    "jvm17-clients.options",
    "logback.xml",
    "logback-tools.xml",
);

const V6_0: &[(&str, &str)] = files!("6.0":
    "cassandra.yaml",
    "cassandra-rackdc.properties",
    "jvm-server.options",
    "jvm11-server.options",
    "jvm17-server.options",
    "jvm21-server.options",
    "jvm-clients.options",
    "jvm11-clients.options",
    "jvm17-clients.options",
    "jvm21-clients.options",
    "logback.xml",
    "logback-tools.xml",
);

/// The files of `line`, by name.
pub fn files(line: Line) -> &'static [(&'static str, &'static str)] {
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
