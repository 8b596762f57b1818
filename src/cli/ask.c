/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/ask.h"

#include <fcntl.h>
#include <termios.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/secret.h"
#include "base/text.h"

static void
say(int tty, const char *s)
{
	/* A terminal that is gone shows at the read that follows. */
	if (write(tty, s, strlen(s)) < 0)
		return;
}

/* One line without echo. */
static err_t
read_hidden(int tty, const char *prompt, const char *option, char *line, size_t max)
{
	struct termios shown, hidden;
	ssize_t n;

	if (tcgetattr(tty, &shown) != 0)
		FAIL(ERR_USAGE, "this is no terminal; use %s", option);
	hidden = shown;
	hidden.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(tty, TCSAFLUSH, &hidden);
	say(tty, prompt);
	n = read(tty, line, max - 1);
	tcsetattr(tty, TCSAFLUSH, &shown);
	say(tty, "\n");
	if (n <= 0)
		FAIL(ERR_USAGE, "nothing was typed");
	while (n > 0 && (line[n - 1] == '\n' || line[n - 1] == '\r'))
		n--;
	line[n] = '\0';
	return OK;
}

err_t
ask_new_secret(struct arena *a, const char *what, const char *option, const char **ret)
{
	auto_fd int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	char first[LIMIT_TEXT], again[LIMIT_TEXT];
	err_t e;

	if (tty < 0)
		FAIL(ERR_USAGE, "there is no terminal to ask at; use %s", option);
	e = read_hidden(tty, arena_printf(a, "%s: ", what), option, first, sizeof(first));
	if (err_ok(e))
		e = read_hidden(tty, "Once more: ", option, again, sizeof(again));
	if (err_ok(e) && strcmp(first, again) != 0)
		e = ERROR(ERR_USAGE, "the two differ");
	if (err_ok(e))
		*ret = arena_strdup(a, first);
	secret_wipe(first, sizeof(first));
	secret_wipe(again, sizeof(again));
	return e;
}

err_t
ask_yes(const char *question, bool *ret)
{
	auto_fd int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	char line[16];
	ssize_t n;

	if (tty < 0)
		FAIL(ERR_USAGE, "there is no terminal to ask; use --yes");
	say(tty, question);
	n = read(tty, line, sizeof(line));
	*ret = n > 0 && (line[0] == 'y' || line[0] == 'Y');
	return OK;
}
