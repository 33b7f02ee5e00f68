//! What the node was started with, as the rendered cassandra.yaml says it.

use std::path::PathBuf;

use serde_yaml::Value as Yaml;

use super::facts::{Fact, Facts, Source, Value};
use super::gather::{Node, Told};
use crate::host::files;

/// Asks the files.
pub(super) fn ask(node: &Node) -> Told {
    let mut facts = Facts::default();
    match yaml(node) {
        Ok(yaml) => of_yaml(&yaml, &mut facts),
        Err(error) => facts.trouble(Source::Files, error),
    }
    Told { facts, ..Told::default() }
}

/// The folder below which the node keeps its data.
pub(super) fn data_root(node: &Node) -> Result<PathBuf, String> {
    root_of(&yaml(node)?).ok_or_else(|| "cassandra.yaml names no data_file_directories".to_owned())
}

fn yaml(node: &Node) -> Result<Yaml, String> {
    let conf = node.published.conf.as_ref().ok_or("the node is being prepared, and its files are not written")?;
    let text = files::read_trusted_text(&conf.join("cassandra.yaml")).map_err(|error| error.to_string())?;
    serde_yaml::from_str(&text).map_err(|_| "cassandra.yaml cannot be read".to_owned())
}

/// The first folder for data, or what is above it where it is called `data` as usual.
fn root_of(yaml: &Yaml) -> Option<PathBuf> {
    let first = PathBuf::from(yaml.get("data_file_directories")?.as_sequence()?.first()?.as_str()?);
    if first.ends_with("data") { first.parent().map(PathBuf::from) } else { Some(first) }
}

fn of_yaml(yaml: &Yaml, facts: &mut Facts) {
    let text = |key: &str| yaml.get(key).and_then(Yaml::as_str);
    facts.text(Fact::Cluster, text("cluster_name"));
    facts.text(Fact::Listen, text("listen_address"));
    facts.text(Fact::Rpc, text("rpc_address"));
    // Without one it is that which is not broadcast.
    facts.text(Fact::Broadcast, text("broadcast_address").or_else(|| text("listen_address")));
    facts.text(Fact::BroadcastRpc, text("broadcast_rpc_address").or_else(|| text("rpc_address")));
    facts.text(Fact::DataRoot, root_of(yaml).map(|root| root.display().to_string()));
    let seeds = yaml.get("seed_provider").and_then(|providers| {
        providers.as_sequence()?.first()?.get("parameters")?.as_sequence()?.first()?.get("seeds")?.as_str()
    });
    let list = |seeds: &str| seeds.split(',').map(|seed| seed.trim().to_owned()).collect();
    if let Some(seeds) = seeds {
        facts.know(Fact::Seeds, Value::List(list(seeds)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rendered_file_tells_addresses_seeds_and_the_data_root() {
        let yaml = "cluster_name: 'k8s'\nlisten_address: 10.0.0.1\nrpc_address: 0.0.0.0\n\
                    broadcast_rpc_address: 10.0.0.1\ndata_file_directories:\n- /cassandra_data/data\n\
                    seed_provider:\n- class_name: x\n  parameters:\n  - seeds: 'cs-0.cs, cs-1.cs'\n";
        let mut facts = Facts::default();
        of_yaml(&serde_yaml::from_str(yaml).unwrap(), &mut facts);
        let text = |fact| match facts.get(fact) {
            Some(Value::Text(text)) => text.clone(),
            other => format!("{other:?}"),
        };
        assert_eq!(text(Fact::Broadcast), "10.0.0.1", "that which it listens on");
        assert_eq!(text(Fact::BroadcastRpc), "10.0.0.1");
        assert_eq!(text(Fact::DataRoot), "/cassandra_data");
        assert_eq!(facts.get(Fact::Seeds), Some(&Value::List(vec!["cs-0.cs".into(), "cs-1.cs".into()])));
    }
}
