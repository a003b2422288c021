//! Random damage to real heaps: whatever the memory of an interpreter says, the walk ends
//! with a snapshot that does not contradict itself or with an error, in bounded memory.

use anyhow::{Context, Result, bail, ensure};
use exuvia_cpython::{Layout, Version};
use exuvia_memory::{Fault, Memory, PageCache, RemoteAddress};
use exuvia_snapshot::{Snapshot, ValuesKept};
use exuvia_testkit::cores::{self, Contents};
use exuvia_testkit::{Interpreter, Launch, Trials, supported};
use exuvia_tracee::{CoreFile, Places};
use exuvia_walker::{NoProgress, Target, WalkError, WalkOptions, walk};
use std::ops::Range;
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;

/// How often each interpreter's heap is damaged and walked: thousands of times in all.
const ROUNDS: u64 = 400;

/// The memory that the whole test may take: a sound walk takes less than a tenth of it, and a
/// length of the target that was believed would take more.
const MEMORY_LIMIT: u64 = 1 << 30;

/// Numbers that are the same in every run: xorshift.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len() as u64) as usize]
    }
}

/// All memory of a process, to be damaged. Runs of zeros, of which the free-threaded
/// interpreter maps a gigabyte, are kept as their length and stay zeros.
struct Image {
    /// By address.
    parts: Vec<Part>,
}

struct Part {
    range: Range<u64>,
    bytes: Option<Vec<u8>>,
}

impl Image {
    fn of(core: &CoreFile) -> Self {
        let mut parts: Vec<Part> = Vec::new();
        for mapping in core.mappings() {
            for page in (mapping.start.get()..mapping.end.get()).step_by(4096) {
                let mut bytes = vec![0; 4096];
                let address = RemoteAddress::new(page);
                if core.memory().read_exact(address, &mut bytes).is_err() {
                    continue;
                }
                let is_zero = bytes.iter().all(|&byte| byte == 0);
                let bytes = (!is_zero).then_some(bytes);
                match parts.last_mut() {
                    Some(last)
                        if last.range.end == page && last.bytes.is_some() == bytes.is_some() =>
                    {
                        last.range.end += 4096;
                        if let (Some(all), Some(bytes)) = (&mut last.bytes, bytes) {
                            all.extend(bytes);
                        }
                    }
                    _ => parts.push(Part {
                        range: page..page + 4096,
                        bytes,
                    }),
                }
            }
        }
        Self { parts }
    }

    /// The part that an address lies in.
    fn part(&self, address: u64) -> Option<usize> {
        let index = self.parts.partition_point(|part| part.range.end <= address);
        let part = self.parts.get(index)?;
        (part.range.start <= address).then_some(index)
    }

    /// Changes a byte, and gives what it was.
    fn write(&mut self, address: u64, byte: u8) -> u8 {
        let Some(index) = self.part(address) else {
            return byte;
        };
        let part = &mut self.parts[index];
        let at = (address - part.range.start) as usize;
        match &mut part.bytes {
            Some(bytes) => std::mem::replace(&mut bytes[at], byte),
            None => byte,
        }
    }
}

impl Memory for Image {
    fn read_exact(&self, address: RemoteAddress, buffer: &mut [u8]) -> Result<(), Fault> {
        let length = buffer.len();
        let fault = Fault { address, length };
        let mut at = address.get();
        let mut rest = buffer;
        while !rest.is_empty() {
            let part = &self.parts[self.part(at).ok_or(fault)?];
            let now = (part.range.end - at).min(rest.len() as u64) as usize;
            let (filled, after) = rest.split_at_mut(now);
            let start = (at - part.range.start) as usize;
            match &part.bytes {
                Some(bytes) => filled.copy_from_slice(&bytes[start..start + now]),
                None => filled.fill(0),
            }
            rest = after;
            at += now as u64;
        }
        Ok(())
    }
}

/// The heap of an interpreter without a library, which a walk takes milliseconds for.
struct Heap {
    image: Image,
    layout: Layout,
    runtime: RemoteAddress,
    regions: Vec<Range<u64>>,
    images: Vec<Range<u64>>,
}

