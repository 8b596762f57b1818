/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/passphrase.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/secret.h"

enum { BYTES_MAX = 1026, RANDOM = 32 };

static err_t
read_line(struct arena *a, const char *path, char **ret)
{
	struct str text;
	struct stat st;

	TRY(file_read(a, path, BYTES_MAX, &text));
	if (stat(path, &st) != 0 || (st.st_mode & 077) != 0)
		FAIL(ERR_CONF, "%s can be read by others: its mode must be 0600", path);
	*ret = arena_cstr(a, str_trim(text));
	secret_wipe((void *)(uintptr_t)text.p, text.n);
	return OK;
}

static err_t
from_file(struct arena *a, const struct passphrase_from *f, char **ret)
{
	const char *folder = arena_printf(a, "%s.secret", f->state_dir);
	const char *path = f->file[0] != '\0' ? f->file : arena_printf(a, "%s/passphrase", folder);
	struct str inside = str_c(arena_printf(a, "%s/", f->state_dir));
	char *made;
	err_t e;

	if (str_starts(str_c(path), inside))
		FAIL(ERR_CONF, "%s lies beside the keys that it protects: move it out of %s", path,
		    f->state_dir);
	if (f->file[0] == '\0')
		TRY_CTX(dir_make(folder, 0700), "folder of the passphrase");
	if (!file_exists(path)) {
		made = rand_token(a, RANDOM);
		e = file_create(path, str_c(made), 0600);
		secret_wipe(made, strlen(made));
		TRY_CTX(e, "passphrase of the key files");
	}
	return read_line(a, path, ret);
}

err_t
passphrase_get(struct arena *a, const struct passphrase_from *f, char **ret)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	char *variable = getenv(f->variable);
	const char *credential;

	if (folder != NULL) {
		credential = arena_printf(a, "%s/%s-passphrase", folder, f->role);
		if (file_exists(credential))
			return read_line(a, credential, ret);
	}
	if (variable == NULL)
		return from_file(a, f, ret);
	*ret = arena_strdup(a, variable);
	secret_wipe(variable, strlen(variable));
	if (unsetenv(f->variable) != 0)
		FAIL(ERR_SYSTEM, "the environment cannot be changed");
	return OK;
}
