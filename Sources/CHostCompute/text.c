// UTF-8 to UTF-16 and back.
#include <stdlib.h>

#include "HostCompute.h"

void hc_free(char *text) {
    free(text);
}

// One scalar value of well-formed UTF-8 (Unicode table 3-7: no overlong forms, no surrogates, nothing above U+10FFFF);
// 0 where the bytes are malformed or a NUL. *used is the number of bytes it took.
static uint32_t scalar_at(const unsigned char *bytes, size_t left, size_t *used) {
    unsigned char first = bytes[0];
    if (first < 0x80) {
        *used = 1;
        return first;
    }
    size_t length;
    uint32_t scalar, lowest;
    if (first >= 0xC2 && first <= 0xDF) {
        length = 2, scalar = first & 0x1Fu, lowest = 0x80;
    } else if (first >= 0xE0 && first <= 0xEF) {
        length = 3, scalar = first & 0x0Fu, lowest = 0x800;
    } else if (first >= 0xF0 && first <= 0xF4) {
        length = 4, scalar = first & 0x07u, lowest = 0x10000;
    } else {
        return 0;
    }
    if (left < length) return 0;
    for (size_t index = 1; index < length; index++) {
        if ((bytes[index] & 0xC0) != 0x80) return 0;
        scalar = scalar << 6 | (bytes[index] & 0x3Fu);
    }
    if (scalar < lowest || scalar > 0x10FFFF || (scalar >= 0xD800 && scalar <= 0xDFFF)) return 0;
    *used = length;
    return scalar;
}

HcsChar *hc_utf16(hc_text text, HcsChar *buffer, size_t capacity, hc_status *status) {
    // UTF-16 never needs more units than UTF-8 needs bytes.
    HcsChar *result = buffer;
    if (text.length >= capacity) {
        if (text.length > SIZE_MAX / sizeof(HcsChar) - 1) {
            *status = HC_NO_MEMORY;
            return NULL;
        }
        result = malloc((text.length + 1) * sizeof(HcsChar));
        if (result == NULL) {
            *status = HC_NO_MEMORY;
            return NULL;
        }
    }
    const unsigned char *bytes = (const unsigned char *)text.bytes;
    size_t at = 0, units = 0;
    while (at < text.length) {
        size_t used = 0;
        uint32_t scalar = scalar_at(bytes + at, text.length - at, &used);
        if (scalar == 0) {
            if (result != buffer) free(result);
            *status = HC_BAD_TEXT;
            return NULL;
        }
        at += used;
        if (scalar < 0x10000) {
            result[units++] = (HcsChar)scalar;
        } else {
            result[units++] = (HcsChar)(0xD800 + ((scalar - 0x10000) >> 10));
            result[units++] = (HcsChar)(0xDC00 + ((scalar - 0x10000) & 0x3FF));
        }
    }
    result[units] = 0;
    *status = HC_DONE;
    return result;
}

char *hc_utf8(const HcsChar *text) {
    size_t units = 0;
    while (text[units] != 0) units++;
    // A unit becomes at most three bytes; a surrogate pair, two units, becomes four.
    if (units > (SIZE_MAX - 1) / 3) return NULL;
    char *result = malloc(units * 3 + 1);
    if (result == NULL) return NULL;
    size_t length = 0;
    for (size_t at = 0; at < units; at++) {
        uint32_t scalar = text[at];
        if (scalar >= 0xD800 && scalar <= 0xDFFF) {
            uint32_t next = text[at + 1];  // the NUL at the end where there is none
            if (scalar <= 0xDBFF && next >= 0xDC00 && next <= 0xDFFF) {
                scalar = 0x10000 + ((scalar - 0xD800) << 10) + (next - 0xDC00);
                at++;
            } else {
                scalar = 0xFFFD;
            }
        }
        if (scalar < 0x80) {
            result[length++] = (char)scalar;
        } else if (scalar < 0x800) {
            result[length++] = (char)(0xC0 | scalar >> 6);
            result[length++] = (char)(0x80 | (scalar & 0x3F));
        } else if (scalar < 0x10000) {
            result[length++] = (char)(0xE0 | scalar >> 12);
            result[length++] = (char)(0x80 | (scalar >> 6 & 0x3F));
            result[length++] = (char)(0x80 | (scalar & 0x3F));
        } else {
            result[length++] = (char)(0xF0 | scalar >> 18);
            result[length++] = (char)(0x80 | (scalar >> 12 & 0x3F));
            result[length++] = (char)(0x80 | (scalar >> 6 & 0x3F));
            result[length++] = (char)(0x80 | (scalar & 0x3F));
        }
    }
    result[length] = 0;
    return result;
}
