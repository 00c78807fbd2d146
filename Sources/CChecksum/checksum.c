#include "CChecksum.h"

#if defined(__x86_64__)

#include <cpuid.h>
#include <nmmintrin.h>
#include <string.h>

bool crc32c_is_instruction(void) {
    unsigned eax, ebx, ecx, edx;
    return __get_cpuid(1, &eax, &ebx, &ecx, &edx) && (ecx & bit_SSE4_2);
}

__attribute__((target("sse4.2"))) uint32_t crc32c_add(uint32_t state, const void *bytes, size_t count) {
    const uint8_t *at = bytes;
    uint64_t crc = state;
    for (; count >= sizeof(uint64_t); count -= sizeof(uint64_t), at += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        crc = _mm_crc32_u64(crc, word);
    }
    while (count-- > 0) crc = _mm_crc32_u8((uint32_t)crc, *at++);
    return (uint32_t)crc;
}

#else

bool crc32c_is_instruction(void) { return false; }

uint32_t crc32c_add(uint32_t state, const void *bytes, size_t count) {
    (void)bytes;
    (void)count;
    return state;
}

#endif
