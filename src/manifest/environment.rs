//! A container's environment, put together from `env` and `envFrom` by the rules of Kubernetes.

use crate::manifest::document::Spot;
use crate::manifest::downward;
use crate::manifest::expand::expand;
use crate::manifest::objects::{Container, Data, Objects, text_of};
use crate::report::{Finding, Report};

/// One variable with its value.
#[derive(Debug, Clone)]
pub struct Assignment<'a> {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// Whether the value came from a Secret, and is never shown.
    pub is_secret: bool,
    /// Where it is set: its `value`, its reference, or the entry of a ConfigMap.
    pub spot: Spot<'a>,
}

/// All variables of a container.
#[derive(Debug, Clone, Default)]
pub struct Environment<'a> {
    variables: Vec<Assignment<'a>>,
    /// Variables whose value the files do not tell.
    unknown: Vec<String>,
}

impl<'a> Environment<'a> {
    /// Reads `envFrom`, then `env`; a later one of the same name wins. What cannot be resolved is told and left out.
    pub fn of(container: &Container<'a>, objects: &Objects<'a>, report: &mut Report) -> Self {
        let mut environment = Self::default();
        for source in container.spot.items("envFrom") {
            environment.import(&source, container, objects, report);
        }
        let mut seen: Vec<(&str, Spot)> = Vec::new();
        for entry in container.spot.items("env") {
            let Some(name) = entry.text("name") else {
                report.add(Finding::error(entry.place(), "a variable without a name"));
                continue;
            };
            if let Some((_, first)) = seen.iter().find(|(known, _)| *known == name) {
                let message = format!("{name} is set twice, first at {}; this one wins", first.place());
                report.add(Finding::warning(entry.place(), message).hint("leave one of them out"));
            }
            seen.push((name, entry.clone()));
            environment.assign(name, &entry, container, objects, report);
        }
        environment
    }

    /// The variables, in the order in which they were first set.
    pub fn variables(&self) -> &[Assignment<'a>] {
        &self.variables
    }

    /// The variable of that name.
    pub fn get(&self, name: &str) -> Option<&Assignment<'a>> {
        self.variables.iter().find(|variable| variable.name == name)
    }

    /// Whether a variable is set, even where its value is not known.
    pub fn sets(&self, name: &str) -> bool {
        self.get(name).is_some() || self.unknown.iter().any(|unknown| unknown == name)
    }

    /// A text with `$(NAME)` replaced.
    pub fn expand(&self, text: &str) -> String {
        expand(text, &|name| self.get(name).map(|variable| variable.value.clone()))
    }

    fn set(&mut self, variable: Assignment<'a>) {
        self.unknown.retain(|unknown| *unknown != variable.name);
        match self.variables.iter_mut().find(|known| known.name == variable.name) {
            Some(known) => *known = variable,
            None => self.variables.push(variable),
        }
    }

    fn leave_open(&mut self, name: &str) {
        self.variables.retain(|variable| variable.name != name);
        self.unknown.push(name.to_owned());
    }

    fn import(&mut self, source: &Spot<'a>, container: &Container<'a>, objects: &Objects<'a>, report: &mut Report) {
        let prefix = source.text("prefix").unwrap_or_default();
        for (field, kind) in [("configMapRef", "ConfigMap"), ("secretRef", "Secret")] {
            let Some(reference) = source.get(field) else { continue };
            let Some(data) = find(kind, &reference, container, objects, report) else { continue };
            for entry in data.entries() {
                let Some(value) = entry.bytes.and_then(|bytes| String::from_utf8(bytes).ok()) else { continue };
                let name = format!("{prefix}{}", entry.key);
                self.set(Assignment { name, value, is_secret: data.is_secret, spot: entry.spot });
            }
        }
    }

    fn assign(
        &mut self,
        name: &str,
        entry: &Spot<'a>,
        container: &Container<'a>,
        objects: &Objects<'a>,
        report: &mut Report,
    ) {
        let name = name.to_owned();
        if let Some(value) = entry.get("value") {
            let Some(text) = text_of(value.value()) else {
                report.add(Finding::error(value.place(), format!("{name}: expected a string")));
                return;
            };
            if !value.value().is_string() || is_bare_word(&value) {
                let message =
                    format!("{name}: Kubernetes takes only a string here, and {text} is read as something else");
                report.add(Finding::error(value.place(), message).hint(format!("write it in quotes: \"{text}\"")));
            }
            self.assign_text(name, &text, value, report);
        } else if let Some(source) = entry.get("valueFrom") {
            match resolve(&name, &source, container, objects, report) {
                Some((value, is_secret, spot)) => self.set(Assignment { name, value, is_secret, spot }),
                None => self.leave_open(&name),
            }
        } else {
            self.set(Assignment { name, value: String::new(), is_secret: false, spot: entry.clone() });
        }
    }

    /// A literal value: what it names is replaced, and what it holds of a secret makes it one.
    fn assign_text(&mut self, name: String, text: &str, spot: Spot<'a>, report: &mut Report) {
        let names = std::cell::RefCell::new(Vec::new());
        let value = expand(text, &|wanted| {
            names.borrow_mut().push(wanted.to_owned());
            self.get(wanted).map(|variable| variable.value.clone())
        });
        let names = names.into_inner();
        let is_secret = names.iter().any(|wanted| self.get(wanted).is_some_and(|variable| variable.is_secret));
        if names.iter().any(|wanted| self.unknown.contains(wanted)) {
            self.leave_open(&name);
            return;
        }
        if let Some(missing) = names.iter().find(|wanted| self.get(wanted).is_none()) {
            let message = format!("{name}: $({missing}) stays as it is, no variable of that name is set above it");
            report.add(Finding::warning(spot.place(), message).hint("$$( is how an unreplaced $( is written"));
        }
        self.set(Assignment { name, value, is_secret, spot });
    }
}

