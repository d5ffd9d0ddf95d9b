/*
 * reply - a reply text of the settings in the form that smfi_setreply() takes. Pure.
 */
#ifndef POSTVALVE_MILTER_REPLY_H
#define POSTVALVE_MILTER_REPLY_H

#define REPLY_CODE_SIZE          4  /* "421" */
#define REPLY_ENHANCED_CODE_SIZE 10 /* "5.100.100": RFC 3463 section 2 */
#define REPLY_TEXT_SIZE          512

struct reply {
    char code[REPLY_CODE_SIZE];
    char enhanced_code[REPLY_ENHANCED_CODE_SIZE]; /* "": the text does not begin with one */
    char text[REPLY_TEXT_SIZE];                   /* what follows; "": nothing */
};

/* code: 421 or 521. An enhanced status code of another class than the code gets its class, as
 * Postfix does it too. libmilter wants '%' doubled and refuses CR and LF: control characters
 * become spaces. A longer text is cut. */
void reply_format(int code, const char *text, struct reply *reply_r);

#endif
