/* Normal case and view change at one open height, in every order of events: rules R9 to R13, R15, R17 to R19 of
 * consensus/README.md. README.md beside this file says what is shown, and what is not.
 *
 * Read it as one process that makes one step at a time: some honest replica does one thing that a rule allows. Network
 * and liars are not processes, because both are sets that only grow:
 *
 *   messages   what was sent stays sent. A replica that acts may have read any of it, so loss, delay, reordering and
 *              repetition are all there: not to read is loss, to read late is delay. R9 says which of a member's votes
 *              is kept; a replica that keeps fewer does nothing that is not done here.
 *   liars      have from the start sent every vote and proposal that a key can sign, both of every pair, and every
 *              VIEW-CHANGE as soon as the certificates in it exist: stale, hiding, choosing. So a liar counts in every
 *              quorum, for every header at once.
 *   primaries  each view's has sent all proposals and every NEW-VIEW that q VIEW-CHANGEs allow. A lying one can; that
 *              honest ones do too only adds steps. So agreement rests on no primary, on no order of them (R2), and
 *              not on "at most one NEW-VIEW a view".
 *   clocks     a replica leaves for any later view at any moment: R14 to R16 are cases of that.
 *
 * Header A is the one that is PREPAREd first, by whomever: the names are ours. */

/* ---- Bounds --------------------------------------------------------------------------------------- */

#ifndef HONEST
#define HONEST 3 /* n = 4; or 4, n = 5 */
#endif
#ifndef LIARS
#define LIARS 1 /* f (R1) */
#endif
#ifdef PLANT_QUORUM_OF_TWO
#define Q 2
#endif
#ifndef Q
#define Q 3 /* q = ceil((n + f + 1) / 2) (R1) */
#endif
#ifndef VIEWS
#define VIEWS 3 /* 0 to 2; or 2, or 4; or more in a replay */
#endif
#ifndef HEADERS
#define HEADERS 2 /* A and B; or up to 4, C and D too, in a replay */
#endif

/* ---- State ---------------------------------------------------------------------------------------- */

/* Headers at the open height, and what an installed view allows to be PREPAREd there. */
#define NONE 0
#define A 1
#define B 2
#define FREE (HEADERS + 1)    /* no certificate in the NEW-VIEW: any proposal */
#define SETTLED (HEADERS + 2) /* h* is the open height: nothing (R19) */
#define CLOSED (HEADERS + 3)  /* the view that it has left for is not open yet */

/* The block last committed. In a VIEW-CHANGE 0 says that none was sent. */
#define BEHIND 1 /* it lacks the block before the open height */
#define LEVEL 2  /* it has that one: the open height is being agreed on */
#define DONE 3   /* it has the block at the open height */

/* One honest replica: where it stands, and what it has sent, which all can read. */
typedef replica {
    byte height;               /* BEHIND, LEVEL, DONE */
    byte target;               /* the view that it is in or has left for: no vote below (R13) */
    byte allows;               /* FREE, A, B, SETTLED; CLOSED until a NEW-VIEW for the target is installed */
    byte kept_view;            /* the prepared certificate that it keeps (R11): its view, */
    byte kept_header;          /* and its header, NONE without one */
    byte prepared[VIEWS];      /* header PREPAREd in each view */
    byte committed[VIEWS];     /* header COMMITted in each view */
    byte change_height[VIEWS]; /* VIEW-CHANGE for each view: last committed block, */
    byte change_view[VIEWS];   /* view of the prepared certificate in it, */
    byte change_header[VIEWS]  /* and its header, NONE if there is none */
};
replica at[HONEST];

/* What exists by now, as sets; they only grow. */
byte certificates[VIEWS]; /* headers with a prepared certificate of each view */
byte blocks;              /* headers with a commit certificate, of whichever view */
byte new_views[VIEWS];    /* what NEW-VIEWs for each view allow */
bool begun;               /* a PREPARE was sent: it was for A */

/* Of use within a step only: no part of the state. */
hidden int i, w, x, y, taken, count, base, best_view, best_header, lowest, left_key, right_key, keep;