/// A word that YAML 1.1, and so Kubernetes, reads as a truth value, and that stands there without quotes.
fn is_bare_word(value: &Spot) -> bool {
    const WORDS: &[&str] = &["yes", "no", "on", "off"];
    let is_word = value.value().as_str().is_some_and(|text| WORDS.contains(&text.to_ascii_lowercase().as_str()));
    is_word && !value.is_quoted()
}

/// The value of a `valueFrom`, whether it is secret, and where it stands.
fn resolve<'a>(
    name: &str,
    source: &Spot<'a>,
    container: &Container<'a>,
    objects: &Objects<'a>,
    report: &mut Report,
) -> Option<(String, bool, Spot<'a>)> {
    if let Some(reference) = source.get("fieldRef") {
        let path = reference.text("fieldPath").unwrap_or_default();
        let value = downward::field(container, path);
        if value.is_none() {
            report.add(Finding::note(reference.place(), format!("{name}: the field '{path}' is not known here")));
        }
        return value.map(|value| (value, false, reference));
    }
    if let Some(reference) = source.get("resourceFieldRef") {
        let value = downward::resource(container, &reference);
        if value.is_none() {
            let message = format!("{name}: the container has no such resource, so the value is the node's");
            report.add(Finding::note(reference.place(), message));
        }
        return value.map(|value| (value, false, reference));
    }
    for (field, kind) in [("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")] {
        let Some(reference) = source.get(field) else { continue };
        let data = find(kind, &reference, container, objects, report)?;
        let key = reference.text("key").unwrap_or_default();
        let Some(entry) = data.entry(key) else {
            if !is_optional(&reference) {
                let message =
                    format!("{name}: the {kind} {} has no key '{key}', the container would not start", data.name());
                report.add(Finding::error(reference.place(), message));
            }
            return None;
        };
        let Some(value) = entry.bytes.and_then(|bytes| String::from_utf8(bytes).ok()) else {
            report.add(Finding::error(entry.spot.place(), format!("{key}: expected {}", expected(&data))));
            return None;
        };
        return Some((value, data.is_secret, if data.is_secret { reference } else { entry.spot }));
    }
    report.add(Finding::note(source.place(), format!("{name}: this kind of source is not known here")));
    None
}

/// What an entry's value has to be.
pub(super) fn expected(data: &Data) -> &'static str {
    if data.is_secret { "base64 of a text" } else { "a string" }
}

pub(super) fn is_optional(reference: &Spot) -> bool {
    reference.get("optional").is_some_and(|flag| flag.value().as_bool() == Some(true))
}

