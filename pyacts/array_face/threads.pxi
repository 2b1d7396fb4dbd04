# Who calls a kernel: one thread, or several with a part each. Which there are is pyacts._threads' business.

cdef class Threads:
    cdef public object driver       # driver(function, job, parts) calls function(job, part) in threads; None: have none
    cdef public int everywhere      # how many to use
    cdef public object here         # the same for what runs in this context alone; None for everywhere

    cdef size_t parts(self, size_t n, bint heavy) except? 0:
        """How many parts n elements are worth, at most one for each thread."""
        cdef size_t limit = PARALLEL_FROM[heavy]
        if n <= limit:
            return 1
        here = self.here.get()
        return min(<size_t>(self.everywhere if here is None else here), 2 * n // limit)


cdef Threads own_threads = Threads()
own_threads.everywhere = 1
own_threads.here = ContextVar("threads", default=None)
threads = own_threads               # for pyacts._threads

ctypedef void (*on_part)(const void *job, size_t part, size_t first, size_t count) noexcept nogil

cdef struct Division:               # of work on n units into parts
    on_part call
    const void *job
    size_t n
    size_t step                     # part k begins at unit k * step + lead, the first at 0
    size_t lead
    fenv_t environment              # of the caller: it may have set the rounding, or that subnormals are flushed


cdef void do_part(const Division *division, size_t part) noexcept nogil:
    """What the driver calls."""
    cdef size_t first = part * division.step + division.lead if part else 0
    cdef size_t end = min(division.n, (part + 1) * division.step + division.lead)
    cdef fenv_t own
    if first < end:
        fegetenv(&own)
        fesetenv(&division.environment)
        division.call(division.job, part, first, end - first)
        fesetenv(&own)


cdef int divide(on_part call, const void *job, size_t n, size_t grain, size_t lead, size_t parts) except -1:
    """Do the work on n units in as many parts, which begin at lead + multiples of grain."""
    cdef Division division
    division.call, division.job, division.n, division.lead = call, job, n, lead
    division.step = ((n + parts - 1) // parts + grain - 1) // grain * grain
    fegetenv(&division.environment)
    own_threads.driver(<size_t>&do_part, <size_t>&division, parts)
    return 0


cdef struct Loop:                   # a kernel, as the inner loop of a ufunc has to know it
    pyacts_kernel scalars           # parameters are numbers
    pyacts_kernel arrays            # parameters are arrays
    int n_inputs                    # without the parameters
    int n_outputs
    int n_params
    size_t itemsize                 # of inputs and outputs
    size_t param_size
    bint heavy                      # whether it takes long for what it reads


cdef struct Mapping:                # an elementwise kernel and all that it is called with
    const Loop *loop
    const void *const *inputs
    void *const *outputs
    const double *params


cdef void map_part(const void *job, size_t part, size_t first, size_t count) noexcept nogil:
    cdef const Mapping *mapping = <const Mapping *>job
    cdef const void *inputs[MOST_INPUTS]
    cdef void *outputs[MOST_OUTPUTS]
    cdef int k
    for k in range(mapping.loop.n_inputs):
        inputs[k] = <const char *>mapping.inputs[k] + first * mapping.loop.itemsize
    for k in range(mapping.loop.n_outputs):
        outputs[k] = <char *>mapping.outputs[k] + first * mapping.loop.itemsize
    mapping.loop.scalars(count, inputs, outputs, mapping.params)


cdef bint map_divided(const Loop *loop, size_t n, const void *const *inputs, void *const *outputs,
                      const double *params) except -1:
    """Call an elementwise kernel in several threads, or return False if one is better."""
    cdef Mapping mapping = Mapping(loop, inputs, outputs, params)
    cdef size_t before_line = -<size_t>outputs[0] & (LINE - 1)
    cdef size_t parts = own_threads.parts(n, loop.heavy)
    if parts > 1:
        divide(map_part, &mapping, n, LINE // loop.itemsize, before_line // loop.itemsize, parts)
    return parts > 1


cdef inline int run(const Loop *loop, size_t n, const void *const *inputs, void *const *outputs,
                    const double *params) except -1:
    if n < NOGIL_FROM:
        loop.scalars(n, inputs, outputs, params)
    elif own_threads.driver is None or not map_divided(loop, n, inputs, outputs, params):
        with nogil:
            loop.scalars(n, inputs, outputs, params)
    return 0


cdef struct Lines:                  # how an axis lies in a contiguous array: (outer, n, inner) in C order
    size_t outer
    size_t n
    size_t inner


ctypedef void (*untyped_kernel)() noexcept nogil
ctypedef void (*lines_call)(const void *job, size_t outer, size_t inner, char **arrays,
                            const pyacts_softmax_options *options) noexcept nogil

cdef struct LinesJob:               # a kernel that works on lines, and all that it is called with
    lines_call call
    untyped_kernel kernel
    Lines lines
    bint heavy
    int n_arrays
    char *arrays[MOST_ARRAYS]
    size_t sizes[MOST_ARRAYS]       # bytes that an array has for each of outer
    size_t itemsize                 # of all arrays, if they have the same and the kernel is one of softmax; else 0
    const pyacts_softmax_options *options
    size_t pool_size                # this and what follows only some kernels take
    double number
    const void *shared
    size_t width                    # of the blocks of inner that are copied to scratch
    char *scratch


cdef inline LinesJob lines_job(lines_call call, void *kernel, Lines lines, bint heavy) noexcept:
    """What there is to do without the arrays."""
    cdef LinesJob job
    job.call, job.kernel, job.lines, job.heavy = call, <untyped_kernel>kernel, lines, heavy
    job.itemsize, job.options = 0, NULL
    return job


cdef void outer_part(const void *work, size_t part, size_t first, size_t count) noexcept nogil:
    cdef const LinesJob *job = <const LinesJob *>work
    cdef char *arrays[MOST_ARRAYS]
    cdef pyacts_softmax_options o
    cdef size_t now = count, end = first + count, row
    cdef int k
    while first < end:
        for k in range(job.n_arrays):
            arrays[k] = job.arrays[k] + first * job.sizes[k]
        if job.options == NULL:
            job.call(job, now, job.lines.inner, arrays, NULL)
            return
        o = job.options[0]
        if o.causal_rows:           # the kernel counts rows from 0
            row = first % o.causal_rows
            o.causal_offset += <Py_ssize_t>row
            now = min(end - first, o.causal_rows - row) if row else end - first
        move_options(&o, job.itemsize, first, 0)
        job.call(job, now, job.lines.inner, arrays, &o)
        first += now


cdef void move_options(pyacts_softmax_options *o, Py_ssize_t itemsize, Py_ssize_t outer,
                       Py_ssize_t inner) noexcept nogil:
    """Let the options begin at that place of outer and inner."""
    if o.mask != NULL:
        o.mask += outer * o.mask_strides[0] + inner * o.mask_strides[2]
    if o.bias != NULL:
        o.bias = <const char *>o.bias + (outer * o.bias_strides[0] + inner * o.bias_strides[2]) * itemsize
    if o.sink != NULL:
        o.sink = <const char *>o.sink + (outer * o.sink_strides[0] + inner * o.sink_strides[1]) * max(itemsize, 4)


cdef void inner_part(const void *work, size_t part, size_t first, size_t count) noexcept nogil:
    """A part of inner, for which kernels have no argument: in blocks, which are copied to scratch and back."""
    cdef const LinesJob *job = <const LinesJob *>work
    cdef char *blocks[MOST_ARRAYS]
    cdef pyacts_softmax_options o
    cdef size_t step = job.lines.inner * job.itemsize, outer, at, width, rows = 0
    cdef int k, last = job.n_arrays - 1
    cdef char *place
    for outer in range(job.lines.outer):
        at = first
        while at < first + count:
            width = min(job.width, first + count - at)
            blocks[0] = job.scratch + part * scratch_size(job)
            for k in range(job.n_arrays):
                rows = job.sizes[k] // step
                place = job.arrays[k] + outer * job.sizes[k] + at * job.itemsize
                if k < last:
                    copy_rows(rows, width * job.itemsize, place, step, blocks[k], width * job.itemsize)
                    blocks[k + 1] = blocks[k] + rows * width * job.itemsize
            if job.options == NULL:
                job.call(job, 1, width, blocks, NULL)
            else:
                o = job.options[0]
                move_options(&o, job.itemsize, outer, at)
                job.call(job, 1, width, blocks, &o)
            copy_rows(rows, width * job.itemsize, blocks[last], width * job.itemsize, place, step)
            at += width


cdef inline size_t scratch_size(const LinesJob *job) noexcept nogil:
    return job.n_arrays * job.lines.n * job.width * job.itemsize


cdef inline void copy_rows(size_t rows, size_t size, const char *source, size_t from_step, char *target,
                           size_t to_step) noexcept nogil:
    cdef size_t row
    for row in range(rows):
        memcpy(target + row * to_step, source + row * from_step, size)


cdef int set_arrays(LinesJob *job, list arrays, size_t outer) except -1:
    """Let a job work on arrays in C order, of which some may be None."""
    job.n_arrays = 0
    for array in arrays:
        job.arrays[job.n_arrays] = NULL if array is None else <char *>cnp.PyArray_DATA(array)
        job.sizes[job.n_arrays] = 0 if array is None else array.nbytes // max(outer, 1)
        job.n_arrays += 1
    return 0


cdef int run_lines(LinesJob *job) except -1:
    cdef const Lines *lines = &job.lines
    cdef size_t parts = 1
    if own_threads.driver is not None:
        parts = own_threads.parts(lines.outer * lines.n * lines.inner, job.heavy)
    if 1 < parts <= lines.outer:
        divide(outer_part, job, lines.outer, 1, 0, parts)
        return 0
    if 1 < parts and parts * COLUMNS <= lines.inner and job.itemsize and lines.n <= LINES:
        job.width = max(LINES // lines.n // COLUMNS, 1) * COLUMNS
        job.scratch = <char *>malloc(parts * scratch_size(job))
        if job.scratch != NULL:
            try:
                divide(inner_part, job, lines.inner, COLUMNS, 0, parts)
            finally:
                free(job.scratch)
            return 0
    with nogil:
        job.call(job, lines.outer, lines.inner, <char **>job.arrays, job.options)
    return 0