#define HAS(set, element) ((set >> element) & 1)
#define ADD(set, element) set = set | (1 << element)

#if HONEST == 3
#define SUM(term, v, h) (term(0, v, h) + term(1, v, h) + term(2, v, h))
#else
#define SUM(term, v, h) (term(0, v, h) + term(1, v, h) + term(2, v, h) + term(3, v, h))
#endif

/* ---- Rules that errors are planted in -------------------------------------------------------------- */

/* R13, R19: votes are for the view that it is in, for the height after its last block, above h*. */
#define VOTES_IN(r, v) (at[r].target == v && at[r].height == LEVEL && at[r].allows != CLOSED && at[r].allows != SETTLED)
#define COMMITS_IN(r, v) VOTES_IN(r, v)
#define UNVOTED(r, field, v, h) (at[r].field[v] == NONE)          /* R10: one vote a place */
#define ALLOWED(r, h) (at[r].allows == FREE || at[r].allows == h) /* R19: exactly the forced header */
#define PREPARED_FOR(r, v, h) (at[r].prepared[v] == h)            /* R11: votes of one view make a quorum */
#define COMMITTED_FOR(r, v, h) (at[r].committed[v] == h)          /* R12: so here */
#define KEEPS(r) true                                             /* R21: leaving a view, it keeps its certificate */
#define VERIFIES(v, h) HAS(certificates[v], h)                    /* R17: a certificate has q PREPAREs */
#define HAS_LEFT(r, v, h) (at[r].change_height[ASKED(v)] != 0)
#define ASKED(v) (v)                                              /* R18: VIEW-CHANGEs for exactly that view */
#define NEW_VIEW_SIZE Q                                           /* R18: q of them */
#define BETTER(view) (best_header == NONE || view >= best_view)   /* R18: the certificate of the highest view */

#ifdef PLANT_TWO_VOTES
#undef UNVOTED
#define UNVOTED(r, field, v, h) (at[r].field[v] != h)
#endif
#ifdef PLANT_VOTES_OF_ANY_VIEW
#undef PREPARED_FOR
#define PREPARED_FOR(r, v, h) (at[r].prepared[v] == h || at[r].prepared[0] == h)
#endif
#ifdef PLANT_COMMIT_AFTER_VIEW_CHANGE
#undef COMMITS_IN
#define COMMITS_IN(r, v) (at[r].target >= v && at[r].height == LEVEL)
#endif
#ifdef PLANT_FORGOTTEN_CERTIFICATE
#undef KEEPS
#define KEEPS(r) (at[r].kept_view == at[r].target)
#endif
#ifdef PLANT_UNCHECKED_CERTIFICATE
#undef VERIFIES
#define VERIFIES(v, h) true
#endif
#ifdef PLANT_STALE_VIEW_CHANGE
#undef ASKED
#define ASKED(v) 1
#endif
#ifdef PLANT_SMALL_NEW_VIEW
#undef NEW_VIEW_SIZE
#define NEW_VIEW_SIZE (Q - 1)
#endif
#ifdef PLANT_LOWEST_CERTIFICATE
#undef BETTER
#define BETTER(view) (best_header == NONE || view <= best_view)
#endif
#ifdef PLANT_FORCED_HEADER_IGNORED
#undef ALLOWED
#define ALLOWED(r, h) true
#endif
#ifdef PLANT_VOTE_BELOW_BASE
#undef VOTES_IN
#define VOTES_IN(r, v) (at[r].target == v && at[r].height == LEVEL && at[r].allows != CLOSED)
#undef ALLOWED
#define ALLOWED(r, h) (at[r].allows == FREE || at[r].allows == h || at[r].allows == SETTLED)
#endif

/* ---- What replicas do ------------------------------------------------------------------------------ */

