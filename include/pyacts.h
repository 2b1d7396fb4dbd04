/* pyacts.h: neural-network activation functions for arrays, forward and backward.

   Link with libpyacts:    cc program.c $(python -m pyacts --cflags --libs)

   Most functions apply one activation to n contiguous numbers:

       forward      y[i]  = f(x[i])
       backward     dx[i] = grad[i] * f'(x[i])      from the forward's input x
       backward_y   dx[i] = grad[i] * f'(x[i])      from the forward's output y = f(x)

   - f32 is float, f64 is double; f16 (IEEE half) and bf16 (bfloat16) are passed as their bits, computed in float and
     rounded once, to nearest even. Their parameters are float.
   - The functions with "exact" in their names take float, compute in double and round once: at most 0.51 ULP.
   - An output may be exactly one of the inputs (in place), except for maxout and crelu. Other overlap is not allowed.
   - Any alignment. Nothing outside the arrays is read or written. An array of no elements may be NULL.
   - Functions never fail, allocate nothing, set no errno, keep no state, start no threads, and may be called from any
     number of threads at once. The floating-point control bits are left alone; status flags may be raised.
   - NaN in gives NaN out; infinities give the mathematical limit; subnormal numbers are computed, not flushed. Where a
     derivative is zero throughout, the gradient is +0 for any grad but NaN.
   - An element's result does not depend on where in the array it is, nor on the instruction set among those with
     fused multiply-add (all but baseline x86-64).
   - "Error" is what the tests hold it to, in units in the last place (ULP) of float / double, with the default
     parameters and grad = 1; for halves, half a unit and what is left of float's error: 0.501. A backward near a zero
     of its derivative is measured against the larger of the terms that cancel there.

   Functions
   of each number  identity, relu, leaky_relu, prelu, relu6, relu2, threshold, hard_tanh, hard_sigmoid, hard_swish,
                   elu, selu, celu, softplus, log_sigmoid, squareplus, sparse_plus, sparse_sigmoid, exponential,
                   xielu, sigmoid, tanh, scaled_tanh, softsign, step, silu, quick_gelu, gelu, gelu_tanh, mish, dish,
                   hard_shrink, soft_shrink, tanh_shrink
   gated units     glu, reglu, swiglu, geglu, geglu_tanh
   along an axis   softmax, softmin, log_softmax, logsumexp, sparsemax, entmax15, hardmax, maxout, crelu
   losses          softmax_cross_entropy, sigmoid_cross_entropy

   This file is generated from pyacts/catalog.py by `python -m codegen`. Each prototype is one line that starts with
   PYACTS_API, so that cffi and other tools can read it. */
#ifndef PYACTS_H
#define PYACTS_H

#include <stddef.h>
#include <stdint.h>

#define PYACTS_VERSION_MAJOR 0
#define PYACTS_VERSION_MINOR 1
#define PYACTS_VERSION_PATCH 0

#ifndef PYACTS_API
#define PYACTS_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The version of the library, "major.minor.patch". */
PYACTS_API const char *pyacts_version(void);

/* The instruction set in use, chosen when the library was loaded: "baseline", "avx2", "avx512", or "neon". The
   environment variable PYACTS_ISA, set before that, narrows the choice. */
PYACTS_API const char *pyacts_isa(void);

/* One shape for all elementwise kernels, for drivers and other languages: inputs and outputs in the order of the typed
   function, the parameters as numbers (rounded to the dtype). */
typedef void (*pyacts_kernel)(size_t n, const void *const *inputs, void *const *outputs, const double *params);

/* The kernel of an elementwise activation or a gated unit by its name here ("silu", not "swish"; that of the exact tier
   has "_exact" behind it), or NULL if there is none. dtype: "f32", "f64", "f16", "bf16". direction: "forward",
   "backward", "backward_y"; for an activation with parameters also "forward_arrays" and so on, which read each
   parameter from an array of n, given as further inputs, and ignore params. prelu takes one weight for all. */
PYACTS_API pyacts_kernel pyacts_find(const char *name, const char *dtype, const char *direction);

/* Options of the softmax family, on an (outer, n, inner) array. NULL: none of them. Else start from

       pyacts_softmax_options options = PYACTS_SOFTMAX_OPTIONS;

   and set what is wanted: a pointer that stays NULL asks for nothing. What is worked with is z = scale * x + bias, in
   softmin -scale * x + bias, of which it is the softmax. Strides count elements, from one to the next along outer, n
   and inner; 0 repeats. A hidden number is never looked at (nor is its grad): its probability is 0, its gradient too.

   size             sizeof(pyacts_softmax_options), so that members can be added: what is beyond it counts as not given,
                    and with 0 nothing is
   scale            a factor, 1 if it is not wanted
   mask             bytes: 0 hides
   bias             of the type of x; -inf hides
   sink             a further term of the sum, e**sink, of which there is no result: float, double for f64; strides
                    along outer and inner
   causal_rows      not 0: row i hides what comes after i + causal_offset, i counting from 0 along the last
   causal_offset    causal_rows of outer (again and again); inner must be 1; what is hidden is not even read
   empty            what a line with nothing left is: 0 for NaN, 1 for probabilities of 0 (logsumexp is -inf there) */
typedef struct pyacts_softmax_options {
    size_t size;
    double scale;
    const unsigned char *mask;
    ptrdiff_t mask_strides[3];
    const void *bias;
    ptrdiff_t bias_strides[3];
    const void *sink;
    ptrdiff_t sink_strides[2];
    size_t causal_rows;
    ptrdiff_t causal_offset;
    int empty;
} pyacts_softmax_options;

#define PYACTS_SOFTMAX_OPTIONS {sizeof(pyacts_softmax_options), 1.0, NULL, {0}, NULL, {0}, NULL, {0}, 0, 0, 0}


/* identity: x.
   Exact. */
PYACTS_API void pyacts_identity_f32(size_t n, const float *x, float *y);
PYACTS_API void pyacts_identity_backward_f32(size_t n, const float *grad, const float *x, float *dx);
PYACTS_API void pyacts_identity_backward_y_f32(size_t n, const float *grad, const float *y, float *dx);
PYACTS_API void pyacts_identity_f64(size_t n, const double *x, double *y);
PYACTS_API void pyacts_identity_backward_f64(size_t n, const double *grad, const double *x, double *dx);
PYACTS_API void pyacts_identity_backward_y_f64(size_t n, const double *grad, const double *y, double *dx);
PYACTS_API void pyacts_identity_f16(size_t n, const uint16_t *x, uint16_t *y);
PYACTS_API void pyacts_identity_backward_f16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx);
PYACTS_API void pyacts_identity_backward_y_f16(size_t n, const uint16_t *grad, const uint16_t *y, uint16_t *dx);
PYACTS_API void pyacts_identity_bf16(size_t n, const uint16_t *x, uint16_t *y);
PYACTS_API void pyacts_identity_backward_bf16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx);
PYACTS_API void pyacts_identity_backward_y_bf16(size_t n, const uint16_t *grad, const uint16_t *y, uint16_t *dx);
PYACTS_API void pyacts_identity_exact_f32(size_t n, const float *x, float *y);
PYACTS_API void pyacts_identity_exact_backward_f32(size_t n, const float *grad, const float *x, float *dx);
PYACTS_API void pyacts_identity_exact_backward_y_f32(size_t n, const float *grad, const float *y, float *dx);

/* relu: max(x, 0).
   Exact. */
PYACTS_API void pyacts_relu_f32(size_t n, const float *x, float *y);
PYACTS_API void pyacts_relu_backward_f32(size_t n, const float *grad, const float *x, float *dx);
PYACTS_API void pyacts_relu_backward_y_f32(size_t n, const float *grad, const float *y, float *dx);
PYACTS_API void pyacts_relu_f64(size_t n, const double *x, double *y);
PYACTS_API void pyacts_relu_backward_f64(size_t n, const double *grad, const double *x, double *dx);
PYACTS_API void pyacts_relu_backward_y_f64(size_t n, const double *grad, const double *y, double *dx);
PYACTS_API void pyacts_relu_f16(size_t n, const uint16_t *x, uint16_t *y);
PYACTS_API void pyacts_relu_backward_f16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx);
PYACTS_API void pyacts_relu_backward_y_f16(size_t n, const uint16_t *grad, const uint16_t *y, uint16_t *dx);
PYACTS_API void pyacts_relu_bf16(size_t n, const uint16_t *x, uint16_t *y);
PYACTS_API void pyacts_relu_backward_bf16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx);
PYACTS_API void pyacts_relu_backward_y_bf16(size_t n, const uint16_t *grad, const uint16_t *y, uint16_t *dx);
PYACTS_API void pyacts_relu_exact_f32(size_t n, const float *x, float *y);
PYACTS_API void pyacts_relu_exact_backward_f32(size_t n, const float *grad, const float *x, float *dx);
PYACTS_API void pyacts_relu_exact_backward_y_f32(size_t n, const float *grad, const float *y, float *dx);

/* leaky_relu: x for x > 0, negative_slope * x for x <= 0.
   negative_slope is finite, usually 0.01; backward_y needs negative_slope >= 0.
   parameter_grad: dnegative_slope[c] = sum of grad * (x for x < 0, else 0), over channel c.
   Error: forward 0.5 / 0.5, backward 0.5 / 0.5, backward_y 0.5 / 0.5 ULP. */
PYACTS_API void pyacts_leaky_relu_f32(size_t n, const float *x, float *y, float negative_slope);
PYACTS_API void pyacts_leaky_relu_backward_f32(size_t n, const float *grad, const float *x, float *dx, float negative_slope);
PYACTS_API void pyacts_leaky_relu_backward_y_f32(size_t n, const float *grad, const float *y, float *dx, float negative_slope);
PYACTS_API void pyacts_leaky_relu_parameter_grad_f32(size_t outer, size_t channels, size_t inner, const float *grad, const float *x, const float *negative_slope, float *dnegative_slope);
PYACTS_API void pyacts_leaky_relu_f64(size_t n, const double *x, double *y, double negative_slope);
PYACTS_API void pyacts_leaky_relu_backward_f64(size_t n, const double *grad, const double *x, double *dx, double negative_slope);
PYACTS_API void pyacts_leaky_relu_backward_y_f64(size_t n, const double *grad, const double *y, double *dx, double negative_slope);
PYACTS_API void pyacts_leaky_relu_parameter_grad_f64(size_t outer, size_t channels, size_t inner, const double *grad, const double *x, const double *negative_slope, double *dnegative_slope);
PYACTS_API void pyacts_leaky_relu_f16(size_t n, const uint16_t *x, uint16_t *y, float negative_slope);
PYACTS_API void pyacts_leaky_relu_backward_f16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx, float negative_slope);
PYACTS_API void pyacts_leaky_relu_backward_y_f16(size_t n, const uint16_t *grad, const uint16_t *y, uint16_t *dx, float negative_slope);
PYACTS_API void pyacts_leaky_relu_parameter_grad_f16(size_t outer, size_t channels, size_t inner, const uint16_t *grad, const uint16_t *x, const float *negative_slope, float *dnegative_slope);
PYACTS_API void pyacts_leaky_relu_bf16(size_t n, const uint16_t *x, uint16_t *y, float negative_slope);
PYACTS_API void pyacts_leaky_relu_backward_bf16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx, float negative_slope);
PYACTS_API void pyacts_leaky_relu_backward_y_bf16(size_t n, const uint16_t *grad, const uint16_t *y, uint16_t *dx, float negative_slope);
PYACTS_API void pyacts_leaky_relu_parameter_grad_bf16(size_t outer, size_t channels, size_t inner, const uint16_t *grad, const uint16_t *x, const float *negative_slope, float *dnegative_slope);
PYACTS_API void pyacts_leaky_relu_exact_f32(size_t n, const float *x, float *y, float negative_slope);
PYACTS_API void pyacts_leaky_relu_exact_backward_f32(size_t n, const float *grad, const float *x, float *dx, float negative_slope);
PYACTS_API void pyacts_leaky_relu_exact_backward_y_f32(size_t n, const float *grad, const float *y, float *dx, float negative_slope);

/* prelu: x for x > 0, weight * x for x <= 0.
   weight is finite; backward_y needs weight >= 0.
   x is (outer, channels, inner) in C order, one weight per channel (channels = 1: one for all).
   parameter_grad: dweight[c] = sum of grad * (x for x < 0, else 0), over channel c.
   Error: forward 0.5 / 0.5, backward 0.5 / 0.5, backward_y 0.5 / 0.5 ULP. */
