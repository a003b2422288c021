//! The clone holds the memory as it was, and only what existed is read.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail like tests"
)]

mod common;

use common::Target;
use exuvia_memory::{BLOCK_SIZE, Memory, RemoteAddress};
use exuvia_tracee::{LiveMemory, MappingUsage, Mappings};

const MEGABYTE: usize = 1 << 20;

/// An anonymous mapping in the target, at a block boundary: `address`.
fn with_mapping(flags: &str, size: usize) -> (Target, RemoteAddress) {
    let mut target = Target::start(&format!(
        "import mmap\n\
         area = mmap.mmap(-1, {size} + {BLOCK_SIZE}, flags=mmap.MAP_ANONYMOUS | mmap.{flags})\n\
         base = ctypes.addressof(ctypes.c_char.from_buffer(area))\n\
         skip = -base % {BLOCK_SIZE}\n\
         address = base + skip\n\
         def put(offset, byte, length=1): area[skip + offset:skip + offset + length] = byte * length"
    ));
    let address = target.eval("address").parse().unwrap();
    (target, RemoteAddress::new(address))
}

fn block(memory: &LiveMemory, address: RemoteAddress) -> (u8, Vec<u8>) {
    let mut block = Box::new([0xee; BLOCK_SIZE]);
    let present = memory.read_block(address, &mut block);
    (present, block.to_vec())
}

#[test]
fn the_clone_keeps_what_the_target_changes() {
    let (mut target, address) = with_mapping("MAP_PRIVATE", MEGABYTE);
    target.eval("put(0, b'a', 100000)");
    let clone = target.clone_process();
    target.eval("put(0, b'b', 100000)");
    let mut bytes = vec![0; 100_000];
    clone
        .memory()
        .unwrap()
        .read_exact(address, &mut bytes)
        .unwrap();
    assert!(bytes.iter().all(|&byte| byte == b'a'));
    clone.discard().unwrap();
    target.assert_untouched();
}

#[test]
fn reading_a_clone_leaves_its_pages_shared_with_the_target() {
    let (mut target, address) = with_mapping("MAP_PRIVATE", 32 * MEGABYTE);
    target.eval(&format!("put(0, b'a', {})", 32 * MEGABYTE));
    let clone = target.clone_process();
    let mut bytes = vec![0; 32 * MEGABYTE];
    clone
        .memory()
        .unwrap()
        .read_exact(address, &mut bytes)
        .unwrap();
    let rollup = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", clone.pid())).unwrap();
    let private = rollup
        .lines()
        .find_map(|line| line.strip_prefix("Private_Dirty:"))
        .and_then(|rest| rest.trim().strip_suffix(" kB"));
    let private: usize = private.unwrap().parse().unwrap();
    // A copy of what was read would be 32 MB.
    assert!(private < 4096, "{private} kB of the clone are its own");
    clone.discard().unwrap();
    target.assert_untouched();
}

#[test]
fn pages_that_do_not_exist_are_zeros_and_stay_unborn() {
    let (mut target, address) = with_mapping("MAP_PRIVATE", 64 * MEGABYTE);
    target.eval("put(4096, b'x')");
    target.eval("put(5 * 4096, b'y')");
    let frozen = target.freeze();
    let resident = || {
        let all = MappingUsage::read(target.pid()).unwrap();
        all.iter().map(|one| one.resident).sum::<u64>()
    };
    let before = resident();
    let memory = LiveMemory::open(target.pid(), &Mappings::read(target.pid()).unwrap());
    let (present, bytes) = block(&memory, address);
    assert_eq!(present, u8::MAX);
    let expected = |index| match index {
        4096 => b'x',
        20480 => b'y',
        _ => 0,
    };
    assert!(
        bytes
            .iter()
            .enumerate()
            .all(|(index, &byte)| byte == expected(index))
    );
    let mut all = vec![1; 64 * MEGABYTE];
    memory.read_exact(address, &mut all).unwrap();
    assert_eq!(all.iter().filter(|&&byte| byte != 0).count(), 2);
    assert_eq!(resident(), before);
    frozen.release();
    target.assert_untouched();
}

#[test]
fn shared_memory_is_never_read() {
    let (mut target, address) = with_mapping("MAP_SHARED", MEGABYTE);
    target.eval("put(0, b'a', 4096)");
    let clone = target.clone_process();
    let memory = clone.memory().unwrap();
    assert_eq!(block(memory, address).0, 0);
    assert!(memory.read_exact(address, &mut [0]).is_err());
}

#[test]
fn what_is_not_mapped_is_absent() {
    let (target, address) = with_mapping("MAP_PRIVATE", MEGABYTE);
    let clone = target.clone_process();
    let memory = clone.memory().unwrap();
    let mappings = Mappings::read(clone.pid()).unwrap();
    let end = mappings
        .iter()
        .find(|m| mappings.containing(m.end).is_none())
        .unwrap()
        .end;
    assert!(memory.read_exact(end.before(4), &mut [0; 8]).is_err());
    assert!(
        memory
            .read_exact(RemoteAddress::new(u64::MAX - 3), &mut [0; 8])
            .is_err()
    );
    assert_eq!(block(memory, RemoteAddress::NULL).0, 0);
    assert_eq!(block(memory, address).0, u8::MAX);
}

#[test]
fn files_are_read_as_they_are_mapped() {
    let target = Target::start("");
    let mappings = Mappings::read(target.pid()).unwrap();
    let first = mappings.iter().find(|mapping| mapping.is_file()).unwrap();
    let memory = LiveMemory::open(target.pid(), &mappings);
    let mut magic = [0; 4];
    memory.read_exact(first.start, &mut magic).unwrap();
    assert_eq!(&magic, b"\x7fELF");
}
