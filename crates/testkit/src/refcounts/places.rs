use anyhow::{Context, Result};
use exuvia_snapshot::{ObjectFlags, Snapshot};
use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::os::unix::fs::FileExt;

/// Bytes that are read of a target's memory at once.
const BLOCK: u64 = 1 << 20;
/// The largest part of a static object that is its own: a `PyTypeObject` is larger than
/// `sys.getsizeof` says of some.
const STATIC_OBJECT: u64 = 416;

/// How often the address of an object stands where no object is.
#[derive(Debug, Default)]
pub(super) struct Place {
    /// On the stack of the main thread, in frames of C code.
    pub(super) stack: u32,
    /// In other memory that belongs to no object that the snapshot has.
    pub(super) memory: u32,
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
                        place.stack += 1;
                    } else if is_in_object(snapshot, word) {
                        // A reference that was found, or one that owns nothing.
                    } else {
                        place.memory += 1;
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
    let Some(row) = after.checked_sub(1) else {
        return false;
    };
    let size = if objects.flags[row].contains(ObjectFlags::STATIC) {
        objects.size[row].max(STATIC_OBJECT)
    } else {
        objects.size[row]
    };
    address - objects.address[row] < size
}