/* R10: PREPARE the view's forced header, or a proposal if the view is free. */
#define CAN_PREPARE(r, v, h) (VOTES_IN(r, v) && UNVOTED(r, prepared, v, h) && ALLOWED(r, h) && (begun || h == A))
inline prepare(r, v, h)
{
    printf("replica %d: PREPARE %c in view %d\n", r, 64 + h, v);
    at[r].prepared[v] = h;
    begun = true;
    if
    :: SUM(PREPARED_FOR, v, h) + LIARS >= Q -> ADD(certificates[v], h)
    :: else
    fi
}

/* R11: q PREPAREs of the view that it is in, whatever it PREPAREd itself: it keeps the certificate and COMMITs. */
#define CAN_COMMIT(r, v, h) (COMMITS_IN(r, v) && UNVOTED(r, committed, v, h) && HAS(certificates[v], h))
inline commit(r, v, h)
{
    printf("replica %d: COMMIT %c in view %d\n", r, 64 + h, v);
    at[r].committed[v] = h;
    at[r].kept_view = v;
    at[r].kept_header = h;
    if
    :: SUM(COMMITTED_FOR, v, h) + LIARS >= Q -> ADD(blocks, h)
    :: else
    fi
}

/* R12, R28: q COMMITs of one view, whichever, read one by one or in a certificate. It votes no more at this height, and
 * no view that opens changes that. */
#define CAN_FINISH(r) (at[r].height == LEVEL && blocks != 0)
inline finish(r)
{
    printf("replica %d: commits the block at the open height\n", r);
    at[r].height = DONE;
    at[r].allows = CLOSED;
    at[r].kept_view = 0;
    at[r].kept_header = NONE
}

/* R28: the block before the open height has its certificate; whoever lacks the block adopts it. */
#define CAN_CATCH_UP(r) (at[r].height == BEHIND)
inline catch_up(r)
{
    printf("replica %d: adopts the block before the open height\n", r);
    at[r].height = LEVEL
}

/* R13, and R14 to R16: VIEW-CHANGE, with its last block, and the prepared certificate that it keeps for the next. */
#define CAN_LEAVE(r, v) (at[r].target < v)
inline leave(r, v)
{
    if
    :: KEEPS(r)
    :: else -> at[r].kept_header = NONE
    fi;
    printf("replica %d: VIEW-CHANGE for view %d, block %d, certificate %c of view %d\n", r, v, at[r].height,
           64 + at[r].kept_header, at[r].kept_view);
    at[r].change_height[v] = at[r].height;
    at[r].change_view[v] = at[r].kept_view;
    at[r].change_header[v] = at[r].kept_header;
    at[r].target = v;
    at[r].allows = CLOSED
}

/* R18: the first valid NEW-VIEW that it reads, of its target or above; a VIEW-CHANGE of its own it needs not. Liars can
 * put a commit certificate that exists into any. */
#define EXISTS(v, what) (HAS(new_views[v], what) || (what == SETTLED && new_views[v] != 0 && blocks != 0))
#define CAN_INSTALL(r, v, what) \
    ((at[r].target < v || (at[r].target == v && at[r].allows == CLOSED)) && at[r].height != DONE && EXISTS(v, what))
inline install(r, v, what)
{
    printf("replica %d: installs view %d, allows %d\n", r, v, what);
    at[r].target = v;
    at[r].allows = what
}

/* ---- NEW-VIEWs ------------------------------------------------------------------------------------- */

#define CARRIES_ONE(r, v) (at[r].change_header[ASKED(v)] != NONE)

/* R18: those for v that hold the VIEW-CHANGEs of the `count` honest replicas in `taken` and, where these are fewer than
 * q, of liars. */
