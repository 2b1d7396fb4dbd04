/* Runs kernels, given as triples (name, dtype, direction), over numbers that overflow, underflow and are NaN, and
   checks that errno and the control bits of the floating-point environment are what they were. */
#include <errno.h>
#include <fenv.h>
#include <pyacts.h>
#include <stdio.h>
#include <string.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

static unsigned control_bits(void) {
#if defined(__x86_64__)
    unsigned short x87;
    __asm__ volatile("fnstcw %0" : "=m"(x87));
    return (_mm_getcsr() & ~0x3fu) << 16 | x87;
#else
    return 0;
#endif
}

int main(int count, char **words) {
    static const double values[] = {0.0,   -0.0,   1e-320,     -1e-40,      1e30, -1e30,
                                    1e308, -1e308, 1e308 * 10, -1e308 * 10, 0.5,  -90};
    enum { MANY = 1000 };
    static float floats[3][MANY];
    static double doubles[3][MANY];
    static const double params[4] = {1.5, 1.5, 1.5, 1.5};
    const int rounding[] = {FE_TONEAREST, FE_UPWARD, FE_TOWARDZERO};
    int k, r, i, a;
    for (k = 1; k + 2 < count; k += 3) {
        pyacts_kernel kernel = pyacts_find(words[k], words[k + 1], words[k + 2]);
        int single = strcmp(words[k + 1], "f32") == 0;
        if (kernel == NULL)
            return 2;
        for (r = 0; r < 3; r++) {
            unsigned before;
            const void *inputs[3];
            void *outputs[2];
            for (i = 0; i < MANY; i++) {
                double value = values[i % (int)(sizeof values / sizeof *values)];
                for (a = 0; a < 3; a++) {
                    doubles[a][i] = i % 7 ? value : value * 0;
                    floats[a][i] = (float)doubles[a][i];
                }
            }
            for (a = 0; a < 3; a++)
                inputs[a] = single ? (void *)floats[a] : (void *)doubles[a];
            outputs[0] = (void *)inputs[0];
            outputs[1] = (void *)inputs[1];
            fesetround(rounding[r]);
            before = control_bits();
            errno = 0;
            kernel(MANY, inputs, outputs, params);
            if (errno != 0 || fegetround() != rounding[r] || control_bits() != before) {
                printf("%s %s %s changes the state: errno %d\n", words[k], words[k + 1], words[k + 2], errno);
                return 1;
            }
        }
    }
    puts("ok");
    return 0;
}
