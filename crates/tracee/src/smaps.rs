//! What `/proc/PID/smaps` says beyond the list of mappings.

use std::ops::Range;

use exuvia_memory::RemoteAddress;

use crate::mappings::parse;
use crate::{MappingsError, Pid};

/// How much of a mapping there is, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct MappingUsage {
    /// Where the mapping begins.
    pub start: RemoteAddress,
    /// Where it ends.
    pub end: RemoteAddress,
    /// What is in RAM: `Rss`.
    pub resident: u64,
    /// The same, each page divided by how many processes have it: `Pss`.
    pub proportional: u64,
    /// What is swapped out: `Swap`.
    pub swapped: u64,
    /// Whether a copy of the process gets it as zeros, because the process asked for that
    /// (`MADV_WIPEONFORK`). A copy can be asked as well as the process itself.
    pub is_wiped_on_fork: bool,
}

impl MappingUsage {
    /// Of every mapping of a process, by address, from `/proc/PID/smaps`.
    ///
    /// The kernel walks every page for it: 20 ms for each GiB in small pages, much less in huge
    /// ones.
    pub fn read(pid: Pid) -> Result<Vec<Self>, MappingsError> {
        let text = std::fs::read(format!("/proc/{pid}/smaps"))
            .map_err(|source| MappingsError { pid, source })?;
        let mut usage = usage(&text);
        // As with the list of mappings, a running process may move them meanwhile.
        usage.sort_by_key(|one| one.start);
        Ok(usage)
    }

    /// Its addresses.
    pub fn range(&self) -> Range<u64> {
        self.start.get()..self.end.get()
    }
}

fn usage(smaps: &[u8]) -> Vec<MappingUsage> {
    let mut all: Vec<MappingUsage> = Vec::new();
    for line in smaps.split(|&byte| byte == b'\n') {
        if let Some(mapping) = parse(line) {
            all.push(MappingUsage {
                start: mapping.start,
                end: mapping.end,
                ..MappingUsage::default()
            });
        } else if let Some(last) = all.last_mut()
            && let Some((field, value)) = field(line)
        {
            match field {
                b"Rss" => last.resident = kilobytes(value),
                b"Pss" => last.proportional = kilobytes(value),
                b"Swap" => last.swapped = kilobytes(value),
                b"VmFlags" => {
                    let mut flags = value.split(|&byte| byte == b' ');
                    last.is_wiped_on_fork = flags.any(|flag| flag == b"wf");
                }
                _ => {}
            }
        }
    }
    all
}

/// `Rss:    4 kB` as its name and its value.
fn field(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = line.iter().position(|&byte| byte == b':')?;
    Some((line.get(..colon)?, line.get(colon + 1..)?))
}

fn kilobytes(value: &[u8]) -> u64 {
    let value = String::from_utf8_lossy(value);
    let number = value.trim().trim_end_matches("kB").trim_end();
    number.parse::<u64>().unwrap_or(0).saturating_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_belong_to_the_mapping_before_them() {
        let smaps = b"7f00-8000 rw-p 00000000 00:00 0 \nRss:   4 kB\nPss:  2 kB\nSwap: 8 kB\n\
            Pss_Dirty: 1 kB\nVmFlags: rd wr mr wf \n\
            8000-9000 rw-p 00000000 00:00 0 \nVmFlags: rd wr mr dc \n\
            9000-a000 rw-p 00000000 00:00 0   [heap]\nRss: x kB\nVmFlags: wf\n";
        let all = usage(smaps);
        let numbers = |one: &MappingUsage| (one.resident, one.proportional, one.swapped);
        let found: Vec<_> = all.iter().map(numbers).collect();
        assert_eq!(found, [(4096, 2048, 8192), (0, 0, 0), (0, 0, 0)]);
        let wiped = all.iter().filter(|one| one.is_wiped_on_fork);
        let wiped: Vec<_> = wiped.map(MappingUsage::range).collect();
        assert_eq!(wiped, [0x7f00..0x8000, 0x9000..0xa000]);
    }
}
