//! Mounted fragments (`cassandra.yaml.d/`, `cassandra-rackdc.properties.d/`, `jvm-server.options.d/`), merged into the files
//! of the layers below in the order of their names.

use std::collections::BTreeMap;

use crate::cassandra::Version;
use crate::config::documents::{BaseFile, Origin, RACKDC, YAML};
use crate::config::fragment;
use crate::config::jvm_options::{JvmOptions, OptionKey};
use crate::config::properties::Properties;
use crate::config::yaml::YamlDocument;
use crate::report::{Finding, Place, Report};
use crate::settings::raw::Source;

/// What the folder of a file's fragments is called after the file.
pub const SUFFIX: &str = ".d";
/// What the names of JVM option files end with.
const OPTIONS: &str = ".options";

/// A mounted fragment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fragment {
    /// Its folder's name, such as `cassandra.yaml.d`.
    pub folder: String,
    /// Its own name.
    pub name: String,
    /// Its text.
    pub text: String,
}

impl Fragment {
    /// Both names, as findings have them.
    pub fn path(&self) -> String {
        format!("{}/{}", self.folder, self.name)
    }
}

/// Whether a folder of the overlay holds fragments.
pub fn is_fragment_folder(name: &str) -> bool {
    let file = name.strip_suffix(SUFFIX);
    file.is_some_and(|file| matches!(file, YAML | RACKDC) || (file.starts_with("jvm") && file.ends_with(OPTIONS)))
}

/// Whether a file in such a folder is read.
pub fn is_fragment(folder: &str, name: &str) -> bool {
    match folder.strip_suffix(SUFFIX) {
        Some(YAML) => matches!(name.rsplit_once('.'), Some((_, "yaml" | "yml"))),
        Some(RACKDC) => true,
        _ => name.ends_with(OPTIONS),
    }
}

/// Merges the fragments into `base`. Every problem of every fragment goes to `report`; `option_files` are those that this
/// Cassandra reads with this Java.
pub fn merge(
    base: &mut BTreeMap<String, BaseFile>,
    fragments: &[Fragment],
    version: Version,
    option_files: &[&str],
    report: &mut Report,
) {
    let mut fragments: Vec<&Fragment> = fragments.iter().collect();
    fragments.sort_by(|a, b| (&a.folder, &a.name).cmp(&(&b.folder, &b.name)));
    for fragment in fragments {
        let file = fragment.folder.strip_suffix(SUFFIX).unwrap_or_default();
        let merged = match file {
            YAML => base.get(YAML).and_then(|file| merge_yaml(file, fragment, version, report).map(|new| (YAML, new))),
            RACKDC => merge_properties(base.get(RACKDC), fragment, report).map(|new| (RACKDC, new)),
            _ => target(file, base, option_files, fragment, report)
                .and_then(|name| Some((name, merge_options(name, base.get(name), fragment, report)?))),
        };
        if let Some((name, Merged { text, origins })) = merged {
            let below = base.remove(name);
            base.insert(name.to_owned(), stacked(below, text, origins));
        }
    }
}

/// A file with one more fragment in it.
struct Merged {
    text: String,
    origins: Vec<Origin>,
}

/// The file as it was before the first fragment stays below.
fn stacked(before: Option<BaseFile>, text: String, origins: Vec<Origin>) -> BaseFile {
    match before {
        Some(file) if !file.origins.is_empty() => {
            BaseFile { text, origins: file.origins.into_iter().chain(origins).collect(), ..file }
        }
        Some(file) => BaseFile { text, layer: file.layer, origins, below: Some(Box::new(file)) },
        None => BaseFile { origins, ..BaseFile::new(text, crate::config::documents::Layer::Overlay) },
    }
}

fn origin(key: String, fragment: &Fragment, line: usize) -> Origin {
    Origin::new(key, Source::File { name: fragment.path(), line })
}

fn merge_yaml(file: &BaseFile, fragment: &Fragment, version: Version, report: &mut Report) -> Option<Merged> {
    let name = fragment.path();
    let entries = fragment::read(&name, &fragment.text, version, report);
    // What is wrong with the file itself is told when it is read as a whole.
    let document = YamlDocument::parse(YAML, &file.text).ok()?;
    let (document, refused) = fragment::merged(&document, &entries.iter().collect::<Vec<_>>());
    for (at, error) in refused {
        let line = entries.get(at).map(|entry| entry.line);
        report.add(Finding::error(Place::file(&name, line, None), error.to_string()));
    }
    let mut origins = Vec::new();
    for entry in &entries {
        let leaves = entry.leaves().into_iter();
        origins.extend(leaves.map(|(path, _, line)| origin(path.to_string(), fragment, line)));
    }
    Some(Merged { text: document.text().to_owned(), origins })
}

fn merge_properties(file: Option<&BaseFile>, fragment: &Fragment, report: &mut Report) -> Option<Merged> {
    let read = match Properties::parse(&fragment.path(), &fragment.text) {
        Ok(read) => read,
        Err(error) => {
            let text = error.to_string();
            let (place, message) = text.split_once(": ").unwrap_or(("", &text));
            report.add(Finding::error(place, message));
            return None;
        }
    };
    let mut properties = Properties::parse(RACKDC, file.map_or("", |file| file.text.as_str())).ok()?;
    let mut origins = Vec::new();
    for (key, value) in read.iter() {
        properties.set(key, value);
        origins.push(origin(key.to_owned(), fragment, read.line(key).unwrap_or(1)));
    }
    Some(Merged { text: properties.text().to_owned(), origins })
}

