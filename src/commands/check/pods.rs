//! The starts that Kubernetes manifests describe: each container that runs Cassandra is checked as if it started.

use std::ffi::OsString;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::cli::{CheckArguments, InputArguments};
use crate::commands::check::shadow::Shadow;
use crate::commands::check::source::Sources;
use crate::commands::check::start::Start;
use crate::commands::check::{Checked, Told, image, secret};
use crate::commands::elsewhere::Elsewhere;
use crate::commands::{Assignment, places};
use crate::exit::{Exit, Failure};
use crate::host::files;
use crate::manifest::mounts::{MountedFile, Mounts};
use crate::manifest::objects::Data;
use crate::manifest::{Container, Environment, ManifestFile, Objects, POD_ADDRESS, quantity, wiring};
use crate::report::{Finding, Place, Report};
use crate::settings::file;
use crate::settings::secret::is_secret;

/// Where the conf folder of an image is, where CASSANDRA_CONF does not say.
const CONF: &[&str] = &["/etc/cassandra", "/opt/cassandra/conf"];

/// Reads the files and looks at each container in them; where there is none, at each ConfigMap as an overlay.
pub(super) fn look(arguments: &CheckArguments) -> Result<Vec<Checked>, Failure> {
    let mut sources = Sources::default();
    let mut files = Vec::new();
    let mut broken = Vec::new();
    for path in &arguments.manifests {
        let (name, text) = read(path)?;
        sources.add(name.as_str(), text.as_str());
        match ManifestFile::parse(&name, &text) {
            Ok(file) => files.push(file),
            Err(finding) => broken.push(Told { at: sources.at(&finding.place, false), finding }),
        }
    }
    if !broken.is_empty() {
        return Ok(vec![Checked { title: None, findings: broken, exit: Exit::BadData }]);
    }
    let objects = Objects::of(&files);
    let containers = objects.containers(arguments.container.as_deref());
    let checks: Vec<Pod> = if containers.is_empty() && arguments.container.is_none() {
        objects.config_maps().filter_map(|map| Pod::of_config_map(&map)).collect()
    } else {
        containers.into_iter().map(|container| Pod::of(container, &objects)).collect()
    };
    if checks.is_empty() {
        return Err(nothing(arguments, &objects));
    }
    checks.into_iter().map(|pod| pod.check(arguments, &sources)).collect()
}

/// The name and the text of a manifest; `-` is standard input.
fn read(path: &Path) -> Result<(String, String), Failure> {
    if path != Path::new("-") {
        return Ok((path.display().to_string(), files::read_trusted_text(path)?));
    }
    let mut text = String::new();
    let limited = std::io::stdin().lock().take(files::SIZE_LIMIT).read_to_string(&mut text);
    limited.map_err(|error| Failure::message(Exit::InputOutput, format!("cannot read standard input: {error}")))?;
    Ok(("<stdin>".to_owned(), text))
}

fn nothing(arguments: &CheckArguments, objects: &Objects) -> Failure {
    let names = objects.container_names();
    let there = if names.is_empty() {
        "there is no container at all".to_owned()
    } else {
        format!("there are the containers {}", names.join(", "))
    };
    let what = match &arguments.container {
        Some(name) => format!("no container is called '{name}'"),
        None => "no container runs Cassandra, as far as image and command tell".to_owned(),
    };
    let failure = Failure::message(Exit::BadData, format!("{what}: {there}"));
    if names.is_empty() { failure } else { failure.hint("--container NAME says which one to check") }
}

/// What is known of one start.
struct Pod<'a> {
    title: String,
    container: Option<Container<'a>>,
    environment: Environment<'a>,
    mounts: Mounts<'a>,
    report: Report,
}

impl<'a> Pod<'a> {
    fn of(container: Container<'a>, objects: &Objects<'a>) -> Self {
        let mut report = Report::default();
        let environment = Environment::of(&container, objects, &mut report);
        let mounts = Mounts::of(&container, &environment, objects, &mut report);
        let title = format!("{} {}, container {}", container.kind(), container.workload_name(), container.name());
        Self { title, container: Some(container), environment, mounts, report }
    }

