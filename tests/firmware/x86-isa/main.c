#include "isa.h"

int main(void)
{
    integers();
    strings();
    vectors();
    floats();
    x87();
    out('\n');
    return 0;
}
