/* SPDX-License-Identifier: ISC */
#include "store/fileid.h"
#include "util/hash.h"

uint64_t
fileid_of_stat(const struct stat *st)
{
	const uint64_t what[] = {(uint64_t)st->st_dev, (uint64_t)st->st_ino,
	    (uint64_t)st->st_size, (uint64_t)st->st_mtim.tv_sec,
	    (uint64_t)st->st_mtim.tv_nsec, (uint64_t)st->st_ctim.tv_sec,
	    (uint64_t)st->st_ctim.tv_nsec};
	uint64_t id = hash_bytes(HASH_SEED, what, sizeof(what));

	return id != 0 ? id : 1;
}

uint64_t
fileid_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? fileid_of_stat(&st) : 0;
}
