/* How the operands of an operation are chosen (main.c), and what is known of a trap. */
#define RR 0         /* f(a, b): all pairs of the edge values */
#define R1 1         /* f(a): all edge values */
#define LOAD 2       /* f(address): aligned and misaligned, across a page */
#define STORE 3      /* f(address, value) */
#define COPY 4       /* f(from, to) */
#define AMO_W 5      /* f(address, value), address aligned */
#define AMO_D 6
#define FS1 7        /* f(operands and result, fcsr): returns fflags; all rounding modes */
#define FS2 8
#define FS3 9
#define FD1 10
#define FD2 11
#define FD3 12
#define FI 13        /* an integer operand */
#define FBOX 14      /* singles that are and are not boxed properly */
#define TRAP 15      /* f(address of a readable word): in M-mode */
#define TRAP_S 16
#define TRAP_U 17
#define TRAP_NO_FS 18        /* M, with mstatus.FS Off */
#define TRAP_TVM 19          /* S, with this bit of mstatus */
#define TRAP_TW 20
#define TRAP_TSR 21
#define TRAP_S_COUNT 22      /* mcounteren is 0 */
#define TRAP_U_COUNT 23
#define TRAP_S_SCOUNT 24     /* scounteren is 0 */
#define TRAP_U_SCOUNT 25
#define TRAP_M_DELEG 26      /* medeleg has all but the call from S */
#define TRAP_S_DELEG 27
#define TRAP_U_DELEG 28
#define INTERRUPT_M 29       /* SSI is enabled */
#define INTERRUPT_M_TABLE 30 /* mtvec is vectored */
#define INTERRUPT_S 31       /* SSI is delegated */
#define INTERRUPT_TO_M 32    /* and pending, as it is for the next two */
#define INTERRUPT_U 33
#define FUSED_NAN 34         /* FS3 or FD3, and only infinity * 0 + NaN, which they leave out */

#if __riscv_xlen == 64
#define SX sd
#define LX ld
#define X 8
#define PTR .dword
#else
#define SX sw
#define LX lw
#define X 4
#define PTR .word
#endif
