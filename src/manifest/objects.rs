//! What is in the files: workloads with their Cassandra containers, ConfigMaps, Secrets.

use crate::manifest::base64;
use crate::manifest::document::{ManifestFile, Spot};

/// The fields that lead to the pod's template, by kind; a Pod is its own.
const WORKLOADS: &[(&str, &[&str])] = &[
    ("StatefulSet", &["spec", "template"]),
    ("Deployment", &["spec", "template"]),
    ("DaemonSet", &["spec", "template"]),
    ("ReplicaSet", &["spec", "template"]),
    ("ReplicationController", &["spec", "template"]),
    ("Job", &["spec", "template"]),
    ("CronJob", &["spec", "jobTemplate", "spec", "template"]),
    ("Pod", &[]),
];

/// Images whose program is a Cassandra node: the last part of the name, without the tag.
const IMAGES: &[&str] = &["cassandra", "cassandra-init", "cassandra-image"];
/// Programs that run a node, as this program is called.
const PROGRAMS: &[&str] = &["run.sh", "docker-entrypoint.sh", "cassandra-init", "cassandra"];

/// Every object of every file.
#[derive(Debug)]
pub struct Objects<'a> {
    objects: Vec<Spot<'a>>,
}

/// A ConfigMap or a Secret.
#[derive(Debug, Clone)]
pub struct Data<'a> {
    spot: Spot<'a>,
    /// Whether its values are never shown.
    pub is_secret: bool,
}

/// One entry of a ConfigMap or Secret.
#[derive(Debug, Clone)]
pub struct Entry<'a> {
    /// Its key.
    pub key: &'a str,
    /// Its content; none where it is not what its field takes.
    pub bytes: Option<Vec<u8>>,
    /// Where its value stands.
    pub spot: Spot<'a>,
}

impl<'a> Objects<'a> {
    /// Finds all objects, those of a List among them.
    pub fn of(files: &'a [ManifestFile]) -> Self {
        let mut objects = Vec::new();
        for document in files.iter().flat_map(ManifestFile::documents) {
            match document.text("kind") {
                Some(kind) if kind.ends_with("List") => objects.extend(document.items("items")),
                _ => objects.push(document),
            }
        }
        Self { objects }
    }

    /// Whether any object has a kind at all: what has none is no manifest.
    pub fn is_empty(&self) -> bool {
        self.objects.iter().all(|object| object.text("kind").is_none())
    }

    /// The containers that run Cassandra, or the one called `name` in each workload.
    pub fn containers(&self, name: Option<&str>) -> Vec<Container<'a>> {
        self.objects.iter().flat_map(|object| containers(object, name)).collect()
    }

    /// The names of all containers, for a hint.
    pub fn container_names(&self) -> Vec<&'a str> {
        let all = self.objects.iter().filter_map(template).flat_map(|template| all_containers(&template));
        all.filter_map(|container| container.text("name")).collect()
    }

    /// The ConfigMap or Secret of that name; the namespace of the workload wins where several have it.
    pub fn data(&self, kind: &str, name: &str, namespace: &str) -> Option<Data<'a>> {
        let is_it = |object: &&Spot<'a>| {
            object.text("kind") == Some(kind)
                && object.at(&["metadata"]).and_then(|meta| meta.text("name")) == Some(name)
        };
        let here = |object: &&Spot<'a>| self::namespace(object) == namespace;
        let mut candidates = self.objects.iter().filter(is_it);
        let spot = candidates.clone().find(here).or_else(|| candidates.next())?;
        Some(Data { spot: spot.clone(), is_secret: kind == "Secret" })
    }

    /// All ConfigMaps.
    pub fn config_maps(&self) -> impl Iterator<Item = Data<'a>> {
        let maps = self.objects.iter().filter(|object| object.text("kind") == Some("ConfigMap"));
        maps.map(|spot| Data { spot: spot.clone(), is_secret: false })
    }
}