PYACTS_API void pyacts_prelu_f32(size_t outer, size_t channels, size_t inner, const float *x, const float *weight, float *y);
PYACTS_API void pyacts_prelu_backward_f32(size_t outer, size_t channels, size_t inner, const float *grad, const float *x, const float *weight, float *dx);
PYACTS_API void pyacts_prelu_backward_y_f32(size_t outer, size_t channels, size_t inner, const float *grad, const float *y, const float *weight, float *dx);
PYACTS_API void pyacts_prelu_parameter_grad_f32(size_t outer, size_t channels, size_t inner, const float *grad, const float *x, const float *weight, float *dweight);
PYACTS_API void pyacts_prelu_f64(size_t outer, size_t channels, size_t inner, const double *x, const double *weight, double *y);
PYACTS_API void pyacts_prelu_backward_f64(size_t outer, size_t channels, size_t inner, const double *grad, const double *x, const double *weight, double *dx);
PYACTS_API void pyacts_prelu_backward_y_f64(size_t outer, size_t channels, size_t inner, const double *grad, const double *y, const double *weight, double *dx);
PYACTS_API void pyacts_prelu_parameter_grad_f64(size_t outer, size_t channels, size_t inner, const double *grad, const double *x, const double *weight, double *dweight);
PYACTS_API void pyacts_prelu_f16(size_t outer, size_t channels, size_t inner, const uint16_t *x, const float *weight, uint16_t *y);
PYACTS_API void pyacts_prelu_backward_f16(size_t outer, size_t channels, size_t inner, const uint16_t *grad, const uint16_t *x, const float *weight, uint16_t *dx);
PYACTS_API void pyacts_prelu_backward_y_f16(size_t outer, size_t channels, size_t inner, const uint16_t *grad, const uint16_t *y, const float *weight, uint16_t *dx);
PYACTS_API void pyacts_prelu_parameter_grad_f16(size_t outer, size_t channels, size_t inner, const uint16_t *grad, const uint16_t *x, const float *weight, float *dweight);
PYACTS_API void pyacts_prelu_bf16(size_t outer, size_t channels, size_t inner, const uint16_t *x, const float *weight, uint16_t *y);
PYACTS_API void pyacts_prelu_backward_bf16(size_t outer, size_t channels, size_t inner, const uint16_t *grad, const uint16_t *x, const float *weight, uint16_t *dx);
PYACTS_API void pyacts_prelu_backward_y_bf16(size_t outer, size_t channels, size_t inner, const uint16_t *grad, const uint16_t *y, const float *weight, uint16_t *dx);
PYACTS_API void pyacts_prelu_parameter_grad_bf16(size_t outer, size_t channels, size_t inner, const uint16_t *grad, const uint16_t *x, const float *weight, float *dweight);
PYACTS_API void pyacts_prelu_exact_f32(size_t outer, size_t channels, size_t inner, const float *x, const float *weight, float *y);
PYACTS_API void pyacts_prelu_exact_backward_f32(size_t outer, size_t channels, size_t inner, const float *grad, const float *x, const float *weight, float *dx);
PYACTS_API void pyacts_prelu_exact_backward_y_f32(size_t outer, size_t channels, size_t inner, const float *grad, const float *y, const float *weight, float *dx);

/* relu6: min(max(x, 0), 6).
   Exact. */
PYACTS_API void pyacts_relu6_f32(size_t n, const float *x, float *y);
PYACTS_API void pyacts_relu6_backward_f32(size_t n, const float *grad, const float *x, float *dx);
PYACTS_API void pyacts_relu6_backward_y_f32(size_t n, const float *grad, const float *y, float *dx);
PYACTS_API void pyacts_relu6_f64(size_t n, const double *x, double *y);
PYACTS_API void pyacts_relu6_backward_f64(size_t n, const double *grad, const double *x, double *dx);
PYACTS_API void pyacts_relu6_backward_y_f64(size_t n, const double *grad, const double *y, double *dx);
PYACTS_API void pyacts_relu6_f16(size_t n, const uint16_t *x, uint16_t *y);
PYACTS_API void pyacts_relu6_backward_f16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx);
PYACTS_API void pyacts_relu6_backward_y_f16(size_t n, const uint16_t *grad, const uint16_t *y, uint16_t *dx);
PYACTS_API void pyacts_relu6_bf16(size_t n, const uint16_t *x, uint16_t *y);
PYACTS_API void pyacts_relu6_backward_bf16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx);
PYACTS_API void pyacts_relu6_backward_y_bf16(size_t n, const uint16_t *grad, const uint16_t *y, uint16_t *dx);
PYACTS_API void pyacts_relu6_exact_f32(size_t n, const float *x, float *y);
PYACTS_API void pyacts_relu6_exact_backward_f32(size_t n, const float *grad, const float *x, float *dx);
PYACTS_API void pyacts_relu6_exact_backward_y_f32(size_t n, const float *grad, const float *y, float *dx);

/* relu2: max(x, 0)**2.
   Error: forward 0.5 / 0.5, backward 0 / 0, backward_y 0.5 / 0.5 ULP. */
PYACTS_API void pyacts_relu2_f32(size_t n, const float *x, float *y);
PYACTS_API void pyacts_relu2_backward_f32(size_t n, const float *grad, const float *x, float *dx);
PYACTS_API void pyacts_relu2_backward_y_f32(size_t n, const float *grad, const float *y, float *dx);
PYACTS_API void pyacts_relu2_f64(size_t n, const double *x, double *y);
PYACTS_API void pyacts_relu2_backward_f64(size_t n, const double *grad, const double *x, double *dx);
PYACTS_API void pyacts_relu2_backward_y_f64(size_t n, const double *grad, const double *y, double *dx);
PYACTS_API void pyacts_relu2_f16(size_t n, const uint16_t *x, uint16_t *y);
PYACTS_API void pyacts_relu2_backward_f16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx);
PYACTS_API void pyacts_relu2_backward_y_f16(size_t n, const uint16_t *grad, const uint16_t *y, uint16_t *dx);
PYACTS_API void pyacts_relu2_bf16(size_t n, const uint16_t *x, uint16_t *y);
PYACTS_API void pyacts_relu2_backward_bf16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx);
PYACTS_API void pyacts_relu2_backward_y_bf16(size_t n, const uint16_t *grad, const uint16_t *y, uint16_t *dx);
PYACTS_API void pyacts_relu2_exact_f32(size_t n, const float *x, float *y);
PYACTS_API void pyacts_relu2_exact_backward_f32(size_t n, const float *grad, const float *x, float *dx);
PYACTS_API void pyacts_relu2_exact_backward_y_f32(size_t n, const float *grad, const float *y, float *dx);

/* threshold: x for x > threshold, value for x <= threshold.
   threshold is finite, usually 1.
   value is finite, usually 0.
   No backward_y: a value above the threshold may be the output on either side.
   Exact. */
PYACTS_API void pyacts_threshold_f32(size_t n, const float *x, float *y, float threshold, float value);
PYACTS_API void pyacts_threshold_backward_f32(size_t n, const float *grad, const float *x, float *dx, float threshold, float value);
PYACTS_API void pyacts_threshold_f64(size_t n, const double *x, double *y, double threshold, double value);
PYACTS_API void pyacts_threshold_backward_f64(size_t n, const double *grad, const double *x, double *dx, double threshold, double value);
PYACTS_API void pyacts_threshold_f16(size_t n, const uint16_t *x, uint16_t *y, float threshold, float value);
PYACTS_API void pyacts_threshold_backward_f16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx, float threshold, float value);
PYACTS_API void pyacts_threshold_bf16(size_t n, const uint16_t *x, uint16_t *y, float threshold, float value);
PYACTS_API void pyacts_threshold_backward_bf16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx, float threshold, float value);
PYACTS_API void pyacts_threshold_exact_f32(size_t n, const float *x, float *y, float threshold, float value);
PYACTS_API void pyacts_threshold_exact_backward_f32(size_t n, const float *grad, const float *x, float *dx, float threshold, float value);

/* hard_tanh: min(max(x, min_val), max_val).
   min_val is finite, usually -1.
   max_val is at least min_val, usually 1.
   Exact. */
PYACTS_API void pyacts_hard_tanh_f32(size_t n, const float *x, float *y, float min_val, float max_val);
PYACTS_API void pyacts_hard_tanh_backward_f32(size_t n, const float *grad, const float *x, float *dx, float min_val, float max_val);
PYACTS_API void pyacts_hard_tanh_backward_y_f32(size_t n, const float *grad, const float *y, float *dx, float min_val, float max_val);
PYACTS_API void pyacts_hard_tanh_f64(size_t n, const double *x, double *y, double min_val, double max_val);
PYACTS_API void pyacts_hard_tanh_backward_f64(size_t n, const double *grad, const double *x, double *dx, double min_val, double max_val);
PYACTS_API void pyacts_hard_tanh_backward_y_f64(size_t n, const double *grad, const double *y, double *dx, double min_val, double max_val);
PYACTS_API void pyacts_hard_tanh_f16(size_t n, const uint16_t *x, uint16_t *y, float min_val, float max_val);
PYACTS_API void pyacts_hard_tanh_backward_f16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx, float min_val, float max_val);
PYACTS_API void pyacts_hard_tanh_backward_y_f16(size_t n, const uint16_t *grad, const uint16_t *y, uint16_t *dx, float min_val, float max_val);
PYACTS_API void pyacts_hard_tanh_bf16(size_t n, const uint16_t *x, uint16_t *y, float min_val, float max_val);
PYACTS_API void pyacts_hard_tanh_backward_bf16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx, float min_val, float max_val);
PYACTS_API void pyacts_hard_tanh_backward_y_bf16(size_t n, const uint16_t *grad, const uint16_t *y, uint16_t *dx, float min_val, float max_val);
PYACTS_API void pyacts_hard_tanh_exact_f32(size_t n, const float *x, float *y, float min_val, float max_val);
PYACTS_API void pyacts_hard_tanh_exact_backward_f32(size_t n, const float *grad, const float *x, float *dx, float min_val, float max_val);
PYACTS_API void pyacts_hard_tanh_exact_backward_y_f32(size_t n, const float *grad, const float *y, float *dx, float min_val, float max_val);

/* hard_sigmoid: min(max(slope * x + offset, 0), 1).
   slope is positive, usually 0.166667.
   offset is finite, usually 0.5.
   Error: forward 1.5 / 1.5, backward 0 / 0, backward_y 0 / 0 ULP. */
PYACTS_API void pyacts_hard_sigmoid_f32(size_t n, const float *x, float *y, float slope, float offset);
PYACTS_API void pyacts_hard_sigmoid_backward_f32(size_t n, const float *grad, const float *x, float *dx, float slope, float offset);
PYACTS_API void pyacts_hard_sigmoid_backward_y_f32(size_t n, const float *grad, const float *y, float *dx, float slope, float offset);
PYACTS_API void pyacts_hard_sigmoid_f64(size_t n, const double *x, double *y, double slope, double offset);
PYACTS_API void pyacts_hard_sigmoid_backward_f64(size_t n, const double *grad, const double *x, double *dx, double slope, double offset);
PYACTS_API void pyacts_hard_sigmoid_backward_y_f64(size_t n, const double *grad, const double *y, double *dx, double slope, double offset);
PYACTS_API void pyacts_hard_sigmoid_f16(size_t n, const uint16_t *x, uint16_t *y, float slope, float offset);
PYACTS_API void pyacts_hard_sigmoid_backward_f16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx, float slope, float offset);
PYACTS_API void pyacts_hard_sigmoid_backward_y_f16(size_t n, const uint16_t *grad, const uint16_t *y, uint16_t *dx, float slope, float offset);
PYACTS_API void pyacts_hard_sigmoid_bf16(size_t n, const uint16_t *x, uint16_t *y, float slope, float offset);
PYACTS_API void pyacts_hard_sigmoid_backward_bf16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx, float slope, float offset);
PYACTS_API void pyacts_hard_sigmoid_backward_y_bf16(size_t n, const uint16_t *grad, const uint16_t *y, uint16_t *dx, float slope, float offset);
PYACTS_API void pyacts_hard_sigmoid_exact_f32(size_t n, const float *x, float *y, float slope, float offset);
PYACTS_API void pyacts_hard_sigmoid_exact_backward_f32(size_t n, const float *grad, const float *x, float *dx, float slope, float offset);
PYACTS_API void pyacts_hard_sigmoid_exact_backward_y_f32(size_t n, const float *grad, const float *y, float *dx, float slope, float offset);

/* hard_swish: x * min(max(x + 3, 0), 6) / 6.
   No backward_y: it is not monotone, so the output does not determine the input.
   Error: forward 1.5 / 1.5, backward 1.5 / 1.5 ULP. */
PYACTS_API void pyacts_hard_swish_f32(size_t n, const float *x, float *y);
PYACTS_API void pyacts_hard_swish_backward_f32(size_t n, const float *grad, const float *x, float *dx);
PYACTS_API void pyacts_hard_swish_f64(size_t n, const double *x, double *y);
PYACTS_API void pyacts_hard_swish_backward_f64(size_t n, const double *grad, const double *x, double *dx);
PYACTS_API void pyacts_hard_swish_f16(size_t n, const uint16_t *x, uint16_t *y);
PYACTS_API void pyacts_hard_swish_backward_f16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx);
PYACTS_API void pyacts_hard_swish_bf16(size_t n, const uint16_t *x, uint16_t *y);
PYACTS_API void pyacts_hard_swish_backward_bf16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx);
PYACTS_API void pyacts_hard_swish_exact_f32(size_t n, const float *x, float *y);
PYACTS_API void pyacts_hard_swish_exact_backward_f32(size_t n, const float *grad, const float *x, float *dx);

