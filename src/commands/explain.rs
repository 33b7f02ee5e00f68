//! `explain`: the value, layer and exact source of every effective setting, or of those that are named.

use std::fmt::Write as _;

use serde_yaml::Value as Yaml;

use crate::cassandra::Version;
use crate::cassandra::schema::{self, Spelling};
use crate::cli::{ExplainArguments, InputArguments, OutputFormat};
use crate::commands::situation::{Ready, Situation};
use crate::commands::{Assignment, environment, print, run_folder};
use crate::config::documents::covers;
use crate::config::jvm_options::OptionKey;
use crate::config::provenance::{self, Effective};
use crate::config::yaml::text::quoted;
use crate::exit::{Exit, Failure};
use crate::report::Report;
use crate::settings::contract::{CONTRACT, Variable, known_names};
use crate::settings::generic::{self, Target};
use crate::settings::suggest;
use crate::settings::value::LogFormat;

/// Names that are suggested for one that is not known.
const SUGGESTIONS: usize = 3;

/// What a plan makes effective, in which release: what PID 1 records and `explain` shows.
pub(super) struct Explained {
    version: Version,
    settings: Vec<Effective>,
}

/// Prints the settings. On a live node they are those that PID 1 recorded, unless an argument says what to explain instead.
pub(super) fn explain(arguments: &ExplainArguments, environment: &[Assignment]) -> Result<Exit, Failure> {
    crate::log::start(LogFormat::Text);
    let explained = match recorded(&arguments.input, environment) {
        Some(explained) => explained,
        None => planned(&arguments.input, environment)?,
    };
    let chosen = if arguments.keys.is_empty() {
        explained.settings.clone()
    } else {
        let mut chosen: Vec<Effective> = Vec::new();
        for key in &arguments.keys {
            for setting in explained.find(key)? {
                if !chosen.contains(&setting) {
                    chosen.push(setting);
                }
            }
        }
        chosen
    };
    print(&match arguments.format {
        OutputFormat::Text => text(&chosen),
        OutputFormat::Json => Explained { version: explained.version, settings: chosen }.json(),
    })?;
    Ok(Exit::Success)
}

/// What PID 1 recorded, where one lives and nothing else was asked for.
fn recorded(input: &InputArguments, environment: &[Assignment]) -> Option<Explained> {
    if input.conf.is_some() || input.env_file.is_some() || input.cassandra_version.is_some() {
        return None;
    }
    let env = environment::of_process(environment, &mut Report::default());
    match run_folder::recorded_plan(&env)? {
        Ok(text) => {
            let explained = Explained::parse(&text)?;
            tracing::info!("this is what the running node was started with");
            Some(explained)
        }
        Err(error) => {
            tracing::warn!("{error}; this is what a start with this environment would do");
            None
        }
    }
}

/// What a start would do now.
fn planned(input: &InputArguments, environment: &[Assignment]) -> Result<Explained, Failure> {
    let mut situation = Situation::read(environment, None, input)?;
    let ready = situation.plan()?;
    crate::log::report(&situation.report);
    if let Some(hook) = &situation.hook {
        tracing::warn!("the pre-run hook {} is not run here, what it changes is not shown", hook.display());
    }
    Ok(Explained::of(&situation, &ready))
}

impl Explained {
    /// What a plan makes effective.
    pub(super) fn of(situation: &Situation, ready: &Ready) -> Self {
        let settings = provenance::of(&ready.plan, &situation.base, &situation.settings, &situation.env);
        Self { version: situation.distribution.version, settings }
    }

    /// The settings that a name is about: a path or a key in it, the last word of a path, an old name, a JVM option, a variable.
    fn find(&self, name: &str) -> Result<Vec<Effective>, Failure> {
        let mut found = self.matching(|key| covers(name, key));
        if found.is_empty() {
            found = self.matching(|key| key.rsplit('.').next().is_some_and(|last| covers(name, last)));
        }
        if found.is_empty() {
            found = self.by_variable(name);
        }
        if found.is_empty() {
            found = self.by_option(name);
        }
        if found.is_empty() {
            found = self.by_old_name(name);
        }
        if found.is_empty() {
            found.extend(unset(name, self.version));
        }
        if found.is_empty() { Err(self.unknown(name)) } else { Ok(found) }
    }

