//! The driver for x86-64, System V calling convention.
//!
//! `rbx` is the header and `r12` the item: both are preserved by the functions that are called.
//! The stack pointer that the tool sets is a multiple of 16 and nothing is pushed, so that it
//! is aligned at each call.

use std::arch::global_asm;

global_asm!(
    ".pushsection .rodata.exuvia_driver, \"a\"",
    ".balign 16",
    ".globl exuvia_driver_start, exuvia_driver_done, exuvia_driver_full, exuvia_driver_end",
    ".hidden exuvia_driver_start, exuvia_driver_done, exuvia_driver_full, exuvia_driver_end",
    "exuvia_driver_start:",
    "    cld",
    "    mov rbx, rdi",
    ".Lexuvia_next:",
    "    mov rax, [rbx + 8]", // current
    "    cmp rax, [rbx]",     // items
    "    jae .Lexuvia_done",
    "    shl rax, 5",
    "    mov r12, [rbx + 40]", // items_at
    "    add r12, rax",
    "    mov rax, [r12 + 16]",         // argument
    "    cmp qword ptr [r12 + 24], 0", // kind
    "    jne .Lexuvia_get",
    "    test rax, rax",
    "    jz .Lexuvia_traverse",
    "    mov rdi, [r12]",
    "    call rax",
    "    test eax, eax",
    "    jz .Lexuvia_finish",
    ".Lexuvia_traverse:",
    "    mov rdi, [r12]",
    "    lea rsi, [rip + .Lexuvia_visit]",
    "    mov rdx, rbx",
    "    call [r12 + 8]",
    "    jmp .Lexuvia_finish",
    ".Lexuvia_get:",
    "    mov rdi, [r12]",
    "    mov rsi, rax",
    "    call [r12 + 8]",
    "    mov rdi, rax",
    "    mov rsi, rbx",
    "    call .Lexuvia_store",
    ".Lexuvia_finish:",
    "    mov rax, [rbx + 8]",  // current
    "    mov rcx, [rbx + 24]", // length
    "    add rcx, [rbx + 32]", // taken
    "    mov rdx, [rbx + 48]", // ends_at
    "    mov [rdx + rax*8], rcx",
    "    inc rax",
    "    mov [rbx + 8], rax",
    "    jmp .Lexuvia_next",
    // int visit(PyObject *object, void *header)
    ".Lexuvia_visit:",
    "    endbr64",
    ".Lexuvia_store:",
    "    mov rax, [rsi + 24]", // length
    "    cmp rax, [rsi + 16]", // capacity
    "    jae .Lexuvia_full",
    "    mov rcx, [rsi + 56]", // referents_at
    "    mov [rcx + rax*8], rdi",
    "    inc rax",
    "    mov [rsi + 24], rax",
    "    xor eax, eax",
    "    ret",
    "exuvia_driver_full:",
    ".Lexuvia_full:",
    "    int3",
    "    jmp .Lexuvia_store",
    "exuvia_driver_done:",
    ".Lexuvia_done:",
    "    int3",
    "    jmp .Lexuvia_done",
    "exuvia_driver_end:",
    ".popsection",
);
