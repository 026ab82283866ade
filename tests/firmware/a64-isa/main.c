#include "isa.h"

int main(void)
{
    integers();
    memory();
    floats();
    vectors();
    out('\n');
    return 0;
}
