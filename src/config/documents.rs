//! The configuration files of one start, parsed.

use std::collections::BTreeMap;

use crate::config::jvm_options::JvmOptions;
use crate::config::properties::Properties;
use crate::config::yaml::YamlDocument;
use crate::report::{Finding, Report};

/// The main configuration file.
pub const YAML: &str = "cassandra.yaml";
/// The file that names data centre and rack.
pub const RACKDC: &str = "cassandra-rackdc.properties";

/// The layer that a file's text came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layer {
    /// The distribution's own file.
    Pristine,
    /// Our own file, where the distribution has none.
    Default,
    /// A mounted file that replaced it.
    Overlay,
    /// What the pre-run hook made of it.
    Hook,
}

/// A file before our edits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseFile {
    /// Its text.
    pub text: String,
    /// The layer that it came from.
    pub layer: Layer,
}

/// The files that plans edit.
#[derive(Debug, Clone)]
pub struct Documents {
    /// cassandra.yaml.
    pub yaml: YamlDocument,
    /// cassandra-rackdc.properties.
    pub rackdc: Properties,
    /// The JVM option files, in the order in which Cassandra reads them.
    pub options: Vec<(String, JvmOptions)>,
    base: BTreeMap<String, BaseFile>,
}

impl Documents {
    /// Parses the files; `option_files` are those that this Cassandra reads with this Java.
    ///
    /// Every problem of every file goes to `report`; the result is `None` if there is one.
    pub fn parse(base: &BTreeMap<String, BaseFile>, option_files: &[&str], report: &mut Report) -> Option<Self> {
        let text = |name: &str| base.get(name).map_or("", |file| file.text.as_str());
        if !base.contains_key(YAML) {
            report.add(Finding::error(YAML, "the file is missing"));
        }
        let yaml = match YamlDocument::parse(YAML, text(YAML)) {
            Ok(yaml) => Some(yaml),
            Err(error) => {
                for finding in error.findings {
                    let column = finding.column.map_or(String::new(), |column| format!(":{column}"));
                    report.add(Finding::error(format!("{YAML}:{}{column}", finding.line), finding.message));
                }
                None
            }
        };
        let rackdc = keep(Properties::parse(RACKDC, text(RACKDC)), RACKDC, report);
        let options =
            option_files.iter().map(|name| ((*name).to_owned(), JvmOptions::parse(name, text(name)))).collect();
        Some(Self { yaml: yaml?, rackdc: rackdc?, options, base: base.clone() })
    }

    /// The layer that a file came from; a file that is not there counts as pristine.
    pub fn layer(&self, name: &str) -> Layer {
        self.base.get(name).map_or(Layer::Pristine, |file| file.layer)
    }

    /// The text of a file before our edits.
    pub fn base_text(&self, name: &str) -> &str {
        self.base.get(name).map_or("", |file| file.text.as_str())
    }

    /// The live options of all option files, in order, one line each.
    pub fn live_options(&self) -> impl Iterator<Item = &str> {
        self.options.iter().flat_map(|(_, file)| file.options())
    }
}

fn keep<T, E: std::fmt::Display>(result: Result<T, E>, name: &str, report: &mut Report) -> Option<T> {
    result.map_err(|error| report.add(Finding::error(name, error.to_string()))).ok()
}
