/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>

#include "job/internal.h"

void
job_init(struct job *j, const struct list_entry *named, const struct env *env)
{
	memset(j, 0, sizeof(*j));
	j->trace.level = env->o->verbose;
	j->named = *named;
	j->path = named->path;
}

void
job_free(struct job *j)
{
	free(j->output);
	cert_free(&j->cert);
	ocsp_target_free(j->target);
	store_close(j->staple);
	job_drop_stored(j);
	free(j->request.get_url);
	free(j->saving.der);
	outcome_free(&j->outcome);
	text_free(&j->saving.busy);
	text_free(&j->saving.rights);
	text_free(&j->trace.text);
	text_free(&j->result.warnings);
}
