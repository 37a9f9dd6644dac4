/* Registries: members, regions, courses, frameworks, parameters, as genesis and governance write them.
 *
 * Beside the members' records two indexes are kept, which no root covers and a replay rebuilds: whose node key one
 * is, and which active members have a role that approves. One owner thread (the executor). */
#ifndef XUELIAN_LEDGER_REGISTRY_H
#define XUELIAN_LEDGER_REGISTRY_H

#include "ledger/state/state.h"

/* Arena that holds any member's record, decoded; and the record's largest size. */
#define MEMBER_MEMORY_SIZE     65536u
#define MEMBER_RECORD_SIZE_MAX 24576u

/* Writes a record under its number. Returns ST_OK; ST_NO_MEMORY; ST_CORRUPT, ST_IO. */
enum status registry_put(struct state *state, uint32_t collection, uint32_t number,
                         const ProtobufCMessage *message);
/* Writes a parameter. As registry_put. */
enum status registry_put_param(struct state *state, const char *name, uint64_t value);
/* The natural key of a member's record, page 0, or of a page of its keys and nodes that ended. Returns its size. */
enum { MEMBER_KEY_SIZE_MAX = 8 };
size_t registry_member_key(uint8_t out[MEMBER_KEY_SIZE_MAX], uint32_t member, uint32_t page);
/* On which page a key stands that the member had; 0: on none. Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status registry_key_page(struct state *state, uint32_t member, const ProtobufCBinaryData *key,
                              uint32_t *page);
/* Writes a member's record, or a page, and what is indexed of it. The lists of LIMIT_GOVERNORS_MAX members of a role have
 * room for it: of records written together, each one first leaves the roles that it loses. As registry_put. */
enum status registry_put_member(struct state *state, const Xuelian__Member *member);
enum status registry_leave_roles(struct state *state, const Xuelian__Member *member);

/* Which member a node key belongs to, for ever once it was in its record; 0: none.
 * Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status registry_node_owner(struct state *state, const ProtobufCBinaryData *key,
                                uint32_t *member);

/* The active members that have a role, GOVERN or ACCREDIT, ascending; and how many.
 * Returns ST_OK; ST_CORRUPT, ST_IO. Out  members: LIMIT_GOVERNORS_MAX at most. */
enum status registry_role_members(struct state *state, Xuelian__MemberRole role, uint32_t *members,
                                  uint32_t *count);
enum status registry_role_count(struct state *state, Xuelian__MemberRole role, uint32_t *count);

/* Whether a member can sign at every height from `height` on: some key of its record is in force at each. Once true
 * it stays so while its keys stay as they are. Pure. */
bool registry_signs_from(const Xuelian__Member *member, uint64_t height);

/* Whether a member, as its record says, is active and has a role. Pure. */
bool registry_may(const Xuelian__Member *member, Xuelian__MemberRole role);

#endif