    fn matching(&self, fits: impl Fn(&str) -> bool) -> Vec<Effective> {
        self.settings.iter().filter(|setting| fits(&setting.key)).cloned().collect()
    }

    /// What the variable set; else what it would set.
    fn by_variable(&self, name: &str) -> Vec<Effective> {
        let name = name.strip_suffix("_FILE").unwrap_or(name);
        let set: Vec<Effective> = self.settings.iter().filter(|setting| setting.variable == name).cloned().collect();
        if !set.is_empty() {
            return set;
        }
        let keys: Vec<String> = match (variable(name), generic::target(name)) {
            (Some(row), _) => keys_of(row),
            (None, Some(Target::Yaml(steps))) => {
                steps.first().map(|step| step.to_ascii_lowercase()).into_iter().collect()
            }
            (None, Some(Target::Rackdc(key))) => vec![key.to_ascii_lowercase()],
            (None, None) => Vec::new(),
        };
        keys.iter().flat_map(|key| self.by_old_name(key)).collect()
    }

    fn by_option(&self, name: &str) -> Vec<Effective> {
        let wanted = OptionKey::of(name).to_string();
        let property = format!("-D{name}");
        self.matching(|key| key == wanted || key == property)
    }

    fn by_old_name(&self, name: &str) -> Vec<Effective> {
        let own = self.matching(|key| covers(name, key));
        match schema::spell(&name.to_ascii_lowercase(), &schema::Value::Null, self.version) {
            Spelling::Key { key: new, .. } if own.is_empty() => self.matching(|key| covers(new, key)),
            _ => own,
        }
    }

    fn unknown(&self, name: &str) -> Failure {
        let own = self.settings.iter().map(|setting| setting.key.clone());
        let known = schema::keys(self.version).map(|row| row.key).chain(known_names()).map(str::to_owned);
        let all: Vec<String> = own.chain(known).collect();
        let near = suggest::nearest(name, all.iter().map(String::as_str), SUGGESTIONS);
        let failure =
            Failure::message(Exit::Usage, format!("'{name}' is no key, JVM option or variable that is known here"));
        match near.as_slice() {
            [] => failure.hint("`cassandra-init explain` without a name lists all"),
            near => failure.hint(format!("did you mean {}?", near.join(" or "))),
        }
    }

    /// One JSON object.
    pub(super) fn json(&self) -> String {
        let mut rows = Vec::new();
        for Effective { file, key, value, layer, source, variable } in &self.settings {
            let pairs = [("file", file), ("key", key), ("value", value), ("layer", layer), ("source", source)];
            let mut row: Vec<String> =
                pairs.iter().map(|(name, text)| format!("\"{name}\": {}", quoted(text))).collect();
            if !variable.is_empty() {
                row.push(format!("\"variable\": {}", quoted(variable)));
            }
            rows.push(format!("    {{{}}}", row.join(", ")));
        }
        let version = quoted(&self.version.to_string());
        format!("{{\n  \"cassandra\": {version},\n  \"settings\": [\n{}\n  ]\n}}\n", rows.join(",\n"))
    }

    /// Reads what [`Self::json`] wrote; JSON is YAML.
    fn parse(json: &str) -> Option<Self> {
        let tree: Yaml = serde_yaml::from_str(json).ok()?;
        let text = |row: &Yaml, name: &str| row.get(name).and_then(Yaml::as_str).unwrap_or_default().to_owned();
        let settings = tree.get("settings")?.as_sequence()?.iter().map(|row| Effective {
            file: text(row, "file"),
            key: text(row, "key"),
            value: text(row, "value"),
            layer: text(row, "layer"),
            source: text(row, "source"),
            variable: text(row, "variable"),
        });
        Some(Self { version: text(&tree, "cassandra").parse().ok()?, settings: settings.collect() })
    }
}

fn variable(name: &str) -> Option<&'static Variable> {
    CONTRACT.iter().find(|row| row.name == name || row.aliases.contains(&name))
}

