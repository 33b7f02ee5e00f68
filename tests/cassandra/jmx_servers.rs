//! JMX servers of Cassandra's own code and of the JVM's agent, on the Javas of each line: open, with users, in TLS.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

use cassandra_init::client::jmx::{Credentials, Jmx, Login, STORAGE_SERVICE, Trouble, Value};
use cassandra_init::client::keystore;
use cassandra_init::client::tls::{Identity, Tls};
use tempfile::TempDir;

use crate::jdk::{self, Jdk};
use crate::real::fetched;
use crate::support::project;

const LONG: Duration = Duration::from_mins(1);
const PASSWORD: &str = "cassandra";

/// The classes of this folder's programs, compiled by what Cassandra brings for user functions: a JRE has no compiler.
static CLASSES: LazyLock<TempDir> = LazyLock::new(|| {
    let dir = TempDir::new().unwrap();
    let ecj = jars(&fetched(&["cassandra", "5.0"])).into_iter().find(|jar| jar.to_str().unwrap().contains("/ecj-"));
    let sources =
        ["StorageService", "StorageServiceMBean"].map(|name| project().join(format!("tests/cassandra/{name}.java")));
    let mut command = Command::new("java");
    command.arg("-cp").arg(ecj.expect("ecj")).arg("org.eclipse.jdt.internal.compiler.batch.Main");
    command.args(["-source", "8", "-target", "8", "-nowarn", "-d"]).arg(dir.path()).args(sources);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    dir
});

fn jars(home: &Path) -> Vec<PathBuf> {
    fs::read_dir(home.join("lib")).unwrap().flatten().map(|entry| entry.path()).collect()
}

/// A server, which lives as long as this.
struct Server {
    child: Child,
    address: SocketAddr,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It ends when its standard input does.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// How a server is set up.
enum Kind {
    /// As `LOCAL_JMX=yes`.
    Local,
    /// As `LOCAL_JMX=no`.
    Remote,
    /// By the JVM's own agent.
    Agent,
}

/// Starts a server; `folder` is what its options name files of.
fn serve(jdk: &Jdk, kind: &Kind, folder: &Path, options: &[String]) -> Server {
    let home = fetched(&["cassandra", jdk.line]);
    // Free now, and nobody else here asks for a port without naming one.
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let mut command = jdk.program("java", &[&home, CLASSES.path(), folder]);
    command.args(["-Xmx64m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]).args(options);
    if jdk.major > 8 {
        // As Cassandra's own option files have it.
        for package in
            ["rmi/sun.rmi.registry", "rmi/sun.rmi.server", "rmi/sun.rmi.transport.tcp", "rmi/sun.rmi.transport"]
        {
            command.arg(format!("--add-exports=java.{package}=ALL-UNNAMED"));
        }
        command.arg("--add-exports=java.management.rmi/com.sun.jmx.remote.internal.rmi=ALL-UNNAMED");
        command.arg("--add-exports=java.management/com.sun.jmx.remote.security=ALL-UNNAMED");
    }
    let agent = "-Dcom.sun.management.jmxremote";
    command.arg(match kind {
        // Where both speak TLS they share the port, else it takes another by itself.
        Kind::Agent => format!("{agent}.port={port}"),
        Kind::Local | Kind::Remote => format!("{agent}.rmi.port={port}"),
    });
    command.arg("-cp").arg(format!("{}:{}/lib/*", CLASSES.path().display(), home.display())).arg("StorageService");
    match kind {
        Kind::Local => drop(command.args([&port.to_string(), "true"])),
        Kind::Remote => drop(command.args([&port.to_string(), "false"])),
        Kind::Agent => {}
    }
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "serving"), "Java {} does not serve", jdk.major);
    Server { child, address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)) }
}

fn mode(server: &Server, login: Option<&Login>) -> Result<Value, Trouble> {
    Jmx::connect(server.address, login, LONG)?.attribute(STORAGE_SERVICE, "OperationMode")
}

fn user(user: &str, password: &str) -> Login {
    let credentials = Some(Credentials { user: user.to_owned(), password: password.to_owned() });
    Login { credentials, tls: None }
}

fn normal() -> Value {
    Value::Text("NORMAL".to_owned())
}

/// A file for its owner alone, as the JVM insists.
fn private(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path.display().to_string()
}

#[test]
fn a_local_server_of_every_line_is_asked_and_drained() {
    for jdk in jdk::all() {
        let dir = TempDir::new().unwrap();
        let server =
            serve(&jdk, &Kind::Local, dir.path(), &["-Dcom.sun.management.jmxremote.authenticate=false".into()]);
        let mut jmx = Jmx::connect(server.address, None, LONG).unwrap();
        assert_eq!(jmx.attribute(STORAGE_SERVICE, "OperationMode"), Ok(normal()), "Java {}", jdk.major);
        assert_eq!(jmx.attribute(STORAGE_SERVICE, "Joined"), Ok(Value::Boolean(true)), "Java {}", jdk.major);
        assert_eq!(jmx.invoke(STORAGE_SERVICE, "drain"), Ok(Value::Other), "Java {}", jdk.major);
        assert_eq!(jmx.attribute(STORAGE_SERVICE, "OperationMode"), Ok(Value::Text("DRAINED".into())));
        let again = jmx.invoke(STORAGE_SERVICE, "drain").unwrap_err().to_string();
        assert!(again.ends_with("java.lang.IllegalStateException: drained already"), "{again}");
        let other = jmx.attribute("org.apache.cassandra.db:type=Nobody", "Name");
        assert!(matches!(other, Err(Trouble::NoBean { .. })), "{other:?}");
    }
}