/* elu: x for x > 0, alpha * (exp(x) - 1) for x <= 0.
   alpha is finite, usually 1; backward_y needs alpha >= 0.
   parameter_grad: dalpha[c] = sum of grad * (exp(x) - 1 for x < 0, else 0), over channel c.
   Error: forward 1 / 1.2, backward 1.05 / 1.2, backward_y 0.5 / 0.5 ULP. */
PYACTS_API void pyacts_elu_f32(size_t n, const float *x, float *y, float alpha);
PYACTS_API void pyacts_elu_backward_f32(size_t n, const float *grad, const float *x, float *dx, float alpha);
PYACTS_API void pyacts_elu_backward_y_f32(size_t n, const float *grad, const float *y, float *dx, float alpha);
PYACTS_API void pyacts_elu_parameter_grad_f32(size_t outer, size_t channels, size_t inner, const float *grad, const float *x, const float *alpha, float *dalpha);
PYACTS_API void pyacts_elu_f64(size_t n, const double *x, double *y, double alpha);
PYACTS_API void pyacts_elu_backward_f64(size_t n, const double *grad, const double *x, double *dx, double alpha);
PYACTS_API void pyacts_elu_backward_y_f64(size_t n, const double *grad, const double *y, double *dx, double alpha);
PYACTS_API void pyacts_elu_parameter_grad_f64(size_t outer, size_t channels, size_t inner, const double *grad, const double *x, const double *alpha, double *dalpha);
PYACTS_API void pyacts_elu_f16(size_t n, const uint16_t *x, uint16_t *y, float alpha);
PYACTS_API void pyacts_elu_backward_f16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx, float alpha);
PYACTS_API void pyacts_elu_backward_y_f16(size_t n, const uint16_t *grad, const uint16_t *y, uint16_t *dx, float alpha);
PYACTS_API void pyacts_elu_parameter_grad_f16(size_t outer, size_t channels, size_t inner, const uint16_t *grad, const uint16_t *x, const float *alpha, float *dalpha);
PYACTS_API void pyacts_elu_bf16(size_t n, const uint16_t *x, uint16_t *y, float alpha);
PYACTS_API void pyacts_elu_backward_bf16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx, float alpha);
PYACTS_API void pyacts_elu_backward_y_bf16(size_t n, const uint16_t *grad, const uint16_t *y, uint16_t *dx, float alpha);
PYACTS_API void pyacts_elu_parameter_grad_bf16(size_t outer, size_t channels, size_t inner, const uint16_t *grad, const uint16_t *x, const float *alpha, float *dalpha);
PYACTS_API void pyacts_elu_exact_f32(size_t n, const float *x, float *y, float alpha);
PYACTS_API void pyacts_elu_exact_backward_f32(size_t n, const float *grad, const float *x, float *dx, float alpha);
PYACTS_API void pyacts_elu_exact_backward_y_f32(size_t n, const float *grad, const float *y, float *dx, float alpha);

/* selu: scale * x for x > 0, scale * alpha * (exp(x) - 1) for x <= 0 with scale = 1.0507009873554804934193349852946 and alpha = 1.6732632423543772848170429916717.
   Error: forward 1.75 / 1.75, backward 2 / 2.5, backward_y 1 / 1 ULP. */
PYACTS_API void pyacts_selu_f32(size_t n, const float *x, float *y);
PYACTS_API void pyacts_selu_backward_f32(size_t n, const float *grad, const float *x, float *dx);
PYACTS_API void pyacts_selu_backward_y_f32(size_t n, const float *grad, const float *y, float *dx);
PYACTS_API void pyacts_selu_f64(size_t n, const double *x, double *y);
PYACTS_API void pyacts_selu_backward_f64(size_t n, const double *grad, const double *x, double *dx);
PYACTS_API void pyacts_selu_backward_y_f64(size_t n, const double *grad, const double *y, double *dx);
PYACTS_API void pyacts_selu_f16(size_t n, const uint16_t *x, uint16_t *y);
PYACTS_API void pyacts_selu_backward_f16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx);
PYACTS_API void pyacts_selu_backward_y_f16(size_t n, const uint16_t *grad, const uint16_t *y, uint16_t *dx);
PYACTS_API void pyacts_selu_bf16(size_t n, const uint16_t *x, uint16_t *y);
PYACTS_API void pyacts_selu_backward_bf16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx);
PYACTS_API void pyacts_selu_backward_y_bf16(size_t n, const uint16_t *grad, const uint16_t *y, uint16_t *dx);
PYACTS_API void pyacts_selu_exact_f32(size_t n, const float *x, float *y);
PYACTS_API void pyacts_selu_exact_backward_f32(size_t n, const float *grad, const float *x, float *dx);
PYACTS_API void pyacts_selu_exact_backward_y_f32(size_t n, const float *grad, const float *y, float *dx);

/* celu: x for x > 0, alpha * (exp(x / alpha) - 1) for x <= 0.
   alpha is positive, usually 1.
   parameter_grad: dalpha[c] = sum of grad * (exp(x / alpha) * (1 - x / alpha) - 1 for x < 0, else 0), over channel c.
   Error: forward 1 / 1.2, backward 1.05 / 1.2, backward_y 0.5 / 0.5 ULP. */
PYACTS_API void pyacts_celu_f32(size_t n, const float *x, float *y, float alpha);
PYACTS_API void pyacts_celu_backward_f32(size_t n, const float *grad, const float *x, float *dx, float alpha);
PYACTS_API void pyacts_celu_backward_y_f32(size_t n, const float *grad, const float *y, float *dx, float alpha);
PYACTS_API void pyacts_celu_parameter_grad_f32(size_t outer, size_t channels, size_t inner, const float *grad, const float *x, const float *alpha, float *dalpha);
PYACTS_API void pyacts_celu_f64(size_t n, const double *x, double *y, double alpha);
PYACTS_API void pyacts_celu_backward_f64(size_t n, const double *grad, const double *x, double *dx, double alpha);
PYACTS_API void pyacts_celu_backward_y_f64(size_t n, const double *grad, const double *y, double *dx, double alpha);
PYACTS_API void pyacts_celu_parameter_grad_f64(size_t outer, size_t channels, size_t inner, const double *grad, const double *x, const double *alpha, double *dalpha);
PYACTS_API void pyacts_celu_f16(size_t n, const uint16_t *x, uint16_t *y, float alpha);
PYACTS_API void pyacts_celu_backward_f16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx, float alpha);
PYACTS_API void pyacts_celu_backward_y_f16(size_t n, const uint16_t *grad, const uint16_t *y, uint16_t *dx, float alpha);
PYACTS_API void pyacts_celu_parameter_grad_f16(size_t outer, size_t channels, size_t inner, const uint16_t *grad, const uint16_t *x, const float *alpha, float *dalpha);
PYACTS_API void pyacts_celu_bf16(size_t n, const uint16_t *x, uint16_t *y, float alpha);
PYACTS_API void pyacts_celu_backward_bf16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx, float alpha);
PYACTS_API void pyacts_celu_backward_y_bf16(size_t n, const uint16_t *grad, const uint16_t *y, uint16_t *dx, float alpha);
PYACTS_API void pyacts_celu_parameter_grad_bf16(size_t outer, size_t channels, size_t inner, const uint16_t *grad, const uint16_t *x, const float *alpha, float *dalpha);
PYACTS_API void pyacts_celu_exact_f32(size_t n, const float *x, float *y, float alpha);
PYACTS_API void pyacts_celu_exact_backward_f32(size_t n, const float *grad, const float *x, float *dx, float alpha);
PYACTS_API void pyacts_celu_exact_backward_y_f32(size_t n, const float *grad, const float *y, float *dx, float alpha);

/* softplus: log(1 + exp(beta * x)) / beta.
   beta is positive, usually 1.
   parameter_grad: dbeta[c] = sum of grad * ((x * s - f(x)) / beta with s = 1 / (1 + exp(-beta * x))), over channel c.
   Error: forward 1.75 / 2, backward 2.5 / 1.25, backward_y 1.25 / 1.5 ULP. */
PYACTS_API void pyacts_softplus_f32(size_t n, const float *x, float *y, float beta);
PYACTS_API void pyacts_softplus_backward_f32(size_t n, const float *grad, const float *x, float *dx, float beta);
PYACTS_API void pyacts_softplus_backward_y_f32(size_t n, const float *grad, const float *y, float *dx, float beta);
PYACTS_API void pyacts_softplus_parameter_grad_f32(size_t outer, size_t channels, size_t inner, const float *grad, const float *x, const float *beta, float *dbeta);
PYACTS_API void pyacts_softplus_f64(size_t n, const double *x, double *y, double beta);
PYACTS_API void pyacts_softplus_backward_f64(size_t n, const double *grad, const double *x, double *dx, double beta);
PYACTS_API void pyacts_softplus_backward_y_f64(size_t n, const double *grad, const double *y, double *dx, double beta);
PYACTS_API void pyacts_softplus_parameter_grad_f64(size_t outer, size_t channels, size_t inner, const double *grad, const double *x, const double *beta, double *dbeta);
PYACTS_API void pyacts_softplus_f16(size_t n, const uint16_t *x, uint16_t *y, float beta);
PYACTS_API void pyacts_softplus_backward_f16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx, float beta);
PYACTS_API void pyacts_softplus_backward_y_f16(size_t n, const uint16_t *grad, const uint16_t *y, uint16_t *dx, float beta);
PYACTS_API void pyacts_softplus_parameter_grad_f16(size_t outer, size_t channels, size_t inner, const uint16_t *grad, const uint16_t *x, const float *beta, float *dbeta);
PYACTS_API void pyacts_softplus_bf16(size_t n, const uint16_t *x, uint16_t *y, float beta);
PYACTS_API void pyacts_softplus_backward_bf16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx, float beta);
PYACTS_API void pyacts_softplus_backward_y_bf16(size_t n, const uint16_t *grad, const uint16_t *y, uint16_t *dx, float beta);
PYACTS_API void pyacts_softplus_parameter_grad_bf16(size_t outer, size_t channels, size_t inner, const uint16_t *grad, const uint16_t *x, const float *beta, float *dbeta);
PYACTS_API void pyacts_softplus_exact_f32(size_t n, const float *x, float *y, float beta);
PYACTS_API void pyacts_softplus_exact_backward_f32(size_t n, const float *grad, const float *x, float *dx, float beta);
PYACTS_API void pyacts_softplus_exact_backward_y_f32(size_t n, const float *grad, const float *y, float *dx, float beta);

/* log_sigmoid: log(1 / (1 + exp(-x))).
   Error: forward 1.75 / 2, backward 2.5 / 1.25, backward_y 1.25 / 1.5 ULP. */
PYACTS_API void pyacts_log_sigmoid_f32(size_t n, const float *x, float *y);
PYACTS_API void pyacts_log_sigmoid_backward_f32(size_t n, const float *grad, const float *x, float *dx);
PYACTS_API void pyacts_log_sigmoid_backward_y_f32(size_t n, const float *grad, const float *y, float *dx);
PYACTS_API void pyacts_log_sigmoid_f64(size_t n, const double *x, double *y);
PYACTS_API void pyacts_log_sigmoid_backward_f64(size_t n, const double *grad, const double *x, double *dx);
PYACTS_API void pyacts_log_sigmoid_backward_y_f64(size_t n, const double *grad, const double *y, double *dx);
PYACTS_API void pyacts_log_sigmoid_f16(size_t n, const uint16_t *x, uint16_t *y);
PYACTS_API void pyacts_log_sigmoid_backward_f16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx);
PYACTS_API void pyacts_log_sigmoid_backward_y_f16(size_t n, const uint16_t *grad, const uint16_t *y, uint16_t *dx);
PYACTS_API void pyacts_log_sigmoid_bf16(size_t n, const uint16_t *x, uint16_t *y);
PYACTS_API void pyacts_log_sigmoid_backward_bf16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx);
PYACTS_API void pyacts_log_sigmoid_backward_y_bf16(size_t n, const uint16_t *grad, const uint16_t *y, uint16_t *dx);
PYACTS_API void pyacts_log_sigmoid_exact_f32(size_t n, const float *x, float *y);
PYACTS_API void pyacts_log_sigmoid_exact_backward_f32(size_t n, const float *grad, const float *x, float *dx);
PYACTS_API void pyacts_log_sigmoid_exact_backward_y_f32(size_t n, const float *grad, const float *y, float *dx);

