/* The kinds of change: what each must be, and how it is made on a draft. */
#include <string.h>

#include "ledger/record_checks.h"
#include "ledger/tx/govern.h"
#include "ledger/tx/records.h"
#include "proto/bytes.h"
#include "proto/convert.h"

enum { MEMBER_STATUS_MAX = 2, COURSE_ENDED = 3 };

/* ---- Form ---- */

static uint32_t record_if(bool right)
{
    return right ? ST_OK : ST_BAD_RECORD;
}

static bool key_right(const ProtobufCBinaryData *field)
{
    struct pubkey33 key;
    return field_copy(&key, 33, field) && sign_key_valid(&key);
}

static bool node_right(const Xuelian__MemberNodeChange *wish)
{
    Xuelian__Node node = XUELIAN__NODE__INIT;
    node.key = wish->key;
    node.role = wish->role;
    node.addresses = wish->addresses;
    node.n_addresses = wish->n_addresses;
    return node_wrong(&node) == NULL;
}

static bool param_right(const Xuelian__ParamValue *wish)
{
    Xuelian__Params scratch;
    params_defaults(&scratch);
    return params_set(&scratch, wish->name, wish->value);
}

static bool member_key_right(const Xuelian__MemberKeyChange *wish)
{
    return key_right(&wish->key) && (wish->from_height == 0 || wish->to_height == 0);
}

uint32_t change_form(const Xuelian__Change *change)
{
    if (govern_class_of(change) == GOVERN_CLASSES) {
        return ST_BAD_FIELD;
    }
    if (change->member != NULL) {
        return record_if(change->member->id != 0 && member_wrong(change->member) == NULL);
    }
    if (change->status != NULL) {
        return record_if(change->status->status <= MEMBER_STATUS_MAX);
    }
    if (change->key != NULL) {
        return record_if(member_key_right(change->key));
    }
    if (change->node != NULL) {
        return record_if(node_right(change->node));
    }
    if (change->param != NULL) {
        return param_right(change->param) ? ST_OK : ST_BAD_PARAMETER;
    }
    if (change->region != NULL) {
        return record_if(region_wrong(change->region) == NULL);
    }
    if (change->framework != NULL) {
        return record_if(change->framework->code != 0 &&
                         framework_wrong(change->framework) == NULL);
    }
    if (change->course != NULL) {
        return record_if(change->course->id != 0 && course_wrong(change->course) == NULL);
    }
    if (change->course_status != NULL) {
        return record_if(change->course_status->status <= COURSE_ENDED);
    }
    return ST_OK;
}

/* ---- Registries ---- */

static enum status change_region(struct draft *draft, const Xuelian__Region *wish, uint32_t *code)
{
    const uint32_t collection = XUELIAN__COLLECTION__COLLECTION_REGIONS;
    ProtobufCMessage *message = NULL;
    bool parent = true;
    bool successor = true;
    enum status status = ST_OK;
    if (wish->parent != 0) {
        status = draft_has(draft, collection, wish->parent, &parent);
    }
    if (status == ST_OK && wish->successor != 0) {
        status = draft_has(draft, collection, wish->successor, &successor);
    }
    if (status == ST_OK && !(parent && successor)) {
        *code = ST_UNKNOWN_REGION;
        return ST_OK;
    }
    if (status == ST_OK) {
        status =
            draft_message(draft, collection, wish->code, &xuelian__region__descriptor, &message);
    }
    if (status == ST_OK) {
        /* Statistics add up along these: a region that moves ends, and another begins. */
        const Xuelian__Region *known = (const Xuelian__Region *)(const void *)message;
        *code = record_if(known->parent == wish->parent && known->level == wish->level);
    }
    if (status == ST_NOT_FOUND) {
        status = ST_OK;
    }
    if (status == ST_OK && *code == ST_OK) {
        draft_put_numbered(draft, collection, wish->code, &wish->base);
    }
    return status;
}

/* A record with versions: the first is 1, a change has the same or the next. */
static bool version_follows(bool known, uint32_t version_known, uint32_t version)
{
    return known ? version == version_known || version == version_known + 1 : version == 1;
}

static enum status change_framework(struct draft *draft, const Xuelian__Framework *wish,
                                    uint32_t *code)
{
    const uint32_t collection = XUELIAN__COLLECTION__COLLECTION_FRAMEWORK;
    ProtobufCMessage *message = NULL;
    enum status status =
        draft_message(draft, collection, wish->code, &xuelian__framework__descriptor, &message);
    bool known = status == ST_OK;
    if (!known && status != ST_NOT_FOUND) {
        return status;
    }
    *code = record_if(version_follows(
        known, known ? ((const Xuelian__Framework *)(const void *)message)->version : 0,
        wish->version));
    if (*code == ST_OK) {
        draft_put_numbered(draft, collection, wish->code, &wish->base);
    }
    return ST_OK;
}

static enum status change_course(struct draft *draft, const Xuelian__Course *wish, uint32_t *code)
{
    const uint32_t collection = XUELIAN__COLLECTION__COLLECTION_COURSES;
    ProtobufCMessage *message = NULL;
    bool member = false;
    enum status status =
        draft_has(draft, XUELIAN__COLLECTION__COLLECTION_MEMBERS, wish->accredited_by, &member);
    if (status == ST_OK && !member) {
        *code = ST_UNKNOWN_MEMBER;
        return ST_OK;
    }
    if (status == ST_OK) {
        status = draft_message(draft, collection, wish->id, &xuelian__course__descriptor, &message);
    }
    bool known = status == ST_OK;
    if (!known && status != ST_NOT_FOUND) {
        return status;
    }
    *code = record_if(version_follows(
        known, known ? ((const Xuelian__Course *)(const void *)message)->version : 0,
        wish->version));
    if (*code == ST_OK) {
        draft_put_numbered(draft, collection, wish->id, &wish->base);
    }
    return ST_OK;
}

