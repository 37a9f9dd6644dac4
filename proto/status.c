#include "proto/status.h"

#include <stddef.h>

struct status_row {
    uint32_t number;
    enum status_class class;
    const char *name;
    const char *en;
    const char *zh;
};

static const struct status_row rows[] = {
#define X(name, number, class, en, zh) {(number), STATUS_CLASS_##class, #name, en, zh},
    STATUS_TABLE(X)
#undef X
};

static const struct status_row *status_row(uint32_t number)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].number == number) {
            return &rows[i];
        }
    }
    return NULL;
}

const char *status_name(enum status status)
{
    const struct status_row *row = status_row((uint32_t)status);
    return row != NULL ? row->name : "UNKNOWN";
}

const char *status_en(enum status status)
{
    const struct status_row *row = status_row((uint32_t)status);
    return row != NULL ? row->en : "an error number that this version does not know; upgrade";
}

const char *status_zh(enum status status)
{
    const struct status_row *row = status_row((uint32_t)status);
    return row != NULL ? row->zh : "本版本不认识的错误编号；请升级";
}

enum status_class status_class(enum status status)
{
    const struct status_row *row = status_row((uint32_t)status);
    return row != NULL ? row->class : STATUS_CLASS_BAD;
}

bool status_known(uint32_t number)
{
    return status_row(number) != NULL;
}