/* squareplus: (x + sqrt(x**2 + b)) / 2.
   b is positive, usually 4.
   Error: forward 1.5 / 1.5, backward 3.25 / 3, backward_y 1.75 / 1.75 ULP. */
PYACTS_API void pyacts_squareplus_f32(size_t n, const float *x, float *y, float b);
PYACTS_API void pyacts_squareplus_backward_f32(size_t n, const float *grad, const float *x, float *dx, float b);
PYACTS_API void pyacts_squareplus_backward_y_f32(size_t n, const float *grad, const float *y, float *dx, float b);
PYACTS_API void pyacts_squareplus_f64(size_t n, const double *x, double *y, double b);
PYACTS_API void pyacts_squareplus_backward_f64(size_t n, const double *grad, const double *x, double *dx, double b);
PYACTS_API void pyacts_squareplus_backward_y_f64(size_t n, const double *grad, const double *y, double *dx, double b);
PYACTS_API void pyacts_squareplus_f16(size_t n, const uint16_t *x, uint16_t *y, float b);
PYACTS_API void pyacts_squareplus_backward_f16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx, float b);
PYACTS_API void pyacts_squareplus_backward_y_f16(size_t n, const uint16_t *grad, const uint16_t *y, uint16_t *dx, float b);
PYACTS_API void pyacts_squareplus_bf16(size_t n, const uint16_t *x, uint16_t *y, float b);
PYACTS_API void pyacts_squareplus_backward_bf16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx, float b);
PYACTS_API void pyacts_squareplus_backward_y_bf16(size_t n, const uint16_t *grad, const uint16_t *y, uint16_t *dx, float b);
PYACTS_API void pyacts_squareplus_exact_f32(size_t n, const float *x, float *y, float b);
PYACTS_API void pyacts_squareplus_exact_backward_f32(size_t n, const float *grad, const float *x, float *dx, float b);
PYACTS_API void pyacts_squareplus_exact_backward_y_f32(size_t n, const float *grad, const float *y, float *dx, float b);

/* sparse_plus: 0 for x <= -1, (x + 1)**2 / 4 for -1 < x < 1, x for x >= 1.
   Error: forward 0.51 / 0.51, backward 0.5 / 0.5, backward_y 0.5 / 0.5 ULP. */
PYACTS_API void pyacts_sparse_plus_f32(size_t n, const float *x, float *y);
PYACTS_API void pyacts_sparse_plus_backward_f32(size_t n, const float *grad, const float *x, float *dx);
PYACTS_API void pyacts_sparse_plus_backward_y_f32(size_t n, const float *grad, const float *y, float *dx);
PYACTS_API void pyacts_sparse_plus_f64(size_t n, const double *x, double *y);
PYACTS_API void pyacts_sparse_plus_backward_f64(size_t n, const double *grad, const double *x, double *dx);
PYACTS_API void pyacts_sparse_plus_backward_y_f64(size_t n, const double *grad, const double *y, double *dx);
PYACTS_API void pyacts_sparse_plus_f16(size_t n, const uint16_t *x, uint16_t *y);
PYACTS_API void pyacts_sparse_plus_backward_f16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx);
PYACTS_API void pyacts_sparse_plus_backward_y_f16(size_t n, const uint16_t *grad, const uint16_t *y, uint16_t *dx);
PYACTS_API void pyacts_sparse_plus_bf16(size_t n, const uint16_t *x, uint16_t *y);
PYACTS_API void pyacts_sparse_plus_backward_bf16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx);
PYACTS_API void pyacts_sparse_plus_backward_y_bf16(size_t n, const uint16_t *grad, const uint16_t *y, uint16_t *dx);
PYACTS_API void pyacts_sparse_plus_exact_f32(size_t n, const float *x, float *y);
PYACTS_API void pyacts_sparse_plus_exact_backward_f32(size_t n, const float *grad, const float *x, float *dx);
PYACTS_API void pyacts_sparse_plus_exact_backward_y_f32(size_t n, const float *grad, const float *y, float *dx);

/* sparse_sigmoid: min(max(x + 1, 0), 2) / 2.
   No backward_y: it rounds to 1 before the input is there, where the derivative changes.
   Error: forward 0.5 / 0.5, backward 0 / 0 ULP. */
PYACTS_API void pyacts_sparse_sigmoid_f32(size_t n, const float *x, float *y);
PYACTS_API void pyacts_sparse_sigmoid_backward_f32(size_t n, const float *grad, const float *x, float *dx);
PYACTS_API void pyacts_sparse_sigmoid_f64(size_t n, const double *x, double *y);
PYACTS_API void pyacts_sparse_sigmoid_backward_f64(size_t n, const double *grad, const double *x, double *dx);
PYACTS_API void pyacts_sparse_sigmoid_f16(size_t n, const uint16_t *x, uint16_t *y);
PYACTS_API void pyacts_sparse_sigmoid_backward_f16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx);
PYACTS_API void pyacts_sparse_sigmoid_bf16(size_t n, const uint16_t *x, uint16_t *y);
PYACTS_API void pyacts_sparse_sigmoid_backward_bf16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx);
PYACTS_API void pyacts_sparse_sigmoid_exact_f32(size_t n, const float *x, float *y);
PYACTS_API void pyacts_sparse_sigmoid_exact_backward_f32(size_t n, const float *grad, const float *x, float *dx);

/* exponential: exp(x).
   Error: forward 1.05 / 1.05, backward 1.05 / 1.05, backward_y 0 / 0 ULP. */
PYACTS_API void pyacts_exponential_f32(size_t n, const float *x, float *y);
PYACTS_API void pyacts_exponential_backward_f32(size_t n, const float *grad, const float *x, float *dx);
PYACTS_API void pyacts_exponential_backward_y_f32(size_t n, const float *grad, const float *y, float *dx);
PYACTS_API void pyacts_exponential_f64(size_t n, const double *x, double *y);
PYACTS_API void pyacts_exponential_backward_f64(size_t n, const double *grad, const double *x, double *dx);
PYACTS_API void pyacts_exponential_backward_y_f64(size_t n, const double *grad, const double *y, double *dx);
PYACTS_API void pyacts_exponential_f16(size_t n, const uint16_t *x, uint16_t *y);
PYACTS_API void pyacts_exponential_backward_f16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx);
PYACTS_API void pyacts_exponential_backward_y_f16(size_t n, const uint16_t *grad, const uint16_t *y, uint16_t *dx);
PYACTS_API void pyacts_exponential_bf16(size_t n, const uint16_t *x, uint16_t *y);
PYACTS_API void pyacts_exponential_backward_bf16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx);
PYACTS_API void pyacts_exponential_backward_y_bf16(size_t n, const uint16_t *grad, const uint16_t *y, uint16_t *dx);
PYACTS_API void pyacts_exponential_exact_f32(size_t n, const float *x, float *y);
PYACTS_API void pyacts_exponential_exact_backward_f32(size_t n, const float *grad, const float *x, float *dx);
PYACTS_API void pyacts_exponential_exact_backward_y_f32(size_t n, const float *grad, const float *y, float *dx);

/* xielu: alpha_p * x**2 + beta * x for x > 0, alpha_n * (exp(min(x, eps)) - 1 - x) + beta * x for x <= 0.
   alpha_p is at least 0, usually 0.8.
   alpha_n is at least 0, usually 0.8.
   beta is finite, usually 0.5.
   eps is finite, usually -1e-06.
   parameter_grad: dalpha_p[c] = sum of grad * (x**2 for x > 0, else 0), dalpha_n[c] = sum of grad * (exp(min(x, eps)) - 1 - x for x <= 0, else 0), over channel c.
   No backward_y: it is not monotone, so the output does not determine the input.
   Error: forward 1.75 / 2, backward 0.75 / 0.75 ULP. */
PYACTS_API void pyacts_xielu_f32(size_t n, const float *x, float *y, float alpha_p, float alpha_n, float beta, float eps);
PYACTS_API void pyacts_xielu_backward_f32(size_t n, const float *grad, const float *x, float *dx, float alpha_p, float alpha_n, float beta, float eps);
PYACTS_API void pyacts_xielu_parameter_grad_f32(size_t outer, size_t channels, size_t inner, const float *grad, const float *x, const float *alpha_p, const float *alpha_n, const float *beta, const float *eps, float *dalpha_p, float *dalpha_n);
PYACTS_API void pyacts_xielu_f64(size_t n, const double *x, double *y, double alpha_p, double alpha_n, double beta, double eps);
PYACTS_API void pyacts_xielu_backward_f64(size_t n, const double *grad, const double *x, double *dx, double alpha_p, double alpha_n, double beta, double eps);
PYACTS_API void pyacts_xielu_parameter_grad_f64(size_t outer, size_t channels, size_t inner, const double *grad, const double *x, const double *alpha_p, const double *alpha_n, const double *beta, const double *eps, double *dalpha_p, double *dalpha_n);
PYACTS_API void pyacts_xielu_f16(size_t n, const uint16_t *x, uint16_t *y, float alpha_p, float alpha_n, float beta, float eps);
PYACTS_API void pyacts_xielu_backward_f16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx, float alpha_p, float alpha_n, float beta, float eps);
PYACTS_API void pyacts_xielu_parameter_grad_f16(size_t outer, size_t channels, size_t inner, const uint16_t *grad, const uint16_t *x, const float *alpha_p, const float *alpha_n, const float *beta, const float *eps, float *dalpha_p, float *dalpha_n);
PYACTS_API void pyacts_xielu_bf16(size_t n, const uint16_t *x, uint16_t *y, float alpha_p, float alpha_n, float beta, float eps);
PYACTS_API void pyacts_xielu_backward_bf16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx, float alpha_p, float alpha_n, float beta, float eps);
PYACTS_API void pyacts_xielu_parameter_grad_bf16(size_t outer, size_t channels, size_t inner, const uint16_t *grad, const uint16_t *x, const float *alpha_p, const float *alpha_n, const float *beta, const float *eps, float *dalpha_p, float *dalpha_n);
PYACTS_API void pyacts_xielu_exact_f32(size_t n, const float *x, float *y, float alpha_p, float alpha_n, float beta, float eps);
PYACTS_API void pyacts_xielu_exact_backward_f32(size_t n, const float *grad, const float *x, float *dx, float alpha_p, float alpha_n, float beta, float eps);

/* sigmoid: 1 / (1 + exp(-x)).
   Error: forward 2.5 / 1.25, backward 2.75 / 4, backward_y 1.5 / 1.5 ULP. */
PYACTS_API void pyacts_sigmoid_f32(size_t n, const float *x, float *y);
PYACTS_API void pyacts_sigmoid_backward_f32(size_t n, const float *grad, const float *x, float *dx);
PYACTS_API void pyacts_sigmoid_backward_y_f32(size_t n, const float *grad, const float *y, float *dx);
PYACTS_API void pyacts_sigmoid_f64(size_t n, const double *x, double *y);
PYACTS_API void pyacts_sigmoid_backward_f64(size_t n, const double *grad, const double *x, double *dx);
PYACTS_API void pyacts_sigmoid_backward_y_f64(size_t n, const double *grad, const double *y, double *dx);
PYACTS_API void pyacts_sigmoid_f16(size_t n, const uint16_t *x, uint16_t *y);
PYACTS_API void pyacts_sigmoid_backward_f16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx);
PYACTS_API void pyacts_sigmoid_backward_y_f16(size_t n, const uint16_t *grad, const uint16_t *y, uint16_t *dx);
PYACTS_API void pyacts_sigmoid_bf16(size_t n, const uint16_t *x, uint16_t *y);
PYACTS_API void pyacts_sigmoid_backward_bf16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx);
PYACTS_API void pyacts_sigmoid_backward_y_bf16(size_t n, const uint16_t *grad, const uint16_t *y, uint16_t *dx);
PYACTS_API void pyacts_sigmoid_exact_f32(size_t n, const float *x, float *y);
PYACTS_API void pyacts_sigmoid_exact_backward_f32(size_t n, const float *grad, const float *x, float *dx);
PYACTS_API void pyacts_sigmoid_exact_backward_y_f32(size_t n, const float *grad, const float *y, float *dx);

/* tanh: (exp(x) - exp(-x)) / (exp(x) + exp(-x)).
   Error: forward 1.05 / 1.5, backward 2.75 / 4, backward_y 1.5 / 1.5 ULP. */
