/* SPDX-License-Identifier: ISC */
/*
 * fileid: is a file still the one that was read or written?  Told by what the
 * system says of it (device, inode, size, times), without reading it again.
 *
 * A path whose number is taken before it is read is safe: if the file changes
 * in between, the number differs later, and the content is looked at.
 */
#ifndef FILEID_H
#define FILEID_H

#include <sys/stat.h>

#include <stdint.h>

/* 0: there is no such file, or it cannot be told.  Links are followed. */
uint64_t fileid_of(const char *path);
uint64_t fileid_of_stat(const struct stat *);

#endif
