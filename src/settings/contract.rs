//! The contract: every variable that is understood, described once.
//!
//! Parsing, `cassandra-init variables`, docs/environment.md, suggestions and the coverage test come from this table.

use std::net::IpAddr;

use crate::cassandra::heap::HeapSize;
use crate::cassandra::schema::Value;
use crate::report::Report;
use crate::settings::address::{Host, ListenAddress, OwnAddress, SeedList};
use crate::settings::file;
use crate::settings::generic::{self, Generic};
pub use crate::settings::given::Given;
use crate::settings::given::read_one;
use crate::settings::profile::Profile;
use crate::settings::raw::{RawEnv, Source};
use crate::settings::unknown;
use crate::settings::value::{
    AbsolutePath, AnyText, Bounded, Chown, ClassName, ClusterName, DiskStrategy, Fraction, FromText, InterfaceName,
    InternodeCompression, InternodeEncryption, Label, LaunchMode, Lines, LogFormat, MemtableAllocation, Port, Secret,
    SnapshotTtl, Span, Words,
};

/// A row of the contract.
#[derive(Debug)]
pub struct Variable {
    /// The name.
    pub name: &'static str,
    /// Other names for the same setting.
    pub aliases: &'static [&'static str],
    /// What its value is, to complete "expected …".
    pub expected: &'static str,
    /// Where it goes.
    pub target: &'static str,
    /// What it does, in a line.
    pub doc: &'static str,
}

/// A setting that is written to one key of cassandra.yaml as it is.
#[derive(Debug, Clone, PartialEq)]
pub struct YamlSetting {
    /// The key, or the path of keys joined by dots, under the name that the contract gives it (a renamed one is spelled for
    /// the version later).
    pub key: &'static str,
    /// Its value.
    pub value: Value,
    /// Its source.
    pub source: Source,
}

