//! The java command lines: Cassandra's server as `bin/cassandra` and `conf/cassandra-env.sh` would start it, and NodeTool.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::cassandra::distribution::Distribution;
use crate::cassandra::{Collector, Line};

/// The server's main class.
const SERVER: &str = "org.apache.cassandra.service.CassandraDaemon";
/// nodetool's main class.
const NODETOOL: &str = "org.apache.cassandra.tools.NodeTool";
/// The port that Cassandra's JMX server takes where nobody chooses another (`cassandra-env.sh` sets it, whatever the environment
/// says).
pub const JMX_PORT: u16 = 7199;
/// Where the users of remote JMX and their passwords stand (`cassandra-env.sh`).
pub const PASSWORD_FILE: &str = "/etc/cassandra/jmxremote.password";

/// Who may use JMX.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Jmx {
    /// Loopback only, without a password (`LOCAL_JMX=yes`).
    Local,
    /// Every address, with the password file (`LOCAL_JMX=no`).
    Remote,
    /// Every address, without a password (`CASSANDRA_OPEN_JMX=true`).
    Open,
}

/// How JMX is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JmxServer {
    /// By whom.
    pub access: Jmx,
    /// The address that clients connect to, where it is remote or open.
    pub host: Option<String>,
    /// The port that they connect to.
    pub port: u16,
}

/// Everything that the server's command line depends on.
#[derive(Debug)]
pub struct Server<'a> {
    /// Cassandra and Java.
    pub distribution: &'a Distribution,
    /// The folder of the configuration files.
    pub conf: &'a Path,
    /// Where cassandra.yaml's directories lie by default.
    pub storage: &'a Path,
    /// Where logs, crash reports and heap dumps go.
    pub logs: &'a Path,
    /// Where heap dumps go, if not to the log folder.
    pub heap_dumps: Option<&'a Path>,
    /// Options from the environment that come before the files' (`JVM_OPTS`).
    pub before: &'a [String],
    /// Options of the files, in their order.
    pub options: &'a [String],
    /// Options from the environment that win over the files' (`JVM_EXTRA_OPTS`).
    pub after: &'a [String],
    /// Options that stand in no file, and those of our own command line (`-Dx=y`).
    pub unwritten: &'a [String],
    /// JMX.
    pub jmx: &'a JmxServer,
    /// libjemalloc, where it is preloaded; `-` where it is switched off.
    pub jemalloc: Option<&'a OsStr>,
    /// The compiler's commands (`hotspot_compiler` of the conf folder), where they are there.
    pub compile_commands: Option<&'a Path>,
    /// The folder of native libraries (`lib/sigar-bin`), where the release has one: where there is none, naming it would hide
    /// the system's.
    pub native_libraries: Option<&'a Path>,
    /// What to do on an OutOfMemoryError instead of ending (`JVM_ON_OUT_OF_MEMORY_ERROR_OPT`), one option, blanks and all.
    pub on_out_of_memory: Option<&'a str>,
    /// What comes behind everything else on the class path (`EXTRA_CLASSPATH`).
    pub extra_class_path: Option<&'a str>,
}

