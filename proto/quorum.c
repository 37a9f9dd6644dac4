#include "proto/quorum.h"

#include "proto/check.h"

uint32_t quorum_faulty(uint32_t n)
{
    CHECK(n >= 1);
    return (n - 1) / 3;
}

uint32_t quorum_size(uint32_t n)
{
    return (n + quorum_faulty(n) + 2) / 2;
}

uint32_t quorum_weak(uint32_t n)
{
    return quorum_faulty(n) + 1;
}