inline new_views_with(v)
{
    /* h*, the highest committed height, */
    base = BEHIND;
    for (i : 0 .. HONEST - 1) {
        if
        :: HAS(taken, i) && at[i].change_height[ASKED(v)] > base -> base = at[i].change_height[ASKED(v)]
        :: else
        fi
    }
    /* and among the certificates prepared for h* + 1 the one of the highest view. Only LEVEL ones have any here. */
    best_header = NONE;
    best_view = 0;
    for (i : 0 .. HONEST - 1) {
        if
        :: HAS(taken, i) && base == LEVEL && CARRIES_ONE(i, v) && BETTER(at[i].change_view[ASKED(v)]) ->
            best_view = at[i].change_view[ASKED(v)];
            best_header = at[i].change_header[ASKED(v)]
        :: else
        fi
    }
    if
    :: base == DONE -> ADD(new_views[v], SETTLED)
    :: base != DONE && best_header != NONE -> ADD(new_views[v], best_header)
    :: base != DONE && best_header == NONE -> ADD(new_views[v], FREE)
    fi;
    /* R17: a liar's VIEW-CHANGE brings a certificate that verifies, of a view below v; or none, and changes nothing. */
    for (w : 0 .. v - 1) {
        for (x : A .. HEADERS) {
            if
            :: count < NEW_VIEW_SIZE && base != DONE && VERIFIES(w, x) && BETTER(w) -> ADD(new_views[v], x)
            :: else
            fi
        }
    }
}

/* Every choice of q. */
inline send_new_views(v)
{
    if
    :: SUM(HAS_LEFT, v, 0) + LIARS >= NEW_VIEW_SIZE ->
        for (taken : 1 .. (1 << HONEST) - 1) {
            count = 0;
            for (i : 0 .. HONEST - 1) {
                if
                :: HAS(taken, i) && HAS_LEFT(i, v, 0) -> count++
                :: HAS(taken, i) && !HAS_LEFT(i, v, 0) -> count = count + HONEST + 1 /* not to be had */
                :: else
                fi
            }
            if
            :: count <= NEW_VIEW_SIZE && count + LIARS >= NEW_VIEW_SIZE -> new_views_with(v)
            :: else
            fi
        }
    :: else
    fi
}

/* ---- What must be reachable: -DSOMETIMES=<name> finds a way to it ------------------------------------ */

#define EACH(p) (p(0) && p(1) && p(2))
#define SOME(p) (p(0) || p(1) || p(2))
#define IS_DONE(r) (at[r].height == DONE)
#define LACKS_OWN_PREPARE(r) (at[r].committed[0] != NONE && at[r].prepared[0] != at[r].committed[0])
#define FREE_IN_1(r) (at[r].target == 1 && at[r].allows == FREE)
#define FORCED_IN_1(r) (at[r].target == 1 && at[r].allows == A)
#define WAITS(r) (at[r].height == LEVEL && at[r].allows == SETTLED)
#define SKIPS_1(r) (at[r].prepared[0] != NONE && at[r].change_height[1] == 0 && at[r].prepared[2] != NONE)
#define OVERRIDDEN(r) (at[r].kept_view == 1 && at[r].kept_header == B && at[r].committed[0] == A)
#define BEHIND_FOR_1(r) (at[r].change_height[1] == BEHIND)
#define UP_FOR_1(r) (at[r].change_height[1] > BEHIND)

#define committed_in_view_0 (SUM(COMMITTED_FOR, 0, A) + LIARS >= Q)
#define committed_in_the_last_view (SUM(COMMITTED_FOR, VIEWS - 1, A) + LIARS >= Q)
#define all_honest_done EACH(IS_DONE)
#define commit_without_own_prepare SOME(LACKS_OWN_PREPARE)
#define forced_header_committed \
    (HAS(certificates[0], A) && certificates[1] == 0 && SUM(COMMITTED_FOR, 2, A) + LIARS >= Q)
#define hidden_certificate_overtaken (HAS(certificates[0], A) && SUM(COMMITTED_FOR, 1, B) + LIARS >= Q)
#define replica_commits_another SOME(OVERRIDDEN)
#define certificates_alternate (HAS(certificates[0], A) && HAS(certificates[1], B) && HAS(certificates[2], A))
#define two_new_views_of_one_view (SOME(FREE_IN_1) && SOME(FORCED_IN_1))
#define replica_waits_below_base SOME(WAITS)
#define replica_skips_a_view SOME(SKIPS_1)
#define base_below_open_height (SOME(BEHIND_FOR_1) && !SOME(UP_FOR_1) && SUM(COMMITTED_FOR, 1, A) + LIARS >= Q)

