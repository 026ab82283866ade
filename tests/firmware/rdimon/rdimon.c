// A newlib program as people build it to run under semihosting, with no board in mind:
// arguments, console, a file written and read back, time, heap, and an exit code.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int copy_through_file(const char *text)
{
    char back[64] = "";
    FILE *file = fopen("note.txt", "w");
    if (!file) {
        printf("no file\n");
        return 0;
    }
    fputs(text, file);
    fclose(file);

    file = fopen("note.txt", "r");
    if (!file || !fgets(back, sizeof back, file)) {
        printf("nothing to read\n");
        return 0;
    }
    fseek(file, 0, SEEK_END);
    printf("read back %ld bytes: %s\n", ftell(file), back);
    fclose(file);
    return strcmp(text, back) == 0;
}

int main(int argc, char **argv)
{
    for (int i = 0; i < argc; i++)
        printf("argv[%d] = %s\n", i, argv[i]);

    clock_t before = clock();
    char *heap = malloc(100000);
    if (!heap) {
        printf("no heap\n");
        return 1;
    }
    memset(heap, 7, 100000);
    printf("heap %d, clock %s\n", heap[99999], clock() >= before ? "ok" : "went back");
    free(heap);

    printf("time %s\n", time(NULL) > 0 ? "known" : "unknown");
    int same = copy_through_file("kept on the host");
    printf("exit %d\n", same ? 3 : 4);
    exit(same ? 3 : 4);
}
