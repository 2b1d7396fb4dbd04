/* A program that uses the library, as C99 or as C++: prints "ok" if the numbers are right. */
#include <pyacts.h>
#include <stdio.h>
#include <string.h>

int main(void) {
    float x[5] = {-2.0f, -1.0f, 0.0f, 1.0f, 2.0f};
    double p[2] = {0.0, 0.0};
    pyacts_relu_f32(5, x, x);
    if (x[0] != 0.0f || x[1] != 0.0f || x[2] != 0.0f || x[3] != 1.0f || x[4] != 2.0f)
        return 1;
    pyacts_softmax_f64(1, 2, 1, p, p, NULL);
    if (p[0] != 0.5 || p[1] != 0.5)
        return 2;
    if (pyacts_find("tanh", "f32", "backward_y") == NULL || pyacts_find("tanh", "f32", "sideways") != NULL)
        return 3;
    if (PYACTS_VERSION_MAJOR != pyacts_version()[0] - '0' || strlen(pyacts_isa()) == 0)
        return 4;
    puts("ok");
    return 0;
}