impl Heap {
    fn of(interpreter: &Interpreter) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("core");
        let target = Launch::new(interpreter, "bare")?.start()?;
        cores::write(&target, Contents::Usual, &path)?;
        let core = CoreFile::open(&path, &Places::default(), &AtomicBool::new(false))?;
        let runtime = core.python()?.runtime;
        let image = Image::of(&core);
        let version = Version::from_hex(interpreter.hexversion).context("no version")?;
        let mut layout = Layout::for_version(version, interpreter.flavor())?;
        layout.fit(&mut PageCache::new(&image, 0), runtime)?;
        let mut heap = Self {
            image,
            layout,
            runtime,
            regions: Vec::new(),
            images: Vec::new(),
        };
        for mapping in core.mappings().iter().filter(|m| m.permissions.readable) {
            let range = mapping.start.get()..mapping.end.get();
            if mapping.is_file() {
                heap.images.push(range.clone());
            }
            heap.regions.push(range);
        }
        Ok(heap)
    }

    fn walk(&self, values: ValuesKept) -> Result<Snapshot, WalkError> {
        let target = Target {
            runtime: self.runtime,
            layout: &self.layout,
            regions: &self.regions,
            images: &self.images,
            data: &[],
            absent: &[],
        };
        let options = WalkOptions {
            values: Some(values),
            digests: None,
        };
        walk(&self.image, &target, &options, &NoProgress)
    }
}

fn main() -> Result<ExitCode> {
    let mut trials = Trials::default();
    for one in supported()? {
        trials.add(one.to_string(), &one, bytes_are_flipped);
    }
    Ok(trials.run())
}

fn bytes_are_flipped(interpreter: &Interpreter) -> Result<()> {
    let mut heap = Heap::of(interpreter)?;
    let sound = heap.walk(ValuesKept::Short)?;
    let mut diagnostics = sound.metadata.diagnostics.iter();
    let unreadable = diagnostics.find(|one| one.code == "unreadable-object");
    ensure!(unreadable.is_none(), "{unreadable:?}");
    let objects = sound.objects.address.clone();
    let mut random = Random(0x5eed);
    let mut walked = 0;
    for round in 0..ROUNDS {
        let damage = damage(&mut random, &objects, heap.runtime, &mut heap.image);
        // Whether the table still fits is no question here, only that there is an answer.
        let mut layout = heap.layout.clone();
        let _ = layout.fit(&mut PageCache::new(&heap.image, 0), heap.runtime);
        walked += u64::from(is_sound(&heap, round)?);
        for &(address, byte) in damage.iter().rev() {
            heap.image.write(address, byte);
        }
    }
    let peak = peak_memory()?;
    println!("{interpreter}: {walked} of {ROUNDS} walks gave a snapshot, peak {peak} bytes");
    // Most damage is local.
    ensure!(walked > ROUNDS * 9 / 10, "only {walked}");
    ensure!(peak < MEMORY_LIMIT, "{peak} bytes at the peak");
    Ok(())
}

/// Changes bytes in up to 64 objects, mostly where an object begins, or in the state of the
/// runtime, and sometimes replaces a word by the address of an object. Returns what was there.
fn damage(
    random: &mut Random,
    objects: &[u64],
    runtime: RemoteAddress,
    image: &mut Image,
) -> Vec<(u64, u8)> {
    /// `_PyRuntime`, and the first interpreter within it since 3.12.
    const RUNTIME_SIZE: u64 = 1 << 18;
    let mut before = Vec::new();
    let most = 1 << random.below(7);
    for _ in 0..=random.below(most) {
        let reach = *random.pick(&[16, 64, 256]);
        let at = match random.below(16) {
            0 => runtime.get() + random.below(RUNTIME_SIZE),
            _ => *random.pick(objects) + random.below(reach),
        };
        if random.below(4) == 0 {
            let word = (at & !7, random.pick(objects).to_le_bytes());
            for (address, byte) in (word.0..).zip(word.1) {
                before.push((address, image.write(address, byte)));
            }
        } else {
            let byte = random.below(256) as u8;
            before.push((at, image.write(at, byte)));
        }
    }
    before
}

/// Whether a walk gave a snapshot; an error when that contradicts itself.
fn is_sound(heap: &Heap, round: u64) -> Result<bool> {
    let values = [ValuesKept::None, ValuesKept::Short, ValuesKept::Full];
    match heap.walk(values[(round % 3) as usize]) {
        Ok(snapshot) => {
            let checked = exuvia_snapshot::check(&snapshot);
            checked.with_context(|| format!("round {round}"))?;
            Ok(true)
        }
        Err(WalkError::Runtime(_) | WalkError::NoInterpreter) => Ok(false),
        Err(error) => bail!("round {round}: {error}"),
    }
}

/// The most memory that this process ever had: `VmHWM`.
fn peak_memory() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.context("no VmHWM")?.trim().trim_end_matches(" kB");
    Ok(number.parse::<u64>()? * 1024)
}
