/* Validators that signed twice. */
#include <string.h>

#include "tests/vectors/vectors.h"

#define FOUR                        \
    {                               \
        .validators = 4, .items = 1 \
    }
#define CHANGING                                      \
    {                                                 \
        .validators = 4, .items = 1, .set_changes = 2 \
    }

static struct built proposals(struct world *world)
{
    return world_evidence(world, EVIDENCE_PROPOSALS, true);
}

static struct built commits(struct world *world)
{
    return world_evidence(world, EVIDENCE_COMMITS, true);
}

static struct built newest_set(struct world *world)
{
    return world_evidence(world, EVIDENCE_PREPARES, false);
}

static struct built changes(struct world *world)
{
    return world_evidence(world, EVIDENCE_CHANGES, true);
}

static struct built forgotten(struct world *world)
{
    return world_evidence(world, EVIDENCE_FORGOTTEN, true);
}

static struct built remembered(struct world *world)
{
    return world_evidence(world, EVIDENCE_REMEMBERED, true);
}

static struct built other_views(struct world *world)
{
    return world_evidence(world, EVIDENCE_OTHER_VIEWS, true);
}

static void signature_altered(Xuelian__Proof *proof)
{
    proof->equivocation->evidence.data[proof->equivocation->evidence.len - 1] ^= 1;
}

static void key_altered(Xuelian__Proof *proof)
{
    proof->equivocation->evidence.data[10] ^= 1;
}

static void changes_left_out(Xuelian__Proof *proof)
{
    Xuelian__Anchor *anchor = proof->anchor;
    const Xuelian__SetChange *first = anchor->set_changes[0];
    field_set(&anchor->header, first->header.data, first->header.len);
    field_set(&anchor->certificate, first->certificate.data, first->certificate.len);
    for (size_t i = 0; i < anchor->n_set_changes; i++) {
        xuelian__set_change__free_unpacked(anchor->set_changes[i], NULL);
    }
    anchor->n_set_changes = 0;
}

const struct vector evidence_vectors[] = {
    {.name = "evidence-proposals",
     .why = "two proposals for one height and view",
     .plan = FOUR,
     .build = proposals,
     .fault = VERIFY_FAULT_NONE},
    {.name = "evidence-commits",
     .why = "two COMMITs for one height and view, in a set that has been replaced since",
     .plan = CHANGING,
     .build = commits,
     .fault = VERIFY_FAULT_NONE},
    {.name = "evidence-20",
     .why = "two COMMITs, one of twenty validators",
     .plan = {.validators = 20, .items = 1},
     .build = commits,
     .fault = VERIFY_FAULT_NONE},
    {.name = "evidence-newest-set",
     .why = "two PREPAREs of a validator of the newest set",
     .plan = CHANGING,
     .build = newest_set,
     .fault = VERIFY_FAULT_NONE},
    {.name = "evidence-changes",
     .why = "two view changes to one view with different committed blocks",
     .plan = FOUR,
     .build = changes,
     .fault = VERIFY_FAULT_NONE},
    {.name = "evidence-forgotten",
     .why = "a COMMIT, and a view change above it with an older certificate",
     .plan = FOUR,
     .build = forgotten,
     .fault = VERIFY_FAULT_NONE},
    {.name = "evidence-remembered",
     .why = "a COMMIT, and a view change that brings the certificate of its view: no offence",
     .plan = FOUR,
     .build = remembered,
     .fault = VERIFY_FAULT_EVIDENCE},
    {.name = "evidence-other-views",
     .why = "two COMMITs of two views: no offence",
     .plan = FOUR,
     .build = other_views,
     .fault = VERIFY_FAULT_EVIDENCE},
    {.name = "evidence-signature",
     .why = "one bit of a signature",
     .plan = FOUR,
     .build = commits,
     .alter = signature_altered,
     .fault = VERIFY_FAULT_EVIDENCE_SIGNATURE},
    {.name = "evidence-key",
     .why = "a key that is not of the set",
     .plan = FOUR,
     .build = commits,
     .alter = key_altered,
     .fault = VERIFY_FAULT_EVIDENCE_SET},
    {.name = "evidence-later-set",
     .why = "a validator of a set that the anchor's way does not reach",
     .plan = CHANGING,
     .build = newest_set,
     .alter = changes_left_out,
     .fault = VERIFY_FAULT_EVIDENCE_SET},
    {.name = NULL},
};
