#include "common/buffer.h"
#include "t/unit/tap.h"

int main(void)
{
    struct buffer buffer = BUFFER_WITH_MAXIMUM(1000);
    char block[600];
    memset(block, 'b', sizeof(block));

    ok(buffer_append(&buffer, "", 0) && buffer.data == NULL, "nothing takes no memory");
    ok(buffer_append(&buffer, "hello ", 6), "first bytes");
    ok(buffer_append(&buffer, "world", 5), "more bytes");
    ok(buffer.length == 11 && memcmp(buffer.data, "hello world", 11) == 0, "all are there");
    buffer_consume(&buffer, 6);
    ok(buffer.length == 5 && memcmp(buffer.data, "world", 5) == 0, "consumed from the front");
    ok(buffer_append(&buffer, block, sizeof(block)), "grows");
    ok(!buffer_append(&buffer, block, sizeof(block)), "but not beyond its maximum");
    ok(buffer.length == 605, "... and then is as it was");
    ok(buffer_append(&buffer, block, 395) && buffer.length == 1000, "up to the maximum");
    ok(buffer.size == 1000, "... without a byte more");
    ok(!buffer_append(&buffer, "x", 1), "full is full");
    buffer_consume(&buffer, 1000);
    ok(buffer.length == 0, "consumed to the end");
    buffer_free(&buffer);
    ok(buffer.data == NULL && buffer.size == 0 && buffer.maximum == 1000, "freed");
    ok(buffer_append(&buffer, "again", 5), "and used again");
    buffer_free(&buffer);
    return done_testing();
}
