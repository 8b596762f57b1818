/* SPDX-License-Identifier: Apache-2.0 */
/* SyncML messages, writing: see syncml.h. */
#include "codec/syncml.h"
#include "codec/xml.h"

/* What was begun is taken back when it does not fit. */
static err_t
whole(struct buf *b, size_t start, err_t e)
{
	if (!err_ok(e))
		b->n = start;
	return e;
}

static err_t
element(struct buf *b, const char *name, const char *text)
{
	TRY(buf_printf(b, "<%s>", name));
	TRY(xml_put_text(b, text));
	return buf_printf(b, "</%s>", name);
}

static err_t
uri(struct buf *b, const char *name, const char *text)
{
	TRY(buf_printf(b, "<%s>", name));
	TRY(element(b, "LocURI", text));
	return buf_printf(b, "</%s>", name);
}

/* Session and number are the device's own; who sends and who receives change places. */
static err_t
open_message(struct buf *b, const struct syncml_message *m)
{
	TRY(buf_puts(b,
	    "<SyncML xmlns=\"SYNCML:SYNCML1.2\"><SyncHdr><VerDTD>1.2</VerDTD>"
	    "<VerProto>DM/1.2</VerProto>"));
	TRY(element(b, "SessionID", m->session));
	TRY(buf_printf(b, "<MsgID>%u</MsgID>", (unsigned)m->id));
	TRY(uri(b, "Target", m->source));
	TRY(uri(b, "Source", m->target));
	return buf_puts(b, "</SyncHdr><SyncBody>");
}

err_t
syncml_open(struct buf *b, const struct syncml_message *answered)
{
	return whole(b, b->n, open_message(b, answered));
}

static err_t
status(
    struct buf *b, uint32_t id, uint32_t msg_ref, uint32_t cmd_ref, const char *name, uint32_t code)
{
	TRY(buf_printf(b, "<Status><CmdID>%u</CmdID><MsgRef>%u</MsgRef><CmdRef>%u</CmdRef>",
	    (unsigned)id, (unsigned)msg_ref, (unsigned)cmd_ref));
	TRY(element(b, "Cmd", name));
	return buf_printf(b, "<Data>%u</Data></Status>", (unsigned)code);
}

err_t
syncml_status(
    struct buf *b, uint32_t id, uint32_t msg_ref, uint32_t cmd_ref, const char *name, uint32_t code)
{
	return whole(b, b->n, status(b, id, msg_ref, cmd_ref, name, code));
}

static err_t
put(struct buf *b, uint32_t id, const char *name, const char *to, const char *format,
    const char *data)
{
	TRY(buf_printf(b, "<%s><CmdID>%u</CmdID><Item>", name, (unsigned)id));
	TRY(uri(b, "Target", to));
	if (format != NULL)
		TRY(buf_printf(
		    b, "<Meta><Format xmlns=\"syncml:metinf\">%s</Format></Meta>", format));
	if (data != NULL)
		TRY(element(b, "Data", data));
	return buf_printf(b, "</Item></%s>", name);
}

err_t
syncml_put(struct buf *b, uint32_t id, const char *name, const char *to, const char *format,
    const char *data)
{
	return whole(b, b->n, put(b, id, name, to, format, data));
}

err_t
syncml_alert(struct buf *b, uint32_t id, uint32_t kind)
{
	return whole(b, b->n,
	    buf_printf(b, "<Alert><CmdID>%u</CmdID><Data>%u</Data></Alert>", (unsigned)id,
		(unsigned)kind));
}

err_t
syncml_atomic_open(struct buf *b, uint32_t id)
{
	return buf_printf(b, "<Atomic><CmdID>%u</CmdID>", (unsigned)id);
}

err_t
syncml_atomic_close(struct buf *b)
{
	return buf_puts(b, "</Atomic>");
}

err_t
syncml_close(struct buf *b)
{
	return buf_puts(b, "<Final/></SyncBody></SyncML>");
}
