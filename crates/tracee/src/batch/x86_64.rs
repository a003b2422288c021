//! The calls for x86-64. `syscall` overwrites `rcx` and `r11`, and nothing else is used by the
//! kernel, so that `rbx` and `r12` keep the place and the number of calls that are left.

use std::arch::global_asm;

global_asm!(
    ".pushsection .rodata.exuvia_batch, \"a\"",
    ".balign 16",
    ".globl exuvia_batch_start, exuvia_batch_done, exuvia_batch_end",
    ".hidden exuvia_batch_start, exuvia_batch_done, exuvia_batch_end",
    "exuvia_batch_start:",
    "    mov r12, [rdi]",
    "    lea rbx, [rdi + 8]",
    ".Lexuvia_batch_next:",
    "    test r12, r12",
    "    jz .Lexuvia_batch_done",
    "    mov rax, [rbx]",
    "    mov rdi, [rbx + 8]",
    "    mov rsi, [rbx + 16]",
    "    mov rdx, [rbx + 24]",
    "    mov r10, [rbx + 32]",
    "    mov r8, [rbx + 40]",
    "    mov r9, [rbx + 48]",
    "    syscall",
    "    mov [rbx + 56], rax",
    "    add rbx, 64",
    "    dec r12",
    "    jmp .Lexuvia_batch_next",
    "exuvia_batch_done:",
    ".Lexuvia_batch_done:",
    "    int3",
    "    jmp .Lexuvia_batch_done",
    "exuvia_batch_end:",
    ".popsection",
);