PYACTS_API void pyacts_tanh_f32(size_t n, const float *x, float *y);
PYACTS_API void pyacts_tanh_backward_f32(size_t n, const float *grad, const float *x, float *dx);
PYACTS_API void pyacts_tanh_backward_y_f32(size_t n, const float *grad, const float *y, float *dx);
PYACTS_API void pyacts_tanh_f64(size_t n, const double *x, double *y);
PYACTS_API void pyacts_tanh_backward_f64(size_t n, const double *grad, const double *x, double *dx);
PYACTS_API void pyacts_tanh_backward_y_f64(size_t n, const double *grad, const double *y, double *dx);
PYACTS_API void pyacts_tanh_f16(size_t n, const uint16_t *x, uint16_t *y);
PYACTS_API void pyacts_tanh_backward_f16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx);
PYACTS_API void pyacts_tanh_backward_y_f16(size_t n, const uint16_t *grad, const uint16_t *y, uint16_t *dx);
PYACTS_API void pyacts_tanh_bf16(size_t n, const uint16_t *x, uint16_t *y);
PYACTS_API void pyacts_tanh_backward_bf16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx);
PYACTS_API void pyacts_tanh_backward_y_bf16(size_t n, const uint16_t *grad, const uint16_t *y, uint16_t *dx);
PYACTS_API void pyacts_tanh_exact_f32(size_t n, const float *x, float *y);
PYACTS_API void pyacts_tanh_exact_backward_f32(size_t n, const float *grad, const float *x, float *dx);
PYACTS_API void pyacts_tanh_exact_backward_y_f32(size_t n, const float *grad, const float *y, float *dx);

/* scaled_tanh: alpha * (exp(beta * x) - exp(-beta * x)) / (exp(beta * x) + exp(-beta * x)).
   alpha is positive, usually 1.7159.
   beta is positive, usually 0.666667.
   Error: forward 2 / 1.75, backward 3.5 / 2.5, backward_y 1.5 / 1.5 ULP. */
PYACTS_API void pyacts_scaled_tanh_f32(size_t n, const float *x, float *y, float alpha, float beta);
PYACTS_API void pyacts_scaled_tanh_backward_f32(size_t n, const float *grad, const float *x, float *dx, float alpha, float beta);
PYACTS_API void pyacts_scaled_tanh_backward_y_f32(size_t n, const float *grad, const float *y, float *dx, float alpha, float beta);
PYACTS_API void pyacts_scaled_tanh_f64(size_t n, const double *x, double *y, double alpha, double beta);
PYACTS_API void pyacts_scaled_tanh_backward_f64(size_t n, const double *grad, const double *x, double *dx, double alpha, double beta);
PYACTS_API void pyacts_scaled_tanh_backward_y_f64(size_t n, const double *grad, const double *y, double *dx, double alpha, double beta);
PYACTS_API void pyacts_scaled_tanh_f16(size_t n, const uint16_t *x, uint16_t *y, float alpha, float beta);
PYACTS_API void pyacts_scaled_tanh_backward_f16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx, float alpha, float beta);
PYACTS_API void pyacts_scaled_tanh_backward_y_f16(size_t n, const uint16_t *grad, const uint16_t *y, uint16_t *dx, float alpha, float beta);
PYACTS_API void pyacts_scaled_tanh_bf16(size_t n, const uint16_t *x, uint16_t *y, float alpha, float beta);
PYACTS_API void pyacts_scaled_tanh_backward_bf16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx, float alpha, float beta);
PYACTS_API void pyacts_scaled_tanh_backward_y_bf16(size_t n, const uint16_t *grad, const uint16_t *y, uint16_t *dx, float alpha, float beta);
PYACTS_API void pyacts_scaled_tanh_exact_f32(size_t n, const float *x, float *y, float alpha, float beta);
PYACTS_API void pyacts_scaled_tanh_exact_backward_f32(size_t n, const float *grad, const float *x, float *dx, float alpha, float beta);
PYACTS_API void pyacts_scaled_tanh_exact_backward_y_f32(size_t n, const float *grad, const float *y, float *dx, float alpha, float beta);

/* softsign: x / (1 + |x|).
   Error: forward 1.5 / 1.5, backward 3.5 / 3.75, backward_y 2 / 2 ULP. */
PYACTS_API void pyacts_softsign_f32(size_t n, const float *x, float *y);
PYACTS_API void pyacts_softsign_backward_f32(size_t n, const float *grad, const float *x, float *dx);
PYACTS_API void pyacts_softsign_backward_y_f32(size_t n, const float *grad, const float *y, float *dx);
PYACTS_API void pyacts_softsign_f64(size_t n, const double *x, double *y);
PYACTS_API void pyacts_softsign_backward_f64(size_t n, const double *grad, const double *x, double *dx);
PYACTS_API void pyacts_softsign_backward_y_f64(size_t n, const double *grad, const double *y, double *dx);
PYACTS_API void pyacts_softsign_f16(size_t n, const uint16_t *x, uint16_t *y);
PYACTS_API void pyacts_softsign_backward_f16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx);
PYACTS_API void pyacts_softsign_backward_y_f16(size_t n, const uint16_t *grad, const uint16_t *y, uint16_t *dx);
PYACTS_API void pyacts_softsign_bf16(size_t n, const uint16_t *x, uint16_t *y);
PYACTS_API void pyacts_softsign_backward_bf16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx);
PYACTS_API void pyacts_softsign_backward_y_bf16(size_t n, const uint16_t *grad, const uint16_t *y, uint16_t *dx);
PYACTS_API void pyacts_softsign_exact_f32(size_t n, const float *x, float *y);
PYACTS_API void pyacts_softsign_exact_backward_f32(size_t n, const float *grad, const float *x, float *dx);
PYACTS_API void pyacts_softsign_exact_backward_y_f32(size_t n, const float *grad, const float *y, float *dx);

/* step: 1 for x > 0, alpha for x <= 0.
   alpha is finite, usually 0.
   No backward_y: the derivative is zero, whatever the output.
   Exact. */
PYACTS_API void pyacts_step_f32(size_t n, const float *x, float *y, float alpha);
PYACTS_API void pyacts_step_backward_f32(size_t n, const float *grad, const float *x, float *dx, float alpha);
PYACTS_API void pyacts_step_f64(size_t n, const double *x, double *y, double alpha);
PYACTS_API void pyacts_step_backward_f64(size_t n, const double *grad, const double *x, double *dx, double alpha);
PYACTS_API void pyacts_step_f16(size_t n, const uint16_t *x, uint16_t *y, float alpha);
PYACTS_API void pyacts_step_backward_f16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx, float alpha);
PYACTS_API void pyacts_step_bf16(size_t n, const uint16_t *x, uint16_t *y, float alpha);
PYACTS_API void pyacts_step_backward_bf16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx, float alpha);
PYACTS_API void pyacts_step_exact_f32(size_t n, const float *x, float *y, float alpha);
PYACTS_API void pyacts_step_exact_backward_f32(size_t n, const float *grad, const float *x, float *dx, float alpha);

/* silu: x / (1 + exp(-beta * x)).
   beta is finite, usually 1.
   parameter_grad: dbeta[c] = sum of grad * (x**2 * s * (1 - s) with s = 1 / (1 + exp(-beta * x))), over channel c.
   No backward_y: it is not monotone, so the output does not determine the input.
   Error: forward 2.75 / 2, backward 4 / 5 ULP. */
PYACTS_API void pyacts_silu_f32(size_t n, const float *x, float *y, float beta);
PYACTS_API void pyacts_silu_backward_f32(size_t n, const float *grad, const float *x, float *dx, float beta);
PYACTS_API void pyacts_silu_parameter_grad_f32(size_t outer, size_t channels, size_t inner, const float *grad, const float *x, const float *beta, float *dbeta);
PYACTS_API void pyacts_silu_f64(size_t n, const double *x, double *y, double beta);
PYACTS_API void pyacts_silu_backward_f64(size_t n, const double *grad, const double *x, double *dx, double beta);
PYACTS_API void pyacts_silu_parameter_grad_f64(size_t outer, size_t channels, size_t inner, const double *grad, const double *x, const double *beta, double *dbeta);
PYACTS_API void pyacts_silu_f16(size_t n, const uint16_t *x, uint16_t *y, float beta);
PYACTS_API void pyacts_silu_backward_f16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx, float beta);
PYACTS_API void pyacts_silu_parameter_grad_f16(size_t outer, size_t channels, size_t inner, const uint16_t *grad, const uint16_t *x, const float *beta, float *dbeta);
PYACTS_API void pyacts_silu_bf16(size_t n, const uint16_t *x, uint16_t *y, float beta);
PYACTS_API void pyacts_silu_backward_bf16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx, float beta);
PYACTS_API void pyacts_silu_parameter_grad_bf16(size_t outer, size_t channels, size_t inner, const uint16_t *grad, const uint16_t *x, const float *beta, float *dbeta);
PYACTS_API void pyacts_silu_exact_f32(size_t n, const float *x, float *y, float beta);
PYACTS_API void pyacts_silu_exact_backward_f32(size_t n, const float *grad, const float *x, float *dx, float beta);

/* quick_gelu: x / (1 + exp(-1.702 * x)).
   No backward_y: it is not monotone, so the output does not determine the input.
   Error: forward 2.75 / 2, backward 3.5 / 4 ULP. */
PYACTS_API void pyacts_quick_gelu_f32(size_t n, const float *x, float *y);
PYACTS_API void pyacts_quick_gelu_backward_f32(size_t n, const float *grad, const float *x, float *dx);
PYACTS_API void pyacts_quick_gelu_f64(size_t n, const double *x, double *y);
PYACTS_API void pyacts_quick_gelu_backward_f64(size_t n, const double *grad, const double *x, double *dx);
PYACTS_API void pyacts_quick_gelu_f16(size_t n, const uint16_t *x, uint16_t *y);
PYACTS_API void pyacts_quick_gelu_backward_f16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx);
PYACTS_API void pyacts_quick_gelu_bf16(size_t n, const uint16_t *x, uint16_t *y);
PYACTS_API void pyacts_quick_gelu_backward_bf16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx);
PYACTS_API void pyacts_quick_gelu_exact_f32(size_t n, const float *x, float *y);
PYACTS_API void pyacts_quick_gelu_exact_backward_f32(size_t n, const float *grad, const float *x, float *dx);

/* gelu: x / 2 * (1 + erf(x / sqrt(2))).
   No backward_y: it is not monotone, so the output does not determine the input.
   Error: forward 4 / 5, backward 3.5 / 4 ULP. */
PYACTS_API void pyacts_gelu_f32(size_t n, const float *x, float *y);
PYACTS_API void pyacts_gelu_backward_f32(size_t n, const float *grad, const float *x, float *dx);
PYACTS_API void pyacts_gelu_f64(size_t n, const double *x, double *y);
PYACTS_API void pyacts_gelu_backward_f64(size_t n, const double *grad, const double *x, double *dx);
PYACTS_API void pyacts_gelu_f16(size_t n, const uint16_t *x, uint16_t *y);
PYACTS_API void pyacts_gelu_backward_f16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx);
PYACTS_API void pyacts_gelu_bf16(size_t n, const uint16_t *x, uint16_t *y);
PYACTS_API void pyacts_gelu_backward_bf16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx);
PYACTS_API void pyacts_gelu_exact_f32(size_t n, const float *x, float *y);
PYACTS_API void pyacts_gelu_exact_backward_f32(size_t n, const float *grad, const float *x, float *dx);

/* gelu_tanh: x / (1 + exp(-2 * sqrt(2 / pi) * (x + 0.044715 * x**3))).
   No backward_y: it is not monotone, so the output does not determine the input.
   Error: forward 2.75 / 2, backward 4 / 4 ULP. */
PYACTS_API void pyacts_gelu_tanh_f32(size_t n, const float *x, float *y);
PYACTS_API void pyacts_gelu_tanh_backward_f32(size_t n, const float *grad, const float *x, float *dx);
PYACTS_API void pyacts_gelu_tanh_f64(size_t n, const double *x, double *y);
PYACTS_API void pyacts_gelu_tanh_backward_f64(size_t n, const double *grad, const double *x, double *dx);
PYACTS_API void pyacts_gelu_tanh_f16(size_t n, const uint16_t *x, uint16_t *y);
PYACTS_API void pyacts_gelu_tanh_backward_f16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx);
PYACTS_API void pyacts_gelu_tanh_bf16(size_t n, const uint16_t *x, uint16_t *y);
PYACTS_API void pyacts_gelu_tanh_backward_bf16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx);
PYACTS_API void pyacts_gelu_tanh_exact_f32(size_t n, const float *x, float *y);
PYACTS_API void pyacts_gelu_tanh_exact_backward_f32(size_t n, const float *grad, const float *x, float *dx);

/* mish: x * tanh(log(1 + exp(x))).
   No backward_y: it is not monotone, so the output does not determine the input.
   Error: forward 4 / 4, backward 4 / 4 ULP. */
PYACTS_API void pyacts_mish_f32(size_t n, const float *x, float *y);
PYACTS_API void pyacts_mish_backward_f32(size_t n, const float *grad, const float *x, float *dx);
PYACTS_API void pyacts_mish_f64(size_t n, const double *x, double *y);
PYACTS_API void pyacts_mish_backward_f64(size_t n, const double *grad, const double *x, double *dx);
PYACTS_API void pyacts_mish_f16(size_t n, const uint16_t *x, uint16_t *y);
PYACTS_API void pyacts_mish_backward_f16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx);
PYACTS_API void pyacts_mish_bf16(size_t n, const uint16_t *x, uint16_t *y);
PYACTS_API void pyacts_mish_backward_bf16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx);
PYACTS_API void pyacts_mish_exact_f32(size_t n, const float *x, float *y);
PYACTS_API void pyacts_mish_exact_backward_f32(size_t n, const float *grad, const float *x, float *dx);

