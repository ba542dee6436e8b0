/* content_text.h - content as a person reads it, and as stanza attributes name it. */
#ifndef PROTO_CONTENT_TEXT_H
#define PROTO_CONTENT_TEXT_H

#include "proto/content.h"

/* Appends a readable text for any kind: a text as it is, a caption, else "[kind] details". Always
 * valid UTF-8 without NUL; empty only for CONTENT_NONE. A text that does not fit into the buffer is
 * cut at a character and ends with " [cut]": never the error TOO_LARGE. */
void content_readable(const struct content *c, struct buf *out);

/* Is the readable text what somebody wrote (a text, or the caption of a file)? If not,
 * content_readable() has composed it, such as "[document] plan.pdf". */
bool content_is_written(const struct content *c);

/* Appends a peer's text as valid UTF-8 without NUL: bytes that are no character become U+FFFD. A
 * text that does not fit is cut at a character, and the buffer's error is TOO_LARGE. To be used for
 * every span of struct content that is stored, shown or put into JSON. */
void content_clean_text(struct span s, struct buf *out);

/* messages.db media_type: "image", "video", "audio", "document", "sticker", or "" (P-MC-14). */
const char *content_media_type(const struct content *c);

/* A document's name without any path part or control character, as a name for display and for a
 * file; appends nothing when there is none (P-MD-21, P-MC-10). */
void content_safe_file_name(const struct content *c, struct buf *out);

/* ---- attributes of the stanza that carries it (whatsmeow's rules) ---- */

/* `type` of <message>: "text", "media", "reaction", "poll" (P-SD-13). */
const char *content_stanza_type(const struct content *c);
/* `mediatype` of <enc>, "" for none (P-SD-15, P-SD-16). */
const char *content_enc_mediatype(const struct content *c);
/* `edit` of <message>: "1", "2", "7", "8", or "" (P-SD-18). */
const char *content_edit_attribute(const struct content *c);
/* decrypt-fail="hide" on the pairwise encs (P-SD-18, P-SD-19). */
bool content_hides_decrypt_fail(const struct content *c);
/* polltype of <meta>: "creation", "vote", or "" (P-SD-48). */
const char *content_poll_type(const struct content *c);

#endif
