/*
 * Replays a fuzzer's corpus as TAP: each file as it is, cut at every byte, and with bytes
 * changed in a fixed pseudo-random way. The corpus of t/fuzz/x_fuzz is t/fuzz/x_corpus below
 * $PV_SRCDIR (or here); another directory may be given as argument.
 */
#include "t/fuzz/fuzz.h"
#include "t/unit/tap.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX     200000
#define CUTS_MAX     200
#define MUTANTS      300
#define MUTANT_BYTES 4

static uint32_t random_state = 20250101;

static uint32_t random_next(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state;
}

/* From memory that is no larger than the input, for the address sanitizer. */
static void run(const uint8_t *bytes, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy)
        abort();
    memcpy(copy, bytes, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static void run_cuts(const uint8_t *bytes, size_t size)
{
    size_t step = size / CUTS_MAX + 1;
    for (size_t cut = 0; cut < size; cut += step)
        run(bytes, cut);
}

static void run_mutants(const uint8_t *bytes, size_t size)
{
    static const uint8_t likely[] = "\n=\0\r x0";
    uint8_t *mutant = malloc(size ? size : 1);
    if (!mutant)
        abort();
    for (int i = 0; size > 0 && i < MUTANTS; i++) {
        memcpy(mutant, bytes, size);
        for (int change = 0; change < MUTANT_BYTES; change++) {
            uint32_t value = random_next();
            mutant[random_next() % size] =
                value & 1 ? likely[(value >> 1) % (sizeof(likely) - 1)] : (uint8_t)(value >> 8);
        }
        run(mutant, size);
    }
    free(mutant);
}

static void replay_file(const char *directory, const char *name)
{
    static uint8_t bytes[FILE_MAX];
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    FILE *file = fopen(path, "rb");
    if (!file) {
        ok(false, "%s can be read", path);
        return;
    }
    size_t size = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);
    run(bytes, size);
    run_cuts(bytes, size);
    if (size < 10000)
        run_mutants(bytes, size);
    ok(true, "%s", name);
}

static void corpus_path(const char *program, char *out, size_t out_size)
{
    const char *source = getenv("PV_SRCDIR");
    const char *slash = strrchr(program, '/');
    const char *name = slash ? slash + 1 : program;
    const char *suffix = strstr(name, "_fuzz");
    int length = (int)(suffix ? (size_t)(suffix - name) : strlen(name));
    snprintf(out, out_size, "%s/t/fuzz/%.*s_corpus", source ? source : ".", length, name);
}

int main(int argc, char **argv)
{
    char directory[2048];
    struct dirent **entries = NULL;

    corpus_path(argv[0], directory, sizeof(directory));
    if (argc > 1)
        snprintf(directory, sizeof(directory), "%s", argv[1]);
    int count = scandir(directory, &entries, NULL, alphasort);
    if (!ok(count > 2, "a corpus in %s", directory))
        return done_testing();
    for (int i = 0; i < count; i++) {
        if (entries[i]->d_name[0] != '.')
            replay_file(directory, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return done_testing();
}
