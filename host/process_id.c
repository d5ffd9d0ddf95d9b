#include "host/process_id.h"

#include "host/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

void process_id_make(const char *kind, const char *host, char id_r[static PROCESS_ID_SIZE])
{
    uint64_t random = 0;
    if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
        log_warning("no random bytes: two processes may be taken for one");
    snprintf(id_r, PROCESS_ID_SIZE, "%s:%.64s:%ld:%016" PRIx64, kind, host, (long)getpid(),
             random);
}
