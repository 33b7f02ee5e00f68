//! Our own complete configuration files, one set per Cassandra line: the pristine layer where there is no `conf/`.

use crate::cassandra::Line;

macro_rules! files {
    ($line:literal: $($name:literal),* $(,)?) => {
        &[$( ($name, include_str!(concat!("../../config-defaults/", $line, "/", $name))) ),*]
    };
}

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

/// The files of `line`, by name; none for a line that we have no files for.
pub fn files(line: Line) -> &'static [(&'static str, &'static str)] {
    match line {
        Line::V5_0 => V5_0,
        Line::V3_11 | Line::V4_0 | Line::V4_1 | Line::V6_0 => &[],
    }
}
