//! A plan in the making: edits are collected with their sources, then applied to the documents at once.

use crate::cassandra::heap::HeapSize;
use crate::cassandra::schema::Value;
use crate::config::documents::{Documents, Origin, RACKDC, YAML};
use crate::config::fragment::class_edit;
use crate::config::jvm_options::{JvmOptionError, OptionFiles, OptionKey};
use crate::config::plan::{Decision, PlannedFile};
use crate::config::yaml::{Edit, Node, YamlPath, text};
use crate::report::{Finding, Report};
use crate::settings::raw::Source;
use crate::settings::secret::hide_in_options;

/// The edits so far.
pub(super) struct Draft<'a> {
    /// The files as the lower layers left them.
    pub(super) documents: &'a Documents,
    yaml: Vec<Edit>,
    rackdc: Vec<(String, String)>,
    /// The JVM option files as they are so far: what is computed later depends on what was set before.
    pub(super) options: OptionFiles,
    decisions: Vec<Decision>,
    findings: Report,
}

/// What a draft becomes.
pub(super) struct Finished {
    pub(super) files: Vec<PlannedFile>,
    pub(super) decisions: Vec<Decision>,
    pub(super) documents: Documents,
}

impl<'a> Draft<'a> {
    pub(super) fn new(documents: &'a Documents) -> Self {
        Self {
            documents,
            yaml: Vec::new(),
            rackdc: Vec::new(),
            options: documents.options.clone(),
            decisions: generic_decisions(documents),
            findings: Report::default(),
        }
    }

    pub(super) fn report(&mut self, finding: Finding) {
        self.findings.add(finding);
    }

    /// Whether a source may change a key: a profile's default lies below a mounted file and a generic variable.
    fn reaches(&self, file: &str, key: &str, source: &Source) -> bool {
        !matches!(source, Source::Profile(_)) || self.documents.is_free_for_profile(file, key)
    }

    /// Sets a key of cassandra.yaml.
    pub(super) fn yaml(&mut self, path: YamlPath, value: &Value, source: &Source) {
        if !self.reaches(YAML, &path.to_string(), source) {
            return;
        }
        self.decide(YAML, path.to_string(), display(value), source);
        let class = if let Value::Text(class) = value { class_edit(&self.documents.yaml, &path, class) } else { None };
        if let Some(edit) = class {
            self.yaml.push(edit);
            return;
        }
        self.yaml.push(match node(value) {
            // An empty value is refused by Cassandra wherever its default is not null.
            Node::Null => Edit::Remove(path),
            node => Edit::Set(path, node),
        });
    }

    /// Sets a key of cassandra.yaml to a list of strings.
    pub(super) fn yaml_list(&mut self, path: YamlPath, items: &[String], source: &Source) {
        self.decide(YAML, path.to_string(), items.join(", "), source);
        self.yaml.push(Edit::Set(path, Node::from(items.to_vec())));
    }

    /// Sets a key of cassandra.yaml to a structure.
    pub(super) fn yaml_node(&mut self, path: YamlPath, node: Node, shown: &str, source: &Source) {
        self.decide(YAML, path.to_string(), shown.to_owned(), source);
        self.yaml.push(Edit::Set(path, node));
    }

    /// Takes a key out of cassandra.yaml, if it is there.
    pub(super) fn remove_yaml(&mut self, key: &str) {
        let path = YamlPath::key(key);
        if self.documents.yaml.get(&path).is_some() {
            self.yaml.push(Edit::Remove(path));
        }
    }

    /// Sets a key of cassandra-rackdc.properties.
    pub(super) fn rackdc(&mut self, key: &str, value: &str, source: &Source) {
        self.decide(RACKDC, key.to_owned(), value.to_owned(), source);
        self.rackdc.push((key.to_owned(), value.to_owned()));
    }

    /// Sets a JVM option: in place of the same one where it stands, else in the file that its kind belongs in.
    ///
    /// What a variable set stays before a default and what we compute; two variables must agree.
    pub(super) fn option(&mut self, option: &str, source: &Source) {
        let key = OptionKey::of(option).to_string();
        let earlier =
            self.decisions.iter().find(|decision| decision.key == key && decision.source.variable().is_some());
        if let Some(earlier) = earlier.filter(|earlier| earlier.source != *source) {
            if source.variable().is_some() && !says_the_same(&earlier.value, option) {
                let message = format!(
                    "{} disagrees with {} of {}",
                    hide_in_options(option),
                    hide_in_options(&earlier.value),
                    earlier.source
                );
                let hint = "set the option in one of them";
                self.findings.add(Finding::error(source.to_string(), message).hint(hint));
            }
            return;
        }
        let Some(file) = self.options.place(option).map(str::to_owned) else { return };
        if self.reaches(&file, &key, source) {
            let laid = self.options.lay(option);
            self.option_laid(laid, key, option, source);
        }
    }

