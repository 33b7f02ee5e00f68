//! The shipped binary: static, position independent, and small.

use std::fs;

use crate::support::{binary, skip_or_fail};

/// Size that the binary must not pass, in bytes (design target: 4.5 MB).
const LARGEST: usize = 4_500_000;

const PT_DYNAMIC: u32 = 2;
const PT_INTERP: u32 = 3;
const DT_NULL: u64 = 0;
const DT_NEEDED: u64 = 1;

struct Elf(Vec<u8>);

impl Elf {
    fn read() -> Self {
        let bytes = fs::read(binary()).unwrap();
        assert!(bytes.starts_with(b"\x7fELF\x02\x01"), "a 64-bit little-endian ELF file");
        Self(bytes)
    }

    fn number(&self, at: usize, bytes: usize) -> u64 {
        self.0[at..at + bytes].iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    fn place(&self, at: usize, bytes: usize) -> usize {
        usize::try_from(self.number(at, bytes)).unwrap()
    }

    /// Type, offset in the file, and size of each program header (elf(5)).
    fn segments(&self) -> Vec<(u32, usize, usize)> {
        let (table, size, count) = (self.place(32, 8), self.place(54, 2), self.place(56, 2));
        let header = |number: usize| table + number * size;
        (0..count)
            .map(header)
            .map(|at| (u32::try_from(self.number(at, 4)).unwrap(), self.place(at + 8, 8), self.place(at + 32, 8)))
            .collect()
    }
}

#[test]
fn it_needs_no_loader_and_no_library() {
    let elf = Elf::read();
    let segments = elf.segments();
    if segments.iter().any(|(kind, ..)| *kind == PT_INTERP) && std::env::var_os("CASSANDRA_INIT_BINARY").is_none() {
        return skip_or_fail(
            "this is cargo's own build for another target; CASSANDRA_INIT_BINARY names the shipped one",
        );
    }
    assert!(segments.iter().all(|(kind, ..)| *kind != PT_INTERP), "it names a dynamic loader");
    for (_, offset, size) in segments.iter().filter(|(kind, ..)| *kind == PT_DYNAMIC) {
        let tags = (0..size / 16).map(|number| elf.number(offset + number * 16, 8));
        let needed = tags.take_while(|tag| *tag != DT_NULL).filter(|tag| *tag == DT_NEEDED).count();
        assert_eq!(needed, 0, "it needs shared libraries");
    }
}

#[test]
fn it_is_small() {
    if std::env::var_os("CASSANDRA_INIT_BINARY").is_none() {
        return skip_or_fail("only the release build has its size; CASSANDRA_INIT_BINARY names it");
    }
    let size = Elf::read().0.len();
    assert!(size <= LARGEST, "{size} bytes");
}
