// UTF-8 to UTF-16 and back, at its edges.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "Check.h"

#define BYTES(literal) {literal, sizeof literal - 1}

static void check_refused(void) {
    static const struct {
        const char *what;
        hc_text text;
    } refused[] = {
        {"a NUL inside", BYTES("a\0b")},
        {"a NUL alone", BYTES("\0")},
        {"a NUL at the end", BYTES("ab\0")},
        {"a lone continuation byte", BYTES("\x80")},
        {"a high surrogate in UTF-8", BYTES("\xED\xA0\x80")},
        {"a low surrogate in UTF-8", BYTES("\xED\xBF\xBF")},
        {"a surrogate pair in UTF-8 (CESU-8)", BYTES("\xED\xA0\xBD\xED\xB8\x80")},
        {"an overlong slash", BYTES("\xC0\xAF")},
        {"an overlong NUL", BYTES("\xC0\x80")},
        {"an overlong form of three bytes", BYTES("\xE0\x9F\xBF")},
        {"an overlong form of four bytes", BYTES("\xF0\x8F\xBF\xBF")},
        {"more than U+10FFFF", BYTES("\xF4\x90\x80\x80")},
        {"a first byte that is none", BYTES("\xF5\x80\x80\x80")},
        {"0xFF", BYTES("\xFF")},
        {"two bytes cut short", BYTES("\xC3")},
        {"three bytes cut short", BYTES("\xE4\xB8")},
        {"four bytes cut short", BYTES("\xF0\x9F\x98")},
        // What would complete it lies behind the text's end.
        {"two bytes cut short by the length", {"\xC3\xA9", 1}},
        {"three bytes cut short by the length", {"\xE4\xB8\xAD", 2}},
        {"four bytes cut short by the length", {"\xF0\x9F\x98\x80", 3}},
        {"a sequence broken by a letter", BYTES("\xE4\xB8X")},
    };
    for (size_t each = 0; each < sizeof refused / sizeof refused[0]; each++) {
        hc_status status = HC_DONE;
        HcsChar buffer[32];
        HcsChar *made = hc_utf16(refused[each].text, buffer, 32, &status);
        CHECK(made == NULL && status == HC_BAD_TEXT, "refused: %s", refused[each].what);
    }
    // The same where the text does not fit into the buffer: nothing may be left allocated.
    hc_status status = HC_DONE;
    HcsChar buffer[2];
    CHECK(hc_utf16((hc_text)BYTES("abc\0def"), buffer, 2, &status) == NULL && status == HC_BAD_TEXT,
          "refused after its memory was allocated");
}

// Every scalar value but NUL, there and back, against the system's own conversion.
static void check_every_scalar(void) {
    uint32_t bad = 0;
    for (uint32_t scalar = 1; scalar <= 0x10FFFF; scalar++) {
        if (scalar == 0xD800) scalar = 0xE000;
        WCHAR units[3] = {0};
        if (scalar < 0x10000) {
            units[0] = (WCHAR)scalar;
        } else {
            units[0] = (WCHAR)(0xD800 + ((scalar - 0x10000) >> 10));
            units[1] = (WCHAR)(0xDC00 + ((scalar - 0x10000) & 0x3FF));
        }
        char bytes[8] = {0};
        int length = WideCharToMultiByte(CP_UTF8, 0, units, -1, bytes, sizeof bytes, NULL, NULL) - 1;
        HcsChar buffer[8];
        hc_status status = HC_DONE;
        HcsChar *there = hc_utf16((hc_text){bytes, (size_t)length}, buffer, 8, &status);
        char *back = hc_utf8((const HcsChar *)units);
        if (there != buffer || wcscmp((WCHAR *)there, units) != 0 || back == NULL || strcmp(back, bytes) != 0) bad++;
        hc_free(back);
    }
    CHECK(bad == 0, "every scalar value there and back: %u are wrong", bad);
}