    /// A ConfigMap that holds files of Cassandra's, as the overlay of a start without variables.
    fn of_config_map(map: &Data<'a>) -> Option<Self> {
        let is_known = |key: &str| key.starts_with("cassandra") || key.starts_with("jvm") || key == places::HOOK;
        let overlay = places::OVERLAYS.first()?;
        let files: Vec<MountedFile> = map
            .entries()
            .into_iter()
            .filter_map(|entry| {
                let path = format!("{overlay}/{}", entry.key);
                Some(MountedFile { path, bytes: entry.bytes?, is_secret: false, spot: entry.spot })
            })
            .collect();
        let named = |file: &MountedFile| is_known(file.path.rsplit('/').next().unwrap_or_default());
        files.iter().any(named).then(|| Self {
            title: format!("ConfigMap {}", map.name()),
            container: None,
            environment: Environment::default(),
            mounts: Mounts { files, paths: vec![(*overlay).to_owned()] },
            report: Report::default(),
        })
    }

    fn check(mut self, arguments: &CheckArguments, sources: &Sources) -> Result<Checked, Failure> {
        let image = self.container.as_ref().and_then(Container::image).unwrap_or_default().to_owned();
        let (guessed, is_guess) = image::release(&image);
        let release = arguments.input.cassandra_version.unwrap_or(guessed);
        let (profile, options) = self.called_as(&image);
        let shadow = Shadow::of(&self.mounts)?;
        let (environment, conf) = self.environment_in(&shadow, arguments.input.conf.as_deref())?;
        let input = InputArguments { cassandra_version: Some(release), conf, env_file: None };
        let start = Start::look(&environment, profile, &input, Some(&self.elsewhere(options)), arguments.strict)?;
        if let Some(container) = &self.container {
            wiring::look(container, &self.environment, start.stop_grace, &mut self.report);
        }
        if start.strict {
            self.report.make_strict();
        }
        let assumed = if is_guess && arguments.input.cassandra_version.is_none() { " (assumed)" } else { "" };
        let title = match start.what.as_str() {
            "" => self.title.clone(),
            what => format!("{}: {what}{assumed}", self.title),
        };
        let of_pod = self
            .report
            .iter()
            .map(|finding| Told { at: sources.at(&finding.place, false), finding: self.redacted(finding) });
        let overlay = self.overlay();
        let of_start = start.report.iter().map(|finding| {
            let finding = shadow.unveil(finding);
            let (place, hide) = self.origin(&finding.place, overlay.as_deref());
            Told { at: place.and_then(|place| sources.at(&place, hide)), finding: self.redacted(&finding) }
        });
        let findings = of_pod.chain(of_start).collect();
        let exit = if self.report.has_errors() { Exit::Configuration } else { start.exit };
        Ok(Checked { title: Some(title), findings, exit })
    }

    /// The profile that the container's command or image stands for, and the JVM options of its arguments.
    fn called_as(&mut self, image: &str) -> (Option<&'static str>, Vec<String>) {
        let Some(container) = &self.container else { return (None, Vec::new()) };
        let words = |field| {
            let words = container.words(field)?;
            Some(words.iter().map(|word| self.environment.expand(word)).collect::<Vec<_>>())
        };
        let (command, args) = (words("command"), words("args").unwrap_or_default());
        let call = image::call(image, command.as_deref(), &args);
        let field = ["args", "command"].into_iter().find_map(|field| container.spot.get(field));
        let place = field.unwrap_or_else(|| container.spot.clone()).place();
        if let Err(wrong) = &call.options {
            self.report.add(Finding::error(place, wrong));
        } else if let Some(other) = call.other {
            let message = format!("this container runs '{other}', it is checked as if it ran Cassandra");
            self.report.add(Finding::note(place, message));
        }
        (call.profile, call.options.unwrap_or_default())
    }

    fn elsewhere(&self, options: Vec<String>) -> Elsewhere {
        let container = self.container.as_ref();
        let limit = |resource| container.and_then(|container| container.limit(resource)).map(quantity::whole);
        let address = self.environment.get("POD_IP").and_then(|variable| variable.value.parse().ok());
        Elsewhere {
            address: address.unwrap_or(POD_ADDRESS),
            names: container.map(Container::pod_names).unwrap_or_default(),
            memory_limit: limit("memory"),
            cores: limit("cpu").and_then(|cores| usize::try_from(cores).ok()).filter(|cores| *cores > 0),
            options,
            volumes: self.mounts.paths.iter().map(PathBuf::from).collect(),
        }
    }

    /// The overlay's path in the container.
    fn overlay(&self) -> Option<String> {
        let set = self.environment.get("CASSANDRA_CONFIG_OVERLAY").map(|variable| variable.value.clone());
        let mounted = |folder: &&&str| {
            let is_there = |path: &String| Path::new(path).starts_with(folder);
            self.mounts.paths.iter().any(is_there) || self.mounts.files.iter().any(|file| is_there(&file.path))
        };
        set.or_else(|| places::OVERLAYS.iter().find(mounted).map(|folder| (*folder).to_owned()))
    }

