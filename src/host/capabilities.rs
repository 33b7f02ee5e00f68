//! The capability calls that neither std nor nix has (`capabilities(7)`), each safe between fork and exec.

use nix::errno::Errno;
use nix::libc;

/// The right to lock memory beyond RLIMIT_MEMLOCK (`CAP_IPC_LOCK`).
pub(super) const IPC_LOCK: u32 = 14;

/// `_LINUX_CAPABILITY_VERSION_3`: 64-bit sets in two halves.
const VERSION_3: u32 = 0x2008_0522;

#[repr(C)]
struct Header {
    version: u32,
    pid: i32,
}

/// One half (32 capabilities) of the three sets.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Half {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// The calling thread. A fresh one for each call, because the kernel may write its own version into it.
fn of_caller() -> Header {
    Header { version: VERSION_3, pid: 0 }
}

/// True if `capability` is in the calling thread's permitted set.
pub(super) fn is_permitted(capability: u32) -> bool {
    set_of_caller(|half| half.permitted) & (1 << capability) != 0
}

/// The calling thread's effective set, which is what the kernel asks for.
pub(super) fn effective() -> u64 {
    set_of_caller(|half| half.effective)
}

/// One of the three sets; empty where the kernel does not tell.
fn set_of_caller(of: impl Fn(&Half) -> u32) -> u64 {
    let (mut header, mut halves) = (of_caller(), [Half::default(); 2]);
    // SAFETY: version 3 reads the header and writes two halves, and both are live.
    let status = unsafe { libc::syscall(libc::SYS_capget, &raw mut header, halves.as_mut_ptr()) };
    let set = u64::from(of(&halves[0])) | u64::from(of(&halves[1])) << 32;
    if status == 0 { set } else { 0 }
}

/// Makes the permitted and inheritable sets exactly the bits of `set` and the effective set empty, which also removes
/// everything else from the ambient set.
pub(super) fn set(set: u64) -> Result<(), Errno> {
    let half = |bits: u64| {
        let bits = u32::try_from(bits & u64::from(u32::MAX)).unwrap_or_default();
        Half { effective: 0, permitted: bits, inheritable: bits }
    };
    let (mut header, halves) = (of_caller(), [half(set), half(set >> 32)]);
    // SAFETY: version 3 reads the header and two halves, and both are live.
    Errno::result(unsafe { libc::syscall(libc::SYS_capset, &raw mut header, halves.as_ptr()) }).map(drop)
}

/// Whether `capability` is in the bounding set; EINVAL when the kernel has no such capability.
pub(super) fn is_bounding(capability: u32) -> Result<bool, Errno> {
    prctl(libc::PR_CAPBSET_READ, capability, 0).map(|answer| answer == 1)
}

/// Removes `capability` from the bounding set for good; EPERM without CAP_SETPCAP.
pub(super) fn drop_bounding(capability: u32) -> Result<(), Errno> {
    prctl(libc::PR_CAPBSET_DROP, capability, 0).map(drop)
}

/// Adds `capability`, which must be permitted and inheritable, to the ambient set, so that it survives execve.
pub(super) fn raise_ambient(capability: u32) -> Result<(), Errno> {
    let raise = u32::try_from(libc::PR_CAP_AMBIENT_RAISE).unwrap_or_default();
    prctl(libc::PR_CAP_AMBIENT, raise, capability).map(drop)
}

fn prctl(option: i32, first: u32, second: u32) -> Result<i32, Errno> {
    let (first, second, unused) = (libc::c_ulong::from(first), libc::c_ulong::from(second), 0 as libc::c_ulong);
    // SAFETY: the options used here take integers only.
    Errno::result(unsafe { libc::prctl(option, first, second, unused, unused) })
}
