/*
 * rbl_tool - templates and reply maps as we read them, to be compared with Postfix.
 *
 *   rbl_tool expand TEMPLATE NAME=VALUE...   the expansion
 *   rbl_tool map FILE                        "KEY<tab>TEMPLATE" lines, keys in lower case
 *
 * What is refused is said on stdout as "error: ...", with exit status 1.
 */
#include "common/error_list.h"
#include "common/macro.h"
#include "common/rbl_reply_map.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define RESULT_MAX 65536

static char **names; /* "NAME=VALUE" */
static unsigned name_count;

static bool resolve(struct slice name, unsigned *id_r)
{
    for (unsigned i = 0; i < name_count; i++) {
        size_t length = strcspn(names[i], "=");
        if (slice_equals(name, (struct slice){names[i], length})) {
            *id_r = i;
            return true;
        }
    }
    return false;
}

static struct slice value_of(const void *context, unsigned id)
{
    const char *equals = strchr(names[id], '=');
    (void)context;
    return slice_from_string(equals ? equals + 1 : "");
}

static int expand(const char *template)
{
    struct error error;
    struct buffer out = BUFFER_WITH_MAXIMUM(RESULT_MAX);
    struct macro *macro = macro_compile(slice_from_string(template), resolve, &error);
    if (!macro) {
        printf("error: %s\n", error.text);
        return EXIT_FAILURE;
    }
    macro_expand(macro, value_of, NULL, &out);
    printf("%.*s\n", (int)out.length, out.length ? out.data : "");
    buffer_free(&out);
    macro_free(macro);
    return EXIT_SUCCESS;
}

static void print_entry(struct slice key, struct slice template)
{
    for (size_t i = 0; i < key.length; i++)
        putchar(tolower((unsigned char)key.data[i]));
    printf("\t%.*s\n", (int)template.length, template.data);
}

static int read_map(const char *path)
{
    static struct error_list errors;
    static char text[RBL_REPLY_MAP_SIZE_MAX + 1];
    FILE *file = fopen(path, "rb");
    if (!file)
        return EX_NOINPUT;
    size_t length = fread(text, 1, sizeof(text), file);
    fclose(file);
    error_list_init(&errors);
    struct rbl_reply_map *map =
        rbl_reply_map_parse(path, (struct slice){text, length}, 554, &errors);
    error_list_print(&errors, "error", stdout);
    for (size_t i = 0; map && i < rbl_reply_map_count(map); i++)
        print_entry(rbl_reply_map_key(map, i), macro_text(rbl_reply_map_template(map, i)));
    rbl_reply_map_free(map);
    return map ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    if (argc >= 3 && strcmp(argv[1], "expand") == 0) {
        names = argv + 3;
        name_count = (unsigned)(argc - 3);
        return expand(argv[2]);
    }
    if (argc == 3 && strcmp(argv[1], "map") == 0)
        return read_map(argv[2]);
    fprintf(stderr, "usage: %s expand TEMPLATE NAME=VALUE...\n       %s map FILE\n", argv[0],
            argv[0]);
    return EX_USAGE;
}