/// The option file that a folder's fragments go to: the one of its name, where it is read; `jvm-server.options` and
/// `jvm.options` stand for the file of every Java, whatever the release calls it.
fn target<'a>(
    file: &'a str,
    base: &BTreeMap<String, BaseFile>,
    option_files: &[&'a str],
    fragment: &Fragment,
    report: &mut Report,
) -> Option<&'a str> {
    if option_files.contains(&file) || file.contains("-clients") && base.contains_key(file) {
        return Some(file);
    }
    if matches!(file, "jvm.options" | "jvm-server.options") {
        return option_files.first().copied();
    }
    let message = format!("has no effect, this start reads {}", option_files.join(" and "));
    report.add(Finding::warning(fragment.path(), message));
    None
}

fn merge_options(name: &str, file: Option<&BaseFile>, fragment: &Fragment, report: &mut Report) -> Option<Merged> {
    let mut options = JvmOptions::parse(name, file.map_or("", |file| file.text.as_str()));
    let mut origins = Vec::new();
    let mut sound = true;
    for (number, line) in fragment.text.trim_start_matches('\u{feff}').lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        // A long option may have its value as the next word; of others a line may hold several.
        let words: Vec<&str> =
            if line.starts_with("--") { vec![line] } else { line.split_ascii_whitespace().collect() };
        for option in words {
            if let Err(error) = options.set(option) {
                let message = error.to_string();
                let message = message.strip_prefix(&format!("{name}: ")).unwrap_or(&message);
                report.add(Finding::error(Place::file(fragment.path(), Some(number + 1), None), message));
                sound = false;
            }
            origins.push(origin(OptionKey::of(option).to_string(), fragment, number + 1));
        }
    }
    sound.then(|| Merged { text: options.text(), origins })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cassandra::Line;
    use crate::config::documents::Layer;

    const V5: Version = Version::new(Line::V5_0, 8);

    fn merged(files: &[(&str, &str)], fragments: &[(&str, &str, &str)]) -> (BTreeMap<String, BaseFile>, Vec<String>) {
        let mut base: BTreeMap<String, BaseFile> = files
            .iter()
            .map(|(name, text)| ((*name).to_owned(), BaseFile::new((*text).to_owned(), Layer::Pristine)))
            .collect();
        let owned = |(folder, name, text): &(&str, &str, &str)| Fragment {
            folder: (*folder).to_owned(),
            name: (*name).to_owned(),
            text: (*text).to_owned(),
        };
        let mut report = Report::default();
        let option_files = ["jvm-server.options", "jvm17-server.options"];
        let fragments: Vec<Fragment> = fragments.iter().map(owned).collect();
        merge(&mut base, &fragments, V5, &option_files, &mut report);
        (base, report.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn fragments_merge_in_the_order_of_their_names_and_are_remembered() {
        let (base, findings) = merged(
            &[(YAML, "num_tokens: 16\n"), (RACKDC, "dc=a\n"), ("jvm-server.options", "-Xss1m\n")],
            &[
                ("cassandra.yaml.d", "20-b.yaml", "num_tokens: 4\n"),
                ("cassandra.yaml.d", "10-a.yaml", "cluster_name: a\nnum_tokens: 8\n"),
                ("cassandra-rackdc.properties.d", "x", "# why\ndc=b\n"),
                ("jvm.options.d", "x.options", "# why\n-Xss2m -Da=b\n--add-opens java.base/java.io=ALL-UNNAMED\n"),
            ],
        );
        assert_eq!(findings, [""; 0]);
        assert_eq!(base[YAML].text, "num_tokens: 4\ncluster_name: a\n");
        assert_eq!(base[YAML].below.as_ref().unwrap().text, "num_tokens: 16\n");
        let source = crate::config::documents::origin_of(&base[YAML].origins, "num_tokens").unwrap();
        assert_eq!(source.to_string(), "cassandra.yaml.d/20-b.yaml:1");
        assert_eq!(base[RACKDC].text, "dc=b\n");
        assert_eq!(base[RACKDC].origins[0].source.to_string(), "cassandra-rackdc.properties.d/x:2");
        assert_eq!(base["jvm-server.options"].text, "-Xss2m\n-Da=b\n--add-opens java.base/java.io=ALL-UNNAMED\n");
    }

    #[test]
    fn every_fragment_that_is_wrong_is_told() {
        let (_, findings) = merged(
            &[(YAML, "num_tokens: 16\n")],
            &[
                ("cassandra.yaml.d", "a.yaml", "num_tokens: [\n"),
                ("cassandra.yaml.d", "b.yaml", "num_token: 1\n"),
                ("cassandra-rackdc.properties.d", "c", "dc=\\u12\n"),
                ("jvm-server.options.d", "d.options", "\nXmx1G\n"),
                ("jvm11-server.options.d", "e.options", "-Xmx1G\n"),
            ],
        );
        assert_eq!(findings.len(), 5, "{findings:?}");
        for (finding, start) in
            findings.iter().zip(["cassandra-rackdc.properties.d/c", "cassandra.yaml.d/a.yaml:2:1: "])
        {
            assert!(finding.starts_with(start), "{findings:?}");
        }
        assert!(
            findings
                .iter()
                .any(|finding| finding.starts_with("jvm-server.options.d/d.options:2: `Xmx1G` is no JVM option"))
        );
    }

    #[test]
    fn only_known_folders_hold_fragments() {
        for name in ["cassandra.yaml.d", "jvm.options.d", "jvm17-server.options.d", "cassandra-rackdc.properties.d"] {
            assert!(is_fragment_folder(name), "{name}");
        }
        for name in ["cassandra.yml.d", "conf.d", "jvm-server.options", "logback.xml.d"] {
            assert!(!is_fragment_folder(name), "{name}");
        }
        assert!(is_fragment("cassandra.yaml.d", "a.yml") && !is_fragment("cassandra.yaml.d", "a.yaml.bak"));
    }
}