impl<'a> Data<'a> {
    /// Its name.
    pub fn name(&self) -> &'a str {
        name(&self.spot)
    }

    /// Its entries: `data` as text (base64 in a Secret), `binaryData` and `stringData`; a later field wins.
    pub fn entries(&self) -> Vec<Entry<'a>> {
        let mut entries: Vec<Entry<'a>> = Vec::new();
        for (field, encoded) in [("data", self.is_secret), ("binaryData", true), ("stringData", false)] {
            let Some(map) = self.spot.get(field) else { continue };
            for (key, spot) in map.entries() {
                let text = spot.value().as_str();
                let bytes =
                    if encoded { text.and_then(base64::decode) } else { text.map(|text| text.as_bytes().to_vec()) };
                entries.retain(|entry| entry.key != key);
                entries.push(Entry { key, bytes, spot });
            }
        }
        entries
    }

    /// One entry.
    pub fn entry(&self, key: &str) -> Option<Entry<'a>> {
        self.entries().into_iter().find(|entry| entry.key == key)
    }

    /// Where it stands.
    pub fn spot(&self) -> &Spot<'a> {
        &self.spot
    }
}

/// A container that runs Cassandra, in its pod.
#[derive(Debug, Clone)]
pub struct Container<'a> {
    /// The object: a StatefulSet, a Pod and so on.
    pub workload: Spot<'a>,
    /// The pod's template: metadata and spec.
    pub template: Spot<'a>,
    /// The container.
    pub spot: Spot<'a>,
}

impl<'a> Container<'a> {
    /// The pod's specification.
    pub fn pod(&self) -> Option<Spot<'a>> {
        self.template.get("spec")
    }

    /// Kind of the workload.
    pub fn kind(&self) -> &'a str {
        self.workload.text("kind").unwrap_or("object")
    }

    /// Name of the workload.
    pub fn workload_name(&self) -> &'a str {
        name(&self.workload)
    }

    /// Its own name.
    pub fn name(&self) -> &'a str {
        self.spot.text("name").unwrap_or("unnamed")
    }

    /// The image.
    pub fn image(&self) -> Option<&'a str> {
        self.spot.text("image")
    }

    /// The namespace: `default` where none is said.
    pub fn namespace(&self) -> &'a str {
        namespace(&self.workload)
    }

    /// The name of its first pod.
    pub fn pod_name(&self) -> String {
        match self.kind() {
            "Pod" => self.workload_name().to_owned(),
            _ => format!("{}-0", self.workload_name()),
        }
    }

    /// The names that mean its first pod, as /etc/hosts of the pod and its headless service have them.
    pub fn pod_names(&self) -> Vec<String> {
        let (pod, namespace) = (self.pod_name(), self.namespace());
        let service = self.workload.at(&["spec"]).and_then(|spec| spec.text("serviceName"));
        let full = service.map(|service| format!("{pod}.{service}.{namespace}.svc.cluster.local"));
        full.into_iter().chain([pod]).collect()
    }

    /// A resource limit, in bytes or processors.
    pub fn limit(&self, resource: &str) -> Option<f64> {
        let limit = self.spot.at(&["resources", "limits", resource])?;
        crate::manifest::quantity::parse(&text_of(limit.value())?)
    }

    /// The words of `command` or `args`; `None` where the field is not there, so that the image decides.
    pub fn words(&self, field: &str) -> Option<Vec<String>> {
        let list = self.spot.get(field)?;
        Some(list.value().as_sequence()?.iter().filter_map(text_of).collect())
    }
}

/// A scalar as text.
pub(super) fn text_of(value: &serde_yaml::Value) -> Option<String> {
    match value {
        serde_yaml::Value::String(text) => Some(text.clone()),
        serde_yaml::Value::Number(number) => Some(number.to_string()),
        serde_yaml::Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// The name of an image without registry, tag and digest.
pub fn image_name(image: &str) -> &str {
    let last = image.split('@').next().unwrap_or(image).rsplit('/').next().unwrap_or(image);
    last.split(':').next().unwrap_or(last)
}

/// The tag of an image.
pub fn image_tag(image: &str) -> Option<&str> {
    image.split('@').next()?.rsplit('/').next()?.split_once(':').map(|(_, tag)| tag)
}

/// The last part of a path.
pub(super) fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn name<'a>(object: &Spot<'a>) -> &'a str {
    object.at(&["metadata"]).and_then(|meta| meta.text("name")).unwrap_or("unnamed")
}

