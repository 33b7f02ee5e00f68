//! Statements by the real driver.

use std::process::Command;

use crate::real::fetched;

/// Who logs in.
pub struct Login {
    pub user: &'static str,
    pub password: &'static str,
}

/// The first node is asked, whomever else it knows.
const CQL: &str = r"
import sys
from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile
from cassandra.policies import WhiteListRoundRobinPolicy
here = ['127.0.0.1']
profile = ExecutionProfile(WhiteListRoundRobinPolicy(here))
login = PlainTextAuthProvider(*sys.argv[1:3]) if sys.argv[1] else None
session = Cluster(here, auth_provider=login, execution_profiles={EXEC_PROFILE_DEFAULT: profile}).connect()
for statement in sys.argv[3:]:
    for row in session.execute(statement): print(*row)
";

/// Statements by the real driver; what they return, a row a line.
#[track_caller]
pub fn cql(statements: &[&str]) -> String {
    cql_as(&Login { user: "", password: "" }, statements).unwrap()
}

/// The same with a login, or what went wrong.
pub fn cql_as(login: &Login, statements: &[&str]) -> Result<String, String> {
    let mut command = Command::new(fetched(&["driver"]));
    let output = command.args(["-c", CQL, login.user, login.password]).args(statements).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}
