//! Seeds and their provider, in the form that the file uses.

use serde_yaml::Value as Yaml;

use crate::cassandra::Line;
use crate::cassandra::schema::Value;
use crate::config::documents::Documents;
use crate::config::generic;
use crate::config::plan::Inputs;
use crate::config::plan::draft::Draft;
use crate::config::yaml::{Node, YamlPath};
use crate::report::Finding;
use crate::settings::address::{Seed, SeedList};
use crate::settings::raw::Source;
use crate::settings::value::{FromText, KUBERNETES_PROVIDER};

const SIMPLE_PROVIDER: &str = "org.apache.cassandra.locator.SimpleSeedProvider";

/// The seed provider's entry, in whichever of the two forms the file uses.
fn provider_path(documents: &Documents) -> Option<YamlPath> {
    let root = YamlPath::key("seed_provider");
    match documents.yaml.get(&root)? {
        Yaml::Sequence(list) if !list.is_empty() => Some(root.item(0)),
        Yaml::Mapping(_) => Some(root),
        _ => None,
    }
}

fn seeds_path(documents: &Documents) -> Option<YamlPath> {
    let parameters = provider_path(documents)?.child("parameters");
    match documents.yaml.get(&parameters)? {
        Yaml::Sequence(list) if !list.is_empty() => Some(parameters.item(0).child("seeds")),
        Yaml::Mapping(_) => Some(parameters.child("seeds")),
        _ => None,
    }
}

/// The seeds that the file names, without the stock loopback one.
pub fn seeds_in_file(documents: &Documents) -> Vec<Seed> {
    let text = seeds_path(documents).and_then(|path| documents.yaml.text_at(&path).map(str::to_owned));
    let list = text.and_then(|text| SeedList::from_text(&text).ok());
    list.map_or(Vec::new(), |list| list.seeds().to_vec()).into_iter().filter(|seed| !seed.host.is_loopback()).collect()
}

/// The seed provider's class in the file.
pub fn seed_provider_in_file(documents: &Documents) -> Option<String> {
    let path = provider_path(documents)?.child("class_name");
    documents.yaml.text_at(&path).map(str::to_owned)
}

/// Writes seeds and seed provider, in the file's own form.
pub(super) fn write(inputs: &Inputs, draft: &mut Draft) {
    find_disagreeing_seeds(inputs, draft);
    let chosen = inputs.settings.seed_provider.as_ref().filter(|given| !is_emulated(given.value.as_str()));
    let in_file = seed_provider_in_file(draft.documents);
    let class = match (chosen, &in_file) {
        (Some(given), _) => Some((given.value.to_string(), given.source.clone())),
        // SEED_PROVIDER is the placeholder of the Kubernetes examples' own cassandra.yaml.
        (None, Some(class)) if is_emulated(class) || class == "SEED_PROVIDER" => {
            Some((SIMPLE_PROVIDER.to_owned(), Source::Computed("what this program emulates".into())))
        }
        (None, None) => Some((SIMPLE_PROVIDER.to_owned(), Source::Computed("Cassandra's default".into()))),
        _ => None,
    };
    let provider = provider_path(draft.documents);
    if let (Some((class, source)), Some(provider)) = (&class, &provider) {
        draft.yaml(provider.child("class_name"), &Value::Text(class.clone()), source);
    }
    let Some((seeds, source)) = inputs.seeds else { return };
    let text = seeds_text(inputs, seeds, source, draft);
    if let Some(path) = seeds_path(draft.documents) {
        draft.yaml(path, &Value::Text(text), source);
        return;
    }
    let class = class.map(|(class, _)| class).or(in_file).unwrap_or_else(|| SIMPLE_PROVIDER.to_owned());
    let parameters = Node::List(vec![Node::Map(vec![("seeds".into(), Node::Text(text.clone()))])]);
    let entry = Node::Map(vec![("class_name".into(), Node::Text(class)), ("parameters".into(), parameters)]);
    draft.yaml_node(YamlPath::key("seed_provider"), Node::List(vec![entry]), &text, source);
}

/// The seeds, or their provider, named by a variable of their own and by a generic one.
fn find_disagreeing_seeds(inputs: &Inputs, draft: &mut Draft) {
    let settings = inputs.settings;
    let class = provider_path(draft.documents).map(|path| path.child("class_name"));
    let seeds = settings.seeds.as_ref().map(|given| {
        (given.value.seeds().iter().map(ToString::to_string).collect::<Vec<_>>().join(","), given.source.clone())
    });
    let provider = settings.seed_provider.as_ref().map(|given| (given.value.to_string(), given.source.clone()));
    for (path, given) in [(seeds_path(draft.documents), seeds), (class, provider)] {
        let (Some(path), Some((text, source))) = (path, given.filter(|(_, source)| source.is_given())) else {
            continue;
        };
        let said = draft.documents.yaml.get(&path).and_then(Yaml::as_str).unwrap_or_default().replace(' ', "");
        if let Some(other) = draft.documents.generic_source(&path.to_string())
            && said != text
        {
            let finding = generic::disagreement(other, &path.to_string(), &source);
            draft.report(finding);
        }
    }
}

/// The list as the seed provider reads it. That of 3.11 resolves each entry whole, so a port would make it an unknown host.
fn seeds_text(inputs: &Inputs, seeds: &[Seed], source: &Source, draft: &mut Draft) -> String {
    let line = inputs.distribution.version.line();
    let mut written: Vec<String> = Vec::new();
    for seed in seeds {
        let mut seed = seed.clone();
        if line < Line::V4_0 && seed.port.is_some() {
            let message = format!("Cassandra {line} takes no port in '{seed}', the seed is written without it");
            draft.report(Finding::warning(source.to_string(), message).hint("storage_port holds for all nodes"));
            seed.port = None;
        }
        let text = seed.to_string();
        if !written.contains(&text) {
            written.push(text);
        }
    }
    written.join(",")
}

fn is_emulated(class: &str) -> bool {
    class == KUBERNETES_PROVIDER
}