impl Server<'_> {
    /// The arguments after `java`, in the order of reference: later wins in HotSpot for the same flag.
    pub fn arguments(&self) -> Vec<OsString> {
        let mut line: Vec<OsString> = Vec::new();
        line.extend(self.before.iter().map(Into::into));
        line.extend(self.options.iter().map(Into::into));
        line.extend(self.gc_log().map(Into::into));
        line.extend(self.compiler());
        line.extend(self.agent());
        line.extend(self.out_of_memory());
        line.extend(self.jmx.properties().into_iter().map(Into::into));
        line.extend(self.native_libraries.map(|folder| property("java.library.path", folder)));
        line.extend(self.after.iter().map(Into::into));
        line.extend(self.jemalloc.map(|library| property("cassandra.libjemalloc", library)));
        line.extend(self.places());
        line.push("-Dcassandra-foreground=yes".into());
        line.extend(self.unwritten.iter().map(Into::into));
        line.push("-cp".into());
        line.push(self.class_path());
        line.push(SERVER.into());
        line
    }

    /// Every option that somebody set, in the order of the command line.
    fn given(&self) -> impl DoubleEndedIterator<Item = &String> {
        self.before.iter().chain(self.options).chain(self.after).chain(self.unwritten)
    }

    fn has(&self, prefix: &str) -> bool {
        self.given().any(|option| option.starts_with(prefix))
    }

    /// The GC log of `cassandra-env.sh`, unless an option sets one up.
    fn gc_log(&self) -> Option<String> {
        if self.has("-Xlog:gc") || self.has("-Xloggc:") {
            return None;
        }
        let file = self.logs.join("gc.log");
        Some(gc_log(self.distribution.java.major, &GcLog { file: Some(&file), verbose: false }))
    }

    /// What `cassandra-env.sh` tells the just-in-time compiler, and CMS of its card table.
    fn compiler(&self) -> Vec<OsString> {
        let mut options = Vec::new();
        let collector = self.given().rev().find_map(|option| Collector::selected_by(option));
        if collector == Some(Collector::Cms) && !self.given().any(|option| option.contains("UseCondCardMark")) {
            options.push("-XX:+UseCondCardMark".into());
        }
        if let Some(file) = self.compile_commands {
            let mut option = OsString::from("-XX:CompileCommandFile=");
            option.push(file);
            options.push(option);
        }
        options
    }

    /// jamm, with which Cassandra measures objects.
    fn agent(&self) -> Option<OsString> {
        let named = |jar: &&PathBuf| {
            jar.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with("jamm-"))
        };
        let jar = self.distribution.jars.iter().find(named)?;
        let mut option = OsString::from("-javaagent:");
        option.push(jar);
        Some(option)
    }

    /// Die on an OutOfMemoryError, as stock Cassandra does by `kill -9`, but without a shell; dumps go where the user can write.
    fn out_of_memory(&self) -> Vec<OsString> {
        let mut options = Vec::new();
        let chosen = [
            "-XX:OnOutOfMemoryError",
            "-XX:+ExitOnOutOfMemoryError",
            "-XX:-ExitOnOutOfMemoryError",
            "-XX:+CrashOnOutOfMemoryError",
        ];
        if !chosen.iter().any(|option| self.has(option)) {
            options.push(self.on_out_of_memory.unwrap_or("-XX:+ExitOnOutOfMemoryError").into());
        }
        if !self.has("-XX:HeapDumpPath") {
            let mut option = OsString::from("-XX:HeapDumpPath=");
            option.push(self.heap_dumps.unwrap_or(self.logs));
            options.push(option);
        }
        if !self.has("-XX:ErrorFile") {
            let mut option = OsString::from("-XX:ErrorFile=");
            option.push(self.logs.join("hs_err_%p.log"));
            options.push(option);
        }
        options
    }

    /// Absolute places instead of a conf folder in front of the class path: a folder there disables class data sharing. A
    /// place that somebody set is theirs.
    fn places(&self) -> Vec<OsString> {
        let is_free = |name: &str| !self.has(&format!("-D{name}="));
        let files =
            [("cassandra.config", "cassandra.yaml"), ("cassandra-rackdc.properties", "cassandra-rackdc.properties")];
        let files = files.map(|(name, file)| (name, url_property(name, &self.conf.join(file))));
        let paths = [
            ("logback.configurationFile", self.conf.join("logback.xml")),
            ("cassandra.triggers_dir", self.conf.join("triggers")),
            ("cassandra.logdir", self.logs.to_owned()),
            ("cassandra.storagedir", self.storage.to_owned()),
        ];
        let paths = paths.map(|(name, path)| (name, property(name, path)));
        files.into_iter().chain(paths).filter(|(name, _)| is_free(name)).map(|(_, option)| option).collect()
    }

    fn class_path(&self) -> OsString {
        let mut path = class_path(self.distribution, self.conf);
        if let Some(extra) = self.extra_class_path {
            path.push(":");
            path.push(extra);
        }
        path
    }
}

/// The events of Cassandra's own GC log (`cassandra-env.sh`, 4.0 and later).
const GC_EVENTS: &str = "gc=info,heap*=trace,age*=debug,safepoint=info,promotion*=trace";
const GC_DECORATIONS: &str = "time,uptime,pid,tid,level";

/// Where the collector's log goes and how much it holds.
#[derive(Debug, Clone, Copy)]
pub struct GcLog<'a> {
    /// The file; standard output where there is none.
    pub file: Option<&'a Path>,
    /// Whether the free lists of the old generation are told, too (`PrintFLSStatistics` of Java 8).
    pub verbose: bool,
}

