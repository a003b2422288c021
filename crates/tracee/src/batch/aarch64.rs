//! The calls for aarch64. `svc` keeps all registers but `x0`, so that `x19` and `x20` keep the
//! place and the number of calls that are left.

use std::arch::global_asm;

global_asm!(
    ".pushsection .rodata.exuvia_batch, \"a\"",
    ".balign 16",
    ".globl exuvia_batch_start, exuvia_batch_done, exuvia_batch_end",
    ".hidden exuvia_batch_start, exuvia_batch_done, exuvia_batch_end",
    "exuvia_batch_start:",
    "    ldr x20, [x0]",
    "    add x19, x0, #8",
    ".Lexuvia_batch_next:",
    "    cbz x20, .Lexuvia_batch_done",
    "    ldp x8, x0, [x19]",
    "    ldp x1, x2, [x19, #16]",
    "    ldp x3, x4, [x19, #32]",
    "    ldr x5, [x19, #48]",
    "    svc #0",
    "    str x0, [x19, #56]",
    "    add x19, x19, #64",
    "    sub x20, x20, #1",
    "    b .Lexuvia_batch_next",
    "exuvia_batch_done:",
    ".Lexuvia_batch_done:",
    "    brk #0",
    "    b .Lexuvia_batch_done",
    "exuvia_batch_end:",
    ".popsection",
);
