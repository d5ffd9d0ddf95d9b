#include "host/hostname.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void hostname_get(const char *configured, char out[static HOSTNAME_SIZE])
{
    if (configured[0])
        snprintf(out, HOSTNAME_SIZE, "%s", configured);
    else if (gethostname(out, HOSTNAME_SIZE) < 0 || out[0] == '\0')
        snprintf(out, HOSTNAME_SIZE, "localhost");
    out[HOSTNAME_SIZE - 1] = '\0'; /* gethostname() need not terminate what it cuts */
    for (char *c = out; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr(".-_", *c))
            *c = '_';
}