/* dish: x / 2 * (1 + x / sqrt(1 + x**2)).
   No backward_y: it is not monotone, so the output does not determine the input.
   Error: forward 1.75 / 1.75, backward 3.75 / 4 ULP. */
PYACTS_API void pyacts_dish_f32(size_t n, const float *x, float *y);
PYACTS_API void pyacts_dish_backward_f32(size_t n, const float *grad, const float *x, float *dx);
PYACTS_API void pyacts_dish_f64(size_t n, const double *x, double *y);
PYACTS_API void pyacts_dish_backward_f64(size_t n, const double *grad, const double *x, double *dx);
PYACTS_API void pyacts_dish_f16(size_t n, const uint16_t *x, uint16_t *y);
PYACTS_API void pyacts_dish_backward_f16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx);
PYACTS_API void pyacts_dish_bf16(size_t n, const uint16_t *x, uint16_t *y);
PYACTS_API void pyacts_dish_backward_bf16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx);
PYACTS_API void pyacts_dish_exact_f32(size_t n, const float *x, float *y);
PYACTS_API void pyacts_dish_exact_backward_f32(size_t n, const float *grad, const float *x, float *dx);

/* hard_shrink: x for |x| > lambd, 0 for |x| <= lambd.
   lambd is at least 0, usually 0.5.
   Exact. */
PYACTS_API void pyacts_hard_shrink_f32(size_t n, const float *x, float *y, float lambd);
PYACTS_API void pyacts_hard_shrink_backward_f32(size_t n, const float *grad, const float *x, float *dx, float lambd);
PYACTS_API void pyacts_hard_shrink_backward_y_f32(size_t n, const float *grad, const float *y, float *dx, float lambd);
PYACTS_API void pyacts_hard_shrink_f64(size_t n, const double *x, double *y, double lambd);
PYACTS_API void pyacts_hard_shrink_backward_f64(size_t n, const double *grad, const double *x, double *dx, double lambd);
PYACTS_API void pyacts_hard_shrink_backward_y_f64(size_t n, const double *grad, const double *y, double *dx, double lambd);
PYACTS_API void pyacts_hard_shrink_f16(size_t n, const uint16_t *x, uint16_t *y, float lambd);
PYACTS_API void pyacts_hard_shrink_backward_f16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx, float lambd);
PYACTS_API void pyacts_hard_shrink_backward_y_f16(size_t n, const uint16_t *grad, const uint16_t *y, uint16_t *dx, float lambd);
PYACTS_API void pyacts_hard_shrink_bf16(size_t n, const uint16_t *x, uint16_t *y, float lambd);
PYACTS_API void pyacts_hard_shrink_backward_bf16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx, float lambd);
PYACTS_API void pyacts_hard_shrink_backward_y_bf16(size_t n, const uint16_t *grad, const uint16_t *y, uint16_t *dx, float lambd);
PYACTS_API void pyacts_hard_shrink_exact_f32(size_t n, const float *x, float *y, float lambd);
PYACTS_API void pyacts_hard_shrink_exact_backward_f32(size_t n, const float *grad, const float *x, float *dx, float lambd);
PYACTS_API void pyacts_hard_shrink_exact_backward_y_f32(size_t n, const float *grad, const float *y, float *dx, float lambd);

/* soft_shrink: x - lambd for x > lambd, x + lambd for x < -lambd, 0 for |x| <= lambd.
   lambd is at least 0, usually 0.5.
   Error: forward 0.5 / 0.5, backward 0 / 0, backward_y 0 / 0 ULP. */
PYACTS_API void pyacts_soft_shrink_f32(size_t n, const float *x, float *y, float lambd);
PYACTS_API void pyacts_soft_shrink_backward_f32(size_t n, const float *grad, const float *x, float *dx, float lambd);
PYACTS_API void pyacts_soft_shrink_backward_y_f32(size_t n, const float *grad, const float *y, float *dx, float lambd);
PYACTS_API void pyacts_soft_shrink_f64(size_t n, const double *x, double *y, double lambd);
PYACTS_API void pyacts_soft_shrink_backward_f64(size_t n, const double *grad, const double *x, double *dx, double lambd);
PYACTS_API void pyacts_soft_shrink_backward_y_f64(size_t n, const double *grad, const double *y, double *dx, double lambd);
PYACTS_API void pyacts_soft_shrink_f16(size_t n, const uint16_t *x, uint16_t *y, float lambd);
PYACTS_API void pyacts_soft_shrink_backward_f16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx, float lambd);
PYACTS_API void pyacts_soft_shrink_backward_y_f16(size_t n, const uint16_t *grad, const uint16_t *y, uint16_t *dx, float lambd);
PYACTS_API void pyacts_soft_shrink_bf16(size_t n, const uint16_t *x, uint16_t *y, float lambd);
PYACTS_API void pyacts_soft_shrink_backward_bf16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx, float lambd);
PYACTS_API void pyacts_soft_shrink_backward_y_bf16(size_t n, const uint16_t *grad, const uint16_t *y, uint16_t *dx, float lambd);
PYACTS_API void pyacts_soft_shrink_exact_f32(size_t n, const float *x, float *y, float lambd);
PYACTS_API void pyacts_soft_shrink_exact_backward_f32(size_t n, const float *grad, const float *x, float *dx, float lambd);
PYACTS_API void pyacts_soft_shrink_exact_backward_y_f32(size_t n, const float *grad, const float *y, float *dx, float lambd);

/* tanh_shrink: x - (exp(x) - exp(-x)) / (exp(x) + exp(-x)).
   No backward_y: there is no formula for it.
   Error: forward 1.5 / 5, backward 3.5 / 5 ULP. */
PYACTS_API void pyacts_tanh_shrink_f32(size_t n, const float *x, float *y);
PYACTS_API void pyacts_tanh_shrink_backward_f32(size_t n, const float *grad, const float *x, float *dx);
PYACTS_API void pyacts_tanh_shrink_f64(size_t n, const double *x, double *y);
PYACTS_API void pyacts_tanh_shrink_backward_f64(size_t n, const double *grad, const double *x, double *dx);
PYACTS_API void pyacts_tanh_shrink_f16(size_t n, const uint16_t *x, uint16_t *y);
PYACTS_API void pyacts_tanh_shrink_backward_f16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx);
PYACTS_API void pyacts_tanh_shrink_bf16(size_t n, const uint16_t *x, uint16_t *y);
PYACTS_API void pyacts_tanh_shrink_backward_bf16(size_t n, const uint16_t *grad, const uint16_t *x, uint16_t *dx);
PYACTS_API void pyacts_tanh_shrink_exact_f32(size_t n, const float *x, float *y);
PYACTS_API void pyacts_tanh_shrink_exact_backward_f32(size_t n, const float *grad, const float *x, float *dx);

/* glu: up / (1 + exp(-gate)).
   backward: dgate = grad * up * s * (1 - s), dup = grad * s, with s = 1 / (1 + exp(-gate)). The error is that of
   sigmoid and of products: it holds while sigmoid(gate) and grad * up are neither subnormal nor infinite.
   No backward_y: the output does not determine gate and up.
   Error: forward 3.5 / 2.5, backward 5 / 4.25 ULP. */
PYACTS_API void pyacts_glu_f32(size_t n, const float *gate, const float *up, float *y);
PYACTS_API void pyacts_glu_backward_f32(size_t n, const float *grad, const float *gate, const float *up, float *dgate, float *dup);
PYACTS_API void pyacts_glu_f64(size_t n, const double *gate, const double *up, double *y);
PYACTS_API void pyacts_glu_backward_f64(size_t n, const double *grad, const double *gate, const double *up, double *dgate, double *dup);
PYACTS_API void pyacts_glu_f16(size_t n, const uint16_t *gate, const uint16_t *up, uint16_t *y);
PYACTS_API void pyacts_glu_backward_f16(size_t n, const uint16_t *grad, const uint16_t *gate, const uint16_t *up, uint16_t *dgate, uint16_t *dup);
PYACTS_API void pyacts_glu_bf16(size_t n, const uint16_t *gate, const uint16_t *up, uint16_t *y);
PYACTS_API void pyacts_glu_backward_bf16(size_t n, const uint16_t *grad, const uint16_t *gate, const uint16_t *up, uint16_t *dgate, uint16_t *dup);
PYACTS_API void pyacts_glu_exact_f32(size_t n, const float *gate, const float *up, float *y);
PYACTS_API void pyacts_glu_exact_backward_f32(size_t n, const float *grad, const float *gate, const float *up, float *dgate, float *dup);

/* reglu: gate * up for gate > 0, 0 for gate <= 0.
   backward: dgate = grad * up and dup = grad * gate for gate > 0, 0 for gate <= 0. The error is that of relu and
   of products: it holds while relu(gate) and grad * up are neither subnormal nor infinite.
   No backward_y: the output does not determine gate and up.
   Error: forward 0.5 / 0.5, backward 0.5 / 0.5 ULP. */
PYACTS_API void pyacts_reglu_f32(size_t n, const float *gate, const float *up, float *y);
PYACTS_API void pyacts_reglu_backward_f32(size_t n, const float *grad, const float *gate, const float *up, float *dgate, float *dup);
PYACTS_API void pyacts_reglu_f64(size_t n, const double *gate, const double *up, double *y);
PYACTS_API void pyacts_reglu_backward_f64(size_t n, const double *grad, const double *gate, const double *up, double *dgate, double *dup);
PYACTS_API void pyacts_reglu_f16(size_t n, const uint16_t *gate, const uint16_t *up, uint16_t *y);
PYACTS_API void pyacts_reglu_backward_f16(size_t n, const uint16_t *grad, const uint16_t *gate, const uint16_t *up, uint16_t *dgate, uint16_t *dup);
PYACTS_API void pyacts_reglu_bf16(size_t n, const uint16_t *gate, const uint16_t *up, uint16_t *y);
PYACTS_API void pyacts_reglu_backward_bf16(size_t n, const uint16_t *grad, const uint16_t *gate, const uint16_t *up, uint16_t *dgate, uint16_t *dup);
PYACTS_API void pyacts_reglu_exact_f32(size_t n, const float *gate, const float *up, float *y);
PYACTS_API void pyacts_reglu_exact_backward_f32(size_t n, const float *grad, const float *gate, const float *up, float *dgate, float *dup);

/* swiglu: up * gate / (1 + exp(-beta * gate)).
   beta is finite, usually 1.
   backward: dgate = grad * up * s * (1 + beta * gate * (1 - s)), dup = grad * gate * s, with s = 1 / (1 +
   exp(-beta * gate)). The error is that of silu and of products: it holds while silu(gate) and grad * up are
   neither subnormal nor infinite.
   No backward_y: the output does not determine gate and up.
   Error: forward 4 / 3, backward 7.5 / 5.5 ULP. */
PYACTS_API void pyacts_swiglu_f32(size_t n, const float *gate, const float *up, float *y, float beta);
PYACTS_API void pyacts_swiglu_backward_f32(size_t n, const float *grad, const float *gate, const float *up, float *dgate, float *dup, float beta);
PYACTS_API void pyacts_swiglu_f64(size_t n, const double *gate, const double *up, double *y, double beta);
PYACTS_API void pyacts_swiglu_backward_f64(size_t n, const double *grad, const double *gate, const double *up, double *dgate, double *dup, double beta);
PYACTS_API void pyacts_swiglu_f16(size_t n, const uint16_t *gate, const uint16_t *up, uint16_t *y, float beta);
PYACTS_API void pyacts_swiglu_backward_f16(size_t n, const uint16_t *grad, const uint16_t *gate, const uint16_t *up, uint16_t *dgate, uint16_t *dup, float beta);
PYACTS_API void pyacts_swiglu_bf16(size_t n, const uint16_t *gate, const uint16_t *up, uint16_t *y, float beta);
PYACTS_API void pyacts_swiglu_backward_bf16(size_t n, const uint16_t *grad, const uint16_t *gate, const uint16_t *up, uint16_t *dgate, uint16_t *dup, float beta);
PYACTS_API void pyacts_swiglu_exact_f32(size_t n, const float *gate, const float *up, float *y, float beta);
PYACTS_API void pyacts_swiglu_exact_backward_f32(size_t n, const float *grad, const float *gate, const float *up, float *dgate, float *dup, float beta);

/* geglu: up * gate / 2 * (1 + erf(gate / sqrt(2))).
   backward: dgate = grad * up * (p + gate * exp(-gate**2 / 2) / sqrt(2 * pi)), dup = grad * gate * p, with p =
   (1 + erf(gate / sqrt(2))) / 2. The error is that of gelu and of products: it holds while gelu(gate) and grad *
   up are neither subnormal nor infinite.
   No backward_y: the output does not determine gate and up.
   Error: forward 5 / 5.5, backward 7.5 / 5.5 ULP. */
