use exuvia_memory::Memory;

use crate::arch::{INSTRUCTION_ALIGNMENT, SYSCALL_INSTRUCTION};
use crate::{LiveMemory, Mapping, Mappings, Pid};

/// Finds an instruction that makes a system call, in code that the process already maps:
/// the kernel's vDSO, else the C library, else any other code.
pub(crate) fn find_system_call_instruction(pid: Pid) -> Option<u64> {
    let mappings = Mappings::read(pid).ok()?;
    let memory = LiveMemory::open(pid, &mappings);
    let mut code: Vec<&Mapping> = mappings
        .iter()
        .filter(|m| m.permissions.executable)
        .collect();
    code.sort_by_key(|mapping| preference(mapping));
    code.iter().find_map(|mapping| search(&memory, mapping))
}

/// Lower is better. The `[vsyscall]` page is no real memory: calls there are emulated.
fn preference(mapping: &Mapping) -> u8 {
    let path = mapping.path.as_ref().map(|path| path.to_string_lossy());
    match path.as_deref() {
        Some("[vdso]") => 0,
        Some(path) if path.contains("libc") || path.contains("musl") => 1,
        Some("[vsyscall]") => 3,
        _ => 2,
    }
}

/// Searches the first part of a mapping: a vDSO has two pages, and a C library makes its
/// first call long before this.
fn search(memory: &LiveMemory, mapping: &Mapping) -> Option<u64> {
    const LIMIT: usize = 1 << 20;
    let mut bytes = vec![0; usize::try_from(mapping.size()).ok()?.min(LIMIT)];
    memory.read_exact(mapping.start, &mut bytes).ok()?;
    let mut windows = bytes
        .windows(SYSCALL_INSTRUCTION.len())
        .step_by(INSTRUCTION_ALIGNMENT);
    let index = windows.position(|window| window == SYSCALL_INSTRUCTION)?;
    Some(mapping.start.get() + (index * INSTRUCTION_ALIGNMENT) as u64)
}
