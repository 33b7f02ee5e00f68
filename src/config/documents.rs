//! The configuration files of one start, parsed.

use std::collections::BTreeMap;

use crate::config::jvm_options::{JvmOptions, OptionFiles};
use crate::config::properties::Properties;
use crate::config::yaml::YamlDocument;
use crate::report::{Finding, Place, Report};
use crate::settings::raw::Source;

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
    /// What mounted fragments set in it.
    pub origins: Vec<Origin>,
    /// The file one layer down: before fragments were merged into it, or before the hook edited it.
    pub below: Option<Box<BaseFile>>,
}

/// Who set a key below the plan's own edits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The key: a path in cassandra.yaml, a property, the key of a JVM option.
    pub key: String,
    /// Its source.
    pub source: Source,
    /// The line of the source's text, from 1, where it is a variable that sets many keys.
    pub line: Option<usize>,
}

impl Origin {
    /// Who set a key.
    pub fn new(key: String, source: Source) -> Self {
        Self { key, source, line: None }
    }

    /// The same, at a line of a variable.
    #[must_use]
    pub fn at_line(self, line: usize) -> Self {
        Self { line: Some(line), ..self }
    }

    /// Where it can be changed.
    pub fn place(&self) -> Place {
        match self.line {
            Some(_) => Place::file(self.source.to_string(), self.line, None),
            None => Place::from(self.source.to_string()),
        }
    }
}

impl BaseFile {
    /// A file as one layer has it.
    pub fn new(text: String, layer: Layer) -> Self {
        Self { text, layer, origins: Vec::new(), below: None }
    }

    /// What the pre-run hook made of `before`.
    pub fn after_hook(before: &Self, text: String) -> Self {
        if text == before.text {
            return before.clone();
        }
        // What fragments set is still theirs, as far as the hook left it.
        Self { text, layer: Layer::Hook, origins: Vec::new(), below: Some(Box::new(before.clone())) }
    }
}

/// The entry of `origins` that speaks of `key`: for itself, for what it lies in, or for a part of it.
pub fn origin_of<'a>(origins: &'a [Origin], key: &str) -> Option<&'a Source> {
    entry_of(origins, key).map(|origin| &origin.source)
}

/// As [`origin_of`]; what speaks of the whole of `key` comes before what speaks of a part.
pub fn entry_of<'a>(origins: &'a [Origin], key: &str) -> Option<&'a Origin> {
    let whole = origins.iter().rfind(|origin| covers(&origin.key, key));
    whole.or_else(|| origins.iter().rfind(|origin| covers(key, &origin.key)))
}

/// Whether `key` is `outer` or lies in it: `a.b` and `a[0]` lie in `a`.
pub fn covers(outer: &str, key: &str) -> bool {
    key.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// The files that plans edit.
#[derive(Debug, Clone)]
pub struct Documents {
    /// cassandra.yaml.
    pub yaml: YamlDocument,
    /// cassandra-rackdc.properties.
    pub rackdc: Properties,
    /// The JVM option files, in the order in which Cassandra reads them.
    pub options: OptionFiles,
    /// What generic variables set in cassandra.yaml: it is in the document already.
    pub(super) generic: Vec<Origin>,
    /// The same for cassandra-rackdc.properties.
    pub(super) generic_rackdc: Vec<Origin>,
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
        let options = option_files.iter().map(|name| ((*name).to_owned(), JvmOptions::parse(name, text(name))));
        let options = OptionFiles::new(options.collect());
        Some(Self {
            yaml: yaml?,
            rackdc: rackdc?,
            options,
            generic: Vec::new(),
            generic_rackdc: Vec::new(),
            base: base.clone(),
        })
    }

    /// The layer that a file came from; a file that is not there counts as pristine.
    pub fn layer(&self, name: &str) -> Layer {
        self.base.get(name).map_or(Layer::Pristine, |file| file.layer)
    }

    /// A file before our edits.
    pub fn file(&self, name: &str) -> Option<&BaseFile> {
        self.base.get(name)
    }

    /// The entry of what generic variables set that speaks of a key of cassandra.yaml, or of a part of it.
    pub fn generic_origin(&self, key: &str) -> Option<&Origin> {
        entry_of(&self.generic, key)
    }

    /// Whether a profile's default reaches a key: one lies below every mounted file and fragment, and below the hook.
    pub fn is_free_for_profile(&self, name: &str, key: &str) -> bool {
        let fragment = self.base.get(name).is_some_and(|file| origin_of(&file.origins, key).is_some());
        matches!(self.layer(name), Layer::Pristine | Layer::Default) && !fragment && !self.is_generic(name, key)
    }

    /// Whether a generic variable set a key of cassandra.yaml, or a part of it.
    pub fn is_generic(&self, name: &str, key: &str) -> bool {
        name == YAML && origin_of(&self.generic, key).is_some()
    }

    /// Whether a mounted fragment or a generic variable set a key.
    pub fn is_chosen(&self, name: &str, key: &str) -> bool {
        let fragment = self.base.get(name).is_some_and(|file| origin_of(&file.origins, key).is_some());
        fragment || self.is_generic(name, key)
    }

    /// The generic variable that set a key of cassandra.yaml.
    pub fn generic_source(&self, key: &str) -> Option<&Source> {
        origin_of(&self.generic, key)
    }

    /// The text of a file before our edits, the merge of fragments among them.
    pub fn base_text(&self, name: &str) -> &str {
        let file = self.base.get(name);
        let unmerged = file.filter(|file| file.layer != Layer::Hook).and_then(|file| file.below.as_deref());
        unmerged.or(file).map_or("", |file| file.text.as_str())
    }
}

fn keep<T, E: std::fmt::Display>(result: Result<T, E>, name: &str, report: &mut Report) -> Option<T> {
    result.map_err(|error| report.add(Finding::error(name, error.to_string()))).ok()
}