PYACTS_API void pyacts_geglu_f32(size_t n, const float *gate, const float *up, float *y);
PYACTS_API void pyacts_geglu_backward_f32(size_t n, const float *grad, const float *gate, const float *up, float *dgate, float *dup);
PYACTS_API void pyacts_geglu_f64(size_t n, const double *gate, const double *up, double *y);
PYACTS_API void pyacts_geglu_backward_f64(size_t n, const double *grad, const double *gate, const double *up, double *dgate, double *dup);
PYACTS_API void pyacts_geglu_f16(size_t n, const uint16_t *gate, const uint16_t *up, uint16_t *y);
PYACTS_API void pyacts_geglu_backward_f16(size_t n, const uint16_t *grad, const uint16_t *gate, const uint16_t *up, uint16_t *dgate, uint16_t *dup);
PYACTS_API void pyacts_geglu_bf16(size_t n, const uint16_t *gate, const uint16_t *up, uint16_t *y);
PYACTS_API void pyacts_geglu_backward_bf16(size_t n, const uint16_t *grad, const uint16_t *gate, const uint16_t *up, uint16_t *dgate, uint16_t *dup);
PYACTS_API void pyacts_geglu_exact_f32(size_t n, const float *gate, const float *up, float *y);
PYACTS_API void pyacts_geglu_exact_backward_f32(size_t n, const float *grad, const float *gate, const float *up, float *dgate, float *dup);

/* geglu_tanh: up * gate / (1 + exp(-2 * sqrt(2 / pi) * (gate + 0.044715 * gate**3))).
   backward: dgate = grad * up * s * (1 + 2 * sqrt(2 / pi) * (gate + 0.134145 * gate**3) * (1 - s)), dup = grad *
   gate * s, with s = 1 / (1 + exp(-2 * sqrt(2 / pi) * (gate + 0.044715 * gate**3))). The error is that of
   gelu_tanh and of products: it holds while gelu_tanh(gate) and grad * up are neither subnormal nor infinite.
   No backward_y: the output does not determine gate and up.
   Error: forward 4 / 3, backward 7.5 / 5.5 ULP. */
PYACTS_API void pyacts_geglu_tanh_f32(size_t n, const float *gate, const float *up, float *y);
PYACTS_API void pyacts_geglu_tanh_backward_f32(size_t n, const float *grad, const float *gate, const float *up, float *dgate, float *dup);
PYACTS_API void pyacts_geglu_tanh_f64(size_t n, const double *gate, const double *up, double *y);
PYACTS_API void pyacts_geglu_tanh_backward_f64(size_t n, const double *grad, const double *gate, const double *up, double *dgate, double *dup);
PYACTS_API void pyacts_geglu_tanh_f16(size_t n, const uint16_t *gate, const uint16_t *up, uint16_t *y);
PYACTS_API void pyacts_geglu_tanh_backward_f16(size_t n, const uint16_t *grad, const uint16_t *gate, const uint16_t *up, uint16_t *dgate, uint16_t *dup);
PYACTS_API void pyacts_geglu_tanh_bf16(size_t n, const uint16_t *gate, const uint16_t *up, uint16_t *y);
PYACTS_API void pyacts_geglu_tanh_backward_bf16(size_t n, const uint16_t *grad, const uint16_t *gate, const uint16_t *up, uint16_t *dgate, uint16_t *dup);
PYACTS_API void pyacts_geglu_tanh_exact_f32(size_t n, const float *gate, const float *up, float *y);
PYACTS_API void pyacts_geglu_tanh_exact_backward_f32(size_t n, const float *grad, const float *gate, const float *up, float *dgate, float *dup);

/* softmax: exp(x - max(x)) / sum(exp(x - max(x))).
   Along the middle axis of (outer, n, inner) in C order; the rows of a matrix have inner = 1.
   Error: forward 2 / 8, backward_y 4 / 8 ULP. */
PYACTS_API void pyacts_softmax_f32(size_t outer, size_t n, size_t inner, const float *x, float *y, const pyacts_softmax_options *options);
PYACTS_API void pyacts_softmax_backward_y_f32(size_t outer, size_t n, size_t inner, const float *grad, const float *y, float *dx, const pyacts_softmax_options *options);
PYACTS_API void pyacts_softmax_f64(size_t outer, size_t n, size_t inner, const double *x, double *y, const pyacts_softmax_options *options);
PYACTS_API void pyacts_softmax_backward_y_f64(size_t outer, size_t n, size_t inner, const double *grad, const double *y, double *dx, const pyacts_softmax_options *options);
PYACTS_API void pyacts_softmax_f16(size_t outer, size_t n, size_t inner, const uint16_t *x, uint16_t *y, const pyacts_softmax_options *options);
PYACTS_API void pyacts_softmax_backward_y_f16(size_t outer, size_t n, size_t inner, const uint16_t *grad, const uint16_t *y, uint16_t *dx, const pyacts_softmax_options *options);
PYACTS_API void pyacts_softmax_bf16(size_t outer, size_t n, size_t inner, const uint16_t *x, uint16_t *y, const pyacts_softmax_options *options);
PYACTS_API void pyacts_softmax_backward_y_bf16(size_t outer, size_t n, size_t inner, const uint16_t *grad, const uint16_t *y, uint16_t *dx, const pyacts_softmax_options *options);
PYACTS_API void pyacts_softmax_exact_f32(size_t outer, size_t n, size_t inner, const float *x, float *y, const pyacts_softmax_options *options);
PYACTS_API void pyacts_softmax_exact_backward_y_f32(size_t outer, size_t n, size_t inner, const float *grad, const float *y, float *dx, const pyacts_softmax_options *options);

/* softmin: exp(min(x) - x) / sum(exp(min(x) - x)).
   Along the middle axis of (outer, n, inner) in C order; the rows of a matrix have inner = 1.
   Error: forward 2 / 8, backward_y 4 / 8 ULP. */
PYACTS_API void pyacts_softmin_f32(size_t outer, size_t n, size_t inner, const float *x, float *y, const pyacts_softmax_options *options);
PYACTS_API void pyacts_softmin_backward_y_f32(size_t outer, size_t n, size_t inner, const float *grad, const float *y, float *dx, const pyacts_softmax_options *options);
PYACTS_API void pyacts_softmin_f64(size_t outer, size_t n, size_t inner, const double *x, double *y, const pyacts_softmax_options *options);
PYACTS_API void pyacts_softmin_backward_y_f64(size_t outer, size_t n, size_t inner, const double *grad, const double *y, double *dx, const pyacts_softmax_options *options);
PYACTS_API void pyacts_softmin_f16(size_t outer, size_t n, size_t inner, const uint16_t *x, uint16_t *y, const pyacts_softmax_options *options);
PYACTS_API void pyacts_softmin_backward_y_f16(size_t outer, size_t n, size_t inner, const uint16_t *grad, const uint16_t *y, uint16_t *dx, const pyacts_softmax_options *options);
PYACTS_API void pyacts_softmin_bf16(size_t outer, size_t n, size_t inner, const uint16_t *x, uint16_t *y, const pyacts_softmax_options *options);
PYACTS_API void pyacts_softmin_backward_y_bf16(size_t outer, size_t n, size_t inner, const uint16_t *grad, const uint16_t *y, uint16_t *dx, const pyacts_softmax_options *options);
PYACTS_API void pyacts_softmin_exact_f32(size_t outer, size_t n, size_t inner, const float *x, float *y, const pyacts_softmax_options *options);
PYACTS_API void pyacts_softmin_exact_backward_y_f32(size_t outer, size_t n, size_t inner, const float *grad, const float *y, float *dx, const pyacts_softmax_options *options);

/* log_softmax: x - max(x) - log(sum(exp(x - max(x)))).
   Along the middle axis of (outer, n, inner) in C order; the rows of a matrix have inner = 1.
   Error: forward 2 / 8, backward_y 4 / 8 ULP. */
PYACTS_API void pyacts_log_softmax_f32(size_t outer, size_t n, size_t inner, const float *x, float *y, const pyacts_softmax_options *options);
PYACTS_API void pyacts_log_softmax_backward_y_f32(size_t outer, size_t n, size_t inner, const float *grad, const float *y, float *dx, const pyacts_softmax_options *options);
PYACTS_API void pyacts_log_softmax_f64(size_t outer, size_t n, size_t inner, const double *x, double *y, const pyacts_softmax_options *options);
PYACTS_API void pyacts_log_softmax_backward_y_f64(size_t outer, size_t n, size_t inner, const double *grad, const double *y, double *dx, const pyacts_softmax_options *options);
PYACTS_API void pyacts_log_softmax_f16(size_t outer, size_t n, size_t inner, const uint16_t *x, uint16_t *y, const pyacts_softmax_options *options);
PYACTS_API void pyacts_log_softmax_backward_y_f16(size_t outer, size_t n, size_t inner, const uint16_t *grad, const uint16_t *y, uint16_t *dx, const pyacts_softmax_options *options);
PYACTS_API void pyacts_log_softmax_bf16(size_t outer, size_t n, size_t inner, const uint16_t *x, uint16_t *y, const pyacts_softmax_options *options);
PYACTS_API void pyacts_log_softmax_backward_y_bf16(size_t outer, size_t n, size_t inner, const uint16_t *grad, const uint16_t *y, uint16_t *dx, const pyacts_softmax_options *options);
PYACTS_API void pyacts_log_softmax_exact_f32(size_t outer, size_t n, size_t inner, const float *x, float *y, const pyacts_softmax_options *options);
PYACTS_API void pyacts_log_softmax_exact_backward_y_f32(size_t outer, size_t n, size_t inner, const float *grad, const float *y, float *dx, const pyacts_softmax_options *options);

/* logsumexp: max(x) + log(sum(exp(x - max(x)))).
   Along the middle axis of (outer, n, inner) in C order, of which y and grad are (outer, inner).
   No backward_y: that is one number per line, which does not determine the line.
   Error: forward 2 / 8, backward 4 / 10 ULP. */
PYACTS_API void pyacts_logsumexp_f32(size_t outer, size_t n, size_t inner, const float *x, float *y, const pyacts_softmax_options *options);
PYACTS_API void pyacts_logsumexp_backward_f32(size_t outer, size_t n, size_t inner, const float *grad, const float *x, float *dx, const pyacts_softmax_options *options);
PYACTS_API void pyacts_logsumexp_f64(size_t outer, size_t n, size_t inner, const double *x, double *y, const pyacts_softmax_options *options);
PYACTS_API void pyacts_logsumexp_backward_f64(size_t outer, size_t n, size_t inner, const double *grad, const double *x, double *dx, const pyacts_softmax_options *options);
PYACTS_API void pyacts_logsumexp_f16(size_t outer, size_t n, size_t inner, const uint16_t *x, uint16_t *y, const pyacts_softmax_options *options);
PYACTS_API void pyacts_logsumexp_backward_f16(size_t outer, size_t n, size_t inner, const uint16_t *grad, const uint16_t *x, uint16_t *dx, const pyacts_softmax_options *options);
PYACTS_API void pyacts_logsumexp_bf16(size_t outer, size_t n, size_t inner, const uint16_t *x, uint16_t *y, const pyacts_softmax_options *options);
PYACTS_API void pyacts_logsumexp_backward_bf16(size_t outer, size_t n, size_t inner, const uint16_t *grad, const uint16_t *x, uint16_t *dx, const pyacts_softmax_options *options);
PYACTS_API void pyacts_logsumexp_exact_f32(size_t outer, size_t n, size_t inner, const float *x, float *y, const pyacts_softmax_options *options);
PYACTS_API void pyacts_logsumexp_exact_backward_f32(size_t outer, size_t n, size_t inner, const float *grad, const float *x, float *dx, const pyacts_softmax_options *options);

/* sparsemax: max(x - tau, 0), with tau such that the sum is 1.
   options is NULL: there are none yet.
   Along the middle axis of (outer, n, inner) in C order; the rows of a matrix have inner = 1.
   Error: forward 2 / 8, backward_y 4 / 8 ULP. */