/* ---- After each step ------------------------------------------------------------------------------- */

#if HEADERS == 2
#define AGREEMENT !(HAS(blocks, A) && HAS(blocks, B))
#else
#define AGREEMENT ((blocks & (blocks - 1)) == 0)
#endif

inline step_done()
{
#if VIEWS <= 4
    send_new_views(1);
#if VIEWS > 2
    send_new_views(2);
#endif
#if VIEWS > 3
    send_new_views(3);
#endif
#else
    for (y : 1 .. VIEWS - 1) {
        send_new_views(y)
    }
#endif
#ifdef SOMETIMES
    assert(!(SOMETIMES));
#else
    assert(AGREEMENT);
#endif
#ifndef PLAIN
#ifndef REMEMBER
    forget();
#endif
    sort();
#endif
    i = 0
}

/* What can make no difference any more is forgotten. `lowest` is the view below which nobody can vote: of those views
 * only the certificates count, which are kept. Nobody leaves for `lowest` itself any more: its NEW-VIEWs are complete.
 * With -DREMEMBER nothing is forgotten; with -DPLAIN replicas keep their numbers too: for traces, and for planted
 * errors, some of which vote in old views. */
inline forget()
{
    lowest = VIEWS - 1;
    for (i : 0 .. HONEST - 1) {
        lowest = (at[i].target < lowest -> at[i].target : lowest)
    }
    for (w : 0 .. lowest) {
        for (i : 0 .. HONEST - 1) {
            at[i].change_height[w] = 0;
            at[i].change_view[w] = 0;
            at[i].change_header[w] = NONE;
            at[i].prepared[w] = (w < lowest -> NONE : at[i].prepared[w]);
            at[i].committed[w] = (w < lowest -> NONE : at[i].committed[w])
        }
        new_views[w] = (w < lowest -> 0 : new_views[w])
    }
}

/* Replicas are interchangeable. */
#define KEY_OF_VIEW(r, v) ((at[r].prepared[v] * 3 + at[r].committed[v]) * 4 + at[r].change_height[v])
#define KEY_OF_CERTIFICATE(r) (at[r].kept_view * 3 + at[r].kept_header)
#define KEY(r) (((at[r].height * VIEWS + at[r].target) * 6 + at[r].allows) * VIEWS * 3 + KEY_OF_CERTIFICATE(r))
#define SWAP(field) keep = at[i].field; at[i].field = at[i + 1].field; at[i + 1].field = keep
inline sort()
{
    for (x : 1 .. HONEST - 1) {
        for (i : 0 .. HONEST - 1 - x) {
            left_key = KEY(i);
            right_key = KEY(i + 1);
            for (w : 0 .. VIEWS - 1) {
                left_key = left_key * 36 + KEY_OF_VIEW(i, w);
                right_key = right_key * 36 + KEY_OF_VIEW(i + 1, w)
            }
            if
            :: left_key > right_key ->
                SWAP(height);
                SWAP(target);
                SWAP(allows);
                SWAP(kept_view);
                SWAP(kept_header);
                for (w : 0 .. VIEWS - 1) {
                    SWAP(prepared[w]);
                    SWAP(committed[w]);
                    SWAP(change_height[w]);
                    SWAP(change_view[w]);
                    SWAP(change_header[w])
                }
            :: else
            fi
        }
    }
}

/* ---- All steps ------------------------------------------------------------------------------------- */

#ifndef REPLAY
#define STEP(can, action) :: d_step { can -> action }
#define VOTES(r, v, h) STEP(CAN_PREPARE(r, v, h), prepare(r, v, h)) STEP(CAN_COMMIT(r, v, h), commit(r, v, h))
#define INSTALL(r, v, what) STEP(CAN_INSTALL(r, v, what), install(r, v, what))
#define VIEW_0(r) VOTES(r, 0, A) VOTES(r, 0, B)
#define VIEW(r, v) \
    STEP(CAN_LEAVE(r, v), leave(r, v)) \
    INSTALL(r, v, FREE) INSTALL(r, v, A) INSTALL(r, v, B) INSTALL(r, v, SETTLED) \
    VOTES(r, v, A) VOTES(r, v, B)

