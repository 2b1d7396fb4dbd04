/* Reads handwritten digits with a small trained network: relu in the hidden layer, softmax at the end.

       cc classifier.c $(python -m pyacts --cflags --libs) -o classifier && ./classifier
*/
#include <stdio.h>

#include <pyacts.h>

#include "classifier_weights.h"

/* y = x w + b, for each of the rows of x (rows x inputs), w (inputs x outputs). */
static void layer(size_t rows, size_t inputs, size_t outputs, const float *x, const float *w, const float *b,
                  float *y) {
    size_t row, i, j;
    for (row = 0; row < rows; row++) {
        for (j = 0; j < outputs; j++)
            y[row * outputs + j] = b[j];
        for (i = 0; i < inputs; i++)
            for (j = 0; j < outputs; j++)
                y[row * outputs + j] += x[row * inputs + i] * w[i * outputs + j];
    }
}

static size_t place_of_largest(const float *p, size_t n) {
    size_t best = 0, i;
    for (i = 1; i < n; i++)
        if (p[i] > p[best])
            best = i;
    return best;
}

/* An image of 8 x 8 pixels on the left, the probabilities of the digits on the right. */
static void show(const char *image, const float *probabilities, size_t number, char digit) {
    static const char shades[] = " .:-=+*#@";
    size_t row, column, bar;
    printf("image %d: a %c, read as %d\n", (int)number, digit, (int)place_of_largest(probabilities, CLASSES));
    for (row = 0; row < CLASSES; row++) {
        printf("    ");
        for (column = 0; column < 8; column++) {
            char shade = row < 8 ? shades[(image[row * 8 + column] - 'A') / 2] : ' ';
            printf("%c%c", shade, shade);
        }
        printf("    %d %6.2f %% ", (int)row, 100.0 * (double)probabilities[row]);
        for (bar = 0; bar < (size_t)(30 * probabilities[row] + 0.5f); bar++)
            putchar('#');
        putchar('\n');
    }
    putchar('\n');
}

int main(void) {
    static float x[IMAGES * PIXELS], hidden[IMAGES * HIDDEN], scores[IMAGES * CLASSES];
    size_t image, pixel, correct = 0, shown = 0, mistakes = 0;
    static const char wanted[] = "38";

    printf("pyacts %s, kernels for %s\n\n", pyacts_version(), pyacts_isa());
    for (image = 0; image < IMAGES; image++)
        for (pixel = 0; pixel < PIXELS; pixel++)
            x[image * PIXELS + pixel] = (float)(images[image][pixel] - 'A') / 16;

    /* The whole network, for all images at once. Both activations work in place: the output is the input. */
    layer(IMAGES, PIXELS, HIDDEN, x, hidden_weights, hidden_biases, hidden);
    pyacts_relu_f32(IMAGES * HIDDEN, hidden, hidden);
    layer(IMAGES, HIDDEN, CLASSES, hidden, output_weights, output_biases, scores);
    pyacts_softmax_f32(IMAGES, CLASSES, 1, scores, scores, NULL);

    /* A 3 and an 8 that are read rightly, and the first mistake. */
    for (image = 0; image < IMAGES; image++) {
        const float *probabilities = scores + image * CLASSES;
        int right = (char)('0' + place_of_largest(probabilities, CLASSES)) == digits[image];
        if (right ? digits[image] == wanted[shown] : mistakes == 0)
            show(images[image], probabilities, image, digits[image]);
        if (right && digits[image] == wanted[shown])
            shown++;
        if (right)
            correct++;
        else
            mistakes++;
    }
    printf("%d of %d images that it was not trained with are read rightly: %.1f %%\n", (int)correct, (int)IMAGES,
           100.0 * (double)correct / IMAGES);
    return 0;
}
