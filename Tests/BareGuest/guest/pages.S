# PAE page directories: the low 4 GiB, each address at itself, in 2 MiB pages. Built here and not at run time because
# 2048 entries cost milliseconds where every guest instruction is emulated.

# bool paging_try(const uint64_t directory_pointers[4]): turns PAE paging on; false if the processor refuses, as a
# virtual one may that knows paging in long mode only.
        .text
        .globl  paging_try
paging_try:
        movl    %esp, exception_resume_stack
        movl    $1f, exception_resume
        movl    %cr4, %eax
        orl     $0x20, %eax             # CR4.PAE
        movl    %eax, %cr4
        movl    4(%esp), %eax
        movl    %eax, %cr3
        movl    %cr0, %eax
        orl     $0x80000000, %eax       # CR0.PG
        movl    %eax, %cr0
        jmp     0f
0:      movl    $0, exception_resume
        movl    $1, %eax
        ret
1:      movl    %cr4, %eax
        andl    $~0x20, %eax
        movl    %eax, %cr4
        xorl    %eax, %eax
        ret

        .data
        .align  4096
        .globl  page_directories
page_directories:
        .set    page, 0
        .rept   2048
        .long   page * 0x200000 + 0xe3  # present, writable, accessed, dirty, large
        .long   0
        .set    page, page + 1
        .endr

        .section .note.GNU-stack, "", @progbits