PYACTS_API void pyacts_sparsemax_f32(size_t outer, size_t n, size_t inner, const float *x, float *y, const pyacts_softmax_options *options);
PYACTS_API void pyacts_sparsemax_backward_y_f32(size_t outer, size_t n, size_t inner, const float *grad, const float *y, float *dx, const pyacts_softmax_options *options);
PYACTS_API void pyacts_sparsemax_f64(size_t outer, size_t n, size_t inner, const double *x, double *y, const pyacts_softmax_options *options);
PYACTS_API void pyacts_sparsemax_backward_y_f64(size_t outer, size_t n, size_t inner, const double *grad, const double *y, double *dx, const pyacts_softmax_options *options);
PYACTS_API void pyacts_sparsemax_f16(size_t outer, size_t n, size_t inner, const uint16_t *x, uint16_t *y, const pyacts_softmax_options *options);
PYACTS_API void pyacts_sparsemax_backward_y_f16(size_t outer, size_t n, size_t inner, const uint16_t *grad, const uint16_t *y, uint16_t *dx, const pyacts_softmax_options *options);
PYACTS_API void pyacts_sparsemax_bf16(size_t outer, size_t n, size_t inner, const uint16_t *x, uint16_t *y, const pyacts_softmax_options *options);
PYACTS_API void pyacts_sparsemax_backward_y_bf16(size_t outer, size_t n, size_t inner, const uint16_t *grad, const uint16_t *y, uint16_t *dx, const pyacts_softmax_options *options);
PYACTS_API void pyacts_sparsemax_exact_f32(size_t outer, size_t n, size_t inner, const float *x, float *y, const pyacts_softmax_options *options);
PYACTS_API void pyacts_sparsemax_exact_backward_y_f32(size_t outer, size_t n, size_t inner, const float *grad, const float *y, float *dx, const pyacts_softmax_options *options);

/* entmax15: max(x / 2 - tau, 0)**2, with tau such that the sum is 1.
   options is NULL: there are none yet.
   Along the middle axis of (outer, n, inner) in C order; the rows of a matrix have inner = 1.
   Error: forward 2 / 8, backward_y 4 / 8 ULP. */
PYACTS_API void pyacts_entmax15_f32(size_t outer, size_t n, size_t inner, const float *x, float *y, const pyacts_softmax_options *options);
PYACTS_API void pyacts_entmax15_backward_y_f32(size_t outer, size_t n, size_t inner, const float *grad, const float *y, float *dx, const pyacts_softmax_options *options);
PYACTS_API void pyacts_entmax15_f64(size_t outer, size_t n, size_t inner, const double *x, double *y, const pyacts_softmax_options *options);
PYACTS_API void pyacts_entmax15_backward_y_f64(size_t outer, size_t n, size_t inner, const double *grad, const double *y, double *dx, const pyacts_softmax_options *options);
PYACTS_API void pyacts_entmax15_f16(size_t outer, size_t n, size_t inner, const uint16_t *x, uint16_t *y, const pyacts_softmax_options *options);
PYACTS_API void pyacts_entmax15_backward_y_f16(size_t outer, size_t n, size_t inner, const uint16_t *grad, const uint16_t *y, uint16_t *dx, const pyacts_softmax_options *options);
PYACTS_API void pyacts_entmax15_bf16(size_t outer, size_t n, size_t inner, const uint16_t *x, uint16_t *y, const pyacts_softmax_options *options);
PYACTS_API void pyacts_entmax15_backward_y_bf16(size_t outer, size_t n, size_t inner, const uint16_t *grad, const uint16_t *y, uint16_t *dx, const pyacts_softmax_options *options);
PYACTS_API void pyacts_entmax15_exact_f32(size_t outer, size_t n, size_t inner, const float *x, float *y, const pyacts_softmax_options *options);
PYACTS_API void pyacts_entmax15_exact_backward_y_f32(size_t outer, size_t n, size_t inner, const float *grad, const float *y, float *dx, const pyacts_softmax_options *options);

/* hardmax: 1 where x is the first max(x), else 0.
   options is NULL: there are none yet.
   Along the middle axis of (outer, n, inner) in C order; the rows of a matrix have inner = 1.
   Exact. */
PYACTS_API void pyacts_hardmax_f32(size_t outer, size_t n, size_t inner, const float *x, float *y, const pyacts_softmax_options *options);
PYACTS_API void pyacts_hardmax_backward_y_f32(size_t outer, size_t n, size_t inner, const float *grad, const float *y, float *dx, const pyacts_softmax_options *options);
PYACTS_API void pyacts_hardmax_f64(size_t outer, size_t n, size_t inner, const double *x, double *y, const pyacts_softmax_options *options);
PYACTS_API void pyacts_hardmax_backward_y_f64(size_t outer, size_t n, size_t inner, const double *grad, const double *y, double *dx, const pyacts_softmax_options *options);
PYACTS_API void pyacts_hardmax_f16(size_t outer, size_t n, size_t inner, const uint16_t *x, uint16_t *y, const pyacts_softmax_options *options);
PYACTS_API void pyacts_hardmax_backward_y_f16(size_t outer, size_t n, size_t inner, const uint16_t *grad, const uint16_t *y, uint16_t *dx, const pyacts_softmax_options *options);
PYACTS_API void pyacts_hardmax_bf16(size_t outer, size_t n, size_t inner, const uint16_t *x, uint16_t *y, const pyacts_softmax_options *options);
PYACTS_API void pyacts_hardmax_backward_y_bf16(size_t outer, size_t n, size_t inner, const uint16_t *grad, const uint16_t *y, uint16_t *dx, const pyacts_softmax_options *options);
PYACTS_API void pyacts_hardmax_exact_f32(size_t outer, size_t n, size_t inner, const float *x, float *y, const pyacts_softmax_options *options);
PYACTS_API void pyacts_hardmax_exact_backward_y_f32(size_t outer, size_t n, size_t inner, const float *grad, const float *y, float *dx, const pyacts_softmax_options *options);

/* softmax_cross_entropy: -sum(labels * log_softmax(x)).
   Along the middle axis of (outer, n, inner) in C order. A class from 0 to n - 1 for each line is in labels,
   (outer, inner), and any other number there is ignored: loss and gradient 0. Or labels is NULL, and
   probabilities has the shape of x. weight: n numbers, or NULL. loss and grad are (outer, inner).
   No backward_y: the loss does not determine the logits.
   Error: forward 2 / 8, backward 4 / 16 ULP. */
PYACTS_API void pyacts_softmax_cross_entropy_f32(size_t outer, size_t n, size_t inner, const float *x, const int64_t *labels, const float *probabilities, const float *weight, double label_smoothing, float *loss);
PYACTS_API void pyacts_softmax_cross_entropy_backward_f32(size_t outer, size_t n, size_t inner, const float *grad, const float *x, const int64_t *labels, const float *probabilities, const float *weight, double label_smoothing, float *dx);
PYACTS_API void pyacts_softmax_cross_entropy_f64(size_t outer, size_t n, size_t inner, const double *x, const int64_t *labels, const double *probabilities, const double *weight, double label_smoothing, double *loss);
PYACTS_API void pyacts_softmax_cross_entropy_backward_f64(size_t outer, size_t n, size_t inner, const double *grad, const double *x, const int64_t *labels, const double *probabilities, const double *weight, double label_smoothing, double *dx);
PYACTS_API void pyacts_softmax_cross_entropy_f16(size_t outer, size_t n, size_t inner, const uint16_t *x, const int64_t *labels, const uint16_t *probabilities, const float *weight, double label_smoothing, float *loss);
PYACTS_API void pyacts_softmax_cross_entropy_backward_f16(size_t outer, size_t n, size_t inner, const float *grad, const uint16_t *x, const int64_t *labels, const uint16_t *probabilities, const float *weight, double label_smoothing, uint16_t *dx);
PYACTS_API void pyacts_softmax_cross_entropy_bf16(size_t outer, size_t n, size_t inner, const uint16_t *x, const int64_t *labels, const uint16_t *probabilities, const float *weight, double label_smoothing, float *loss);
PYACTS_API void pyacts_softmax_cross_entropy_backward_bf16(size_t outer, size_t n, size_t inner, const float *grad, const uint16_t *x, const int64_t *labels, const uint16_t *probabilities, const float *weight, double label_smoothing, uint16_t *dx);

/* sigmoid_cross_entropy: log(1 + exp(x)) - x * labels.
   labels are from 0 to 1. loss has a number for each; grad is that of their sum.
   No backward_y: the loss does not determine the logit.
   Error: forward 2.5 / 2.5, backward 4 / 4 ULP. */
PYACTS_API void pyacts_sigmoid_cross_entropy_f32(size_t n, const float *x, const float *labels, float *loss);
PYACTS_API void pyacts_sigmoid_cross_entropy_backward_f32(size_t n, double grad, const float *x, const float *labels, float *dx);
PYACTS_API void pyacts_sigmoid_cross_entropy_f64(size_t n, const double *x, const double *labels, double *loss);
PYACTS_API void pyacts_sigmoid_cross_entropy_backward_f64(size_t n, double grad, const double *x, const double *labels, double *dx);
PYACTS_API void pyacts_sigmoid_cross_entropy_f16(size_t n, const uint16_t *x, const uint16_t *labels, uint16_t *loss);
PYACTS_API void pyacts_sigmoid_cross_entropy_backward_f16(size_t n, double grad, const uint16_t *x, const uint16_t *labels, uint16_t *dx);
PYACTS_API void pyacts_sigmoid_cross_entropy_bf16(size_t n, const uint16_t *x, const uint16_t *labels, uint16_t *loss);
PYACTS_API void pyacts_sigmoid_cross_entropy_backward_bf16(size_t n, double grad, const uint16_t *x, const uint16_t *labels, uint16_t *dx);

/* maxout: max(x[k * pool_size : (k + 1) * pool_size]).
   Along the middle axis of (outer, n, inner) in C order, whose length becomes n / pool_size; pool_size >= 1
   divides n. index (may be NULL) receives the place of each maximum in its pool, from 0: backward needs it.
   No backward_y: the place of the maximum is needed, which the forward gives as index.
   Exact. */
PYACTS_API void pyacts_maxout_f32(size_t outer, size_t n, size_t inner, size_t pool_size, const float *x, float *y, size_t *index);
PYACTS_API void pyacts_maxout_backward_f32(size_t outer, size_t n, size_t inner, size_t pool_size, const float *grad, const size_t *index, float *dx);
PYACTS_API void pyacts_maxout_f64(size_t outer, size_t n, size_t inner, size_t pool_size, const double *x, double *y, size_t *index);
PYACTS_API void pyacts_maxout_backward_f64(size_t outer, size_t n, size_t inner, size_t pool_size, const double *grad, const size_t *index, double *dx);
PYACTS_API void pyacts_maxout_f16(size_t outer, size_t n, size_t inner, size_t pool_size, const uint16_t *x, uint16_t *y, size_t *index);
PYACTS_API void pyacts_maxout_backward_f16(size_t outer, size_t n, size_t inner, size_t pool_size, const uint16_t *grad, const size_t *index, uint16_t *dx);
PYACTS_API void pyacts_maxout_bf16(size_t outer, size_t n, size_t inner, size_t pool_size, const uint16_t *x, uint16_t *y, size_t *index);
PYACTS_API void pyacts_maxout_backward_bf16(size_t outer, size_t n, size_t inner, size_t pool_size, const uint16_t *grad, const size_t *index, uint16_t *dx);

/* crelu: concatenate(max(x, 0), max(-x, 0)).
   Along the middle axis of (outer, n, inner) in C order, whose length is 2 n in y and grad. dx = first half of
   grad for x > 0, minus the second half for x < 0, 0 for x = 0.
   Exact. */
PYACTS_API void pyacts_crelu_f32(size_t outer, size_t n, size_t inner, const float *x, float *y);
PYACTS_API void pyacts_crelu_backward_f32(size_t outer, size_t n, size_t inner, const float *grad, const float *x, float *dx);
PYACTS_API void pyacts_crelu_backward_y_f32(size_t outer, size_t n, size_t inner, const float *grad, const float *y, float *dx);
PYACTS_API void pyacts_crelu_f64(size_t outer, size_t n, size_t inner, const double *x, double *y);
PYACTS_API void pyacts_crelu_backward_f64(size_t outer, size_t n, size_t inner, const double *grad, const double *x, double *dx);
PYACTS_API void pyacts_crelu_backward_y_f64(size_t outer, size_t n, size_t inner, const double *grad, const double *y, double *dx);
PYACTS_API void pyacts_crelu_f16(size_t outer, size_t n, size_t inner, const uint16_t *x, uint16_t *y);
PYACTS_API void pyacts_crelu_backward_f16(size_t outer, size_t n, size_t inner, const uint16_t *grad, const uint16_t *x, uint16_t *dx);
PYACTS_API void pyacts_crelu_backward_y_f16(size_t outer, size_t n, size_t inner, const uint16_t *grad, const uint16_t *y, uint16_t *dx);
PYACTS_API void pyacts_crelu_bf16(size_t outer, size_t n, size_t inner, const uint16_t *x, uint16_t *y);
PYACTS_API void pyacts_crelu_backward_bf16(size_t outer, size_t n, size_t inner, const uint16_t *grad, const uint16_t *x, uint16_t *dx);
PYACTS_API void pyacts_crelu_backward_y_bf16(size_t outer, size_t n, size_t inner, const uint16_t *grad, const uint16_t *y, uint16_t *dx);

#ifdef __cplusplus
}
#endif

#endif
