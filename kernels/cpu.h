/* What the machine has, for the dispatcher. */
#ifndef PYACTS_CPU_H
#define PYACTS_CPU_H

#include <stddef.h>

#if defined(__x86_64__)
#include <cpuid.h>

/* Which instruction-set levels it can run: the processor has the instructions and the operating system saves the
   registers (__builtin_cpu_supports asks CPUID and XCR0). The lists match the compiler flags in setup.py. */
static inline int cpu_has_avx2(void) {
    unsigned a, b, c, d;
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx") && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
           __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") && __get_cpuid(1, &a, &b, &c, &d) &&
           (c & bit_F16C); /* which not every compiler knows by name */
}

static inline int cpu_has_avx512(void) {
    return cpu_has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
}

/* Bytes of the largest cache that a core has or shares, or as good as infinite. CPUID tells Intel's in leaf 4 and AMD's
   in leaf 0x8000001d, cache by cache; what sysconf() says of the third level is that of all caches of it together. */
static inline size_t cpu_cache_size(void) {
    const unsigned leaves[2] = {4, 0x8000001d};
    size_t largest = 0;
    for (int leaf = 0; leaf < 2; ++leaf) {
        unsigned a, b, c, d;
        for (unsigned k = 0; k < 16 && __get_cpuid_count(leaves[leaf], k, &a, &b, &c, &d) && (a & 0x1f); ++k) {
            size_t ways = (b >> 22) + 1, partitions = ((b >> 12) & 0x3ff) + 1, line = (b & 0xfff) + 1;
            size_t size = ways * partitions * line * ((size_t)c + 1);
            largest = size > largest ? size : largest;
        }
    }
    return largest ? largest : (size_t)-1;
}
#else
static inline size_t cpu_cache_size(void) { return (size_t)-1; }
#endif

#endif
