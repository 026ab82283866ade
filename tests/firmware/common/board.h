/* mps2-an385 as the test programs see it, and the few things they all do. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REG(address) (*(volatile uint32_t *)(address))

#define UART0_DATA REG(0x40004000)
#define UART0_STATE REG(0x40004004) /* bit 0: transmit buffer full, bit 1: receive buffer full */
#define UART0_CTRL REG(0x40004008)  /* bits 0, 1: enable TX, RX; bits 2, 3: their interrupts */
#define UART0_INT REG(0x4000400C)   /* bits 0, 1: TX, RX pending; write 1 to clear */
#define UART0_BAUD REG(0x40004010)
#define UART0_RX_IRQ 0

#define TIMER0_CTRL REG(0x40000000) /* bit 0: enable, bit 3: interrupt */
#define TIMER0_VALUE REG(0x40000004)
#define TIMER0_RELOAD REG(0x40000008)
#define TIMER0_INT REG(0x4000000C)
#define TIMER0_IRQ 8

#define FPGAIO_LED REG(0x40028000)

#define SYST_CSR REG(0xE000E010)
#define SYST_RVR REG(0xE000E014)
#define SYST_CVR REG(0xE000E018)

#define NVIC_ISER REG(0xE000E100)
#define NVIC_ICER REG(0xE000E180)
#define NVIC_ISPR REG(0xE000E200)
#define NVIC_ICPR REG(0xE000E280)
#define NVIC_IABR REG(0xE000E300)
#define NVIC_PRIO(irq) (*(volatile uint8_t *)(0xE000E400 + (irq)))

#define SCB_ICSR REG(0xE000ED04)
#define ICSR_PENDSVSET (1u << 28)
#define ICSR_RETTOBASE (1u << 11)
#define SCB_VTOR REG(0xE000ED08)
#define SCB_AIRCR REG(0xE000ED0C)
#define SCB_CCR REG(0xE000ED14)
/* Priority of system exception 4..15. */
#define SCB_PRIO(exception) (*(volatile uint8_t *)(0xE000ED14 + (exception)))
#define SCB_SHCSR REG(0xE000ED24)
#define SCB_CFSR REG(0xE000ED28)
#define SCB_HFSR REG(0xE000ED2C)
#define SCB_MMFAR REG(0xE000ED34)
#define SCB_BFAR REG(0xE000ED38)

#define MPU_TYPE REG(0xE000ED90)
#define MPU_CTRL REG(0xE000ED94) /* bit 0: enable, 1: in HardFault and NMI too, 2: background */
#define MPU_RNR REG(0xE000ED98)
#define MPU_RBAR REG(0xE000ED9C)
#define MPU_RASR REG(0xE000EDA0)

#define barrier() __asm__ volatile("dsb\n isb" ::: "memory")
#define irq_off() __asm__ volatile("cpsid i" ::: "memory")
#define irq_on() __asm__ volatile("cpsie i" ::: "memory")
#define wfi() __asm__ volatile("wfi" ::: "memory")

void print(const char *text);
void print_hex(uint32_t value);
void print_dec(uint32_t value);
/* One line: a name and a number, which also goes into the checksum. */
void report(const char *name, uint32_t value);
void mix(uint32_t value);
/* Print `DONE <checksum>` and end the run by semihosting SYS_EXIT. */
__attribute__((noreturn)) void done(void);
/* End the run with this exit code (SYS_EXIT_EXTENDED). */
__attribute__((noreturn)) void quit(uint32_t code);