    /// Sets a JVM option on a line before another one, whose key is given.
    pub(super) fn option_before(&mut self, other: &str, option: &str, source: &Source) {
        let laid = self.options.insert_before(&OptionKey::of(other), option);
        self.option_laid(laid, OptionKey::of(option).to_string(), option, source);
    }

    fn option_laid(
        &mut self,
        laid: Result<Option<String>, JvmOptionError>,
        key: String,
        option: &str,
        source: &Source,
    ) {
        match laid {
            Ok(Some(file)) => self.decide(&file, key, option.to_owned(), source),
            Ok(None) => {}
            Err(error) => self.findings.add(Finding::error(source.to_string(), error.to_string())),
        }
    }

    /// Comments an option out where it stands.
    pub(super) fn disable_option(&mut self, file: &str, option: &str, source: &Source) {
        self.options.disable(file, &OptionKey::of(option));
        self.decide(file, OptionKey::of(option).to_string(), format!("#{option}"), source);
    }

    /// Takes an option out of every option file.
    pub(super) fn remove_option(&mut self, key: &str) {
        self.options.remove(&OptionKey::of(key));
    }

    /// Who set an option so far; nobody where it stands as the lower layers left it.
    pub(super) fn source_of(&self, option: &str) -> Option<&Source> {
        let key = OptionKey::of(option).to_string();
        self.decisions.iter().rev().find(|decision| decision.key == key).map(|decision| &decision.source)
    }

    fn decide(&mut self, file: &str, key: String, value: String, source: &Source) {
        self.decisions.push(Decision { file: file.to_owned(), key, value, source: source.clone() });
    }

    /// Applies everything, each document behind its guard.
    pub(super) fn finish(self, report: &mut Report) -> Option<Finished> {
        let mut sound = true;
        let mut documents = self.documents.clone();
        report.absorb(self.findings);
        match documents.yaml.edit(&self.yaml) {
            Ok(edited) => documents.yaml = edited,
            Err(error) => {
                report.add(Finding::error(YAML, error.to_string()));
                sound = false;
            }
        }
        for (key, value) in &self.rackdc {
            documents.rackdc.set(key, value);
        }
        documents.options = self.options;
        sound.then(|| Finished { files: files(self.documents, &documents), decisions: self.decisions, documents })
    }
}

/// Whether two options with one key have the same effect: sizes may be written in different units.
fn says_the_same(one: &str, other: &str) -> bool {
    let size = |option: &str| {
        ["-Xmx", "-Xms", "-Xmn"].iter().find_map(|flag| option.strip_prefix(flag)).and_then(HeapSize::from_option)
    };
    one == other || (size(one).is_some() && size(one) == size(other))
}

/// What generic variables set is in the documents already.
fn generic_decisions(documents: &Documents) -> Vec<Decision> {
    let decision = |file: &str, origin: &Origin, value: String| Decision {
        file: file.to_owned(),
        key: origin.key.clone(),
        value,
        source: origin.source.clone(),
    };
    let yaml = documents.generic.iter().map(|origin| {
        let value = origin.key.parse().ok().and_then(|path: YamlPath| documents.yaml.get(&path));
        decision(YAML, origin, value.map_or_else(|| "unset".to_owned(), text::of))
    });
    let rackdc = documents
        .generic_rackdc
        .iter()
        .map(|origin| decision(RACKDC, origin, documents.rackdc.get(&origin.key).unwrap_or_default().to_owned()));
    yaml.chain(rackdc).collect()
}

fn files(before: &Documents, after: &Documents) -> Vec<PlannedFile> {
    let mut files = vec![
        planned(YAML, before.base_text(YAML), after.yaml.text()),
        planned(RACKDC, before.base_text(RACKDC), after.rackdc.text()),
    ];
    files.extend(after.options.iter().map(|(name, file)| planned(name, before.base_text(name), &file.text())));
    files.sort_by(|a, b| a.name.cmp(&b.name));
    files
}

fn planned(name: &str, before: &str, after: &str) -> PlannedFile {
    PlannedFile { name: name.to_owned(), before: before.to_owned(), after: after.to_owned() }
}

fn node(value: &Value) -> Node {
    match value {
        Value::Null => Node::Null,
        Value::Boolean(truth) => Node::Bool(*truth),
        Value::Integer(number) => Node::Integer(*number),
        Value::Number(number) => Node::Float(*number),
        Value::Text(text) => Node::Text(text.clone()),
    }
}

fn display(value: &Value) -> String {
    match value {
        Value::Null => "unset".into(),
        Value::Boolean(truth) => truth.to_string(),
        Value::Integer(number) => number.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Text(text) => text.clone(),
    }
}
