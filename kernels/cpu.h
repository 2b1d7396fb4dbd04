/* Which instruction-set levels this machine can run: the processor has the instructions and the operating system saves
   the registers (__builtin_cpu_supports asks CPUID and XCR0). The lists match the compiler flags in setup.py. */
#ifndef PYACTS_CPU_H
#define PYACTS_CPU_H

#if defined(__x86_64__)
#include <cpuid.h>

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
#endif

#endif