    /// The container's environment with its paths led into the shadow, and the conf folder.
    fn environment_in(
        &mut self,
        shadow: &Shadow,
        conf: Option<&Path>,
    ) -> Result<(Vec<Assignment>, Option<PathBuf>), Failure> {
        let mut environment: Vec<Assignment> = Vec::new();
        let mut set = |name: &str, value: OsString| environment.push((name.into(), value));
        let mut report = Report::default();
        for variable in self.environment.variables() {
            let (name, value) = (variable.name.as_str(), variable.value.as_str());
            match name {
                "CASSANDRA_CONFIG_OVERLAY" | "CASSANDRA_CONF" => {}
                _ if is_path(name) && value.starts_with('/') => {
                    if shadow.path(value).exists() {
                        set(name, shadow.path(value).into());
                    } else {
                        let message = format!("{name}: {value} is not among the files, what it holds is not checked");
                        report.add(Finding::note(variable.spot.place(), message));
                    }
                }
                _ => set(name, value.into()),
            }
        }
        // The folders of this host must not count, so there is always one: an empty one where none is mounted.
        let overlay = self.overlay().unwrap_or_else(|| "/configmap".to_owned());
        if overlay.starts_with('/') {
            set("CASSANDRA_CONFIG_OVERLAY", shadow.folder(&overlay)?.into());
        } else {
            set("CASSANDRA_CONFIG_OVERLAY", overlay.into());
        }
        self.report.absorb(report);
        let conf = match self.conf_folders().into_iter().find(|folder| shadow.knows(folder)) {
            Some(folder) => Some(shadow.conf(&folder, conf)?),
            None => conf.map(Path::to_owned),
        };
        Ok((environment, conf))
    }

    fn conf_folders(&self) -> Vec<String> {
        match self.environment.get("CASSANDRA_CONF") {
            Some(variable) => vec![variable.value.clone()],
            None => CONF.iter().map(|folder| (*folder).to_owned()).collect(),
        }
    }

    /// Where in the manifests something of the container is, and whether nobody may see the line.
    fn origin(&self, place: &Place, overlay: Option<&str>) -> (Option<Place>, bool) {
        let of_variable = |name: &str| {
            let variable = self.environment.get(name)?;
            Some((Some(variable.spot.place()), variable.is_secret || is_secret(name)))
        };
        let found = match place {
            Place::Variable(name) => of_variable(name),
            Place::Other(text) => text.split_whitespace().next().and_then(of_variable),
            Place::File { name, line, column } => {
                let folders = overlay.iter().map(ToString::to_string).chain(self.conf_folders());
                let mut paths = std::iter::once(name.clone()).chain(folders.map(|folder| format!("{folder}/{name}")));
                let file = paths.find_map(|path| self.mounts.files.iter().find(|file| file.path == path));
                let file = file.map(|file| (&file.spot, file.is_secret));
                // A variable can hold a whole file's text.
                let variable = || self.environment.get(name).map(|variable| (&variable.spot, variable.is_secret));
                file.or_else(variable).map(|(spot, is_secret)| {
                    let place = line.map_or_else(|| spot.place(), |line| spot.place_of_line(line, *column));
                    (Some(place), is_secret)
                })
            }
        };
        found.unwrap_or((None, false))
    }

    /// The finding without any value that is secret.
    fn redacted(&self, finding: &Finding) -> Finding {
        let own = match &finding.place {
            Place::Variable(name) => name.as_str(),
            _ => "",
        };
        let secrets = self.environment.variables().iter().filter(|variable| {
            let is_secret = variable.is_secret || is_secret(&variable.name);
            // A short value would blot out words that have nothing to do with it.
            is_secret && !variable.value.is_empty() && (variable.name == own || variable.value.len() > 3)
        });
        let values: Vec<String> =
            secrets.flat_map(|variable| [variable.value.clone(), variable.value.escape_debug().to_string()]).collect();
        let hide = |text: &str| values.iter().fold(text.to_owned(), |text, value| secret::without(&text, value));
        Finding { message: hide(&finding.message), hint: finding.hint.as_deref().map(hide), ..finding.clone() }
    }
}

/// Whether a variable's value is the path of a file that is read at the start.
fn is_path(name: &str) -> bool {
    name == "CASSANDRA_PRE_RUN" || file::stem(name).is_some()
}
