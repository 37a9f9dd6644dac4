/* One bulk transaction on its way: its rows, its signed bytes, and where it stands. See import_run.h. */
#ifndef XUELIAN_CLI_FLIGHT_H
#define XUELIAN_CLI_FLIGHT_H

#include "cli/source.h"
#include "ledger/tx/envelope.h"

struct import_run;

enum flight_state {
    FLIGHT_FREE,
    FLIGHT_READY,   /* to be sent, not before not_before_ms */
    FLIGHT_SENT,    /* its submission is being answered */
    FLIGHT_ASK,     /* taken by a node; to be asked for */
    FLIGHT_WAITING, /* being asked for */
    FLIGHT_OVER     /* its rows have their results */
};

struct flight_row {
    const char *file;
    uint32_t line;
    size_t size;
    uint8_t bytes[SOURCE_ITEM_SIZE_MAX];
    size_t details_size; /* 0: none */
    uint8_t *details;    /* malloc'ed */
};

struct flight {
    struct import_run *run; /* owner */
    enum flight_state state;
    bool accounts;
    uint32_t member;
    uint64_t batch;
    uint32_t count;
    struct flight_row rows[LIMIT_BULK_ITEMS_MAX];
    size_t details_size; /* of all rows */
    uint8_t *tx;         /* with its details */
    size_t tx_size;
    struct hash32 id;
    struct hash32 digest; /* of its rows: resume.h */
    uint32_t refused;     /* rows */
    bool sent;            /* some node may have it */
    bool doubtful;        /* its last height has passed or is too far; is it in a block? */
    uint32_t node;
    uint32_t attempts; /* in a row without progress */
    uint64_t submitted_ms;
    uint64_t not_before_ms;
    char path[128]; /* of the question */
};

/* Empties it for another batch. */
void flight_clear(struct flight *flight);

/* Sets the digest: of what is deposited, by whom, not of when. */
void flight_digest(struct flight *flight);

/* Builds and signs the transaction of its rows: bulk, or single when there is one row.
 * False with *fault (EXIT_IO). */
bool flight_sign(struct flight *flight, const struct hash32 *chain_id, uint64_t valid_until,
                 const struct signer *signer, struct fault *fault);

/* What a node says of a transaction. */
enum flight_news {
    NEWS_PENDING,
    NEWS_UNKNOWN,
    NEWS_COMMITTED,
    NEWS_REFUSED,
    NEWS_EXPIRED,
    NEWS_UNREADABLE
};

struct flight_report {
    enum flight_news news;
    uint64_t height;
    uint32_t code;
    uint32_t code_count; /* 0, or the rows */
    uint32_t codes[LIMIT_BULK_ITEMS_MAX];
};

/* Reads the JSON of a transaction's status (README.md). count: rows expected. */
void flight_read(struct flight_report *report, const char *body, size_t size, uint32_t count);

#endif
