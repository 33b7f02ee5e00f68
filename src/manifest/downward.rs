//! The downward API: what a pod is told about itself, with values that such a pod could have.

use std::net::{IpAddr, Ipv4Addr};

use crate::manifest::document::Spot;
use crate::manifest::objects::{Container, text_of};
use crate::manifest::quantity;

/// The address of the pod: of a block that is kept for documentation (RFC 5737).
pub const POD_ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 10));
const NODE_ADDRESS: &str = "192.0.2.1";

/// What a `fieldRef` gives; `None` for a field that we do not know.
pub(super) fn field(container: &Container, path: &str) -> Option<String> {
    let fixed = match path {
        "metadata.name" => container.pod_name(),
        "metadata.namespace" => container.namespace().to_owned(),
        "metadata.uid" => "00000000-0000-4000-8000-000000000000".to_owned(),
        "spec.nodeName" => "node-1".to_owned(),
        "spec.serviceAccountName" => {
            let pod = container.pod()?;
            pod.text("serviceAccountName").unwrap_or("default").to_owned()
        }
        "status.podIP" | "status.podIPs" => POD_ADDRESS.to_string(),
        "status.hostIP" | "status.hostIPs" => NODE_ADDRESS.to_owned(),
        _ => return label(container, path),
    };
    Some(fixed)
}

/// `metadata.labels['key']` and `metadata.annotations['key']`; one that is not set is empty.
fn label(container: &Container, path: &str) -> Option<String> {
    let (field, key) = path.strip_prefix("metadata.")?.split_once("['")?;
    let key = key.strip_suffix("']")?;
    if !matches!(field, "labels" | "annotations") {
        return None;
    }
    let value = container.template.at(&["metadata", field]).and_then(|map| text_of(map.get(key)?.value()));
    Some(value.unwrap_or_default())
}

/// What a `resourceFieldRef` gives, in whole units of its divisor; `None` where the resource is not limited here.
pub(super) fn resource(container: &Container, reference: &Spot) -> Option<String> {
    let (kind, resource) = reference.text("resource")?.split_once('.')?;
    let amount = container.spot.at(&["resources", kind, resource]).or_else(|| {
        // Kubernetes takes the limit as the request where only that is said.
        container.spot.at(&["resources", "limits", resource]).filter(|_| kind == "requests")
    })?;
    let divisor = match reference.get("divisor") {
        Some(divisor) => quantity::parse(&text_of(divisor.value())?).filter(|divisor| *divisor > 0.0)?,
        None => 1.0,
    };
    let amount = quantity::parse(&text_of(amount.value())?)?;
    Some(quantity::whole(amount / divisor).to_string())
}
