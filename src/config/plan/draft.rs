//! A plan in the making: edits are collected with their sources, then applied to the documents at once.

use crate::cassandra::schema::Value;
use crate::config::documents::{Documents, Origin, RACKDC, YAML};
use crate::config::jvm_options::OptionKey;
use crate::config::plan::{Decision, PlannedFile};
use crate::config::yaml::{Edit, Node, YamlPath, text};
use crate::report::{Finding, Report};
use crate::settings::raw::Source;

/// The edits so far.
pub(super) struct Draft<'a> {
    /// The files as the lower layers left them.
    pub(super) documents: &'a Documents,
    yaml: Vec<Edit>,
    rackdc: Vec<(String, String)>,
    options: Vec<OptionEdit>,
    decisions: Vec<Decision>,
    findings: Report,
}

enum OptionEdit {
    Set { file: String, option: String },
    Remove { key: String },
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
            options: Vec::new(),
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

    /// Sets an option in the first option file, where Cassandra keeps those that hold for every Java.
    pub(super) fn option(&mut self, option: &str, source: &Source) {
        if let Some((file, _)) = self.documents.options.first() {
            self.option_in(&file.clone(), option, source);
        }
    }

    /// Sets an option in the last option file, where Cassandra keeps those of one Java.
    pub(super) fn option_of_java(&mut self, option: &str, source: &Source) {
        if let Some((file, _)) = self.documents.options.last() {
            self.option_in(&file.clone(), option, source);
        }
    }

    fn option_in(&mut self, file: &str, option: &str, source: &Source) {
        let key = OptionKey::of(option).to_string();
        if self.reaches(file, &key, source) {
            self.decide(file, key, option.to_owned(), source);
            self.options.push(OptionEdit::Set { file: file.to_owned(), option: option.to_owned() });
        }
    }

    /// Takes an option out of every option file.
    pub(super) fn remove_option(&mut self, key: &str) {
        self.options.push(OptionEdit::Remove { key: key.to_owned() });
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
        for edit in &self.options {
            for (name, file) in &mut documents.options {
                let result = match edit {
                    OptionEdit::Set { file: target, option } if target == name => file.set(option),
                    // The same option in a later file would win.
                    OptionEdit::Set { option, .. } => {
                        file.remove(&OptionKey::of(option));
                        Ok(())
                    }
                    OptionEdit::Remove { key } => {
                        file.remove(&OptionKey::of(key));
                        Ok(())
                    }
                };
                if let Err(error) = result {
                    report.add(Finding::error(name.as_str(), error.to_string()));
                    sound = false;
                }
            }
        }
        sound.then(|| Finished { files: files(self.documents, &documents), decisions: self.decisions, documents })
    }
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
