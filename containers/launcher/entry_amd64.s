#include "textflag.h"

// launcher_entry is where the kernel begins. It hides the Go runtime's own variables from the runtime: in each name that
// begins with GO the G becomes 1, which scriptEnvironment takes back. It leaves handleSignal's address for hearSenders.
TEXT launcher_entry(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	MOVQ	0(SP), AX // argc
	LEAQ	16(SP)(AX*8), AX // behind argv and its end: the environment
variable:
	MOVQ	(AX), BX
	TESTQ	BX, BX
	JZ	begin
	ADDQ	$8, AX
	CMPW	(BX), $0x4F47 // GO
	JNE	variable
	MOVB	$1, (BX)
	JMP	variable
begin:
	LEAQ	handleSignal(SB), AX
	MOVQ	AX, ·signalHandler(SB)
	JMP	_rt0_amd64_linux(SB)

// handleSignal notes who sent a signal, and goes on to Go's own handler. DI: the signal, SI: its siginfo.
TEXT handleSignal(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	MOVL	16(SI), CX // si_pid
	MOVL	8(SI), AX // si_code
	CMPL	AX, $0 // SI_USER: by kill()
	JEQ	note
	MOVL	$-1, CX // what else is in there a sender may have made up
	JGT	note // by the kernel
	MOVL	$0, 8(SI) // by sigqueue(): Go would take it for a fault of its own, and crash
note:
	LEAQ	·senders(SB), AX
	MOVL	CX, (AX)(DI*4)
	MOVQ	·goHandler(SB), AX
	JMP	AX
