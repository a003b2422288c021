use anyhow::{Context, Result};
use exuvia_snapshot::{ObjectFlags, ObjectId, Snapshot, Type, TypeFlags};
use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::os::unix::fs::FileExt;

/// Bytes that are read of a target's memory at once.
const BLOCK: u64 = 1 << 20;
/// The largest part of a static object that is its own: a `PyTypeObject` is larger than
/// `sys.getsizeof` says of some.
const STATIC_OBJECT: u64 = 416;

/// The collector's words before an object.
const HEADER: u64 = 16;
/// Types whose `sys.getsizeof` counts memory that lies elsewhere, with those that derive from them.
const APART: [&str; 7] = [
    "bytearray",
    "collections.deque",
    "dict",
    "frozenset",
    "list",
    "set",
    "type",
];

/// Places that are named in the description of an object.
const NAMED: usize = 4;

/// Where the address of an object stands, objects aside.
#[derive(Debug, Default)]
pub(super) struct Place {
    /// How often on the stack of the main thread, as far as it is in use, in frames of C code.
    pub(super) stack: u32,
    /// The first few places in other memory that belongs to no object that the snapshot has.
    pub(super) memory: Vec<String>,
}

/// Where the addresses of some objects stand in a target's memory.
#[derive(Debug, Default)]
pub(super) struct Places {
    found: HashMap<u64, Place>,
}

impl Places {
    pub(super) fn of(pid: u32, snapshot: &Snapshot, addresses: HashSet<u64>) -> Result<Self> {
        let maps = fs::read_to_string(format!("/proc/{pid}/maps"))?;
        let memory = File::open(format!("/proc/{pid}/mem"))?;
        let stack = stack_pointer(pid)?;
        let mut places = Self::default();
        for line in maps.lines() {
            let (start, end, writable, path) = mapping(line).context("a line of maps")?;
            if !writable {
                continue;
            }
            let mut at = start;
            while at < end {
                let mut bytes = vec![0; BLOCK.min(end - at) as usize];
                if memory.read_exact_at(&mut bytes, at).is_err() {
                    break;
                }
                for (i, word) in bytes.as_chunks().0.iter().enumerate() {
                    let address = u64::from_ne_bytes(*word);
                    if !addresses.contains(&address) {
                        continue;
                    }
                    let word = at + 8 * i as u64;
                    let place = places.found.entry(address).or_default();
                    if path == "[stack]" {
                        place.stack += u32::from(word >= stack);
                    } else if place.memory.len() < NAMED && !is_in_object(snapshot, word) {
                        // In an object it is a reference that was found, or owns nothing.
                        place.memory.push(format!("{path}+{:#x}", word - start));
                    }
                }
                at += bytes.len() as u64;
            }
        }
        Ok(places)
    }

    pub(super) fn at(&self, address: u64) -> Option<&Place> {
        self.found.get(&address)
    }
}

/// How far the stack of the main thread is in use, which waits in a system call.
fn stack_pointer(pid: u32) -> Result<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/syscall"))?;
    let pointer = text.split_ascii_whitespace().rev().nth(1);
    let pointer = pointer.and_then(|word| u64::from_str_radix(word.strip_prefix("0x")?, 16).ok());
    pointer.with_context(|| format!("process {pid} does not wait: {text}"))
}

fn mapping(line: &str) -> Option<(u64, u64, bool, &str)> {
    let mut words = line.split_ascii_whitespace();
    let (start, end) = words.next()?.split_once('-')?;
    let writable = words.next()?.starts_with("rw");
    let path = words.nth(3).unwrap_or("");
    let number = |text| u64::from_str_radix(text, 16).ok();
    Some((number(start)?, number(end)?, writable, path))
}

/// Whether an address lies within an object of the snapshot.
fn is_in_object(snapshot: &Snapshot, address: u64) -> bool {
    let objects = &snapshot.objects;
    let after = objects.address.partition_point(|&start| start <= address);
    let Some(start) = after.checked_sub(1).map(|row| objects.address[row]) else {
        return false;
    };
    let id = objects.at(start);
    id.is_some_and(|id| address - start < extent(snapshot, id))
}

/// How many bytes from its address on an object takes up itself.
fn extent(snapshot: &Snapshot, id: ObjectId) -> u64 {
    let size = snapshot.objects.size[id.index()];
    if snapshot.objects.flags[id.index()].contains(ObjectFlags::STATIC) {
        return size.max(STATIC_OBJECT);
    }
    let first = snapshot.type_of(id);
    let types = &snapshot.types;
    let base = |one: &&Type| types.get(one.base?.index());
    let mut bases = std::iter::successors(Some(first), base).take(types.len());
    if bases.any(|one| APART.contains(&one.tp_name.as_str())) {
        return first.basicsize;
    }
    // The collector's words, which lie before an object, are counted with it.
    let has_header = first.flags.contains(TypeFlags::HAVE_GC);
    size.saturating_sub(if has_header { HEADER } else { 0 })
}
