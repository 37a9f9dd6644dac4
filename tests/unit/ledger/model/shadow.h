/* The model beside a ledger: every block that the ledger applied, again by the model, and what came of it compared:
 * codes, result root, state root with the leaves of every collection, the next set and parameters. A test that makes its
 * blocks through support.h, net.h or people.h opens it, and has it for nothing. */
#ifndef XUELIAN_TESTS_MODEL_SHADOW_H
#define XUELIAN_TESTS_MODEL_SHADOW_H

#include "ledger/ledger.h"
#include "tests/unit/ledger/model/model.h"

/* Begins beside a new ledger of this genesis; what was before is forgotten. A block that differs fails the test, and
 * says where. It stands aside from the first block on that has a kind of transaction that the model does not know. */
void shadow_open(const struct genesis *genesis);
/* The same beside each ledger that is opened from now on, until it is closed. */
void shadow_watch(void);
void shadow_close(void);
/* What the model holds, for tests that choose by it. */
struct model *shadow_model(void);
/* Blocks compared since it was opened. */
uint64_t shadow_blocks(void);

#endif