fn namespace<'a>(object: &Spot<'a>) -> &'a str {
    object.at(&["metadata"]).and_then(|meta| meta.text("namespace")).unwrap_or("default")
}

fn template<'a>(object: &Spot<'a>) -> Option<Spot<'a>> {
    let kind = object.text("kind")?;
    let (_, way) = WORKLOADS.iter().find(|(known, _)| *known == kind)?;
    object.at(way)
}

fn all_containers<'a>(template: &Spot<'a>) -> Vec<Spot<'a>> {
    template.get("spec").map(|pod| pod.items("containers")).unwrap_or_default()
}

fn containers<'a>(object: &Spot<'a>, wanted: Option<&str>) -> Vec<Container<'a>> {
    let Some(template) = template(object) else { return Vec::new() };
    let all = all_containers(&template);
    let pick =
        |rule: &dyn Fn(&Spot) -> bool| -> Vec<Spot<'a>> { all.iter().filter(|spot| rule(spot)).cloned().collect() };
    let chosen = match wanted {
        Some(wanted) => pick(&|spot| spot.text("name") == Some(wanted)),
        // A sidecar may know the cluster by CASSANDRA_… variables, so they count only where nothing else tells.
        None => match pick(&runs_cassandra) {
            sure if !sure.is_empty() => sure,
            _ => pick(&|spot| looks_like_cassandra(spot)),
        },
    };
    let container = |spot| Container { workload: object.clone(), template: template.clone(), spot };
    chosen.into_iter().map(container).collect()
}

fn runs_cassandra(container: &Spot) -> bool {
    let command = container.items("command").into_iter().chain(container.items("args"));
    let mut words = command.filter_map(|word| word.value().as_str());
    let is_program = |word: &str| {
        let mut parts = word.split(|c: char| c.is_whitespace() || matches!(c, ';' | '&'));
        parts.any(|part| PROGRAMS.contains(&file_name(part)))
    };
    container.text("image").is_some_and(|image| IMAGES.contains(&image_name(image))) || words.any(is_program)
}

fn looks_like_cassandra(container: &Spot) -> bool {
    let mut names = container.items("env").into_iter().filter_map(|entry| entry.text("name"));
    container.text("name") == Some("cassandra") || names.any(|name| name.starts_with("CASSANDRA_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str, wanted: Option<&str>) -> Vec<String> {
        let files = [ManifestFile::parse("m", text).unwrap()];
        let objects = Objects::of(&files);
        objects.containers(wanted).iter().map(|c| format!("{} {}/{}", c.kind(), c.workload_name(), c.name())).collect()
    }

    #[test]
    fn the_container_that_runs_cassandra_is_found_beside_its_sidecars() {
        let pod = "kind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - {name: exporter, image: x/cassandra-exporter:1, \
                   env: [{name: CASSANDRA_HOST, value: h}]}\n  - {name: db, image: 'registry:5000/x/cassandra:4.1'}\n";
        assert_eq!(names(pod, None), ["Pod p/db"]);
        assert_eq!(names(pod, Some("exporter")), ["Pod p/exporter"]);
        assert_eq!(names(&pod.replace("x/cassandra:4.1", "x/db"), None), ["Pod p/exporter"]);
        let by_command = "kind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: a, image: x, command: [sh, -c, 'exec /run.sh']}]}\n";
        assert_eq!(names(by_command, None), ["Pod p/a"]);
    }

    #[test]
    fn lists_and_cron_jobs_are_looked_into() {
        let list = "kind: List\nitems:\n- kind: CronJob\n  metadata: {name: j}\n  spec: {jobTemplate: {spec: {template: {spec: \
                    {containers: [{name: c, image: cassandra}]}}}}}\n- kind: Service\n";
        assert_eq!(names(list, None), ["CronJob j/c"]);
    }

    #[test]
    fn an_image_has_a_name_and_a_tag() {
        assert_eq!(image_name("host:5000/a/cassandra:5.0@sha256:0"), "cassandra");
        assert_eq!(image_tag("host:5000/a/cassandra:5.0@sha256:0"), Some("5.0"));
        assert_eq!((image_name("host:5000/cassandra"), image_tag("host:5000/cassandra")), ("cassandra", None));
    }
}
