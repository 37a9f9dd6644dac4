/* A test's own folder, removed with all in it. */
#ifndef XUELIAN_TESTS_FOLDER_H
#define XUELIAN_TESTS_FOLDER_H

#include <ftw.h>
#include <stdio.h>

static inline int folder_remove_one(const char *path, const struct stat *info, int kind,
                                    struct FTW *place)
{
    (void)info;
    (void)kind;
    (void)place;
    return remove(path);
}

/* Returns 0, or -1 when something could not be removed. Links are removed, not followed. */
static inline int folder_remove(const char *path)
{
    enum { OPEN_FOLDERS_MAX = 16 };
    return nftw(path, folder_remove_one, OPEN_FOLDERS_MAX, FTW_DEPTH | FTW_PHYS);
}

#endif
