#include "ledger/tx/kinds.h"

#include <string.h>

#include "ledger/tx/rules.h"

/* KIND, name, message, bulk, role of the first signer, rule. Ascending. */
#define KIND(KIND, name, message, bulk, role, apply)                                     \
    {                                                                                    \
        XUELIAN__TX_KIND__TX_KIND_##KIND, name, &xuelian__##message##__descriptor, bulk, \
            XUELIAN__MEMBER_ROLE__MEMBER_ROLE_##role, apply                              \
    }
static const struct tx_kind kinds[] = {
    KIND(ACCOUNT_OPEN, "account-open", account_opening, false, OPEN_ACCOUNTS, account_open_apply),
    KIND(ACCOUNT_OPEN_BULK, "account-open-bulk", account_opening, true, OPEN_ACCOUNTS,
         account_open_apply),
    KIND(DEPOSIT, "deposit", outcome, false, DEPOSIT, deposit_apply),
    KIND(DEPOSIT_BULK, "deposit-bulk", outcome, true, DEPOSIT, deposit_apply),
    KIND(ACCOUNT_CLAIM, "account-claim", key_binding, false, UNSPECIFIED, account_claim_apply),
    KIND(ACCOUNT_ROTATE, "account-rotate", account_key_rotation, false, UNSPECIFIED,
         account_rotate_apply),
    KIND(ACCOUNT_RECOVER, "account-recover", key_binding, false, UNSPECIFIED,
         account_recover_apply),
    KIND(ACCOUNT_FREEZE, "account-freeze", account_act, false, UNSPECIFIED, account_freeze_apply),
    KIND(ACCOUNT_UNFREEZE, "account-unfreeze", account_act, false, UNSPECIFIED,
         account_unfreeze_apply),
    KIND(ACCOUNT_CLOSE, "account-close", account_act, false, UNSPECIFIED, account_close_apply),
    KIND(ACCOUNT_GUARDIAN, "account-guardian", guardian_setting, false, UNSPECIFIED,
         account_guardian_apply),
    KIND(ACCOUNT_DECEASED, "account-deceased", death_notice, false, UNSPECIFIED,
         account_deceased_apply),
};
#undef KIND
enum { KIND_COUNT = sizeof kinds / sizeof kinds[0] };

const struct tx_kind *tx_kind_of(Xuelian__TxKind kind)
{
    for (size_t i = 0; i < KIND_COUNT; i++) {
        if (kinds[i].kind == kind) {
            return &kinds[i];
        }
    }
    return NULL;
}

const struct tx_kind *tx_kind_named(const char *name)
{
    for (size_t i = 0; i < KIND_COUNT; i++) {
        if (strcmp(kinds[i].name, name) == 0) {
            return &kinds[i];
        }
    }
    return NULL;
}

const struct tx_kind *tx_kind_at(uint32_t i)
{
    return i < KIND_COUNT ? &kinds[i] : NULL;
}
