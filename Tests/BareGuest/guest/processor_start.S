# Where a further processor starts: real mode, at a page below 1 MiB to which this code is copied (Intel SDM volume 3,
# 9.4.4.2). The code uses the addresses of that page, so it works there only.

        .set    page, 0x9000

        .text
        .globl  processor_start_code, processor_start_code_end
        .code16
processor_start_code:
        cli
        xorw    %ax, %ax
        movw    %ax, %ds
        lgdtl   page + (2f - processor_start_code)
        movl    %cr0, %eax
        orl     $1, %eax                # CR0.PE
        movl    %eax, %cr0
        ljmpl   $0x08, $1f
        .align  4
2:      .word   23
        .long   gdt
processor_start_code_end:

        .code32
1:      movw    $0x10, %ax
        movw    %ax, %ds
        movw    %ax, %es
        movw    %ax, %fs
        movw    %ax, %gs
        movw    %ax, %ss
        movl    processor_stack, %esp
        cld
        call    processor_work
0:      cli
        hlt
        jmp     0b

        .section .note.GNU-stack, "", @progbits
