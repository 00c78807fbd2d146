// Layer ids: what NameToGuid answers is printed as Windows prints it.
#include <string.h>

#include "Check.h"

// HostComputeService E.
static const struct {
    const char *name, *guid;
} known[] = {
    {"65bf96e5760a09edf1790cb229e2dfb2dbd0fcdc0bf7451bae099106bfbfea0c", "18955d65-d45a-557b-bf1c-49d6dfefc526"},
    {"e206d2514a6265a76645b9d6b3dc6a78777c34dbf5da9fa2d564651645685881", "f8bc427f-7aa3-59c6-b271-7331713e9451"},
    {"32edab1efa68baa09704a37907101757b37d2bbd227fabb3be122aec0e014896", "85a82a94-bc58-51f6-b36f-70b089bca922"},
    {"4e3c0eecb91d8fc28eda07ff06c6910a592b0ce4539476fb943b48e6934e9976", "cd22d128-903e-550a-9d8f-aa8134ca1c9b"},
    {"b2b88bc2a47abcc682e422507abbba9c9b6d826d34e67b9e4e3144cc125a1f80", "1532b584-8431-5b5a-8735-5e1b4fe9c2a9"},
    {"5caaedbced1f546bccd01c9d31ea6eea4d30701ebba7b95ee8faa8c098a6845a", "a64b8da5-cd6e-5540-bc73-d81acae6da54"},
    {"7196f0a48b987516b111a3551e0dc28505faf8570500921916f69185e8cb170f", "fdc8e540-e6ad-5a37-9cd1-eba8a97618a8"},
    {"0378ac8e7b742c01d9f0488dc120fb45f5a5d576807767598689f40b480bfecc", "d1ec8c49-b3df-5f05-8ca1-a2c790da8e28"},
    {"4", "bd9c3ef9-f239-59b5-a27e-15c523b1d149"},
    {"a", "97039944-6e83-562d-b280-77fa5622564e"},
    {"A", "26e48d82-dba5-5dc1-b3ac-27f5970fa2b3"},
    {"base", "ba36fe09-79ac-55c5-ad84-7e8f9ae6cf1a"},
    {"layer1", "d7a548a8-d8ca-50ef-a651-66553bcfb08e"},
    {"é", "a91a747f-a9eb-5d59-8e80-687def3adc14"},
    {"😀", "a987b841-6f75-59b8-a486-7089ad52f539"},
    {"", "62a9753f-ed70-52d8-ba49-d04390fe316f"},
};

void section_guids(void) {
    char guid[37];
    for (size_t each = 0; each < sizeof known / sizeof known[0]; each++) {
        hc_outcome outcome = hc_name_to_guid(table, text_of(known[each].name), guid);
        CHECK(
            outcome.status == HC_DONE && strcmp(guid, known[each].guid) == 0, "'%.12s' is %s", known[each].name, guid);
    }
    service->script(&(service_script){.function = "NameToGuid", .result = (HcsResult)0x80070057});
    hc_outcome outcome = hc_name_to_guid(table, text_of("a"), guid);
    CHECK(outcome.status == HC_FAILED && outcome.code == ERROR_INVALID_PARAMETER, "a refusal is a refusal");
    CHECK(guid[0] == 0, "and leaves no id");
    outcome = hc_name_to_guid(table, (hc_text){"a\0b", 3}, guid);
    CHECK(outcome.status == HC_BAD_TEXT && guid[0] == 0, "a name with a NUL inside is refused");
}