#if VIEWS == 2
#define ALL_VIEWS(r) VIEW_0(r) VIEW(r, 1)
#elif VIEWS == 3
#define ALL_VIEWS(r) VIEW_0(r) VIEW(r, 1) VIEW(r, 2)
#else
#define ALL_VIEWS(r) VIEW_0(r) VIEW(r, 1) VIEW(r, 2) VIEW(r, 3)
#endif

#define REPLICA(r) STEP(CAN_CATCH_UP(r), catch_up(r)) STEP(CAN_FINISH(r), finish(r)) ALL_VIEWS(r)

/* View 0 is open, with nothing forced. The certificate of the block before exists; nobody has read it yet. */
active proctype replicas()
{
    d_step {
        for (i : 0 .. HONEST - 1) {
            at[i].height = BEHIND;
            at[i].allows = FREE
        }
    }
end:
    do
    :: atomic {
           if
           REPLICA(0)
           REPLICA(1)
           REPLICA(2)
#if HONEST > 3
           REPLICA(3)
#endif
           fi;
           d_step { step_done() }
       }
    od
}

/* ---- A replay: not all steps, but those that a run of the core made ------------------------------------ */

#else
/* One line of input: `op who view what height kept_view kept_header`, in numbers. `conform` writes them. */
#define PREPARE 1  /* what: header */
#define COMMIT 2   /* what: header */
#define LEAVE 3    /* with the block and the certificate that the VIEW-CHANGE shows */
#define INSTALL 4  /* what: it allows */
#define CATCH_UP 5
#define FINISH 6
#define BEGIN 7 /* another height: all as at first */
#define END 8

int line, op, who, view, what, shown_height, shown_view, shown_header;

#define SHOWS_WHAT_IT_HAS \
    (at[who].height == shown_height && at[who].kept_view == shown_view && at[who].kept_header == shown_header)

inline begin_again()
{
    for (i : 0 .. HONEST - 1) {
        at[i].height = BEHIND;
        at[i].target = 0;
        at[i].allows = FREE;
        at[i].kept_view = 0;
        at[i].kept_header = NONE;
        for (w : 0 .. VIEWS - 1) {
            at[i].prepared[w] = NONE;
            at[i].committed[w] = NONE;
            at[i].change_height[w] = 0;
            at[i].change_view[w] = 0;
            at[i].change_header[w] = NONE
        }
    }
    for (w : 0 .. VIEWS - 1) {
        certificates[w] = 0;
        new_views[w] = 0
    }
    blocks = 0;
    begun = false
}

active proctype replayed()
{
    do
    :: d_step {
           c_code {
               now.line++;
               if (scanf("%d %d %d %d %d %d %d", &now.op, &now.who, &now.view, &now.what, &now.shown_height,
                         &now.shown_view, &now.shown_header) != 7) {
                   fprintf(stderr, "line %d cannot be read\n", now.line);
                   exit(2);
               }
           };
           if
           :: op == PREPARE && CAN_PREPARE(who, view, what) -> prepare(who, view, what)
           :: op == COMMIT && CAN_COMMIT(who, view, what) -> commit(who, view, what)
           :: op == LEAVE && CAN_LEAVE(who, view) && SHOWS_WHAT_IT_HAS -> leave(who, view)
           :: op == INSTALL && CAN_INSTALL(who, view, what) -> install(who, view, what)
           :: op == CATCH_UP && CAN_CATCH_UP(who) -> catch_up(who)
           :: op == FINISH && CAN_FINISH(who) -> finish(who)
           :: op == BEGIN -> begin_again()
           :: op == END -> c_code { printf("accepted\n"); exit(0); }
           :: else -> c_code { printf("refused %d\n", now.line); exit(0); }
           fi;
           step_done()
       }
    od
}
#endif
