#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Whether this processor has an instruction for CRC-32C. Ask once: the question is slow on a virtual machine.
bool crc32c_is_instruction(void);

/// Adds bytes to a CRC-32C that has not been inverted yet. Only where the processor has the instruction.
uint32_t crc32c_add(uint32_t state, const void *bytes, size_t count);
