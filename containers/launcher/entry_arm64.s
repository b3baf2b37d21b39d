#include "textflag.h"

// As in entry_amd64.s, where the comments are.
TEXT launcher_entry(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	MOVD	0(RSP), R0
	ADD	$16, RSP, R1
	ADD	R0<<3, R1, R1
	MOVD	$1, R5
variable:
	MOVD.P	8(R1), R2
	CBZ	R2, begin
	MOVBU	0(R2), R3
	CMPW	$71, R3 // G
	BNE	variable
	MOVBU	1(R2), R3
	CMPW	$79, R3 // O
	BNE	variable
	MOVB	R5, 0(R2)
	B	variable
begin:
	MOVD	$handleSignal(SB), R2
	MOVD	R2, ·signalHandler(SB)
	B	_rt0_arm64_linux(SB)

// R0: the signal, R1: its siginfo.
TEXT handleSignal(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	MOVW	16(R1), R9
	MOVW	8(R1), R10
	CBZW	R10, note
	MOVW	$-1, R9
	TBZ	$31, R10, note
	MOVW	ZR, 8(R1)
note:
	MOVD	$·senders(SB), R10
	ADD	R0<<2, R10, R10
	MOVW	R9, (R10)
	MOVD	·goHandler(SB), R10
	B	(R10)