#[test]
fn a_server_with_users_tells_strangers_from_those_who_may_only_look() {
    for jdk in jdk::all() {
        let dir = TempDir::new().unwrap();
        let passwords = private(dir.path(), "password", "monitorRole tomcat\ncontrolRole jerry\n");
        let access = private(dir.path(), "access", "monitorRole readonly\ncontrolRole readwrite\n");
        let options = [
            "-Dcom.sun.management.jmxremote.authenticate=true".to_owned(),
            format!("-Dcom.sun.management.jmxremote.password.file={passwords}"),
            format!("-Dcom.sun.management.jmxremote.access.file={access}"),
        ];
        let server = serve(&jdk, &Kind::Remote, dir.path(), &options);
        let java = jdk.major;
        for stranger in [None, Some(user("monitorRole", "wrong")), Some(user("nobody", "tomcat"))] {
            let trouble = mode(&server, stranger.as_ref()).unwrap_err();
            assert!(matches!(trouble, Trouble::Refused { .. }), "Java {java}: {trouble}");
        }
        assert_eq!(mode(&server, Some(&user("monitorRole", "tomcat"))), Ok(normal()), "Java {java}");
        let may_look = user("monitorRole", "tomcat");
        let drained = Jmx::connect(server.address, Some(&may_look), LONG).unwrap().invoke(STORAGE_SERVICE, "drain");
        assert!(matches!(drained, Err(Trouble::Refused { .. })), "Java {java}: {drained:?}");
        let may_all = user("controlRole", "jerry");
        let drained = Jmx::connect(server.address, Some(&may_all), LONG).unwrap().invoke(STORAGE_SERVICE, "drain");
        assert_eq!(drained, Ok(Value::Other), "Java {java}");
        drop(server);
    }
}

/// A keystore that trusts itself, and options that give it to a JVM.
fn in_tls(jdk: &Jdk, folder: &Path) -> (PathBuf, Vec<String>) {
    let store = folder.join("node.p12");
    let line = "-genkeypair -alias n -keyalg EC -keysize 256 -dname CN=n -storetype PKCS12";
    let output = (jdk.program("keytool", &[folder]).args(line.split(' ')).args(["-storepass", PASSWORD]))
        .arg("-keystore")
        .arg(&store)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let mut options: Vec<String> = ["keyStore", "trustStore"]
        .iter()
        .flat_map(|name| {
            let name = format!("-Djavax.net.ssl.{name}");
            [format!("{name}={}", store.display()), format!("{name}Password={PASSWORD}"), format!("{name}Type=PKCS12")]
        })
        .collect();
    options.push("-Dcom.sun.management.jmxremote.authenticate=false".to_owned());
    options.push("-Dcom.sun.management.jmxremote.ssl=true".to_owned());
    (store, options)
}

fn nobody() -> Login {
    let identity: Identity = Box::new(|| Err("there is none".to_owned()));
    Login { credentials: None, tls: Some(Tls::new(identity, None).unwrap()) }
}

fn somebody(store: &Path) -> Login {
    let store = fs::read(store).unwrap();
    let identity: Identity = Box::new(move || {
        keystore::read(&store, PASSWORD).map_err(|error| error.to_string())?.key.ok_or("no key".to_owned())
    });
    Login { credentials: None, tls: Some(Tls::new(identity, None).unwrap()) }
}

#[test]
fn a_server_in_tls_is_spoken_to_and_without_it_told_apart() {
    for jdk in jdk::all() {
        let dir = TempDir::new().unwrap();
        let (_, options) = in_tls(&jdk, dir.path());
        let server = serve(&jdk, &Kind::Remote, dir.path(), &options);
        let java = jdk.major;
        assert_eq!(mode(&server, Some(&nobody())), Ok(normal()), "Java {java}");
        let trouble = mode(&server, None).unwrap_err();
        assert!(matches!(trouble, Trouble::Strange { .. } | Trouble::Connection { .. }), "Java {java}: {trouble:?}");
    }
}

#[test]
fn a_server_that_wants_certificates_takes_the_nodes_own_and_refuses_who_has_none() {
    for jdk in jdk::all() {
        let dir = TempDir::new().unwrap();
        let (store, mut options) = in_tls(&jdk, dir.path());
        options.push("-Dcom.sun.management.jmxremote.ssl.need.client.auth=true".to_owned());
        let server = serve(&jdk, &Kind::Remote, dir.path(), &options);
        let java = jdk.major;
        assert_eq!(mode(&server, Some(&somebody(&store))), Ok(normal()), "Java {java}");
        let trouble = mode(&server, Some(&nobody())).unwrap_err();
        let words = trouble.to_string();
        assert!(words.ends_with("refused: a client certificate is asked for (there is none)"), "Java {java}: {words}");
    }
}

#[test]
fn the_jvms_own_agent_may_have_its_registry_in_clear_or_in_tls() {
    for jdk in jdk::all() {
        for registry in [false, true] {
            let dir = TempDir::new().unwrap();
            let (_, mut options) = in_tls(&jdk, dir.path());
            options.push(format!("-Dcom.sun.management.jmxremote.registry.ssl={registry}"));
            let server = serve(&jdk, &Kind::Agent, dir.path(), &options);
            let place = format!("Java {}, registry in TLS: {registry}", jdk.major);
            assert_eq!(mode(&server, Some(&nobody())), Ok(normal()), "{place}");
            let trouble = mode(&server, None).unwrap_err();
            assert!(matches!(trouble, Trouble::Strange { .. } | Trouble::Connection { .. }), "{place}: {trouble:?}");
        }
    }
}
