//! The order of the way down, and that nothing goes on after a failure.

use super::*;

/// Records the calls and fails the one named.
#[derive(Default)]
struct Recorder {
    calls: Vec<String>,
    failing: Option<&'static str>,
    keeps_way_back: bool,
    wrong_ids: bool,
}

impl Recorder {
    fn failing(call: &'static str) -> Self {
        Self { failing: Some(call), ..Self::default() }
    }

    fn call(&mut self, name: &str, detail: &str) -> Result<(), Errno> {
        self.calls.push(format!("{name}{detail}"));
        if self.failing == Some(name) { Err(Errno::EPERM) } else { Ok(()) }
    }

    fn position(&self, call: &str) -> usize {
        self.calls.iter().position(|made| made.starts_with(call)).unwrap()
    }
}

impl Kernel for Recorder {
    fn is_bounding(&mut self, capability: u32) -> Result<bool, Errno> {
        if capability > 40 { Err(Errno::EINVAL) } else { Ok(true) }
    }
    fn drop_bounding(&mut self, capability: u32) -> Result<(), Errno> {
        self.call("drop_bounding", &format!(" {capability}"))
    }
    fn keep_capabilities(&mut self, keep: bool) -> Result<(), Errno> {
        self.call("keep_capabilities", &format!(" {keep}"))
    }
    fn set_groups(&mut self, groups: &[u32]) -> Result<(), Errno> {
        self.call("set_groups", &format!(" {groups:?}"))
    }
    fn set_gid(&mut self, gid: u32) -> Result<(), Errno> {
        self.call("set_gid", &format!(" {gid}"))
    }
    fn set_uid(&mut self, uid: u32) -> Result<(), Errno> {
        self.call("set_uid", &format!(" {uid}"))
    }
    fn set_capabilities(&mut self, set: u64) -> Result<(), Errno> {
        self.call("set_capabilities", &format!(" {set:#x}"))
    }
    fn ids_are(&mut self, _: u32, _: u32, _: &[u32]) -> Result<bool, Errno> {
        self.call("ids_are", "").map(|()| !self.wrong_ids)
    }
    fn regain_uid_0(&mut self) -> Result<(), Errno> {
        self.call("regain_uid_0", "")?;
        if self.keeps_way_back { Ok(()) } else { Err(Errno::EPERM) }
    }
    fn regain_gid_0(&mut self) -> Result<(), Errno> {
        self.call("regain_gid_0", "").and(Err(Errno::EPERM))
    }
    fn raise_ambient(&mut self, capability: u32) -> Result<(), Errno> {
        self.call("raise_ambient", &format!(" {capability}"))
    }
    fn no_new_privileges(&mut self) -> Result<(), Errno> {
        self.call("no_new_privileges", "")
    }
}

fn plan(uid: u32, ipc_lock: bool) -> StepDown {
    StepDown { uid, gid: 998, groups: vec![6, 998], ipc_lock }
}

#[test]
fn groups_then_gid_then_uid_then_the_proof() {
    let mut kernel = Recorder::default();
    plan(999, false).run(&mut kernel).unwrap();
    let from_groups: Vec<_> = kernel.calls.iter().skip_while(|call| call.starts_with("drop_bounding")).collect();
    assert_eq!(
        from_groups,
        [
            "set_groups [6, 998]",
            "set_gid 998",
            "set_uid 999",
            "set_capabilities 0x0",
            "ids_are",
            "regain_uid_0",
            "regain_gid_0",
            "no_new_privileges"
        ]
    );
}

#[test]
fn a_kept_capability_survives_setuid_and_becomes_ambient() {
    let mut kernel = Recorder::default();
    plan(999, true).run(&mut kernel).unwrap();
    assert!(!kernel.calls.contains(&"drop_bounding 14".to_owned()));
    assert!(kernel.position("keep_capabilities true") < kernel.position("set_uid"));
    assert!(kernel.position("set_capabilities 0x4000") < kernel.position("raise_ambient 14"));
    assert!(kernel.position("raise_ambient 14") < kernel.position("keep_capabilities false"));
}

#[test]
fn a_failing_setgroups_stops_everything() {
    let mut kernel = Recorder::failing("set_groups");
    assert_eq!(plan(999, false).run(&mut kernel), Err((Step::Groups, Errno::EPERM)));
    assert_eq!(kernel.calls.last().unwrap(), "set_groups [6, 998]");
}

#[test]
fn every_other_failure_stops_it_too() {
    for (call, step) in [
        ("keep_capabilities", Step::KeepCapabilities),
        ("set_gid", Step::Gid),
        ("set_uid", Step::Uid),
        ("set_capabilities", Step::Capabilities),
        ("ids_are", Step::Verify),
        ("raise_ambient", Step::Ambient),
        ("no_new_privileges", Step::NoNewPrivileges),
    ] {
        let mut kernel = Recorder::failing(call);
        assert_eq!(plan(999, true).run(&mut kernel), Err((step, Errno::EPERM)));
        assert!(kernel.calls.last().unwrap().starts_with(call));
    }
}

#[test]
fn a_bounding_set_that_cannot_be_shrunk_is_left() {
    let mut kernel = Recorder::failing("drop_bounding");
    plan(999, false).run(&mut kernel).unwrap();
    assert_eq!(kernel.calls.iter().filter(|call| call.starts_with("drop_bounding")).count(), 1);
}

#[test]
fn a_way_back_or_a_wrong_id_is_a_failure() {
    let mut kernel = Recorder { keeps_way_back: true, ..Recorder::default() };
    assert_eq!(plan(999, false).run(&mut kernel), Err((Step::Verify, Errno::EPERM)));
    let mut kernel = Recorder { wrong_ids: true, ..Recorder::default() };
    assert_eq!(plan(999, false).run(&mut kernel), Err((Step::Verify, Errno::EPERM)));
}

#[test]
fn root_keeps_its_capabilities() {
    let mut kernel = Recorder::default();
    plan(0, false).run(&mut kernel).unwrap();
    assert_eq!(kernel.calls, ["set_groups [6, 998]", "set_gid 998", "set_uid 0", "ids_are", "no_new_privileges"]);
}
