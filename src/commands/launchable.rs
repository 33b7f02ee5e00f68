//! What a launch goes by beside the configuration: variables of Cassandra's scripts that a direct launch cannot follow, and
//! files that the JVM is told of.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::cassandra::Distribution;
use crate::cassandra::java::{Jmx, PASSWORD_FILE};
use crate::config::plan::Plan;
use crate::report::{Finding, Report};
use crate::settings::value::LaunchMode;
use crate::settings::{RawEnv, Settings};

/// The option that makes Cassandra read another file than the one that is configured here.
const OTHER_FILE: &str = "-Dcassandra.config=";
/// Options by which JMX asks for passwords by other means than the stock file.
const OTHER_PASSWORDS: [&str; 2] =
    ["-Dcom.sun.management.jmxremote.password.file=", "-Dcassandra.jmx.remote.login.config="];

/// Tells what a launch in this mode leaves out or cannot use. `conf` is the folder that Cassandra reads.
pub(super) fn find(mode: LaunchMode, env: &RawEnv, settings: &Settings, plan: &Plan, conf: &Path, report: &mut Report) {
    match mode {
        LaunchMode::Direct => of_scripts(env, report),
        LaunchMode::Script => out_of_memory_option(settings, report),
    }
    other_file(settings, plan, conf, report);
    if plan.jmx.access == Jmx::Remote && !given(settings, plan).any(|option| starts_with_one(option, &OTHER_PASSWORDS))
    {
        password_file(Path::new(PASSWORD_FILE), report);
    }
}

/// Every option of the environment and the files.
fn given<'a>(settings: &'a Settings, plan: &'a Plan) -> impl Iterator<Item = &'a String> {
    let variables = [&settings.jvm_opts, &settings.jvm_extra_opts].into_iter().flatten();
    variables.flat_map(|given| given.value.as_slice()).chain(&plan.options)
}

fn starts_with_one(option: &str, prefixes: &[&str]) -> bool {
    prefixes.iter().any(|prefix| option.starts_with(prefix))
}

/// Variables that only a shell can follow.
fn of_scripts(env: &RawEnv, report: &mut Report) {
    let set = |name: &str| env.text(name).is_some_and(|text| !text.is_empty());
    if set("CASSANDRA_INCLUDE") {
        let finding =
            Finding::error("CASSANDRA_INCLUDE", "has no effect: this start runs java directly, without a shell");
        report.add(
            finding.hint("put its options in jvm-server.options or JVM_EXTRA_OPTS, or set CASSANDRA_LAUNCH=script"),
        );
    }
    for name in ["MX4J_ADDRESS", "MX4J_PORT"].into_iter().filter(|name| set(name)) {
        let finding = Finding::warning(name, "has no effect: a direct launch sets nothing up for MX4J");
        report.add(finding.hint("-Dmx4jaddress and -Dmx4jport in JVM_EXTRA_OPTS reach it"));
    }
}

/// The stock `cassandra-env.sh` sets the variable itself, whatever the environment says.
fn out_of_memory_option(settings: &Settings, report: &mut Report) {
    if let Some(given) = &settings.on_out_of_memory {
        let finding = Finding::warning(given.source.to_string(), "has no effect: cassandra-env.sh sets it anew");
        report.add(finding.hint("put the option in JVM_EXTRA_OPTS, without blanks, or set CASSANDRA_LAUNCH=direct"));
    }
}

fn other_file(settings: &Settings, plan: &Plan, conf: &Path, report: &mut Report) {
    let ours = conf.join("cassandra.yaml");
    let file = given(settings, plan).filter_map(|option| option.strip_prefix(OTHER_FILE)).last();
    let path = file.map(|file| file.strip_prefix("file://").or_else(|| file.strip_prefix("file:")).unwrap_or(file));
    if let Some(path) = path.filter(|path| Path::new(path) != ours) {
        let message = format!("Cassandra reads {path}, and what the variables say goes to {}", ours.display());
        report.add(Finding::warning("-Dcassandra.config", message).hint("mount that file in the overlay instead"));
    }
}

/// Cassandra starts without the file, but then no JMX client can log in.
fn password_file(file: &Path, report: &mut Report) {
    let told = |message: String| Finding::warning("LOCAL_JMX", message);
    match fs::metadata(file) {
        Err(error) => {
            let message = format!("JMX asks for a password, and {} cannot be read: {error}", file.display());
            report.add(told(message).hint("mount it, owned by the Cassandra user, with mode 0400"));
        }
        Ok(metadata) if metadata.permissions().mode() & 0o077 != 0 => {
            let mode = metadata.permissions().mode() & 0o777;
            let message = format!("{} has mode {mode:04o}: others can read the passwords of JMX", file.display());
            report.add(told(message).hint("mount it, owned by the Cassandra user, with mode 0400"));
        }
        Ok(_) => {}
    }
}

/// The file of hints to the compiler, where the conf folder has it.
pub(super) fn compile_commands(conf: &Path) -> Option<std::path::PathBuf> {
    Some(conf.join("hotspot_compiler")).filter(|file| file.is_file())
}

/// The folder of native libraries that releases up to 4.1 bring.
pub(super) fn native_libraries(distribution: &Distribution) -> Option<std::path::PathBuf> {
    Some(distribution.home.join("lib/sigar-bin")).filter(|folder| folder.is_dir())
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;

    use super::*;

    #[test]
    fn a_password_file_must_be_there_and_closed_to_others() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("jmxremote.password");
        let told = || {
            let mut report = Report::default();
            password_file(&file, &mut report);
            report.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        };
        assert!(told().contains("cannot be read: No such file"), "{}", told());
        fs::write(&file, "monitor secret\n").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
        assert!(told().contains("has mode 0644: others can read") && !told().contains("secret"), "{}", told());
        fs::set_permissions(&file, Permissions::from_mode(0o400)).unwrap();
        assert_eq!(told(), "");
    }
}
