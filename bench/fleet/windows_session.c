/* SPDX-License-Identifier: Apache-2.0 */
/* OMA-DM (MS-MDM): a session is messages to and fro until the server has nothing to say. */
#include "base/limits.h"
#include "windows.h"

enum { MESSAGES_MAX = 60, MESSAGE_SIZE = 512 << 10 };
#define SYNCML_TYPE "application/vnd.syncml.dm+xml"
#define MSFT "http://schemas.microsoft.com/MobileDevice/MDM"

struct talk {
	struct device *d;
	struct windows *w;
	struct arena *a;
	struct buf out; /* what goes into the next message */
	unsigned message, id;
	bool commands; /* the server's last message had some */
	bool did;      /* something was changed */
};

static err_t
put_status(struct talk *t, const char *ref, const char *verb, const struct windows_done *done)
{
	TRY(buf_printf(&t->out,
	    "<Status><CmdID>%u</CmdID><MsgRef>%u</MsgRef><CmdRef>%s</CmdRef><Cmd>%s</Cmd><Data",
	    ++t->id, t->message, ref, verb));
	if (done->hresult != 0)
		TRY(buf_printf(&t->out, " xmlns:msft=\"" MSFT "\" msft:originalerror=\"0x%08X\"",
		    done->hresult));
	return buf_printf(&t->out, ">%d</Data></Status>", done->code);
}

static err_t
put_result(struct talk *t, const char *ref, const char *uri, const char *value)
{
	TRY(buf_printf(&t->out,
	    "<Results><CmdID>%u</CmdID><MsgRef>%u</MsgRef><CmdRef>%s</CmdRef><Item><Source><LocURI>",
	    ++t->id, t->message, ref));
	TRY(xml_put_text(&t->out, uri));
	TRY(buf_puts(&t->out, "</LocURI></Source><Data>"));
	TRY(xml_put_text(&t->out, value));
	return buf_puts(&t->out, "</Data></Item></Results>");
}

static const char *
text_of(const struct xml_node *n)
{
	return n == NULL ? "" : n->text;
}

/* One command, or all of an Atomic's. */
static err_t
obey(struct talk *t, const struct xml_node *c)
{
	const struct xml_node *item = xml_child(c, NULL, "Item");
	const char *ref = text_of(xml_child(c, NULL, "CmdID"));
	const char *uri = text_of(xml_path(c, "Item", "Target", "LocURI", NULL));
	struct windows_done done = { 200, 0, NULL };

	if (strcmp(c->name, "Atomic") == 0) {
		TRY(put_status(t, ref, c->name, &done));
		for (const struct xml_node *n = c->child; n != NULL; n = n->next)
			if (strcmp(n->name, "CmdID") != 0 && strcmp(n->name, "Meta") != 0)
				TRY(obey(t, n));
		return OK;
	}
	if (item == NULL || uri[0] == '\0')
		FAIL(ERR_MALFORMED, "%s without a target", c->name);
	done = windows_do(t->d, t->a, c->name, uri, text_of(xml_child(item, NULL, "Data")));
	TRY(put_status(t, ref, c->name, &done));
	if (strcmp(c->name, "Get") == 0)
		return done.code == 200 ? put_result(t, ref, uri, done.value) : OK;
	t->did = true;
	atomic_fetch_add(&t->d->fleet->commands, 1);
	return OK;
}

static err_t
read_message(struct talk *t, struct str xml)
{
	struct windows_done header = { 200, 0, NULL };
	const struct xml_node *body;
	struct xml_node *root;

	TRY(xml_parse(t->a, xml, &root));
	body = xml_child(root, NULL, "SyncBody");
	if (strcmp(root->name, "SyncML") != 0 || body == NULL)
		FAIL(ERR_MALFORMED, "no SyncML");
	buf_reset(&t->out);
	t->id = 0;
	t->commands = false;
	TRY(put_status(t, "0", "SyncHdr", &header));
	for (const struct xml_node *c = body->child; c != NULL; c = c->next) {
		const char *code = text_of(xml_child(c, NULL, "Data"));

		if (strcmp(c->name, "Final") == 0)
			continue;
		if (strcmp(c->name, "Status") == 0) {
			if (strcmp(code, "200") != 0 && strcmp(code, "212") != 0)
				FAIL(ERR_MALFORMED, "the server answers a command of ours with %s",
				    code);
			continue;
		}
		t->commands = true;
		TRY(obey(t, c));
	}
	return OK;
}

