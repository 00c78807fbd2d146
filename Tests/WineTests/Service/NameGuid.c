// NameToGuid as the export computes it (HostComputeService E): a version 5 GUID over the name in UTF-16LE.
#include <string.h>

#include "Service.h"

typedef struct sha1 {
    uint32_t state[5];
    uint8_t block[64];
    uint64_t length;
} sha1;

static uint32_t rotate(uint32_t value, int by) {
    return value << by | value >> (32 - by);
}

static void sha1_block(sha1 *hash) {
    uint32_t words[80];
    for (int at = 0; at < 16; at++) {
        const uint8_t *from = hash->block + at * 4;
        words[at] = (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 | (uint32_t)from[2] << 8 | from[3];
    }
    for (int at = 16; at < 80; at++)
        words[at] = rotate(words[at - 3] ^ words[at - 8] ^ words[at - 14] ^ words[at - 16], 1);
    uint32_t a = hash->state[0], b = hash->state[1], c = hash->state[2], d = hash->state[3], e = hash->state[4];
    for (int at = 0; at < 80; at++) {
        uint32_t mix, constant;
        if (at < 20) {
            mix = (b & c) | (~b & d), constant = 0x5A827999;
        } else if (at < 40) {
            mix = b ^ c ^ d, constant = 0x6ED9EBA1;
        } else if (at < 60) {
            mix = (b & c) | (b & d) | (c & d), constant = 0x8F1BBCDC;
        } else {
            mix = b ^ c ^ d, constant = 0xCA62C1D6;
        }
        uint32_t next = rotate(a, 5) + mix + e + constant + words[at];
        e = d, d = c, c = rotate(b, 30), b = a, a = next;
    }
    hash->state[0] += a, hash->state[1] += b, hash->state[2] += c, hash->state[3] += d, hash->state[4] += e;
}

static void sha1_byte(sha1 *hash, uint8_t byte) {
    hash->block[hash->length++ % 64] = byte;
    if (hash->length % 64 == 0) sha1_block(hash);
}

HcsResult HCS_CALL NameToGuid(const HcsChar *name, HcsGuid *guid);
HcsResult HCS_CALL NameToGuid(const HcsChar *name, HcsGuid *guid) {
    static const uint8_t layers[16] = {
        0x80, 0x08, 0x72, 0xC5, 0x90, 0x9C, 0x40, 0x3A, 0x89, 0xC9, 0x93, 0x1F, 0xE5, 0xE2, 0xFD, 0x08};
    record("NameToGuid", NULL, name, NULL, 0);
    service_script script;
    if (scripted("NameToGuid", &script)) return script.result;
    if (!text_is_given("NameToGuid", name) || guid == NULL) return result_invalid_argument;
    sha1 hash = {.state = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0}};
    for (int at = 0; at < 16; at++) sha1_byte(&hash, layers[at]);
    for (; *name != 0; name++) {
        sha1_byte(&hash, (uint8_t)(*name & 0xFF));
        sha1_byte(&hash, (uint8_t)(*name >> 8));
    }
    uint64_t bits = hash.length * 8;
    sha1_byte(&hash, 0x80);
    while (hash.length % 64 != 56) sha1_byte(&hash, 0);
    for (int at = 7; at >= 0; at--) sha1_byte(&hash, (uint8_t)(bits >> (at * 8)));
    uint32_t first = hash.state[0], second = hash.state[1], third = hash.state[2], fourth = hash.state[3];
    guid->Data1 = first;
    guid->Data2 = (uint16_t)(second >> 16);
    guid->Data3 = (uint16_t)((second & 0x0FFF) | 0x5000);
    for (int at = 0; at < 4; at++) {
        guid->Data4[at] = (uint8_t)(third >> (24 - at * 8));
        guid->Data4[at + 4] = (uint8_t)(fourth >> (24 - at * 8));
    }
    guid->Data4[0] = (uint8_t)((guid->Data4[0] & 0x3F) | 0x80);
    return result_ok;
}
