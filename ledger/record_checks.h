/* What a registry's record must be by itself: members, regions, courses, frameworks. Genesis and governance check
 * by the same functions; what depends on other records is checked where those are at hand.
 * Pure; any thread. */
#ifndef XUELIAN_LEDGER_RECORD_CHECKS_H
#define XUELIAN_LEDGER_RECORD_CHECKS_H

#include "proto/ledger.pb-c.h"

/* Each returns NULL when the record is right, else what is wrong with it, to stand behind its name: "has no kind".
 * Static text. Cost: member_wrong looks at each key, about 5 us. */
const char *member_wrong(const Xuelian__Member *member);
const char *node_wrong(const Xuelian__Node *node);
const char *region_wrong(const Xuelian__Region *region);
const char *course_wrong(const Xuelian__Course *course);
const char *framework_wrong(const Xuelian__Framework *framework);

#endif
