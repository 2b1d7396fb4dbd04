/* Runs calls of libpyacts that standard input lists, and writes their results to standard output: for test_arm.py,
 * which compares two machines. Usage: run_calls LIBRARY
 *
 * A call is a line and then the bytes of its inputs:
 *   kernel NAME DTYPE DIRECTION N ITEMSIZE INPUTS OUTPUTS PARAMETERS value...   the kernel that pyacts_find gives
 *   function SYMBOL SIZES size... ARRAYS <i, o or n><bytes>...   f(sizes, arrays in order), NUMBER being the double
 * that a loss takes; i is an input, o an output, n is NULL
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pyacts.h>

enum { MOST = 12 };

typedef pyacts_kernel (*finder)(const char *name, const char *dtype, const char *direction);
/* On the machines that this runs on, sizes and pointers are passed alike, a double in a register of its own wherever it
 * stands, and what a function does not take is ignored. */
typedef void (*function)(uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t,
                         uintptr_t, uintptr_t, uintptr_t, uintptr_t, double);

static const double NUMBER = 0.125;

static void fail(const char *what) {
    fprintf(stderr, "run_calls: %s\n", what);
    exit(1);
}

static void *allocate(size_t size) {
    void *memory = calloc(size + 1, 1);
    if (!memory)
        fail("out of memory");
    return memory;
}

static void *input(size_t size) {
    void *memory = allocate(size);
    if (fread(memory, 1, size, stdin) != size)
        fail("an input ends early");
    return memory;
}

static void output(void *memory, size_t size) {
    if (fwrite(memory, 1, size, stdout) != size)
        fail("cannot write");
    free(memory);
}

static void run_kernel(void *library) {
    char name[64], dtype[8], direction[32];
    size_t n, itemsize, inputs, outputs, params, k;
    const void *in[MOST] = {NULL};
    void *out[MOST] = {NULL};
    double values[MOST];
    finder find;
    pyacts_kernel kernel;
    if (scanf("%63s %7s %31s %zu %zu %zu %zu %zu", name, dtype, direction, &n, &itemsize, &inputs, &outputs, &params) !=
        8)
        fail("bad kernel line");
    if (inputs > MOST || outputs > MOST || params > MOST)
        fail("too many operands");
    for (k = 0; k < params; k++)
        if (scanf("%lf", &values[k]) != 1)
            fail("bad parameter");
    getchar(); /* the line's end */
    *(void **)&find = dlsym(library, "pyacts_find");
    kernel = find ? find(name, dtype, direction) : NULL;
    if (!kernel)
        fail(name);
    for (k = 0; k < inputs; k++)
        in[k] = input(n * itemsize);
    for (k = 0; k < outputs; k++)
        out[k] = allocate(n * itemsize);
    kernel(n, in, out, values);
    for (k = 0; k < inputs; k++)
        free((void *)in[k]);
    for (k = 0; k < outputs; k++)
        output(out[k], n * itemsize);
}

static void run_function(void *library) {
    char symbol[96], role[MOST];
    size_t sizes, arrays, bytes[MOST], k;
    uintptr_t given[MOST] = {0};
    function f;
    if (scanf("%95s %zu", symbol, &sizes) != 2 || sizes > MOST)
        fail("bad function line");
    for (k = 0; k < sizes; k++)
        if (scanf("%zu", &given[k]) != 1)
            fail("bad size");
    if (scanf("%zu", &arrays) != 1 || sizes + arrays > MOST)
        fail("bad number of arrays");
    for (k = 0; k < arrays; k++)
        if (scanf(" %c%zu", &role[k], &bytes[k]) != 2)
            fail("bad array");
    getchar();
    for (k = 0; k < arrays; k++)
        if (role[k] != 'n')
            given[sizes + k] = (uintptr_t)(role[k] == 'i' ? input(bytes[k]) : allocate(bytes[k]));
    *(void **)&f = dlsym(library, symbol);
    if (!f)
        fail(symbol);
    f(given[0], given[1], given[2], given[3], given[4], given[5], given[6], given[7], given[8], given[9], given[10],
      given[11], NUMBER);
    for (k = 0; k < arrays; k++) {
        if (role[k] == 'o')
            output((void *)given[sizes + k], bytes[k]);
        else
            free((void *)given[sizes + k]);
    }
}

int main(int argc, char **argv) {
    char verb[16];
    void *library = argc == 2 ? dlopen(argv[1], RTLD_NOW) : NULL;
    if (!library)
        fail(argc == 2 ? dlerror() : "which library?");
    while (scanf("%15s", verb) == 1) {
        if (strcmp(verb, "kernel") == 0)
            run_kernel(library);
        else if (strcmp(verb, "function") == 0)
            run_function(library);
        else
            fail(verb);
    }
    return 0;
}
