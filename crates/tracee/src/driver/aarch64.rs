//! The driver for aarch64, AAPCS64.
//!
//! `x19` is the header and `x20` the item: both are preserved by the functions that are called.

use std::arch::global_asm;

global_asm!(
    ".pushsection .rodata.exuvia_driver, \"a\"",
    ".balign 16",
    ".globl exuvia_driver_start, exuvia_driver_done, exuvia_driver_full, exuvia_driver_end",
    ".hidden exuvia_driver_start, exuvia_driver_done, exuvia_driver_full, exuvia_driver_end",
    "exuvia_driver_start:",
    "    mov x19, x0",
    ".Lexuvia_next:",
    "    ldp x9, x10, [x19]", // items, current
    "    cmp x10, x9",
    "    b.hs .Lexuvia_done",
    "    ldr x9, [x19, #40]", // items_at
    "    add x20, x9, x10, lsl #5",
    "    ldp x9, x10, [x20, #16]", // argument, kind
    "    cbnz x10, .Lexuvia_get",
    "    cbz x9, .Lexuvia_traverse",
    "    ldr x0, [x20]",
    "    blr x9",
    "    cbz w0, .Lexuvia_finish",
    ".Lexuvia_traverse:",
    "    ldp x0, x9, [x20]",
    "    adr x1, .Lexuvia_visit",
    "    mov x2, x19",
    "    blr x9",
    "    b .Lexuvia_finish",
    ".Lexuvia_get:",
    "    mov x1, x9",
    "    ldp x0, x9, [x20]",
    "    blr x9",
    "    mov x1, x19",
    "    bl .Lexuvia_store",
    ".Lexuvia_finish:",
    "    ldr x9, [x19, #8]",        // current
    "    ldp x10, x11, [x19, #24]", // length, taken
    "    add x10, x10, x11",
    "    ldr x11, [x19, #48]", // ends_at
    "    str x10, [x11, x9, lsl #3]",
    "    add x9, x9, #1",
    "    str x9, [x19, #8]",
    "    b .Lexuvia_next",
    // int visit(PyObject *object, void *header)
    ".Lexuvia_visit:",
    "    hint #34", // bti c
    ".Lexuvia_store:",
    "    ldp x10, x9, [x1, #16]", // capacity, length
    "    cmp x9, x10",
    "    b.hs .Lexuvia_full",
    "    ldr x10, [x1, #56]", // referents_at
    "    str x0, [x10, x9, lsl #3]",
    "    add x9, x9, #1",
    "    str x9, [x1, #24]",
    "    mov w0, #0",
    "    ret",
    "exuvia_driver_full:",
    ".Lexuvia_full:",
    "    brk #0",
    "    b .Lexuvia_store",
    "exuvia_driver_done:",
    ".Lexuvia_done:",
    "    brk #0",
    "    b .Lexuvia_done",
    "exuvia_driver_end:",
    ".popsection",
);
