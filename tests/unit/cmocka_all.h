/* cmocka wants these before it, in this order. */
#ifndef XUELIAN_TESTS_CMOCKA_ALL_H
#define XUELIAN_TESTS_CMOCKA_ALL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#endif