/* MS-MDM 3.1.5.1: what a session begins with. */
static err_t
greet(struct talk *t)
{
	const struct {
		const char *name, *value;
	} info[] = { { "DevId", t->w->device_id }, { "Man", "Example" }, { "Mod", "Notebook 3" },
		{ "DmV", "1.3" }, { "Lang", "en-US" } };

	TRY(buf_puts(&t->out,
	    "<Alert><CmdID>2</CmdID><Data>1201</Data></Alert><Alert><CmdID>3</CmdID><Data>1224</Data><Item><Meta>"
	    "<Type xmlns=\"syncml:metinf\">com.microsoft/MDM/LoginStatus</Type></Meta><Data>user</Data></Item></Alert>"
	    "<Replace><CmdID>4</CmdID>"));
	for (size_t i = 0; i < COUNT(info); i++)
		TRY(buf_printf(&t->out,
		    "<Item><Source><LocURI>./DevInfo/%s</LocURI></Source><Data>%s</Data></Item>",
		    info[i].name, info[i].value));
	return buf_puts(&t->out, "</Replace>");
}

static err_t
send_message(struct talk *t, struct fiber *f, struct str *ret)
{
	auto_buf struct buf b = { 0 };
	struct link_ask q = { .method = "POST",
		.url = arena_printf(t->a, "%s%cmode=Maintenance&Platform=WoA", t->w->address,
		    strchr(t->w->address, '?') == NULL ? '?' : '&'),
		.headers = "Content-Type: " SYNCML_TYPE
			   "; charset=utf-8\r\nUser-Agent: MSFT OMA DM Client/1.2.0.1\r\n" };
	struct link_got got;

	buf_init(&b, LIMIT_HTTP_BODY);
	TRY(buf_printf(&b,
	    "<SyncML xmlns=\"SYNCML:SYNCML1.2\"><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto>"
	    "<SessionID>%X</SessionID><MsgID>%u</MsgID><Target><LocURI>",
	    t->w->session, ++t->message));
	TRY(xml_put_text(&b, t->w->address));
	TRY(buf_printf(&b,
	    "</LocURI></Target><Source><LocURI>%s</LocURI></Source><Meta><MaxMsgSize xmlns=\"syncml:metinf\">%d"
	    "</MaxMsgSize></Meta></SyncHdr><SyncBody>",
	    t->w->device_id, MESSAGE_SIZE));
	TRY(buf_put(&b, buf_str(&t->out)));
	TRY(buf_puts(&b, "<Final/></SyncBody></SyncML>"));
	q.body = buf_str(&b);
	TRY(link_exchange(&t->d->link, f, t->a, &q, &got));
	TRY(expect_status(t->a, &got, 200, "session"));
	*ret = got.body;
	return OK;
}

static err_t
talk(struct talk *t, struct fiber *f)
{
	struct str answer;

	TRY(greet(t));
	for (int i = 0; i < MESSAGES_MAX; i++) {
		TRY(send_message(t, f, &answer));
		TRY(read_message(t, answer));
		if (!t->commands)
			return OK;
	}
	FAIL(ERR_MALFORMED, "the session never ends");
}

err_t
windows_session(struct device *d, struct fiber *f, int64_t wait, bool *ret_did)
{
	auto_arena struct arena *a = arena_new();
	struct talk t = { .d = d, .w = windows_of(d), .a = a };
	err_t e;

	(void)wait;
	t.w->session = t.w->session % 9999 + 1;
	buf_init(&t.out, LIMIT_HTTP_BODY);
	e = talk(&t, f);
	buf_free(&t.out);
	TRY(e);
	if (t.w->told || windows_identities(t.w) == 0)
		device_holds(d, windows_identities(t.w));
	windows_work(d, f);
	*ret_did = t.did;
	return OK;
}
