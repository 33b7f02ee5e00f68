//! The files that ConfigMaps and Secrets put into a container.

use crate::manifest::document::Spot;
use crate::manifest::environment::{Environment, expected, find, is_optional};
use crate::manifest::objects::{Container, Data, Objects};
use crate::report::{Finding, Report};

/// A file as the container sees it.
#[derive(Debug, Clone)]
pub struct MountedFile<'a> {
    /// Its absolute path in the container.
    pub path: String,
    /// Its content.
    pub bytes: Vec<u8>,
    /// Whether it came from a Secret.
    pub is_secret: bool,
    /// Where its text stands.
    pub spot: Spot<'a>,
}

/// What a container has mounted.
#[derive(Debug, Clone, Default)]
pub struct Mounts<'a> {
    /// The files of ConfigMaps and Secrets.
    pub files: Vec<MountedFile<'a>>,
    /// The paths of all mounts, volumes of any kind.
    pub paths: Vec<String>,
}

/// One file of a volume: its path in the volume, and the rest.
type VolumeFile<'a> = (String, Vec<u8>, bool, Spot<'a>);

impl<'a> Mounts<'a> {
    /// Follows `volumeMounts` to the volumes and those to their ConfigMaps and Secrets.
    pub fn of(
        container: &Container<'a>,
        environment: &Environment,
        objects: &Objects<'a>,
        report: &mut Report,
    ) -> Self {
        let mut mounts = Self::default();
        let volumes = container.pod().map(|pod| pod.items("volumes")).unwrap_or_default();
        for mount in container.spot.items("volumeMounts") {
            let Some(path) = mount.text("mountPath").map(|path| path.trim_end_matches('/').to_owned()) else {
                continue;
            };
            if path.split('/').any(|part| part == "..") {
                report.add(Finding::error(mount.place(), format!("'{path}' leads upwards, Kubernetes refuses it")));
                continue;
            }
            mounts.paths.push(path.clone());
            let name = mount.text("name").unwrap_or_default();
            // Claim templates of a StatefulSet are volumes of data, without files that we could know.
            let Some(volume) = volumes.iter().find(|volume| volume.text("name") == Some(name)) else { continue };
            let part = mount.text("subPath").map(str::to_owned);
            let part = part.or_else(|| Some(environment.expand(mount.text("subPathExpr")?)));
            let part = part.unwrap_or_default();
            for (inside, bytes, is_secret, spot) in files_of(volume, container, objects, report) {
                let Some(path) = place(&path, part.trim_matches('/'), &inside) else { continue };
                mounts.files.retain(|file| file.path != path);
                mounts.files.push(MountedFile { path, bytes, is_secret, spot });
            }
        }
        mounts
    }
}

/// Where a volume's file appears below a mount of `part` of the volume.
fn place(mount: &str, part: &str, inside: &str) -> Option<String> {
    if part.is_empty() {
        return Some(format!("{mount}/{inside}"));
    }
    match inside.strip_prefix(part)? {
        "" => Some(mount.to_owned()),
        rest => rest.strip_prefix('/').map(|rest| format!("{mount}/{rest}")),
    }
}

fn files_of<'a>(
    volume: &Spot<'a>,
    container: &Container<'a>,
    objects: &Objects<'a>,
    report: &mut Report,
) -> Vec<VolumeFile<'a>> {
    let projected = volume.at(&["projected"]).map(|projected| projected.items("sources")).unwrap_or_default();
    let mut files = Vec::new();
    for source in projected.iter().chain([volume]) {
        for (field, kind) in [("configMap", "ConfigMap"), ("secret", "Secret")] {
            let Some(reference) = source.get(field) else { continue };
            if let Some(data) = find(kind, &reference, container, objects, report) {
                files.extend(selected(&data, &reference, report));
            }
        }
    }
    files
}

/// All entries, or those of `items` under the paths that they are given there.
fn selected<'a>(data: &Data<'a>, reference: &Spot<'a>, report: &mut Report) -> Vec<VolumeFile<'a>> {
    let items = reference.items("items");
    let mut wanted: Vec<(&str, &str)> = Vec::new();
    for item in &items {
        let (key, path) = (item.text("key").unwrap_or_default(), item.text("path").unwrap_or_default());
        if data.entry(key).is_some() {
            wanted.push((key, path));
        } else if !is_optional(reference) {
            let message = format!("{} has no key '{key}', the container would not start", data.name());
            report.add(Finding::error(item.place(), message));
        }
    }
    let mut files = Vec::new();
    for entry in data.entries() {
        let paths: Vec<&str> = if items.is_empty() {
            vec![entry.key]
        } else {
            wanted.iter().filter(|(key, _)| *key == entry.key).map(|(_, path)| *path).collect()
        };
        for path in paths {
            if path.is_empty() || path.starts_with('/') || path.split('/').any(|part| part == "..") {
                report.add(Finding::error(reference.place(), format!("'{path}' is no path below the mount")));
            } else if let Some(bytes) = &entry.bytes {
                files.push((path.to_owned(), bytes.clone(), data.is_secret, entry.spot.clone()));
            } else {
                report.add(Finding::error(entry.spot.place(), format!("{}: expected {}", entry.key, expected(data))));
            }
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_volume_is_a_file_or_a_folder() {
        assert_eq!(place("/configmap", "", "a.yaml").as_deref(), Some("/configmap/a.yaml"));
        assert_eq!(place("/etc/cassandra/a.yaml", "a.yaml", "a.yaml").as_deref(), Some("/etc/cassandra/a.yaml"));
        assert_eq!(place("/conf", "x", "x/a.yaml").as_deref(), Some("/conf/a.yaml"));
        assert_eq!(place("/conf", "a", "a.yaml"), None);
        assert_eq!(place("/conf", "b.yaml", "a.yaml"), None);
    }
}