/// The ConfigMap or Secret that a reference names; one that is not among the files is a note.
pub(super) fn find<'a>(
    kind: &str,
    reference: &Spot<'a>,
    container: &Container<'a>,
    objects: &Objects<'a>,
    report: &mut Report,
) -> Option<Data<'a>> {
    let name = reference.text("name").or_else(|| reference.text("secretName")).unwrap_or_default();
    let data = objects.data(kind, name, container.namespace());
    if data.is_none() && !is_optional(reference) {
        let message = format!("the {kind} '{name}' is not among the files, what it holds is not checked");
        report.add(Finding::note(reference.place(), message).hint("give its manifest with another -f"));
    }
    data
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::ManifestFile;

    /// The environment of a container with these lines, and what was said about it.
    fn read(lines: &str) -> (Vec<String>, Vec<String>) {
        let lines = lines.lines().map(|line| ["    ", line, "\n"].concat()).collect::<String>();
        let text = [
            "kind: StatefulSet\nmetadata: {name: cs, namespace: db}\nspec:\n  template: {metadata: {labels: {app: x}}, spec: {containers: [\n  \
             {name: c, image: cassandra,\n",
            &lines,
            "  }]}}\n",
        ]
        .concat();
        let objects = "---\nkind: ConfigMap\nmetadata: {name: m}\ndata: {A: one, B: two}\n---\nkind: Secret\n\
                       metadata: {name: s}\ndata: {P: c2VjcmV0, Q: '%'}\nstringData: {P: plain}\n";
        let files = [ManifestFile::parse("m", &(text + objects)).unwrap()];
        let (objects, mut report) = (Objects::of(&files), Report::default());
        let container = objects.containers(None).remove(0);
        let environment = Environment::of(&container, &objects, &mut report);
        let shown = environment.variables().iter().map(|variable| {
            let secret = if variable.is_secret { " (secret)" } else { "" };
            format!("{}={}{secret}", variable.name, variable.value)
        });
        (shown.collect(), report.iter().map(|finding| format!("{}: {}", finding.severity, finding.message)).collect())
    }

    #[test]
    fn env_wins_over_env_from_and_the_last_of_one_name_over_the_first() {
        let (set, said) = read(
            "envFrom: [{configMapRef: {name: m}}, {prefix: S_, secretRef: {name: s}}],\n\
             env: [{name: A, value: x}, {name: C, value: '1'}, {name: C, value: '2'}]",
        );
        assert_eq!(set, ["A=x", "B=two", "S_P=plain (secret)", "C=2"]);
        assert_eq!(said, ["warning: C is set twice, first at m:7:32; this one wins"]);
    }

    #[test]
    fn references_are_resolved_and_what_cannot_be_is_told() {
        let (set, said) = read(
            "env: [{name: A, valueFrom: {configMapKeyRef: {name: m, key: B}}},\n\
             {name: P, valueFrom: {secretKeyRef: {name: s, key: P}}},\n\
             {name: Q, valueFrom: {secretKeyRef: {name: s, key: Q}}},\n\
             {name: X, valueFrom: {configMapKeyRef: {name: m, key: X}}},\n\
             {name: Y, valueFrom: {configMapKeyRef: {name: m, key: Y, optional: true}}},\n\
             {name: Z, valueFrom: {secretKeyRef: {name: gone, key: Z}}}]",
        );
        assert_eq!(set, ["A=two", "P=plain (secret)"]);
        assert_eq!(
            said,
            [
                "error: Q: expected base64 of a text",
                "error: X: the ConfigMap m has no key 'X', the container would not start",
                "note: the Secret 'gone' is not among the files, what it holds is not checked",
            ]
        );
    }

    #[test]
    fn the_pod_knows_itself() {
        let (set, said) = read(
            "resources: {limits: {memory: 1Gi, cpu: 500m}},\n\
             env: [{name: IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}},\n\
             {name: N, valueFrom: {fieldRef: {fieldPath: metadata.name}}},\n\
             {name: S, valueFrom: {fieldRef: {fieldPath: metadata.namespace}}},\n\
             {name: L, valueFrom: {fieldRef: {fieldPath: \"metadata.labels['app']\"}}},\n\
             {name: M, valueFrom: {resourceFieldRef: {resource: limits.memory, divisor: 1Mi}}},\n\
             {name: R, valueFrom: {resourceFieldRef: {resource: requests.cpu}}},\n\
             {name: E, valueFrom: {resourceFieldRef: {resource: limits.ephemeral-storage}}},\n\
             {name: U, valueFrom: {fieldRef: {fieldPath: status.phase}}}]",
        );
        assert_eq!(set, ["IP=192.0.2.10", "N=cs-0", "S=db", "L=x", "M=1024", "R=1"]);
        assert_eq!(
            said,
            [
                "note: E: the container has no such resource, so the value is the node's",
                "note: U: the field 'status.phase' is not known here",
            ]
        );
    }

    #[test]
    fn names_in_values_are_replaced_by_what_is_set_above() {
        let (set, said) = read(
            "env: [{name: A, value: a}, {name: B, value: $(A)-$(C)}, {name: C, value: c}, {name: D, value: $$(A)},\n\
             {name: P, valueFrom: {secretKeyRef: {name: s, key: P}}}, {name: U, value: x:$(P)},\n\
             {name: G, valueFrom: {configMapKeyRef: {name: gone, key: g}}}, {name: H, value: $(G)}]",
        );
        assert_eq!(set, ["A=a", "B=a-$(C)", "C=c", "D=$(A)", "P=plain (secret)", "U=x:plain (secret)"]);
        assert_eq!(
            said,
            [
                "warning: B: $(C) stays as it is, no variable of that name is set above it",
                "note: the ConfigMap 'gone' is not among the files, what it holds is not checked",
            ]
        );
    }

    #[test]
    fn a_value_that_kubernetes_would_refuse_is_an_error() {
        let (set, said) =
            read("env: [{name: A, value: 16}, {name: B, value: yes}, {name: C, value: 'yes'}, {name: D, value: [x]}]");
        assert_eq!(set, ["A=16", "B=yes", "C=yes"]);
        let refused = |name: &str, text: &str| {
            format!("error: {name}: Kubernetes takes only a string here, and {text} is read as something else")
        };
        assert_eq!(said, [refused("A", "16"), refused("B", "yes"), "error: D: expected a string".to_owned()]);
    }
}