/// The keys that a row of the contract says it goes to.
fn keys_of(row: &Variable) -> Vec<String> {
    let keys = row.target.split_once(": ").map_or("", |(_, keys)| keys);
    keys.split(", ").filter(|key| !key.is_empty()).map(str::to_owned).collect()
}

/// A key or variable that is known and that nobody set.
fn unset(name: &str, version: Version) -> Option<Effective> {
    let row = |file: &str, key: &str, layer: &str, source: String| Effective {
        file: file.to_owned(),
        key: key.to_owned(),
        value: "unset".to_owned(),
        layer: layer.to_owned(),
        source,
        variable: String::new(),
    };
    if let Spelling::Key { key, .. } = schema::spell(&name.to_ascii_lowercase(), &schema::Value::Null, version) {
        let default = schema::row(key, version).map_or("", |row| row.default);
        let source =
            if default.is_empty() { "Cassandra decides".to_owned() } else { format!("Cassandra takes {default}") };
        return Some(row("cassandra.yaml", key, "none", source));
    }
    let known = variable(name)?;
    Some(row(known.target, known.name, "none", known.doc.trim_end_matches('.').to_owned()))
}

/// A line for each: the file, the setting, and in brackets its layer and source.
fn text(settings: &[Effective]) -> String {
    let mut text = String::new();
    for Effective { file, key, value, layer, source, .. } in settings {
        let value = printable(value);
        let _ = if key.starts_with('-') {
            writeln!(text, "{file}: {value}  ({layer}: {source})")
        } else {
            writeln!(text, "{file}: {key} = {value}  ({layer}: {source})")
        };
    }
    text
}

/// One line, and nothing that a terminal obeys.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { c.escape_debug().to_string() } else { c.to_string() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(key: &str, variable: &str) -> Effective {
        let text = |text: &str| text.to_owned();
        Effective {
            file: text("cassandra.yaml"),
            key: text(key),
            value: text("a \"b\"\n\u{1b}é"),
            layer: text("environment"),
            source: text("somebody"),
            variable: text(variable),
        }
    }

    fn explained() -> Explained {
        let keys =
            ["client_encryption_options.enabled", "seed_provider[0].parameters[0].seeds", "key_cache_size", "-Xmx"];
        let mut settings: Vec<Effective> = keys.iter().map(|key| setting(key, "")).collect();
        settings.push(setting("num_tokens", "CASSANDRA_NUM_TOKENS"));
        Explained { version: "5.0.8".parse().unwrap(), settings }
    }

    #[test]
    fn what_is_recorded_reads_back() {
        let read = Explained::parse(&explained().json()).unwrap();
        assert_eq!(read.settings, explained().settings);
        assert_eq!(read.version, explained().version);
    }

    #[test]
    fn a_setting_is_found_by_each_of_its_names() {
        for (name, key) in [
            ("client_encryption_options", "client_encryption_options.enabled"),
            ("client_encryption_options.enabled", "client_encryption_options.enabled"),
            ("seeds", "seed_provider[0].parameters[0].seeds"),
            ("CASSANDRA_SEEDS", "seed_provider[0].parameters[0].seeds"),
            ("key_cache_size_in_mb", "key_cache_size"),
            ("CASSANDRA_KEY_CACHE_SIZE_IN_MB", "key_cache_size"),
            ("CASSANDRA_YAML_key_cache_size", "key_cache_size"),
            ("-Xmx4G", "-Xmx"),
            ("MAX_HEAP_SIZE", "-Xmx"),
            ("CASSANDRA_NUM_TOKENS", "num_tokens"),
            ("CASSANDRA_NUM_TOKENS_FILE", "num_tokens"),
        ] {
            let found = explained().find(name).unwrap();
            assert_eq!(found.iter().map(|setting| setting.key.as_str()).collect::<Vec<_>>(), [key], "{name}");
        }
        assert_eq!(explained().find("cdc_enabled").unwrap()[0].value, "unset");
        assert_eq!(explained().find("CASSANDRA_STOP_GRACE").unwrap()[0].file, "this program");
        let error = explained().find("num_token").unwrap_err();
        assert_eq!(error.exit, Exit::Usage);
        assert!(error.to_string().contains("num_tokens"), "{error}");
    }
}
