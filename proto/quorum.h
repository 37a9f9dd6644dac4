/* Quorum arithmetic for n validators, the one place it is written (consensus.md, Parameters).
 * f = floor((n-1)/3) may be faulty; q = ceil((n+f+1)/2): two quorums share an honest validator. n >= 1. */
#ifndef XUELIAN_PROTO_QUORUM_H
#define XUELIAN_PROTO_QUORUM_H

#include <stdint.h>

uint32_t quorum_faulty(uint32_t n); /* f */
uint32_t quorum_size(uint32_t n);   /* q */
uint32_t quorum_weak(uint32_t n);   /* f + 1 */

#endif
