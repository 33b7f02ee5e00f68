//! What the node tells a client that never logs in.

use serde_yaml::Value as Json;

use super::facts::{Fact, Facts, Source};
use super::gather::{Node, Told};
use crate::cassandra::look::Look;
use crate::cassandra::modes::Cql;
use crate::commands::look;

/// Asks as a client, and why not where it does not answer.
pub(super) fn ask(node: &Node) -> Told {
    let mut facts = Facts::default();
    let look = look::in_time(&node.published, node.left());
    match &look.cql {
        Some(Cql::Serves(_) | Cql::Left(_)) => match look::own_row(&node.published, node.left()) {
            Ok(Some(row)) => of_row(&row, &mut facts),
            Ok(None) => facts.trouble(Source::Cql, "the node tells it only to users who log in"),
            Err(error) => facts.trouble(Source::Cql, error),
        },
        Some(Cql::Silent(why)) => facts.trouble(Source::Cql, why.as_str()),
        None => {}
    }
    Told { facts, look: Look { life: None, ..look } }
}

/// JSON is YAML.
fn of_row(row: &str, facts: &mut Facts) {
    let row: Json = serde_yaml::from_str(row).unwrap_or_default();
    let columns = [
        (Fact::Cluster, "cluster_name"),
        (Fact::Datacenter, "data_center"),
        (Fact::Rack, "rack"),
        (Fact::HostId, "host_id"),
        (Fact::Release, "release_version"),
        (Fact::Listen, "listen_address"),
        (Fact::Broadcast, "broadcast_address"),
        (Fact::Rpc, "rpc_address"),
    ];
    for (fact, column) in columns {
        facts.text(fact, row.get(column).and_then(Json::as_str));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::status::facts::Value;

    #[test]
    fn the_row_tells_who_the_node_is() {
        let mut facts = Facts::default();
        of_row(r#"{"cluster_name": "k8s", "rack": "r1", "listen_address": "10.0.0.1", "host_id": null}"#, &mut facts);
        assert_eq!(facts.get(Fact::Rack), Some(&Value::Text("r1".into())));
        assert_eq!(facts.get(Fact::HostId), None);
        of_row("[[[", &mut facts);
    }
}