static void check_replaced(void) {
    static const struct {
        const char *what;
        HcsChar from[5];
        const char *to;
    } replaced[] = {
        {"a lone high surrogate", {0xD83D, 0}, "\xEF\xBF\xBD"},
        {"a lone low surrogate", {0xDE00, 0}, "\xEF\xBF\xBD"},
        {"a high surrogate before a letter", {0xD83D, 'x', 0}, "\xEF\xBF\xBDx"},
        {"a low surrogate after a letter", {'x', 0xDE00, 'y', 0}, "x\xEF\xBF\xBDy"},
        {"a pair the wrong way round", {0xDE00, 0xD83D, 0}, "\xEF\xBF\xBD\xEF\xBF\xBD"},
        {"a high surrogate before a pair", {0xD83D, 0xD83D, 0xDE00, 0}, "\xEF\xBF\xBD\xF0\x9F\x98\x80"},
        {"a pair", {0xD83D, 0xDE00, 0}, "\xF0\x9F\x98\x80"},
        {"the highest scalar value", {0xDBFF, 0xDFFF, 0}, "\xF4\x8F\xBF\xBF"},
        {"nothing", {0}, ""},
    };
    for (size_t each = 0; each < sizeof replaced / sizeof replaced[0]; each++) {
        char *made = hc_utf8(replaced[each].from);
        CHECK(made != NULL && strcmp(made, replaced[each].to) == 0, "to UTF-8: %s", replaced[each].what);
        hc_free(made);
    }
}

// A text of `length` bytes arrives at HCS whole, whichever way it is stored meanwhile.
static void check_length(size_t length, const char *unit) {
    size_t unit_length = strlen(unit), count = length / unit_length;
    char *text = malloc(count * unit_length + 1);
    if (text == NULL) return;
    for (size_t each = 0; each < count; each++) memcpy(text + each * unit_length, unit, unit_length);
    text[count * unit_length] = 0;
    hc_handle system = 1;
    hc_outcome outcome = hc_open_system(table, (hc_text){text, count * unit_length}, &system);
    char *arrived = hc_utf8(service->last_call().first);
    CHECK(
        outcome.status == HC_FAILED && outcome.code == 0xC037010E && arrived != NULL && strcmp(arrived, text) == 0,
        "%u bytes of '%s' arrive whole", (unsigned)(count * unit_length), unit);
    CHECK(system == 0, "and a failed open leaves no handle");
    hc_free(arrived);
    hc_free(outcome.document);
    free(text);
}

void section_text(void) {
    check_refused();
    hc_status status = HC_FAILED;
    HcsChar buffer[4];
    HcsChar *made = hc_utf16((hc_text){NULL, 0}, buffer, 4, &status);
    CHECK(made == buffer && made[0] == 0 && status == HC_DONE, "no text is the empty text");
    made = hc_utf16(text_of("abc"), buffer, 4, &status);
    CHECK(made == buffer && utf16_equals(made, "abc"), "what just fits is put into the buffer");
    made = hc_utf16(text_of("abcd"), buffer, 4, &status);
    CHECK(made != NULL && made != buffer && utf16_equals(made, "abcd"), "one more is allocated");
    free(made);
    // The byte behind the text is not the text's.
    made = hc_utf16((hc_text){"ab\xFF", 2}, buffer, 4, &status);
    CHECK(made == buffer && utf16_equals(made, "ab"), "a text ends at its length, not at a NUL");
    check_every_scalar();
    check_replaced();
    hc_free(NULL);
    static const size_t lengths[] = {1, 1022, 1023, 1024, 1025, 3072, 65536, 1024 * 1024};
    for (size_t each = 0; each < sizeof lengths / sizeof lengths[0]; each++) check_length(lengths[each], "x");
    for (size_t each = 1; each < sizeof lengths / sizeof lengths[0]; each++) check_length(lengths[each], "é中😀");
}