macro_rules! contract {
    (
        keys { $( $key_slot:ident: $key_type:ty, $key_name:literal, [$($key_alias:literal),*], $key:literal, $key_doc:literal; )* }
        nested { $( $nested_slot:ident: $nested_type:ty, $nested_name:literal, [$($nested_alias:literal),*], [$($path:literal),+], $nested_doc:literal; )* }
        others { $( $slot:ident: $type:ty, $name:literal, [$($alias:literal),*], $target:literal, $doc:literal; )* }
    ) => {
        /// The contract's variables, typed.
        #[derive(Debug, Clone, Default, PartialEq)]
        pub struct Settings {
            $( #[doc = $key_doc] pub $key_slot: Option<Given<$key_type>>, )*
            $( #[doc = $nested_doc] pub $nested_slot: Option<Given<$nested_type>>, )*
            $( #[doc = $doc] pub $slot: Option<Given<$type>>, )*
            /// The generic variables.
            pub generic: Vec<Generic>,
        }

        /// Every variable that is understood.
        pub static CONTRACT: &[Variable] = &[
            $( Variable {
                name: $key_name,
                aliases: &[$($key_alias),*],
                expected: <$key_type as FromText>::EXPECTED,
                target: concat!("cassandra.yaml: ", $key),
                doc: $key_doc,
            }, )*
            $( Variable {
                name: $nested_name,
                aliases: &[$($nested_alias),*],
                expected: <$nested_type as FromText>::EXPECTED,
                target: concat!("cassandra.yaml:", $(" ", $path),+),
                doc: $nested_doc,
            }, )*
            $( Variable {
                name: $name,
                aliases: &[$($alias),*],
                expected: <$type as FromText>::EXPECTED,
                target: $target,
                doc: $doc,
            }, )*
        ];

        impl Settings {
            /// Reads every variable of the contract; each problem becomes a finding, and the slot stays empty.
            pub fn read(env: &RawEnv, profile: &Profile, report: &mut Report) -> Self {
                let settings = Self {
                    $( $key_slot: read_one($key_name, &[$($key_alias),*], env, profile, report), )*
                    $( $nested_slot: read_one($nested_name, &[$($nested_alias),*], env, profile, report), )*
                    $( $slot: read_one($name, &[$($alias),*], env, profile, report), )*
                    generic: generic::read(env),
                };
                unknown::find(env, report);
                settings
            }

            /// The settings that go to one key of cassandra.yaml as they are.
            pub fn yaml_settings(&self) -> Vec<YamlSetting> {
                let mut list = Vec::new();
                $( if let Some(given) = &self.$key_slot {
                    list.push(YamlSetting { key: $key, value: (&given.value).into(), source: given.source.clone() });
                } )*
                list
            }

            /// The settings that go to keys below a top-level one, each under its whole path.
            pub fn nested_settings(&self) -> Vec<YamlSetting> {
                let mut list = Vec::new();
                $( if let Some(given) = &self.$nested_slot {
                    for path in [$($path),+] {
                        list.push(YamlSetting { key: path, value: (&given.value).into(), source: given.source.clone() });
                    }
                } )*
                list
            }
        }
    };
}

/// Cassandra's ceiling (`DatabaseDescriptor.MAX_NUM_TOKENS`).
type Tokens = Bounded<1, 1536>;
type Count = Bounded<1, 65_536>;
type Amount = Bounded<0, 2_147_483_647>;

contract! {
    keys {
        cluster_name: ClusterName, "CASSANDRA_CLUSTER_NAME", [], "cluster_name",
            "Name of the cluster; nodes of another name are refused.";
        num_tokens: Tokens, "CASSANDRA_NUM_TOKENS", [], "num_tokens",
            "Tokens of this node; fixed once it has data.";
        auto_bootstrap: bool, "CASSANDRA_AUTO_BOOTSTRAP", [], "auto_bootstrap",
            "Whether a new node streams its data from the others.";
        disk_optimization_strategy: DiskStrategy, "CASSANDRA_DISK_OPTIMIZATION_STRATEGY", [], "disk_optimization_strategy",
            "The kind of disk under the data.";
        listen_interface: InterfaceName, "CASSANDRA_LISTEN_INTERFACE", [], "listen_interface",
            "Interface to listen on for other nodes, instead of an address.";
        rpc_interface: InterfaceName, "CASSANDRA_RPC_INTERFACE", [], "rpc_interface",
            "Interface to listen on for clients, instead of an address.";
        start_rpc: bool, "CASSANDRA_START_RPC", ["CASSANDRA_ENABLE_RPC"], "start_rpc",
            "Thrift, which only 3.11 has.";
        key_cache_size: Amount, "CASSANDRA_KEY_CACHE_SIZE_IN_MB", [], "key_cache_size_in_mb",
            "Key cache in MiB.";
        counter_cache_size: Amount, "CASSANDRA_COUNTER_CACHE_SIZE_IN_MB", [], "counter_cache_size_in_mb",
            "Counter cache in MiB.";
        concurrent_reads: Count, "CASSANDRA_CONCURRENT_READS", [], "concurrent_reads",
            "Threads for reads.";
        concurrent_writes: Count, "CASSANDRA_CONCURRENT_WRITES", [], "concurrent_writes",
            "Threads for writes.";
        concurrent_compactors: Count, "CASSANDRA_CONCURRENT_COMPACTORS", [], "concurrent_compactors",
            "Compactions at a time.";
        compaction_throughput: Amount, "CASSANDRA_COMPACTION_THROUGHPUT_MB_PER_SEC", [], "compaction_throughput_mb_per_sec",
            "Limit of all compactions in MiB/s; 0 is no limit.";
        memtable_cleanup_threshold: Fraction, "CASSANDRA_MEMTABLE_CLEANUP_THRESHOLD", [], "memtable_cleanup_threshold",
            "Share of the memtable space that starts a flush.";
        memtable_allocation_type: MemtableAllocation, "CASSANDRA_MEMTABLE_ALLOCATION_TYPE", [], "memtable_allocation_type",
            "Where memtables keep their cells.";
        memtable_flush_writers: Count, "CASSANDRA_MEMTABLE_FLUSH_WRITERS", [], "memtable_flush_writers",
            "Flushes at a time.";
        internode_compression: InternodeCompression, "CASSANDRA_INTERNODE_COMPRESSION", [], "internode_compression",
            "Which traffic between nodes is compressed.";
        gc_warn_threshold: Amount, "CASSANDRA_GC_WARN_THRESHOLD_IN_MS", [], "gc_warn_threshold_in_ms",
            "Collector pauses longer than this many milliseconds are logged as warnings.";
        authenticator: ClassName, "CASSANDRA_AUTHENTICATOR", [], "authenticator",
            "Class that logs clients in.";
        authorizer: ClassName, "CASSANDRA_AUTHORIZER", [], "authorizer",
            "Class that knows what a client may do.";
        user_defined_functions: bool, "CASSANDRA_ENABLE_USER_DEFINED_FUNCTIONS", [], "enable_user_defined_functions",
            "Whether clients may define functions.";
        scripted_functions: bool, "CASSANDRA_ENABLE_SCRIPTED_USER_DEFINED_FUNCTIONS", [], "enable_scripted_user_defined_functions",
            "Whether they may be written in another language than Java.";
        automatic_sstable_upgrade: bool, "CASSANDRA_AUTOMATIC_SSTABLE_UPGRADE", [], "automatic_sstable_upgrade",
            "Whether sstables of an older release are rewritten.";
        auto_snapshot_ttl: SnapshotTtl, "CASSANDRA_AUTO_SNAPSHOT_TTL", [], "auto_snapshot_ttl",
            "How long the snapshot of a dropped or truncated table is kept.";
        cql_port: Port, "CASSANDRA_CQL_PORT_NUMBER", [], "native_transport_port",
            "Port for clients.";
        storage_port: Port, "CASSANDRA_TRANSPORT_PORT_NUMBER", [], "storage_port",
            "Port for other nodes, the same on all of them before 4.0.";
    }
    nested {
        client_encryption: bool, "CASSANDRA_CLIENT_ENCRYPTION", [], ["client_encryption_options.enabled"],
            "Whether clients have to speak TLS.";
        internode_encryption: InternodeEncryption, "CASSANDRA_INTERNODE_ENCRYPTION", [], ["server_encryption_options.internode_encryption"],
            "Which traffic between nodes is encrypted.";
        keystore: AbsolutePath, "CASSANDRA_KEYSTORE_LOCATION", [],
            ["server_encryption_options.keystore", "client_encryption_options.keystore"],
            "This node's key and certificate.";
        keystore_password: Secret, "CASSANDRA_KEYSTORE_PASSWORD", [],
            ["server_encryption_options.keystore_password", "client_encryption_options.keystore_password"],
            "Password of the key store.";
        truststore: AbsolutePath, "CASSANDRA_TRUSTSTORE_LOCATION", [],
            ["server_encryption_options.truststore", "client_encryption_options.truststore"],
            "Certificates that this node trusts.";
        truststore_password: Secret, "CASSANDRA_TRUSTSTORE_PASSWORD", [],
            ["server_encryption_options.truststore_password", "client_encryption_options.truststore_password"],
            "Password of the trust store.";
    }
    others {
        pod_ip: IpAddr, "POD_IP", [], "cassandra.yaml: listen_address, broadcast_address, broadcast_rpc_address",
            "The pod's address (downward API, status.podIP).";
        host: OwnAddress, "CASSANDRA_HOST", [], "cassandra.yaml: listen_address, broadcast_rpc_address",
            "Address of this node for other nodes and clients, where their own variables do not say another.";
        remote_connections: bool, "CASSANDRA_ENABLE_REMOTE_CONNECTIONS", [], "cassandra.yaml: listen_address, broadcast_address, rpc_address, broadcast_rpc_address",
            "no: the node is reached over loopback only.";
        pod_name: Label, "POD_NAME", [], "cassandra.yaml: seed_provider",
            "The pod's name (downward API, metadata.name).";
        service_name: Label, "SERVICE_NAME", [], "cassandra.yaml: seed_provider",
            "Name of the pod's headless service; with POD_NAME and POD_NAMESPACE the name by which seeds mean this node.";
        pod_namespace: Label, "POD_NAMESPACE", [], "cassandra.yaml: seed_provider",
            "The pod's namespace (downward API, metadata.namespace).";
        listen_address: OwnAddress, "CASSANDRA_LISTEN_ADDRESS", [], "cassandra.yaml: listen_address",
            "Address for other nodes; unset: POD_IP, else the host's.";
        broadcast_address: OwnAddress, "CASSANDRA_BROADCAST_ADDRESS", [], "cassandra.yaml: broadcast_address",
            "Address that other nodes are told; unset: the listen address.";
        rpc_address: OwnAddress, "CASSANDRA_RPC_ADDRESS", [], "cassandra.yaml: rpc_address",
            "Address for clients; unset: all.";
        broadcast_rpc_address: OwnAddress, "CASSANDRA_BROADCAST_RPC_ADDRESS", [], "cassandra.yaml: broadcast_rpc_address",
            "Address that clients are told; unset: the broadcast address.";
        seeds: SeedList, "CASSANDRA_SEEDS", [], "cassandra.yaml: seed_provider",
            "Nodes to ask for the cluster; unset: this node.";
        seed_provider: ClassName, "CASSANDRA_SEED_PROVIDER", [], "cassandra.yaml: seed_provider",
            "Class that lists the seeds; io.k8s.cassandra.KubernetesSeedProvider is emulated.";
        endpoint_snitch: ClassName, "CASSANDRA_ENDPOINT_SNITCH", [], "cassandra.yaml: endpoint_snitch",
            "Class that knows data centres and racks.";
        dc: Label, "CASSANDRA_DC", ["CASSANDRA_DATACENTER"], "cassandra-rackdc.properties: dc",
            "Data centre of this node; brings GossipingPropertyFileSnitch.";
        rack: Label, "CASSANDRA_RACK", [], "cassandra-rackdc.properties: rack",
            "Rack of this node; brings GossipingPropertyFileSnitch.";
        max_heap: HeapSize, "CASSANDRA_MAX_HEAP", ["MAX_HEAP_SIZE"], "JVM options: -Xms, -Xmx",
            "Heap; unset: computed from the container's memory.";
        new_heap: HeapSize, "HEAP_NEWSIZE", ["CASSANDRA_HEAP_NEWSIZE"], "JVM options: -Xmn",
            "New generation; only CMS takes it.";
        ring_delay: Amount, "CASSANDRA_RING_DELAY", [], "JVM options: -Dcassandra.ring_delay_ms",
            "Milliseconds to wait for the ring when joining.";
        migration_wait: Amount, "CASSANDRA_MIGRATION_WAIT", [], "JVM options: -Dcassandra.migration_task_wait_in_seconds",
            "Seconds to wait for schema migrations (3.11.0 to 3.11.9, 4.0.0).";
        replace_node: Host, "CASSANDRA_REPLACE_NODE", ["CASSANDRA_REPLACE_ADDRESS"], "JVM options: -Dcassandra.replace_address_first_boot",
            "Address of the dead node whose place this one takes at its first start.";
        open_jmx: bool, "CASSANDRA_OPEN_JMX", ["CASSANDRA_ENABLE_JMX"], "JVM options: JMX",
            "JMX on every address without a password.";
        jmx_port: Port, "CASSANDRA_JMX_PORT_NUMBER", [], "JVM options: JMX",
            "Port for JMX, which nodetool uses, too.";
        local_jmx: bool, "LOCAL_JMX", [], "JVM options: JMX",
            "no: JMX on every address with a password file.";
        gc_stdout: bool, "CASSANDRA_GC_STDOUT", [], "JVM options: -Xlog:gc",
            "Whether the collector's log goes to standard output.";
        gc_verbose: bool, "CASSANDRA_GC_VERBOSE", [], "JVM options: -Xlog:gc",
            "Whether the collector's log tells of free lists, too.";
        jvm_options: Lines, "CASSANDRA_JVM_OPTIONS", [], "JVM options",
            "JVM options, one a line; each replaces the same one where it stands in the option files.";
        jolokia: bool, "CASSANDRA_ENABLE_JOLOKIA", [], "JVM options: -javaagent",
            "Whether Jolokia, an HTTP bridge to JMX, runs in Cassandra's JVM, on port 8778.";
        jolokia_jar: AbsolutePath, "CASSANDRA_JOLOKIA_JAR", [], "JVM options: -javaagent",
            "Jolokia's agent; unset: found in the folders where images keep it.";
        jolokia_auth: bool, "CASSANDRA_AUTH_JOLOKIA", [], "jolokia.properties",
            "Whether Jolokia asks for JOLOKIA_USER and JOLOKIA_PASSWORD.";
        jolokia_user: AnyText, "JOLOKIA_USER", [], "jolokia.properties: user",
            "User that Jolokia asks for.";
        jolokia_password: Secret, "JOLOKIA_PASSWORD", [], "jolokia.properties: password",
            "Password that Jolokia asks for; it is only in a file that the Cassandra user can read.";
        exporter: bool, "CASSANDRA_EXPORTER_AGENT", [], "JVM options: -javaagent",
            "Whether an exporter for Prometheus runs in Cassandra's JVM, on port 9500.";
        exporter_jar: AbsolutePath, "CASSANDRA_EXPORTER_JAR", [], "JVM options: -javaagent",
            "The exporter's agent; unset: found in the folders where images keep it.";
        jvm_opts: Words, "JVM_OPTS", [], "java command line",
            "JVM options that the files' options win over.";
        jvm_extra_opts: Words, "JVM_EXTRA_OPTS", [], "java command line",
            "JVM options that win over the files'.";
        yaml: AnyText, "CASSANDRA_YAML", [], "cassandra.yaml",
            "A fragment of cassandra.yaml: maps merge, lists and values replace, null takes a key out.";
        home: AbsolutePath, "CASSANDRA_HOME", [], "places",
            "Folder of the distribution, with lib/ in it; unset: /opt/cassandra, else beside a known place.";
        conf: AbsolutePath, "CASSANDRA_CONF", [], "places",
            "Folder of the configuration files; unset: /etc/cassandra, else conf/ of the distribution.";
        data: AbsolutePath, "CASSANDRA_DATA", [], "places, cassandra.yaml: directories",
            "Root of the data; unset: the volume that is mounted or holds data.";
        log_dir: AbsolutePath, "CASSANDRA_LOG_DIR", [], "places",
            "Folder for the collector's log, crash reports and heap dumps; unset: /var/log/cassandra.";
        heap_dump_dir: AbsolutePath, "CASSANDRA_HEAPDUMP_DIR", [], "JVM options: -XX:HeapDumpPath",
            "Folder for heap dumps; unset: the log folder.";
        libjemalloc: AnyText, "CASSANDRA_LIBJEMALLOC", [], "launch",
            "Path of libjemalloc to preload, or - for none; unset: found.";
        extra_class_path: AnyText, "EXTRA_CLASSPATH", [], "launch",
            "Jars and folders behind Cassandra's own on the class path, joined by colons.";
        on_out_of_memory: AnyText, "JVM_ON_OUT_OF_MEMORY_ERROR_OPT", [], "java command line",
            "One JVM option for what happens on an OutOfMemoryError (direct launch); unset: the JVM ends.";
        numactl_args: Words, "NUMACTL_ARGS", [], "launch",
            "How numactl places the JVM's memory; unset: --interleave=all where numactl is installed and allowed.";
        java_home: AbsolutePath, "JAVA_HOME", [], "places",
            "Java installation; unset: java on the PATH.";
        launch: LaunchMode, "CASSANDRA_LAUNCH", [], "launch",
            "By bin/cassandra or by our own java command line; unset: script where there is one.";
        profile: AnyText, "CASSANDRA_INIT_PROFILE", [], "this program",
            "Whose defaults to follow: native, kubernetes-examples, casskop, official or bitnami.";
        strict: bool, "CASSANDRA_INIT_STRICT", [], "this program",
            "Whether a warning stops the start.";
        user: AnyText, "CASSANDRA_INIT_USER", [], "this program",
            "User to run Cassandra as: name, uid, name:group or uid:gid; unset: cassandra.";
        chown: Chown, "CASSANDRA_INIT_CHOWN", [], "this program",
            "As root: look at every file of the data and log folders (full), only at the folders themselves (root-check), or at none; unset: full.";
        run_dir: AbsolutePath, "CASSANDRA_INIT_RUN_DIR", [], "this program",
            "Folder for what probes read; unset: /run/cassandra-init.";
        http: ListenAddress, "CASSANDRA_INIT_HTTP", [], "this program",
            "Port, or address and port, for HTTP: /startupz, /livez, /readyz, /status and /metrics for who can connect; unset: none.";
        log_format: LogFormat, "CASSANDRA_INIT_LOG_FORMAT", [], "this program",
            "Form of our own log lines.";
        overlay: AbsolutePath, "CASSANDRA_CONFIG_OVERLAY", ["CASSANDRA_MOUNTED_CONF_DIR"], "this program",
            "Folder of mounted configuration files; unset: the first of the folders that images use.";
        pre_run: AbsolutePath, "CASSANDRA_PRE_RUN", [], "this program",
            "Pre-run hook; unset: pre_run.sh in the overlay.";
        pre_run_timeout: Span, "CASSANDRA_PRE_RUN_TIMEOUT", [], "this program",
            "Time limit of the pre-run hook; unset: 5m.";
        stop_delay: Span, "CASSANDRA_STOP_DELAY", [], "this program",
            "Time between not being ready and the SIGTERM to Cassandra; unset: none.";
        stop_grace: Span, "CASSANDRA_STOP_GRACE", [], "this program",
            "The pod's grace period: Cassandra is killed just before it ends; unset: no limit.";
        probe_ca: AbsolutePath, "CASSANDRA_INIT_PROBE_CA", [], "this program",
            "Readiness verifies the node's certificate for clients with the certificates of this file (PEM, or a keystore that truststore_password opens): it fails where it is signed by nobody of them or expired; unset: no verification.";
        wedged_after: Span, "CASSANDRA_INIT_WEDGED_AFTER", [], "this program",
            "How long the JVM may answer nobody (CQL, JMX, attach) before it is no longer alive to probes, with a thread dump in the log; unset: 10m, in which a JVM that works writes a heap dump of 31 GB; 0: for ever.";
        drained_after: Span, "CASSANDRA_INIT_DRAINED_AFTER", [], "this program",
            "How long the node may be drained without a stop before it is no longer alive to probes, as only a restart makes it serve again; unset: 10m; 0: for ever.";
    }
}

/// All names that are understood.
pub fn known_names() -> impl Iterator<Item = &'static str> {
    CONTRACT.iter().flat_map(|variable| std::iter::once(variable.name).chain(variable.aliases.iter().copied()))
}

/// Whether a name is understood: a variable of the contract, a generic one, or one of them in a file.
pub fn is_known(name: &str) -> bool {
    known_names().any(|known| known == name) || generic::target(name).is_some() || file::stem(name).is_some()
}

#[cfg(test)]
#[path = "contract_tests.rs"]
mod tests;