/// The option for the collector's log. Unified logging rotates by itself; Java 8 does by the options of Cassandra's files.
pub fn gc_log(java_major: u16, log: &GcLog) -> String {
    let file = log.file.map(|file| file.display().to_string());
    if java_major < 9 {
        return format!("-Xloggc:{}", file.as_deref().unwrap_or("/dev/stdout"));
    }
    let more = if log.verbose { ",freelist*=trace" } else { "" };
    match file {
        Some(file) => format!("-Xlog:{GC_EVENTS}{more}:file={file}:{GC_DECORATIONS}:filecount=10,filesize=10485760"),
        None => format!("-Xlog:{GC_EVENTS}{more}:stdout:{GC_DECORATIONS}"),
    }
}

impl JmxServer {
    /// The system properties of Cassandra's JMX server (`configure_jmx` in `cassandra-env.sh`).
    pub fn properties(&self) -> Vec<String> {
        let port = self.port;
        let mut properties = match self.access {
            Jmx::Local => {
                return vec![
                    format!("-Dcassandra.jmx.local.port={port}"),
                    "-Dcom.sun.management.jmxremote.authenticate=false".to_owned(),
                ];
            }
            Jmx::Remote => vec![
                "-Dcom.sun.management.jmxremote.authenticate=true".to_owned(),
                format!("-Dcom.sun.management.jmxremote.password.file={PASSWORD_FILE}"),
            ],
            Jmx::Open => vec!["-Dcom.sun.management.jmxremote.authenticate=false".to_owned()],
        };
        properties.push(format!("-Dcassandra.jmx.remote.port={port}"));
        properties.push(format!("-Dcom.sun.management.jmxremote.rmi.port={port}"));
        properties.extend(self.host.iter().map(|host| format!("-Djava.rmi.server.hostname={host}")));
        properties
    }
}

/// The arguments after `java` that run `NodeTool`: a small heap of its own, quick to start, and never `JVM_OPTS` (agents
/// with fixed ports would collide with the server's).
///
/// `options` are the words of the `*-clients.options` files, `jmx_port` where the node is reached unless `arguments`, what the
/// user typed, say another.
pub fn nodetool(
    distribution: &Distribution,
    conf: &Path,
    storage: &Path,
    options: &[String],
    jmx_port: u16,
    arguments: &[OsString],
) -> Vec<OsString> {
    let mut line: Vec<OsString> = options.iter().map(Into::into).collect();
    line.extend(["-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"].map(Into::into));
    if distribution.version.line() <= Line::V4_0 {
        // Up to 3.11.12 and 4.0.3 it writes URLs that a Java of today refuses otherwise (CASSANDRA-17581).
        line.push("-Dcom.sun.jndi.rmiURLParsing=legacy".into());
    }
    line.push(property("cassandra.storagedir", storage));
    line.push(property("logback.configurationFile", conf.join("logback-tools.xml")));
    line.push("-cp".into());
    line.push(class_path(distribution, conf));
    line.push(NODETOOL.into());
    if jmx_port != JMX_PORT && !arguments.iter().any(|word| names_port(word)) {
        line.extend(["-p".into(), jmx_port.to_string().into()]);
    }
    line.extend(arguments.iter().cloned());
    line
}

/// Whether nodetool is told its port by this word.
fn names_port(word: &OsStr) -> bool {
    word.to_str().is_some_and(|word| matches!(word, "-p" | "--port") || word.starts_with("--port="))
}

/// All jars, then the conf folder (for `commitlog_archiving.properties` and its like).
fn class_path(distribution: &Distribution, conf: &Path) -> OsString {
    let mut path = OsString::new();
    for jar in &distribution.jars {
        path.push(jar);
        path.push(":");
    }
    path.push(conf);
    path
}

fn property(name: &str, path: impl AsRef<OsStr>) -> OsString {
    let mut option = OsString::from(format!("-D{name}="));
    option.push(path.as_ref());
    option
}

/// Cassandra takes a URL where it takes a place outside the class path.
fn url_property(name: &str, path: &Path) -> OsString {
    let mut option = OsString::from(format!("-D{name}=file://"));
    option.push(path);
    option
}

#[cfg(test)]
mod tests;