static enum status change_course_status(struct draft *draft,
                                        const Xuelian__CourseStatusChange *wish, uint32_t *code)
{
    const uint32_t collection = XUELIAN__COLLECTION__COLLECTION_COURSES;
    ProtobufCMessage *message = NULL;
    enum status status =
        draft_message(draft, collection, wish->course, &xuelian__course__descriptor, &message);
    if (status != ST_OK) {
        *code = ST_UNKNOWN_COURSE;
        return status == ST_NOT_FOUND ? ST_OK : status;
    }
    Xuelian__Course *course = (Xuelian__Course *)(void *)message;
    if (course->status == COURSE_ENDED || course->status == wish->status) {
        *code = ST_WRONG_STATE;
        return ST_OK;
    }
    course->status = wish->status;
    draft_put_numbered(draft, collection, course->id, &course->base);
    return ST_OK;
}

/* ---- Rules and the catalogue: checked as the block began, so one change of a record in a proposal ---- */

static enum status change_rule(struct draft *draft, const Xuelian__Rule *wish, uint32_t *code)
{
    const uint32_t collection = XUELIAN__COLLECTION__COLLECTION_RULES;
    if (draft_holds(draft, collection, wish->id)) {
        *code = ST_BAD_RECORD;
        return ST_OK;
    }
    enum status status = rule_record_check(draft->state, draft->context, wish, code);
    if (status == ST_OK && *code == ST_OK) {
        draft_put_numbered(draft, collection, wish->id, &wish->base);
    }
    return status;
}

static enum status change_catalogue(struct draft *draft, const Xuelian__CatalogueEntry *wish,
                                    uint32_t *code)
{
    const uint32_t collection = XUELIAN__COLLECTION__COLLECTION_CATALOGUE;
    if (draft_holds(draft, collection, wish->id)) {
        *code = ST_BAD_RECORD;
        return ST_OK;
    }
    enum status status = catalogue_record_check(draft->state, draft->context, wish, code);
    if (status == ST_OK && *code == ST_OK) {
        draft_put_numbered(draft, collection, wish->id, &wish->base);
    }
    return status;
}

/* ---- Parameters ---- */

static void put_param(struct draft *draft, const Xuelian__ParamValue *value)
{
    draft_put(draft, XUELIAN__COLLECTION__COLLECTION_PARAMS,
              bytes_of(value->name, strlen(value->name)), &value->base);
}

static void change_param(struct draft *draft, const Xuelian__ParamValue *wish, uint32_t *code)
{
    if (!params_set(&draft->next.params, wish->name, wish->value)) {
        *code = ST_BAD_PARAMETER;
        return;
    }
    put_param(draft, wish);
}

/* By the chain alone: programs of several versions must say the same of one block. */
static uint32_t in_force(const struct draft *draft)
{
    return draft->next.protocol_version != 0 &&
                   draft->context->height >= draft->next.protocol_height
               ? draft->next.protocol_version
               : GENESIS_PROTOCOL_VERSION;
}

static void change_protocol(struct draft *draft, const Xuelian__ProtocolChange *wish,
                            uint32_t *code)
{
    Xuelian__ParamValue version = XUELIAN__PARAM_VALUE__INIT;
    Xuelian__ParamValue height = XUELIAN__PARAM_VALUE__INIT;
    char version_name[] = "protocol_version";
    char height_name[] = "protocol_height";
    if (wish->version <= in_force(draft) || wish->version < draft->next.protocol_version ||
        wish->from_height <= draft->context->height + 1) {
        *code = ST_BAD_PARAMETER;
        return;
    }
    draft->next.protocol_version = wish->version;
    draft->next.protocol_height = wish->from_height;
    version.name = version_name;
    version.value = wish->version;
    height.name = height_name;
    height.value = wish->from_height;
    put_param(draft, &version);
    put_param(draft, &height);
}

enum status change_make(struct draft *draft, const Xuelian__Change *change, uint32_t *code)
{
    arena_init(&draft->arena, draft->memory, sizeof draft->memory);
    if (change->member != NULL) {
        return change_member(draft, change->member, code);
    }
    if (change->status != NULL) {
        return change_member_status(draft, change->status, code);
    }
    if (change->key != NULL) {
        return change_member_key(draft, change->key, code);
    }
    if (change->node != NULL) {
        return change_member_node(draft, change->node, code);
    }
    if (change->validator != NULL) {
        return change_validator(draft, change->validator, code);
    }
    if (change->region != NULL) {
        return change_region(draft, change->region, code);
    }
    if (change->framework != NULL) {
        return change_framework(draft, change->framework, code);
    }
    if (change->course != NULL) {
        return change_course(draft, change->course, code);
    }
    if (change->course_status != NULL) {
        return change_course_status(draft, change->course_status, code);
    }
    if (change->rule != NULL) {
        return change_rule(draft, change->rule, code);
    }
    if (change->catalogue != NULL) {
        return change_catalogue(draft, change->catalogue, code);
    }
    if (change->param != NULL) {
        change_param(draft, change->param, code);
    } else {
        change_protocol(draft, change->protocol, code);
    }
    return ST_OK;
}
